// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "meter/ledger.h"

enum ledger_statement {
    LEDGER_POSITION,     // node
    LEDGER_POSITION_SET, // node, sequence, hash
    LEDGER_NODES,
    LEDGER_ENTRY_ADD,   // node, sequence, pop, customer, site, begin, end, bytes, kinds
    LEDGER_ENTRY_BYTES, // node, sequence
    LEDGER_SUM_ADD,     // customer, slot, site, pop, kinds
    LEDGER_NEWEST,      // node, customer, site
    LEDGER_NEWEST_SET,  // node, customer, site, sequence
    LEDGER_USED,        // customer, site, pop, a time of the month
    LEDGER_ENTRIES,     // customer, from, to
    LEDGER_TERM_ADD,    // customer, from, text
    LEDGER_TERM_NEWEST, // customer
    LEDGER_TERMS_NEWEST,
    LEDGER_TERMS,     // customer, from, to
    LEDGER_CUSTOMERS, // from, to
    LEDGER_AUDIT_ENTRIES,
    LEDGER_AUDIT_COUNTED,
    LEDGER_AUDIT_SUMS,
    LEDGER_USAGE, // of the first enum ledger_by: customer, site, pop, from, to
    LEDGER_STATEMENT_COUNT = LEDGER_USAGE + LEDGER_BY_COUNT,
};

struct ledger {
    struct db *db;
    uint64_t told_again;
};

/* What an entry counts for. */
struct ledger_added {
    int64_t of[USAGE_KIND_COUNT];
    bool is_new;          // something is added
    bool is_partly_known; // less than what it says
};

/*
 * `before` are the bytes of the newest entry of the same node, customer and site that added
 * something, empty where there is none. What both tell of one boot counts once: a node whose
 * journal broke may tell again what is settled.
 */
void ledger_added(const struct usage_entry *entry, struct slice before, struct ledger_added *added);

/* The five minutes in which an entry belongs. */
static inline int64_t ledger_slot_ms(struct wall begin)
{
    return begin.ms - begin.ms % LEDGER_SLOT_MS;
}

/* Commits what was done since db_begin, or takes it back where `err` says that it failed. */
[[nodiscard]] enum err ledger_end(struct ledger *ledger, enum err err, struct diag *why);

/* ledger_sql.c */
extern const struct db_plan ledger_plan; // all but the path
