// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Text as a browser understands it, each byte of which still knows where in the file it was
 * written: `&#47;` of a page and `\2f ` of a style sheet are one slash. So what is found in the
 * text can be changed in the file without writing anew what is kept.
 *
 * A plain value; the memory is an arena's, or the file itself where nothing had to be decoded.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

struct decoded {
    const char *bytes;
    const uint32_t *places; // in the file, one for each byte, and one for the end; NULL: bytes
                            // stand one behind another from `start` on
    size_t start;
    size_t length;
    size_t unclear_at; // what stands from here on may be meant otherwise; length: nothing
};

/* Where in the file the byte begins; `at` may be the length, for the end. */
static inline size_t decoded_place(const struct decoded *d, size_t at)
{
    return d->places == NULL ? d->start + at : d->places[at];
}

/* A part of it, from `from` to before `to`. */
struct decoded decoded_part(const struct decoded *d, size_t from, size_t to);

/* Bytes of the file, as they are. */
struct decoded decoded_plain(struct slice file, struct slice part);

/* The value of an attribute, with its character references (HTML §13.2.5.72 to 80). Of named ones
 * those for ASCII are known; from any other on, the text is unclear. */
struct decoded decoded_attribute(struct slice file, struct slice value, struct arena *arena);

/* The inside of a string or url() of a style sheet, all of it clear, with its escapes (CSS Syntax 3
 * §4.3.7). */
struct decoded decoded_escapes(struct decoded raw, struct arena *arena);
