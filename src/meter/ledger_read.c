// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "meter/ledger_priv.h"
#include "tls/sha256.h"

static void read_kinds(const struct db_rows *rows, int first, int64_t added[USAGE_KIND_COUNT])
{
    for (int kind = 0; kind < USAGE_KIND_COUNT; kind++)
        added[kind] = db_number_at(rows, first + kind);
}

void ledger_usage(struct ledger *ledger, const struct ledger_query *query, struct db_rows *rows)
{
    const struct db_value values[] = { db_text(query->customer), db_text(query->site),
        db_text(query->pop), db_number(query->from.ms), db_number(query->to.ms) };

    assert(query->by < LEDGER_BY_COUNT);
    db_ask(ledger->db, LEDGER_USAGE + query->by, values, COUNT_OF(values), rows);
}

bool ledger_row_next(struct db_rows *rows, struct ledger_row *row)
{
    if (!db_next(rows))
        return false;
    row->customer = db_bytes_at(rows, 0);
    row->site = db_bytes_at(rows, 1);
    row->pop = db_bytes_at(rows, 2);
    row->at.ms = db_number_at(rows, 3);
    read_kinds(rows, 4, row->added);
    return true;
}

void ledger_entries(struct ledger *ledger, struct slice customer, struct wall from, struct wall to,
    struct db_rows *rows)
{
    const struct db_value values[] = { db_text(customer), db_number(from.ms), db_number(to.ms) };

    db_ask(ledger->db, LEDGER_ENTRIES, values, COUNT_OF(values), rows);
}

bool ledger_entry_next(struct db_rows *rows, struct ledger_entry *entry)
{
    if (!db_next(rows))
        return false;
    entry->node = db_bytes_at(rows, 0);
    entry->sequence = (uint64_t)db_number_at(rows, 1);
    entry->pop = db_bytes_at(rows, 2);
    entry->site = db_bytes_at(rows, 3);
    entry->begin.ms = db_number_at(rows, 4);
    entry->end.ms = db_number_at(rows, 5);
    entry->bytes = db_bytes_at(rows, 6);
    read_kinds(rows, 7, entry->added);
    sha256(entry->bytes, entry->hash);
    return true;
}

void ledger_terms(struct ledger *ledger, struct slice customer, struct wall from, struct wall to,
    struct db_rows *rows)
{
    const struct db_value values[] = { db_text(customer), db_number(from.ms), db_number(to.ms) };

    db_ask(ledger->db, LEDGER_TERMS, values, COUNT_OF(values), rows);
}

bool ledger_term_next(struct db_rows *rows, struct ledger_term *term)
{
    if (!db_next(rows))
        return false;
    term->customer = db_bytes_at(rows, 0);
    term->from.ms = db_number_at(rows, 1);
    term->plan = db_bytes_at(rows, 2);
    return true;
}

void ledger_customers(struct ledger *ledger, struct wall from, struct wall to, struct db_rows *rows)
{
    const struct db_value values[] = { db_number(from.ms), db_number(to.ms) };

    db_ask(ledger->db, LEDGER_CUSTOMERS, values, COUNT_OF(values), rows);
}

void ledger_nodes(struct ledger *ledger, struct db_rows *rows)
{
    db_ask(ledger->db, LEDGER_NODES, NULL, 0, rows);
}

bool ledger_node_next(struct db_rows *rows, struct slice *node, struct settle_position *position)
{
    if (!db_next(rows))
        return false;
    struct slice hash = db_bytes_at(rows, 2);

    *node = db_bytes_at(rows, 0);
    *position = (struct settle_position){ .sequence = (uint64_t)db_number_at(rows, 1) };
    if (hash.length == sizeof position->hash)
        memcpy(position->hash, hash.at, hash.length);
    return true;
}
