// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * In which order a site's origins are asked for what is not stored. A pure function: feedback is
 * fresh here, so no map is needed.
 *
 *   ordered, pinned   as listed
 *   least-loaded      two of them drawn by `lot`, the one with less (in flight + 1) * response time
 *                     first; then the other, then the rest by the same measure (two random choices)
 *   hash              by weighted rendezvous on `key`, so that an object has its origin
 *
 * Fit ones go before those that failed lately or are down; reserves after both.
 */

#include <stddef.h>
#include <stdint.h>

#include "conf/network.h"

enum { FILL_ORIGINS_MAX = 16 };

struct fill_origin {
    uint64_t hash; // of its name
    uint32_t weight;
    bool is_fit;
    bool is_reserve;
    uint32_t in_flight;
    int64_t response_us; // smoothed time to the answer's head; 0: never asked
};

/* Writes the indices of all, at most FILL_ORIGINS_MAX; returns how many. */
size_t fill_order(enum site_fill fill, const struct fill_origin *origins, size_t count,
    uint64_t key, uint64_t lot, uint8_t order[FILL_ORIGINS_MAX]);
