// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The bus: what the nodes of a network tell each other. One interface, two back ends: `local` is
 * the nodes of one process, `nats` those of many machines. One test suite holds both to the same.
 *
 * What goes over these lanes are states, not events: each message says all that its sender holds,
 * so that a lost one is made good by the next, and healing is one exchange. (On BUS_MAPS and
 * BUS_USAGE it is questions and answers: what stays without answer is asked again.) Nobody waits
 * for the bus: publishing queues and returns; a full queue drops the oldest and counts.
 *
 * A bus is one node's end of it, on one loop. A node does not hear itself. Payloads are opaque
 * here; who sent them is told by name, as the sender gave it: whether there is such a node, and
 * whether what it says is sane, the user decides.
 *
 * Limits: BUS_PAYLOAD_MAX bytes a message, BUS_QUEUE_MAX messages each way.
 *
 * Orders are events, and go beside the lanes through one log that all nodes follow: numbered from 1
 * without a gap, in the same order for all, told again from wherever a node stopped. A log has an
 * era, which is another one when it was lost and born again. What was thrown away because of the
 * log's limits, or lost with it, is told as a gap; it never just fails to come. An order that is in
 * the log comes to all, its giver among them; one that was refused never does, but for those of
 * ERR_TIMEOUT, where nobody knows.
 *
 * Limits: BUS_ORDER_MAX bytes an order; BUS_ORDERS_WAITING_MAX that wait for an answer, and as many
 * on their way to the user; the log keeps BUS_LOG_MAX orders and BUS_LOG_BYTES_MAX of them.
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
struct pool;

enum {
    BUS_PAYLOAD_MAX = 512 * 1024,
    BUS_QUEUE_MAX = 1024,
    BUS_NAME_MAX = 64,
    BUS_SERVERS_MAX = 16,
    BUS_ORDER_MAX = 16 * 1024,
    BUS_ORDER_ID_SIZE = 16,
    BUS_ORDER_WAIT_MS = 2000, // for the answer to an order
    BUS_ORDERS_WAITING_MAX = 64,
    BUS_LOG_MAX = 100000,
    BUS_LOG_BYTES_MAX = 32 << 20
};

enum bus_lane {
    BUS_REPORTS,    // digests of reports, once a second
    BUS_HEARTBEATS, // "I am here", four times a second
    BUS_MAPS,       // what nodes ask each other of their maps, and the answers
    BUS_USAGE,      // what nodes settle with the one that keeps the accounts, and its answers
    BUS_LANE_COUNT,
};

struct bus_user_ops {
    /* Good for the call. */
    void (*message)(
        struct bus_user *user, enum bus_lane lane, struct slice from, struct slice payload);
    /* The way to the others is there, or is gone (with the reason). First told within the loop's
     * first turns; then on change alone. */
    void (*linked)(struct bus_user *user, bool is_linked, const char *why);

    /* The rest is NULL where the user neither follows the log nor gives orders. */

    /* The next order of the log. Empty: something that none of us wrote has this number. */
    void (*order)(struct bus_user *user, uint64_t era, uint64_t number, struct slice payload);
    /* The next that can be told is `number`, of this era: those between the last one told and it
     * are lost for good, or it is another log. A number that was told before, of the same era, says
     * that the log lost its end. */
    void (*order_gap)(struct bus_user *user, uint64_t era, uint64_t number);
    /* There may be more in the log than was told: the way to it is lost, or it is being told. First
     * told within the loop's first turns; then on change alone. */
    void (*behind)(struct bus_user *user, bool is_behind);
    /* What became of bus_order. ERR_NONE: it has that number; whether it comes by `order` before or
     * after is left open. Else `why`, for people; good for the call. */
    void (*ordered)(struct bus_user *user, uint64_t ticket, enum err err, uint64_t era,
        uint64_t number, const char *why);
};

struct bus_user {
    const struct bus_user_ops *ops;
};

#define BUS_COUNTERS(X)                                                                         \
    X(sent, "bus_messages_total", "direction=\"out\"", "Messages of the bus")                   \
    X(heard, "bus_messages_total", "direction=\"in\"", "Messages of the bus")                   \
    X(full_out, "bus_dropped_total", "reason=\"out\"", "Messages dropped: queue out full")      \
    X(full_in, "bus_dropped_total", "reason=\"in\"", "Messages dropped: queue in full")         \
    X(malformed, "bus_dropped_total", "reason=\"malformed\"", "Messages dropped: no sender")    \
    X(too_large, "bus_dropped_total", "reason=\"size\"", "Messages dropped: over the limit")    \
    X(cut, "bus_cuts_total", "", "Times that the way to the others was lost")                   \
    X(orders_told, "bus_orders_total", "result=\"told\"", "Orders, of the log and to it")       \
    X(orders_given, "bus_orders_total", "result=\"given\"", "Orders, of the log and to it")     \
    X(orders_refused, "bus_orders_total", "result=\"refused\"", "Orders, of the log and to it") \
    X(orders_foreign, "bus_orders_total", "result=\"foreign\"", "Orders, of the log and to it") \
    X(order_gaps, "bus_order_gaps_total", "", "Times that orders were lost for good")           \
    X(behind, "bus_behind_total", "", "Times that the log may have gone on without us")

struct bus_counts {
    BUS_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row bus_counter_rows[];
extern const size_t bus_counter_row_count;

/* What the nodes of one process meet at. Their loops may differ (messages are posted). */
struct bus_hub *bus_hub_new(void);
void bus_hub_free(struct bus_hub *hub); // after its buses; accepts NULL

/* For tests and the simulation: from now on `from` is not heard by `to`, or is again. The log is
 * BUS_LOG here: orders of a node cut from it are refused; answers to one it is cut from get lost.
 */
void bus_hub_cut(struct bus_hub *hub, struct slice from, struct slice to, bool is_cut);
#define BUS_LOG SLICE_NONE

/*
 * Where the hub keeps the log; without, or with NULL, in memory alone. Reads the file, or makes it:
 * blocks, and comes before the first bus. It is written and synced on the pool, which is freed
 * before the hub; `loop`, of which is every answer of the pool, is freed after. An order that was
 * cut short when the process ended is cut off. Where the file is broken, what comes before is used,
 * in another era, with the reason in *why (empty where there is none). ERR_SYSTEM and the like,
 * with the reason: it cannot be read or written.
 */
[[nodiscard]] enum err bus_hub_log(
    struct bus_hub *hub, struct pool *pool, struct loop *loop, const char *path, struct diag *why);

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

/* From here on tells the orders after `number` of that era; era 0: all there are. Once, and before
 * the loop's first turn. */
void bus_follow(struct bus *bus, uint64_t era, uint64_t number);

/*
 * Puts an order, of 1 to BUS_ORDER_MAX bytes, into the log. Copied. `id` is drawn by who gives it:
 * the same one twice is in the log once (NATS: within two minutes), so that asking again is
 * harmless. Answered once, by `ordered`, at most BUS_ORDER_WAIT_MS later: with an error where the
 * log cannot be reached, and then it is not kept for later; with ERR_TIMEOUT where it was sent and
 * nobody can say. ERR_LIMIT, as too many wait already, is answered within this call, all else
 * after.
 */
void bus_order(struct bus *bus, uint64_t ticket, const unsigned char id[BUS_ORDER_ID_SIZE],
    struct slice payload);

bool bus_is_linked(const struct bus *bus);
const struct bus_counts *bus_counts(const struct bus *bus);
