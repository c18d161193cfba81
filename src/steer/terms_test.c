// SPDX-License-Identifier: Apache-2.0
#include "steer/plan_world_test.h"

static void load_metrics_come_from_the_check_that_asks_for_them(void **)
{
    struct plan_world w;
    struct terms terms[2];

    plan_world_init(&w, POLICY_BALANCED, 2);
    w.members[0].load_check = 5;
    plan_fact(&w, 0, REPORT_CPU, 100000);
    plan_fact(&w, 5, REPORT_CPU, 300000);
    plan_fact(&w, 5, REPORT_LOAD, 600000);
    plan_next(&w);
    terms_of_row(&w.rows, &w.row, w.map->facts, terms);
    assert_int_equal(terms[0].us[TERM_CPU], 30000);
    assert_int_equal(terms[0].load, 600000);
    assert_int_equal(terms[1].load, TERMS_UNKNOWN);
    plan_world_done(&w);
}

static void load_is_the_fullest_of_what_is_known(void **)
{
    struct plan_world w;
    struct terms terms[2];

    plan_world_init(&w, POLICY_BALANCED, 2);
    w.origins[0].capacity_requests_per_s = 500;
    plan_fact(&w, 0, REPORT_LOAD, 300000);
    plan_fact(&w, 0, REPORT_RATE, 200 * 1000);
    plan_fact(&w, 1, REPORT_RATE, 200 * 1000);
    plan_next(&w);
    terms_of_row(&w.rows, &w.row, w.map->facts, terms);
    assert_int_equal(terms[0].load, 400000);
    assert_int_equal(terms[1].load, TERMS_UNKNOWN); // it gives no capacity
    w.origins[0].capacity_requests_per_s = 1e-9;
    plan_fact(&w, 0, REPORT_RATE, INT64_C(1000000) * 1000000);
    plan_next(&w);
    terms_of_row(&w.rows, &w.row, w.map->facts, terms);
    assert_int_equal(terms[0].load, 1000000000); // and no more than that, whatever is told
    plan_world_done(&w);
}

static void a_full_machine_counts_as_loaded_as_far_as_it_is_fuller_than_the_others(void **)
{
    static const struct {
        int64_t cpu, memory_of_other;
        int64_t load, load_of_other;
    } CASES[] = {
        { 900000, 500000, TERMS_UNKNOWN, TERMS_UNKNOWN },
        { 950000, 500000, 1025000, TERMS_UNKNOWN },
        { 1000000, 500000, 1250000, TERMS_UNKNOWN },
        { 5000000, 500000, 1250000, TERMS_UNKNOWN },
        { 1000000, 960000, 980000, TERMS_UNKNOWN },
        { 1000000, 1000000, TERMS_UNKNOWN, TERMS_UNKNOWN },
        { 1000000, 991000, TERMS_UNKNOWN, TERMS_UNKNOWN }, // as much as chance makes it
        { 985000, 995000, TERMS_UNKNOWN, TERMS_UNKNOWN },
        { 920000, 980000, TERMS_UNKNOWN, 1070000 },
    };

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct plan_world w;
        struct terms terms[2];

        plan_world_init(&w, POLICY_BALANCED, 2);
        plan_fact(&w, 0, REPORT_CPU, CASES[i].cpu);
        plan_fact(&w, 1, REPORT_MEMORY, CASES[i].memory_of_other);
        plan_next(&w);
        terms_of_row(&w.rows, &w.row, w.map->facts, terms);
        assert_int_equal(terms[0].load, CASES[i].load);
        assert_int_equal(terms[1].load, CASES[i].load_of_other);
        plan_world_done(&w);
    }
}

static void of_several_nodes_the_lower_middle_one_counts(void **)
{
    struct plan_world w;
    struct terms terms[1];

    plan_world_init(&w, POLICY_BALANCED, 1);
    w.targets[0].member_count = 5;
    for (uint32_t i = 0; i < 5; i++)
        w.members[i] = (struct steer_member){ .check = i, .load_check = CHECK_NONE };
    plan_fact(&w, 1, REPORT_LOAD, 900000);
    plan_fact(&w, 2, REPORT_LOAD, 200000);
    plan_fact(&w, 3, REPORT_LOAD, 400000);
    plan_fact(&w, 4, REPORT_LOAD, 300000);
    plan_next(&w);
    terms_of_row(&w.rows, &w.row, w.map->facts, terms);
    assert_int_equal(terms[0].load, 300000); // of the four that are known
    plan_world_done(&w);
}

static void pressure_begins_at_four_fifths_and_ends(void **)
{
    assert_int_equal(terms_pressure(TERMS_UNKNOWN), 1000000);
    assert_int_equal(terms_pressure(800000), 1000000);
    assert_int_equal(terms_pressure(900000), 2000000);
    assert_int_equal(terms_pressure(979999), 9999500);
    assert_int_equal(terms_pressure(980000), PRESSURE_MOST);
    assert_int_equal(terms_pressure(INT64_MAX), PRESSURE_MOST);
    assert_int_equal(terms_load_at(2000000), 900000);
    assert_int_equal(terms_load_at(1000000), 800000);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(load_metrics_come_from_the_check_that_asks_for_them),
        cmocka_unit_test(load_is_the_fullest_of_what_is_known),
        cmocka_unit_test(a_full_machine_counts_as_loaded_as_far_as_it_is_fuller_than_the_others),
        cmocka_unit_test(of_several_nodes_the_lower_middle_one_counts),
        cmocka_unit_test(pressure_begins_at_four_fifths_and_ends),
    };

    return cmocka_run_group_tests_name("steer/terms", cases, NULL, NULL);
}
