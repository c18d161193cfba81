// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A row of the map: the targets of one site, as one node answers for it. Built with the root, from
 * the release; frozen. Origins and pops are both targets.
 *
 * Nothing is measured yet, so the order is what the configuration says: a steer site's origins as
 * listed; a deliver site's pops with the answering node's own first, since the client's resolver
 * picked this name server for a reason, then by distance from it, then as listed.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "conf/network.h"

struct steer_target {
    const struct origin *origin; // of a steer site; else NULL
    const struct pop *pop;       // of a deliver site; else NULL
    uint64_t hash;               // of its name: the same on every node
    uint32_t weight;             // 0: drawn by nobody
};

struct steer_row {
    const struct site *site;
    uint64_t hash; // of the site's name
    const struct steer_target *targets;
    size_t count; // at least 1
};

/* The row in `arena`; `self` is the node that answers. */
struct steer_row steer_row_build(struct arena *arena, const struct network *network,
    const struct node *self, const struct site *site);
