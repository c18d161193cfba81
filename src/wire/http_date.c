// SPDX-License-Identifier: Apache-2.0
#include "wire/http_date.h"

#include <string.h>

enum { DAY_S = 86400, YEAR_MAX = 9999 };

static const char day_names[7][10] = { "Thursday", "Friday", "Saturday", "Sunday", "Monday",
    "Tuesday", "Wednesday" }; // 1970 began on a Thursday
static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
    "Sep", "Oct", "Nov", "Dec" };

struct date {
    int64_t year;
    int64_t month, day; // month from 0, day from 1
    int64_t hour, minute, second;
};

/* What is left to read; each step takes what it names or turns `bad` true. */
struct reader {
    struct slice rest;
    bool bad;
};

static void take_text(struct reader *r, struct slice text)
{
    if (!slice_starts(r->rest, text)) {
        r->bad = true;
        return;
    }
    r->rest = slice_from(r->rest, text.length);
}

static int64_t take_number(struct reader *r, size_t digits)
{
    uint64_t number = 0;

    if (r->rest.length < digits || !slice_number(slice_head(r->rest, digits), 9999, &number))
        r->bad = true;
    r->rest = slice_from(r->rest, digits);
    return (int64_t)number;
}

static int64_t take_month(struct reader *r)
{
    for (int64_t month = 0; month < 12; month++) {
        if (slice_starts(r->rest, slice_of(month_names[month], 3))) {
            r->rest = slice_from(r->rest, 3);
            return month;
        }
    }
    r->bad = true;
    return 0;
}

/* A day's name, of which `length` bytes are written; 0: all of them. */
static void take_day_name(struct reader *r, size_t length)
{
    for (size_t day = 0; day < 7; day++) {
        struct slice name = slice_text(day_names[day]);

        if (length > 0)
            name.length = length;
        if (slice_starts(r->rest, name)) {
            r->rest = slice_from(r->rest, name.length);
            return;
        }
    }
    r->bad = true;
}

static void take_time(struct reader *r, struct date *d)
{
    d->hour = take_number(r, 2);
    take_text(r, SLICE(":"));
    d->minute = take_number(r, 2);
    take_text(r, SLICE(":"));
    d->second = take_number(r, 2);
}

/* `count` digits; below 0 when one of them is none. */
static int64_t digits_at(const char *at, size_t count)
{
    int64_t number = 0;
    bool bad = false;

    for (size_t i = 0; i < count; i++) {
        bad |= at[i] < '0' || at[i] > '9';
        number = number * 10 + (at[i] - '0');
    }
    return bad ? -1 : number;
}

/* Sun, 06 Nov 1994 08:49:37 GMT: nearly all dates are such, and every byte has its place. */
static bool imf_read(const char *at, struct date *d)
{
    size_t day = 0, month = 0;

    while (day < 7 && memcmp(at, day_names[day], 3) != 0)
        day++;
    while (month < 12 && memcmp(at + 8, month_names[month], 3) != 0)
        month++;
    *d = (struct date){ .year = digits_at(at + 12, 4),
        .month = (int64_t)month,
        .day = digits_at(at + 5, 2),
        .hour = digits_at(at + 17, 2),
        .minute = digits_at(at + 20, 2),
        .second = digits_at(at + 23, 2) };
    return day < 7 && month < 12 && memcmp(at + 3, ", ", 2) == 0 && at[7] == ' ' && at[11] == ' ' &&
           at[16] == ' ' && at[19] == ':' && at[22] == ':' && memcmp(at + 25, " GMT", 4) == 0 &&
           d->hour >= 0 && d->minute >= 0 && d->second >= 0;
}

/* Sun Nov  6 08:49:37 1994 */
static void take_asctime(struct reader *r, struct date *d)
{
    take_day_name(r, 3);
    take_text(r, SLICE(" "));
    d->month = take_month(r);
    take_text(r, SLICE(" "));
    if (slice_starts(r->rest, SLICE(" "))) {
        take_text(r, SLICE(" "));
        d->day = take_number(r, 1);
    } else {
        d->day = take_number(r, 2);
    }
    take_text(r, SLICE(" "));
    take_time(r, d);
    take_text(r, SLICE(" "));
    d->year = take_number(r, 4);
}

/* Sunday, 06-Nov-94 08:49:37 GMT; the year stays of two digits. */
static void take_rfc850(struct reader *r, struct date *d)
{
    take_day_name(r, 0);
    take_text(r, SLICE(", "));
    d->day = take_number(r, 2);
    take_text(r, SLICE("-"));
    d->month = take_month(r);
    take_text(r, SLICE("-"));
    d->year = take_number(r, 2);
    take_text(r, SLICE(" "));
    take_time(r, d);
    take_text(r, SLICE(" GMT"));
}

/*
 * Days since 1970 of the Gregorian calendar. Years are counted from March, so that the leap day is
 * a year's last: then a month's first day is a linear function of the month.
 */
static int64_t days_of(const struct date *d)
{
    int64_t year = d->month < 2 ? d->year - 1 : d->year;
    int64_t month = (d->month + 10) % 12;

    return year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + d->day -
           719469;
}

static void date_of(int64_t days, struct date *d)
{
    int64_t z = days + 719468; // days since 0000-03-01
    int64_t era = z / 146097;
    int64_t in_era = z % 146097;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * in_year + 2) / 153;

    d->day = in_year - (153 * month + 2) / 5 + 1;
    d->month = (month + 2) % 12;
    d->year = era * 400 + year + (d->month < 2 ? 1 : 0);
}

static int64_t days_in(int64_t year, int64_t month)
{
    static const int64_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month] + (month == 1 && is_leap ? 1 : 0);
}

static int64_t seconds_of(const struct date *d)
{
    return days_of(d) * DAY_S + d->hour * 3600 + d->minute * 60 + d->second;
}

/* The year of this and the next century that is at most 50 years ahead. */
static int64_t full_year(int64_t two_digits, struct wall now)
{
    struct date today;

    date_of(wall_s(now) < 0 ? 0 : wall_s(now) / DAY_S, &today);
    int64_t year = today.year - today.year % 100 + two_digits;

    if (year > today.year + 50)
        return year - 100;
    return year + 100 <= today.year + 50 ? year + 100 : year;
}

bool http_date_parse(struct slice text, struct wall now, struct wall *date)
{
    struct reader r = { .rest = text };
    struct date d = { 0 };
    size_t comma = slice_find(text, ',');

    if (comma == 3) {
        if (text.length != HTTP_DATE_BYTES || !imf_read(text.at, &d))
            return false;
    } else if (comma == text.length) {
        take_asctime(&r, &d);
    } else {
        take_rfc850(&r, &d);
        d.year = full_year(d.year, now);
    }
    if (comma != 3 && (r.bad || r.rest.length > 0))
        return false;
    if (d.year < 1 || d.day < 1 || d.day > days_in(d.year, d.month) || d.hour > 23 ||
        d.minute > 59 || d.second > 60) // 60: a leap second
        return false;
    *date = wall_from_s(seconds_of(&d));
    return true;
}

static void put_number(char *at, int64_t number, size_t digits)
{
    while (digits-- > 0) {
        at[digits] = (char)('0' + number % 10);
        number /= 10;
    }
}

void http_date_write(struct wall date, char *text)
{
    const struct date last = { YEAR_MAX, 11, 31, 23, 59, 59 };
    int64_t s = wall_s(date);
    struct date d;

    if (s < 0)
        s = 0;
    if (s > seconds_of(&last))
        s = seconds_of(&last);
    date_of(s / DAY_S, &d);
    memcpy(text, "Sun, 06 Nov 1994 08:49:37 GMT", HTTP_DATE_BYTES);
    memcpy(text, day_names[(s / DAY_S) % 7], 3);
    put_number(text + 5, d.day, 2);
    memcpy(text + 8, month_names[d.month], 3);
    put_number(text + 12, d.year, 4);
    put_number(text + 17, s % DAY_S / 3600, 2);
    put_number(text + 20, s % 3600 / 60, 2);
    put_number(text + 23, s % 60, 2);
}
