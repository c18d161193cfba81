// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Plans: what a customer pays, as exact integers. A hundred million microcents are one unit of the
 * currency. What is said of a month (its price, what is included, where tiers begin, the minimum)
 * holds for a whole one; meter/price.h says what becomes of it when a plan holds for less.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum {
    PLAN_TIERS_MAX = 16,  // of one price of traffic
    PLAN_GROUPS_MAX = 16, // of one plan
    PLAN_POPS_MAX = 512,  // in all groups of a plan
};

#define PLAN_REST UINT64_MAX // where the last tier ends

struct plan_tier {
    uint64_t up_to_bytes; // of the month, counted from 0; ascends, the last is PLAN_REST
    int64_t gigabyte_microcents;
};

/* How traffic is priced: by volume, or by the 95th percentile of the rate. */
struct plan_traffic {
    const struct plan_tier *tiers; // NULL: by rate; else at least one
    size_t tier_count;
    uint64_t included_bytes;    // by volume: these are free, and count for no tier
    int64_t megabit_microcents; // by rate: for each 10^6 bits a second, of a month
};

/* What is counted in millions. */
struct plan_count {
    int64_t million_microcents;
    uint64_t included;
};

/* Pops with a price of their own for traffic. */
struct plan_group {
    struct slice name;
    const struct slice *pops; // at least one; none is in two groups
    size_t pop_count;
    struct plan_traffic traffic;
};

struct plan {
    struct slice name;
    struct slice currency; // ISO 4217, three letters
    int64_t monthly_microcents, minimum_microcents;
    struct plan_traffic traffic; // of pops that are in no group
    struct plan_count requests, answers;
    const struct plan_group *groups;
    size_t group_count;
};
