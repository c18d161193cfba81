// SPDX-License-Identifier: Apache-2.0
/* When checks are probed, and what is made of their results. */
#include <stdlib.h>

#include "probe/lab_test.h"

enum { SEEDS = 40 };

static const struct checks NOTHING = { 0 };

enum death { SILENT, DARK, REFUSING };

/* The longest that a target's death goes unnoticed, at moments of all kinds. */
static struct span longest_to_down(enum death death)
{
    struct span longest = { 0 };

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct lab *lab = lab_settled(bench_new(sim_new(seed)), CHECK_HTTP, seed);
        struct sim_link link = { .delay = span_ms(10), .is_dark = death == DARK };

        lab_run(lab, span_ms(5000 + (int64_t)sim_draw(lab->bench->sim, 1000)));
        assert_int_equal(lab->outcomes[PROBE_OK], lab->results);
        lab->target.is_silent = death == SILENT;
        if (death == REFUSING)
            target_shut(&lab->target);
        sim_link_set(lab->bench->sim, NULL, NULL, &link);
        struct span time = lab_time_to_down(lab);

        if (time.ns > longest.ns)
            longest = time;
        lab_close(lab);
    }
    return longest;
}

static void a_silent_target_is_down_within_2600_ms(void **)
{
    assert_in_range(longest_to_down(SILENT).ns, span_ms(2350).ns, span_ms(2520).ns);
    assert_in_range(longest_to_down(DARK).ns, span_ms(2350).ns, span_ms(2520).ns);
}

static void a_refusing_target_is_down_within_1500_ms(void **)
{
    assert_in_range(longest_to_down(REFUSING).ns, span_ms(1200).ns, span_ms(1350).ns);
}

static void a_target_that_dies_is_down_and_comes_back(void **state)
{
    struct lab *lab = lab_settled(bench_open(state), CHECK_HTTP, 1);

    target_shut(&lab->target);
    assert_true(bench_until(lab->bench, lab_is_down, lab, WITHIN));
    assert_int_equal(probes_state(lab->probes, 0).verdict, HEALTH_DOWN);
    target_open(&lab->target);
    assert_true(bench_until(lab->bench, lab_is_up, lab, WITHIN));
    assert_int_equal(probes_state(lab->probes, 0).verdict, HEALTH_UP);
    assert_int_equal(lab->verdicts, 3);
    assert_true(lab->outcomes[PROBE_REFUSED] >= 4);
    lab_close(lab);
}

static void it_is_known_since_when_and_by_what_a_target_is_down(void **state)
{
    struct lab *lab = lab_settled(bench_open(state), CHECK_HTTP, 1);
    struct probe_state up = probes_state(lab->probes, 0);

    assert_int_equal(up.verdict, HEALTH_UP);
    assert_true(up.has_outcome);
    assert_int_equal(up.outcome, PROBE_OK);
    assert_int_equal(up.status, 200);
    assert_true(up.at.ms > 0 && up.since.ms > 0 && up.since.ms <= up.at.ms);
    target_shut(&lab->target);
    assert_true(bench_until(lab->bench, lab_is_down, lab, WITHIN));
    struct probe_state down = probes_state(lab->probes, 0);

    assert_int_equal(down.verdict, HEALTH_DOWN);
    assert_int_equal(down.outcome, PROBE_REFUSED);
    assert_int_equal(down.status, 0);
    assert_true(down.since.ms == down.at.ms && down.since.ms > up.at.ms);
    lab_run(lab, span_s(3));
    assert_true(probes_state(lab->probes, 0).since.ms == down.since.ms);
    assert_true(probes_state(lab->probes, 0).at.ms > down.at.ms);
    lab_close(lab);
}

static void a_target_that_is_down_is_probed_at_its_interval_alone(void **)
{
    struct lab *lab = lab_settled(bench_new(sim_new(1)), CHECK_HTTP, 1);

    target_shut(&lab->target);
    lab_time_to_down(lab);
    unsigned results = lab->results;

    lab_run(lab, span_s(20));
    assert_in_range(lab->results - results, 19, 23);
    target_open(&lab->target);
    struct instant start = loop_now(lab->bench->loop);

    assert_true(bench_until(lab->bench, lab_is_up, lab, WITHIN));
    assert_in_range(instant_since(start, lab->decided).ns, span_ms(3500).ns, span_ms(5100).ns);
    lab_close(lab);
}

static void one_loss_costs_a_quick_probe_and_nothing_else(void **)
{
    struct lab *lab = lab_settled(bench_new(sim_new(1)), CHECK_HTTP, 1);
    unsigned visits = lab->target.visits;

    lab->target.lost = 100;
    while (lab->target.visits == visits)
        lab_run(lab, span_ms(1));
    lab->target.lost = 0;
    lab_run(lab, span_ms(899));
    assert_int_equal(lab->target.visits, visits + 2);
    assert_in_range(instant_since(lab->target.visited[visits], lab->target.visited[visits + 1]).ns,
        span_ms(100).ns, span_ms(101).ns);
    lab_run(lab, span_s(10));
    assert_int_equal(lab->outcomes[PROBE_TIMEOUT], 1);
    assert_int_equal(lab->verdicts, 1);
    lab_close(lab);
}

static void a_slow_target_is_probed_no_more_often(void **)
{
    struct lab *lab = lab_settled(bench_new(sim_new(1)), CHECK_HTTP, 1);

    lab_run(lab, span_s(1));
    probes_use(lab->probes, &NOTHING, NULL);
    lab->target.wait = span_ms(500);
    lab->verdicts = 0;
    probes_use(lab->probes, &lab->checks, NULL);
    assert_true(bench_until(lab->bench, lab_is_up, lab, WITHIN));
    unsigned visits = lab->target.visits;

    lab_run(lab, span_s(60));
    assert_in_range(lab->target.visits - visits, 60, 67);
    lab->target.is_silent = true;
    assert_in_range(lab_time_to_down(lab).ns, span_ms(2000).ns, span_ms(2910).ns);
    lab_close(lab);
}

enum { OBSERVERS = 5 };

/* A fifth of all probes is lost: by chance one observer alone is wrong once in four days. */
static void lost_probes_change_no_verdict_in_an_hour(void **)
{
    struct bench *bench = bench_new(sim_new(1));
    struct lab *labs[OBSERVERS];

    for (unsigned i = 0; i < OBSERVERS; i++) {
        labs[i] = lab_settled(bench, CHECK_HTTP, i + 1);
        labs[i]->target.lost = 20;
    }
    lab_run(labs[0], span_s(3600));
    for (unsigned i = 0; i < OBSERVERS; i++) {
        assert_int_equal(labs[i]->verdicts, 1);
        assert_in_range(labs[i]->outcomes[PROBE_TIMEOUT] * 100 / labs[i]->results, 18, 22);
    }
    for (unsigned i = 0; i < OBSERVERS; i++) {
        probes_free(labs[i]->probes);
        target_done(&labs[i]->target);
        mem_free(labs[i]);
    }
    bench_close(bench);
}

enum { MANY = 200, TENTHS = 300 };

/* Uses many checks of one target; they are the caller's to free. */
static struct check *use_many(struct lab *lab, struct checks *many, size_t count)
{
    struct check *list = mem_array(count, sizeof *list);

    for (size_t i = 0; i < count; i++)
        list[i] = lab_check(lab, CHECK_HTTP, i + 1);
    *many = (struct checks){ .list = list, .count = count };
    probes_use(lab->probes, many, NULL);
    return list;
}

static void checks_do_not_march_in_step(void **)
{
    struct lab *lab = lab_new(bench_new(sim_new(1)), CHECK_HTTP, 1);
    unsigned tenths[TENTHS] = { 0 };
    struct checks many;

    struct check *list = use_many(lab, &many, MANY);

    lab_run(lab, span_ms(600));
    assert_true(lab->target.visits >= MANY);
    lab_run(lab, span_s(30));
    for (unsigned i = 0; i < lab->target.visits; i++) {
        struct span since = instant_since(lab->target.visited[0], lab->target.visited[i]);

        if (since.ns / span_ms(100).ns < TENTHS)
            tenths[since.ns / span_ms(100).ns]++;
    }
    // From the second round on: about 21 are due in each tenth of a second.
    for (unsigned i = 6; i < TENTHS; i++)
        assert_in_range(tenths[i], 5, 45);
    probes_use(lab->probes, &NOTHING, NULL);
    mem_free(list);
    lab_close(lab);
}

static void observers_do_not_march_in_step(void **)
{
    struct instant firsts[2][20];

    for (uint64_t seed = 1; seed <= 2; seed++) {
        struct lab *lab = lab_settled(bench_new(sim_new(1)), CHECK_HTTP, seed);

        lab_run(lab, span_s(25));
        memcpy(firsts[seed - 1], lab->target.visited, sizeof firsts[0]);
        lab_close(lab);
    }
    unsigned together = 0;

    for (size_t i = 0; i < COUNT_OF(firsts[0]); i++) {
        for (size_t k = 0; k < COUNT_OF(firsts[1]); k++)
            together += llabs(firsts[0][i].ns - firsts[1][k].ns) < span_ms(10).ns;
    }
    assert_in_range(together, 0, 3);
}

static void intervals_are_up_to_a_tenth_shorter_and_never_longer(void **)
{
    struct lab *lab = lab_settled(bench_new(sim_new(1)), CHECK_HTTP, 1);
    struct span shortest = span_s(2), longest = { 0 };

    lab_run(lab, span_s(100));
    for (unsigned i = 1; i + 1 < lab->target.visits; i++) {
        struct span wait = instant_since(lab->target.visited[i], lab->target.visited[i + 1]);

        shortest.ns = wait.ns < shortest.ns ? wait.ns : shortest.ns;
        longest.ns = wait.ns > longest.ns ? wait.ns : longest.ns;
    }
    assert_in_range(shortest.ns, span_ms(900).ns, span_ms(910).ns);
    assert_in_range(longest.ns, span_ms(990).ns, span_ms(1000).ns);
    lab_close(lab);
}

static void what_leaves_the_configuration_is_probed_no_more(void **state)
{
    struct lab *lab = lab_settled(bench_open(state), CHECK_HTTP, 1);

    lab->target.is_silent = true;
    while (lab->target.open == 0)
        lab_run(lab, span_ms(5));
    unsigned results = lab->results, visits = lab->target.visits;

    probes_use(lab->probes, &NOTHING, NULL);
    lab_run(lab, span_ms(1200));
    assert_int_equal(lab->results, results);
    assert_int_equal(lab->target.visits, visits);
    assert_int_equal(lab->target.open, 0);
    assert_true(probes_are_settled(lab->probes));
    lab_close(lab);
}

static void verdict_and_phase_outlive_a_release(void **)
{
    struct lab *lab = lab_settled(bench_new(sim_new(1)), CHECK_HTTP, 1);
    struct check list[3];

    target_shut(&lab->target);
    lab_time_to_down(lab);
    lab_run(lab, span_ms(300));
    // Elsewhere in memory, at another place in the list.
    list[0] = lab_check(lab, CHECK_TCP, 77);
    list[1] = lab_check(lab, CHECK_TCP, 5);
    list[2] = lab->list[0];
    struct checks next = { .list = list, .count = 3 };
    unsigned results = lab->results;

    probes_use(lab->probes, &next, NULL);
    memset(lab->list, 0xee, sizeof lab->list);
    assert_int_equal(probes_state(lab->probes, 2).verdict, HEALTH_DOWN);
    assert_int_equal(probes_state(lab->probes, 0).verdict, HEALTH_UNKNOWN);
    assert_false(probes_are_settled(lab->probes));
    next.list = list + 2;
    next.count = 1;
    probes_use(lab->probes, &next, NULL);
    assert_int_equal(probes_state(lab->probes, 0).verdict, HEALTH_DOWN);
    assert_true(probes_are_settled(lab->probes));
    assert_int_equal(lab->verdicts, 2);
    lab_run(lab, span_ms(500));
    assert_int_equal(lab->results, results);
    lab_run(lab, span_ms(300));
    assert_int_equal(lab->results, results + 1);
    probes_use(lab->probes, &NOTHING, NULL);
    lab_close(lab);
}

static void a_shorter_interval_holds_at_once(void **)
{
    struct lab *lab = lab_new(bench_new(sim_new(1)), CHECK_HTTP, 1);

    lab->list[0].every = span_s(600);
    probes_use(lab->probes, &lab->checks, NULL);
    lab_run(lab, span_s(1));
    assert_int_equal(lab->target.visits, 1);
    lab->list[0].every = span_s(1);
    probes_use(lab->probes, &lab->checks, NULL);
    lab_run(lab, span_ms(1050));
    assert_in_range(lab->target.visits, 2, 3);
    lab_close(lab);
}

static void releases_in_a_row_do_not_put_off_a_verdict(void **)
{
    struct lab *lab = lab_settled(bench_new(sim_new(1)), CHECK_HTTP, 1);
    struct check list[2] = { lab->list[0], lab->list[0] };

    lab_run(lab, span_ms(3300));
    lab->target.is_silent = true;
    for (unsigned i = 0; i < 23; i++) {
        struct checks next = { .list = &list[i % 2], .count = 1 };

        list[i % 2].match = SLICE("yes");
        probes_use(lab->probes, &next, NULL);
        memset(&list[(i + 1) % 2], 0xee, sizeof list[0]);
        list[(i + 1) % 2] = list[i % 2];
        lab_run(lab, span_ms(100));
    }
    assert_false(lab->is_up);
    probes_use(lab->probes, &NOTHING, NULL);
    lab_close(lab);
}

static void failed_traffic_brings_the_next_probe_forward(void **)
{
    struct lab *lab = lab_new(bench_new(sim_new(1)), CHECK_HTTP, 1);

    lab->list[0].every = span_s(600);
    probes_use(lab->probes, &lab->checks, NULL);
    lab_run(lab, span_s(1));
    assert_int_equal(lab->target.visits, 1);
    probes_hurry(lab->probes, 0);
    lab_run(lab, span_ms(10));
    assert_int_equal(lab->target.visits, 2);
    // However often that is called, and for whatever.
    for (unsigned i = 0; i < 10000; i++) {
        probes_hurry(lab->probes, 0);
        probes_hurry(lab->probes, i);
        lab_run(lab, span_ms(1));
    }
    assert_in_range(lab->target.visits, 11, 13);
    // It is told to be down by its own probes then.
    target_shut(&lab->target);
    probes_hurry(lab->probes, 0);
    assert_in_range(lab_time_to_down(lab).ns, span_ms(450).ns, span_ms(1460).ns);
    unsigned results = lab->results;

    probes_hurry(lab->probes, 0);
    lab_run(lab, span_s(10));
    assert_int_equal(lab->results, results);
    lab_close(lab);
}

static void only_so_many_probes_are_under_way(void **)
{
    struct lab *lab = lab_new(bench_new(sim_new(1)), CHECK_HTTP, 1);
    struct checks many;

    lab->target.is_silent = true;

    struct check *list = use_many(lab, &many, PROBES_IN_FLIGHT_MAX + 1000);

    for (size_t i = 0; i < many.count; i++)
        list[i].every = span_s(3600);
    uint64_t most = 0;

    for (unsigned i = 0; i < 300; i++) {
        lab_run(lab, span_ms(10));
        uint64_t under_way = probes_counts(lab->probes)->sent.total - lab->results;

        most = under_way > most ? under_way : most;
    }
    assert_int_equal(most, PROBES_IN_FLIGHT_MAX);
    assert_true(probes_counts(lab->probes)->limited.total >= 1000);
    // Whoever was put off has its turn when there is room, not an interval later.
    lab_run(lab, span_s(30));
    assert_true(probes_are_settled(lab->probes));
    assert_int_equal(lab->verdicts, many.count);
    probes_use(lab->probes, &NOTHING, NULL);
    mem_free(list);
    lab_close(lab);
}

static void a_probe_that_cannot_be_sent_tells_nothing(void **)
{
    struct lab *lab = lab_settled(bench_new(sim_new(1)), CHECK_HTTP, 1);

    sim_limit_descriptors(lab->bench->sim, 0);
    lab_run(lab, span_s(10));
    assert_true(lab->outcomes[PROBE_DENIED] >= 9);
    assert_int_equal(lab->verdicts, 1);
    struct check other = lab_check(lab, CHECK_TCP, 2);
    struct checks next = { .list = &other, .count = 1 };

    probes_use(lab->probes, &next, NULL);
    lab_run(lab, span_s(1));
    assert_int_equal(probes_state(lab->probes, 0).verdict, HEALTH_UNKNOWN);
    assert_true(probes_are_settled(lab->probes));
    sim_limit_descriptors(lab->bench->sim, 100);
    lab_run(lab, span_s(2));
    assert_int_equal(probes_state(lab->probes, 0).verdict, HEALTH_UP);
    probes_use(lab->probes, &NOTHING, NULL);
    lab_close(lab);
}

static void every_probe_is_counted_by_its_outcome(void **state)
{
    struct lab *lab = lab_settled(bench_open(state), CHECK_HTTP, 1);
    const struct probe_counts *counts = probes_counts(lab->probes);
    uint64_t total = 0;

    target_shut(&lab->target);
    assert_true(bench_until(lab->bench, lab_is_down, lab, WITHIN));
    assert_int_equal(counts->ok.total, lab->outcomes[PROBE_OK]);
    assert_int_equal(counts->refused.total, lab->outcomes[PROBE_REFUSED]);
    for (size_t i = 0; i < probe_counter_row_count; i++) {
        const struct counter_row *row = &probe_counter_rows[i];

        if (strcmp(row->name, "probe_results_total") == 0)
            total += *(const uint64_t *)(const void *)((const char *)counts + row->offset);
    }
    assert_int_equal(total, lab->results);
    assert_int_equal(counts->sent.total, lab->results);
    for (unsigned i = 0; i < PROBE_OUTCOME_COUNT; i++)
        assert_true(strlen(probe_outcome_text((enum probe_outcome)i)) > 0);
    lab_close(lab);
}

static void probes_under_way_end_without_a_word(void **state)
{
    struct lab *lab = lab_settled(bench_open(state), CHECK_HTTP, 1);

    lab->target.is_silent = true;
    while (lab->target.open == 0)
        lab_run(lab, span_ms(5));
    unsigned results = lab->results;

    probes_free(lab->probes);
    lab->probes = NULL;
    lab_run(lab, span_ms(1000));
    assert_int_equal(lab->results, results);
    assert_int_equal(lab->target.open, 0);
    lab_close(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_target_is_down_within_2600_ms),
        cmocka_unit_test(a_refusing_target_is_down_within_1500_ms),
        ON_BOTH(it_is_known_since_when_and_by_what_a_target_is_down),
        ON_BOTH(a_target_that_dies_is_down_and_comes_back),
        cmocka_unit_test(a_target_that_is_down_is_probed_at_its_interval_alone),
        cmocka_unit_test(one_loss_costs_a_quick_probe_and_nothing_else),
        cmocka_unit_test(a_slow_target_is_probed_no_more_often),
        cmocka_unit_test(lost_probes_change_no_verdict_in_an_hour),
        cmocka_unit_test(checks_do_not_march_in_step),
        cmocka_unit_test(observers_do_not_march_in_step),
        cmocka_unit_test(intervals_are_up_to_a_tenth_shorter_and_never_longer),
        ON_BOTH(what_leaves_the_configuration_is_probed_no_more),
        cmocka_unit_test(verdict_and_phase_outlive_a_release),
        cmocka_unit_test(a_shorter_interval_holds_at_once),
        cmocka_unit_test(releases_in_a_row_do_not_put_off_a_verdict),
        cmocka_unit_test(failed_traffic_brings_the_next_probe_forward),
        cmocka_unit_test(only_so_many_probes_are_under_way),
        cmocka_unit_test(a_probe_that_cannot_be_sent_tells_nothing),
        ON_BOTH(every_probe_is_counted_by_its_outcome),
        ON_BOTH(probes_under_way_end_without_a_word),
    };

    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
