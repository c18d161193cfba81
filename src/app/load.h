// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What a node carries, for its answers to probes: how busy its machine is, how much of its capacity
 * it sends, how often it is asked. By what has come since it was told before.
 *
 * A plain value; embed it. Control thread.
 */

#include "app/node.h"
#include "probe/machine.h"

struct load {
    struct machine machine;
    uint64_t sent_bytes, requests; // of all visitors, when it was told
    struct instant told;
};

/* Nobody has asked it yet. */
void load_init(struct load *load, const struct running_node *node);

/* From now on it is what answers to probes tell. */
void load_tell(struct load *load, struct running_node *node, struct instant now);

/* One of the shares in node->load; negative: not known. Any thread. */
double load_share(const _Atomic uint32_t *millionths);
