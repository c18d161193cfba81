// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Months of UTC, from 1970-01 to 9999-12. A day has 86,400 seconds: leap seconds are not counted,
 * as in all times of this program.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"

enum { MONTH_TEXT_MAX = 8 };

struct month {
    int16_t year;
    uint8_t month; // from 1; 0: no month
};

/* "2026-11" and nothing else. */
bool month_parse(struct slice text, struct month *month);

/* Terminated; returns `text`. */
const char *month_text(struct month month, char text[MONTH_TEXT_MAX]);

/* The one that holds it; wall is not before 1970, nor after 9999. */
struct month month_of(struct wall wall);

/* Its first millisecond, and that of the next month. */
struct wall month_begin(struct month month);
struct wall month_end(struct month month);
