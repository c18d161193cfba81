// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * For tests: a site of a few targets with one member and one check each, facts that a case sets,
 * and a map that is planned from them epoch after epoch. Two places of clients: in cell 1
 * (10.1.0.0/16) the first target is near, in cell 2 (10.2.0.0/16) the last; cell 0 is nowhere.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/hash.h"
#include "steer/map.h"
#include "steer/pick.h"
#include "steer/prefix_table.h"
#include "steer/terms.h"

enum { PLAN_TARGETS = 10, PLAN_CELLS = 3 };

struct plan_world {
    struct site site;
    struct origin origins[PLAN_TARGETS];
    struct steer_target targets[PLAN_TARGETS];
    struct steer_member members[PLAN_TARGETS];
    uint32_t round_trips_us[PLAN_TARGETS][PLAN_CELLS];
    struct steer_row row;
    const struct steer_row *class;
    uint64_t class_hash;
    _Atomic uint8_t health[PLAN_TARGETS];
    struct checks checks;
    struct geo geo;
    struct geo_cell cells[PLAN_CELLS];
    struct network network;
    struct steer_rows rows;
    struct wall epoch;
    struct check_facts facts[PLAN_TARGETS];
    struct steer_map *map; // the newest
};

/* Balanced, latency and response and errors counted, no places, nothing known. */
static inline void plan_world_init(struct plan_world *w, enum site_policy policy, size_t count)
{
    const struct prefix_entry places[] = { { { { IP_V4, { 10, 1 } }, 16 }, 1 },
        { { { IP_V4, { 10, 2 } }, 16 }, 2 } };

    assert_true(count <= PLAN_TARGETS);
    *w = (struct plan_world){
        .site = { .policy = policy,
            .kind = SITE_STEER,
            .ttl = span_s(20),
            .weigh = { [TERM_LATENCY] = 1, [TERM_RESPONSE] = 1, [TERM_ERRORS] = 1 } },
        .class_hash = 11,
        .checks = { .count = PLAN_TARGETS },
        .epoch = wall_from_s(1700000000),
    };
    for (uint32_t i = 0; i < count; i++) {
        w->targets[i] = (struct steer_target){ .origin = &w->origins[i],
            .hash = hash_mix(i + 77),
            .weight = 1,
            .first_member = i,
            .member_count = 1,
            .ftp_check = CHECK_NONE,
            .round_trips_us = w->round_trips_us[i] };
        w->members[i] = (struct steer_member){
            .hash = i, .check = i, .load_check = CHECK_NONE, .families = STEER_HAS_V4
        };
        w->round_trips_us[i][1] = 10000 + 40000 * i;
        w->round_trips_us[i][2] = 10000 + 40000 * (uint32_t)(count - 1 - i);
    }
    w->row = (struct steer_row){ .site = &w->site,
        .hash = 7,
        .targets = w->targets,
        .count = count,
        .members = w->members,
        .member_count = count };
    w->class = &w->row;
    w->cells[1].location.is_set = w->cells[2].location.is_set = true;
    w->geo = (struct geo){ .cells = w->cells, .cell_count = PLAN_CELLS, .hash = 3 };
    assert_true(prefix_table_new(places, 2, &w->geo.table) == ERR_NONE);
    w->rows = (struct steer_rows){ .id = 5,
        .network = &w->network,
        .checks = &w->checks,
        .geo = &w->geo,
        .list = &w->row,
        .count = 1,
        .classes = &w->class,
        .class_count = 1,
        .class_hashes = &w->class_hash,
        .health = w->health };
}

static inline void plan_world_done(struct plan_world *w)
{
    steer_map_free(w->map);
    prefix_table_free(w->geo.table);
}

/* All observers tell this of a target. */
static inline void plan_fact(
    struct plan_world *w, size_t target, enum report_kind kind, int64_t value)
{
    w->facts[target].all[kind] = (struct fact){ .value = value, .measured = value, .sources = 3 };
}

/* Plans the next epoch with the facts as they are. */
static inline const struct steer_map *plan_next(struct plan_world *w)
{
    struct arena arena;
    struct facts *facts;

    arena_init(&arena, 1 << 20);
    facts = arena_alloc(&arena, sizeof *facts + sizeof w->facts);
    w->epoch.ms += STEER_EPOCH_MS;
    facts->epoch = w->epoch;
    facts->count = PLAN_TARGETS;
    memcpy(facts->checks, w->facts, sizeof w->facts);
    struct steer_map *map = steer_plan(&w->rows, &arena, facts, w->map);

    assert_null(arena.block);
    steer_map_free(w->map);
    w->map = map;
    return map;
}

static inline const struct steer_cell *plan_cell(const struct plan_world *w, uint32_t cell)
{
    return steer_map_cell(w->map, &w->row, cell);
}

static inline struct steer_pick plan_pick(const struct plan_world *w, unsigned client)
{
    struct ip ip = ip_v4(10, (uint8_t)(client >> 8), (uint8_t)client, 1);

    return steer_pick(&w->rows, &w->row, w->map, STEER_HAS_V4, &ip);
}
