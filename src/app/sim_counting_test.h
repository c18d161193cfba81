// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * For tests: what one node counts, made up. A node that is killed comes back with the totals of its
 * boot as its mapping would have them.
 */

#include "app/settling.h"
#include "app/sim_steer_test.h"

enum { BOOKS_SLOTS = 4, BOOKS_BOOTS = 16 };

static const struct {
    const char *customer, *site;
} BOOKS_SITES[BOOKS_SLOTS] = { { "", "" }, { "acme", "a.test" }, { "acme", "b.test" },
    { "brook", "c.test" } };

struct counting_boot {
    struct settling_boot facts;
    struct usage_totals totals[BOOKS_SLOTS];
};

/* The mapping of one node: dead boots, then the live one. */
struct counting {
    struct settling_meter meter;
    struct counting_boot boots[BOOKS_BOOTS];
    size_t count;
    uint64_t drawn; // boots so far
};

static inline bool counting_dead(struct settling_meter *meter, struct settling_boot *boot)
{
    struct counting *c = container_of(meter, struct counting, meter);

    if (c->count > 1)
        *boot = c->boots[0].facts;
    return c->count > 1;
}

static inline void counting_live(struct settling_meter *meter, struct settling_boot *boot)
{
    struct counting *c = container_of(meter, struct counting, meter);

    *boot = c->boots[c->count - 1].facts;
}

static inline void counting_slot(
    struct settling_meter *meter, bool is_dead, size_t at, struct settling_slot *slot)
{
    struct counting *c = container_of(meter, struct counting, meter);

    slot->customer = slice_text(BOOKS_SITES[at].customer);
    slot->site = slice_text(BOOKS_SITES[at].site);
    slot->totals = c->boots[is_dead ? 0 : c->count - 1].totals[at];
}

static inline void counting_bury(struct settling_meter *meter)
{
    struct counting *c = container_of(meter, struct counting, meter);

    memmove(c->boots, c->boots + 1, --c->count * sizeof *c->boots);
}

static inline void counting_tick(struct settling_meter *meter, struct wall now)
{
    struct counting *c = container_of(meter, struct counting, meter);

    c->boots[c->count - 1].facts.end = now;
}

static const struct settling_meter_ops COUNTING_OPS = { .dead = counting_dead,
    .live = counting_live,
    .slot = counting_slot,
    .bury = counting_bury,
    .tick = counting_tick };

static inline void counting_boot_begin(struct counting *c, struct wall now)
{
    assert_true(c->count < BOOKS_BOOTS);
    c->boots[c->count++] = (struct counting_boot){
        .facts = { .boot = ++c->drawn, .begin = now, .end = now, .slots = BOOKS_SLOTS }
    };
}
