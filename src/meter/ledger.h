// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The ledger: what all nodes have delivered, in the words in which they told it, and which plan
 * held for whom from when. Entries (wire/usage.h) are added and never changed.
 *
 *     entries   each as its node wrote it, and beside it in columns what it says, for whoever asks
 *               the file with a shell of SQL
 *     nodes     of each node the number and hash of its newest entry: what comes must follow it
 *     newest    of each node and site the number of the newest entry that added something
 *     sums      by customer, five minutes, site and pop, kept along with the entries
 *     terms     customer, from when on, the plan's text (meter/plan_text.h)
 *
 * A node's batch is settled in one transaction, with the node's position: it is there wholly and
 * once, however often and in whatever order batches come. An entry counts from where the one before
 * it of its site and boot ended: a node whose journal broke may tell again what it told, under
 * another number, and that is not billed twice. Whoever has the file can prove that it is
 * whole by ledger_audit.
 *
 * Blocks; one thread at a time, as all of db/db.h. Errors are those of db/db.h, with a text.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"
#include "db/db.h"
#include "wire/settle.h"
#include "wire/usage.h"

struct ledger;

#define LEDGER_SLOT_MS INT64_C(300000) // of the sums

/* DB_MEMORY stands for none. ERR_UNSUPPORTED: not a ledger, or one of a later version. */
[[nodiscard]] enum err ledger_open(const char *path, struct ledger **ledger, struct diag *why);

/* Accepts NULL. */
void ledger_close(struct ledger *ledger);

/* How far a node's chain is; zeros where there is none. */
[[nodiscard]] enum err ledger_position(
    struct ledger *ledger, struct slice node, struct settle_position *position, struct diag *why);

struct ledger_batch {
    struct slice node;    // who tells it
    struct slice entries; // in their order, as of usage_batch_put; may be empty
};

/*
 * Settles the entries of a batch up to the first that is refused; *position is that of the node
 * afterwards. Those that are in the ledger already are passed over, if they are the same. On error
 * nothing of the batch is in it.
 */
[[nodiscard]] enum err ledger_settle(struct ledger *ledger, const struct ledger_batch *batch,
    enum settle_answer *answer, struct settle_position *position, struct diag *why);

/*
 * Adds a correction to the chain `node` of corrections, whose number and hash before it are filled
 * in here. The rest of the entry is as it is to be, with its reason. ERR_RANGE: it is not sane, or
 * takes back more than the customer's site used at the pop in that month.
 */
[[nodiscard]] enum err ledger_correct(struct ledger *ledger, const struct usage_entry *correction,
    struct settle_position *position, struct diag *why);

/* How many entries since it was opened told again what was settled; batches that were rolled back
 * count, too. */
uint64_t ledger_told_again(const struct ledger *ledger);

struct ledger_term {
    struct slice customer;
    struct wall from;  // not read by ledger_agree
    struct slice plan; // its text; empty: no plan
};

/*
 * What the release in use says of all customers: who has another plan than before has this one from
 * `now` on, and whom it does not name has none any more. *added: how many terms are new.
 */
[[nodiscard]] enum err ledger_agree(struct ledger *ledger, struct wall now,
    const struct ledger_term *terms, size_t count, size_t *added, struct diag *why);

/* One line for each of these. */
enum ledger_by {
    LEDGER_BY_HOUR,
    LEDGER_BY_DAY,
    LEDGER_BY_MONTH,
    LEDGER_BY_CUSTOMER,
    LEDGER_BY_SITE,
    LEDGER_BY_POP,
    LEDGER_BY_COUNT,
};

struct ledger_query {
    struct slice customer, site, pop; // empty: all
    struct wall from, to;             // begins of five minutes: from <= begin < to
    enum ledger_by by;
};

struct ledger_row {
    struct slice customer, site, pop; // those that it is by (a site is its customer's); else empty
    struct wall at;                   // by time: its begin; else 0
    int64_t added[USAGE_KIND_COUNT];
};

/*
 * Questions: ask, then take rows as long as there are some, then db_end. Slices of a row are good
 * until the next is taken.
 */
void ledger_usage(struct ledger *ledger, const struct ledger_query *query, struct db_rows *rows);
bool ledger_row_next(struct db_rows *rows, struct ledger_row *row);

struct ledger_entry {
    struct slice node, pop, site;
    uint64_t sequence;
    struct wall begin, end;
    int64_t added[USAGE_KIND_COUNT]; // that are counted; below zero in corrections
    unsigned char hash[USAGE_HASH_SIZE];
    struct slice bytes;
};

/* All entries of a customer that begin from `from` on and before `to`, by begin. */
void ledger_entries(struct ledger *ledger, struct slice customer, struct wall from, struct wall to,
    struct db_rows *rows);
bool ledger_entry_next(struct db_rows *rows, struct ledger_entry *entry);

/* The terms of a customer that hold at some time from `from` on and before `to`, by time. */
void ledger_terms(struct ledger *ledger, struct slice customer, struct wall from, struct wall to,
    struct db_rows *rows);
bool ledger_term_next(struct db_rows *rows, struct ledger_term *term);

/* Who used something in that time or had a plan, by name: one slice a row, by db_bytes_at 0. */
void ledger_customers(
    struct ledger *ledger, struct wall from, struct wall to, struct db_rows *rows);

/* All chains and how far they are, those of corrections among them. */
void ledger_nodes(struct ledger *ledger, struct db_rows *rows);
bool ledger_node_next(struct db_rows *rows, struct slice *node, struct settle_position *position);

/*
 * Reads everything: chains are whole and what their entries say, columns and sums agree with the
 * entries. ERR_PARSE with the first thing that does not. Takes its time.
 */
[[nodiscard]] enum err ledger_audit(struct ledger *ledger, struct diag *why);
