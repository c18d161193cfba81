// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Text put together piece by piece in memory of someone else's, for the places where printf is too
 * slow. What does not fit is left out and remembered.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct writer {
    char *start;
    size_t length, room;
    bool is_short; // something did not fit
};

static inline struct writer writer_on(void *room, size_t room_bytes)
{
    return (struct writer){ .start = room, .room = room_bytes };
}

static inline void write_slice(struct writer *w, struct slice bytes)
{
    if (bytes.length > w->room - w->length) {
        w->is_short = true;
        return;
    }
    if (bytes.length > 0)
        memcpy(w->start + w->length, bytes.at, bytes.length);
    w->length += bytes.length;
}

/* In decimal. */
static inline void write_number(struct writer *w, int64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0)
        write_slice(w, SLICE("-"));
    write_slice(w, slice_of(digits + at, sizeof digits - at));
}

static inline struct slice writer_slice(const struct writer *w)
{
    return slice_of(w->start, w->length);
}
