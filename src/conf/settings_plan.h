// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Plans as written; the rest of the file is in conf/settings.h. */

#include <stdint.h>

#include "base/slice.h"
#include "conf/schema.h"

struct set_tier {
    struct schema_head head;
    uint64_t up_to_bytes;
    int64_t gigabyte_microcents;
};

/* What is said of traffic in a plan and in a group of it; one of the three is given. */
struct set_price {
    int64_t gigabyte_microcents, megabit_microcents;
    struct schema_list tiers; // struct set_tier
};

/* Of a group: traffic alone. */
struct set_included {
    struct schema_head head;
    uint64_t traffic_bytes, requests, answers;
};

struct set_group {
    struct schema_head head;
    struct schema_list pops; // struct slice
    struct set_price price;
    struct set_included included;
};

struct set_plan {
    struct schema_head head;
    struct slice currency;
    int64_t monthly_microcents, minimum_microcents;
    int64_t million_requests_microcents, million_answers_microcents;
    struct set_price price;
    struct set_included included;
    struct schema_list groups; // struct set_group
};
