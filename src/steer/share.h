// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What the maps of all nodes have in common, and how one node takes it over from another.
 *
 * A map is made of the release, the facts and the map before. Nodes of one release that know the
 * same facts hold the same map, if they held the same before: whoever is in a band stays in it for
 * longer, and shares shed go on from where they are. A node that has just started had nothing
 * before, and one that was cut off had something else; for as long as that shows, it leads the
 * same clients elsewhere. So maps are named by hash, and who differs from most takes over what most
 * hold, as the map before of its next.
 *
 * Shared are the cells that are planned, and of no fact that a node has for itself:
 *
 *     steer     all cells
 *     deliver   those planned by geography; else latency is each node's own, and may differ
 *
 * Between nodes of one release (share_release) classes and cells have the same positions. A row's
 * targets have not (pops are listed from where the node is); so what is told, and hashed, names
 * them otherwise.
 *
 * Pure: no clock, no I/O. Limit: SHARE_BYTES_MAX of a map on the bus; beyond it, it is not told.
 */

#include "steer/map.h"
#include "wire/map_part.h"

enum {
    SHARE_BYTES_MAX = 16 << 20,
    SHARE_PART_MAX = 128 * 1024, // of one message: others wait for no longer behind it
};

/* Of all that both must have in common for a cell to mean the same to them. */
uint64_t share_release(const struct steer_rows *rows);

/* The cell of this row is among the shared. */
bool share_covers(const struct steer_rows *rows, const struct steer_row *row, uint32_t cell);

/* Notes the map's hashes. Both are of choices and shares shed; the shared one also of what of them
 * is felt, which nobody is led by but the next map goes on from. */
void share_seal(const struct steer_rows *rows, struct steer_map *map);

/* Puts the shared cells of `from`, made for the same rows, in place of the map's own. */
void share_lay_over(
    const struct steer_rows *rows, struct steer_map *map, const struct steer_map *from);

/* The shared cells, one after the other. */
struct share_walk {
    const struct steer_rows *rows;
    const struct steer_map *map;
    size_t class;
    uint32_t cell;     // of the class; class_count: behind the last
    uint32_t position; // among the shared
};

struct share_walk share_walk_begin(const struct steer_rows *rows, const struct steer_map *map);

/* How many cells there are, and how many bytes they take in parts. */
struct share_size {
    uint32_t cells;
    size_t bytes;
};

struct share_size share_size(const struct steer_rows *rows, const struct steer_map *map);

/* The next part, from where the walk stands, of a whole of `total` cells; good as long as `out`.
 * Empty: all was told. `room` is at least MAP_PART_CELLS_AT + MAP_PART_CELL_MOST. */
struct slice share_write(struct share_walk *walk, uint32_t total, char *out, size_t room);

struct share_taker;

/* To take over what has that hash into a copy of `own`, which is made for the rows. The rows
 * outlive it. */
struct share_taker *share_taker_new(
    const struct steer_rows *rows, const struct steer_map *own, uint64_t hash);

/* Accepts NULL. */
void share_taker_free(struct share_taker *taker);

enum share_taken {
    SHARE_MORE,    // taken; more must follow
    SHARE_WHOLE,   // taken; that was all, and it has the hash
    SHARE_PASSED,  // of another release or map, or not what comes next: a part was lost
    SHARE_REFUSED, // it cannot be right, or the whole has another hash; begins anew
};

/* Parts come in their order; the first one begins anew. */
enum share_taken share_take(struct share_taker *taker, const struct map_part *part);

/* Once it is whole: the map, with its shared cells taken over. It is the caller's. */
struct steer_map *share_taker_end(struct share_taker *taker);

/* What a node says of its map. */
struct share_word {
    uint64_t node, hash;
};

/*
 * The map that most hold, of several the one with the lowest hash: those who hold it come first in
 * the list, in the order in which they are to be asked. Returns how many they are; 0 of none.
 */
size_t share_choose(struct share_word *words, size_t count);
