// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * For tests: one node's rows in a network of three pops with a node each, a deliver site (pages), a
 * steer site of two origins (page), one in the order listed, and one with a single origin; three
 * cells of clients, the first nowhere. Facts are drawn, and maps planned from them epoch by epoch.
 */

#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "steer/share.h"

enum { SITE_LISTED, SITE_LONELY, SITE_PAGE, SITE_PAGES, SHARE_SITES };
enum { SHARE_POPS = 3, SHARE_ORIGINS = 2, SHARE_CELLS = 3, SHARE_CHECKS = 16, SHARE_ROOM = 2048 };

struct share_world {
    struct pop pops[SHARE_POPS];
    struct node nodes[SHARE_POPS];
    struct ip addresses[SHARE_POPS];
    struct customer customer;
    struct origin origins[SHARE_ORIGINS];
    const struct origin *listed[SHARE_ORIGINS];
    uint32_t weights[SHARE_ORIGINS];
    struct site sites[SHARE_SITES];
    const struct site *site_list[SHARE_SITES];
    struct network network;
    struct checks *checks;
    struct geo geo;
    struct geo_cell cells[SHARE_CELLS];
    struct steer_rows *rows;
    struct steer_row *list; // of the rows
    struct wall epoch;
    struct check_facts facts[SHARE_CHECKS];
    struct steer_map *map; // the newest
};

static inline void share_places_init(struct share_world *w)
{
    static const struct location AT[SHARE_POPS] = { { 50.11, 8.68, true }, { 40.71, -74.01, true },
        { 1.35, 103.82, true } };
    static const char *const NAMES[SHARE_POPS] = { "fra", "nyc", "sin" };

    for (size_t i = 0; i < SHARE_POPS; i++) {
        w->addresses[i] = ip_v4(192, 0, 2, (uint8_t)i);
        w->nodes[i] = (struct node){ .name = slice_text(NAMES[i]),
            .pop = &w->pops[i],
            .addresses = &w->addresses[i],
            .address_count = 1 };
        w->pops[i] = (struct pop){
            .name = slice_text(NAMES[i]), .location = AT[i], .nodes = &w->nodes[i], .node_count = 1
        };
    }
    for (size_t i = 0; i < SHARE_ORIGINS; i++) {
        w->origins[i] = (struct origin){ .name = i == 0 ? SLICE("one") : SLICE("two"),
            .customer = &w->customer,
            .address = { ip_v4(198, 51, 100, (uint8_t)i), 80 } };
        w->listed[i] = &w->origins[i];
        w->weights[i] = 1;
    }
    w->cells[1].location = (struct location){ 48.1, 11.6, true };
    w->cells[2].location = (struct location){ 22.3, 114.2, true };
    w->geo = (struct geo){ .cells = w->cells, .cell_count = SHARE_CELLS, .hash = 3 };
}

static inline void share_site_init(
    struct share_world *w, size_t at, const char *host, enum site_kind kind, size_t origins)
{
    w->sites[at] = (struct site){ .host = slice_text(host),
        .customer = &w->customer,
        .kind = kind,
        .policy = at == SITE_LISTED ? POLICY_ORDERED : POLICY_BALANCED,
        .origins = w->listed,
        .weights = w->weights,
        .origin_count = origins,
        .first_reserve = origins,
        .ttl = span_s(20),
        .weigh = { [TERM_LATENCY] = 1, [TERM_CPU] = 1 },
        .probe = { .every = span_s(1), .timeout = span_ms(800), .rise = 5, .fall = 4 } };
    w->site_list[at] = &w->sites[at];
}

/* As the node of the pop at `self` sees it. */
static inline void share_world_init(struct share_world *w, size_t self)
{
    *w = (struct share_world){ .customer.name = SLICE("acme"), .epoch = wall_from_s(1700000000) };
    share_places_init(w);
    share_site_init(w, SITE_LISTED, "a.test", SITE_STEER, SHARE_ORIGINS);
    share_site_init(w, SITE_LONELY, "b.test", SITE_STEER, 1);
    share_site_init(w, SITE_PAGE, "c.test", SITE_STEER, SHARE_ORIGINS);
    share_site_init(w, SITE_PAGES, "d.test", SITE_DELIVER, SHARE_ORIGINS);
    w->network = (struct network){ .name = SLICE("example"),
        .zone = SLICE("cdn.test"),
        .hash = 4,
        .pops = w->pops,
        .pop_count = SHARE_POPS,
        .sites = w->site_list,
        .site_count = SHARE_SITES };
    w->checks = checks_new(&w->network);
    assert(w->checks->count <= SHARE_CHECKS);
    w->rows = steer_rows_new(&w->network, &w->nodes[self], w->checks, &w->geo);
    w->list = w->rows->list;
}

static inline void share_world_done(struct share_world *w)
{
    steer_map_free(w->map);
    steer_rows_free(w->rows);
    checks_free(w->checks);
}

static inline const struct steer_row *share_row(const struct share_world *w, size_t site)
{
    return &w->list[site];
}

static inline struct steer_cell *share_cell(const struct share_world *w, size_t site, uint32_t cell)
{
    const struct steer_row *row = share_row(w, site);

    if (w->map->class_is_narrow[row->class])
        cell = 0;
    return &w->map->cells[w->map->class_at[row->class] + cell];
}

static inline uint64_t share_draw(uint64_t *luck, uint64_t most)
{
    return hash_mix(++*luck * UINT64_C(0x9e3779b97f4a7c15)) % most;
}

/* Latency, CPU and load of every check, as all observers tell them. */
static inline void share_world_draw(struct share_world *w, uint64_t seed)
{
    uint64_t luck = seed * 1000;

    for (size_t i = 0; i < SHARE_CHECKS; i++) {
        struct fact *all = w->facts[i].all;

        all[REPORT_LATENCY] = (struct fact){ .value = (int64_t)share_draw(&luck, 60000),
            .spread = (int64_t)share_draw(&luck, 500),
            .sources = 3 };
        all[REPORT_CPU] =
            (struct fact){ .value = (int64_t)share_draw(&luck, 900000), .sources = 3 };
        all[REPORT_LOAD] =
            (struct fact){ .value = (int64_t)share_draw(&luck, 1200000), .sources = 3 };
    }
}

/* So near to each other that the band before decides. */
static inline void share_world_near(struct share_world *w, uint64_t seed)
{
    uint64_t luck = seed * 1000 + 7;

    for (size_t i = 0; i < SHARE_CHECKS; i++) {
        struct fact *all = w->facts[i].all;

        all[REPORT_LATENCY] = (struct fact){
            .value = 20000 + (int64_t)share_draw(&luck, 7000), .spread = 500, .sources = 3
        };
        all[REPORT_CPU] = (struct fact){ .value = (int64_t)share_draw(&luck, 30000), .sources = 3 };
        all[REPORT_LOAD] = (struct fact){ .value = 500000, .sources = 3 };
    }
}

static inline void share_world_plan(struct share_world *w)
{
    struct arena arena;
    struct facts *facts;

    arena_init(&arena, 1 << 20);
    facts = facts_none(&arena, w->checks->count);
    w->epoch.ms += STEER_EPOCH_MS;
    facts->epoch = w->epoch;
    memcpy(facts->checks, w->facts, w->checks->count * sizeof w->facts[0]);
    struct steer_map *map = steer_plan(w->rows, &arena, facts, w->map);

    steer_map_free(w->map);
    w->map = map;
}

/* Whatever a map was made of, it leads to targets that there are. Accepts NULL. */
static inline void share_world_check(const struct share_world *w, const struct steer_map *map)
{
    for (size_t i = 0; map != NULL && i < map->class_count; i++)
        for (uint32_t k = 0; k < (map->class_is_narrow[i] ? 1 : map->cell_count); k++) {
            const struct steer_cell *cell = &map->cells[map->class_at[i] + k];

            assert(cell->count >= 1 && cell->count <= w->rows->classes[i]->count);
            assert(cell->band >= 1 && cell->band <= cell->count);
            for (size_t j = 0; j < cell->count; j++)
                assert(cell->targets[j] < w->rows->classes[i]->count);
        }
}
