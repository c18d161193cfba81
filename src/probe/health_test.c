// SPDX-License-Identifier: Apache-2.0
/* Up and down, from results in a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "probe/health.h"

enum { RISE = 5, FALL = 4 };

static enum health_news news_of(char result)
{
    return result == '+' ? HEALTH_SUCCESS : result == '-' ? HEALTH_MISS : HEALTH_SILENCE;
}

/* Learns a text of results: '+', '-', and '.' for silence; returns how often the verdict changed.
 */
static unsigned learn(struct health *health, const char *results)
{
    unsigned changes = 0;

    for (; *results != '\0'; results++)
        changes += health_learn(health, news_of(*results), RISE, FALL);
    return changes;
}

static void nothing_is_known_before_the_first_result(void **)
{
    struct health health = { 0 };

    assert_int_equal(health.verdict, HEALTH_UNKNOWN);
    assert_false(health_is_doubtful(&health));
}

static void the_first_success_is_enough_for_up(void **)
{
    struct health health = { 0 };

    assert_int_equal(learn(&health, "+"), 1);
    assert_int_equal(health.verdict, HEALTH_UP);

    struct health late = { 0 };

    assert_int_equal(learn(&late, "---+"), 1);
    assert_int_equal(late.verdict, HEALTH_UP);
}

static void misses_in_a_row_make_it_down(void **)
{
    struct health health = { 0 };

    assert_int_equal(learn(&health, "+---"), 1);
    assert_int_equal(health.verdict, HEALTH_UP);
    assert_int_equal(learn(&health, "-"), 1);
    assert_int_equal(health.verdict, HEALTH_DOWN);

    struct health unknown = { 0 };

    assert_int_equal(learn(&unknown, "---"), 0);
    assert_int_equal(learn(&unknown, "-"), 1);
    assert_int_equal(unknown.verdict, HEALTH_DOWN);
}

static void silence_is_half_a_miss(void **)
{
    struct health health = { 0 };

    assert_int_equal(learn(&health, "+......."), 1);
    assert_int_equal(health.verdict, HEALTH_UP);
    assert_int_equal(learn(&health, "."), 1);
    assert_int_equal(health.verdict, HEALTH_DOWN);

    struct health mixed = { 0 };

    assert_int_equal(learn(&mixed, "+-..-."), 1);
    assert_int_equal(mixed.verdict, HEALTH_UP);
    assert_int_equal(learn(&mixed, "-"), 1);
    assert_int_equal(mixed.verdict, HEALTH_DOWN);
}

static void patience_is_the_silence_that_is_missing_to_a_verdict(void **)
{
    struct health health = { 0 };

    assert_int_equal(health_patience(&health, FALL), 8);
    learn(&health, "-.");
    assert_int_equal(health_patience(&health, FALL), 5);
    assert_int_equal(health_patience(&health, 1), 0);
    learn(&health, "+");
    assert_int_equal(health_patience(&health, FALL), 8);
    learn(&health, ".-----");
    assert_int_equal(health_patience(&health, FALL), 0);
}

static void a_success_between_misses_starts_the_count_again(void **)
{
    struct health health = { 0 };

    assert_int_equal(learn(&health, "+---+---+---+---"), 1);
    assert_int_equal(health.verdict, HEALTH_UP);
}

static void only_successes_in_a_row_bring_it_back(void **)
{
    struct health health = { 0 };

    learn(&health, "+----");
    assert_int_equal(learn(&health, "++++-++++-++++"), 0);
    assert_int_equal(health.verdict, HEALTH_DOWN);
    assert_int_equal(learn(&health, "+"), 1);
    assert_int_equal(health.verdict, HEALTH_UP);
}

static void doubt_lasts_from_the_first_miss_to_the_verdict(void **)
{
    struct health health = { 0 };

    learn(&health, "+");
    assert_false(health_is_doubtful(&health));
    learn(&health, "-");
    assert_true(health_is_doubtful(&health));
    learn(&health, "+");
    assert_false(health_is_doubtful(&health));
    learn(&health, "---");
    assert_true(health_is_doubtful(&health));
    learn(&health, "-");
    assert_false(health_is_doubtful(&health));
    learn(&health, "+-+-");
    assert_false(health_is_doubtful(&health));
}

static void endless_rows_do_not_wrap_around(void **)
{
    struct health health = { 0 };

    for (unsigned i = 0; i < 70000; i++)
        assert_int_equal(health_learn(&health, HEALTH_SUCCESS, RISE, FALL), i == 0);
    for (unsigned i = 1; i <= 70000; i++)
        assert_int_equal(health_learn(&health, HEALTH_MISS, RISE, FALL), i == FALL);
}

static void limits_that_shrink_are_met_at_once(void **)
{
    struct health health = { 0 };

    learn(&health, "+---");
    assert_true(health_learn(&health, HEALTH_MISS, 1, 2));
    assert_true(health_learn(&health, HEALTH_SUCCESS, 1, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_before_the_first_result),
        cmocka_unit_test(the_first_success_is_enough_for_up),
        cmocka_unit_test(misses_in_a_row_make_it_down),
        cmocka_unit_test(silence_is_half_a_miss),
        cmocka_unit_test(patience_is_the_silence_that_is_missing_to_a_verdict),
        cmocka_unit_test(a_success_between_misses_starts_the_count_again),
        cmocka_unit_test(only_successes_in_a_row_bring_it_back),
        cmocka_unit_test(doubt_lasts_from_the_first_miss_to_the_verdict),
        cmocka_unit_test(endless_rows_do_not_wrap_around),
        cmocka_unit_test(limits_that_shrink_are_met_at_once),
    };

    return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
