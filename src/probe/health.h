// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Up or down, from probes that succeed or miss. Until the first verdict one success is enough for
 * up. Afterwards `fall` misses in a row make it down, and `rise` successes in a row make it up
 * again. While misses are being confirmed the next probe is to follow soon instead of after the
 * interval; so a single loss costs one quick probe more and nothing else.
 *
 * Silence is half a miss, as it may be the network that lost a probe, while a refusal or a wrong
 * answer comes from the target itself: silence alone needs twice `fall` probes. Where a fifth of
 * them is lost and `fall` is 4, 0.2^8 instead of 0.2^4: a false verdict in four days of a probe a
 * second, instead of six an hour.
 *
 * What comes back only to fail again has to show more each time: a target that goes down within
 * HEALTH_RELAPSE of having come up needs twice as many successes as the time before, up to
 * HEALTH_RELAPSE_MOST times `rise`; up for longer, it is trusted as at first. Pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum { HEALTH_RELAPSE_MOST = 8 };

#define HEALTH_RELAPSE span_s(600)

enum health_verdict { HEALTH_UNKNOWN, HEALTH_UP, HEALTH_DOWN };

enum health_news { HEALTH_SUCCESS, HEALTH_MISS, HEALTH_SILENCE };

struct health {
    enum health_verdict verdict;
    uint32_t successes;  // in a row; they stop counting at their limit
    uint32_t halves;     // of misses in a row, likewise
    uint8_t relapses;    // in a row, as far as they count
    bool has_risen;      // it was down, and came up
    struct instant rose; // the last time
};

struct health_limits {
    uint16_t rise, fall; // above 0
};

/* Learns one result; true when the verdict changed. */
bool health_learn(
    struct health *health, enum health_news news, struct health_limits limits, struct instant now);

/* So many successes in a row bring it up, while it is down. */
uint32_t health_rise(const struct health *health, uint16_t rise);

/* As much silence more makes it down, unless something else comes first. */
uint32_t health_patience(const struct health *health, uint16_t fall);

/* There were misses, and too few for a verdict: the next probe is to follow quickly. */
bool health_is_doubtful(const struct health *health);
