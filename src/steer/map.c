// SPDX-License-Identifier: Apache-2.0
#include "steer/map.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "steer/share.h"
#include "steer/terms.h"

enum {
    REPORTS_LAG_S = 10,               // from what happens to the map that was made in sight of it
    GAIN_ONE = 65536,                 // gains are parts of it
    KEPT_LEAST = STEER_SHED_ALL / 50, // of clients: fewer foretell no load
};

#define SET_POINT_LEAST INT64_C(800000)
#define SET_POINT_MOST  INT64_C(950000)
#define FULL            INT64_C(1000000)
#define NO_VALUE        INT64_MAX

/* All about a target that the cell at hand needs. */
struct candidate {
    int64_t rest_us;  // of all terms but latency; the same in each cell
    int64_t pressure; // likewise
    int64_t latency_us, cost_us, value_us;
    int64_t key; // what the policy orders by
};

struct planner {
    const struct steer_rows *rows;
    const struct facts *facts;
    const struct steer_map *before;
    struct steer_map *map;
    struct terms *terms; // of the class at hand, one for each target
    struct candidate *candidates;
    const struct steer_row *row; // likewise
    enum steer_latency_basis basis;
    int64_t gain, felt_gain;          // of GAIN_ONE
    int64_t best_value, second_value; // of those that are no reserves; NO_VALUE
    size_t best_at, second_at;
};

/* Comes before, when both are listed. Names break ties, so that all nodes break them alike. */
static bool suits_better(const struct planner *p, size_t a, size_t b)
{
    const struct steer_target *one = &p->row->targets[a], *other = &p->row->targets[b];

    if (one->is_reserve != other->is_reserve)
        return other->is_reserve;
    if (!steer_row_is_planned(p->row))
        return a < b;
    if (p->candidates[a].key != p->candidates[b].key)
        return p->candidates[a].key < p->candidates[b].key;
    return one->hash != other->hash ? one->hash < other->hash : a < b;
}

static void choices_list(const struct planner *p, struct steer_cell *cell)
{
    for (size_t i = 0; i < p->row->count; i++) {
        size_t at = cell->count;

        if (at == STEER_CHOICES_MAX) {
            if (!suits_better(p, i, cell->targets[at - 1]))
                continue;
            at--;
        } else {
            cell->count++;
        }
        for (; at > 0 && suits_better(p, i, cell->targets[at - 1]); at--)
            cell->targets[at] = cell->targets[at - 1];
        cell->targets[at] = (uint16_t)i;
    }
}

/* Comes before the one at `other` of that value, if there is one. Ties as in suits_better. */
static bool is_worth_more(const struct planner *p, size_t at, int64_t value, size_t other)
{
    int64_t own = p->candidates[at].value_us;

    return own < value || (own == value && value != NO_VALUE &&
                              p->row->targets[at].hash < p->row->targets[other].hash);
}

static void candidates_value(struct planner *p, uint32_t cell)
{
    bool is_strict = p->row->site->policy == POLICY_STRICT;

    p->best_value = p->second_value = NO_VALUE;
    for (size_t i = 0; i < p->row->count; i++) {
        struct candidate *c = &p->candidates[i];
        const struct steer_target *target = &p->row->targets[i];

        c->latency_us = terms_latency_us(&p->terms[i], target, p->basis, cell);
        c->cost_us = c->rest_us + c->latency_us * p->row->site->weigh[TERM_LATENCY];
        c->value_us = terms_value_us(c->cost_us, c->pressure);
        c->key = is_strict ? c->value_us : c->cost_us;
        if (target->is_reserve)
            continue;
        if (is_worth_more(p, i, p->best_value, p->best_at)) {
            p->second_value = p->best_value;
            p->second_at = p->best_at;
            p->best_value = c->value_us;
            p->best_at = i;
        } else if (is_worth_more(p, i, p->second_value, p->second_at)) {
            p->second_value = c->value_us;
            p->second_at = i;
        }
    }
}

/* Position among the cell's choices; count when it is none. */
static size_t choice_of(const struct steer_cell *cell, size_t target)
{
    size_t at = 0;

    while (at < cell->count && cell->targets[at] != target)
        at++;
    return at;
}

/* Puts the choice at `from` to an earlier place; the others keep their order. */
static void choice_move(struct steer_cell *cell, size_t from, size_t to)
{
    uint16_t target = cell->targets[from];

    for (; from > to; from--)
        cell->targets[from] = cell->targets[from - 1];
    cell->targets[to] = target;
}

static bool dominates(const struct planner *p, size_t a, size_t b)
{
    return terms_dominate(&p->terms[a], p->candidates[a].latency_us, &p->terms[b],
        p->candidates[b].latency_us, p->row->site->weigh, p->basis);
}

/* The one target that dominates all others that are no reserves; the row's count when none does. */
static size_t dominant_of(const struct planner *p)
{
    const struct steer_row *row = p->row;
    size_t nearest = row->count, rivals = 0;

    if (p->basis == STEER_BASIS_NONE)
        return row->count;
    for (size_t i = 0; i < row->count; i++)
        if (!row->targets[i].is_reserve &&
            (nearest == row->count ||
                p->candidates[i].latency_us < p->candidates[nearest].latency_us))
            nearest = i;
    for (size_t i = 0; i < row->count && nearest < row->count; i++) {
        if (i == nearest || row->targets[i].is_reserve)
            continue;
        if (!dominates(p, nearest, i))
            return row->count;
        rivals++;
    }
    return rivals > 0 ? nearest : row->count;
}

static bool is_within(
    const struct planner *p, const struct steer_cell *before, size_t best, size_t i)
{
    const struct candidate *lead = &p->candidates[best], *c = &p->candidates[i];
    int64_t margin = terms_margin_us(p->row->site->policy, lead->cost_us);

    if (c->cost_us <= lead->cost_us + margin)
        return true;
    if (before == NULL || choice_of(before, i) >= before->band)
        return false;
    int64_t spread = terms_spread_us(&p->terms[best], p->row->site->weigh, p->basis) +
                     terms_spread_us(&p->terms[i], p->row->site->weigh, p->basis);

    return c->cost_us <= lead->cost_us + 2 * margin + (spread < 2 * margin ? spread : 2 * margin);
}

static void band_cut(
    const struct planner *p, struct steer_cell *cell, const struct steer_cell *before)
{
    size_t dominant = dominant_of(p), best = cell->targets[0];

    cell->band = 1;
    if (dominant < p->row->count) {
        size_t at = choice_of(cell, dominant);

        if (at == cell->count)
            cell->targets[--at] = (uint16_t)dominant;
        choice_move(cell, at, 0);
        return;
    }
    if (p->row->site->policy == POLICY_STRICT)
        return;
    for (size_t i = 1; i < cell->count; i++) {
        size_t target = cell->targets[i];

        if (p->row->targets[target].is_reserve == p->row->targets[best].is_reserve &&
            is_within(p, before, best, target))
            choice_move(cell, i, cell->band++);
    }
}

/* The load to be held at a target: where it is worth as much as the best alternative. */
static int64_t set_point(const struct planner *p, size_t target)
{
    bool is_best = target == p->best_at;
    int64_t alternative = is_best ? p->second_value : p->best_value;
    int64_t alternative_load = p->terms[is_best ? p->second_at : p->best_at].load;
    int64_t cost = p->candidates[target].cost_us;
    int64_t load = SET_POINT_LEAST;

    if (alternative > cost)
        load = terms_load_at(alternative * FULL / (cost > 0 ? cost : 1));
    if (load > SET_POINT_MOST)
        load = SET_POINT_MOST;
    // Where the alternative is full as well, both are to be alike: what one sheds the other gets.
    int64_t even = (alternative_load + p->terms[target].load) / 2;

    if (alternative_load > SET_POINT_MOST && even > load)
        load = even;
    return p->row->site->policy == POLICY_STICKY && load < FULL ? FULL : load;
}

/* The share of clients that are to skip a target, as things are now. */
static int64_t share_wanted(int64_t felt, int64_t load, int64_t set)
{
    int64_t kept = STEER_SHED_ALL - felt;

    if (load <= 0)
        return 0;
    kept = (kept > KEPT_LEAST ? kept : KEPT_LEAST) * set / load;
    return kept >= STEER_SHED_ALL ? 0 : STEER_SHED_ALL - kept;
}

/* Upwards quicker the further over capacity it is; downwards at an even pace, since a share that
 * nobody has makes no load to learn from. */
static int64_t share_moved(const struct planner *p, int64_t shed, int64_t wanted, int64_t load)
{
    int64_t gain = p->gain;

    if (wanted >= shed) {
        if (load > FULL)
            gain = gain * 2 * load / FULL;
        if (gain > GAIN_ONE / 2)
            gain = GAIN_ONE / 2;
        return shed + ((wanted - shed) * gain + GAIN_ONE - 1) / GAIN_ONE;
    }
    int64_t step = STEER_SHED_ALL * gain / GAIN_ONE * 3 / 4;

    return shed - wanted < step ? wanted : shed - step;
}

static void shares_set(
    const struct planner *p, struct steer_cell *cell, const struct steer_cell *before)
{
    for (size_t i = 0; i < cell->count; i++) {
        size_t target = cell->targets[i];
        size_t was_at = before == NULL ? 0 : choice_of(before, target);
        int64_t load = p->terms[target].load;
        int64_t shed = 0, felt = 0;

        if (p->row->targets[target].is_reserve || p->second_value == NO_VALUE)
            continue;
        if (before != NULL && was_at < before->count) {
            shed = before->shed[was_at];
            felt = before->felt[was_at];
        }
        // Mostly: no set point is lower, and nothing is to be taken back.
        if (load <= SET_POINT_LEAST && shed == 0 && felt == 0)
            continue;
        felt += (shed - felt) * p->felt_gain / GAIN_ONE;
        cell->felt[i] = (uint16_t)felt;
        cell->shed[i] =
            (uint16_t)share_moved(p, shed, share_wanted(felt, load, set_point(p, target)), load);
    }
}

static void cell_plan(
    struct planner *p, uint32_t at, struct steer_cell *cell, const struct steer_cell *before)
{
    const struct steer_row *row = p->row;

    *cell = (struct steer_cell){ .band = 1 };
    p->basis = terms_basis(p->rows, row, p->terms, at);
    candidates_value(p, at);
    choices_list(p, cell);
    if (!steer_row_is_planned(row))
        return;
    band_cut(p, cell, before);
    if (row->site->policy != POLICY_STRICT)
        shares_set(p, cell, before);
}

/* What moves in an epoch: a gain slow against the time that resolvers keep answers, and how much of
 * a change shows in the reports by then. */
static void gains_set(struct planner *p)
{
    int64_t epoch_ms = STEER_EPOCH_MS;
    int64_t ttl_ms = p->row->site->ttl.ns / 1000000;
    int64_t lag_ms = REPORTS_LAG_S * INT64_C(1000);

    p->gain = GAIN_ONE * epoch_ms / (2 * (ttl_ms + lag_ms));
    if (p->gain > GAIN_ONE / 4)
        p->gain = GAIN_ONE / 4;
    p->felt_gain = GAIN_ONE * epoch_ms / (ttl_ms / 2 + lag_ms);
}

/* The class of the map before that is the same as this one; its class_count when there is none. */
static size_t class_before(const struct planner *p, size_t class)
{
    const struct steer_map *before = p->before;
    uint64_t hash = p->rows->class_hashes[class];

    if (class < before->class_count && before->class_hashes[class] == hash)
        return class;
    // Only in the first epoch of a release, and of each class that moved in it.
    for (size_t i = 0; i < before->class_count; i++)
        if (before->class_hashes[i] == hash)
            return i;
    return before->class_count;
}

static void class_plan(struct planner *p, size_t class)
{
    struct steer_map *map = p->map;
    struct steer_cell *cells = &map->cells[map->class_at[class]];
    const struct steer_cell *before = NULL;
    size_t count = map->class_is_narrow[class] ? 1 : map->cell_count;
    size_t old = p->before == NULL ? 0 : class_before(p, class);

    p->row = p->rows->classes[class];
    if (p->before != NULL && old < p->before->class_count &&
        map->class_is_narrow[class] == p->before->class_is_narrow[old] &&
        (count == 1 || map->geo_hash == p->before->geo_hash))
        before = &p->before->cells[p->before->class_at[old]];
    terms_of_row(p->rows, p->row, p->facts, p->terms);
    for (size_t i = 0; i < p->row->count; i++) {
        p->candidates[i].rest_us = terms_rest_us(&p->terms[i], p->row->site->weigh);
        p->candidates[i].pressure = terms_pressure(p->terms[i].load);
    }
    gains_set(p);
    for (size_t i = 0; i < count; i++)
        cell_plan(p, (uint32_t)i, &cells[i], before == NULL ? NULL : &before[i]);
}

/* One cell is enough where the client's does not decide. */
static bool is_narrow(const struct steer_rows *rows, const struct steer_row *row)
{
    return row->count == 1 || rows->geo->cell_count == 1 || !row->is_placed ||
           !steer_row_is_planned(row);
}

static void cells_lay_out(struct steer_map *map, const struct steer_rows *rows)
{
    size_t room = STEER_MAP_BYTES_MAX / sizeof *map->cells, used = 0;

    map->class_count = rows->class_count;
    map->class_at = arena_array(&map->arena, rows->class_count, sizeof *map->class_at);
    map->class_is_narrow =
        arena_array(&map->arena, rows->class_count, sizeof *map->class_is_narrow);
    map->class_hashes = arena_array(&map->arena, rows->class_count, sizeof *map->class_hashes);
    for (size_t i = 0; i < rows->class_count; i++) {
        bool is_wide = !is_narrow(rows, rows->classes[i]);

        // Each class that follows needs a cell at least.
        if (is_wide && used + map->cell_count + (rows->class_count - i - 1) > room) {
            map->classes_narrowed++;
            is_wide = false;
        }
        map->class_at[i] = (uint32_t)used;
        map->class_is_narrow[i] = !is_wide;
        map->class_hashes[i] = rows->class_hashes[i];
        used += is_wide ? map->cell_count : 1;
    }
    map->cells = arena_room(&map->arena, used * sizeof *map->cells);
}

static void free_value(struct snapshot_value *value)
{
    steer_map_free(steer_map_of(value));
}

struct steer_map *steer_map_blank(
    const struct steer_rows *rows, struct arena *arena, const struct facts *facts)
{
    struct steer_map *map = mem_new(struct steer_map);

    snapshot_value_init(&map->value, free_value);
    map->arena = *arena;
    arena_init(arena, map->arena.limit_bytes);
    map->rows_id = rows->id;
    map->facts = facts;
    map->epoch = facts->epoch;
    map->geo_hash = rows->geo->hash;
    map->cell_count = (uint32_t)rows->geo->cell_count;
    cells_lay_out(map, rows);
    return map;
}

struct steer_map *steer_plan(const struct steer_rows *rows, struct arena *arena,
    const struct facts *facts, const struct steer_map *before)
{
    struct steer_map *map = steer_map_blank(rows, arena, facts);
    size_t most = 0;

    for (size_t i = 0; i < rows->class_count; i++)
        most = rows->classes[i]->count > most ? rows->classes[i]->count : most;
    struct planner p = { .rows = rows, .facts = facts, .before = before, .map = map };

    p.terms = mem_array(most, sizeof *p.terms);
    p.candidates = mem_array(most, sizeof *p.candidates);
    for (size_t i = 0; i < rows->class_count; i++)
        class_plan(&p, i);
    mem_free(p.terms);
    mem_free(p.candidates);
    share_seal(rows, map);
    return map;
}

size_t steer_map_cell_count(const struct steer_map *map)
{
    size_t last = map->class_count - 1;

    if (map->class_count == 0)
        return 0;
    return map->class_at[last] + (map->class_is_narrow[last] ? 1 : map->cell_count);
}

static void *copy_of(struct arena *arena, const void *from, size_t bytes)
{
    void *copy = arena_room(arena, bytes);

    if (bytes > 0)
        memcpy(copy, from, bytes);
    return copy;
}

struct steer_map *steer_map_copy(const struct steer_map *map)
{
    struct steer_map *copy = mem_new(struct steer_map);
    size_t classes = map->class_count;

    copy->rows_id = map->rows_id;
    copy->epoch = map->epoch;
    copy->hash = map->hash;
    copy->shared_hash = map->shared_hash;
    copy->cell_count = map->cell_count;
    copy->class_count = classes;
    copy->geo_hash = map->geo_hash;
    copy->classes_narrowed = map->classes_narrowed;
    snapshot_value_init(&copy->value, free_value);
    arena_init(&copy->arena, map->arena.limit_bytes);
    copy->facts = copy_of(&copy->arena, map->facts,
        sizeof *map->facts + map->facts->count * sizeof map->facts->checks[0]);
    copy->class_at = copy_of(&copy->arena, map->class_at, classes * sizeof *map->class_at);
    copy->class_is_narrow =
        copy_of(&copy->arena, map->class_is_narrow, classes * sizeof *map->class_is_narrow);
    copy->class_hashes =
        copy_of(&copy->arena, map->class_hashes, classes * sizeof *map->class_hashes);
    copy->cells = copy_of(&copy->arena, map->cells, steer_map_cell_count(map) * sizeof *map->cells);
    return copy;
}

void steer_map_free(struct steer_map *map)
{
    if (map == NULL)
        return;
    arena_done(&map->arena);
    mem_free(map);
}
