// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Receipts: when each node was first known to have an order on disk. Nodes say how far they are,
 * again and again; of each the newest RECEIPT_STEPS steps are kept, as one step answers for all
 * orders up to it. Of orders older than those steps it is known that they are there, with the time
 * of the oldest step kept. A node that begins again further back is believed: its disk was lost.
 * Names of nodes come and go with releases: RECEIPT_NODES_MAX of them are kept, those heard last.
 *
 * Pure; belongs to one thread.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

struct receipts;

enum { RECEIPT_NODES_MAX = 1024, RECEIPT_STEPS = 64 };

struct receipts *receipts_new(void);

/* Accepts NULL. */
void receipts_free(struct receipts *receipts);

/* A node, by the hash of its name, is as far as this. */
void receipts_take(
    struct receipts *receipts, uint64_t node, uint64_t era, uint64_t number, struct wall at);

/* When the node had it; 0: not yet. */
struct wall receipts_find(
    const struct receipts *receipts, uint64_t node, uint64_t era, uint64_t number);
