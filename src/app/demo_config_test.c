// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "app/demo_config.h"
#include "conf/load.h"

static struct network *load(struct slice state, struct slice bus_password)
{
    const struct demo_config config = { DEMO_PORTS_DEFAULT, state, bus_password };
    struct text text;
    struct conf_errors errors;

    text_init(&text, 1 << 20);
    conf_errors_init(&errors);
    demo_config_write(&text, &config);
    struct network *network = conf_load_text("demo.yaml", text_slice(&text), &errors);

    conf_errors_print(&errors, stderr);
    assert_int_equal(errors.count, 0);
    assert_non_null(network);
    conf_errors_done(&errors);
    text_done(&text);
    return network;
}

static void its_network_is_the_world_of_the_tables(void **)
{
    struct network *network = load(SLICE("/tmp/demo"), SLICE_NONE);

    assert_int_equal(network->pop_count, DEMO_POP_COUNT);
    assert_int_equal(network->customer_count, DEMO_CUSTOMER_COUNT);
    for (size_t i = 0; i < DEMO_POP_COUNT; i++) {
        const struct node *node = network_node(network, slice_text(demo_pops[i].node));

        assert_non_null(node);
        assert_true(ip_equal(&node->addresses[0], &demo_pops[i].address));
        assert_int_equal(node->ports.dns, 5300);
        assert_int_equal(node->ports.http, 8080);
        assert_int_equal(node->ports.https, 8443);
        assert_int_equal(node->ports.admin, 8653);
        assert_true(node->pop->location.is_set);
    }
    assert_true(slice_equal(network->tls.standard.cert, SLICE("/tmp/demo/https.pem")));
    assert_true(slice_equal(network->tls.standard.key, SLICE("/tmp/demo/https.key")));
    network_free(network);
}

static void both_kinds_of_site_and_a_weighted_one_are_served(void **)
{
    struct network *network = load(SLICE("/tmp/demo"), SLICE_NONE);
    const struct site *www = network_site(network, SLICE("www.acme.example"));
    const struct site *assets = network_site(network, SLICE("static.acme.example"));
    const struct site *shop = network_site(network, SLICE("shop.acme.example"));
    const struct site *other = network_site(network, SLICE("www.globex.example"));

    assert_int_equal(www->kind, SITE_STEER);
    assert_int_equal(www->origin_count, 2);
    assert_int_equal(www->origins[1]->address.port, 8081);
    assert_int_equal(www->policy, POLICY_BALANCED);
    assert_int_equal(www->ttl.ns, span_s(5).ns);
    assert_int_equal(www->probe.kind, SITE_PROBE_HTTP);
    assert_true(slice_equal(www->probe.path, SLICE("/health")));
    assert_int_equal(assets->kind, SITE_DELIVER);
    assert_true(assets->missing_next);
    assert_false(shop->paths[0].may_cache);
    assert_int_equal(other->policy, POLICY_WEIGHTED);
    assert_int_equal(other->weights[0], 3);
    assert_non_null(network_site(network, SLICE("static.globex.example"))->pinned);
    network_free(network);
}

static void any_folder_may_hold_the_state(void **)
{
    struct network *network = load(SLICE("/tmp/a \"b\" \\c: #d"), SLICE_NONE);

    assert_true(slice_equal(network->state, SLICE("/tmp/a \"b\" \\c: #d")));
    assert_true(slice_equal(network->geo, SLICE("/tmp/a \"b\" \\c: #d/visitors.mmdb")));
    network_free(network);
}

static void its_nodes_are_one_process_or_sign_in_at_a_server(void **)
{
    const struct endpoint server = { demo_bus, 4223 };
    struct network *here = load(SLICE("/tmp/demo"), SLICE_NONE);
    struct network *apart = load(SLICE("/tmp/demo"), SLICE("12e4"));

    assert_int_equal(here->bus.server_count, 0);
    assert_int_equal(apart->bus.server_count, 1);
    assert_true(endpoint_equal(&apart->bus.servers[0], &server));
    assert_true(slice_equal(apart->bus.user, SLICE("waypost")));
    assert_true(slice_equal(apart->bus.password, SLICE("12e4")));
    network_free(here);
    network_free(apart);
}

static void the_server_listens_where_nodes_look_for_it_and_knows_them(void **)
{
    const struct demo_config config = { DEMO_PORTS_DEFAULT, SLICE("/tmp/a \"b\""), SLICE("12e4") };
    struct text text;

    text_init(&text, 1 << 20);
    demo_config_write_nats(&text, &config);
    assert_non_null(strstr(text.at, "\nlisten: \"127.0.0.10:4223\"\n"));
    assert_non_null(strstr(text.at, "authorization: {user: waypost, password: \"12e4\"}\n"));
    assert_non_null(strstr(text.at, "store_dir: \"/tmp/a \\\"b\\\"/nats\"\n"));
    text_done(&text);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(its_network_is_the_world_of_the_tables),
        cmocka_unit_test(both_kinds_of_site_and_a_weighted_one_are_served),
        cmocka_unit_test(any_folder_may_hold_the_state),
        cmocka_unit_test(its_nodes_are_one_process_or_sign_in_at_a_server),
        cmocka_unit_test(the_server_listens_where_nodes_look_for_it_and_knows_them),
    };

    return cmocka_run_group_tests_name("app/demo_config", cases, NULL, NULL);
}
