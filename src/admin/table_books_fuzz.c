// SPDX-License-Identifier: Apache-2.0
/* What people are shown of usage and invoices, whoever wrote their JSON. */
#include "admin/books_ask.h"
#include "admin/plain_fuzz.h"
#include "admin/table_books.h"
#include "base/attr.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

typedef enum err table_fn(struct text *out, struct slice json, struct diag *why);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static table_fn *const TABLES[] = { table_usage, table_invoices, table_verified,
        table_correction };
    struct slice input = slice_of(data, size);
    char keeper[BOOKS_KEEPER_MAX];
    struct text out;

    text_init(&out, 4 << 20);
    for (size_t i = 0; i < COUNT_OF(TABLES); i++) {
        if (TABLES[i](&out, input, NULL) == ERR_NONE)
            must_be_plain(&out);
        text_done(&out);
    }
    if (table_usage_csv(&out, input, NULL) == ERR_NONE && out.length == 0)
        abort();
    text_done(&out);
    books_ask_keeper(input, keeper);
    books_ask_is_verified(input);
    return 0;
}
