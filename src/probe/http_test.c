// SPDX-License-Identifier: Apache-2.0
/* Single probes by HTTP and TCP of a target that says what it likes. */
#include "probe/lab_test.h"

/* With more patience than the usual, so that a busy machine is not taken for a dead target. */
static struct lab *lab_patient(void *const *state, enum check_kind kind)
{
    struct lab *lab = lab_open(state, kind);

    lab->list[0].timeout = span_s(8);
    return lab;
}

/* What comes of one probe when the target says `text` and then closes. */
static enum probe_outcome outcome_of(struct lab *lab, const char *text)
{
    lab->target.says = slice_text(text);
    return lab_probe_once(lab);
}

static void an_expected_answer_is_ok_and_timed(void **state)
{
    struct lab *lab = lab_patient(state, CHECK_HTTP);
    struct sim_link link = { .delay = span_ms(10) };

    if (lab->bench->sim != NULL)
        sim_link_set(lab->bench->sim, NULL, NULL, &link);
    lab->target.wait = span_ms(30);
    assert_int_equal(lab_probe_once(lab), PROBE_OK);
    assert_int_equal(lab->last.status, 200);
    assert_true(lab->last.has_latency && lab->last.latency.ns > 0);
    assert_true(lab->last.response.ns >= lab->last.latency.ns + span_ms(30).ns);
    if (lab->bench->sim != NULL) {
        assert_int_equal(lab->last.latency.ns, span_ms(20).ns);
        assert_in_range(lab->last.response.ns, span_ms(70).ns, span_ms(71).ns);
    }
    lab_close(lab);
}

static void the_request_names_host_path_and_who_asks(void **state)
{
    static const char REQUEST[] = "GET /health HTTP/1.1\r\nHost: www.example.net\r\n"
                                  "User-Agent: waypost-probe\r\nAccept: */*\r\n"
                                  "Connection: close\r\n\r\n";
    struct lab *lab = lab_patient(state, CHECK_HTTP);

    assert_int_equal(lab_probe_once(lab), PROBE_OK);
    assert_int_equal(lab->target.heard_length, strlen(REQUEST));
    assert_memory_equal(lab->target.heard, REQUEST, strlen(REQUEST));
    lab_close(lab);
}

static void another_status_is_told(void **state)
{
    struct lab *lab = lab_patient(state, CHECK_HTTP);

    assert_int_equal(outcome_of(lab, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), PROBE_STATUS);
    assert_int_equal(lab->last.status, 503);
    lab->list[0].expect = 503;
    assert_int_equal(lab_probe_once(lab), PROBE_OK);
    lab_close(lab);
}

static void a_redirect_is_not_followed(void **state)
{
    struct lab *lab = lab_patient(state, CHECK_HTTP);

    assert_int_equal(
        outcome_of(lab, "HTTP/1.1 302 F\r\nLocation: /health\r\nContent-Length: 0\r\n\r\n"),
        PROBE_STATUS);
    assert_int_equal(lab->last.status, 302);
    assert_int_equal(lab->target.visits, 1);
    lab_close(lab);
}

static void the_text_is_found_across_chunks(void **state)
{
    struct lab *lab = lab_patient(state, CHECK_HTTP);

    lab->list[0].match = SLICE("all well");
    assert_int_equal(outcome_of(lab, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                     "7\r\n<p>all \r\n4\r\nwell\r\n4\r\n</p>\r\n0\r\n\r\n"),
        PROBE_OK);
    lab->target.drip = span_ms(1);
    assert_int_equal(lab_probe_once(lab), PROBE_OK);
    lab_close(lab);
}

static void a_body_without_the_text_is_a_mismatch(void **state)
{
    struct lab *lab = lab_patient(state, CHECK_HTTP);

    lab->list[0].match = SLICE("all well");
    assert_int_equal(
        outcome_of(lab, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nall wel"), PROBE_MISMATCH);
    assert_int_equal(
        outcome_of(lab, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), PROBE_MISMATCH);
    lab_close(lab);
}

static void an_endless_body_is_left_at_the_limit(void **state)
{
    struct lab *lab = lab_patient(state, CHECK_HTTP);

    target_goes_on(&lab->target, "and so on, ");
    assert_int_equal(outcome_of(lab, "HTTP/1.1 200 OK\r\n\r\nall well "), PROBE_OK);
    lab->list[0].match = SLICE("all well");
    assert_int_equal(lab_probe_once(lab), PROBE_OK);
    lab->list[0].match = SLICE("all ill");
    assert_int_equal(lab_probe_once(lab), PROBE_TOO_LONG);
    assert_in_range(loop_counts(lab->bench->loop)->bytes_in.total, 3 * PROBE_BODY_MAX,
        3 * (PROBE_BODY_MAX + STREAM_READ_MAX));
    lab_close(lab);
}

static void an_endless_head_is_against_the_protocol(void **state)
{
    struct lab *lab = lab_patient(state, CHECK_HTTP);

    target_goes_on(&lab->target, "X-And: so on\r\n");
    assert_int_equal(outcome_of(lab, "HTTP/1.1 200 OK\r\n"), PROBE_PROTOCOL);
    target_goes_on(&lab->target, "HTTP/1.1 103 Early Hints\r\n\r\n");
    assert_int_equal(outcome_of(lab, ""), PROBE_PROTOCOL);
    target_goes_on(&lab->target, "a");
    assert_int_equal(outcome_of(lab, "HTTP/1.1 200 "), PROBE_PROTOCOL);
    lab_close(lab);
}

static void what_is_no_answer_is_against_the_protocol(void **state)
{
    struct lab *lab = lab_patient(state, CHECK_HTTP);

    lab->target.closes = true;
    assert_int_equal(outcome_of(lab, ""), PROBE_PROTOCOL);
    assert_int_equal(outcome_of(lab, "220 ftp.example.net\r\n"), PROBE_PROTOCOL);
    assert_int_equal(outcome_of(lab, "HTTP/1.1 200 OK\r\n"), PROBE_PROTOCOL);
    assert_int_equal(
        outcome_of(lab, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"), PROBE_PROTOCOL);
    assert_int_equal(outcome_of(lab, "HTTP/1.1 101 S\r\n\r\n"), PROBE_PROTOCOL);
    lab_close(lab);
}

static void who_says_nothing_or_too_slowly_is_left_at_the_timeout(void **state)
{
    struct lab *lab = lab_patient(state, CHECK_HTTP);

    lab->list[0].timeout = span_ms(60);
    lab->target.is_silent = true;
    assert_int_equal(lab_probe_once(lab), PROBE_TIMEOUT);
    assert_true(lab->last.has_latency);
    lab->target.is_silent = false;
    lab->target.drip = span_ms(5);
    assert_int_equal(lab_probe_once(lab), PROBE_TIMEOUT);
    target_goes_on(&lab->target, "x");
    assert_int_equal(outcome_of(lab, "HTTP/1.1 200 OK\r\n\r\n"), PROBE_TIMEOUT);
    lab->target.drip = (struct span){ 0 };
    lab->target.wait = span_ms(100);
    assert_int_equal(lab_probe_once(lab), PROBE_TIMEOUT);
    lab_close(lab);
}

static void nobody_there_is_refused(void **state)
{
    struct lab *lab = lab_patient(state, CHECK_HTTP);

    target_shut(&lab->target);
    assert_int_equal(lab_probe_once(lab), PROBE_REFUSED);
    assert_false(lab->last.has_latency);
    lab->list[0].kind = CHECK_TCP;
    assert_int_equal(lab_probe_once(lab), PROBE_REFUSED);
    lab_close(lab);
}

static void a_tcp_probe_ends_with_the_connections_opening(void **state)
{
    struct lab *lab = lab_patient(state, CHECK_TCP);

    lab->target.is_silent = true;
    assert_int_equal(lab_probe_once(lab), PROBE_OK);
    assert_true(lab->last.has_latency);
    assert_int_equal(lab->last.response.ns, lab->last.latency.ns);
    assert_int_equal(lab->last.status, 0);
    assert_int_equal(lab->target.visits, 1);
    assert_int_equal(lab->target.open, 0);
    lab_close(lab);
}

static void load_comes_with_the_head_whatever_the_status(void **state)
{
    struct lab *lab = lab_patient(state, CHECK_HTTP);
    const struct load_metrics *load = &lab->last.load;

    assert_int_equal(outcome_of(lab, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n"
                                     "Endpoint-Load-Metrics: TEXT cpu_utilization=0.5\r\n\r\n"),
        PROBE_STATUS);
    assert_true(load->is_known[LOAD_METRIC_CPU]);
    assert_int_equal(load->millionths[LOAD_METRIC_CPU], 500000);
    assert_false(load->is_known[LOAD_METRIC_MEMORY]);
    assert_int_equal(probes_counts(lab->probes)->load_wrong.total, 0);
    lab_close(lab);
}

static void load_that_cannot_be_understood_is_counted_and_forgotten(void **state)
{
    struct lab *lab = lab_patient(state, CHECK_HTTP);

    assert_int_equal(outcome_of(lab, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
                                     "endpoint-load-metrics: TEXT cpu_utilization=much\r\n\r\n"),
        PROBE_OK);
    assert_false(lab->last.load.is_known[LOAD_METRIC_CPU]);
    assert_int_equal(probes_counts(lab->probes)->load_wrong.total, 1);
    lab_close(lab);
}

static void a_load_address_tells_in_body_or_field(void **state)
{
    struct lab *lab = lab_patient(state, CHECK_LOAD);
    const struct load_metrics *load = &lab->last.load;

    assert_int_equal(outcome_of(lab, "HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n"
                                     "mem_utilization=0.25\r\n"),
        PROBE_OK);
    assert_int_equal(load->millionths[LOAD_METRIC_MEMORY], 250000);
    assert_int_equal(
        outcome_of(lab, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                        "endpoint-load-metrics: TEXT mem_utilization=0.5\r\n\r\nhello"),
        PROBE_OK);
    assert_int_equal(load->millionths[LOAD_METRIC_MEMORY], 500000);
    lab_close(lab);
}

static void a_load_address_that_tells_none_is_a_mismatch(void **state)
{
    struct lab *lab = lab_patient(state, CHECK_LOAD);

    assert_int_equal(
        outcome_of(lab, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), PROBE_MISMATCH);
    assert_int_equal(
        outcome_of(lab, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), PROBE_MISMATCH);
    target_goes_on(&lab->target, "mem_utilization=0.25,");
    assert_int_equal(outcome_of(lab, "HTTP/1.1 200 OK\r\n\r\n"), PROBE_TOO_LONG);
    assert_false(lab->last.load.is_known[LOAD_METRIC_MEMORY]);
    lab_close(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(an_expected_answer_is_ok_and_timed),
        ON_BOTH(the_request_names_host_path_and_who_asks),
        ON_BOTH(another_status_is_told),
        ON_BOTH(a_redirect_is_not_followed),
        ON_BOTH(the_text_is_found_across_chunks),
        ON_BOTH(a_body_without_the_text_is_a_mismatch),
        ON_BOTH(an_endless_body_is_left_at_the_limit),
        ON_BOTH(an_endless_head_is_against_the_protocol),
        ON_BOTH(what_is_no_answer_is_against_the_protocol),
        ON_BOTH(who_says_nothing_or_too_slowly_is_left_at_the_timeout),
        ON_BOTH(nobody_there_is_refused),
        ON_BOTH(a_tcp_probe_ends_with_the_connections_opening),
        ON_BOTH(load_comes_with_the_head_whatever_the_status),
        ON_BOTH(load_that_cannot_be_understood_is_counted_and_forgotten),
        ON_BOTH(a_load_address_tells_in_body_or_field),
        ON_BOTH(a_load_address_that_tells_none_is_a_mismatch),
    };

    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
