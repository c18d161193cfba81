// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What a node knows of each origin, shared by its workers: idle connections to use again, how many
 * requests are with it and how soon it answers, and whether it has just failed. Idle connections
 * lie outside all loops, so that whichever worker misses next finds them. The lock is never held
 * across a system call.
 *
 * An origin is named by its address; the pool outlives configurations. A failed one is to be
 * avoided for a while, longer with each failure in a row, so that a dead origin does not cost
 * every miss a time-out; when the while is over, one request finds out for all. Requests that
 * were under way together fail as one.
 *
 * One request is: origin_pool_begin, origin_pool_note when its answer's head came or it failed,
 * origin_pool_end.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"

struct origin_pool;
struct stream;
struct tls_name;

enum {
    ORIGIN_POOL_ORIGINS_MAX = 4096, // known at a time; of more, the longest unused is forgotten
    ORIGIN_POOL_IDLE_MAX = 64,      // idle connections of one origin
};

struct origin_pool_stats {
    uint64_t idle, origins;               // now
    uint64_t reused, given, full, failed; // totals; full: closed since the list was
    uint64_t forgotten;                   // likewise: origins beyond ORIGIN_POOL_ORIGINS_MAX
};

struct origin_pool *origin_pool_new(void);

/* Closes what is idle. Accepts NULL. */
void origin_pool_free(struct origin_pool *pool);

/*
 * A request is with the origin until origin_pool_end. With `reuses`, the connection that was kept
 * last of those with such TLS (or none), unless it is older than the idle time; NULL when there is
 * none. Without `reuses` (NULL): none.
 */
struct stream *origin_pool_begin(struct origin_pool *pool, const struct endpoint *origin,
    struct instant now, const struct tls_name *reuses);

/* Keeps a detached stream (*stream becomes NULL), or closes it when the list is full. NULL in
 * *stream: the connection is not to be used again. */
void origin_pool_end(struct origin_pool *pool, const struct endpoint *origin, struct instant now,
    struct stream **stream);

/* What came of asking an origin. */
struct origin_outcome {
    enum err err; // ERR_NONE: it answered
    int status;   // with ERR_NONE
    struct instant began, now;
    struct wall at;
    bool had_body; // the request: what it took says more of the visitor than of the origin
};

/* An error, or an answer that origin_status_is_failure, counts as a failure, and as an answer that
 * took no less than a second. */
void origin_pool_note(
    struct origin_pool *pool, const struct endpoint *origin, const struct origin_outcome *outcome);

/* 500, 502, 503, 504: the origin itself says that it cannot. */
bool origin_status_is_failure(int status);

/* What is known of one origin. */
struct origin_record {
    uint64_t asked, failed;
    struct origin_outcome last_failure; // good when failed is above 0
};

/* Zeroed for one that was never asked. */
void origin_pool_record(
    struct origin_pool *pool, const struct endpoint *origin, struct origin_record *record);

/* How one origin does. */
struct origin_load {
    const struct endpoint *origin; // whose; set by the caller, the rest is written
    uint32_t in_flight;
    int64_t response_us; // smoothed; 0: not known
    bool is_avoided;     // it failed lately: to be asked after the others
};

/* Of several, under one hold of the lock. */
void origin_pool_loads(
    struct origin_pool *pool, struct origin_load *loads, size_t count, struct instant now);

/* Closes connections that were idle for too long; once a second or so. */
void origin_pool_sweep(struct origin_pool *pool, struct instant now);

/* Closes what is idle of one origin, if it is known. */
void origin_pool_close_idle(struct origin_pool *pool, const struct endpoint *origin);

void origin_pool_stats(struct origin_pool *pool, struct origin_pool_stats *stats);
