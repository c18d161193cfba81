// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A node's way from what it counted to what is in the ledger:
 *
 *     totals ── each SETTLING_TICK of UTC ──► closing ──► journal ── on disk ──► batch, by the bus
 *                                                            ▲                         │
 *                                      settled up to there ──┴── answer ◄── accounts ◄─┘
 *
 * On the node that keeps the accounts (app/accounts.h) it is the other end too, for all nodes, and
 * hands its own batches over without the bus. One batch is on its way at a time; without an answer
 * for SETTLING_PATIENCE a question takes its place, which costs next to nothing, until somebody is
 * there again. What was refused is told again, less and less often.
 *
 * Totals of a boot that died are closed first; they are let go when their entries are on disk.
 *
 * `accounts` is taken at the start: without it nothing is journaled, and totals just grow. That
 * another node keeps them from now on is obeyed at once.
 *
 * On the control loop, but for settling_is_written.
 */

#include <stdbool.h>

#include "base/counter.h"
#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"

struct accounts;
struct closing;
struct hearing;
struct journal;
struct loop;
struct network;
struct pool;
struct settling;
struct usage;

#define SETTLING_PATIENCE span_s(3)  // without an answer
#define SETTLING_REST     span_s(60) // between two refusals, at the most

enum {
    SETTLING_TICK_MS = 10000,
    SETTLING_BATCH_BYTES = 64 * 1024, // of entries told at a time
};

#define SETTLING_COUNTERS(X)                                                                    \
    X(batches, "usage_batches_sent_total", "", "Batches of entries told to the ledger's node")  \
    X(answers, "usage_answers_total", "result=\"settled\"", "Answers of the ledger's node")     \
    X(refusals, "usage_answers_total", "result=\"refused\"", "Answers of the ledger's node")    \
    X(unanswered, "usage_unanswered_total", "", "Times that the ledger's node did not answer")  \
    X(late, "usage_intervals_late_total", "", "Intervals left open: entries wait for the disk") \
    X(moved, "usage_batches_misdirected_total", "",                                             \
        "Batches told here that are another's to take")                                         \
    X(strange, "usage_messages_dropped_total", "", "Messages on usage that are none, or not ours")

struct settling_counts {
    SETTLING_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row settling_counter_rows[];
extern const size_t settling_counter_row_count;

/* All of it outlives the settling, but for the texts. */
struct settling_plan {
    struct loop *loop;
    struct pool *pool; // of the journal
    struct log *log;
    struct slice node, pop;
    const char *folder;  // of the journal
    const char *ledger;  // file; NULL: this node does not keep the accounts
    unsigned threads;    // of the ledger: 1; in the simulation 0
    struct usage *usage; // of the node, with what it left when it died
};

/*
 * Of a node in a network that keeps accounts. Reads the journal, which blocks. Nothing else happens
 * before the loop's first turn. ERR_LIMIT and the like: there is no thread to be had.
 */
[[nodiscard]] enum err settling_new(
    const struct settling_plan *plan, const struct network *network, struct settling **settling);

/* By this it talks with others from now on. Before the loop's first turn; once. */
void settling_join(struct settling *settling, struct hearing *hearing);

/* After the hearing, and the pool has ended; the loop does not run any more. What is not on disk is
 * left to the next start. Accepts NULL. */
void settling_free(struct settling *settling);

/* Another release is in use: who keeps the accounts, and the plans of all customers. */
void settling_use(struct settling *settling, const struct network *network);

/* At the end, when nothing more is counted: closes what is open. */
void settling_end(struct settling *settling);

/* All that settling_end closed is on disk. Any thread. */
bool settling_is_written(const struct settling *settling);

/* NULL where this node does not keep them. */
struct accounts *settling_accounts(const struct settling *settling);

const struct closing *settling_closing(const struct settling *settling);
const struct journal *settling_journal(const struct settling *settling);
const struct settling_counts *settling_counts(const struct settling *settling);
