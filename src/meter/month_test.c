// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/attr.h"
#include "meter/month.h"

static void a_month_is_written_as_it_is_read(void **)
{
    struct month month = { 0 };
    char text[MONTH_TEXT_MAX];

    assert_true(month_parse(SLICE("2026-11"), &month));
    assert_int_equal(month.year, 2026);
    assert_int_equal(month.month, 11);
    assert_string_equal(month_text(month, text), "2026-11");
    assert_true(month_parse(SLICE("9999-12"), &month));
    assert_string_equal(month_text(month, text), "9999-12");
}

static void what_is_no_month_is_refused(void **)
{
    static const char *const TEXTS[] = { "", "2026", "2026-00", "2026-13", "2026-1", "2026-011",
        "1969-12", "2026/11", "+026-11", "2026-+1", "20261-1", " 026-11" };
    struct month month = { 7, 7 };

    for (size_t i = 0; i < COUNT_OF(TEXTS); i++)
        assert_false(month_parse(slice_text(TEXTS[i]), &month));
    assert_int_equal(month.year, 7);
}

/* The C library's calendar stands beside ours. */
static void every_month_begins_where_the_calendar_says(void **)
{
    for (int year = 1970; year <= 9999; year++)
        for (int at = 1; at <= 12; at++) {
            struct month month = { (int16_t)year, (uint8_t)at };
            struct tm first = { .tm_year = year - 1900, .tm_mon = at - 1, .tm_mday = 1 };
            struct tm next = { .tm_year = year - 1900, .tm_mon = at, .tm_mday = 1 };
            struct wall begin = month_begin(month), end = month_end(month);

            assert_int_equal(begin.ms, timegm(&first) * 1000);
            assert_int_equal(end.ms, timegm(&next) * 1000);
            struct month of_begin = month_of(begin);
            struct month of_last = month_of((struct wall){ end.ms - 1 });

            assert_true(of_begin.year == year && of_begin.month == at);
            assert_true(of_last.year == year && of_last.month == at);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_month_is_written_as_it_is_read),
        cmocka_unit_test(what_is_no_month_is_refused),
        cmocka_unit_test(every_month_begins_where_the_calendar_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
