// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin/json.h"
#include "admin/status.h"
#include "admin/view.h"
#include "base/hash.h"
#include "conf/summary.h"

static uint64_t hash_with(uint64_t hash, uint64_t value)
{
    return hash_mix(hash + value * UINT64_C(0x9e3779b97f4a7c15));
}

/*
 * Equal where clients are led alike: targets are hashed by name, since rows of different nodes
 * list them differently, and the band as a set, since its order decides nothing. Shares that are
 * shed are left out; they move a little in each epoch.
 */
static uint64_t choice_hash(const struct steer_row *row, const struct steer_cell *cell)
{
    uint64_t band = 0, rest = 0;

    for (size_t i = 0; i < cell->count; i++) {
        uint64_t target = row->targets[cell->targets[i]].hash;

        if (i < cell->band)
            band += hash_mix(target + 1); // a sum: in whatever order
        else
            rest = hash_with(rest, target);
    }
    return hash_with(hash_with(band, cell->band), rest);
}

/* As many as the class has of its own. */
static size_t cells_of(const struct steer_map *map, size_t class)
{
    return map->class_is_narrow[class] ? 1 : map->cell_count;
}

/* What the class chooses, told apart by cells while `room` for it is left. */
static json_t *class_json(
    const struct admin_view *v, size_t class, struct arena *arena, size_t *room)
{
    const struct steer_row *row = v->rows->classes[class];
    const size_t count = cells_of(v->map, class);
    bool has_room = count <= *room;
    json_t *object = json_object();
    char id[ADMIN_RELEASE_TEXT_MAX];
    char *digits = arena_alloc(arena, has_room ? count * MAP_HASH_DIGITS + 1 : 1);
    uint64_t all = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t hash = choice_hash(row, &v->map->cells[v->map->class_at[class] + i]);

        all = hash_with(all, hash);
        if (has_room)
            snprintf(digits + i * MAP_HASH_DIGITS, MAP_HASH_DIGITS + 1, "%08" PRIx32,
                (uint32_t)(hash >> 32));
    }
    json_put_number(object, "cell_count", count);
    json_put_text(object, "hash", slice_text(admin_release_text(all, id)));
    if (has_room) {
        json_put_text(object, "cells", slice_of(digits, count * MAP_HASH_DIGITS));
        *room -= count;
    }
    return object;
}

static json_t *classes_json(const struct admin_view *v, struct arena *arena)
{
    json_t *list = json_array();
    size_t room = MAP_CELLS_MAX;

    for (size_t i = 0; v->map != NULL && i < v->map->class_count; i++)
        json_array_append_new(list, class_json(v, i, arena, &room));
    return list;
}

static bool is_down(const struct steer_rows *rows, const struct steer_row *row, size_t target)
{
    const struct steer_target *t = &row->targets[target];

    for (size_t i = 0; i < t->member_count; i++)
        if ((steer_health(rows, row->members[t->first_member + i].check) & STEER_OUT) == 0)
            return false;
    return true;
}

/* What it chooses for clients of whom nothing is known, and what it would pass over. */
static json_t *site_json(const struct admin_view *v, const struct steer_row *row)
{
    json_t *object = json_object(), *choices = json_array(), *down = json_array();
    const struct steer_cell *cell = v->map == NULL ? NULL : steer_map_cell(v->map, row, 0);

    for (size_t i = 0; cell != NULL && i < cell->count; i++) {
        json_t *choice = json_object();

        json_put_text(choice, "target", steer_target_name(&row->targets[cell->targets[i]]));
        json_put_flag(choice, "is_in_band", i < cell->band);
        json_put_real(choice, "shed_share", (double)cell->shed[i] / STEER_SHED_ALL);
        json_array_append_new(choices, choice);
    }
    for (size_t i = 0; i < row->count; i++)
        if (is_down(v->rows, row, i))
            json_array_append_new(down, json_of_text(steer_target_name(&row->targets[i])));
    json_put_text(object, "name", row->site->host);
    json_put_text(object, "kind", slice_text(admin_kind_text(row->site->kind)));
    json_put_text(object, "policy", slice_text(site_policy_text(row->site->policy)));
    json_put_number(object, "class", row->class);
    json_object_set_new(object, "choices", choices);
    json_object_set_new(object, "down", down);
    return object;
}

static json_t *fact_json(const struct admin_view *v, const struct fact *fact, double per)
{
    json_t *object = json_object();

    json_put_real(object, "value", (double)fact->measured / per);
    json_put_real(object, "planned", (double)fact->value / per);
    json_put_real(object, "spread", (double)fact->spread / per);
    json_put_real(object, "age_s", admin_fact_age_s(fact, v->map->epoch, v->now));
    json_put_number(object, "sources", fact->sources);
    return object;
}

/* Adds what the map was made of, as far as anything was known. */
static void add_facts(const struct admin_view *v, json_t *list, size_t at)
{
    const struct check *check = &v->rows->checks->list[at];
    const struct check_facts *facts = &v->map->facts->checks[at];
    char name[CHECK_NAME_MAX], id[ADMIN_RELEASE_TEXT_MAX];

    for (enum report_kind kind = 0; kind < REPORT_KIND_COUNT; kind++) {
        const struct admin_unit unit = admin_unit_of(kind);
        json_t *object;

        if (facts->all[kind].sources == 0)
            continue;
        object = json_object();
        json_put_text(object, "check", slice_text(check_name(check, name)));
        json_put_text(object, "check_id", slice_text(admin_release_text(check->id, id)));
        json_put_text(object, "kind", slice_text(report_kind_text(kind)));
        json_put_text(object, "unit", slice_text(unit.text));
        if (facts->own[kind].sources > 0)
            json_object_set_new(object, "own", fact_json(v, &facts->own[kind], unit.per));
        json_object_set_new(object, "all", fact_json(v, &facts->all[kind], unit.per));
        json_array_append_new(list, object);
    }
}

static void put_facts(const struct admin_view *v, json_t *object)
{
    json_t *list = json_array();
    size_t count = v->map == NULL ? 0 : v->map->facts->count, told;

    for (told = 0; told < count && told < MAP_CHECKS_MAX; told++)
        add_facts(v, list, told);
    json_object_set_new(object, "facts", list);
    json_put_number(object, "checks_left_out", count - told);
}

static void put_sites(const struct admin_view *v, json_t *object)
{
    json_t *list = json_array();
    size_t told;

    for (told = 0; told < v->rows->count && told < MAP_SITES_MAX; told++)
        json_array_append_new(list, site_json(v, &v->rows->list[told]));
    json_object_set_new(object, "sites", list);
    json_put_number(object, "sites_left_out", v->rows->count - told);
}

static json_t *map_json(const struct admin_view *v)
{
    int64_t age_ms = v->now.ms - v->map->epoch.ms;
    json_t *object = json_object();
    char id[ADMIN_RELEASE_TEXT_MAX];

    json_put_text(object, "hash", slice_text(admin_release_text(v->map->hash, id)));
    json_put_text(object, "shared", slice_text(admin_release_text(v->map->shared_hash, id)));
    json_put_time(object, "epoch", v->map->epoch);
    json_put_number(object, "age_s", age_ms < 0 ? 0 : (uint64_t)age_ms / 1000);
    return object;
}

void admin_map_write(const struct admin_view *v, struct arena *arena, struct text *out)
{
    json_t *object = json_object();
    char id[ADMIN_RELEASE_TEXT_MAX];

    assert(v->map == NULL || steer_map_fits(v->map, v->rows));
    json_put_text(object, "node", v->rows->self->name);
    json_put_time(object, "now", v->now);
    json_put_text(object, "release", slice_text(admin_release_text(v->rows->network->hash, id)));
    json_put_text(object, "geo", slice_text(admin_release_text(v->rows->geo->hash, id)));
    if (v->map != NULL)
        json_object_set_new(object, "map", map_json(v));
    put_sites(v, object);
    json_object_set_new(object, "classes", classes_json(v, arena));
    put_facts(v, object);
    json_write(object, out);
}
