// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "conf/load.h"
#include "delivery/routes.h"

static const char NETWORK[] =
    "network: example\n"
    "zone: cdn.example.net\n"
    "nameservers: [ns1.cdn.example.net]\n"
    "contact: hostmaster@example.net\n"
    "pops:\n"
    "  fra:\n"
    "    nodes:\n"
    "      fra1: {address: [192.0.2.10]}\n"
    "customers:\n"
    "  acme:\n"
    "    origins:\n"
    "      ams: {address: \"198.51.100.7:80\"}\n"
    "      nyc: {address: \"203.0.113.9:8080\", host: backend.acme.example}\n"
    "      lon: {address: \"198.51.100.8:80\"}\n"
    "    sites:\n"
    "      static.acme.example:\n"
    "        deliver: [ams, nyc]\n"
    "        fill: ordered\n"
    "      pinned.acme.example:\n"
    "        deliver: [ams, nyc]\n"
    "        fill: pinned\n"
    "        pinned: nyc\n"
    "      spared.acme.example:\n"
    "        deliver: [lon, nyc]\n"
    "        fill: pinned\n"
    "        pinned: nyc\n"
    "        reserve: [ams]\n"
    "      spare.acme.example:\n"
    "        deliver: [nyc]\n"
    "        reserve: [ams]\n"
    "        weights: {nyc: 3}\n"
    "      shop.acme.example:\n"
    "        deliver: [ams]\n"
    "        paths:\n"
    "          /cart/*: {cache: no}\n"
    "          \"*.png\": {ttl: 1d}\n"
    "          /a*b*c: {ttl: 1h}\n";

struct world {
    struct network *network;
    struct checks *checks;
    struct geo *geo;
    struct steer_rows *rows;
    struct routes *routes;
};

static int set_up(void **state)
{
    static struct world w;
    struct conf_errors errors;

    conf_errors_init(&errors);
    w.network = conf_load_text("test", slice_text(NETWORK), &errors);
    conf_errors_print(&errors, stderr);
    conf_errors_done(&errors);
    if (w.network == NULL)
        return -1;
    w.checks = checks_new(w.network);
    w.geo = geo_none();
    w.rows = steer_rows_new(w.network, &w.network->pops[0].nodes[0], w.checks, w.geo);
    if (routes_new(w.rows, NULL, &w.routes, NULL) != ERR_NONE)
        return -1;
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    routes_free(w->routes);
    steer_rows_free(w->rows);
    geo_free(w->geo);
    checks_free(w->checks);
    network_free(w->network);
    return 0;
}

static const struct route *find(void **state, const char *host)
{
    return routes_find(((struct world *)*state)->routes, slice_text(host));
}

static void a_site_is_found_by_its_host_whatever_the_case_and_the_last_dot(void **state)
{
    const struct route *route = find(state, "static.acme.example");

    assert_non_null(route);
    assert_ptr_equal(find(state, "STATIC.Acme.Example"), route);
    assert_ptr_equal(find(state, "static.acme.example."), route);
}

static void a_site_is_found_by_its_name_in_the_networks_zone(void **state)
{
    assert_ptr_equal(
        find(state, "static.acme.example.cdn.example.net"), find(state, "static.acme.example"));
}

static void strangers_are_not_found(void **state)
{
    char longest[300];

    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_null(find(state, "acme.example"));
    assert_null(find(state, "cdn.example.net"));
    assert_null(find(state, ""));
    assert_null(find(state, "."));
    assert_null(find(state, longest));
}

static void ordered_origins_are_asked_as_listed_with_their_own_host_name(void **state)
{
    const struct route *route = find(state, "static.acme.example");

    assert_int_equal(route->origin_count, 2);
    assert_int_equal(route->origins[1].fetch.address.port, 8080);
    assert_true(slice_equal(route->origins[0].fetch.host, SLICE("static.acme.example")));
    assert_true(slice_equal(route->origins[1].fetch.host, SLICE("backend.acme.example")));
}

static void a_pinned_site_asks_its_one_origin(void **state)
{
    const struct route *route = find(state, "pinned.acme.example");

    assert_int_equal(route->origin_count, 1);
    assert_int_equal(route->origins[0].fetch.address.port, 8080);
}

static void a_pinned_site_asks_its_reserves_too(void **state)
{
    const struct route *route = find(state, "spared.acme.example");

    assert_int_equal(route->origin_count, 2);
    assert_int_equal(route->origins[0].fetch.address.port, 8080);
    assert_true(route->origins[1].is_reserve);
}

static void origins_have_their_names_hash_and_weight_and_reserves_are_told_apart(void **state)
{
    const struct route *route = find(state, "spare.acme.example");
    const struct route *other = find(state, "static.acme.example");

    assert_int_equal(route->origin_count, 2);
    assert_int_equal(route->origins[0].weight, 3);
    assert_false(route->origins[0].is_reserve);
    assert_true(route->origins[1].is_reserve);
    assert_int_equal(route->origins[0].hash, other->origins[1].hash);
    assert_int_not_equal(route->origins[0].hash, route->origins[1].hash);
}

static void each_origin_knows_the_check_whose_health_counts(void **state)
{
    const struct world *w = *state;
    const struct route *route = find(state, "spared.acme.example");

    for (size_t i = 0; i < route->origin_count; i++)
        assert_true(endpoint_equal(&w->checks->list[route->origins[i].check].origin->address,
            &route->origins[i].fetch.address));
    assert_ptr_equal(route->rows, w->rows);
}

static bool may_cache(void **state, const char *path)
{
    return route_rules(find(state, "shop.acme.example"), slice_text(path))->may_cache;
}

static int64_t ttl_s(void **state, const char *path)
{
    return route_rules(find(state, "shop.acme.example"), slice_text(path))->ttl.ns / 1000000000;
}

static void the_first_pattern_that_matches_holds(void **state)
{
    assert_false(may_cache(state, "/cart/"));
    assert_false(may_cache(state, "/cart/a.png"));
    assert_true(may_cache(state, "/cart"));
    assert_true(may_cache(state, "/index.html"));
    assert_int_equal(ttl_s(state, "/img/a.png"), 86400);
    assert_int_equal(ttl_s(state, "/img/a.jpg"), 0);
}

static void a_star_stands_for_any_bytes_also_none(void **state)
{
    assert_int_equal(ttl_s(state, "/abc"), 3600);
    assert_int_equal(ttl_s(state, "/a-b-b-c-c"), 3600);
    assert_int_equal(ttl_s(state, "/a-c-b"), 0);
}

static void the_query_is_no_part_of_the_path(void **state)
{
    assert_int_equal(ttl_s(state, "/img/a.png?v=1"), 86400);
    assert_int_equal(ttl_s(state, "/img/a.jpg?x.png"), 0);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_site_is_found_by_its_host_whatever_the_case_and_the_last_dot),
        cmocka_unit_test(a_site_is_found_by_its_name_in_the_networks_zone),
        cmocka_unit_test(strangers_are_not_found),
        cmocka_unit_test(ordered_origins_are_asked_as_listed_with_their_own_host_name),
        cmocka_unit_test(a_pinned_site_asks_its_one_origin),
        cmocka_unit_test(a_pinned_site_asks_its_reserves_too),
        cmocka_unit_test(origins_have_their_names_hash_and_weight_and_reserves_are_told_apart),
        cmocka_unit_test(each_origin_knows_the_check_whose_health_counts),
        cmocka_unit_test(the_first_pattern_that_matches_holds),
        cmocka_unit_test(a_star_stands_for_any_bytes_also_none),
        cmocka_unit_test(the_query_is_no_part_of_the_path),
    };

    return cmocka_run_group_tests_name("delivery/routes", cases, set_up, tear_down);
}
