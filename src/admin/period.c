// SPDX-License-Identifier: Apache-2.0
#include "admin/period.h"

enum { MONTH_LENGTH = 7, DAY_LENGTH = 10, MINUTE_LENGTH = 16, SECOND_LENGTH = 19 };

struct period period_of_month(struct month month)
{
    return (struct period){ month_begin(month), month_end(month) };
}

/* Two digits behind a certain byte. */
static bool two(struct slice text, size_t at, char before, uint64_t most, int64_t *number)
{
    uint64_t read;

    if (text.at[at] != before ||
        !slice_number(slice_head(slice_from(text, at + 1), 2), most, &read))
        return false;
    *number = (int64_t)read;
    return true;
}

static bool day_parse(struct slice text, struct period *period)
{
    struct month month;
    int64_t day;

    if (!month_parse(slice_head(text, MONTH_LENGTH), &month) ||
        !two(text, MONTH_LENGTH, '-', 31, &day) || day == 0)
        return false;
    period->from.ms = month_begin(month).ms + (day - 1) * PERIOD_DAY_MS;
    period->to.ms = period->from.ms + PERIOD_DAY_MS;
    return period->from.ms < month_end(month).ms;
}

static bool moment_parse(struct slice text, struct period *period)
{
    int64_t hour, minute, second = 0;

    if (!day_parse(slice_head(text, DAY_LENGTH), period) ||
        !two(text, DAY_LENGTH, 'T', 23, &hour) || !two(text, DAY_LENGTH + 3, ':', 59, &minute) ||
        (text.length == SECOND_LENGTH && !two(text, MINUTE_LENGTH, ':', 59, &second)))
        return false;
    period->from.ms += ((hour * 60 + minute) * 60 + second) * 1000;
    period->to = period->from;
    return true;
}

bool period_parse(struct slice text, struct period *period)
{
    struct period read = { 0 };
    struct month month;
    bool is_read = false;

    if (text.length == MONTH_LENGTH && month_parse(text, &month)) {
        *period = period_of_month(month);
        return true;
    }
    if (text.length == DAY_LENGTH)
        is_read = day_parse(text, &read);
    else if ((text.length == MINUTE_LENGTH + 1 || text.length == SECOND_LENGTH + 1) &&
             text.at[text.length - 1] == 'Z')
        is_read = moment_parse(slice_head(text, text.length - 1), &read);
    if (is_read)
        *period = read;
    return is_read;
}
