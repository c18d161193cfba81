// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Money as exact integers: products in 128 bits, one division, one rounding. A hundred million
 * microcents are one unit of the currency.
 */

#include <stdint.h>

#include "base/err.h"

enum { MONEY_TEXT_MAX = 28 };

/* quantity / per, at a price that holds for a month, for the part of the month that is held. */
struct money_sum {
    int64_t quantity, price_microcents; // neither is below 0
    int64_t per;                        // from 1 to 10^9
    int64_t held_ms, month_ms;          // 0 <= held <= month <= 31 days
};

/*
 * Rounded to so many decimals of the currency's unit, at most 8, half away from zero. ERR_RANGE:
 * too large to hold, or to compute.
 */
[[nodiscard]] enum err money_round(const struct money_sum *sum, int digits, int64_t *microcents);

/* That part of a month's quantity, down to a whole one. */
uint64_t money_share(uint64_t quantity, int64_t held_ms, int64_t month_ms);

/* "1234.50" with so many decimals, which must hold it exactly; "-0.05" below zero. */
const char *money_text(int64_t microcents, int digits, char text[MONEY_TEXT_MAX]);
