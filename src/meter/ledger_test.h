// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For tests: a ledger in memory or in a folder of its own, and nodes that write chains for it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/hash.h"
#include "base/mem.h"
#include "meter/ledger.h"
#include "tls/sha256.h"

enum { CHAIN_MAX = 256, DAY_MS = 86400000, HOUR_MS = 3600000 };

#define NOVEMBER_MS INT64_C(1793491200000) // 2026-11-01T00:00:00Z
#define DECEMBER_MS (NOVEMBER_MS + INT64_C(30) * DAY_MS)

struct place {
    char folder[64], path[80];
    struct ledger *ledger;
};

static inline void place_open(struct place *p)
{
    struct diag why = { 0 };

    if (ledger_open(p->path, &p->ledger, &why) != ERR_NONE)
        fail_msg("%s", why.text);
}

static inline void place_init(struct place *p)
{
    *p = (struct place){ .path = DB_MEMORY };
    place_open(p);
}

static inline void place_init_in_folder(struct place *p)
{
    *p = (struct place){ .folder = "/tmp/waypost-ledger-XXXXXX" };
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->path, sizeof p->path, "%s/ledger.db", p->folder);
    place_open(p);
}

static inline void place_done(struct place *p)
{
    static const char *const ENDINGS[] = { "", "-wal", "-shm" };
    char path[100];

    ledger_close(p->ledger);
    for (size_t i = 0; i < COUNT_OF(ENDINGS) && p->folder[0] != '\0'; i++) {
        snprintf(path, sizeof path, "%s%s", p->path, ENDINGS[i]);
        unlink(path);
    }
    assert_true(p->folder[0] == '\0' || rmdir(p->folder) == 0);
}

/* What a node has written down, from its first entry on. */
struct chain {
    struct slice node, pop;
    char *rooms[CHAIN_MAX];
    struct slice entries[CHAIN_MAX];
    size_t count;
    unsigned char last[USAGE_HASH_SIZE];
};

static inline struct chain chain_of(const char *node, const char *pop)
{
    return (struct chain){ .node = slice_text(node), .pop = slice_text(pop) };
}

/* The entry is given its number, and what stands before it. */
static inline void chain_put(struct chain *c, struct usage_entry entry)
{
    assert_true(c->count < CHAIN_MAX);
    entry.node = c->node;
    entry.pop = c->pop;
    entry.sequence = c->count + 1;
    entry.end.ms = entry.begin.ms + 10000;
    memcpy(entry.before, c->last, sizeof entry.before);
    c->rooms[c->count] = mem_alloc(USAGE_ENTRY_MAX);
    c->entries[c->count] = usage_entry_write(&entry, c->rooms[c->count]);
    sha256(c->entries[c->count++], c->last);
}

/* So many requests and a thousand times as many bytes more, in a boot of their own. */
static inline void chain_add(
    struct chain *c, const char *customer, const char *site, int64_t begin_ms, uint64_t more)
{
    struct usage_entry entry = { .customer = slice_text(customer),
        .site = slice_text(site),
        .boot = c->count + 1,
        .begin = { begin_ms } };

    entry.from.of[USAGE_HIT] = 5;
    entry.to.of[USAGE_HIT] = 5 + more;
    entry.to.of[USAGE_SENT_BYTES] = 1000 * more;
    chain_put(c, entry);
}

/* In a boot of many entries, from these hits to those. */
static inline void chain_go(
    struct chain *c, const char *site, uint64_t boot, uint64_t from, uint64_t to)
{
    struct usage_entry entry = {
        .customer = SLICE("acme"), .site = slice_text(site), .boot = boot, .begin = { NOVEMBER_MS }
    };

    entry.from.of[USAGE_HIT] = from;
    entry.to.of[USAGE_HIT] = to;
    chain_put(c, entry);
}

static inline void chain_done(struct chain *c)
{
    while (c->count > 0)
        mem_free(c->rooms[--c->count]);
}

struct outcome {
    enum err err;
    enum settle_answer answer;
    uint64_t reached;
    struct diag why;
};

/* Entries from..to-1 of the chain, counted from 0. */
static inline struct outcome try_settle(
    struct place *p, const struct chain *c, size_t from, size_t to)
{
    char *room = mem_array(CHAIN_MAX, USAGE_BATCH_ENTRY_MAX);
    struct outcome outcome = { .answer = SETTLE_ANSWER_COUNT };
    struct settle_position position = { 0 };
    size_t length = 0;

    for (size_t i = from; i < to; i++)
        length += usage_batch_put(c->entries[i], room + length);
    outcome.err =
        ledger_settle(p->ledger, &(struct ledger_batch){ c->node, slice_of(room, length) },
            &outcome.answer, &position, &outcome.why);
    mem_free(room);
    outcome.reached = position.sequence;
    return outcome;
}

static inline enum settle_answer settle(
    struct place *p, const struct chain *c, size_t from, size_t to, uint64_t *reached)
{
    const struct outcome outcome = try_settle(p, c, from, to);

    if (outcome.err != ERR_NONE)
        fail_msg("%s", outcome.why.text);
    *reached = outcome.reached;
    return outcome.answer;
}

static inline void settle_all(struct place *p, const struct chain *c)
{
    uint64_t reached = 0;

    assert_int_equal(settle(p, c, 0, c->count, &reached), SETTLE_ALL);
    assert_int_equal(reached, c->count);
}

static inline void audit_is_good(struct place *p)
{
    struct diag why = { 0 };

    if (ledger_audit(p->ledger, &why) != ERR_NONE)
        fail_msg("%s", why.text);
}

/* All hits of a customer, or of everybody; -1 stands for an error. */
static inline int64_t hits_of(struct place *p, const char *customer)
{
    const struct ledger_query query = {
        .customer = slice_text(customer), .to = { INT64_MAX }, .by = LEDGER_BY_CUSTOMER
    };
    struct ledger_row row;
    struct db_rows rows;
    int64_t hits = 0;

    ledger_usage(p->ledger, &query, &rows);
    while (ledger_row_next(&rows, &row))
        hits += row.added[USAGE_HIT];
    return db_end(&rows, NULL) == ERR_NONE ? hits : -1;
}
