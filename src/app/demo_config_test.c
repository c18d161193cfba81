// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "app/demo_config.h"
#include "conf/load.h"

static const struct demo_ports ports = DEMO_PORTS_DEFAULT;

static struct network *load(struct slice state)
{
    struct text text;
    struct conf_errors errors;

    text_init(&text, 1 << 20);
    conf_errors_init(&errors);
    demo_config_write(&text, &ports, state);
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
    struct network *network = load(SLICE("/tmp/demo"));

    assert_int_equal(network->pop_count, DEMO_POP_COUNT);
    assert_int_equal(network->customer_count, DEMO_CUSTOMER_COUNT);
    for (size_t i = 0; i < DEMO_POP_COUNT; i++) {
        const struct node *node = network_node(network, slice_text(demo_pops[i].node));

        assert_non_null(node);
        assert_true(ip_equal(&node->addresses[0], &demo_pops[i].address));
        assert_int_equal(node->ports.dns, 5300);
        assert_int_equal(node->ports.http, 8080);
        assert_int_equal(node->ports.https, 0);
        assert_int_equal(node->ports.admin, 8653);
        assert_true(node->pop->location.is_set);
    }
    network_free(network);
}

static void both_kinds_of_site_and_a_weighted_one_are_served(void **)
{
    struct network *network = load(SLICE("/tmp/demo"));
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
    struct network *network = load(SLICE("/tmp/a \"b\" \\c: #d"));

    assert_true(slice_equal(network->state, SLICE("/tmp/a \"b\" \\c: #d")));
    assert_true(slice_equal(network->geo, SLICE("/tmp/a \"b\" \\c: #d/visitors.mmdb")));
    network_free(network);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(its_network_is_the_world_of_the_tables),
        cmocka_unit_test(both_kinds_of_site_and_a_weighted_one_are_served),
        cmocka_unit_test(any_folder_may_hold_the_state),
    };

    return cmocka_run_group_tests_name("app/demo_config", cases, NULL, NULL);
}
