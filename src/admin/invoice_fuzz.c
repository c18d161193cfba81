// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "admin/invoice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read can be shown in every form, and its own bytes verify. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct invoice *invoice;
    struct diag why;
    char *shown = NULL;
    size_t length;

    if (invoice_json_read(slice_of(data, size), &invoice, &why) != ERR_NONE)
        return 0;
    FILE *out = open_memstream(&shown, &length);
    struct text text;

    if (out == NULL)
        abort();
    invoice_write_text(invoice, out);
    invoice_write_csv(invoice, out);
    fclose(out);
    free(shown);
    text_init(&text, INVOICE_TEXT_MAX);
    invoice_json_write(invoice, &text);
    if (!invoice_json_verify(text_slice(&text), invoice, &why))
        abort();
    text_done(&text);
    invoice_free(invoice);
    return 0;
}
