// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * For tests: what one node counts, made up. A node that is killed leaves its mapping to the next
 * start; a power cut takes it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "meter/usage.h"

enum { BOOKS_SLOTS = 4, BOOKS_WORKERS = 2 };

static const struct {
    const char *customer, *site;
} BOOKS_SITES[BOOKS_SLOTS] = { { "", "" }, { "acme", "a.test" }, { "acme", "b.test" },
    { "brook", "c.test" } };

/* In a folder that is there. */
static inline struct usage *counting_start(
    const char *folder, struct slice node, struct log *log, struct wall now)
{
    return usage_open(&(struct usage_plan){ .shared = folder,
        .state = folder,
        .node = node,
        .workers = BOOKS_WORKERS,
        .log = log,
        .now = now,
        .is_journaled = true });
}

/* By one of the workers. */
static inline void counting_count(struct usage *usage, size_t slot, unsigned worker, uint64_t hits)
{
    struct usage_line *line = usage_line(usage_site(usage, slice_text(BOOKS_SITES[slot].customer),
                                             slice_text(BOOKS_SITES[slot].site)),
        worker);

    counter_add(&line->of[USAGE_HIT], hits);
    counter_add(&line->of[USAGE_SENT_BYTES], 1000 * hits);
}

/* Boots that died and are not let go. */
static inline bool counting_has_dead(const struct usage *usage)
{
    struct usage_boot boot;

    return usage_dead(usage, &boot);
}
