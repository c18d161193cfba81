// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Times as people write them in questions of usage, all of UTC: a month "2026-11", a day
 * "2026-11-22", or a moment "2026-11-22T10:05Z", with or without seconds. Pure.
 */

#include <stdbool.h>

#include "base/clock.h"
#include "base/slice.h"
#include "meter/month.h"

struct period {
    struct wall from, to; // from <= t < to
};

#define PERIOD_DAY_MS INT64_C(86400000)

/* What the text names; of a moment no time at all (from equals to). False: it is none of these, or
 * a day that there is not. */
bool period_parse(struct slice text, struct period *period);

struct period period_of_month(struct month month);
