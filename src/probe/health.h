// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Up or down, from probes that succeed or miss. Until the first verdict one success is enough for
 * up. Afterwards `fall` misses in a row make it down, and `rise` successes in a row make it up
 * again. While misses are being confirmed the next probe is to follow soon instead of after the
 * interval; so a single loss costs one quick probe more and nothing else. Pure.
 */

#include <stdbool.h>
#include <stdint.h>

enum health_verdict { HEALTH_UNKNOWN, HEALTH_UP, HEALTH_DOWN };

struct health {
    enum health_verdict verdict;
    uint16_t misses, successes; // in a row; they stop counting at their limits
};

/* Learns one result; true when the verdict changed. rise and fall are above 0. */
bool health_learn(struct health *health, bool is_ok, uint16_t rise, uint16_t fall);

/* There were misses, and too few for a verdict: the next probe is to follow quickly. */
bool health_is_doubtful(const struct health *health);
