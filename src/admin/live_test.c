// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "admin/json.h"
#include "admin/live.h"
#include "admin/scope.h"

static const struct admin_scope OPERATOR = { .is_operator = true };
static const struct admin_scope ACME = { .customer = { "acme", 4 } };

/* What is told of the way from one to the other, to be given back. */
static json_t *told(const struct admin_live *from, const struct admin_live *to, double seconds,
    const struct admin_scope *scope)
{
    struct arena arena;
    struct text out;

    arena_init(&arena, 1 << 20);
    text_init(&out, 1 << 20);
    admin_live_write(from, to, seconds, scope, &arena, &out);
    assert_true(slice_find(text_slice(&out), '\n') == out.length);
    json_t *json = json_read(text_slice(&out));

    assert_non_null(json);
    arena_done(&arena);
    text_done(&out);
    return json;
}

static const json_t *first(const json_t *json, const char *list)
{
    return json_array_get(json_object_get(json, list), 0);
}

static void rates_are_what_was_added_by_the_seconds_it_took(void **)
{
    struct admin_live_node before = { .node = SLICE("fra1"),
        .pop = SLICE("fra"),
        .dns_queries = 10,
        .requests = 100,
        .hits = 50,
        .sent_bytes = 1000 };
    struct admin_live_node after = before;

    after.requests = 150;
    after.hits = 61;
    after.sent_bytes = 3000;
    after.connections = 7;
    after.cpu = 0.25;
    after.memory = -1;
    const struct admin_live from = { .nodes = &before, .node_count = 1 };
    const struct admin_live to = {
        .now = { 1000 }, .uptime = span_s(9), .nodes = &after, .node_count = 1
    };
    json_t *json = told(&from, &to, 2, &OPERATOR);
    const json_t *node = first(json, "nodes");

    assert_int_equal(json_get_number(json, "uptime_s"), 9);
    assert_true(json_get_real(node, "dns_queries_per_s") == 0);
    assert_true(json_get_real(node, "requests_per_s") == 25);
    assert_true(json_get_real(node, "hits_per_s") == 5.5);
    assert_true(json_get_real(node, "sent_bytes_per_s") == 1000);
    assert_int_equal(json_get_number(node, "connections"), 7);
    assert_true(json_get_real(node, "cpu") == 0.25);
    assert_null(json_object_get(node, "memory"));
    json_decref(json);
}

static void sites_that_come_begin_at_nothing_and_those_that_go_are_not_told(void **)
{
    struct admin_live_site before[] = {
        { .site = SLICE("a.test"), .customer = SLICE("acme"), .requests = 5 },
        { .site = SLICE("b.test"), .customer = SLICE("acme"), .requests = 50 },
        { .site = SLICE("d.test"), .customer = SLICE("acme"), .requests = 9 },
    };
    struct admin_live_site after[] = {
        { .site = SLICE("b.test"), .customer = SLICE("acme"), .requests = 53 },
        { .site = SLICE("c.test"), .customer = SLICE("acme"), .requests = 8 },
        // Whose it was before is another's affair.
        { .site = SLICE("d.test"), .customer = SLICE("other"), .requests = 10 },
    };
    const struct admin_live from = { .sites = before, .site_count = 3 };
    const struct admin_live to = { .sites = after, .site_count = 3 };
    json_t *json = told(&from, &to, 1, &OPERATOR);
    const json_t *sites = json_object_get(json, "sites");

    assert_int_equal(json_array_size(sites), 3);
    assert_true(json_get_real(json_array_get(sites, 0), "requests_per_s") == 3);
    assert_true(json_get_real(json_array_get(sites, 1), "requests_per_s") == 8);
    assert_true(json_get_real(json_array_get(sites, 2), "requests_per_s") == 10);
    json_decref(json);
}

static void totals_that_went_back_count_as_nothing(void **)
{
    struct admin_live_site before = { .site = SLICE("a.test"), .dns_answers = 9 };
    struct admin_live_site after = { .site = SLICE("a.test"), .dns_answers = 2 };
    const struct admin_live from = { .sites = &before, .site_count = 1 };
    const struct admin_live to = { .sites = &after, .site_count = 1 };
    json_t *json = told(&from, &to, 1, &OPERATOR);

    assert_true(json_get_real(first(json, "sites"), "dns_answers_per_s") == 0);
    json_decref(json);
}

static void customers_are_told_their_own_sites_and_no_nodes(void **)
{
    struct admin_live_node node = { .node = SLICE("fra1") };
    struct admin_live_site sites[] = {
        { .site = SLICE("a.test"), .customer = SLICE("other") },
        { .site = SLICE("b.test"), .customer = SLICE("acme") },
    };
    const struct admin_live live = {
        .nodes = &node, .node_count = 1, .sites = sites, .site_count = 2
    };
    json_t *json = told(&live, &live, 1, &ACME);

    assert_int_equal(json_array_size(json_object_get(json, "nodes")), 0);
    assert_int_equal(json_array_size(json_object_get(json, "sites")), 1);
    assert_true(slice_equal(json_get_text(first(json, "sites"), "site"), SLICE("b.test")));
    json_decref(json);
}

static void of_too_many_sites_the_busiest_are_told_and_the_rest_counted(void **)
{
    enum { COUNT = LIVE_SITES_TOLD_MAX + 3 };
    static struct admin_live_site before[COUNT], after[COUNT];
    static char names[COUNT][16];

    for (size_t i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "s%05zu.test", i);
        before[i].site = after[i].site = slice_text(names[i]);
        after[i].requests = i == 2 ? 0 : 1 + (i == COUNT - 1);
    }
    const struct admin_live from = { .sites = before, .site_count = COUNT };
    const struct admin_live to = { .sites = after, .site_count = COUNT };
    json_t *json = told(&from, &to, 1, &OPERATOR);
    const json_t *sites = json_object_get(json, "sites");

    assert_int_equal(json_array_size(sites), LIVE_SITES_TOLD_MAX);
    assert_int_equal(json_get_number(json, "sites_left_out"), 3);
    assert_true(
        slice_equal(json_get_text(json_array_get(sites, 0), "site"), slice_text(names[COUNT - 1])));
    for (size_t i = 0; i < json_array_size(sites); i++)
        assert_true(json_get_real(json_array_get(sites, i), "requests_per_s") >= 1);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_what_was_added_by_the_seconds_it_took),
        cmocka_unit_test(sites_that_come_begin_at_nothing_and_those_that_go_are_not_told),
        cmocka_unit_test(totals_that_went_back_count_as_nothing),
        cmocka_unit_test(customers_are_told_their_own_sites_and_no_nodes),
        cmocka_unit_test(of_too_many_sites_the_busiest_are_told_and_the_rest_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
