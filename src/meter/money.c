// SPDX-License-Identifier: Apache-2.0
#include "meter/money.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { DIGITS_MAX = 8 };

__extension__ typedef unsigned __int128 wide;

static int64_t power_of_ten(int exponent)
{
    int64_t power = 1;

    while (exponent-- > 0)
        power *= 10;
    return power;
}

enum err money_round(const struct money_sum *sum, int digits, int64_t *microcents)
{
    assert(sum->quantity >= 0 && sum->price_microcents >= 0 && sum->per > 0);
    assert(sum->held_ms >= 0 && sum->held_ms <= sum->month_ms);
    assert(digits >= 0 && digits <= DIGITS_MAX);
    wide unit = (wide)power_of_ten(DIGITS_MAX - digits), held = (wide)sum->held_ms;
    wide product = (wide)sum->quantity * (wide)sum->price_microcents; // of 63 bits each
    wide divisor = (wide)sum->per * (wide)sum->month_ms * unit;       // below 2^90

    if (held > 0 && product > ~(wide)0 / held)
        return ERR_RANGE;
    product *= held;
    wide units = product / divisor, rest = product % divisor;

    units += rest >= divisor - rest;
    if (units > (wide)INT64_MAX / unit)
        return ERR_RANGE;
    *microcents = (int64_t)(units * unit);
    return ERR_NONE;
}

uint64_t money_share(uint64_t quantity, int64_t held_ms, int64_t month_ms)
{
    assert(held_ms >= 0 && held_ms <= month_ms);
    return (uint64_t)((wide)quantity * (wide)held_ms / (wide)month_ms);
}

const char *money_text(int64_t microcents, int digits, char text[MONEY_TEXT_MAX])
{
    int64_t unit = power_of_ten(DIGITS_MAX - digits), one = power_of_ten(digits);
    uint64_t size = microcents < 0 ? 0 - (uint64_t)microcents : (uint64_t)microcents;
    uint64_t coins = size / (uint64_t)unit;

    assert(size % (uint64_t)unit == 0);
    if (digits == 0)
        snprintf(text, MONEY_TEXT_MAX, "%s%" PRIu64, microcents < 0 ? "-" : "", coins);
    else
        snprintf(text, MONEY_TEXT_MAX, "%s%" PRIu64 ".%0*" PRIu64, microcents < 0 ? "-" : "",
            coins / (uint64_t)one, digits, coins % (uint64_t)one);
    return text;
}
