// SPDX-License-Identifier: Apache-2.0
/* What is found out, and how soon, when others say that they do not hear a target. */
#include "probe/lab_test.h"

enum { SEEDS = 40 };

/* A target that is up and quick; now is any moment between two probes of it, or within one. */
static struct lab *lab_at_ease(uint64_t seed)
{
    struct lab *lab = lab_settled(bench_new(sim_new(seed)), CHECK_HTTP, seed);

    lab_run(lab, span_ms(5000 + (int64_t)sim_draw(lab->bench->sim, 1000)));
    return lab;
}

/* Gives the alarm from the loop, whose clock stands still while it has nothing to do. */
struct bell {
    struct timer timer;
    struct lab *lab;
    struct instant rung;
};

static void bell_ring(struct timer *timer)
{
    struct bell *bell = container_of(timer, struct bell, timer);

    bell->rung = loop_now(bell->lab->bench->loop);
    probes_alarm(bell->lab->probes, 0);
}

static void a_silent_target_is_down_700_ms_after_an_alarm(void **)
{
    struct span longest = { 0 };

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct lab *lab = lab_at_ease(seed);

        struct bell bell = { .timer.fire = bell_ring, .lab = lab };
        struct loop *loop = lab->bench->loop;

        lab->target.is_silent = true;
        lab_run(lab, span_ms(20)); // what was said is heard
        timer_set(loop, &bell.timer,
            instant_after(loop_now(loop), span_ms((int64_t)sim_draw(lab->bench->sim, 1000))));
        assert_true(bench_until(lab->bench, lab_is_down, lab, WITHIN));
        struct span time = instant_since(bell.rung, lab->decided);

        if (time.ns > longest.ns)
            longest = time;
        lab_close(lab);
    }
    assert_in_range(longest.ns, span_ms(690).ns, span_ms(720).ns);
}

static void a_target_that_answers_stays_up_and_costs_one_probe(void **)
{
    struct lab *lab = lab_at_ease(1);
    unsigned visits = lab->target.visits;

    probes_alarm(lab->probes, 0);
    lab_run(lab, span_ms(890));
    assert_int_equal(lab->target.visits, visits + 1);
    lab_run(lab, span_s(10));
    assert_int_equal(lab->outcomes[PROBE_OK], lab->results);
    assert_int_equal(lab->verdicts, 1);
    lab_close(lab);
}

static void an_answer_ends_the_alarm(void **)
{
    struct lab *lab = lab_at_ease(1);

    probes_alarm(lab->probes, 0);
    lab_run(lab, span_ms(50));
    lab->target.is_silent = true;
    // Not in 0.7 s any more, but as soon as without an alarm.
    assert_in_range(lab_time_to_down(lab).ns, span_ms(1500).ns, span_ms(2520).ns);
    lab_close(lab);
}

static void alarms_without_end_change_no_more_than_one_a_second(void **)
{
    struct lab *lab = lab_at_ease(1);
    unsigned visits = lab->target.visits;

    for (unsigned i = 0; i < 5000; i++) {
        probes_alarm(lab->probes, 0);
        probes_alarm(lab->probes, 1000 + i); // of no check
        lab_run(lab, span_ms(1));
    }
    assert_in_range(lab->target.visits - visits, 5, 11);
    assert_int_equal(probes_counts(lab->probes)->alarms.total, 5);
    assert_int_equal(lab->verdicts, 1);
    lab_close(lab);
}

static void what_is_down_is_not_alarmed(void **)
{
    struct lab *lab = lab_at_ease(1);

    target_shut(&lab->target);
    lab_time_to_down(lab);
    lab_run(lab, span_ms(50));
    unsigned results = lab->results;

    probes_alarm(lab->probes, 0);
    lab_run(lab, span_ms(500));
    assert_int_equal(lab->results, results);
    assert_int_equal(probes_counts(lab->probes)->alarms.total, 0);
    lab_close(lab);
}

static void a_far_target_is_not_taken_for_silent(void **)
{
    struct lab *lab = lab_at_ease(1);

    lab->target.wait = span_ms(600);
    lab->list[0].timeout = span_s(2);
    probes_use(lab->probes, &lab->checks, NULL);
    lab_run(lab, span_s(60));
    unsigned missed = lab->outcomes[PROBE_TIMEOUT];

    for (unsigned i = 0; i < 20; i++) {
        probes_alarm(lab->probes, 0);
        lab_run(lab, span_s(2));
    }
    assert_int_equal(lab->outcomes[PROBE_TIMEOUT], missed);
    assert_int_equal(lab->verdicts, 1);
    assert_int_equal(probes_counts(lab->probes)->alarms.total, 20);
    lab_close(lab);
}

static void an_alarm_ends_where_probes_cannot_be_sent(void **)
{
    struct lab *lab = lab_at_ease(1);

    sim_limit_descriptors(lab->bench->sim, 0);
    probes_alarm(lab->probes, 0);
    lab_run(lab, span_s(10));
    assert_in_range(lab->outcomes[PROBE_DENIED], 10, 13);
    assert_int_equal(lab->verdicts, 1);
    lab_close(lab);
}

static void a_fifth_of_probes_lost_takes_nothing_down_by_many_alarms(void **)
{
    unsigned downs = 0;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct lab *lab = lab_at_ease(seed);

        lab->target.lost = 20;
        for (unsigned i = 0; i < 5; i++) {
            probes_alarm(lab->probes, 0);
            lab_run(lab, span_ms(1500));
        }
        downs += lab->verdicts > 1;
        lab_close(lab);
    }
    // 0.2^4 for each alarm: of 200, by chance every third time one.
    assert_in_range(downs, 0, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_target_is_down_700_ms_after_an_alarm),
        cmocka_unit_test(a_target_that_answers_stays_up_and_costs_one_probe),
        cmocka_unit_test(an_answer_ends_the_alarm),
        cmocka_unit_test(alarms_without_end_change_no_more_than_one_a_second),
        cmocka_unit_test(what_is_down_is_not_alarmed),
        cmocka_unit_test(a_far_target_is_not_taken_for_silent),
        cmocka_unit_test(an_alarm_ends_where_probes_cannot_be_sent),
        cmocka_unit_test(a_fifth_of_probes_lost_takes_nothing_down_by_many_alarms),
    };

    return cmocka_run_group_tests_name("alarm", tests, NULL, NULL);
}
