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

static const struct health_limits LIMITS = { RISE, FALL };
static const struct instant START = { 0 };

static enum health_news news_of(char result)
{
    return result == '+' ? HEALTH_SUCCESS : result == '-' ? HEALTH_MISS : HEALTH_SILENCE;
}

static unsigned learn_at(struct health *health, const char *results, struct instant now)
{
    unsigned changes = 0;

    for (; *results != '\0'; results++)
        changes += health_learn(health, news_of(*results), LIMITS, now);
    return changes;
}

/* Learns a text of results: '+', '-', and '.' for silence; returns how often the verdict changed.
 */
static unsigned learn(struct health *health, const char *results)
{
    return learn_at(health, results, START);
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
        assert_int_equal(health_learn(&health, HEALTH_SUCCESS, LIMITS, START), i == 0);
    for (unsigned i = 1; i <= 70000; i++)
        assert_int_equal(health_learn(&health, HEALTH_MISS, LIMITS, START), i == FALL);
}

static void limits_that_shrink_are_met_at_once(void **)
{
    const struct health_limits small = { 1, 2 };
    struct health health = { 0 };

    learn(&health, "+---");
    assert_true(health_learn(&health, HEALTH_MISS, small, START));
    assert_true(health_learn(&health, HEALTH_SUCCESS, small, START));
}

/* It goes down at `down_s`, and needs so many successes from then on, which it has at `up_s`. */
static unsigned successes_to_up(struct health *health, int64_t down_s, int64_t up_s)
{
    unsigned successes = 0;

    assert_int_equal(learn_at(health, "----", instant_after(START, span_s(down_s))), 1);
    do
        successes++;
    while (learn_at(health, "+", instant_after(START, span_s(up_s))) == 0);
    return successes;
}

static void who_fails_again_soon_needs_twice_as_many_successes(void **)
{
    struct health health = { 0 };

    learn(&health, "+");
    assert_int_equal(successes_to_up(&health, 100, 110), RISE);
    assert_int_equal(successes_to_up(&health, 200, 210), 2 * RISE);
    assert_int_equal(successes_to_up(&health, 809, 2000), 4 * RISE);
    assert_int_equal(successes_to_up(&health, 2001, 2010), 8 * RISE);
    for (int64_t s = 2100; s < 9000; s += 100)
        assert_int_equal(successes_to_up(&health, s, s + 10), 8 * RISE);
}

static void ten_minutes_up_make_up_for_all_relapses(void **)
{
    struct health health = { 0 };

    learn(&health, "+");
    for (int64_t s = 100; s <= 600; s += 100)
        successes_to_up(&health, s, s + 10);
    assert_int_equal(successes_to_up(&health, 610 + 600, 1300), RISE);
    assert_int_equal(successes_to_up(&health, 1300 + 599, 2000), 2 * RISE);
}

static void a_first_failure_soon_after_the_start_is_no_relapse(void **)
{
    struct health health = { 0 };

    learn(&health, "+");
    assert_int_equal(successes_to_up(&health, 1, 2), RISE);

    struct health found_down = { 0 };

    assert_int_equal(learn(&found_down, "----+"), 1);
    assert_int_equal(learn(&found_down, "++++"), 1);
    assert_int_equal(successes_to_up(&found_down, 1, 2), 2 * RISE);
}

static void a_miss_on_the_way_back_is_no_relapse(void **)
{
    struct health health = { 0 };

    learn(&health, "+----");
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(learn(&health, "++++-...."), 0);
    assert_int_equal(health_rise(&health, RISE), RISE);
    assert_int_equal(learn(&health, "+++++"), 1);
}

static void the_most_successes_ever_asked_do_not_wrap_around(void **)
{
    const struct health_limits limits = { UINT16_MAX, 1 };
    struct health health = { 0 };

    for (unsigned i = 0; i < 5; i++) {
        uint32_t successes = 0;

        health_learn(&health, HEALTH_MISS, limits, START);
        assert_int_equal(health.verdict, HEALTH_DOWN);
        do
            successes++;
        while (!health_learn(&health, HEALTH_SUCCESS, limits, START));
        assert_int_equal(successes, (uint32_t)UINT16_MAX << (i < 3 ? i : 3));
    }
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
        cmocka_unit_test(who_fails_again_soon_needs_twice_as_many_successes),
        cmocka_unit_test(ten_minutes_up_make_up_for_all_relapses),
        cmocka_unit_test(a_first_failure_soon_after_the_start_is_no_relapse),
        cmocka_unit_test(a_miss_on_the_way_back_is_no_relapse),
        cmocka_unit_test(the_most_successes_ever_asked_do_not_wrap_around),
        cmocka_unit_test(limits_that_shrink_are_met_at_once),
    };

    return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
