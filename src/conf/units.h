// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Quantities as people write them: a decimal number and its unit, "20s", "1.5 GiB", "10 Gbit/s".
 * A unit is never left out, so that nobody has to know what a bare 20 would mean.
 *
 * Exact: digits are held as integers, and a value that is no whole number of the smallest unit
 * (nanoseconds, bytes, bits) is refused, not rounded. At most 18 digits. Blanks between number
 * and unit are allowed. Pure functions; outputs are untouched on failure.
 *
 * Each returns ERR_PARSE for what is not of its form, and ERR_RANGE for a value too large to hold
 * or too fine to hold exactly.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

enum { UNITS_HOST_MAX = 253, UNITS_NAME_MAX = 63, UNITS_MONEY_MAX = 24 };

/* us, ms, s, m, h, d. */
[[nodiscard]] enum err units_duration(struct slice text, struct span *span);

/* B, kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB (powers of 1024). */
[[nodiscard]] enum err units_size(struct slice text, uint64_t *bytes);

/* bit/s, kbit/s, Mbit/s, Gbit/s, Tbit/s. */
[[nodiscard]] enum err units_bit_rate(struct slice text, uint64_t *bits_per_s);

/* req/s. */
[[nodiscard]] enum err units_request_rate(struct slice text, double *requests_per_s);

/* A number alone, may be negative, no exponent: "-74.01". */
[[nodiscard]] enum err units_decimal(struct slice text, double *number);

/* An amount of money with at most eight decimals: "0.020". Not negative. */
[[nodiscard]] enum err units_money(struct slice text, int64_t *microcents);

/* The amount as units_money reads it: two decimals at least, no more than it takes. Not negative.
 */
const char *units_money_text(int64_t microcents, char text[UNITS_MONEY_MAX]);

/*
 * A host name in its ASCII form, a dot at the end allowed: labels of letters, digits, hyphens and
 * underscores, at most UNITS_HOST_MAX bytes. What reads as an IPv4 address is none. Writes the
 * lower-case form without the dot and its length to `host`.
 */
[[nodiscard]] enum err units_host(struct slice text, char host[UNITS_HOST_MAX + 1], size_t *length);

/* A name of ours: begins with a letter or digit; then also - _ and dots; UNITS_NAME_MAX bytes. */
bool units_is_name(struct slice text);
