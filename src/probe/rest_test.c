// SPDX-License-Identifier: Apache-2.0
/* Checks that rest: probed seldom, but looked into as quickly as any where that is called for. */
#include "probe/lab_test.h"

static const struct span RESTING = { INT64_C(30000000000) };

/* Every second by its own word, every 30 s by ours; it is up. */
static struct lab *lab_resting(void)
{
    struct lab *lab = lab_new(bench_new(sim_new(1)), CHECK_HTTP, 1);

    probes_use(lab->probes, &lab->checks, &RESTING);
    assert_true(bench_until(lab->bench, lab_is_up, lab, span_ms(PROBE_SPREAD_MS + 20)));
    lab_run(lab, span_s(100));
    return lab;
}

static void what_rests_is_probed_at_the_interval_told(void **)
{
    struct lab *lab = lab_resting();
    unsigned visits = lab->target.visits;

    assert_in_range(visits, 4, 6);
    lab_run(lab, span_s(300));
    assert_in_range(lab->target.visits - visits, 10, 12);
    assert_int_equal(lab->verdicts, 1);
    lab_close(lab);
}

static void its_first_miss_is_confirmed_as_quickly_as_any(void **)
{
    struct lab *lab = lab_resting();

    lab->target.is_silent = true;
    lab->results = 0;
    while (lab->results == 0)
        lab_run(lab, span_ms(10));
    // The first ended 800 ms after it began; 2.5 s from there is down.
    assert_true(bench_until(lab->bench, lab_is_down, lab, span_ms(1720)));
    lab_close(lab);
}

static void its_return_is_confirmed_at_its_own_interval(void **)
{
    struct lab *lab = lab_resting();

    target_shut(&lab->target);
    assert_true(bench_until(lab->bench, lab_is_down, lab, span_s(40)));
    unsigned results = lab->results, answered = lab->outcomes[PROBE_OK];

    // While nobody answers it rests.
    lab_run(lab, span_s(300));
    assert_in_range(lab->results - results, 9, 12);
    target_open(&lab->target);
    while (lab->outcomes[PROBE_OK] == answered)
        lab_run(lab, span_ms(10));
    assert_int_equal(probes_state(lab->probes, 0).verdict, HEALTH_DOWN);
    assert_true(bench_until(lab->bench, lab_is_up, lab, span_ms(4050)));
    lab_close(lab);
}

static void it_is_hurried_even_where_it_is_down(void **)
{
    struct lab *lab = lab_resting();

    target_shut(&lab->target);
    probes_hurry(lab->probes, 0);
    assert_true(bench_until(lab->bench, lab_is_down, lab, span_s(2)));
    target_open(&lab->target);
    probes_hurry(lab->probes, 0);
    assert_true(bench_until(lab->bench, lab_is_up, lab, span_s(6)));
    lab_close(lab);
}

static void an_alarm_wakes_it(void **)
{
    struct lab *lab = lab_resting();

    lab->target.is_silent = true;
    probes_alarm(lab->probes, 0);
    assert_true(bench_until(lab->bench, lab_is_down, lab, span_ms(710)));
    lab_close(lab);
}

static void who_begins_to_watch_does_so_at_once(void **)
{
    struct lab *lab = lab_resting();
    unsigned visits = lab->target.visits;

    probes_use(lab->probes, &lab->checks, NULL);
    lab_run(lab, span_ms(2050));
    assert_in_range(lab->target.visits - visits, 2, 3);
    probes_use(lab->probes, &lab->checks, &RESTING);
    lab_run(lab, span_s(1));
    visits = lab->target.visits;
    lab_run(lab, span_s(90));
    assert_in_range(lab->target.visits - visits, 2, 4);
    lab_close(lab);
}

/* What brings it back is told for people too. */
static void relapses_are_told(void **)
{
    struct lab *lab = lab_settled(bench_new(sim_new(1)), CHECK_HTTP, 1);

    assert_int_equal(probes_state(lab->probes, 0).rise, 5);
    for (unsigned i = 0; i < 2; i++) {
        target_shut(&lab->target);
        assert_true(bench_until(lab->bench, lab_is_down, lab, WITHIN));
        assert_int_equal(probes_state(lab->probes, 0).rise, i == 0 ? 5 : 10);
        target_open(&lab->target);
        assert_true(bench_until(lab->bench, lab_is_up, lab, WITHIN));
    }
    lab_close(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_rests_is_probed_at_the_interval_told),
        cmocka_unit_test(its_first_miss_is_confirmed_as_quickly_as_any),
        cmocka_unit_test(its_return_is_confirmed_at_its_own_interval),
        cmocka_unit_test(it_is_hurried_even_where_it_is_down),
        cmocka_unit_test(an_alarm_wakes_it),
        cmocka_unit_test(who_begins_to_watch_does_so_at_once),
        cmocka_unit_test(relapses_are_told),
    };

    return cmocka_run_group_tests_name("rest", tests, NULL, NULL);
}
