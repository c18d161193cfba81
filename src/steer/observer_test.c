// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include "steer/observer.h"

enum { SELF = 77, CHECK = 5, MS = 1000, MILLION = 1000000 };

/* The reports of one call; a kind that was told twice counts twice. */
struct told {
    size_t count, of_kind[REPORT_KIND_COUNT];
    struct report last[REPORT_KIND_COUNT];
};

static struct wall second(int64_t s)
{
    return wall_from_s(1800000000 + s);
}

static void note(void *to, const struct report *report)
{
    struct told *told = to;

    assert_true(report_is_sane(report));
    assert_int_equal(report->observer, SELF);
    told->count++;
    told->of_kind[report->kind]++;
    told->last[report->kind] = *report;
}

static struct told told_by(struct observer *observer)
{
    struct told told = { 0 };

    observer_report(observer, note, &told);
    return told;
}

static void nothing_learnt_is_nothing_told(void **)
{
    struct observer *observer = observer_new(SELF);

    assert_int_equal(told_by(observer).count, 0);
    observer_free(observer);
    observer_free(NULL);
}

static void what_was_learnt_is_told_once(void **)
{
    struct observer *observer = observer_new(SELF);

    observer_learn(observer, CHECK, REPORT_LATENCY, second(0), 7 * MS);
    observer_learn(observer, CHECK, REPORT_CPU, second(0), 300000);
    observer_learn(observer, CHECK, REPORT_CPU, second(1), 300000);
    struct told told = told_by(observer);

    assert_int_equal(told.count, 2);
    assert_int_equal(told.last[REPORT_LATENCY].value, 7 * MS);
    assert_int_equal(told.last[REPORT_LATENCY].check, CHECK);
    assert_int_equal(told.last[REPORT_LATENCY].at.ms, second(0).ms);
    assert_int_equal(told.last[REPORT_CPU].value, 300000);
    assert_int_equal(told.last[REPORT_CPU].at.ms, second(1).ms);
    assert_int_equal(told_by(observer).count, 0);
    observer_learn(observer, CHECK, REPORT_CPU, second(2), 300000);
    assert_int_equal(told_by(observer).of_kind[REPORT_CPU], 1);
    assert_int_equal(counter_read(&observer_counts(observer)->learnt), 4);
    observer_free(observer);
}

static void checks_are_kept_apart(void **)
{
    struct observer *observer = observer_new(SELF);

    observer_learn(observer, 1, REPORT_LATENCY, second(0), 10 * MS);
    observer_learn(observer, 2, REPORT_LATENCY, second(0), 90 * MS);
    assert_int_equal(told_by(observer).of_kind[REPORT_LATENCY], 2);
    observer_learn(observer, 1, REPORT_LATENCY, second(1), 10 * MS);
    struct told told = told_by(observer);

    assert_int_equal(told.count, 1);
    assert_int_equal(told.last[REPORT_LATENCY].check, 1);
    assert_int_equal(told.last[REPORT_LATENCY].value, 10 * MS);
    observer_free(observer);
}

static void a_value_out_of_range_is_dropped_and_counted(void **)
{
    struct observer *observer = observer_new(SELF);

    observer_learn(observer, CHECK, REPORT_LATENCY, second(0), -1);
    observer_learn(observer, CHECK, REPORT_MEMORY, second(0), MILLION + 1);
    assert_int_equal(told_by(observer).count, 0);
    assert_int_equal(counter_read(&observer_counts(observer)->out_of_range), 2);
    assert_int_equal(counter_read(&observer_counts(observer)->learnt), 0);
    observer_free(observer);
}

static void excess_is_what_response_lies_above_idle_and_never_below_nothing(void **)
{
    struct observer *observer = observer_new(SELF);
    int64_t s = 0;

    observer_learn(observer, CHECK, REPORT_RESPONSE, second(s++), 20 * MS);
    assert_int_equal(told_by(observer).of_kind[REPORT_EXCESS], 0); // not known from one answer
    for (; s < 60; s++)
        observer_learn(observer, CHECK, REPORT_RESPONSE, second(s), 20 * MS);
    struct told told = told_by(observer);

    assert_int_equal(told.of_kind[REPORT_EXCESS], 1);
    assert_int_equal(told.last[REPORT_EXCESS].value, 0);
    assert_int_equal(told.last[REPORT_EXCESS].at.ms, second(s - 1).ms);
    for (; s < 120; s++)
        observer_learn(observer, CHECK, REPORT_RESPONSE, second(s), 320 * MS);
    told = told_by(observer);
    assert_in_range(told.last[REPORT_RESPONSE].value, 319 * MS, 320 * MS);
    assert_int_equal(told.last[REPORT_EXCESS].value, told.last[REPORT_RESPONSE].value - 20 * MS);
    for (; s < 240; s++)
        observer_learn(observer, CHECK, REPORT_RESPONSE, second(s), 10 * MS);
    assert_in_range(told_by(observer).last[REPORT_EXCESS].value, 0, 1 * MS);
    observer_free(observer);
}

static void one_lucky_answer_is_not_what_idle_looks_like(void **)
{
    struct observer *observer = observer_new(SELF);

    for (int64_t s = 0; s < 60; s++)
        observer_learn(observer, CHECK, REPORT_RESPONSE, second(s), s == 30 ? 0 : 100 * MS);
    assert_in_range(told_by(observer).last[REPORT_EXCESS].value, 0, 20 * MS);
    observer_free(observer);
}

static void a_verdict_is_renewed_by_whatever_is_measured_under_it(void **)
{
    struct observer *observer = observer_new(SELF);

    observer_learn(observer, CHECK, REPORT_ERRORS, second(0), 0);
    assert_int_equal(told_by(observer).of_kind[REPORT_HEALTH], 0); // no verdict yet
    observer_learn(observer, CHECK, REPORT_HEALTH, second(1), 1);
    observer_learn(observer, CHECK, REPORT_ERRORS, second(5000), 0);
    struct told told = told_by(observer);

    assert_int_equal(told.of_kind[REPORT_HEALTH], 1);
    assert_int_equal(told.last[REPORT_HEALTH].value, 1);
    assert_int_equal(told.last[REPORT_HEALTH].at.ms, second(5000).ms);
    observer_learn(observer, CHECK, REPORT_HEALTH, second(5001), 0);
    told = told_by(observer);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.last[REPORT_HEALTH].value, 0);
    assert_int_equal(told.last[REPORT_HEALTH].at.ms, second(5001).ms);
    observer_free(observer);
}

static void what_is_forgotten_is_not_told_and_begins_anew(void **)
{
    struct observer *observer = observer_new(SELF);

    for (int64_t s = 0; s < 60; s++)
        observer_learn(observer, CHECK, REPORT_LATENCY, second(s), 10 * MS);
    observer_forget(observer, CHECK);
    observer_forget(observer, CHECK);
    assert_int_equal(told_by(observer).count, 0);
    observer_learn(observer, CHECK, REPORT_LATENCY, second(60), 90 * MS);
    assert_int_equal(told_by(observer).last[REPORT_LATENCY].value, 90 * MS);
    observer_free(observer);
}

static void what_begins_anew_owes_nothing_to_the_past_and_costs_nothing_else(void **)
{
    struct observer *observer = observer_new(SELF);

    observer_restart(observer, CHECK, REPORT_ERRORS);
    for (int i = 0; i < 20; i++) {
        observer_learn(observer, CHECK, REPORT_ERRORS, second(i), MILLION);
        observer_learn(observer, CHECK, REPORT_CPU, second(i), 300000);
    }
    observer_restart(observer, CHECK, REPORT_ERRORS);
    struct told told = told_by(observer);

    assert_int_equal(told.of_kind[REPORT_ERRORS], 0);
    assert_int_equal(told.last[REPORT_CPU].value, 300000);
    observer_learn(observer, CHECK, REPORT_ERRORS, second(20), 0);
    told = told_by(observer);
    assert_int_equal(told.of_kind[REPORT_ERRORS], 1);
    assert_int_equal(told.last[REPORT_ERRORS].value, 0);
    observer_free(observer);
}

static void all_that_is_held_may_be_told_again_as_it_stands(void **)
{
    struct observer *observer = observer_new(SELF);
    struct told told = { 0 };

    observer_each(observer, note, &told);
    assert_int_equal(told.count, 0);
    observer_learn(observer, CHECK, REPORT_HEALTH, second(0), 1);
    for (int64_t s = 0; s < 60; s++)
        observer_learn(observer, CHECK, REPORT_RESPONSE, second(s), 20 * MS);
    observer_learn(observer, CHECK + 1, REPORT_CPU, second(5), 300000);
    struct told first = told_by(observer);

    observer_each(observer, note, &told);
    assert_memory_equal(&told, &first, sizeof told);
    assert_int_equal(told.count, 4); // response, its excess, the verdict; and the CPU of another
    observer_learn(observer, CHECK, REPORT_RESPONSE, second(60), 20 * MS);
    observer_each(observer, note, &told);
    assert_int_equal(told.count, 8);
    assert_int_equal(told.last[REPORT_RESPONSE].at.ms, second(60).ms);
    assert_int_equal(told_by(observer).of_kind[REPORT_RESPONSE], 1); // it is news still
    observer_restart(observer, CHECK, REPORT_RESPONSE);
    observer_each(observer, note, &told);
    assert_int_equal(told.count, 10);
    observer_free(observer);
}

static void one_check_too_many_takes_the_place_of_the_longest_silent(void **)
{
    struct observer *observer = observer_new(SELF);

    for (uint64_t check = 0; check < OBSERVER_CHECKS_MAX; check++)
        observer_learn(observer, check, REPORT_CPU, second(0), 0);
    observer_learn(observer, 0, REPORT_CPU, second(1), 0); // so that check 1 is silent for longest
    assert_int_equal(told_by(observer).count, OBSERVER_CHECKS_MAX);
    observer_learn(observer, OBSERVER_CHECKS_MAX, REPORT_CPU, second(2), 0);
    assert_int_equal(counter_read(&observer_counts(observer)->displaced), 1);
    observer_learn(observer, 0, REPORT_CPU, second(2), MILLION);
    observer_learn(observer, 1, REPORT_CPU, second(2), MILLION);
    struct told told = told_by(observer);

    assert_int_equal(counter_read(&observer_counts(observer)->displaced), 2);
    assert_int_equal(told.count, 3);
    assert_int_equal(told.last[REPORT_CPU].check, 1);
    assert_int_equal(told.last[REPORT_CPU].evidence, 1000); // it began anew
    observer_free(observer);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(nothing_learnt_is_nothing_told),
        cmocka_unit_test(what_was_learnt_is_told_once),
        cmocka_unit_test(checks_are_kept_apart),
        cmocka_unit_test(a_value_out_of_range_is_dropped_and_counted),
        cmocka_unit_test(excess_is_what_response_lies_above_idle_and_never_below_nothing),
        cmocka_unit_test(one_lucky_answer_is_not_what_idle_looks_like),
        cmocka_unit_test(a_verdict_is_renewed_by_whatever_is_measured_under_it),
        cmocka_unit_test(what_is_forgotten_is_not_told_and_begins_anew),
        cmocka_unit_test(what_begins_anew_owes_nothing_to_the_past_and_costs_nothing_else),
        cmocka_unit_test(all_that_is_held_may_be_told_again_as_it_stands),
        cmocka_unit_test(one_check_too_many_takes_the_place_of_the_longest_silent),
    };

    return cmocka_run_group_tests_name("steer/observer", cases, NULL, NULL);
}
