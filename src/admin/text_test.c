// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "admin/text.h"

static void grows_as_it_is_written(void **)
{
    struct text t;

    text_init(&t, 100000);
    for (int i = 0; i < 10000; i++)
        text_say(&t, "%d,", i % 10);
    text_add(&t, SLICE("end"));
    assert_int_equal(t.length, 20003);
    assert_string_equal(t.at + 19996, "8,9,end");
    assert_false(t.is_full);
    text_done(&t);
}

static void takes_its_limit_to_the_byte(void **)
{
    struct text t;

    text_init(&t, 4);
    text_add(&t, SLICE("1234"));
    assert_false(t.is_full);
    assert_string_equal(t.at, "1234");
    text_add(&t, SLICE(""));
    assert_false(t.is_full);
    text_add(&t, SLICE("5"));
    assert_true(t.is_full);
    assert_string_equal(t.at, "1234");
    text_done(&t);
}

static void after_something_was_left_out_nothing_more_is_taken(void **)
{
    struct text t;

    text_init(&t, 4);
    text_say(&t, "%s", "too long");
    text_add(&t, SLICE("ab"));
    assert_true(t.is_full);
    assert_int_equal(t.length, 0);
    text_done(&t);
}

static void can_be_used_again_after_done(void **)
{
    struct text t;

    text_init(&t, 2);
    text_add(&t, SLICE("abc"));
    text_done(&t);
    text_add(&t, SLICE("ab"));
    assert_string_equal(t.at, "ab");
    text_done(&t);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(grows_as_it_is_written),
        cmocka_unit_test(takes_its_limit_to_the_byte),
        cmocka_unit_test(after_something_was_left_out_nothing_more_is_taken),
        cmocka_unit_test(can_be_used_again_after_done),
    };

    return cmocka_run_group_tests_name("admin/text", cases, NULL, NULL);
}
