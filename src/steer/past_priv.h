// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What writing and playing the past have in common: numbers, and how facts follow each other. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "steer/past.h"

enum { PAST_NUMBER_MOST = 10, PAST_CHECKSUM_SIZE = 4 };

/* Bits of a fact that is another than before, by what of it is. */
enum {
    PAST_VALUE = 1,
    PAST_MEASURED = 2,
    PAST_SPREAD = 4,
    PAST_AGE = 8,
    PAST_SOURCES = 16,
    PAST_MOVES_ALIKE = 32, // measured differs by as much as value
    PAST_FACT_BITS = 64,
};

/* Bits in front of a cell's count of choices. */
enum { PAST_SHEDS = 0x80 };

/* Small numbers of either sign become small ones of none. */
static inline uint64_t past_fold(int64_t number)
{
    return (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0);
}

static inline int64_t past_unfold(uint64_t folded)
{
    return (int64_t)(folded >> 1 ^ (0 - (folded & 1)));
}

/* Of a record, from its kind to the end of its body, which stands at `at` in its segment. */
uint32_t past_checksum(struct slice record, uint64_t at);

/* Of a record's body: what is written, and so what is read. */
static inline bool past_body_fits(uint64_t bytes)
{
    return bytes <= PAST_RECORD_MAX;
}

/* The next number; false: there is none. */
bool past_take_number(struct slice *bytes, uint64_t *number);
