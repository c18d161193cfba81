// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "admin/period.h"
#include "base/attr.h"

#define NOVEMBER_MS INT64_C(1793491200000) // 2026-11-01T00:00:00Z
#define DECEMBER_MS (NOVEMBER_MS + 30 * PERIOD_DAY_MS)

static void months_days_and_moments_are_read(void **)
{
    static const struct {
        const char *text;
        int64_t from_ms, to_ms;
    } CASES[] = {
        { "2026-11", NOVEMBER_MS, DECEMBER_MS },
        { "2026-11-01", NOVEMBER_MS, NOVEMBER_MS + PERIOD_DAY_MS },
        { "2026-11-30", DECEMBER_MS - PERIOD_DAY_MS, DECEMBER_MS },
        { "2026-11-01T00:00Z", NOVEMBER_MS, NOVEMBER_MS },
        { "2026-11-30T23:59:59Z", DECEMBER_MS - 1000, DECEMBER_MS - 1000 },
        { "2024-02-29", INT64_C(1709164800000), INT64_C(1709251200000) },
    };

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct period period = { 0 };

        assert_true(period_parse(slice_text(CASES[i].text), &period));
        assert_int_equal(period.from.ms, CASES[i].from_ms);
        assert_int_equal(period.to.ms, CASES[i].to_ms);
    }
}

static void times_that_there_are_not_are_refused(void **)
{
    static const char *const CASES[] = { "", "2026", "2026-13", "2026-00", "2026-11-00",
        "2026-11-31", "2025-02-29", "2026-11-1", "2026-11-01T24:00Z", "2026-11-01T00:60Z",
        "2026-11-01T00:00", "2026-11-01 00:00Z", "2026-11-01T00:00:60Z", "2026-11-01T0000Z",
        "2026-11-01T00:00:00", "2026-11-01T00:00:0Z", "+026-11", "2026-11-+1", "1969-12-31" };

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct period period = { { 7 }, { 7 } };

        assert_false(period_parse(slice_text(CASES[i]), &period));
        assert_true(period.from.ms == 7 && period.to.ms == 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(months_days_and_moments_are_read),
        cmocka_unit_test(times_that_there_are_not_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
