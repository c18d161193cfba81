// SPDX-License-Identifier: Apache-2.0
#include "meter/month.h"

#include <assert.h>
#include <stdio.h>

enum { MONTHS = 12, FIRST_YEAR = 1970, LAST_YEAR = 9999 };

#define DAY_MS INT64_C(86400000)

/* Days from 1970-01-01 to the first of the month; a month above 12 is of the next year. */
static int64_t days_before(int64_t year, int64_t month)
{
    static const int16_t BEFORE[MONTHS] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    int64_t years = year + month / (MONTHS + 1), at = (month - 1) % MONTHS;
    int64_t past = at < 2 ? years - 1 : years; // the last year whose leap day is over

    return years * 365 + past / 4 - past / 100 + past / 400 + BEFORE[at] - 719527;
}

bool month_parse(struct slice text, struct month *month)
{
    uint64_t year, number;

    if (text.length != 7 || text.at[4] != '-' ||
        !slice_number(slice_head(text, 4), LAST_YEAR, &year) || year < FIRST_YEAR ||
        !slice_number(slice_from(text, 5), MONTHS, &number) || number == 0)
        return false;
    *month = (struct month){ (int16_t)year, (uint8_t)number };
    return true;
}

const char *month_text(struct month month, char text[MONTH_TEXT_MAX])
{
    snprintf(text, MONTH_TEXT_MAX, "%04u-%02u", (unsigned)month.year % 10000, month.month % 100u);
    return text;
}

struct month month_of(struct wall wall)
{
    int64_t day = wall.ms / DAY_MS, year = FIRST_YEAR + day / 366, month = 1;

    assert(wall.ms >= 0 && day < days_before(LAST_YEAR + 1, 1));
    while (days_before(year + 1, 1) <= day)
        year++;
    while (days_before(year, month + 1) <= day)
        month++;
    return (struct month){ (int16_t)year, (uint8_t)month };
}

struct wall month_begin(struct month month)
{
    assert(month.month >= 1 && month.month <= MONTHS);
    return (struct wall){ days_before(month.year, month.month) * DAY_MS };
}

struct wall month_end(struct month month)
{
    assert(month.month >= 1 && month.month <= MONTHS);
    return (struct wall){ days_before(month.year, month.month + 1) * DAY_MS };
}
