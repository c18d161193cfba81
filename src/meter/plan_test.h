// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For tests: plans of all shapes, by dice. */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "conf/plan.h"

struct dice {
    uint64_t state;
};

static inline uint64_t dice_roll(struct dice *dice)
{
    return hash_mix(dice->state += UINT64_C(0x9e3779b97f4a7c15));
}

/* From 0, below `sides`. */
static inline uint64_t dice_below(struct dice *dice, uint64_t sides)
{
    return dice_roll(dice) % sides;
}

/* Zero, small or large, each often. */
static inline uint64_t dice_amount(struct dice *dice, uint64_t most)
{
    uint64_t amount = dice_roll(dice) >> dice_below(dice, 64);

    return dice_below(dice, 4) == 0 ? 0 : amount % (most + 1);
}

static inline struct plan_traffic random_traffic(struct dice *dice, struct arena *arena)
{
    struct plan_traffic traffic = { 0 };
    size_t count = 1 + dice_below(dice, 4);

    if (dice_below(dice, 4) == 0) {
        traffic.megabit_microcents = (int64_t)dice_amount(dice, INT64_C(10000000000));
        return traffic;
    }
    struct plan_tier *tiers = arena_array(arena, count, sizeof *tiers);
    uint64_t end = 0;

    for (size_t i = 0; i < count; i++) {
        end += 1 + dice_amount(dice, UINT64_C(20000000000000));
        tiers[i].up_to_bytes = i + 1 < count ? end : PLAN_REST;
        tiers[i].gigabyte_microcents = (int64_t)dice_amount(dice, 100000000);
    }
    traffic.tiers = tiers;
    traffic.tier_count = count;
    traffic.included_bytes = dice_amount(dice, UINT64_C(10000000000000));
    return traffic;
}

static inline struct slice text_printed(struct arena *arena, const char *word, unsigned number)
{
    char text[32];
    int length = snprintf(text, sizeof text, "%s%u", word, number);

    return arena_copy(arena, slice_of(text, (size_t)length));
}

/* Pops "pop0" to "pop7" in at most three groups. */
static inline struct plan random_plan(struct dice *dice, struct arena *arena)
{
    static const char *const CURRENCIES[] = { "EUR", "EUR", "JPY", "BHD", "CLF" };
    struct plan plan = {
        .name = text_printed(arena, "plan-", (unsigned)dice_below(dice, 1000)),
        .currency = slice_text(CURRENCIES[dice_below(dice, 5)]),
        .monthly_microcents = (int64_t)dice_amount(dice, INT64_C(100000000000)),
        .minimum_microcents = (int64_t)dice_amount(dice, INT64_C(1000000000000)),
        .traffic = random_traffic(dice, arena),
        .requests = { (int64_t)dice_amount(dice, 1000000000), dice_amount(dice, 100000000) },
        .answers = { (int64_t)dice_amount(dice, 1000000000), dice_amount(dice, 100000000) },
    };
    struct plan_group *groups = arena_array(arena, 3, sizeof *groups);
    unsigned pop = 0;

    for (; plan.group_count < 3 && dice_below(dice, 2) == 0; plan.group_count++) {
        struct plan_group *group = &groups[plan.group_count];
        struct slice *pops = arena_array(arena, 2, sizeof *pops);

        group->name = text_printed(arena, "group", (unsigned)plan.group_count);
        group->pop_count = 1 + dice_below(dice, 2);
        for (size_t i = 0; i < group->pop_count; i++)
            pops[i] = text_printed(arena, "pop", pop++);
        group->pops = pops;
        group->traffic = random_traffic(dice, arena);
    }
    plan.groups = groups;
    return plan;
}
