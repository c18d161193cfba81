// SPDX-License-Identifier: Apache-2.0
#include "admin/customers_test.h"
#include "admin/names.h"
#include "admin/scope.h"
#include "steer/drains.h"

static const struct admin_scope ACME = { .customer = { "acme", 4 } };
static const struct admin_scope GONE = { .customer = { "globex", 6 } };
static const struct admin_scope OPERATOR = { .is_operator = true };
static const struct admin_scope NOTHING;

/* A network, and room for what is narrowed. */
struct place {
    struct network *network;
    struct arena arena;
};

static void place_open(struct place *p)
{
    p->network = customers_load();
    arena_init(&p->arena, 1 << 20);
}

static void place_close(struct place *p)
{
    arena_done(&p->arena);
    network_free(p->network);
}

static void a_customers_network_has_its_own_sites_and_origins_alone(void **)
{
    struct place p;

    place_open(&p);
    const struct network *own = admin_scope_network(&ACME, p.network, &p.arena);

    assert_int_equal(own->site_count, 2);
    assert_int_equal(own->customer_count, 1);
    assert_non_null(admin_site_find(own, SLICE("www.acme.test.cdn.test.")));
    assert_non_null(admin_origin_find(own, SLICE("acme/ams")));
    assert_null(admin_site_find(own, SLICE("static.acm.test")));
    assert_null(admin_origin_find(own, SLICE("acm/ams")));
    // What was probably meant is one of theirs too.
    assert_true(
        slice_equal(admin_site_nearest(own, SLICE("static.acm.test")), SLICE("static.acme.test")));
    assert_true(
        slice_equal(admin_origin_nearest(own, SLICE("acm/amx"))->customer->name, SLICE("acme")));
    place_close(&p);
}

static void an_operators_network_is_whole_and_nobodys_is_empty(void **)
{
    struct place p;

    place_open(&p);
    assert_ptr_equal(admin_scope_network(&OPERATOR, p.network, &p.arena), p.network);
    assert_int_equal(admin_scope_network(&GONE, p.network, &p.arena)->site_count, 0);
    assert_int_equal(admin_scope_network(&GONE, p.network, &p.arena)->customer_count, 0);
    assert_int_equal(admin_scope_network(&NOTHING, p.network, &p.arena)->site_count, 0);
    place_close(&p);
}

static void orders_are_theirs_by_site_and_by_origin(void **)
{
    static const struct {
        enum order_kind kind;
        const char *site, *text;
        bool is_own;
    } CASES[] = {
        { ORDER_PURGE_SITE, "static.acme.test", "", true },
        { ORDER_PURGE_URL, "static.acm.test", "/", false },
        { ORDER_PURGE_TAG, "gone.test", "x", false },
        { ORDER_DRAIN_ORIGIN, "", "acme/ams", true },
        { ORDER_UNDRAIN_ORIGIN, "", "acme/gone", true },
        { ORDER_DRAIN_ORIGIN, "", "acm/ams", false },
        { ORDER_DRAIN_ORIGIN, "", "acme2/ams", false },
        { ORDER_DRAIN_POP, "", "fra", false },
        { ORDER_UNDRAIN_NODE, "", "fra1", false },
        { ORDER_DRAIN_POP, "", "acme/ams", false },
    };
    struct place p;

    place_open(&p);
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct order order = { .kind = CASES[i].kind,
            .site = slice_text(CASES[i].site),
            .text = slice_text(CASES[i].text) };

        assert_int_equal(admin_scope_has_order(&ACME, p.network, &order), CASES[i].is_own);
        assert_true(admin_scope_has_order(&OPERATOR, p.network, &order));
        assert_false(admin_scope_has_order(&NOTHING, p.network, &order));
    }
    place_close(&p);
}

static const struct drain DRAINS[] = {
    { .kind = DRAIN_POP, .name = { "fra", 3 }, .by = { "root", 4 } },
    { .kind = DRAIN_ORIGIN, .name = { "acm/ams", 7 }, .by = { "acm/deploy", 10 } },
    { .kind = DRAIN_ORIGIN, .name = { "acme/ams", 8 }, .by = { "root", 4 } },
    { .kind = DRAIN_ORIGIN, .name = { "acme/nyc", 8 }, .by = { "acme/deploy", 11 } },
};

static void who_ordered_is_told_but_for_the_names_of_operators(void **)
{
    static const struct order BY_ROOT = {
        .kind = ORDER_PURGE_SITE, .site = { "www.acme.test", 13 }, .by = { "root", 4 }
    };
    static const struct admin_order GIVEN[] = { { .number = 7, .order = &BY_ROOT } };
    struct place p;

    place_open(&p);
    struct admin_orders orders = { .network = p.network,
        .orders = GIVEN,
        .order_count = 1,
        .drains = DRAINS,
        .drain_count = COUNT_OF(DRAINS) };

    admin_scope_orders(&ACME, &p.arena, &orders);
    assert_int_equal(orders.orders[0].number, 7);
    assert_true(slice_equal(orders.orders[0].order->by, SLICE("operator")));
    assert_int_equal(orders.drain_count, 2);
    assert_true(slice_equal(orders.drains[0].name, SLICE("acme/ams")));
    assert_true(slice_equal(orders.drains[0].by, SLICE("operator")));
    assert_true(slice_equal(orders.drains[1].by, SLICE("acme/deploy")));
    assert_int_equal(orders.network->site_count, 2);
    orders = (struct admin_orders){ .network = p.network, .drains = DRAINS, .drain_count = 4 };
    admin_scope_orders(&OPERATOR, &p.arena, &orders);
    assert_int_equal(orders.drain_count, 4);
    assert_true(slice_equal(orders.drains[0].by, SLICE("root")));
    place_close(&p);
}

static const struct origin *origin_of(const struct place *p, const char *customer)
{
    return &network_customer(p->network, slice_text(customer))->origins[0];
}

/* All that a status may have of either customer and of us. */
static void fill(const struct place *p, struct admin_status *status)
{
    static struct check checks[3];
    static struct admin_check_status check_list[3];
    static struct admin_origin_status origins[2];
    static const struct admin_certificate_status CERTIFICATES[] = {
        { .name = { "static.acme.test", 16 }, .file = { "/etc/acme.pem", 13 } },
        { .name = { "static.acm.test", 15 }, .file = { "/etc/acm.pem", 12 } },
        { .name = { "admin", 5 }, .file = { "/etc/admin.pem", 14 } },
    };
    static const struct slice BARE[] = { { "static.acm.test", 15 }, { "static.acme.test", 16 } };
    static const struct admin_node_status NODES[1];
    static const struct admin_peer_status PEERS[1];

    checks[0] = (struct check){ .node = &p->network->pops[0].nodes[0] };
    checks[1] = (struct check){ .origin = origin_of(p, "acm") };
    checks[2] = (struct check){ .origin = origin_of(p, "acme") };
    for (size_t i = 0; i < 3; i++)
        check_list[i].check = &checks[i];
    origins[0].origin = origin_of(p, "acm");
    origins[1].origin = origin_of(p, "acme");
    *status = (struct admin_status){ .network = p->network,
        .nodes = NODES,
        .node_count = 1,
        .peers = PEERS,
        .peer_count = 1,
        .origins = origins,
        .origin_count = 2,
        .certificates = CERTIFICATES,
        .certificate_count = 3,
        .bare_sites = BARE,
        .bare_count = 2,
        .checks = check_list,
        .check_count = 3,
        .drains = DRAINS,
        .drain_count = COUNT_OF(DRAINS) };
}

static void a_customers_status_has_what_is_theirs_and_nothing_of_the_nodes(void **)
{
    struct admin_status status;
    struct place p;

    place_open(&p);
    fill(&p, &status);
    admin_scope_status(&ACME, &p.arena, &status);
    assert_true(slice_equal(status.customer, SLICE("acme")));
    assert_int_equal(status.network->site_count, 2);
    assert_int_equal(status.node_count + status.peer_count, 0);
    assert_int_equal(status.origin_count, 1);
    assert_ptr_equal(status.origins[0].origin, origin_of(&p, "acme"));
    assert_int_equal(status.certificate_count, 1);
    assert_true(slice_equal(status.certificates[0].name, SLICE("static.acme.test")));
    assert_int_equal(status.certificates[0].file.length, 0);
    assert_int_equal(status.bare_count, 1);
    assert_true(slice_equal(status.bare_sites[0], SLICE("static.acme.test")));
    assert_int_equal(status.check_count, 1);
    assert_ptr_equal(status.checks[0].check->origin, origin_of(&p, "acme"));
    assert_int_equal(status.drain_count, 2);
    place_close(&p);
}

static void an_operators_status_stays_as_it_is_and_nobodys_is_empty(void **)
{
    struct admin_status status;
    struct place p;

    place_open(&p);
    fill(&p, &status);
    admin_scope_status(&OPERATOR, &p.arena, &status);
    assert_int_equal(status.node_count + status.peer_count, 2);
    assert_int_equal(status.check_count + status.certificate_count, 6);
    assert_int_equal(status.customer.length, 0);
    admin_scope_status(&NOTHING, &p.arena, &status);
    assert_int_equal(status.node_count + status.peer_count + status.origin_count, 0);
    assert_int_equal(status.check_count + status.certificate_count + status.bare_count, 0);
    assert_int_equal(status.drain_count + status.network->site_count, 0);
    place_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_customers_network_has_its_own_sites_and_origins_alone),
        cmocka_unit_test(an_operators_network_is_whole_and_nobodys_is_empty),
        cmocka_unit_test(orders_are_theirs_by_site_and_by_origin),
        cmocka_unit_test(who_ordered_is_told_but_for_the_names_of_operators),
        cmocka_unit_test(a_customers_status_has_what_is_theirs_and_nothing_of_the_nodes),
        cmocka_unit_test(an_operators_status_stays_as_it_is_and_nobodys_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
