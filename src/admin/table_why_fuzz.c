// SPDX-License-Identifier: Apache-2.0
/*
 * The text of why, whoever wrote its JSON: lines that end, without a byte that a terminal would
 * obey.
 */
#include <stdlib.h>

#include "admin/table.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct text out;

    text_init(&out, 4 << 20);
    if (table_why(&out, slice_of(data, size), NULL) == ERR_NONE && !out.is_full) {
        if (out.length == 0 || out.at[out.length - 1] != '\n')
            abort();
        for (size_t i = 0; i < out.length; i++) {
            bool is_line_end = out.at[i] == '\n';

            if (((unsigned char)out.at[i] < ' ' && !is_line_end) || out.at[i] == '\x7f')
                abort();
        }
    }
    text_done(&out);
    return 0;
}
