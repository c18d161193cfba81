// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Currencies by ISO 4217, and how many decimals their amounts have: JPY 0, EUR 2, BHD 3. */

#include <stddef.h>

#include "base/slice.h"

enum { CURRENCY_DIGITS_MAX = 4 };

/* -1: there is none of these three letters, upper case. */
int currency_digits(struct slice code);

/* A schema_word_fn over all of them, currency_count in number; `words` is not used. */
struct slice currency_word(const void *words, size_t at);
size_t currency_count(void);
