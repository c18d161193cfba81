// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "admin/moment.h"
#include "base/attr.h"

#define NOW_US INT64_C(1795341900500000) // 2026-11-22T10:05:00.5Z

static void check(const char *text, int64_t expected_us)
{
    struct moment moment = { 0 };

    if (!moment_parse(slice_text(text), (struct moment){ NOW_US }, &moment))
        fail_msg("%s", text);
    assert_int_equal(moment.us, expected_us);
}

static void times_of_utc_are_read_to_the_microsecond(void **)
{
    check("2026-11-22T10:05:00Z", NOW_US - 500000);
    check("2026-11-22T10:05:00.5Z", NOW_US);
    check("2026-11-22T10:05:00.500001Z", NOW_US + 1);
    check("2026-11-22T10:05:00.500001999Z", NOW_US + 1);
    check("1970-01-01T00:00:00.000000Z", 0);
}

static void times_before_now_are_read(void **)
{
    check("-1h", NOW_US - INT64_C(3600000000));
    check("-90s", NOW_US - 90000000);
    check("-250us", NOW_US - 250);
    check("-0s", NOW_US);
}

static void what_is_no_time_is_refused(void **)
{
    static const char *const WRONG[] = { "", "-", "Z", "yesterday", "-1", "1h", "--1h", "-1000000d",
        "-25000d", "2026-11-22", "2026-11-22T10:05Z", "2026-11-22T10:05:00",
        "2026-11-22T10:05:00.Z", "2026-11-22T10:05:00.5", "2026-11-22T10:05:00.5+01:00",
        "2026-11-31T10:05:00Z", "2026-11-22T24:00:00Z", "2026-11-22T10:05:00.-5Z",
        "2026-11-22 10:05:00Z", "2026-11-22T10:05:00,5Z", "2026-11-22T10:05:00.5ZZ" };
    struct moment moment = { 7 };

    for (size_t i = 0; i < COUNT_OF(WRONG); i++)
        if (moment_parse(slice_text(WRONG[i]), (struct moment){ NOW_US }, &moment))
            fail_msg("%s", WRONG[i]);
}

static void what_is_written_is_read_as_the_same(void **)
{
    static const int64_t MOMENTS_US[] = { 0, 1, 999999, NOW_US, NOW_US + 123456, NOW_US + 7 };
    char text[MOMENT_TEXT_MAX];

    assert_string_equal(
        moment_text((struct moment){ NOW_US + 7 }, text), "2026-11-22T10:05:00.500007Z");
    for (size_t i = 0; i < COUNT_OF(MOMENTS_US); i++)
        check(moment_text((struct moment){ MOMENTS_US[i] }, text), MOMENTS_US[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_of_utc_are_read_to_the_microsecond),
        cmocka_unit_test(times_before_now_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(what_is_written_is_read_as_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
