// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * In which order a site's origins are asked for what is not stored. A pure function: feedback is
 * fresh here, so no map is needed.
 *
 *   ordered, pinned   as listed
 *   hash              by weighted rendezvous on `key`: an object has its origin, and when one goes
 *                     only its objects move
 *   least-loaded      two of them drawn by `lot`, the less loaded one first, mostly; then the
 *                     other, then the rest, the less loaded first
 *
 * Load is (in flight + 1) * response time. Of the two that were drawn, each comes first in
 * proportion to weight / load^2: at equal loads by their weights, at ten times the load once in a
 * hundred, and never less than once in FILL_EXPLORES, so that an origin that became quick again is
 * found out. One that was never asked counts as FILL_NEW_QUICKER times as quick as the quickest
 * that was: it is tried at once, but not by all.
 *
 * Those that are fit are asked before those that failed lately or are down; reserves after the
 * fit ones, but before those that are not: fit, fit reserves, unfit, unfit reserves. Drained ones
 * come after all of these, in the same order. Within each of the eight, one of weight 0 comes last.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/network.h"

enum { FILL_ORIGINS_MAX = 16, FILL_EXPLORES = 256, FILL_NEW_QUICKER = 4 };

struct fill_origin {
    uint64_t hash; // of its name
    uint32_t weight;
    bool is_fit;
    bool is_reserve;
    bool is_drained; // by the operator's word, which health has no say in
    uint32_t in_flight;
    int64_t response_us; // smoothed time to the answer's head; 0: never asked
};

/*
 * Writes the indices of all, of more than FILL_ORIGINS_MAX those of the first listed; returns how
 * many. `key` is of the object, and the same on every node; all bits of `lot` are drawn.
 */
size_t fill_order(enum site_fill fill, const struct fill_origin *origins, size_t count,
    uint64_t key, uint64_t lot, uint8_t order[FILL_ORIGINS_MAX]);
