// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The map: for each class of rows and each cell of clients, the targets in the order in which they
 * suit. Made once an epoch by a pure function of release, facts and the map before; frozen; read
 * by all threads.
 *
 * A target costs, in milliseconds, the sum over the site's terms of (weight * term); lower is
 * better. Its value is that times the pressure of its load:
 *
 *     pressure(u) = 1 up to 80 % of capacity, then 0.2 / (1 - u), at most PRESSURE_MOST
 *
 * balanced, sticky   The band is all targets whose cost is within a margin of the lowest; those in
 *     the band before leave it only at twice the margin and what their measurements spread (at most
 *     two margins more).
 *     Clients are spread over the band by hash, so nobody herds to the one that looks best today.
 * strict             The lowest value, alone. It follows each measurement, herds and all.
 * Both obey dominance: a target lower than every other in latency by more than the measurements
 *     spread, and in no respect of load higher, is alone in the band (R27); not where the site does
 *     not weigh latency.
 * ordered, weighted  The order of the configuration.
 *
 * Why the band is cut by cost and not by value: what a target attracts raises its load, so a
 * choice by load undoes itself, an answer's lifetime later. Load acts by shedding instead. What is
 * over its set point sheds: a growing share of its clients, by hash, skip it and go to the next.
 * The set point is the load at which its value is that of the best alternative, within 80 to 95 %
 * (and not below the alternative's own load): who has a choice nearly as good is sent on early, who
 * has none stays until the end. With e, the share that resolvers already act on as seen through
 * reports this old, the share wanted is
 *
 *     1 - (1 - e) * set point / load
 *
 * and the share moves there by a gain slow against the time for which resolvers keep answers, so
 * that it settles and does not swing. balanced and sticky shed; sticky not below its capacity.
 *
 * The latency of a client at a target is by geography where the client's cell and every target
 * have a place; else it is what was measured from here (deliver: this node's own; steer: the median
 * of all observers, so that nodes agree). Methods are never mixed within a row.
 *
 * All in integers: microseconds, millionths, shares of STEER_SHED_ALL. Equal input, equal maps.
 */

#include "io/snapshot.h"
#include "steer/facts.h"
#include "steer/rows.h"

enum {
    STEER_CHOICES_MAX = 8, // targets listed for a cell; the rest follow in the row's order
    STEER_MAP_BYTES_MAX = 256 << 20, // beyond it, classes are planned for cell 0 alone
    STEER_SHED_ALL = 65535,
    STEER_SHED_LEAST = STEER_SHED_ALL / 100, // a share below it is not acted on
};

struct steer_cell {
    uint8_t count; // at least 1
    uint8_t band;  // the first so many are drawn from; at least 1
    uint16_t targets[STEER_CHOICES_MAX];
    uint16_t shed[STEER_CHOICES_MAX]; // share of clients that skip it, of STEER_SHED_ALL
    uint16_t felt[STEER_CHOICES_MAX]; // of that, what the newest reports can already show
};

struct steer_map {
    struct snapshot_value value;
    uint64_t rows_id;          // of the rows it belongs to, and no others
    const struct facts *facts; // it was made of, for whoever asks why; in the arena
    struct wall epoch;
    uint64_t hash;        // of all choices: equal maps, equal hashes, on whatever node
    uint64_t shared_hash; // of what all nodes plan alike (steer/share.h); never 0
    uint32_t cell_count;
    uint32_t *class_at;    // by class: where its cells begin
    bool *class_is_narrow; // by class: cell 0 alone
    struct steer_cell *cells;
    uint64_t *class_hashes; // own copy, so that the next map finds its like
    size_t class_count;
    uint64_t geo_hash;
    size_t classes_narrowed; // by STEER_MAP_BYTES_MAX
    struct arena arena;
};

/*
 * Takes the facts over with their arena (*arena is empty afterwards). `before` may be NULL, or of
 * another release: what is not the same in it is not looked at.
 */
struct steer_map *steer_plan(const struct steer_rows *rows, struct arena *arena,
    const struct facts *facts, const struct steer_map *before);

/* One of these rows and facts, which it takes over with their arena, with its cells yet to be
 * written; then share_seal. */
struct steer_map *steer_map_blank(
    const struct steer_rows *rows, struct arena *arena, const struct facts *facts);

/* How many cells there are, of all classes. */
size_t steer_map_cell_count(const struct steer_map *map);

/* With facts of its own. */
struct steer_map *steer_map_copy(const struct steer_map *map);

/* One that was never published. Accepts NULL. */
void steer_map_free(struct steer_map *map);

static inline struct steer_map *steer_map_of(struct snapshot_value *value)
{
    return value == NULL ? NULL : container_of(value, struct steer_map, value);
}

/* The map was made for these rows. Accepts a map of NULL. */
static inline bool steer_map_fits(const struct steer_map *map, const struct steer_rows *rows)
{
    return map != NULL && map->rows_id == rows->id;
}

/* The map fits the row's rows. */
static inline const struct steer_cell *steer_map_cell(
    const struct steer_map *map, const struct steer_row *row, uint32_t cell)
{
    uint32_t at = map->class_is_narrow[row->class] ? 0 : cell;

    return &map->cells[map->class_at[row->class] + at];
}
