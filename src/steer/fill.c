// SPDX-License-Identifier: Apache-2.0
#include "steer/fill.h"

#include <math.h>

#include "base/hash.h"

/* An origin and how it compares: the lower tier first, then the lower cost. */
struct place {
    unsigned tier;
    double cost;
    uint8_t index;
};

static unsigned tier_of(const struct fill_origin *origin)
{
    return (origin->is_drained ? 4U : 0U) + (origin->is_fit ? 0U : 2U) +
           (origin->is_reserve ? 1U : 0U);
}

/* The weighted rendezvous score: exponentially distributed with the weight as rate, so that the
 * lowest of several is each one's in proportion to its weight. */
static double cost_by_key(const struct fill_origin *origin, uint64_t key)
{
    uint64_t mixed = hash_mix(hash_mix(key) + origin->hash);
    double even = ((double)(mixed >> 11) + 0.5) * 0x1p-53; // between 0 and 1

    return origin->weight == 0 ? (double)INFINITY : -log(even) / origin->weight;
}

static double cost_by_load(const struct fill_origin *origin, double unknown_us)
{
    double response_us = origin->response_us > 0 ? (double)origin->response_us : unknown_us;
    double load = ((double)origin->in_flight + 1) * response_us;

    return origin->weight == 0 ? (double)INFINITY : load * load / origin->weight;
}

/* What to expect of those that were never asked. */
static double expect_of_unknown(const struct fill_origin *origins, size_t count)
{
    int64_t quickest_us = INT64_MAX;

    for (size_t i = 0; i < count; i++)
        if (origins[i].response_us > 0 && origins[i].response_us < quickest_us)
            quickest_us = origins[i].response_us;
    return (double)quickest_us / FILL_NEW_QUICKER;
}

static bool is_before(const struct place *a, const struct place *b)
{
    return a->tier != b->tier ? a->tier < b->tier : a->cost < b->cost;
}

/* Into its place among the first `count`; equal ones stay as listed. */
static void insert(struct place *places, size_t count, struct place place)
{
    size_t at = count;

    for (; at > 0 && is_before(&place, &places[at - 1]); at--)
        places[at] = places[at - 1];
    places[at] = place;
}

/* How many at the front may be drawn: of one tier, and of a weight above 0. */
static size_t count_drawable(const struct place *places, size_t count)
{
    size_t drawable = 0;

    while (drawable < count && places[drawable].tier == places[0].tier &&
           isfinite(places[drawable].cost))
        drawable++;
    return drawable;
}

static void move_to_front(struct place *places, size_t at)
{
    struct place place = places[at];

    for (; at > 0; at--)
        places[at] = places[at - 1];
    places[0] = place;
}

/* Two of the drawable ones, at least two, to the front. They stand by cost: `less` costs less. */
static void draw_two(struct place *places, size_t drawable, uint64_t lot)
{
    size_t one = (lot & 0xffff) % drawable;
    size_t other = (lot >> 16 & 0xffff) % (drawable - 1);
    double even = (double)(lot >> 32) * 0x1p-32; // between 0 and 1

    other += other >= one;
    size_t less = one < other ? one : other, more = one < other ? other : one;
    double turned = places[less].cost / (places[less].cost + places[more].cost);

    if (even < fmax(turned, 1.0 / FILL_EXPLORES)) {
        move_to_front(places, less);
        move_to_front(places, more);
    } else {
        move_to_front(places, more);
        move_to_front(places, less + 1);
    }
}

size_t fill_order(enum site_fill fill, const struct fill_origin *origins, size_t count,
    uint64_t key, uint64_t lot, uint8_t order[FILL_ORIGINS_MAX])
{
    struct place places[FILL_ORIGINS_MAX] = { 0 };
    size_t used = count < FILL_ORIGINS_MAX ? count : FILL_ORIGINS_MAX;
    double unknown_us = expect_of_unknown(origins, used);

    for (size_t i = 0; i < used; i++) {
        const struct fill_origin *origin = &origins[i];
        struct place place = { .tier = tier_of(origin), .index = (uint8_t)i };

        switch (fill) {
        case FILL_ORDERED:
        case FILL_PINNED: break;
        case FILL_HASH: place.cost = cost_by_key(origin, key); break;
        case FILL_LEAST_LOADED: place.cost = cost_by_load(origin, unknown_us); break;
        }
        insert(places, i, place);
    }
    if (fill == FILL_LEAST_LOADED) {
        size_t drawable = count_drawable(places, used);

        if (drawable > 1)
            draw_two(places, drawable, lot);
    }
    for (size_t i = 0; i < used; i++)
        order[i] = places[i].index;
    return used;
}
