// SPDX-License-Identifier: Apache-2.0
#include "steer/plan_world_test.h"

enum { ROUNDS = 400 };

static void expect_choices(const struct plan_world *w, uint32_t cell, const char *expected)
{
    const struct steer_cell *c = plan_cell(w, cell);
    char text[STEER_CHOICES_MAX + 2] = "";
    size_t used = 0;

    for (size_t i = 0; i < c->count; i++) {
        if (i == c->band)
            text[used++] = '|';
        text[used++] = (char)('0' + c->targets[i]);
    }
    assert_string_equal(text, expected);
}

static void with_nothing_known_all_are_alike(void **)
{
    struct plan_world w;

    plan_world_init(&w, POLICY_BALANCED, 3);
    w.row.is_placed = false;
    plan_next(&w);
    assert_int_equal(plan_cell(&w, 0)->band, 3);
    plan_world_done(&w);
}

static void each_cell_has_its_nearest_first(void **)
{
    struct plan_world w;

    plan_world_init(&w, POLICY_BALANCED, 3);
    w.row.is_placed = true;
    plan_next(&w);
    assert_false(w.map->class_is_narrow[0]);
    expect_choices(&w, 1, "0|12");
    expect_choices(&w, 2, "2|10");
    plan_world_done(&w);
}

static void clients_of_each_place_go_where_it_is_near(void **)
{
    struct plan_world w;

    plan_world_init(&w, POLICY_BALANCED, 2);
    w.row.is_placed = true;
    w.targets[1].weight = 0; // of no matter where nothing is drawn
    plan_next(&w);
    for (unsigned i = 0; i < 256; i++) {
        assert_int_equal(plan_pick(&w, 256 + i).target, 0);
        assert_int_equal(plan_pick(&w, 512 + i).target, 1);
    }
    assert_in_range(plan_pick(&w, 256).scope_bits, 15, 16); // the others differ in these bits
    plan_world_done(&w);
}

static void without_all_places_it_is_what_was_measured(void **)
{
    struct plan_world w;

    plan_world_init(&w, POLICY_BALANCED, 3);
    for (size_t i = 0; i < 3; i++)
        plan_fact(&w, i, REPORT_LATENCY, 50000 - 20000 * (int64_t)i);
    plan_next(&w);
    assert_true(w.map->class_is_narrow[0]);
    expect_choices(&w, 2, "2|10");
    w.row.is_placed = true; // clients of no place are still measured from here
    plan_next(&w);
    expect_choices(&w, 0, "2|10");
    expect_choices(&w, 1, "0|12");
    plan_world_done(&w);
}

static void a_deliver_site_looks_at_what_its_own_node_measured(void **)
{
    struct plan_world w;

    plan_world_init(&w, POLICY_BALANCED, 2);
    plan_fact(&w, 0, REPORT_LATENCY, 10000);
    plan_fact(&w, 1, REPORT_LATENCY, 50000);
    w.facts[0].own[REPORT_LATENCY] = (struct fact){ .value = 70000, .sources = 1 };
    w.facts[1].own[REPORT_LATENCY] = (struct fact){ .value = 20000, .sources = 1 };
    plan_next(&w);
    expect_choices(&w, 0, "0|1");
    w.site.kind = SITE_DELIVER;
    plan_next(&w);
    expect_choices(&w, 0, "1|0");
    plan_fact(&w, 1, REPORT_EXCESS, 90000); // the rest is for all observers to say
    plan_next(&w);
    expect_choices(&w, 0, "0|1");
    plan_world_done(&w);
}

static void what_nobody_measured_does_not_win_by_that(void **)
{
    struct plan_world w;

    plan_world_init(&w, POLICY_BALANCED, 3);
    plan_fact(&w, 0, REPORT_LATENCY, 90000);
    plan_fact(&w, 2, REPORT_LATENCY, 20000);
    plan_next(&w);
    expect_choices(&w, 0, "2|01");
    plan_world_done(&w);
}

static void near_equals_are_drawn_from_and_leave_only_at_twice_the_margin(void **)
{
    struct plan_world w;

    plan_world_init(&w, POLICY_BALANCED, 2);
    plan_fact(&w, 0, REPORT_LATENCY, 20000);
    plan_fact(&w, 1, REPORT_LATENCY, 24000);
    w.site.weigh[TERM_CPU] = 1;
    plan_fact(&w, 0, REPORT_CPU, 1000); // a little load on the nearer: else it dominates
    plan_fact(&w, 1, REPORT_CPU, 0);
    plan_next(&w);
    expect_choices(&w, 0, "0|1");
    plan_fact(&w, 1, REPORT_LATENCY, 22900);
    plan_next(&w);
    expect_choices(&w, 0, "01");
    plan_fact(&w, 1, REPORT_LATENCY, 25900);
    plan_next(&w);
    expect_choices(&w, 0, "01");
    plan_fact(&w, 1, REPORT_LATENCY, 27900);
    w.facts[1].all[REPORT_LATENCY].spread = 2000; // it may be no more than that
    plan_next(&w);
    expect_choices(&w, 0, "01");
    plan_fact(&w, 1, REPORT_LATENCY, 26200);
    plan_next(&w);
    expect_choices(&w, 0, "0|1");
    plan_fact(&w, 1, REPORT_LATENCY, 25900);
    plan_next(&w);
    expect_choices(&w, 0, "0|1");
    plan_world_done(&w);
}

static void lower_in_latency_and_load_than_all_others_wins_alone(void **)
{
    struct plan_world w;

    plan_world_init(&w, POLICY_BALANCED, 3);
    for (size_t i = 0; i < 3; i++) {
        plan_fact(&w, i, REPORT_LATENCY, 20000 + 1000 * (int64_t)i);
        plan_fact(&w, i, REPORT_LOAD, 300000 + 100000 * (int64_t)i);
    }
    plan_next(&w);
    expect_choices(&w, 0, "0|12");
    plan_fact(&w, 0, REPORT_LOAD, 450000); // above the second's
    plan_next(&w);
    expect_choices(&w, 0, "012");
    w.facts[0].all[REPORT_LOAD].spread = 60000; // no more than it varies
    plan_next(&w);
    expect_choices(&w, 0, "0|12");
    w.facts[0].all[REPORT_LATENCY].spread = 2000; // the latency may not be lower
    plan_next(&w);
    expect_choices(&w, 0, "012");
    w.facts[0].all[REPORT_LATENCY].spread = 0;
    plan_fact(&w, 0, REPORT_LATENCY, 20500); // nor does anybody notice half a millisecond
    plan_next(&w);
    expect_choices(&w, 0, "012");
    plan_world_done(&w);
}

static void who_dominates_is_first_though_load_made_it_dear(void **)
{
    struct plan_world w;

    plan_world_init(&w, POLICY_BALANCED, PLAN_TARGETS);
    w.site.weigh[TERM_CPU] = 1;
    for (size_t i = 0; i < PLAN_TARGETS; i++)
        plan_fact(&w, i, REPORT_LATENCY, i == 3 ? 10000 : 30000);
    plan_fact(&w, 3, REPORT_CPU, 500000);
    plan_next(&w);
    assert_int_not_equal(plan_cell(&w, 0)->targets[0], 3);
    w.facts[3].all[REPORT_CPU].spread = 500000; // which may be nothing
    plan_next(&w);
    assert_int_equal(plan_cell(&w, 0)->targets[0], 3);
    assert_int_equal(plan_cell(&w, 0)->band, 1);
    plan_world_done(&w);
}

static void the_nearest_does_not_dominate_where_latency_does_not_count(void **)
{
    struct plan_world w;

    plan_world_init(&w, POLICY_BALANCED, 2);
    plan_fact(&w, 0, REPORT_LATENCY, 10000);
    plan_fact(&w, 1, REPORT_LATENCY, 30000);
    plan_next(&w);
    expect_choices(&w, 0, "0|1");
    w.site.weigh[TERM_LATENCY] = 0;
    plan_next(&w);
    expect_choices(&w, 0, "10");
    plan_world_done(&w);
}

static void equals_are_listed_alike_on_all_nodes(void **)
{
    struct plan_world w;

    plan_world_init(&w, POLICY_BALANCED, 2);
    w.targets[0].hash = 9; // wherever a row lists them
    w.targets[1].hash = 3;
    plan_next(&w);
    expect_choices(&w, 0, "10");
    plan_world_done(&w);
}

static void every_term_that_the_site_weighs_counts(void **)
{
    static const struct {
        enum site_term term;
        enum report_kind kind;
        int64_t value; // worth 40 ms
    } TERMS[] = {
        { TERM_LATENCY, REPORT_LATENCY, 40000 },
        { TERM_RESPONSE, REPORT_EXCESS, 40000 },
        { TERM_CPU, REPORT_CPU, 400000 },
        { TERM_MEMORY, REPORT_MEMORY, 400000 },
        { TERM_ERRORS, REPORT_ERRORS, 133334 },
        { TERM_FTP, REPORT_EXCESS, 40000 },
    };

    for (size_t i = 0; i < COUNT_OF(TERMS); i++) {
        struct plan_world w;

        plan_world_init(&w, POLICY_STRICT, 2);
        memset(w.site.weigh, 0, sizeof w.site.weigh);
        for (size_t j = 0; j < 2; j++)
            plan_fact(&w, j, TERMS[i].kind, j == 0 ? TERMS[i].value : 0);
        if (TERMS[i].term == TERM_FTP) // of a check of its own
            for (uint32_t j = 0; j < 2; j++) {
                w.targets[j].ftp_check = j;
                w.members[j].check = 8 + j;
            }
        w.site.weigh[TERMS[i].term] = 2;
        plan_next(&w);
        expect_choices(&w, 0, "1|0");
        struct terms terms[2];

        terms_of_row(&w.rows, &w.row, w.map->facts, terms);
        assert_int_equal(terms[0].us[TERMS[i].term], 40000);
        plan_world_done(&w);
    }
}

static void strict_follows_the_value_with_its_load(void **)
{
    struct plan_world w;

    plan_world_init(&w, POLICY_STRICT, 2);
    plan_fact(&w, 0, REPORT_LATENCY, 20000);
    plan_fact(&w, 1, REPORT_LATENCY, 30000);
    plan_fact(&w, 0, REPORT_LOAD, 860000);
    plan_next(&w);
    expect_choices(&w, 0, "0|1");
    plan_fact(&w, 0, REPORT_LOAD, 870000);
    plan_next(&w);
    expect_choices(&w, 0, "1|0");
    assert_int_equal(plan_cell(&w, 0)->shed[0], 0);
    plan_world_done(&w);
}

static void ordered_and_weighted_stay_as_configured(void **)
{
    for (enum site_policy policy = POLICY_WEIGHTED; policy <= POLICY_ORDERED; policy++) {
        struct plan_world w;

        plan_world_init(&w, policy, 3);
        w.row.is_placed = true;
        plan_fact(&w, 0, REPORT_LATENCY, 90000);
        plan_fact(&w, 0, REPORT_LOAD, 2000000);
        plan_next(&w);
        assert_true(w.map->class_is_narrow[0]);
        expect_choices(&w, 2, "0|12");
        assert_int_equal(plan_cell(&w, 0)->shed[0], 0);
        plan_world_done(&w);
    }
}

static void a_sticky_site_moves_nobody_below_its_capacity(void **)
{
    struct plan_world w;

    plan_world_init(&w, POLICY_STICKY, 2);
    plan_fact(&w, 0, REPORT_LATENCY, 20000);
    plan_fact(&w, 1, REPORT_LATENCY, 45000);
    plan_fact(&w, 0, REPORT_LOAD, 990000);
    plan_next(&w);
    expect_choices(&w, 0, "01");
    assert_int_equal(plan_cell(&w, 0)->shed[0], 0);
    plan_fact(&w, 0, REPORT_LOAD, 1200000);
    plan_next(&w);
    assert_true(plan_cell(&w, 0)->shed[0] > 0);
    plan_world_done(&w);
}

static void who_has_no_alternative_sheds_nobody(void **)
{
    struct plan_world w;

    plan_world_init(&w, POLICY_BALANCED, 2);
    w.targets[1].is_reserve = true;
    plan_fact(&w, 0, REPORT_LOAD, 3000000);
    plan_fact(&w, 1, REPORT_LATENCY, 10);
    plan_next(&w);
    expect_choices(&w, 0, "0|1");
    assert_int_equal(plan_cell(&w, 0)->shed[0], 0);
    plan_world_done(&w);
}

static void only_so_many_choices_are_listed_and_reserves_last(void **)
{
    struct plan_world w;

    plan_world_init(&w, POLICY_BALANCED, PLAN_TARGETS);
    w.targets[9].is_reserve = true;
    for (size_t i = 0; i < PLAN_TARGETS; i++)
        plan_fact(&w, i, REPORT_LATENCY, 200000 - 20000 * (int64_t)i);
    plan_next(&w);
    expect_choices(&w, 0, "8|7654321");
    plan_world_done(&w);
}

static void a_class_that_is_new_begins_without_a_past(void **)
{
    struct plan_world w;

    plan_world_init(&w, POLICY_BALANCED, 2);
    plan_fact(&w, 0, REPORT_LATENCY, 20000);
    plan_fact(&w, 1, REPORT_LATENCY, 40000);
    plan_fact(&w, 0, REPORT_LOAD, 2000000);
    for (int i = 0; i < 10; i++)
        plan_next(&w);
    uint16_t shed = plan_cell(&w, 0)->shed[0];

    w.rows.id = 6; // the same classes in new rows
    plan_next(&w);
    assert_true(plan_cell(&w, 0)->shed[0] > shed);
    w.class_hash = 12;
    plan_next(&w);
    assert_in_range(plan_cell(&w, 0)->shed[0], 1, shed - 1);
    plan_world_done(&w);
}

static void cells_of_another_geography_begin_without_a_past(void **)
{
    struct plan_world w;

    plan_world_init(&w, POLICY_BALANCED, 2);
    w.targets[0].hash = 1; // listed first in all cells
    plan_fact(&w, 0, REPORT_LOAD, 2000000);
    plan_next(&w);
    uint16_t first = plan_cell(&w, 0)->shed[0];

    plan_next(&w);
    assert_true(plan_cell(&w, 0)->shed[0] > first);
    w.row.is_placed = true; // from one cell for all to cells
    plan_next(&w);
    first = plan_cell(&w, 1)->shed[0];
    plan_next(&w);
    assert_true(plan_cell(&w, 1)->shed[0] > first);
    w.geo.hash++;
    plan_next(&w);
    assert_int_equal(plan_cell(&w, 1)->shed[0], first);
    plan_world_done(&w);
}

/* A map's file of facts, thrown by lot. */
static void facts_by_lot(struct plan_world *w, uint64_t lot)
{
    for (size_t i = 0; i < w->row.count; i++)
        for (enum report_kind kind = 0; kind < REPORT_KIND_COUNT; kind++) {
            lot = hash_mix(lot + 1);
            w->facts[i].all[kind] = (struct fact){
                .value = (int64_t)(lot >> 8 & 0x1fffff),
                .spread = (int64_t)(lot >> 40 & 0xfff),
                .sources = lot & 3,
            };
            if (w->facts[i].all[kind].sources == 0)
                w->facts[i].all[kind] = (struct fact){ 0 };
            w->facts[i].own[kind] = w->facts[i].all[kind];
        }
}

static void check_cell(const struct plan_world *w, const struct steer_cell *cell)
{
    bool is_listed[PLAN_TARGETS] = { false };

    assert_int_equal(
        cell->count, w->row.count < STEER_CHOICES_MAX ? w->row.count : (size_t)STEER_CHOICES_MAX);
    assert_in_range(cell->band, 1, cell->count);
    for (size_t i = 0; i < cell->count; i++) {
        assert_in_range(cell->targets[i], 0, w->row.count - 1);
        assert_false(is_listed[cell->targets[i]]);
        is_listed[cell->targets[i]] = true;
        if (i > 0)
            assert_true(w->targets[cell->targets[i]].is_reserve ||
                        !w->targets[cell->targets[i - 1]].is_reserve);
        if (i > 0 && i < cell->band)
            assert_int_equal(
                w->targets[cell->targets[i]].is_reserve, w->targets[cell->targets[0]].is_reserve);
        if (w->targets[cell->targets[i]].is_reserve)
            assert_int_equal(cell->shed[i], 0);
    }
}

static void whatever_is_told_a_map_is_whole_and_made_alike(void **)
{
    struct plan_world w, twin;

    for (uint64_t round = 1; round <= ROUNDS; round++) {
        uint64_t lot = hash_mix(round);

        plan_world_init(&w, (enum site_policy)(lot % 5), 1 + lot / 5 % PLAN_TARGETS);
        plan_world_init(&twin, w.site.policy, w.row.count);
        w.row.is_placed = twin.row.is_placed = (lot >> 20 & 1) != 0;
        w.site.kind = twin.site.kind = (enum site_kind)(lot >> 21 & 1);
        twin.rows.id = 99;
        for (size_t i = 0; i < w.row.count; i++)
            w.targets[i].is_reserve = twin.targets[i].is_reserve = (lot >> (22 + i) & 3) == 0;
        for (uint64_t epoch = 0; epoch < 5; epoch++) {
            facts_by_lot(&w, lot + epoch);
            facts_by_lot(&twin, lot + epoch);
            plan_next(&w);
            plan_next(&twin);
            assert_true(w.map->hash == twin.map->hash);
            for (uint32_t cell = 0; cell < PLAN_CELLS; cell++)
                check_cell(&w, plan_cell(&w, cell));
        }
        plan_world_done(&w);
        plan_world_done(&twin);
    }
}

static void another_choice_is_another_hash(void **)
{
    struct plan_world w;

    plan_world_init(&w, POLICY_BALANCED, 2);
    plan_fact(&w, 0, REPORT_LATENCY, 20000);
    plan_fact(&w, 1, REPORT_LATENCY, 40000);
    plan_fact(&w, 1, REPORT_EXCESS, 100);
    uint64_t hash = plan_next(&w)->hash;

    assert_true(plan_next(&w)->hash == hash);
    plan_fact(&w, 0, REPORT_LATENCY, 80000);
    hash = plan_next(&w)->hash;
    plan_fact(&w, 0, REPORT_LATENCY, 41000); // first as before, with the other in its band
    assert_true(plan_next(&w)->hash != hash);
    plan_world_done(&w);
}

/* More classes of all cells than the limit allows: the later ones keep to cell 0. */
static void a_map_too_large_is_planned_without_cells(void **)
{
    enum { CELLS = 4096, CLASSES = 1500 };
    static const struct steer_row *classes[CLASSES];
    static uint64_t hashes[CLASSES];
    static struct geo_cell cells[CELLS];
    static uint32_t trips[CELLS];
    struct plan_world w;

    plan_world_init(&w, POLICY_BALANCED, 2);
    w.row.is_placed = true;
    w.targets[0].round_trips_us = w.targets[1].round_trips_us = trips;
    w.geo.cells = cells;
    w.geo.cell_count = CELLS;
    for (size_t i = 0; i < CLASSES; i++) {
        classes[i] = &w.row;
        hashes[i] = i;
    }
    w.rows.classes = classes;
    w.rows.class_hashes = hashes;
    w.rows.class_count = CLASSES;
    plan_next(&w);
    size_t wide = (STEER_MAP_BYTES_MAX / sizeof(struct steer_cell) - CLASSES) / (CELLS - 1);

    assert_int_equal(w.map->classes_narrowed, CLASSES - wide);
    assert_false(w.map->class_is_narrow[wide - 1]);
    assert_true(w.map->class_is_narrow[CLASSES - 1]);
    plan_world_done(&w);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(with_nothing_known_all_are_alike),
        cmocka_unit_test(each_cell_has_its_nearest_first),
        cmocka_unit_test(clients_of_each_place_go_where_it_is_near),
        cmocka_unit_test(without_all_places_it_is_what_was_measured),
        cmocka_unit_test(a_deliver_site_looks_at_what_its_own_node_measured),
        cmocka_unit_test(what_nobody_measured_does_not_win_by_that),
        cmocka_unit_test(near_equals_are_drawn_from_and_leave_only_at_twice_the_margin),
        cmocka_unit_test(lower_in_latency_and_load_than_all_others_wins_alone),
        cmocka_unit_test(who_dominates_is_first_though_load_made_it_dear),
        cmocka_unit_test(the_nearest_does_not_dominate_where_latency_does_not_count),
        cmocka_unit_test(equals_are_listed_alike_on_all_nodes),
        cmocka_unit_test(every_term_that_the_site_weighs_counts),
        cmocka_unit_test(strict_follows_the_value_with_its_load),
        cmocka_unit_test(ordered_and_weighted_stay_as_configured),
        cmocka_unit_test(a_sticky_site_moves_nobody_below_its_capacity),
        cmocka_unit_test(who_has_no_alternative_sheds_nobody),
        cmocka_unit_test(only_so_many_choices_are_listed_and_reserves_last),
        cmocka_unit_test(a_class_that_is_new_begins_without_a_past),
        cmocka_unit_test(cells_of_another_geography_begin_without_a_past),
        cmocka_unit_test(whatever_is_told_a_map_is_whole_and_made_alike),
        cmocka_unit_test(another_choice_is_another_hash),
        cmocka_unit_test(a_map_too_large_is_planned_without_cells),
    };

    return cmocka_run_group_tests_name("steer/map", cases, NULL, NULL);
}
