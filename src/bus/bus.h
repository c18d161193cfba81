// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The bus: what the nodes of a network tell each other. One interface, two back ends: `local` is
 * the nodes of one process, `nats` those of many machines. One test suite holds both to the same.
 *
 * What goes over these lanes are states, not events: each message says all that its sender holds,
 * so that a lost one is made good by the next, and healing is one exchange. (On BUS_MAPS it is
 * questions and answers: what stays without answer is asked again.) Nobody waits for the bus:
 * publishing queues and returns; a full queue drops the oldest and counts.
 *
 * A bus is one node's end of it, on one loop. A node does not hear itself. Payloads are opaque
 * here; who sent them is told by name, as the sender gave it: whether there is such a node, and
 * whether what it says is sane, the user decides.
 *
 * Limits: BUS_PAYLOAD_MAX bytes a message, BUS_QUEUE_MAX messages each way.
 */

#include <stdbool.h>

#include "base/addr.h"
#include "base/counter.h"
#include "base/err.h"
#include "base/slice.h"

struct bus;
struct bus_hub;
struct bus_user;
struct loop;

enum {
    BUS_PAYLOAD_MAX = 512 * 1024,
    BUS_QUEUE_MAX = 1024,
    BUS_NAME_MAX = 64,
    BUS_SERVERS_MAX = 16
};

enum bus_lane {
    BUS_REPORTS,    // digests of reports, once a second
    BUS_HEARTBEATS, // "I am here", four times a second
    BUS_MAPS,       // what nodes ask each other of their maps, and the answers
    BUS_LANE_COUNT,
};

struct bus_user_ops {
    /* Good for the call. */
    void (*message)(
        struct bus_user *user, enum bus_lane lane, struct slice from, struct slice payload);
    /* The way to the others is there, or is gone (with the reason). First told within the loop's
     * first turns; then on change alone. */
    void (*linked)(struct bus_user *user, bool is_linked, const char *why);
};

struct bus_user {
    const struct bus_user_ops *ops;
};

#define BUS_COUNTERS(X)                                                                      \
    X(sent, "bus_messages_total", "direction=\"out\"", "Messages of the bus")                \
    X(heard, "bus_messages_total", "direction=\"in\"", "Messages of the bus")                \
    X(full_out, "bus_dropped_total", "reason=\"out\"", "Messages dropped: queue out full")   \
    X(full_in, "bus_dropped_total", "reason=\"in\"", "Messages dropped: queue in full")      \
    X(malformed, "bus_dropped_total", "reason=\"malformed\"", "Messages dropped: no sender") \
    X(too_large, "bus_dropped_total", "reason=\"size\"", "Messages dropped: over the limit") \
    X(cut, "bus_cuts_total", "", "Times that the way to the others was lost")

struct bus_counts {
    BUS_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row bus_counter_rows[];
extern const size_t bus_counter_row_count;

/* What the nodes of one process meet at. Their loops may differ (messages are posted). */
struct bus_hub *bus_hub_new(void);
void bus_hub_free(struct bus_hub *hub); // after its buses; accepts NULL

/* For tests and the simulation: from now on `from` is not heard by `to`, or is again. */
void bus_hub_cut(struct bus_hub *hub, struct slice from, struct slice to, bool is_cut);

struct bus *bus_local_open(
    struct bus_hub *hub, struct loop *loop, struct slice node, struct bus_user *user);

struct bus_nats_plan {
    struct slice network; // its name: networks that share a server do not meet
    struct slice node;
    const struct endpoint *servers;
    size_t server_count;
    struct slice user, password, token; // empty: none
    struct slice ca, cert, key;         // files; with ca or is_tls: TLS
    bool is_tls;
};

/*
 * Returns at once, whether a server is there or not; it is tried again and again. One thread of its
 * own calls libnats, and nothing but memory is touched by the loop. ERR_SYSTEM, ERR_CONFIG (a file
 * that cannot be used) with the reason.
 */
[[nodiscard]] enum err bus_nats_open(const struct bus_nats_plan *plan, struct loop *loop,
    struct bus_user *user, struct bus **bus, struct diag *why);

/* Calls back no more. Not from within a callback. Accepts NULL. */
void bus_free(struct bus *bus);

/* Copied. Nothing is told: loss is allowed, and counted. */
void bus_publish(struct bus *bus, enum bus_lane lane, struct slice payload);

bool bus_is_linked(const struct bus *bus);
const struct bus_counts *bus_counts(const struct bus *bus);
