// SPDX-License-Identifier: Apache-2.0
#include "admin/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

enum { ROOM_FIRST = 1024 };

void text_init(struct text *t, size_t limit)
{
    *t = (struct text){ .limit = limit };
}

void text_done(struct text *t)
{
    mem_free(t->at);
    text_init(t, t->limit);
}

/* Room for `more` bytes and the terminating zero; false when that passes the limit. */
static bool grow(struct text *t, size_t more)
{
    assert(t->length <= t->limit);
    if (t->is_full || more > t->limit - t->length) {
        t->is_full = true;
        return false;
    }
    if (t->length + more < t->room)
        return true;
    size_t room = t->room == 0 ? ROOM_FIRST : t->room;

    while (room <= t->length + more)
        room *= 2;
    t->at = mem_resize(t->at, room);
    t->room = room;
    return true;
}

void text_add(struct text *t, struct slice bytes)
{
    if (bytes.length == 0 || !grow(t, bytes.length))
        return;
    memcpy(t->at + t->length, bytes.at, bytes.length);
    t->length += bytes.length;
    t->at[t->length] = '\0';
}

void text_say(struct text *t, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int length = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (length <= 0 || !grow(t, (size_t)length))
        return;
    va_start(args, fmt);
    vsnprintf(t->at + t->length, t->room - t->length, fmt, args);
    va_end(args);
    t->length += (size_t)length;
}
