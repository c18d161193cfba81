// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"
#include "steer/rows.h"

#define TEXT(literal)                \
    {                                \
        literal, sizeof(literal) - 1 \
    }

/* Frankfurt with two nodes, New York, Singapore, and one that gives no place. */
static const struct ip v4 = { IP_V4, { 192, 0, 2, 1 } };
static const struct ip both[] = { { IP_V4, { 192, 0, 2, 2 } }, { IP_V6, { 0x20, 1 } } };
static struct pop pops[4];
static const struct node nodes[] = {
    { .name = TEXT("fra1"), .pop = &pops[0], .addresses = &v4, .address_count = 1 },
    { .name = TEXT("fra2"), .pop = &pops[0], .addresses = both, .address_count = 2 },
    { .name = TEXT("nyc1"), .pop = &pops[1], .addresses = &v4, .address_count = 1 },
    { .name = TEXT("sin1"), .pop = &pops[2], .addresses = &v4, .address_count = 1 },
    { .name = TEXT("lab1"), .pop = &pops[3], .addresses = &v4, .address_count = 1 },
};
static struct pop pops[4] = {
    { .name = TEXT("fra"),
        .location = { 50.11, 8.68, true },
        .nodes = nodes,
        .node_count = 2,
        .probe.ftp = { { IP_V4, { 192, 0, 2, 1 } }, 21 },
        .probe.every = { 1000000000 } },
    { .name = TEXT("nyc"),
        .location = { 40.71, -74.01, true },
        .nodes = nodes + 2,
        .node_count = 1 },
    { .name = TEXT("sin"),
        .location = { 1.35, 103.82, true },
        .nodes = nodes + 3,
        .node_count = 1 },
    { .name = TEXT("lab"), .nodes = nodes + 4, .node_count = 1, .is_reserve = true },
};
static const struct customer acme = { .name = TEXT("acme") };
static const struct origin origins[] = {
    { .name = TEXT("ams"),
        .customer = &acme,
        .address = { { IP_V4, { 198, 51, 100, 1 } }, 80 },
        .location = { 52.37, 4.9, true } },
    { .name = TEXT("nyc"),
        .customer = &acme,
        .address = { { IP_V6, { 0x20, 2 } }, 80 },
        .location = { 40.71, -74.01, true } },
};
static const struct origin *const listed[] = { &origins[1], &origins[0] };
static const uint32_t weights[] = { 1, 3 };

#define SITE(name, of_kind, of_policy, reserve_at)                                               \
    {                                                                                            \
        .host = TEXT(name), .customer = &acme, .kind = (of_kind), .policy = (of_policy),         \
        .origins = listed, .weights = weights, .origin_count = 2, .first_reserve = (reserve_at), \
        .ttl = { INT64_C(20000000000) }, .weigh = { 1 }, .probe = {                              \
            .every = { INT64_C(1000000000) },                                                    \
            .timeout = { 800000000 },                                                            \
            .rise = 5,                                                                           \
            .fall = 4                                                                            \
        }                                                                                        \
    }

static const struct site all[] = {
    SITE("a.test", SITE_DELIVER, POLICY_BALANCED, 2),
    SITE("b.test", SITE_DELIVER, POLICY_BALANCED, 2),
    SITE("c.test", SITE_STEER, POLICY_BALANCED, 2),
    SITE("d.test", SITE_STEER, POLICY_BALANCED, 2),
    SITE("e.test", SITE_STEER, POLICY_STRICT, 2),
    SITE("f.test", SITE_STEER, POLICY_BALANCED, 1),
};
static const struct site *const sites[] = { &all[0], &all[1], &all[2], &all[3], &all[4], &all[5] };
static const struct network network = { .name = TEXT("example"),
    .zone = TEXT("cdn.test"),
    .pops = pops,
    .pop_count = 4,
    .sites = sites,
    .site_count = 6 };

struct scene {
    struct checks *checks;
    struct geo *geo;
    struct steer_rows *rows;
};

static void scene_init(struct scene *s, const struct node *self)
{
    s->checks = checks_new(&network);
    s->geo = geo_none();
    s->rows = steer_rows_new(&network, self, s->checks, s->geo);
}

static void scene_done(struct scene *s)
{
    steer_rows_free(s->rows);
    geo_free(s->geo);
    checks_free(s->checks);
}

static void order_of_pops_seen_from(size_t node, const char *expected)
{
    struct scene s;
    char text[32] = "";

    scene_init(&s, &nodes[node]);
    const struct steer_row *row = &s.rows->list[0];

    for (size_t i = 0; i < row->count; i++)
        strncat(text, steer_target_name(&row->targets[i]).at, sizeof text - strlen(text) - 1);
    assert_string_equal(text, expected);
    scene_done(&s);
}

static void own_pop_comes_first_then_the_nearest(void **)
{
    order_of_pops_seen_from(0, "franycsinlab");
    order_of_pops_seen_from(2, "nycfrasinlab");
    order_of_pops_seen_from(3, "sinfranyclab");
}

static void without_places_the_order_is_as_listed(void **)
{
    order_of_pops_seen_from(4, "labfranycsin");
}

static void the_nodes_of_a_pop_are_its_members(void **)
{
    struct scene s;

    scene_init(&s, &nodes[2]);
    const struct steer_row *row = &s.rows->list[0];
    const struct steer_target *fra = &row->targets[1];

    assert_int_equal(row->member_count, 5);
    assert_int_equal(fra->first_member, 1);
    assert_int_equal(fra->member_count, 2);
    assert_ptr_equal(row->members[2].node, &nodes[1]);
    assert_int_equal(row->members[1].families, STEER_HAS_V4);
    assert_int_equal(row->members[2].families, STEER_HAS_V4 | STEER_HAS_V6);
    assert_int_equal(row->members[2].check, checks_of_node(s.checks, &nodes[1]));
    assert_int_equal(fra->ftp_check, checks_ftp_of_pop(s.checks, &pops[0]));
    assert_int_not_equal(fra->ftp_check, CHECK_NONE);
    assert_int_equal(row->targets[0].ftp_check, CHECK_NONE);
    assert_true(row->targets[3].is_reserve);
    assert_false(row->is_placed); // the lab is nowhere
    scene_done(&s);
}

static void origins_are_as_listed_with_their_weights_and_reserves(void **)
{
    struct scene s;

    scene_init(&s, &nodes[0]);
    const struct steer_row *row = steer_row_of(s.rows, &all[5]);

    assert_ptr_equal(row, &s.rows->list[5]);
    assert_int_equal(row->count, 2);
    assert_ptr_equal(row->targets[0].origin, &origins[1]);
    assert_int_equal(row->targets[1].weight, 3);
    assert_false(row->targets[0].is_reserve);
    assert_true(row->targets[1].is_reserve);
    assert_int_equal(row->members[0].families, STEER_HAS_V6);
    assert_int_equal(row->members[1].check, checks_of_origin(s.checks, &all[5], 1));
    assert_true(row->is_placed);
    assert_ptr_equal(row->site, &all[5]);
    scene_done(&s);
}

static void a_site_of_another_network_has_no_row(void **)
{
    static const struct site OTHER = SITE("c.test", SITE_STEER, POLICY_BALANCED, 2);
    struct scene s;

    scene_init(&s, &nodes[0]);
    for (size_t i = 0; i < 6; i++)
        assert_ptr_equal(steer_row_of(s.rows, &all[i]), &s.rows->list[i]);
    assert_null(steer_row_of(s.rows, &OTHER));
    scene_done(&s);
}

static void sites_that_are_planned_alike_share_a_class(void **)
{
    struct scene s, again;

    scene_init(&s, &nodes[0]);
    scene_init(&again, &nodes[0]);
    const struct steer_row *list = s.rows->list;

    assert_int_equal(s.rows->class_count, 4);
    assert_int_equal(list[0].class, list[1].class);
    assert_ptr_equal(list[0].members, list[1].members);
    assert_int_equal(list[2].class, list[3].class);
    assert_int_not_equal(list[2].class, list[4].class);
    assert_int_not_equal(list[2].class, list[5].class);
    for (size_t i = 0; i < s.rows->class_count; i++) {
        assert_int_equal(s.rows->classes[i]->class, i);
        assert_true(s.rows->class_hashes[i] == again.rows->class_hashes[i]);
    }
    assert_true(s.rows->id != again.rows->id);
    scene_done(&s);
    scene_done(&again);
}

static void what_a_plan_depends_on_makes_a_class(void **)
{
    struct site other = all[2], slower = all[2];
    const struct site *const differing[] = { &all[2], &other, &slower };
    struct network small = network;
    struct geo *geo = geo_none();

    other.weigh[TERM_CPU] = 1;
    slower.ttl = span_s(60);
    small.sites = differing;
    small.site_count = 3;
    struct checks *checks = checks_new(&small);
    struct steer_rows *rows = steer_rows_new(&small, &nodes[0], checks, geo);

    assert_int_equal(rows->class_count, 3);
    steer_rows_free(rows);
    checks_free(checks);
    geo_free(geo);
}

static void pops_beyond_the_limit_of_nodes_are_no_targets(void **)
{
    struct node *many = mem_array(STEER_TARGETS_MAX, sizeof *many);
    struct pop large[] = { { .name = SLICE("all"), .nodes = many }, pops[1] };
    struct network wide = network;
    struct geo *geo = geo_none();

    for (size_t i = 0; i < STEER_TARGETS_MAX; i++)
        many[i] = (struct node){
            .name = SLICE("n"), .pop = &large[0], .addresses = &v4, .address_count = 1
        };
    large[0].node_count = STEER_TARGETS_MAX;
    wide.pops = large;
    wide.pop_count = 2;
    struct checks *checks = checks_new(&wide);
    struct steer_rows *rows = steer_rows_new(&wide, &many[0], checks, geo);

    assert_int_equal(rows->list[0].count, 1);
    assert_int_equal(rows->list[0].member_count, STEER_TARGETS_MAX);
    steer_rows_free(rows);
    checks_free(checks);
    geo_free(geo);
    mem_free(many);
}

static void targets_at_one_place_share_their_distances(void **)
{
    struct geo_cell cells[] = { { { 0 }, "" }, { { 40.71, -74.01, true }, "US" } };
    struct geo geo = { .cells = cells, .cell_count = 2 };
    struct checks *checks = checks_new(&network);
    struct steer_rows *rows = steer_rows_new(&network, &nodes[0], checks, &geo);
    const uint32_t *trips = rows->list[2].targets[0].round_trips_us;

    assert_ptr_equal(trips, rows->list[0].targets[1].round_trips_us);
    assert_ptr_equal(trips, rows->list[3].targets[0].round_trips_us);
    assert_int_equal(trips[0], 0);
    assert_int_equal(trips[1], (int)(geo_round_trip_ms(0) * 1000));
    assert_true(rows->list[2].targets[1].round_trips_us[1] > trips[1]);
    assert_null(rows->list[0].targets[3].round_trips_us);
    steer_rows_free(rows);
    checks_free(checks);
}

static void health_has_a_bit_for_each_reason(void **)
{
    struct scene s;

    scene_init(&s, &nodes[0]);
    assert_int_equal(steer_health(s.rows, 1), 0);
    assert_int_equal(steer_health(s.rows, CHECK_NONE), 0);
    steer_health_set(s.rows, 1, STEER_DOWN, true);
    steer_health_set(s.rows, 1, STEER_DRAINED, true);
    steer_health_set(s.rows, 1, STEER_DOWN, false);
    assert_int_equal(steer_health(s.rows, 1), STEER_DRAINED);
    assert_int_equal(steer_health(s.rows, 0), 0);
    scene_done(&s);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(own_pop_comes_first_then_the_nearest),
        cmocka_unit_test(without_places_the_order_is_as_listed),
        cmocka_unit_test(the_nodes_of_a_pop_are_its_members),
        cmocka_unit_test(origins_are_as_listed_with_their_weights_and_reserves),
        cmocka_unit_test(a_site_of_another_network_has_no_row),
        cmocka_unit_test(sites_that_are_planned_alike_share_a_class),
        cmocka_unit_test(what_a_plan_depends_on_makes_a_class),
        cmocka_unit_test(pops_beyond_the_limit_of_nodes_are_no_targets),
        cmocka_unit_test(targets_at_one_place_share_their_distances),
        cmocka_unit_test(health_has_a_bit_for_each_reason),
    };

    return cmocka_run_group_tests_name("steer/rows", cases, NULL, NULL);
}
