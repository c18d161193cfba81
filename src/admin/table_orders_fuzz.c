// SPDX-License-Identifier: Apache-2.0
/* What people are shown of orders, whoever wrote their JSON. */
#include "admin/order_ask.h"
#include "admin/plain_fuzz.h"
#include "admin/table.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct slice input = slice_of(data, size);
    struct text out;
    uint64_t number;

    text_init(&out, 4 << 20);
    if (table_orders(&out, input, NULL) == ERR_NONE)
        must_be_plain(&out);
    text_done(&out);
    if (table_order(&out, input, NULL) == ERR_NONE)
        must_be_plain(&out);
    text_done(&out);
    order_ask_number(input, &number);
    order_ask_progress(input);
    return 0;
}
