// SPDX-License-Identifier: Apache-2.0
/*
 * The text of a view, and of two maps compared, whoever wrote their JSON. Two maps are told apart
 * by a zero byte.
 */
#include "admin/plain_fuzz.h"
#include "admin/table.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct slice input = slice_of(data, size);
    size_t zero = slice_find(input, '\0');
    struct slice one = slice_head(input, zero), other = slice_from(input, zero + 1);
    char after[TABLE_CELL_MAX];
    struct text out;

    table_next_page(one, after);
    text_init(&out, 4 << 20);
    if (table_view(&out, &one, 1, NULL) == ERR_NONE)
        must_be_plain(&out);
    text_done(&out);
    if (other.length == 0)
        other = one; // compared with itself
    text_init(&out, 4 << 20);
    if (table_compare(&out, one, other, NULL) == ERR_NONE)
        must_be_plain(&out);
    text_done(&out);
    table_same_epoch(one, other);
    return 0;
}
