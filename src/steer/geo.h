// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Geography: from a client's address to a cell, the clients of one neighbourhood who get the same
 * answers. Read from a file of MaxMind's format at load and merged into a prefix table; the file
 * is not looked at afterwards.
 *
 * A record with coordinates belongs to the square of GEO_SQUARE_DEGREES it lies in; one with a
 * country alone, to that country, whose place is in a table of ours (steer/countries.c). So cells
 * are few (at most GEO_CELLS_MAX) whatever the file holds. Cell 0 is where nothing is known.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/slice.h"
#include "conf/network.h"

struct prefix_table;

enum { GEO_CELLS_MAX = 4096, GEO_SQUARE_DEGREES = 3 };

struct geo_cell {
    struct location location; // not set for cell 0
    char country[3];          // ISO 3166, of most of its addresses; empty when not known
};

struct geo {
    struct prefix_table *table;
    struct geo_cell *cells;
    size_t cell_count; // at least 1
    size_t prefix_count;
    uint64_t hash; // of what was read: equal files, equal cells
};

/* One cell and no file. */
struct geo *geo_none(void);

/* ERR_MISSING, ERR_DENIED, ERR_PARSE, ERR_LIMIT with the reason, and what would be right. */
[[nodiscard]] enum err geo_load(const char *path, struct geo **geo, struct diag *why);

/* Accepts NULL. */
void geo_free(struct geo *geo);

struct geo_found {
    uint32_t cell;
    uint8_t scope_bits; // of the address, that decided; at most 24 or 48
};

struct geo_found geo_find(const struct geo *geo, const struct ip *ip);

/* Along the great circle. Both are set. */
double geo_distance_km(const struct location *a, const struct location *b);

/* The round trip to be expected over such a distance, milliseconds. */
double geo_round_trip_ms(double distance_km);
