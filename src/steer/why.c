// SPDX-License-Identifier: Apache-2.0
#include "steer/why.h"

#include <assert.h>

#include "base/attr.h"

/* What is asked, and what the plan knew of it. */
struct asker {
    struct arena *arena;
    const struct steer_rows *rows;
    const struct steer_row *row;
    const struct steer_cell *cell; // NULL: no map
    uint32_t cell_at;              // that was planned for: the client's, or 0
    const struct terms *terms;
    struct why *why;
};

static double in_ms(int64_t us)
{
    return (double)us / 1000;
}

static bool is_by_value(const struct steer_row *row)
{
    return row->site->policy != POLICY_ORDERED && row->site->policy != POLICY_WEIGHTED;
}

/* What the policy orders by. */
static double key_ms(const struct steer_row *row, const struct why_candidate *c)
{
    return row->site->policy == POLICY_STRICT ? c->value_ms : c->cost_ms;
}

static int64_t latency_us(const struct asker *a, size_t target)
{
    return terms_latency_us(&a->terms[target], &a->row->targets[target], a->why->basis, a->cell_at);
}

static void terms_show(const struct asker *a, size_t target, struct why_candidate *c)
{
    const struct terms *terms = &a->terms[target];
    const uint16_t *weigh = a->row->site->weigh;
    int64_t cost_us = terms_rest_us(terms, weigh) + weigh[TERM_LATENCY] * latency_us(a, target);

    for (enum site_term i = 0; i < TERM_COUNT; i++)
        c->terms[i] = (struct why_term){ .term = i,
            .ms = in_ms(i == TERM_LATENCY ? latency_us(a, target) : terms->us[i]),
            .weight = weigh[i],
            .fact = terms->facts[i] };
    c->cost_ms = in_ms(cost_us);
    c->load = terms->load == TERMS_UNKNOWN ? -1 : (double)terms->load / 1e6;
    c->pressure = (double)terms_pressure(terms->load) / 1e6;
    c->value_ms = in_ms(terms_value_us(cost_us, terms_pressure(terms->load)));
}

static void members_show(const struct asker *a, struct why_candidate *c)
{
    const struct steer_target *target = c->target;
    struct why_member *members = arena_array(a->arena, target->member_count, sizeof *members);

    for (uint32_t i = 0; i < target->member_count; i++) {
        members[i].member = &a->row->members[target->first_member + i];
        members[i].health = steer_health(a->rows, members[i].member->check);
        c->is_fit |= members[i].health == 0;
    }
    c->members = members;
    c->member_count = target->member_count;
}

static void candidate_show(const struct asker *a, size_t target, int rank, struct why_candidate *c)
{
    *c = (struct why_candidate){
        .target = &a->row->targets[target], .rank = rank, .wins_below_ms = -1
    };
    terms_show(a, target, c);
    members_show(a, c);
    c->is_picked = a->why->pick.reason != STEER_NOTHING && a->why->pick.target == target;
    if (rank < 0)
        return;
    c->is_in_band = is_by_value(a->row) && rank < a->cell->band;
    c->shed = a->cell->shed[rank] < STEER_SHED_LEAST ? 0 : a->cell->shed[rank]; // as pick has it
    c->sheds_client = steer_sheds(a->row, a->cell, (size_t)rank, &a->why->client);
}

/* In the order of the cell's choices, then as listed. */
static void candidates_show(const struct asker *a, struct why_candidate *list)
{
    size_t count = 0;

    for (size_t i = 0; a->cell != NULL && i < a->cell->count; i++)
        candidate_show(a, a->cell->targets[i], (int)i, &list[count++]);
    size_t listed = count;

    for (size_t i = 0; i < a->row->count; i++) {
        bool is_listed = false;

        for (size_t j = 0; j < listed; j++)
            is_listed |= list[j].target == &a->row->targets[i];
        if (!is_listed)
            candidate_show(a, i, -1, &list[count++]);
    }
    assert(count == a->row->count);
}

/* What each of those behind the band would have to cost to come first among the fit: less than the
 * least, or of that one, than the second. */
static void wins_find(const struct asker *a, struct why_candidate *list)
{
    size_t count = a->row->count, best = count, second = count;

    for (size_t i = 0; i < count; i++) {
        if (!list[i].is_fit || list[i].target->is_reserve)
            continue;
        if (best == count || key_ms(a->row, &list[i]) < key_ms(a->row, &list[best])) {
            second = best;
            best = i;
        } else if (second == count || key_ms(a->row, &list[i]) < key_ms(a->row, &list[second])) {
            second = i;
        }
    }
    for (size_t i = 0; i < count; i++) {
        size_t rival = i == best ? second : best;

        if (!list[i].is_in_band && list[i].is_fit && !list[i].target->is_reserve && rival < count)
            list[i].wins_below_ms = key_ms(a->row, &list[rival]);
    }
}

static bool first_dominates(const struct asker *a)
{
    size_t first = a->cell->targets[0], rivals = 0;

    for (size_t i = 0; i < a->row->count; i++) {
        if (i == first || a->row->targets[i].is_reserve)
            continue;
        if (!terms_dominate(&a->terms[first], latency_us(a, first), &a->terms[i], latency_us(a, i),
                a->row->site->weigh, a->why->basis))
            return false;
        rivals++;
    }
    return rivals > 0 && !a->row->targets[first].is_reserve;
}

/* What the map had to do with it. */
static void plan_show(
    const struct asker *a, const struct steer_map *map, struct why_candidate *list)
{
    struct why *why = a->why;

    why->has_map = true;
    why->epoch = map->epoch;
    why->map_hash = map->hash;
    if (!is_by_value(a->row))
        return;
    int64_t least_us = (int64_t)(list[0].cost_ms * 1000);

    if (a->row->site->policy != POLICY_STRICT)
        why->margin_ms = in_ms(terms_margin_us(a->row->site->policy, least_us));
    why->is_dominated = first_dominates(a);
    wins_find(a, list);
}

struct why *steer_why(struct arena *arena, const struct steer_rows *rows,
    const struct steer_row *row, const struct steer_map *map, const struct ip *client)
{
    struct terms *terms = arena_array(arena, row->count, sizeof *terms);
    struct why_candidate *list = arena_array(arena, row->count, sizeof *list);
    struct why *why = arena_new(arena, struct why);
    struct asker asker = { .arena = arena, .rows = rows, .row = row, .terms = terms, .why = why };
    bool has_map = steer_map_fits(map, rows);

    *why = (struct why){ .row = row, .client = *client, .candidates = list };
    why->candidate_count = row->count;
    why->cell = geo_find(rows->geo, client).cell;
    why->place = &rows->geo->cells[why->cell];
    why->pick = steer_pick(rows, row, map, STEER_HAS_V4 | STEER_HAS_V6, client);
    if (has_map && !map->class_is_narrow[row->class])
        asker.cell_at = why->cell;
    if (has_map)
        asker.cell = steer_map_cell(map, row, why->cell);
    terms_of_row(rows, row, has_map ? map->facts : facts_none(arena, rows->checks->count), terms);
    why->basis = terms_basis(rows, row, terms, asker.cell_at);
    candidates_show(&asker, list);
    if (has_map)
        plan_show(&asker, map, list);
    return why;
}

const char *steer_latency_basis_text(enum steer_latency_basis basis)
{
    static const char *const TEXTS[] = {
        [STEER_BASIS_NONE] = "none",
        [STEER_BASIS_GEOGRAPHY] = "geography",
        [STEER_BASIS_OWN] = "own",
        [STEER_BASIS_OBSERVERS] = "observers",
    };

    assert(basis < COUNT_OF(TEXTS));
    return TEXTS[basis];
}
