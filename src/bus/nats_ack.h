// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What a stream of NATS answers to a message, a JSON text (ADR-1 of NATS):
 *
 *     {"stream": "NAME", "seq": 7}     {"error": {"code": 503, "description": "WHY"}}
 *
 * Read no further than is of use here: other members are passed over. Pure.
 */

#include <stdbool.h>

#include "base/slice.h"

struct nats_ack {
    uint64_t number;    // 0: it was not taken
    struct slice error; // in the bytes, as it stands there; empty where nothing is said
};

/* False: not an answer of a stream. */
[[nodiscard]] bool nats_ack_read(struct slice bytes, struct nats_ack *ack);
