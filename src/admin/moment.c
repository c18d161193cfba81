// SPDX-License-Identifier: Apache-2.0
#include "admin/moment.h"

#include <stdio.h>

#include "admin/period.h"
#include "admin/status.h"
#include "conf/units.h"

enum { SECONDS_LENGTH = 19 }; // of 2026-11-22T10:05:00

static bool parse_fraction(struct slice digits, int64_t *us)
{
    int64_t unit = 100000;

    *us = 0;
    for (size_t i = 0; i < digits.length; i++, unit /= 10) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return false;
        *us += (digits.at[i] - '0') * unit;
    }
    return digits.length > 0;
}

static bool parse_utc(struct slice text, struct moment *moment)
{
    char seconds[SECONDS_LENGTH + 1];
    struct period period;
    int64_t us = 0;

    if (text.length < SECONDS_LENGTH + 1 || !slice_ends(text, SLICE("Z")) ||
        slice_find(text, 'T') != 10)
        return false;
    struct slice rest =
        slice_head(slice_from(text, SECONDS_LENGTH), text.length - SECONDS_LENGTH - 1);

    if (rest.length > 0 && (rest.at[0] != '.' || !parse_fraction(slice_from(rest, 1), &us)))
        return false;
    memcpy(seconds, text.at, SECONDS_LENGTH);
    seconds[SECONDS_LENGTH] = 'Z';
    if (!period_parse(slice_of(seconds, sizeof seconds), &period) ||
        period.from.ms != period.to.ms || period.from.ms < 0)
        return false;
    moment->us = period.from.ms * 1000 + us;
    return true;
}

bool moment_parse(struct slice text, struct moment now, struct moment *moment)
{
    struct span back;

    if (!slice_starts(text, SLICE("-")))
        return parse_utc(text, moment);
    if (units_duration(slice_from(text, 1), &back) != ERR_NONE || back.ns / 1000 > now.us)
        return false;
    moment->us = now.us - back.ns / 1000;
    return true;
}

const char *moment_text(struct moment moment, char text[MOMENT_TEXT_MAX])
{
    char seconds[ADMIN_TIME_TEXT_MAX];

    admin_time_text((struct wall){ moment.us / 1000 }, seconds);
    snprintf(text, MOMENT_TEXT_MAX, "%.19s.%06uZ", seconds, (unsigned)(moment.us % 1000000));
    return text;
}
