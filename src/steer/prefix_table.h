// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * From an address to a small number, by longest prefix: a table made once and read by all threads
 * without a lock. A few dependent loads, whatever the count of prefixes.
 *
 * Prefixes are cut to a /24 or /48, since no answer is told for less (RFC 7871 §11.1). Neighbours
 * with one number are merged, so that what comes back with the number is the longest shortest
 * prefix: how many leading bits of the address had to be looked at.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

enum {
    PREFIX_BITS_V4 = 24,
    PREFIX_BITS_V6 = 48,
    PREFIX_NUMBER_MAX = (1 << 24) - 1,
};

struct prefix_table;

struct prefix_entry {
    struct prefix prefix;
    uint32_t number; // at most PREFIX_NUMBER_MAX
};

/*
 * Of entries in any order; a longer prefix goes before a shorter one, of two equal ones the later
 * counts. Addresses that none holds have number 0. ERR_LIMIT: more entries or nodes than fit.
 */
[[nodiscard]] enum err prefix_table_new(
    const struct prefix_entry *entries, size_t count, struct prefix_table **table);

/* Accepts NULL. */
void prefix_table_free(struct prefix_table *table);

struct prefix_found {
    uint32_t number;
    uint8_t bits; // every address that agrees in so many leading bits has this number
};

/* An address of no family has number 0 by 0 bits. */
struct prefix_found prefix_table_find(const struct prefix_table *table, const struct ip *ip);

size_t prefix_table_bytes(const struct prefix_table *table);
