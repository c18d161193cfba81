// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For fuzzers of what people are shown: lines that end, without a byte that a terminal would obey.
 */

#include <stdlib.h>

#include "admin/text.h"

static inline void must_be_plain(const struct text *out)
{
    if (out->is_full)
        return;
    if (out->length == 0 || out->at[out->length - 1] != '\n')
        abort();
    for (size_t i = 0; i < out->length; i++) {
        bool is_line_end = out->at[i] == '\n';

        if (((unsigned char)out->at[i] < ' ' && !is_line_end) || out->at[i] == '\x7f')
            abort();
    }
}
