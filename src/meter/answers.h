// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What DNS answers gave out, counted in memory for people and their tools: each address by the
 * site it was asked for, the target it leads to and the reason why that was picked. Money is not
 * counted here but in meter/usage.h, with which the sums agree for as long as the process lives.
 *
 * Each pair of a site and a target has lines of counters, one for each worker, which it alone
 * writes: to count is one addition, without a lock or a call. Pairs are added by one thread at a
 * time, while all others may count and read; they stay where they are until the end, so that old
 * releases and new ones count in the same place. What finds no room (ANSWERS_PAIRS_MAX) counts for
 * pair 0, which belongs to nobody.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/counter.h"
#include "base/slice.h"

struct answers;

enum {
    ANSWERS_PAIRS_MAX = 1 << 18, // beside pair 0
    ANSWERS_REASONS_MAX = 8,     // who counts gives each reason a number below it
    ANSWERS_LINES_APART = 4096,  // bytes between one worker's line of a pair and the next one's
};

/* One worker's totals of one pair, by reason. */
struct answers_line {
    ALIGNED(CACHE_LINE_BYTES) struct counter of[ANSWERS_REASONS_MAX];
};

/* Of a pair, as answers_pair gives it: the line of one of the node's workers. */
static inline struct answers_line *answers_line(struct answers_line *lines, unsigned worker)
{
    return (struct answers_line *)(void *)((char *)lines + (size_t)worker * ANSWERS_LINES_APART);
}

struct answers *answers_new(unsigned workers);

/* Nobody counts any more. Accepts NULL. */
void answers_free(struct answers *answers);

/* The lines of a pair, found or added; of pair 0 where there is no room. Good as long as the
 * answers are. By one thread at a time. */
struct answers_line *answers_pair(
    struct answers *answers, struct slice customer, struct slice site, struct slice target);

/* How many pairs there are, pair 0 with them: they are never fewer later on. Any thread. */
size_t answers_count(const struct answers *answers);

struct answers_given {
    struct slice customer, site, target; // all empty: of nobody; good as long as the answers are
    uint64_t addresses[ANSWERS_REASONS_MAX];
};

/* A pair below the count, summed over the workers. Any thread. */
void answers_read(const struct answers *answers, size_t at, struct answers_given *given);

/* Pairs that found no room. */
uint64_t answers_homeless(const struct answers *answers);
