// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The orders of a node. Each order of the network's log is applied once and in its turn: purges go
 * to the store's table, drains into a set that steering reads. Then it is written down
 * (app/orders_journal.h), and only when it is on disk does the node's position say so, which
 * heartbeats carry: that is its receipt.
 *
 *     log ── bus ──► orders ──► purges of the store
 *                      │  └───► drains ──► user (steering: rows, this node's own server)
 *                      └─ pool ─► STATE/NODE/orders ──► position ──► user (heartbeats)
 *
 * - Orders that are lost for good (the log reaches back no longer, or another log has begun) may
 *   have been purges of anything: all that is stored becomes stale.
 * - With the bus cut nodes serve what they have. When the log is in reach again, and the node has
 *   not caught up after ORDERS_DOUBT, what was stored before is asked about before it is used,
 *   until it has. Not at once: with each burst of orders the log is a moment ahead, and a bulk of
 *   purges would send every hit to the origins.
 * - What cannot be written is obeyed all the same; it is said loudly, tried again, and there is no
 *   receipt until it is written.
 * - What this version does not know is passed over and counted, and the position moves on.
 * - An order whose id is among those that are kept came twice, and changes nothing.
 *
 * A start applies no purge again: it finds an empty store. Belongs to the control thread.
 */

#include "base/counter.h"
#include "base/err.h"
#include "base/list.h"
#include "base/log.h"
#include "steer/drains.h"
#include "wire/order.h"

struct bus;
struct changes;
struct loop;
struct orders;
struct orders_journal;
struct orders_user;
struct pool;
struct purges;

#define ORDERS_DOUBT span_ms(500)

enum {
    ORDERS_KEPT = 1000,      // of the newest, to be shown
    ORDERS_WAITING_MAX = 64, // given here and not in the log yet; of more the last is refused
};

#define ORDERS_COUNTERS(X)                                                                        \
    X(applied, "orders_total", "result=\"applied\"", "Orders of the log, by what became of them") \
    X(repeated, "orders_total", "result=\"repeated\"",                                            \
        "Orders of the log, by what became of them")                                              \
    X(unknown, "orders_total", "result=\"unknown\"", "Orders of the log, by what became of them") \
    X(refused, "orders_total", "result=\"refused\"", "Orders of the log, by what became of them") \
    X(gaps, "orders_gaps_total", "", "Times that orders were lost for good")                      \
    X(given, "orders_given_total", "", "Orders that were given to this node")                     \
    X(not_taken, "orders_not_taken_total", "", "Of those, the ones that did not reach the log")

struct orders_counts {
    ORDERS_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row orders_counter_rows[];
extern const size_t orders_counter_row_count;

/* How far this node is. */
struct orders_position {
    uint64_t era, number; // of the newest order that is applied and on disk; era 0: none yet
    uint64_t drains;      // drains_hash of those in force after it
};

/* Called from within a turn of the loop, or from orders_take, _gap and _behind. */
struct orders_user_ops {
    /* What is drained has changed. */
    void (*drained)(struct orders_user *user, const struct drains *drains);
    /* orders_position says something else than before. */
    void (*moved)(struct orders_user *user);
};

struct orders_user {
    const struct orders_user_ops *ops;
};

struct orders_plan {
    struct loop *loop;
    struct pool *pool;
    struct log *log;
    struct slice node;       // its name
    struct purges *purges;   // of its store
    struct changes *changes; // where it is put down what was applied; NULL: nowhere
    const char *path; // of the file; NULL: memory alone, and what is applied counts as written
};

/*
 * Reads the file, which blocks: before the loop runs. A torn end is cut off. A file that is broken
 * before its end, or cannot be read, is set aside (PATH.broken) and the log followed from its
 * beginning. Each is logged; none keeps a node from serving. All that the plan names outlives the
 * orders, but for the texts.
 */
struct orders *orders_new(const struct orders_plan *plan);

/* The loop does not run any more, the pool has ended, and the bus was freed. Accepts NULL. */
void orders_free(struct orders *orders);

/* Who is told from now on; NULL: nobody. */
void orders_use(struct orders *orders, struct orders_user *user);

/* Follows the log from where the file ends, and gives orders to it. Before the loop's first turn;
 * once. The bus's user passes the five calls below on. */
void orders_join(struct orders *orders, struct bus *bus);

void orders_take(struct orders *orders, uint64_t era, uint64_t number, struct slice payload);
void orders_gap(struct orders *orders, uint64_t era, uint64_t number);
void orders_behind(struct orders *orders, bool is_behind);
void orders_linked(struct orders *orders, bool is_linked);

/* What became of an order that was given here; passed on as the bus tells it. */
struct orders_answer {
    enum err err;         // ERR_NONE: it is in the log
    uint64_t era, number; // with ERR_NONE
    const char *why;      // else, for people
};

void orders_ordered(struct orders *orders, uint64_t ticket, const struct orders_answer *answer);

/* Embedded in what waits for the answer. */
struct orders_waiter {
    void (*done)(struct orders_waiter *waiter, const struct orders_answer *answer);
    struct list link; // of the orders
    uint64_t ticket;  // likewise
};

/*
 * Gives an order to the log. `done` is called once, perhaps before this returns; never after
 * orders_forget. The order is sane; its id was drawn by the caller.
 */
void orders_give(struct orders *orders, const struct order *order, struct orders_waiter *waiter);
void orders_forget(struct orders *orders, struct orders_waiter *waiter);

struct orders_position orders_position(const struct orders *orders);
bool orders_is_behind(const struct orders *orders);

/* The newest write failed. */
bool orders_is_unwritten(const struct orders *orders);

const struct drains *orders_drained(const struct orders *orders);

/* One of the newest orders. */
struct orders_kept {
    uint64_t era, number;
    struct wall applied; // here
    struct order order;
};

/* At most ORDERS_KEPT, `at` from 0, the newest; NULL beyond the last. Good until the loop turns. */
const struct orders_kept *orders_newest(const struct orders *orders, size_t at);

/*
 * Receipts: a node named by the hash of its name (this one too) said at `at` that it is so far.
 * Of each node the newest steps are kept; the receipt of an order is the first step that reached
 * it, 0: there is none yet (app/receipts.h).
 */
void orders_heard(
    struct orders *orders, uint64_t node, uint64_t era, uint64_t number, struct wall at);
struct wall orders_receipt(
    const struct orders *orders, uint64_t node, uint64_t era, uint64_t number);

const struct orders_counts *orders_counts(const struct orders *orders);

/* What brings them to the disk; NULL: memory alone. */
const struct orders_journal *orders_journal(const struct orders *orders);
