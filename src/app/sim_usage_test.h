// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * For tests: three nodes that count, of which the first keeps the accounts. What they count is made
 * up (app/sim_counting_test.h) and kept beside, so that the books can be compared with it.
 */

#include <ftw.h>

#include "app/settling.h"
#include "app/sim_counting_test.h"
#include "app/sim_steer_test.h"
#include "meter/journal.h"
#include "meter/ledger.h"

enum { BOOKS_NODES = 3, FIRST = 0, SECOND = 1, THIRD = 2 };

static const char BOOKS_NETWORK[] =
    "network: example\n"
    "zone: cdn.test\n"
    "nameservers: [ns1.cdn.test]\n"
    "contact: hostmaster@cdn.test\n"
    "accounts: {node: fra1}\n"
    "plans: {standard: {currency: EUR, monthly: 50.00}}\n"
    "pops:\n"
    "  fra: {nodes: {fra1: {address: 10.0.0.1}}, cache: {memory: 4 MiB}}\n"
    "  nyc: {nodes: {nyc1: {address: 10.0.0.2}}, cache: {memory: 4 MiB}}\n"
    "  sin: {nodes: {sin1: {address: 10.0.0.3}}, cache: {memory: 4 MiB}}\n"
    "customers:\n"
    "  acme:\n"
    "    plan: standard\n"
    "    origins: {one: {address: \"10.0.1.1:80\"}}\n"
    "    sites: {www.test: {steer: [one], probe: {http: /health}}}\n";

struct books {
    struct world *w;
    char folder[64];
    struct usage *usages[BOOKS_NODES];
    struct settling *settlings[BOOKS_NODES];
    bool is_down[BOOKS_NODES];
    size_t keeper;                              // who has the ledger when it starts
    uint64_t counted[BOOKS_NODES][BOOKS_SLOTS]; // hits, over all boots
};

static inline const char *books_ledger(const struct books *b, char path[100])
{
    snprintf(path, 100, "%s/ledger.db", b->folder);
    return path;
}

/* With what its folder and its mapping hold. */
static inline void books_node_start(struct books *b, size_t at)
{
    const struct root *root = node_root(b->w->nodes[at]);
    char folder[100], ledger[100];
    struct usage *usage =
        counting_start(b->folder, root->self->name, &b->w->log, loop_wall(b->w->controls[at]));
    const struct settling_plan plan = { .loop = b->w->controls[at],
        .pool = b->w->pool,
        .log = &b->w->log,
        .node = b->w->nodes[at]->name,
        .pop = root->self->pop->name,
        .folder = folder,
        .ledger = at == b->keeper ? books_ledger(b, ledger) : NULL,
        .usage = usage };

    snprintf(folder, sizeof folder, "%s/usage-%zu", b->folder, at);
    assert_int_equal(settling_new(&plan, root->network, &b->settlings[at]), ERR_NONE);
    world_node_steer(b->w, at);
    steering_settle(b->w->steering[at], b->settlings[at]);
    b->usages[at] = usage;
    b->is_down[at] = false;
}

static inline void books_node_end(struct books *b, size_t at, bool is_power_cut)
{
    usage_close(b->usages[at], is_power_cut);
    steering_free(b->w->steering[at]);
    b->w->steering[at] = NULL;
    settling_free(b->settlings[at]);
    b->settlings[at] = NULL;
    b->is_down[at] = true;
}

/* Without a word, in the middle of whatever it does. */
static inline void books_node_kill(struct books *b, size_t at)
{
    books_node_end(b, at, false);
}

/* What is not on disk is gone. */
static inline void books_node_cut_power(struct books *b, size_t at)
{
    books_node_end(b, at, true);
}

static inline struct books *books_open(uint64_t seed)
{
    struct books *b = mem_new(struct books);

    fprintf(stderr, "seed %llu\r", (unsigned long long)seed);
    b->w = world_prepared(seed, BOOKS_NETWORK);
    assert_int_equal(pool_new(0, WORLD_NODES_MAX, &b->w->pool), ERR_NONE);
    b->w->hub = bus_hub_new();
    snprintf(b->folder, sizeof b->folder, "/tmp/waypost-books-XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    for (size_t i = 0; i < BOOKS_NODES; i++)
        books_node_start(b, i);
    sim_run_for(b->w->sim, span_ms(1 + (int64_t)sim_draw(b->w->sim, 15000)));
    return b;
}

static inline int books_remove(
    const char *path, const struct stat *facts, int kind, struct FTW *place)
{
    (void)facts;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline void books_close(struct books *b)
{
    for (size_t i = 0; i < BOOKS_NODES; i++)
        if (!b->is_down[i])
            books_node_kill(b, i);
    assert_int_equal(nftw(b->folder, books_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
    world_close(b->w);
    mem_free(b);
}

static inline void books_count(struct books *b, size_t node, size_t slot, uint64_t hits)
{
    counting_count(b->usages[node], slot, (unsigned)sim_draw(b->w->sim, BOOKS_WORKERS), hits);
    b->counted[node][slot] += hits;
}

/* Time goes by, and nodes that are up have visitors at any moment of it. */
static inline void books_run(struct books *b, struct span time)
{
    struct instant end = instant_after(sim_now(b->w->sim), time);

    while (sim_now(b->w->sim).ns < end.ns) {
        size_t node = sim_draw(b->w->sim, BOOKS_NODES);

        if (!b->is_down[node])
            books_count(b, node, sim_draw(b->w->sim, BOOKS_SLOTS), 1 + sim_draw(b->w->sim, 9));
        sim_run_for(b->w->sim, span_us(1 + (int64_t)sim_draw(b->w->sim, 900000)));
    }
}

static inline uint64_t books_counted(const struct books *b, size_t slot)
{
    uint64_t hits = 0;

    for (size_t i = 0; i < BOOKS_NODES; i++)
        hits += b->counted[i][slot];
    return hits;
}

/* Hits of each slot, as the ledger has them; and that it is whole. */
static inline void books_read(const struct books *b, uint64_t hits[BOOKS_SLOTS])
{
    const struct ledger_query query = { .to = { INT64_MAX }, .by = LEDGER_BY_SITE };
    struct ledger *ledger = NULL;
    struct diag why = { 0 };
    struct ledger_row row;
    struct db_rows rows;
    char path[100];

    if (ledger_open(books_ledger(b, path), &ledger, &why) != ERR_NONE ||
        ledger_audit(ledger, &why) != ERR_NONE)
        fail_msg("%s", why.text);
    memset(hits, 0, BOOKS_SLOTS * sizeof *hits);
    ledger_usage(ledger, &query, &rows);
    while (ledger_row_next(&rows, &row))
        for (size_t i = 0; i < BOOKS_SLOTS; i++)
            if (slice_equal(row.site, slice_text(BOOKS_SITES[i].site))) {
                assert_true(slice_equal(row.customer, slice_text(BOOKS_SITES[i].customer)));
                assert_int_equal(row.added[USAGE_SENT_BYTES], 1000 * row.added[USAGE_HIT]);
                hits[i] = (uint64_t)row.added[USAGE_HIT];
            }
    assert_int_equal(db_end(&rows, NULL), ERR_NONE);
    ledger_close(ledger);
}

/* Nobody comes any more: what was counted is what is billed, no more and no less. */
static inline void books_balance(struct books *b, struct span within)
{
    uint64_t hits[BOOKS_SLOTS];

    sim_run_for(b->w->sim, within);
    books_read(b, hits);
    for (size_t i = 0; i < BOOKS_SLOTS; i++)
        assert_int_equal(hits[i], books_counted(b, i));
}
