// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/cache_control.h"

static struct cache_control control_of(const char *line)
{
    struct cache_control control;

    cache_control_init(&control);
    cache_control_add(&control, slice_text(line));
    return control;
}

static void directives_are_read_without_case(void **state)
{
    struct cache_control c = control_of("No-StOrE, mAx-age=5 ,public,immutable");

    (void)state;
    assert_true(c.no_store && c.is_public && c.immutable);
    assert_false(c.no_cache || c.is_private || c.must_revalidate);
    assert_int_equal(c.max_age, 5);
    assert_int_equal(c.s_maxage, CACHE_SECONDS_NONE);
}

static void every_directive_has_its_field(void **state)
{
    struct cache_control c =
        control_of("s-maxage=1, stale-if-error=2, stale-while-revalidate=3, max-stale=4, "
                   "min-fresh=5, no-transform, only-if-cached, must-revalidate, "
                   "proxy-revalidate, must-understand, private, no-cache");

    (void)state;
    assert_int_equal(c.s_maxage, 1);
    assert_int_equal(c.stale_if_error, 2);
    assert_int_equal(c.stale_while_revalidate, 3);
    assert_int_equal(c.max_stale, 4);
    assert_int_equal(c.min_fresh, 5);
    assert_true(c.no_transform && c.only_if_cached && c.must_revalidate && c.proxy_revalidate);
    assert_true(c.must_understand && c.is_private && c.no_cache);
}

static void values_may_be_quoted(void **state)
{
    (void)state;
    assert_int_equal(control_of("max-age=\"3600\"").max_age, 3600);
    assert_int_equal(control_of("max-age=\"1\", x=\"max-age=3600\"").max_age, 1);
    assert_int_equal(control_of("x=\"max-age=3600\", max-age=1").max_age, 1);
    assert_int_equal(control_of("x=\"a\\\", max-age=3600, \", max-age=2").max_age, 2);
    assert_true(control_of("private=\"a, no-store, b\"").is_private);
    assert_false(control_of("private=\"a, no-store, b\"").no_store);
}

static void the_first_of_two_values_counts(void **state)
{
    (void)state;
    assert_int_equal(control_of("max-age=1, max-age=1800").max_age, 1);
    assert_int_equal(control_of("max-age=1800, max-age=1").max_age, 1800);
}

static void a_lifetime_that_is_no_number_is_zero(void **state)
{
    static const char *const lines[] = { "max-age=a", "max-age=3600a", "max-age=-1", "max-age=1.5",
        "max-age='3600'", "max-age =3600", "max-age= 3600", "max-age", "max-age=", "max-age=\"3600",
        "max-age=\"\"" };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_int_equal(control_of(lines[i]).max_age, 0);
}

static void a_lifetime_too_large_is_capped(void **state)
{
    (void)state;
    assert_int_equal(control_of("max-age=2147483647").max_age, 2147483647);
    assert_int_equal(control_of("max-age=2147483649").max_age, CACHE_SECONDS_MAX);
    assert_int_equal(control_of("max-age=99999999999999999999999999").max_age, CACHE_SECONDS_MAX);
    assert_int_equal(control_of("max-age=003600").max_age, 3600);
}

static void max_stale_without_a_value_takes_any_age(void **state)
{
    (void)state;
    assert_int_equal(control_of("max-stale").max_stale, CACHE_SECONDS_MAX);
    assert_int_equal(control_of("max-stale=0").max_stale, 0);
}

static void empty_members_say_nothing(void **state)
{
    struct cache_control c = control_of(", ,,max-age=1,, ");

    (void)state;
    assert_int_equal(c.max_age, 1);
    assert_false(c.no_cache);
}

static int64_t age_of(const char *fields)
{
    char text[512] = "HTTP/1.1 200 OK\r\n";
    struct http_head head;

    strcat(text, fields);
    strcat(text, "\r\n");
    assert_int_equal(http_response_parse(slice_text(text), 0, &head), HTTP_PARSE_DONE);
    return cache_age_read(&head);
}

static void an_age_is_one_number_or_as_old_as_can_be(void **state)
{
    (void)state;
    assert_int_equal(age_of(""), 0);
    assert_int_equal(age_of("Age: 30\r\n"), 30);
    assert_int_equal(age_of("Age: 99999999999\r\n"), CACHE_SECONDS_MAX);
    assert_int_equal(age_of("Age: abc\r\n"), CACHE_SECONDS_MAX);
    assert_int_equal(age_of("Age: -7200\r\n"), CACHE_SECONDS_MAX);
    assert_int_equal(age_of("Age: 7200.0\r\n"), CACHE_SECONDS_MAX);
    assert_int_equal(age_of("Age: 7200;foo=bar\r\n"), CACHE_SECONDS_MAX);
    assert_int_equal(age_of("Age: 0, 0\r\n"), CACHE_SECONDS_MAX);
    assert_int_equal(age_of("Age: 0\r\nAge: 7200\r\n"), CACHE_SECONDS_MAX);
}

static void lines_of_one_head_are_read_as_one_list(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nCache-Control: max-age=7\r\n"
                               "X: y\r\nCache-Control: max-age=9, no-cache\r\n\r\n";
    struct http_head head;
    struct cache_control control;

    (void)state;
    assert_int_equal(http_response_parse(slice_text(text), 0, &head), HTTP_PARSE_DONE);
    cache_control_read(&head, &control);
    assert_int_equal(control.max_age, 7);
    assert_true(control.no_cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directives_are_read_without_case),
        cmocka_unit_test(every_directive_has_its_field),
        cmocka_unit_test(values_may_be_quoted),
        cmocka_unit_test(the_first_of_two_values_counts),
        cmocka_unit_test(a_lifetime_that_is_no_number_is_zero),
        cmocka_unit_test(a_lifetime_too_large_is_capped),
        cmocka_unit_test(max_stale_without_a_value_takes_any_age),
        cmocka_unit_test(empty_members_say_nothing),
        cmocka_unit_test(an_age_is_one_number_or_as_old_as_can_be),
        cmocka_unit_test(lines_of_one_head_are_read_as_one_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
