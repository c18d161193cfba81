// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For tests of prices: plans from their texts, times of November 2026, bills that fail the test. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "meter/price.h"

#define NOVEMBER ((struct month){ 2026, 11 })

enum { NOVEMBER_DAYS = 30 };

#define DAY_MS INT64_C(86400000)

/* The moment so many days and milliseconds into November 2026. */
static inline struct wall november(int64_t days, int64_t ms)
{
    return (struct wall){ month_begin(NOVEMBER).ms + days * DAY_MS + ms };
}

/* A bill and the memory it is in. */
struct bill {
    struct price_bill bill;
    struct arena arena;
};

static inline void bill_drop(struct bill *b)
{
    arena_done(&b->arena);
}

/* Fails the test, and says why, when there is no bill. */
static inline struct bill bill_of(
    const struct price_term *terms, size_t count, const struct price_use *uses, size_t use_count)
{
    struct bill b;
    struct price *price = NULL;
    struct diag why = { 0 };

    arena_init(&b.arena, SIZE_MAX);
    enum err err = price_new(terms, count, NOVEMBER, &price, &why);

    for (size_t i = 0; err == ERR_NONE && i < use_count; i++)
        err = price_add(price, &uses[i], &why);
    if (err == ERR_NONE)
        err = price_close(price, &b.arena, &b.bill, &why);
    if (err != ERR_NONE)
        print_error("%s\n", why.text);
    assert_int_equal(err, ERR_NONE);
    price_free(price);
    return b;
}

/* All of a bill as text: two bills are equal when their texts are. */
static inline struct slice bill_text(struct bill *b)
{
    enum { ROOM = 1 << 16 };
    char *text = arena_alloc(&b->arena, ROOM);
    size_t used = 0;

    for (size_t i = 0; i < b->bill.part_count; i++) {
        const struct price_part *part = &b->bill.parts[i];

        used += (size_t)snprintf(text + used, ROOM - used, "part %.*s %.*s %ld %ld\n",
            SLICE_ARG(part->plan), SLICE_ARG(part->currency), (long)part->begin.ms,
            (long)part->held_ms);
    }
    for (size_t i = 0; i < b->bill.line_count; i++) {
        const struct price_line *line = &b->bill.lines[i];

        used += (size_t)snprintf(text + used, ROOM - used, "%u %s %.*s %u %ld x %ld = %ld\n",
            line->part, price_kind_text(line->kind), (int)line->group.length,
            line->group.length > 0 ? line->group.at : "", line->tier, (long)line->quantity,
            (long)line->price_microcents, (long)line->amount_microcents);
    }
    for (size_t i = 0; i < b->bill.total_count; i++)
        used += (size_t)snprintf(text + used, ROOM - used, "total %.*s %ld\n",
            SLICE_ARG(b->bill.totals[i].currency), (long)b->bill.totals[i].amount_microcents);
    assert_true(used < ROOM);
    return slice_of(text, used);
}
