// SPDX-License-Identifier: Apache-2.0
#include "steer/share.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

enum { NO_TARGET = UINT16_MAX };

static_assert((int)MAP_PART_CHOICES_MAX == (int)STEER_CHOICES_MAX, "a cell is told as it is");

struct share_taker {
    const struct steer_rows *rows;
    struct steer_map *map;
    uint64_t release, hash;
    struct share_size size;
    struct share_walk walk;
    uint16_t *targets_of_pops; // by position of the pop: its target's in deliver rows, or NO_TARGET
};

static uint64_t hash_with(uint64_t hash, uint64_t value)
{
    return hash_mix(hash + value * UINT64_C(0x9e3779b97f4a7c15));
}

uint64_t share_release(const struct steer_rows *rows)
{
    return hash_with(rows->network->hash, rows->geo->hash);
}

/* All its cells, or all that have a place; or none. */
static bool covers_some(const struct steer_rows *rows, const struct steer_row *row)
{
    if (!steer_row_is_planned(row) || row->count == 1)
        return false;
    return row->site->kind == SITE_STEER ||
           (row->is_placed && rows->network->pop_count <= STEER_TARGETS_MAX);
}

bool share_covers(const struct steer_rows *rows, const struct steer_row *row, uint32_t cell)
{
    return covers_some(rows, row) &&
           (row->site->kind == SITE_STEER || rows->geo->cells[cell].location.is_set);
}

static uint32_t cells_of(const struct steer_map *map, size_t class)
{
    return map->class_is_narrow[class] ? 1 : map->cell_count;
}

/* To where it stands, or to the first shared cell behind that. */
static void walk_settle(struct share_walk *walk)
{
    while (walk->class < walk->map->class_count) {
        const struct steer_row *row = walk->rows->classes[walk->class];
        uint32_t count = covers_some(walk->rows, row) ? cells_of(walk->map, walk->class) : 0;

        while (walk->cell < count && !share_covers(walk->rows, row, walk->cell))
            walk->cell++;
        if (walk->cell < count)
            return;
        walk->class += 1;
        walk->cell = 0;
    }
}

struct share_walk share_walk_begin(const struct steer_rows *rows, const struct steer_map *map)
{
    struct share_walk walk = { .rows = rows, .map = map };

    assert(steer_map_fits(map, rows));
    walk_settle(&walk);
    return walk;
}

static bool walk_is_over(const struct share_walk *walk)
{
    return walk->class == walk->map->class_count;
}

static struct steer_cell *walk_cell(const struct share_walk *walk)
{
    assert(!walk_is_over(walk));
    return &walk->map->cells[walk->map->class_at[walk->class] + walk->cell];
}

static void walk_on(struct share_walk *walk)
{
    walk->cell++;
    walk->position++;
    walk_settle(walk);
}

/* Where the configuration has it. */
static uint16_t position_of(
    const struct steer_rows *rows, const struct steer_row *row, uint16_t target)
{
    const struct pop *pop = row->targets[target].pop;

    return pop == NULL ? target : (uint16_t)(pop - rows->network->pops);
}

/* Where the walk stands, as it is told. */
static struct map_part_cell told_at(const struct share_walk *walk)
{
    const struct steer_cell *cell = walk_cell(walk);
    const struct steer_row *row = walk->rows->classes[walk->class];
    struct map_part_cell told = { .count = cell->count, .band = cell->band };

    for (size_t i = 0; i < cell->count; i++) {
        told.targets[i] = position_of(walk->rows, row, cell->targets[i]);
        told.shed[i] = cell->shed[i];
        told.felt[i] = cell->felt[i];
    }
    return told;
}

struct share_size share_size(const struct steer_rows *rows, const struct steer_map *map)
{
    struct share_walk walk = share_walk_begin(rows, map);
    struct share_size size = { 0 };

    for (; !walk_is_over(&walk); walk_on(&walk)) {
        const struct map_part_cell told = told_at(&walk);

        size.bytes += map_part_cell_size(&told);
    }
    size.cells = walk.position;
    return size;
}

/* By name of the target, since rows of different nodes list pops in different orders. */
static uint64_t cell_hash(const struct steer_row *row, const struct steer_cell *cell)
{
    uint64_t hash = (uint64_t)cell->count << 8 | cell->band;

    for (size_t i = 0; i < cell->count; i++)
        hash = hash_with(hash, row->targets[cell->targets[i]].hash ^ (uint64_t)cell->shed[i] << 32);
    return hash;
}

static uint64_t felt_hash(const struct steer_cell *cell)
{
    uint64_t hash = 0;

    for (size_t i = 0; i < cell->count; i++)
        if (cell->felt[i] != 0)
            hash = hash_with(hash, i << 16 | cell->felt[i]);
    return hash;
}

void share_seal(const struct steer_rows *rows, struct steer_map *map)
{
    uint64_t all = 0, shared = hash_with(map->geo_hash, map->class_count);

    for (size_t i = 0; i < map->class_count; i++) {
        const struct steer_row *row = rows->classes[i];
        const struct steer_cell *cells = &map->cells[map->class_at[i]];

        for (uint32_t k = 0; k < cells_of(map, i); k++) {
            uint64_t hash = cell_hash(row, &cells[k]);

            all = hash_with(all, hash);
            if (share_covers(rows, row, k))
                shared = hash_with(shared, hash ^ felt_hash(&cells[k]));
        }
    }
    map->hash = all;
    map->shared_hash = shared == 0 ? 1 : shared;
}

void share_lay_over(
    const struct steer_rows *rows, struct steer_map *map, const struct steer_map *from)
{
    struct share_walk to = share_walk_begin(rows, map), walk = share_walk_begin(rows, from);

    for (; !walk_is_over(&walk); walk_on(&walk), walk_on(&to))
        *walk_cell(&to) = *walk_cell(&walk);
    assert(walk_is_over(&to));
    share_seal(rows, map);
}

struct slice share_write(struct share_walk *walk, uint32_t total, char *out, size_t room)
{
    const struct map_part head = { .release = share_release(walk->rows),
        .hash = walk->map->shared_hash,
        .total = total,
        .first = walk->position };
    struct map_part_writer writer;

    map_part_begin(&writer, out, room, &head);
    for (; !walk_is_over(walk); walk_on(walk)) {
        const struct map_part_cell told = told_at(walk);

        if (!map_part_add(&writer, &told))
            break;
    }
    return writer.count == 0 ? SLICE_NONE : map_part_end(&writer);
}

/* All deliver rows have the same targets. */
static uint16_t *pops_find(const struct steer_rows *rows)
{
    size_t count = rows->network->pop_count;
    uint16_t *found = mem_array(count, sizeof *found);

    for (size_t i = 0; i < count; i++)
        found[i] = NO_TARGET;
    for (size_t i = 0; i < rows->class_count; i++) {
        const struct steer_row *row = rows->classes[i];

        if (row->site->kind != SITE_DELIVER || !covers_some(rows, row))
            continue;
        for (size_t k = 0; k < row->count; k++)
            found[row->targets[k].pop - rows->network->pops] = (uint16_t)k;
        break;
    }
    return found;
}

struct share_taker *share_taker_new(
    const struct steer_rows *rows, const struct steer_map *own, uint64_t hash)
{
    struct share_taker *taker = mem_new(struct share_taker);

    taker->rows = rows;
    taker->map = steer_map_copy(own);
    taker->release = share_release(rows);
    taker->hash = hash;
    taker->size = share_size(rows, own);
    taker->walk = share_walk_begin(rows, taker->map);
    taker->targets_of_pops = pops_find(rows);
    return taker;
}

void share_taker_free(struct share_taker *taker)
{
    if (taker == NULL)
        return;
    steer_map_free(taker->map);
    mem_free(taker->targets_of_pops);
    mem_free(taker);
}

/* NO_TARGET: the row has no such target. */
static uint16_t target_at(
    const struct share_taker *taker, const struct steer_row *row, uint16_t position)
{
    if (row->site->kind == SITE_STEER)
        return position < row->count ? position : NO_TARGET;
    return position < taker->rows->network->pop_count ? taker->targets_of_pops[position]
                                                      : NO_TARGET;
}

static bool has_choice(const struct steer_cell *cell, size_t count, uint16_t target)
{
    for (size_t i = 0; i < count; i++)
        if (cell->targets[i] == target)
            return true;
    return false;
}

/* False: no plan would have made it so. */
static bool cell_take(const struct share_taker *taker, const struct map_part_cell *told)
{
    const struct steer_row *row = taker->rows->classes[taker->walk.class];
    size_t count = row->count < STEER_CHOICES_MAX ? row->count : STEER_CHOICES_MAX;
    struct steer_cell cell = { .count = told->count, .band = told->band };

    if (told->count != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint16_t target = target_at(taker, row, told->targets[i]);

        if (target == NO_TARGET || has_choice(&cell, i, target))
            return false;
        cell.targets[i] = target;
        cell.shed[i] = told->shed[i];
        cell.felt[i] = told->felt[i];
    }
    *walk_cell(&taker->walk) = cell;
    return true;
}

/* The part lies within the whole. */
static bool cells_take(struct share_taker *taker, const struct map_part *part)
{
    struct map_part_cell cell;
    size_t at = 0;

    for (uint32_t i = 0; i < part->count; i++, walk_on(&taker->walk))
        if (!map_part_next(part, &at, &cell) || !cell_take(taker, &cell))
            return false;
    return at == part->cells.length;
}

static enum share_taken refuse(struct share_taker *taker)
{
    taker->walk = share_walk_begin(taker->rows, taker->map);
    return SHARE_REFUSED;
}

enum share_taken share_take(struct share_taker *taker, const struct map_part *part)
{
    assert(part->kind == MAP_PART);
    if (part->release != taker->release || part->hash != taker->hash)
        return SHARE_PASSED;
    if (part->first == 0)
        taker->walk = share_walk_begin(taker->rows, taker->map);
    if (part->first != taker->walk.position)
        return SHARE_PASSED;
    if (part->total != taker->size.cells || !cells_take(taker, part))
        return refuse(taker);
    if (!walk_is_over(&taker->walk))
        return SHARE_MORE;
    share_seal(taker->rows, taker->map);
    return taker->map->shared_hash == taker->hash ? SHARE_WHOLE : refuse(taker);
}

struct steer_map *share_taker_end(struct share_taker *taker)
{
    struct steer_map *map = taker->map;

    assert(walk_is_over(&taker->walk) && map->shared_hash == taker->hash);
    taker->map = NULL;
    share_taker_free(taker);
    return map;
}

static int word_order(const void *a, const void *b)
{
    const struct share_word *x = a, *y = b;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

size_t share_choose(struct share_word *words, size_t count)
{
    size_t best = 0, most = 0;

    if (count == 0)
        return 0;
    qsort(words, count, sizeof *words, word_order);
    for (size_t i = 0, begin = 0; i < count; i++) {
        if (words[i].hash != words[begin].hash)
            begin = i;
        if (i - begin + 1 > most) {
            most = i - begin + 1;
            best = begin;
        }
    }
    memmove(words, words + best, most * sizeof *words);
    return most;
}
