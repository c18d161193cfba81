// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A heartbeat: "I am here", four times a second and at once when what it says changes. States, not
 * events: what a lost one said is said again by the next. Of fixed size, big-endian; unknown
 * versions are refused. Pure.
 *
 *     "wph" version(1)  observer(8) boot(8) sequence(8) at_ms(8) flags(1)
 *     release(8) epoch_ms(8) map(8) era(8) order(8) drains(8)
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"

enum { HEARTBEAT_PERIOD_MS = 250, HEARTBEAT_MISSED = 4, HEARTBEAT_SIZE = 85 };

/* Bits of later versions come through as they are. */
enum heartbeat_flag {
    HEARTBEAT_LEAVING = 1, // it is being stopped: no more answers are to lead there
    HEARTBEAT_SUSPECT = 2, // it hears less than half of its peers
    HEARTBEAT_BLIND = 4,   // over half of its targets went silent for it at once: do not count its
                           // verdicts
};

struct heartbeat {
    uint64_t observer, boot, sequence; // as in a digest; the sequence counts heartbeats
    struct wall at;                    // when it was made, by its maker's clock
    uint8_t flags;
    uint64_t release;  // hash of the configuration in use
    struct wall epoch; // of its map
    uint64_t map;      // hash of the part of the map that all nodes share
    uint64_t era;      // of the order log it follows; 0: none yet
    uint64_t order;    // number of the newest order that it applied and has on disk
    uint64_t drains;   // hash of the drains in force; 0: none
};

/* Its times are not negative. Good as long as `out` is. */
struct slice heartbeat_write(const struct heartbeat *heartbeat, char out[HEARTBEAT_SIZE]);

/* False: not a heartbeat, cut short, longer, or with a time out of range. */
bool heartbeat_parse(struct slice bytes, struct heartbeat *heartbeat);

/* Both say the same, whoever said it and when. */
bool heartbeat_says_same(const struct heartbeat *a, const struct heartbeat *b);
