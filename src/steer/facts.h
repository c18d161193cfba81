// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What a node plans with: for each check of a release, by position, what its view held when the
 * epoch began. Frozen; a plain tree in an arena. With the release and the map before, this is all
 * that a map is made of, so that a map can be made again from the recording.
 */

#include <stddef.h>

#include "base/arena.h"
#include "base/clock.h"
#include "conf/checks.h"
#include "wire/report.h"

enum {
    STEER_EPOCH_MS = 5000, // epochs begin at multiples of it since 1970
    STEER_LAG_MS = 1000,   // after an epoch's begin, before it is planned
};

struct fact {
    int64_t value;    // to plan with (estimate_expect): widened by silence; as in wire/report.h
    int64_t measured; // as reported, for people
    int64_t spread;
    int64_t age_ms;   // of the newest report, before the epoch
    unsigned sources; // observers that count; 0: nothing is known, the rest is 0
};

struct check_facts {
    struct fact all[REPORT_KIND_COUNT]; // median over the observers, the silent ones left out
    struct fact own[REPORT_KIND_COUNT]; // this node's alone
};

struct facts {
    struct wall epoch;
    size_t count; // of checks
    struct check_facts checks[];
};

/* Nothing known of any of `count` checks; in the arena. */
static inline struct facts *facts_none(struct arena *arena, size_t count)
{
    struct facts *facts = arena_alloc(arena, sizeof *facts + count * sizeof facts->checks[0]);

    facts->count = count;
    return facts;
}
