// SPDX-License-Identifier: Apache-2.0
/* Single echoes. With real sockets they need a right that tests may not have. */
#include "io/ping.h"
#include "probe/lab_test.h"

static void an_echo_is_ok_and_timed(void **)
{
    struct lab *lab = lab_new(bench_new(sim_new(1)), CHECK_ICMP, 1);
    struct sim_link link = { .delay = span_ms(10) };

    sim_link_set(lab->bench->sim, NULL, NULL, &link);
    assert_int_equal(lab_probe_once(lab), PROBE_OK);
    assert_true(lab->last.has_latency);
    assert_int_equal(lab->last.latency.ns, span_ms(20).ns);
    assert_int_equal(lab->last.response.ns, span_ms(20).ns);
    assert_int_equal(lab->target.visits, 0);
    lab_close(lab);
}

static void real_echoes_come_or_are_denied(void **)
{
    struct lab *lab = lab_new(bench_new(NULL), CHECK_ICMP, 1);
    enum probe_outcome outcome = lab_probe_once(lab);

    assert_true(outcome == PROBE_OK || outcome == PROBE_DENIED);
    assert_int_equal(lab->last.has_latency, outcome == PROBE_OK);
    assert_int_equal(lab->verdicts, outcome == PROBE_OK);
    lab_close(lab);
}

static void what_is_dark_is_down_in_time(void **)
{
    struct lab *lab = lab_new(bench_new(sim_new(1)), CHECK_ICMP, 1);
    struct sim_link dark = { .is_dark = true };

    probes_use(lab->probes, &lab->checks, NULL);
    assert_true(bench_until(lab->bench, lab_is_up, lab, WITHIN));
    lab_run(lab, span_ms(3500));
    struct instant start = loop_now(lab->bench->loop);

    sim_link_set(lab->bench->sim, NULL, NULL, &dark);
    assert_true(bench_until(lab->bench, lab_is_down, lab, WITHIN));
    assert_in_range(instant_since(start, lab->decided).ns, 0, span_ms(2510).ns);
    assert_int_equal(lab->last.outcome, PROBE_TIMEOUT);
    assert_int_equal(probes_ping_counts(lab->probes)->sent.total, lab->results);
    lab_close(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_echo_is_ok_and_timed),
        cmocka_unit_test(real_echoes_come_or_are_denied),
        cmocka_unit_test(what_is_dark_is_down_in_time),
    };

    return cmocka_run_group_tests_name("icmp", tests, NULL, NULL);
}
