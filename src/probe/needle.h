// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Finds a text in bytes that come in pieces, borders between pieces included, without keeping
 * them: the matcher of Knuth, Morris and Pratt, which remembers only how much of the text the
 * newest bytes are the beginning of. Pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct needle {
    uint32_t *fallback; // for each length matched: that of the longest that is left at a mismatch
    uint32_t matched;
    bool is_found;
};

/* An empty text is found at once. The text itself is not kept. */
void needle_init(struct needle *needle, struct slice text);
void needle_done(struct needle *needle);

/* The next bytes; the text is the one that needle_init was given. */
void needle_read(struct needle *needle, struct slice text, struct slice bytes);
