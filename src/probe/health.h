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
 * second, instead of six an hour. Pure.
 */

#include <stdbool.h>
#include <stdint.h>

enum health_verdict { HEALTH_UNKNOWN, HEALTH_UP, HEALTH_DOWN };

enum health_news { HEALTH_SUCCESS, HEALTH_MISS, HEALTH_SILENCE };

struct health {
    enum health_verdict verdict;
    uint16_t successes; // in a row; they stop counting at their limit
    uint32_t halves;    // of misses in a row, likewise
};

/* Learns one result; true when the verdict changed. rise and fall are above 0. */
bool health_learn(struct health *health, enum health_news news, uint16_t rise, uint16_t fall);

/* As much silence more makes it down, unless something else comes first. */
uint32_t health_patience(const struct health *health, uint16_t fall);

/* There were misses, and too few for a verdict: the next probe is to follow quickly. */
bool health_is_doubtful(const struct health *health);
