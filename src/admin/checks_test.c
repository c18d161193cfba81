// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "admin/checks.h"
#include "admin/json.h"

static const struct customer acme = { .name = { "acme", 4 } };
static const struct origin ams = { .name = { "ams", 3 }, .customer = &acme };
static const struct check http = { .id = 0xabc,
    .kind = CHECK_HTTP,
    .origin = &ams,
    .path = { "/health", 7 },
    .every = { 1000000000 } };

static const struct fact facts[REPORT_KIND_COUNT] = {
    [REPORT_LATENCY] = { .value = 9100, .measured = 9012, .spread = 120, .sources = 1 },
    [REPORT_RESPONSE] = { .measured = 20500, .age_ms = 2000, .sources = 1 },
    [REPORT_ERRORS] = { .measured = 25000, .sources = 1 },
    [REPORT_LOAD] = { .measured = 1250000, .sources = 1 },
    [REPORT_RATE] = { .measured = 120500, .sources = 1 },
};

static const struct wall epoch = { 1795341600000 }; // 2026-11-22T10:00:00Z

static struct admin_check_status status(enum health_verdict verdict)
{
    return (struct admin_check_status){ .check = &http,
        .node = SLICE("fra1"),
        .verdict = verdict,
        .since = epoch,
        .rise = 5,
        .outcome = SLICE("status"),
        .reply = 503,
        .outcome_at = { epoch.ms + 3000 },
        .facts = facts,
        .facts_at = epoch };
}

static void text_is(const json_t *object, const char *key, const char *expected)
{
    assert_string_equal(json_string_value(json_object_get(object, key)), expected);
}

static void a_check_is_told_with_its_verdict_and_newest_outcome(void **)
{
    struct admin_check_status down = status(HEALTH_DOWN);
    json_t *json = admin_check_json(&down);

    assert_non_null(strstr(json_string_value(json_object_get(json, "name")), "acme/ams http"));
    text_is(json, "target", "origin acme/ams");
    text_is(json, "kind", "http");
    text_is(json, "node", "fra1");
    text_is(json, "verdict", "down");
    text_is(json, "since", "2026-11-22T10:00:00Z");
    text_is(json, "outcome", "status");
    text_is(json, "outcome_at", "2026-11-22T10:00:03Z");
    assert_int_equal(json_get_number(json, "reply"), 503);
    assert_int_equal(json_get_number(json, "every_ms"), 1000);
    assert_int_equal(json_get_number(json, "rise"), 5);
    assert_null(json_object_get(json, "latency_us"));
    json_decref(json);
}

static void what_is_not_known_is_not_told(void **)
{
    const struct node fra1 = { .name = SLICE("fra1") };
    const struct pop fra = { .name = SLICE("fra") };
    struct check check = { .kind = CHECK_TCP, .node = &fra1 };
    struct admin_check_status fresh = { .check = &check, .node = SLICE("fra2") };
    json_t *json = admin_check_facts_json(&fresh, epoch);

    text_is(json, "target", "node fra1");
    text_is(json, "verdict", "unknown");
    assert_null(json_object_get(json, "since"));
    assert_null(json_object_get(json, "outcome"));
    assert_null(json_object_get(json, "latency_us"));
    json_decref(json);
    check = (struct check){ .kind = CHECK_FTP, .pop = &fra };
    json = admin_check_json(&fresh);
    text_is(json, "target", "pop fra");
    json_decref(json);
}

static void measures_have_their_unit_in_the_key_and_their_age_at_the_time_asked(void **)
{
    struct admin_check_status up = status(HEALTH_UP);
    json_t *json = admin_check_facts_json(&up, (struct wall){ epoch.ms + 1500 });
    const json_t *latency = json_object_get(json, "latency_us");
    const json_t *response = json_object_get(json, "response_us");

    assert_true(json_get_real(latency, "value") == 9012);
    assert_true(json_get_real(latency, "spread") == 120);
    assert_true(json_get_real(latency, "age_s") == 1.5);
    assert_true(json_get_real(response, "age_s") == 3.5);
    assert_true(json_get_real(json_object_get(json, "errors_share"), "value") == 0.025);
    assert_true(json_get_real(json_object_get(json, "load_share"), "value") == 1.25);
    assert_true(json_get_real(json_object_get(json, "rate_per_s"), "value") == 120.5);
    assert_null(json_object_get(json, "cpu_share"));
    json_decref(json);
}

static void a_clock_set_back_makes_nothing_younger_than_new(void **)
{
    assert_true(admin_fact_age_s(&facts[0], epoch, (struct wall){ epoch.ms - 60000 }) == 0);
}

/* The page of all these checks. */
static void what_most_nodes_say_stands_beside_its_own_verdict(void **)
{
    struct admin_check_status up = status(HEALTH_UP);
    json_t *json = admin_check_json(&up);

    assert_null(json_object_get(json, "counted"));
    json_decref(json);
    up.counted = (struct votes_tally){
        .is_down = true, .by = VOTES_BY_GROUPS, .own = VOTES_UP, .groups = 4, .down = 3
    };
    json = admin_check_json(&up);
    const json_t *counted = json_object_get(json, "counted");

    text_is(json, "verdict", "up");
    text_is(counted, "verdict", "down");
    text_is(counted, "by", "groups");
    assert_int_equal(json_get_number(counted, "groups"), 4);
    assert_int_equal(json_get_number(counted, "groups_down"), 3);
    json_decref(json);
}

static void metrics_are(const struct admin_check_status *checks, size_t count, const char *page)
{
    struct metrics m;
    struct text out;

    metrics_init(&m);
    text_init(&out, 1 << 20);
    admin_checks_metrics(&m, checks, count);
    metrics_write(&m, &out);
    assert_string_equal(out.at == NULL ? "" : out.at, page);
    text_done(&out);
    metrics_done(&m);
}

static void metrics_tell_verdict_latency_and_response(void **)
{
    const struct check tcp = { .id = 0xdef, .kind = CHECK_TCP, .origin = &ams };
    struct admin_check_status checks[] = { status(HEALTH_UP),
        { .check = &tcp, .node = SLICE("fra1"), .verdict = HEALTH_DOWN } };

    checks[1].counted = (struct votes_tally){ .by = VOTES_BY_GROUPS, .groups = 3, .down = 1 };
    metrics_are(checks, 2,
        "# HELP waypost_check_up What is measured is up, as this node sees it\n"
        "# TYPE waypost_check_up gauge\n"
        "waypost_check_up{node=\"fra1\",check=\"origin acme/ams http "
        "/health\",id=\"0000000000000abc\"} 1\n"
        "waypost_check_up{node=\"fra1\",check=\"origin acme/ams tcp\",id=\"0000000000000def\"} 0\n"
        "# HELP waypost_check_latency_seconds Round trip to what is measured, smoothed\n"
        "# TYPE waypost_check_latency_seconds gauge\n"
        "waypost_check_latency_seconds{node=\"fra1\",check=\"origin acme/ams http "
        "/health\",id=\"0000000000000abc\"} 0.009012\n"
        "# HELP waypost_check_response_seconds Time to the whole answer of what is measured, "
        "smoothed\n"
        "# TYPE waypost_check_response_seconds gauge\n"
        "waypost_check_response_seconds{node=\"fra1\",check=\"origin acme/ams http "
        "/health\",id=\"0000000000000abc\"} 0.0205\n"
        "# HELP waypost_check_counted_up What is measured is up by the count of votes, which "
        "answers go by\n"
        "# TYPE waypost_check_counted_up gauge\n"
        "waypost_check_counted_up{node=\"fra1\",check=\"origin acme/ams "
        "tcp\",id=\"0000000000000def\"}"
        " 1\n");
}

static void of_what_is_not_known_there_are_no_metrics(void **)
{
    const struct admin_check_status fresh = { .check = &http, .node = SLICE("fra1") };

    metrics_are(&fresh, 1, "");
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_check_is_told_with_its_verdict_and_newest_outcome),
        cmocka_unit_test(what_is_not_known_is_not_told),
        cmocka_unit_test(measures_have_their_unit_in_the_key_and_their_age_at_the_time_asked),
        cmocka_unit_test(a_clock_set_back_makes_nothing_younger_than_new),
        cmocka_unit_test(what_most_nodes_say_stands_beside_its_own_verdict),
        cmocka_unit_test(metrics_tell_verdict_latency_and_response),
        cmocka_unit_test(of_what_is_not_known_there_are_no_metrics),
    };

    return cmocka_run_group_tests_name("admin/checks", cases, NULL, NULL);
}
