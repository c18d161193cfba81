// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"

static void lengths_are_nanoseconds_whatever_they_are_made_of(void **)
{
    assert_true(span_us(3).ns == 3000);
    assert_true(span_ms(3).ns == 3000000);
    assert_true(span_s(3).ns == 3000000000);
}

static void the_time_between_two_points_may_be_negative(void **)
{
    struct instant early = { 100 }, late = { 250 };

    assert_true(instant_since(early, late).ns == 150);
    assert_true(instant_since(late, early).ns == -150);
    assert_true(instant_after(early, instant_since(early, late)).ns == late.ns);
}

static void wall_time_is_kept_in_milliseconds(void **)
{
    assert_true(wall_from_s(1795170000).ms == 1795170000000);
    assert_true(wall_s((struct wall){ 1795170000999 }) == 1795170000);
}

static void never_comes_after_everything(void **)
{
    struct instant late = instant_after((struct instant){ 0 }, span_s(9000000000));

    assert_true(INSTANT_NEVER.ns > late.ns);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(lengths_are_nanoseconds_whatever_they_are_made_of),
        cmocka_unit_test(the_time_between_two_points_may_be_negative),
        cmocka_unit_test(wall_time_is_kept_in_milliseconds),
        cmocka_unit_test(never_comes_after_everything),
    };

    return cmocka_run_group_tests_name("base/clock", cases, NULL, NULL);
}
