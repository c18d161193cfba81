// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * An HTTP request's way through a node: host and path to site and rules, the store, and where that
 * has no answer, the site's origins. One for each node and worker; what the workers share is the
 * node's store and its pool of origin connections.
 *
 *     serve ─ route ─ key ─ store ─┬─ fresh ────────────────► answer from the store
 *                                  ├─ someone fills ─ wait ──► answer while it arrives
 *                                  ├─ nothing, or stale ─ fill, as above
 *                                  └─ not cacheable ────────► pass: origin's answer, through a pipe
 *
 * The request that finds nothing starts a fill and then waits for it like every other: the fill
 * belongs to the worker, not to the visitor, and goes on when the visitor leaves. Only an answer
 * that turns out not to be storable is handed to the visitor who caused it; those who waited ask
 * for themselves, side by side.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "base/counter.h"
#include "base/log.h"
#include "base/slice.h"
#include "cache/store.h"
#include "delivery/routes.h"
#include "http/exchange.h"
#include "io/line_ring.h"
#include "io/snapshot.h"
#include "origin/pool.h"

struct delivery;
struct loop;

#define DELIVERY_COUNTERS(X)                                                                       \
    X(hits, "delivery_requests_total", "outcome=\"hit\"", "Requests for sites, by outcome")        \
    X(stale, "delivery_requests_total", "outcome=\"stale\"", "Requests for sites, by outcome")     \
    X(misses, "delivery_requests_total", "outcome=\"miss\"", "Requests for sites, by outcome")     \
    X(revalidated, "delivery_requests_total", "outcome=\"revalidated\"",                           \
        "Requests for sites, by outcome")                                                          \
    X(collapsed, "delivery_requests_total", "outcome=\"collapsed\"",                               \
        "Requests for sites, by outcome")                                                          \
    X(passed, "delivery_requests_total", "outcome=\"pass\"", "Requests for sites, by outcome")     \
    X(refused, "delivery_requests_total", "outcome=\"refused\"", "Requests for sites, by outcome") \
    X(failed, "delivery_requests_total", "outcome=\"error\"", "Requests for sites, by outcome")    \
    X(redirected, "delivery_requests_total", "outcome=\"redirected\"",                             \
        "Requests for sites, by outcome")                                                          \
    X(probes, "delivery_probes_total", "", "Requests for the probe path")                          \
    X(fills, "delivery_fills_total", "", "Requests to origins for the store")                      \
    X(fill_bytes, "delivery_fill_bytes_total", "", "Body bytes that came from origins to be kept") \
    X(fill_errors, "delivery_fill_errors_total", "", "Fills that ended without a whole response")  \
    X(fill_overruns, "delivery_fill_overruns_total", "",                                           \
        "Fills given up half-way: over the object size or out of memory")                          \
    X(store_full, "delivery_store_full_total", "", "Requests passed: the store had no room")       \
    X(pipe_full, "delivery_pipe_full_total", "", "Requests cut: no memory for bodies under way")   \
    X(loops, "delivery_loops_total", "", "Requests that had passed this network before")

struct delivery_counts {
    DELIVERY_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row delivery_counter_rows[];
extern const size_t delivery_counter_row_count;

/*
 * What the node says of its load to whoever asks the probe path, in the field
 * endpoint-load-metrics. Written by the control thread, read by all workers, each figure by itself.
 */
struct delivery_load {
    _Atomic uint32_t cpu, memory, application; // millionths; memory at most a million
    _Atomic uint32_t rate;                     // thousandths of a request a second
};

#define DELIVERY_LOAD_UNKNOWN UINT32_MAX // is not said

struct delivery_setup {
    struct loop *loop;
    unsigned worker; // index among the process's workers
    unsigned line;   // its lines in the node's usage (meter/usage.h)
    struct store *store;
    struct origin_pool *pool;
    struct log *log;
    struct slice node;                // name; must outlive the delivery
    struct slice cdn_id;              // the network's name in CDN-Loop; likewise
    int64_t pipe_bytes;               // memory of bodies passed through by this worker
    struct line_ring *lines;          // of access logs, from this thread; NULL: none is written
    uint64_t seed;                    // of the lots that are drawn among origins
    const struct delivery_load *load; // NULL: nothing is said; must outlive the delivery
};

/* Nothing is known. */
void delivery_load_init(struct delivery_load *load);

struct delivery *delivery_new(const struct delivery_setup *setup);

/* After its server was freed. Accepts NULL. */
void delivery_free(struct delivery *delivery);

/* For an http_server of the same loop. */
struct http_service *delivery_service(struct delivery *delivery);

/* At the top of each turn: the routes in use, and the root they are part of, which requests that
 * outlive the turn hold. NULL routes: nothing is served. */
void delivery_use(
    struct delivery *delivery, const struct routes *routes, struct snapshot_value *root);

const struct delivery_counts *delivery_counts(const struct delivery *delivery);
