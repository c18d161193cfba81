// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "admin/json.h"
#include "admin/network.h"
#include "admin/scope.h"

static const struct ip HOME = { IP_V4, { 192, 0, 2, 10 } };
static const struct customer customers[2];
static const struct origin acme_origins[] = {
    { .name = { "ams", 3 }, .customer = &customers[0], .location = { 52.37, 4.9, true } },
    { .name = { "nyc", 3 }, .customer = &customers[0], .capacity_requests_per_s = 500 },
};
static const struct origin other_origin = { .name = { "home", 4 }, .customer = &customers[1] };
static const struct origin *const acme_listed[] = { &acme_origins[0], &acme_origins[1] };
static const struct site acme_sites[] = {
    { .host = { "www.acme.test", 13 },
        .customer = &customers[0],
        .kind = SITE_STEER,
        .policy = POLICY_STRICT,
        .origins = acme_listed,
        .origin_count = 2 },
    { .host = { "static.acme.test", 16 },
        .customer = &customers[0],
        .kind = SITE_DELIVER,
        .fill = FILL_HASH,
        .origins = acme_listed,
        .origin_count = 1 },
};
static const struct customer customers[] = {
    { .name = { "acme", 4 },
        .origins = acme_origins,
        .origin_count = 2,
        .sites = acme_sites,
        .site_count = 2 },
    { .name = { "other", 5 }, .origins = &other_origin, .origin_count = 1 },
};
static const struct node fra_nodes[] = {
    { .name = { "fra1", 4 }, .addresses = &HOME, .address_count = 1, .capacity_bits_per_s = 1000 },
    { .name = { "fra2", 4 }, .addresses = &HOME, .address_count = 1, .capacity_bits_per_s = 500 },
};
static const struct node nyc_node = { .name = { "nyc1", 4 } };
static const struct pop pops[] = {
    { .name = { "fra", 3 },
        .place = { "Frankfurt, DE", 13 },
        .location = { 50.11, 8.68, true },
        .nodes = fra_nodes,
        .node_count = 2 },
    { .name = { "nyc", 3 }, .nodes = &nyc_node, .node_count = 1 },
};
static const struct network network = { .name = { "example", 7 },
    .zone = { "cdn.test", 8 },
    .pops = pops,
    .pop_count = 2,
    .customers = customers,
    .customer_count = 2,
    .hash = 0xabc,
    .serial = 9 };
static const struct admin_scope OPERATOR = { .is_operator = true };

struct world {
    struct admin_seen nodes[3], origins[3];
};

static struct world world_unknown(void)
{
    struct world w;

    for (size_t i = 0; i < 3; i++)
        w.nodes[i] = w.origins[i] = ADMIN_SEEN_NOTHING;
    return w;
}

/* What is told, to be given back. */
static json_t *told(const struct world *w, const struct admin_scope *scope)
{
    const struct admin_network all = {
        .network = &network, .nodes = w->nodes, .origins = w->origins
    };
    struct text out;

    text_init(&out, 1 << 20);
    admin_network_write(&all, scope, &out);
    json_t *json = json_read(text_slice(&out));

    assert_non_null(json);
    text_done(&out);
    return json;
}

static const json_t *at(const json_t *object, const char *list, size_t index)
{
    return json_array_get(json_object_get(object, list), index);
}

static bool is(const json_t *object, const char *key, const char *text)
{
    return slice_equal(json_get_text(object, key), slice_text(text));
}

static void all_of_the_network_is_told_by_name(void **)
{
    struct world w = world_unknown();
    json_t *json = told(&w, &OPERATOR);
    const json_t *pop = at(json, "pops", 0), *acme = at(json, "customers", 0);

    assert_true(is(json, "network", "example") && is(json, "zone", "cdn.test"));
    assert_int_equal(json_get_number(json_object_get(json, "release"), "serial"), 9);
    assert_true(is(pop, "pop", "fra") && is(pop, "place", "Frankfurt, DE"));
    assert_true(json_number_value(at(pop, "location", 0)) == 50.11);
    assert_true(json_number_value(at(pop, "location", 1)) == 8.68);
    assert_int_equal(json_get_number(pop, "capacity_bits_per_s"), 1500);
    assert_true(is(at(pop, "nodes", 1), "node", "fra2"));
    assert_string_equal(json_string_value(at(at(pop, "nodes", 0), "addresses", 0)), "192.0.2.10");
    assert_true(json_is_null(json_object_get(at(json, "pops", 1), "location")));
    assert_true(is(acme, "customer", "acme"));
    assert_true(is(at(acme, "origins", 0), "origin", "ams"));
    assert_true(is(at(json, "customers", 1), "customer", "other"));
    json_decref(json);
}

static void targets_are_origins_of_a_page_and_pops_of_what_is_delivered(void **)
{
    struct world w = world_unknown();
    json_t *json = told(&w, &OPERATOR);
    const json_t *acme = at(json, "customers", 0);
    const json_t *www = at(acme, "sites", 0), *files = at(acme, "sites", 1);

    assert_true(is(www, "name", "www.acme.test.cdn.test"));
    assert_true(is(www, "kind", "steer") && is(www, "policy", "strict"));
    assert_string_equal(json_string_value(at(www, "targets", 1)), "nyc");
    assert_true(is(files, "kind", "deliver") && is(files, "policy", "hash"));
    assert_string_equal(json_string_value(at(files, "targets", 0)), "fra");
    assert_int_equal(json_array_size(json_object_get(files, "targets")), 2);
    assert_int_equal(json_array_size(json_object_get(files, "origins")), 1);
    json_decref(json);
}

static void what_is_not_known_is_left_out(void **)
{
    struct world w = world_unknown();

    w.origins[0] = (struct admin_seen){ ADMIN_UP, 11.5, -1, 0.5, -1, -1, 0 };
    json_t *json = told(&w, &OPERATOR);
    const json_t *ams = at(at(json, "customers", 0), "origins", 0);
    const json_t *nyc = at(at(json, "customers", 0), "origins", 1);

    assert_true(is(ams, "state", "up"));
    assert_true(json_get_real(ams, "latency_ms") == 11.5 && json_get_real(ams, "load") == 0.5);
    assert_true(json_is_number(json_object_get(ams, "requests_per_s")));
    assert_null(json_object_get(ams, "response_ms"));
    assert_true(is(nyc, "state", "unknown"));
    assert_null(json_object_get(nyc, "latency_ms"));
    assert_true(json_get_real(nyc, "capacity_requests_per_s") == 500);
    json_decref(json);
}

/* The state of the pop with two nodes. */
static const char *pop_state(enum admin_state first, enum admin_state second, char text[16])
{
    struct world w = world_unknown();

    w.nodes[0].state = first;
    w.nodes[1].state = second;
    json_t *json = told(&w, &OPERATOR);

    snprintf(text, 16, "%.*s", SLICE_ARG(json_get_text(at(json, "pops", 0), "state")));
    json_decref(json);
    return text;
}

static void a_pop_is_as_well_as_the_best_of_its_nodes(void **)
{
    char text[16];

    assert_string_equal(pop_state(ADMIN_DOWN, ADMIN_UP, text), "up");
    assert_string_equal(pop_state(ADMIN_DRAINED, ADMIN_UP, text), "up");
    assert_string_equal(pop_state(ADMIN_DOWN, ADMIN_DOWN, text), "down");
    assert_string_equal(pop_state(ADMIN_DOWN, ADMIN_DRAINED, text), "down");
    assert_string_equal(pop_state(ADMIN_DRAINED, ADMIN_DRAINED, text), "drained");
    assert_string_equal(pop_state(ADMIN_DOWN, ADMIN_UNKNOWN, text), "unknown");
    assert_string_equal(pop_state(ADMIN_UNKNOWN, ADMIN_DRAINED, text), "unknown");
}

static void a_pop_is_as_loaded_as_its_fullest_node_and_as_near_as_its_nearest(void **)
{
    struct world w = world_unknown();

    w.nodes[0] = (struct admin_seen){ ADMIN_UP, 30, 5, 0.25, -1, -1, 10 };
    w.nodes[1] = (struct admin_seen){ ADMIN_UP, 20, 5, 0.75, -1, -1, 5 };
    json_t *json = told(&w, &OPERATOR);
    const json_t *pop = at(json, "pops", 0);

    assert_true(json_get_real(pop, "latency_ms") == 20 && json_get_real(pop, "load") == 0.75);
    assert_true(json_get_real(pop, "requests_per_s") == 15);
    assert_null(json_object_get(at(json, "pops", 1), "requests_per_s"));
    json_decref(json);
}

static void customers_are_told_their_own_and_where_pops_are(void **)
{
    const struct admin_scope scope = { .customer = { "other", 5 } };
    struct world w = world_unknown();

    w.origins[2].latency_ms = 7;
    w.nodes[0] = (struct admin_seen){ ADMIN_UP, 30, 5, 0.25, 0.5, 0.5, 10 };
    json_t *json = told(&w, &scope);
    const json_t *pop = at(json, "pops", 0), *node = at(pop, "nodes", 0);
    static const char *const OURS[] = { "load", "cpu", "memory", "requests_per_s",
        "capacity_bits_per_s" };

    assert_int_equal(json_array_size(json_object_get(json, "customers")), 1);
    assert_true(is(at(json, "customers", 0), "customer", "other"));
    assert_true(json_get_real(at(at(json, "customers", 0), "origins", 0), "latency_ms") == 7);
    assert_true(is(node, "state", "up") && json_get_real(node, "latency_ms") == 30);
    for (size_t i = 0; i < COUNT_OF(OURS); i++) {
        assert_null(json_object_get(node, OURS[i]));
        assert_null(json_object_get(pop, OURS[i]));
    }
    json_decref(json);
}

static void of_several_checks_down_outweighs_up_and_unknown_is_the_least(void **)
{
    assert_int_equal(admin_state_join(ADMIN_UP, ADMIN_DOWN), ADMIN_DOWN);
    assert_int_equal(admin_state_join(ADMIN_DOWN, ADMIN_UP), ADMIN_DOWN);
    assert_int_equal(admin_state_join(ADMIN_UNKNOWN, ADMIN_UP), ADMIN_UP);
    assert_int_equal(admin_state_join(ADMIN_UP, ADMIN_UNKNOWN), ADMIN_UP);
    assert_int_equal(admin_state_join(ADMIN_DRAINED, ADMIN_DOWN), ADMIN_DRAINED);
}

static void facts_are_told_in_milliseconds_and_shares(void **)
{
    struct fact facts[REPORT_KIND_COUNT] = { 0 };
    struct admin_seen seen = ADMIN_SEEN_NOTHING;

    facts[REPORT_LATENCY] = (struct fact){ .value = 99999, .measured = 11500, .sources = 1 };
    facts[REPORT_CPU] = (struct fact){ .measured = 250000, .sources = 1 };
    facts[REPORT_RATE] = (struct fact){ .measured = 1500, .sources = 1 };
    facts[REPORT_MEMORY] = (struct fact){ .measured = 5, .sources = 0 };
    admin_seen_learn(&seen, facts);
    assert_true(seen.latency_ms == 11.5 && seen.cpu == 0.25 && seen.requests_per_s == 1.5);
    assert_true(seen.memory < 0 && seen.load < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_the_network_is_told_by_name),
        cmocka_unit_test(targets_are_origins_of_a_page_and_pops_of_what_is_delivered),
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(a_pop_is_as_well_as_the_best_of_its_nodes),
        cmocka_unit_test(a_pop_is_as_loaded_as_its_fullest_node_and_as_near_as_its_nearest),
        cmocka_unit_test(customers_are_told_their_own_and_where_pops_are),
        cmocka_unit_test(of_several_checks_down_outweighs_up_and_unknown_is_the_least),
        cmocka_unit_test(facts_are_told_in_milliseconds_and_shares),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
