// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Geography: from a client's address to a cell, the clients of one neighbourhood who get the same
 * answers. Read from a file of MaxMind's format at load and merged into a prefix table; the file
 * is not looked at afterwards.
 *
 * A record with coordinates belongs to the square of GEO_SQUARE_DEGREES it lies in; one with a
 * country alone, to that country, whose place is in a table of ours (steer/countries.c). So cells
 * are few whatever the file holds: where they would be more than GEO_CELLS_MAX, squares are twice
 * as wide. Cell 0 is where nothing is known.
 *
 * Of several records within one /24 or /48 the widest decides for all of it, the first of equals.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "conf/network.h"

struct prefix_table;

enum { GEO_CELLS_MAX = 4096, GEO_SQUARE_DEGREES = 3, GEO_FILE_BYTES_MAX = 1 << 30 };

struct geo_cell {
    struct location location; // the middle of its addresses; not set for cell 0
    char country[3];          // ISO 3166, of most of its addresses; empty when not known
};

struct geo {
    struct prefix_table *table;
    struct geo_cell *cells;
    size_t cell_count; // at least 1
    size_t prefix_count;
    uint64_t hash;     // of cells and prefixes: equal hash, equal answers of geo_find
    char kind[48];     // as the file says: "GeoLite2-Country"; empty without a file
    struct wall built; // when the maker made it; 0: not said
};

/* One cell and no file. */
struct geo *geo_none(void);

/*
 * Blocks, for up to some seconds with the largest files. The file may be replaced meanwhile.
 * ERR_MISSING, ERR_DENIED, ERR_PARSE, ERR_LIMIT with the reason, and what would be right.
 */
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
