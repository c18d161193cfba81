// SPDX-License-Identifier: Apache-2.0
#pragma once

/* The median, in integers, so that every machine finds the same. */

#include <stddef.h>
#include <stdint.h>

/*
 * Of an even number of values, the mean of the middle two, rounded down. At least one value, none
 * below 0 and none above half of INT64_MAX; they are put in another order.
 */
int64_t median(int64_t *values, size_t count);
