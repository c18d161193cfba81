// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Which target a client is sent to: a pure function of row, map, health and client, so that two
 * nodes with the same facts give the same answer, and a returning client gets the same target. No
 * lock, no allocation, no clock.
 *
 *   ordered, strict     the first fit choice
 *   balanced, sticky    by weighted rendezvous over the band, keyed by the client's /24 or /48;
 *                       then the choices after it
 *   weighted            by weighted rendezvous over all targets
 *
 * Taking one target out moves only its own clients. Within a pop a node is drawn in the same way.
 *
 * It fails open, in this order: targets that are fit and do not shed this client; fit ones over
 * their capacity; reserves; then, unless the site says otherwise, all as if all were up, in which
 * those that an operator drained come last.
 */

#include <stdint.h>

#include "base/addr.h"
#include "steer/map.h"
#include "steer/rows.h"

enum { STEER_LEAF_BITS_V4 = 24, STEER_LEAF_BITS_V6 = 48 };

enum steer_reason {
    STEER_BEST,          // the first choice of the cell
    STEER_DRAWN,         // by hash, among equals or by weight
    STEER_NEXT,          // those before it are not fit, or shed this client
    STEER_OVER_CAPACITY, // every fit one sheds
    STEER_RESERVE,       // no other is fit
    STEER_ALL_DOWN,      // none is fit: as if all were up
    STEER_NOTHING,       // none is fit, and the site says so: an empty answer
    STEER_REASON_COUNT,
};

struct steer_pick {
    uint16_t target;    // index in the row
    uint16_t member;    // index among the row's members
    uint8_t scope_bits; // how many bits of the client's address decided; 0: none
    uint8_t reason;     // enum steer_reason
};

/*
 * `families`: members without one of these kinds of address are passed over as if they were not
 * there; at least one member has one. `map` may be NULL, or of other rows: then it is not looked
 * at, and the order is the row's.
 */
struct steer_pick steer_pick(const struct steer_rows *rows, const struct steer_row *row,
    const struct steer_map *map, uint8_t families, const struct ip *client);

/* The choice at `at` of the cell sheds this client. */
bool steer_sheds(
    const struct steer_row *row, const struct steer_cell *cell, size_t at, const struct ip *client);

/* "best", "drawn": as in metrics and /api/v1. */
const char *steer_reason_text(enum steer_reason reason);
