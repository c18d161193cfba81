// SPDX-License-Identifier: Apache-2.0
/* What a quantity parser takes, it takes in range, and outputs of a failure are untouched. */
#include <math.h>
#include <stdlib.h>

#include "conf/units.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void require(bool claim)
{
    if (!claim)
        abort();
}

static void check_host(struct slice text)
{
    char host[UNITS_HOST_MAX + 1], again[UNITS_HOST_MAX + 1];
    size_t length = 0, length_again = 0;

    if (units_host(text, host, &length) != ERR_NONE)
        return;
    require(length > 0 && length <= UNITS_HOST_MAX && host[length] == '\0');
    require(units_host(slice_of(host, length), again, &length_again) == ERR_NONE);
    require(length == length_again && memcmp(host, again, length) == 0);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct slice text = slice_of(data, size);
    struct span span = { -1 };
    uint64_t whole = UINT64_MAX;
    int64_t money = -1;
    double number = HUGE_VAL;

    require((units_duration(text, &span) == ERR_NONE) == (span.ns >= 0));
    require((units_size(text, &whole) == ERR_NONE) == (whole <= INT64_MAX));
    whole = UINT64_MAX;
    require((units_bit_rate(text, &whole) == ERR_NONE) == (whole <= INT64_MAX));
    require((units_money(text, &money) == ERR_NONE) == (money >= 0));
    require((units_decimal(text, &number) == ERR_NONE) == (isfinite(number) != 0));
    number = HUGE_VAL;
    require((units_request_rate(text, &number) == ERR_NONE) == (isfinite(number) != 0));
    require(!units_is_name(text) || size <= UNITS_NAME_MAX);
    check_host(text);
    return 0;
}
