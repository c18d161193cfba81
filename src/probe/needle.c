// SPDX-License-Identifier: Apache-2.0
#include "probe/needle.h"

#include <assert.h>

#include "base/mem.h"

/* How much is matched when `c` follows. */
static uint32_t step(const struct needle *needle, struct slice text, uint32_t matched, char c)
{
    while (matched > 0 && text.at[matched] != c)
        matched = needle->fallback[matched - 1];
    return text.at[matched] == c ? matched + 1 : 0;
}

void needle_init(struct needle *needle, struct slice text)
{
    assert(text.length < UINT32_MAX);
    *needle = (struct needle){ .is_found = text.length == 0 };
    if (needle->is_found)
        return;
    needle->fallback = mem_array(text.length, sizeof *needle->fallback);
    for (size_t i = 1; i < text.length; i++)
        needle->fallback[i] = step(needle, text, needle->fallback[i - 1], text.at[i]);
}

void needle_done(struct needle *needle)
{
    mem_free(needle->fallback);
    needle->fallback = NULL;
}

void needle_read(struct needle *needle, struct slice text, struct slice bytes)
{
    for (size_t i = 0; i < bytes.length && !needle->is_found; i++) {
        needle->matched = step(needle, text, needle->matched, bytes.at[i]);
        needle->is_found = needle->matched == text.length;
    }
}
