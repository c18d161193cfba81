// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "wire/http_date.h"

static const struct wall NOW = { INT64_C(1795343400000) }; // 2026-11-22

static int64_t seconds(const char *text)
{
    struct wall date = { -1 };

    return http_date_parse(slice_text(text), NOW, &date) ? wall_s(date) : -1;
}

static void three_forms_name_the_same_second(void **state)
{
    (void)state;
    assert_int_equal(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    assert_int_equal(seconds("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    assert_int_equal(seconds("Sun Nov  6 08:49:37 1994"), 784111777);
    assert_int_equal(seconds("Sun Nov 16 08:49:37 1994"), 784111777 + 864000);
}

static void what_is_written_is_read_again(void **state)
{
    static const int64_t moments[] = { 0, 951782399, 951782400, 951868800, 4107542399, 1709164800,
        784111777, 253402300799 };
    char text[HTTP_DATE_BYTES + 1] = { 0 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(moments); i++) {
        http_date_write(wall_from_s(moments[i]), text);
        assert_int_equal(seconds(text), moments[i]);
    }
    http_date_write(wall_from_s(951782400), text);
    assert_string_equal(text, "Tue, 29 Feb 2000 00:00:00 GMT");
}

static void dates_outside_the_calendar_are_written_as_its_ends(void **state)
{
    char text[HTTP_DATE_BYTES + 1] = { 0 };

    (void)state;
    http_date_write(wall_from_s(-5), text);
    assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
    http_date_write(wall_from_s(INT64_C(1) << 50), text);
    assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT");
}

static void two_digit_years_are_at_most_fifty_years_ahead(void **state)
{
    (void)state;
    assert_int_equal(
        seconds("Thursday, 18-Aug-50 02:01:18 GMT"), seconds("Thu, 18 Aug 2050 02:01:18 GMT"));
    assert_int_equal(
        seconds("Thursday, 18-Aug-76 02:01:18 GMT"), seconds("Thu, 18 Aug 2076 02:01:18 GMT"));
    assert_int_equal(
        seconds("Thursday, 18-Aug-77 02:01:18 GMT"), seconds("Thu, 18 Aug 1977 02:01:18 GMT"));
}

static void anything_else_is_no_date(void **state)
{
    static const char *const texts[] = { "", "0", "-1", "Thu, 18 Aug 2050 02:01:18 UTC",
        "Thu, 18 Aug 2050 02:01:18 gMT", "THU, 18 Aug 2050 02:01:18 GMT",
        "Thu, 18 AUG 2050 02:01:18 GMT", "Thu, 18 Aug 50 02:01:18 GMT",
        "Thu 18 Aug 2050 02:01:18 GMT", "Thu, 18  Aug 2050 02:01:18 GMT",
        "Thu, 18-Aug-2050 02:01:18 GMT", "Thu, 18 Aug 2050 02.01.18 GMT",
        "Thu, 18 Aug 2050 2:01:18 GMT", "Thu, 18 Aug 2050 24:01:18 GMT",
        "Thu, 18 Aug 2050 02:60:18 GMT", "Thu, 18 Aug 2050 02:01:61 GMT",
        "Thu, 00 Aug 2050 02:01:18 GMT", "Thu, 32 Aug 2050 02:01:18 GMT",
        "Wed, 29 Feb 2023 02:01:18 GMT", "Thu, 18 Aug 2050 02:01:18 GMT ",
        "Thu, 18 Aug 2050 02:01:18", "Sun Nov 6 08:49:37 1994", "Sat Jan  1 00:00:00 0000" };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_int_equal(seconds(texts[i]), -1);
}

static void leap_days_and_leap_seconds_are_dates(void **state)
{
    (void)state;
    assert_int_equal(seconds("Tue, 29 Feb 2000 00:00:00 GMT"), 951782400);
    assert_int_equal(seconds("Sat, 31 Dec 2016 23:59:60 GMT"), 1483228800);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_forms_name_the_same_second),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(dates_outside_the_calendar_are_written_as_its_ends),
        cmocka_unit_test(two_digit_years_are_at_most_fifty_years_ahead),
        cmocka_unit_test(anything_else_is_no_date),
        cmocka_unit_test(leap_days_and_leap_seconds_are_dates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
