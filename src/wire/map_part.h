// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What nodes say to each other of their maps: one asks another for the part that all nodes share,
 * and that one tells it, in as many messages as it takes. Numbers are big-endian; unknown versions
 * are refused. Pure.
 *
 *     "wpm" version(1)  kind(1) release(8) hash(8)
 *     ask:   holder(8)
 *     part:  total(4) first(4) count(4), then for each cell
 *            shape(1) band(1), then for each choice
 *            target(2), with MAP_PART_SHEDS  shed(2) felt(2)
 *
 * `release` is of all that both must have in common for a cell to mean the same to them; `hash` of
 * the shared part, which names it: whoever has it under that hash has the same, whatever epoch it
 * was planned in. `shape` is the number of choices, and MAP_PART_SHEDS where one of them sheds.
 * `target` is a position in the configuration, of an origin among the site's or of a pop.
 *
 * A parsed cell is well formed in itself: one to MAP_PART_CHOICES_MAX choices, the band within
 * them. Whether its targets are any, the reader of the map knows.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum {
    MAP_PART_HEAD_SIZE = 21,
    MAP_ASK_SIZE = MAP_PART_HEAD_SIZE + 8,
    MAP_PART_CELLS_AT = MAP_PART_HEAD_SIZE + 12,
    MAP_PART_CHOICES_MAX = 8,
    MAP_PART_CELL_LEAST = 4,
    MAP_PART_CELL_MOST = 2 + 6 * MAP_PART_CHOICES_MAX,
    MAP_PART_SHEDS = 0x80,
};

enum map_part_kind { MAP_ASK, MAP_PART };

struct map_part {
    enum map_part_kind kind;
    uint64_t release, hash;
    uint64_t holder;              // of MAP_ASK: which node is to answer
    uint32_t total, first, count; // of MAP_PART: cells of the whole, and those in here
    struct slice cells;           // likewise; still in bytes
};

struct map_part_cell {
    uint8_t count, band;
    uint16_t targets[MAP_PART_CHOICES_MAX];
    uint16_t shed[MAP_PART_CHOICES_MAX];
    uint16_t felt[MAP_PART_CHOICES_MAX];
};

/* Into at least MAP_ASK_SIZE bytes. */
struct slice map_ask_write(char *out, const struct map_part *ask);

/* Begins a part; then one call for each cell; `room` is at least MAP_PART_CELLS_AT. */
struct map_part_writer {
    char *out;
    size_t room, used;
    uint32_t count;
};

void map_part_begin(
    struct map_part_writer *writer, char *out, size_t room, const struct map_part *head);

/* How many bytes it takes in a part. */
size_t map_part_cell_size(const struct map_part_cell *cell);

/* The cell is well formed. False: there is no room left for it, the part stands without. */
bool map_part_add(struct map_part_writer *writer, const struct map_part_cell *cell);

/* Good as long as `out` is. */
struct slice map_part_end(struct map_part_writer *writer);

/* False: neither of the two, cut short, or more than it says could hold. */
bool map_part_parse(struct slice bytes, struct map_part *part);

/* The next cell of a part, from byte `at` of its cells (0 to begin with). False: it is malformed,
 * or there is none; that all were well formed is known when `count` came and *at is the end. */
bool map_part_next(const struct map_part *part, size_t *at, struct map_part_cell *cell);
