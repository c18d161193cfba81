// SPDX-License-Identifier: Apache-2.0
/* The text of why, whoever wrote its JSON. */
#include "admin/plain_fuzz.h"
#include "admin/table.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct text out;

    text_init(&out, 4 << 20);
    if (table_why(&out, slice_of(data, size), NULL) == ERR_NONE)
        must_be_plain(&out);
    text_done(&out);
    return 0;
}
