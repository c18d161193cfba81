// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What a month's uses are summed into; price.h says how they are priced. */

#include "meter/price.h"

/* Traffic of pops with one price, within a part. */
struct price_area {
    const struct plan_traffic *traffic;
    struct slice group; // empty: the pops in none
    int64_t bytes;
    int64_t *slots; // bytes of each slot of the month; NULL: by volume, or none yet
};

/* A pop that is in a group, and which area its traffic is of. */
struct price_pop {
    struct slice name;
    size_t area;
};

struct price_sums {
    struct price_part part;
    struct plan plan;
    struct price_area *areas; // the first is of the pops in no group
    size_t area_count;
    struct price_pop *pops; // by name
    size_t pop_count;
    int64_t requests, answers;
    int64_t slot_count, last_slot; // that its time touches; the last of them, -1 while none
};

/* From when on a part's plan holds. */
struct price_period {
    struct wall from;
    size_t part;
};

struct price {
    struct arena arena;
    struct wall begin, end; // of the month
    struct price_period periods[PRICE_TERMS_MAX + 1];
    size_t period_count;
    struct price_sums parts[PRICE_TERMS_MAX + 1];
    size_t part_count;
};

static inline int64_t price_month_ms(const struct price *price)
{
    return price->end.ms - price->begin.ms;
}
