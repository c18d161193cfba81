// SPDX-License-Identifier: Apache-2.0
/* A date that was read is written and read again as the same second. */
#include <assert.h>

#include "wire/http_date.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    const struct wall now = { INT64_C(1795343400000) };
    struct wall date, again;
    char text[HTTP_DATE_BYTES];

    if (!http_date_parse(slice_of(data, size), now, &date) || date.ms < 0)
        return 0;
    http_date_write(date, text);
    bool is_date = http_date_parse(slice_of(text, sizeof text), now, &again);

    assert(is_date && (again.ms == date.ms || date.ms == INT64_C(253402300800000)));
    return 0;
}
