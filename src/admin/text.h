// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Text that grows while it is written, up to a limit: answers, tables, pages. Passing the limit
 * is remembered and asked once, at the end; what would pass it is left out whole, so that what is
 * there is always a beginning of what was meant.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/slice.h"

struct text {
    char *at; // terminated; NULL while empty
    size_t length, room, limit;
    bool is_full; // something was left out
};

/* Takes no memory before the first byte. */
void text_init(struct text *t, size_t limit);

void text_done(struct text *t);

/* After something was left out, nothing more is taken. */
void text_add(struct text *t, struct slice bytes);
void text_say(struct text *t, const char *fmt, ...) PRINTS(2, 3);

/* Good until the next change. */
static inline struct slice text_slice(const struct text *t)
{
    return (struct slice){ t->at, t->length };
}
