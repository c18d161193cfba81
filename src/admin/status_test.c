// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "admin/json.h"
#include "admin/status.h"
#include "base/mem.h"
#include "conf/summary.h"
#include "steer/drains.h"

static const struct customer acme = { .name = { "acme", 4 } };
static const struct origin ams = {
    .name = { "ams", 3 }, .customer = &acme, .address = { { IP_V4, { 198, 51, 100, 7 } }, 80 }
};
static const struct origin *const origins[] = { &ams };
static const struct site www = { .host = { "www.acme.example", 16 },
    .customer = &acme,
    .kind = SITE_STEER,
    .policy = POLICY_WEIGHTED,
    .origins = origins,
    .origin_count = 1,
    .ttl = { 20000000000 } };
static const struct site assets = { .host = { "static.acme.example", 19 },
    .customer = &acme,
    .kind = SITE_DELIVER,
    .fill = FILL_LEAST_LOADED,
    .origins = origins,
    .origin_count = 1 };
static const struct site *const sites[] = { &assets, &www };
static const struct network network = {
    .name = { "example", 7 }, .sites = sites, .site_count = 2, .hash = 0xfedc, .serial = 1790000000
};
static const struct ip addresses[] = { { IP_V4, { 192, 0, 2, 10 } },
    { IP_V6, { 0x20, 1, 0xd, 0xb8, [15] = 16 } } };
static const struct pop fra = { .name = { "fra", 3 }, .place = { "Frankfurt, DE", 13 } };
static const struct node fra1 = { .name = { "fra1", 4 },
    .pop = &fra,
    .addresses = addresses,
    .address_count = 2,
    .ports = { 53, 80, 443, 8653 } };

static const struct check tcp = { .kind = CHECK_TCP, .origin = &ams };
static const struct fact facts[REPORT_KIND_COUNT] = {
    [REPORT_LATENCY] = { .measured = 9012, .age_ms = 500, .sources = 1 }
};
static const struct admin_check_status known = { .check = &tcp,
    .node = { "fra1", 4 },
    .verdict = HEALTH_UP,
    .facts = facts,
    .facts_at = { 1795341598000 } };

static const struct admin_status_question ALL = { 0 };

static json_t *status_json(const struct admin_origin_status *origin)
{
    const struct steer_map map = { .hash = 0xbeef, .epoch = { 1795341595000 } };
    const struct admin_node_status node = { .node = &fra1,
        .map = &map,
        .dns_queries = 7,
        .requests = 10,
        .hits = 9,
        .sent_bytes = UINT64_MAX,
        .connections = 3,
        .store = { 1024, 4096, 2 } };
    const struct admin_status status = { .version = SLICE("0.1"),
        .uptime = span_s(61),
        .now = { 1795341600000 },
        .workers = 2,
        .network = &network,
        .nodes = &node,
        .node_count = 1,
        .origins = origin,
        .origin_count = 1,
        .checks = &known,
        .check_count = 1 };
    struct text text;

    text_init(&text, 1 << 20);
    admin_status_write(&status, &ALL, &text);
    assert_true(slice_ends(text_slice(&text), SLICE("}\n")));
    json_t *json = json_loads(text.at, JSON_REJECT_DUPLICATES, NULL);

    text_done(&text);
    assert_non_null(json);
    return json;
}

static void text_is(const json_t *object, const char *key, const char *expected)
{
    assert_string_equal(json_string_value(json_object_get(object, key)), expected);
}

static void number_is(const json_t *object, const char *key, int64_t expected)
{
    assert_true(json_is_integer(json_object_get(object, key)));
    assert_true(json_integer_value(json_object_get(object, key)) == expected);
}

static const struct admin_origin_status quiet = { .origin = &ams, .node = { "fra1", 4 } };

static void names_release_times_and_workers(void **)
{
    json_t *json = status_json(&quiet);

    text_is(json, "network", "example");
    text_is(json, "version", "0.1");
    text_is(json, "now", "2026-11-22T10:00:00Z");
    number_is(json, "uptime_s", 61);
    number_is(json, "workers", 2);
    text_is(json_object_get(json, "release"), "hash", "000000000000fedc");
    number_is(json_object_get(json, "release"), "serial", 1790000000);
    json_decref(json);
}

static void nodes_come_with_addresses_ports_counts_and_store(void **)
{
    json_t *json = status_json(&quiet);
    const json_t *node = json_array_get(json_object_get(json, "nodes"), 0);

    text_is(node, "name", "fra1");
    text_is(node, "pop", "fra");
    text_is(node, "place", "Frankfurt, DE");
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(node, "addresses"), 1)), "2001:db8::10");
    number_is(json_object_get(node, "ports"), "dns", 53);
    number_is(json_object_get(node, "ports"), "admin", 8653);
    number_is(node, "dns_queries", 7);
    number_is(node, "hits", 9);
    number_is(node, "sent_bytes", INT64_MAX);
    number_is(json_object_get(node, "store"), "limit_bytes", 4096);
    text_is(json_object_get(node, "map"), "hash", "000000000000beef");
    text_is(json_object_get(node, "map"), "epoch", "2026-11-22T09:59:55Z");
    json_decref(json);
}

static void sites_name_their_kind_and_what_chooses(void **)
{
    json_t *json = status_json(&quiet);
    const json_t *list = json_object_get(json, "sites");

    assert_int_equal(json_array_size(list), 2);
    text_is(json_array_get(list, 0), "host", "static.acme.example");
    text_is(json_array_get(list, 0), "kind", "deliver");
    text_is(json_array_get(list, 0), "policy", "least-loaded");
    text_is(json_array_get(list, 1), "kind", "steer");
    text_is(json_array_get(list, 1), "policy", "weighted");
    number_is(json_array_get(list, 1), "ttl_s", 20);
    json_decref(json);
}

static void an_origin_has_an_error_only_when_it_had_one(void **)
{
    struct admin_origin_status failed = quiet;
    json_t *json = status_json(&quiet);
    const json_t *origin = json_array_get(json_object_get(json, "origins"), 0);

    text_is(origin, "address", "198.51.100.7:80");
    assert_null(json_object_get(origin, "last_error"));
    assert_null(json_object_get(origin, "response_us"));
    number_is(origin, "in_flight", 0);
    json_decref(json);
    failed.failures = 1;
    failed.in_flight = 3;
    failed.response_us = 1500;
    failed.last_error = SLICE("refused \xff\"");
    failed.last_error_at = (struct wall){ 1795341600000 };
    json = status_json(&failed);
    origin = json_array_get(json_object_get(json, "origins"), 0);
    number_is(origin, "in_flight", 3);
    number_is(origin, "response_us", 1500);
    text_is(origin, "last_error", "refused ?\"");
    text_is(origin, "last_error_at", "2026-11-22T10:00:00Z");
    json_decref(json);
}

static void checks_come_with_what_was_measured_and_how_long_ago(void **)
{
    json_t *json = status_json(&quiet);
    const json_t *check = json_array_get(json_object_get(json, "checks"), 0);
    const json_t *latency = json_object_get(check, "latency_us");

    text_is(check, "target", "origin acme/ams");
    text_is(check, "verdict", "up");
    assert_true(json_get_real(latency, "value") == 9012);
    assert_true(json_get_real(latency, "age_s") == 2.5);
    number_is(json, "checks_left_out", 0);
    json_decref(json);
}

static void of_too_many_checks_the_first_are_told(void **)
{
    struct admin_check_status *checks = mem_array(ADMIN_CHECKS_MAX + 3, sizeof *checks);
    struct admin_status status = {
        .network = &network, .checks = checks, .check_count = ADMIN_CHECKS_MAX + 3
    };
    struct text text;

    for (size_t i = 0; i < status.check_count; i++)
        checks[i] = known;
    text_init(&text, 64 << 20);
    admin_status_write(&status, &ALL, &text);
    json_t *json = json_loads(text.at, 0, NULL);

    assert_int_equal(json_array_size(json_object_get(json, "checks")), ADMIN_CHECKS_MAX);
    number_is(json, "checks_left_out", 3);
    json_decref(json);
    text_done(&text);
    mem_free(checks);
}

/* The members of all lists of a page, each with the name of its list; returns the next page's. */
static uint64_t page_read(const struct admin_status *status, uint64_t after, json_t *members)
{
    const struct admin_status_question question = { .limit = 4, .after = after };
    const char *key;
    size_t count = 0, i;
    struct text text;
    json_t *list, *one;

    text_init(&text, 1 << 20);
    admin_status_write(status, &question, &text);
    json_t *json = json_loads(text.at, 0, NULL);

    json_object_foreach(json, key, list) json_array_foreach (list, i, one)
    {
        json_array_append_new(members, json_pack("[s, O]", key, one));
        count++;
    }
    uint64_t next = json_get_number(json, "after");

    assert_int_equal(count, 4);
    text_is(json, "network", "example"); // what is no list is on each
    json_decref(json);
    text_done(&text);
    return next;
}

static void pages_have_each_member_of_each_list_once(void **)
{
    const struct admin_node_status nodes[2] = { { .node = &fra1 }, { .node = &fra1 } };
    const struct admin_origin_status fetched[4] = { quiet, quiet, quiet, quiet };
    const struct admin_certificate_status certificate = { .name = SLICE("default") };
    const struct slice bare[] = { SLICE("a.example"), SLICE("b.example") };
    const struct drain drain = { .kind = DRAIN_POP, .name = SLICE("fra") };
    const struct admin_check_status checks[4] = { known, known, known, known };
    const struct admin_status status = { .network = &network,
        .nodes = nodes,
        .node_count = 2,
        .origins = fetched,
        .origin_count = 4,
        .certificates = &certificate,
        .certificate_count = 1,
        .bare_sites = bare,
        .bare_count = 2,
        .checks = checks,
        .check_count = 4,
        .drains = &drain,
        .drain_count = 1 };
    static const char ORDER[] =
        "nodes nodes origins origins origins origins sites sites certificates "
        "sites_without_certificate sites_without_certificate drains checks checks checks checks ";
    json_t *members = json_array(), *one;
    uint64_t after = 0;
    struct text lists;
    size_t i, pages = 0;

    text_init(&lists, 4096);
    do {
        after = page_read(&status, after, members);
        pages++;
    } while (after != 0);
    assert_int_equal(pages, 4); // and no empty one behind them
    json_array_foreach (members, i, one)
        text_say(&lists, "%s ", json_string_value(json_array_get(one, 0)));
    assert_string_equal(lists.at, ORDER);
    one = json_array_get(json_array_get(members, 7), 1);
    text_is(one, "host", "www.acme.example"); // the second of its list
    text_done(&lists);
    json_decref(members);
}

static void a_page_has_checks_that_the_whole_leaves_out(void **)
{
    struct admin_check_status *checks = mem_array(ADMIN_CHECKS_MAX + 3, sizeof *checks);
    const struct admin_status status = {
        .network = &network, .checks = checks, .check_count = ADMIN_CHECKS_MAX + 3
    };
    const struct admin_status_question question = { .limit = 9, .after = 2 + ADMIN_CHECKS_MAX };
    struct text text;

    for (size_t i = 0; i < status.check_count; i++)
        checks[i] = known;
    text_init(&text, 1 << 20);
    admin_status_write(&status, &question, &text);
    json_t *json = json_loads(text.at, 0, NULL);

    assert_int_equal(json_array_size(json_object_get(json, "checks")), 3);
    assert_int_equal(json_array_size(json_object_get(json, "sites")), 0);
    number_is(json, "checks_left_out", 0);
    assert_null(json_object_get(json, "after"));
    json_decref(json);
    text_done(&text);
    mem_free(checks);
}

static void every_word_of_the_settings_is_known(void **)
{
    assert_string_equal(admin_kind_text(SITE_DELIVER), "deliver");
    assert_string_equal(site_policy_text(POLICY_BALANCED), "balanced");
    assert_string_equal(site_policy_text(POLICY_STRICT), "strict");
    assert_string_equal(site_policy_text(POLICY_ORDERED), "ordered");
    assert_string_equal(site_policy_text(POLICY_STICKY), "sticky");
    assert_string_equal(site_fill_text(FILL_ORDERED), "ordered");
    assert_string_equal(site_fill_text(FILL_PINNED), "pinned");
    assert_string_equal(site_fill_text(FILL_HASH), "hash");
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(names_release_times_and_workers),
        cmocka_unit_test(nodes_come_with_addresses_ports_counts_and_store),
        cmocka_unit_test(sites_name_their_kind_and_what_chooses),
        cmocka_unit_test(an_origin_has_an_error_only_when_it_had_one),
        cmocka_unit_test(checks_come_with_what_was_measured_and_how_long_ago),
        cmocka_unit_test(of_too_many_checks_the_first_are_told),
        cmocka_unit_test(pages_have_each_member_of_each_list_once),
        cmocka_unit_test(a_page_has_checks_that_the_whole_leaves_out),
        cmocka_unit_test(every_word_of_the_settings_is_known),
    };

    return cmocka_run_group_tests_name("admin/status", cases, NULL, NULL);
}
