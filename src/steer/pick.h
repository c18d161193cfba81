// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Which target a client is sent to: a pure function of the map's row and the client, so that two
 * nodes with the same row give the same answer, and a returning client gets the same target.
 *
 *   ordered, strict, balanced   the first target (what is measured will reorder the row)
 *   weighted, sticky            by weighted rendezvous over the client's /24 or /48: each target
 *                               draws lots keyed by client and target; taking one target out
 *                               moves only its own clients
 */

#include <stdint.h>

#include "base/addr.h"
#include "steer/row.h"

enum { STEER_CELL_BITS_V4 = 24, STEER_CELL_BITS_V6 = 48 };

struct steer_pick {
    size_t target;      // index in the row
    uint8_t scope_bits; // how many bits of the client's address decided; 0: none
};

struct steer_pick steer_pick(const struct steer_row *row, const struct ip *client);
