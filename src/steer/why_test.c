// SPDX-License-Identifier: Apache-2.0
#include "steer/plan_world_test.h"
#include "steer/why.h"

struct asking {
    struct plan_world world;
    struct arena arena;
    const struct why *why;
};

static void ask(struct asking *a, unsigned client)
{
    struct ip ip = ip_v4(10, (uint8_t)(client >> 8), (uint8_t)client, 1);

    arena_reset(&a->arena);
    a->why = steer_why(&a->arena, &a->world.rows, &a->world.row, a->world.map, &ip);
}

static void begin(struct asking *a, enum site_policy policy, size_t count)
{
    plan_world_init(&a->world, policy, count);
    arena_init(&a->arena, 1 << 20);
}

static void end(struct asking *a)
{
    arena_done(&a->arena);
    plan_world_done(&a->world);
}

/* Equal to a thousandth. */
static void expect_near(double value, double expected)
{
    assert_true(value > expected - 0.0011 && value < expected + 0.0011);
}

static void the_sum_can_be_said_aloud(void **)
{
    struct asking a;

    begin(&a, POLICY_BALANCED, 2);
    a.world.site.weigh[TERM_LATENCY] = 2;
    plan_fact(&a.world, 0, REPORT_LATENCY, 10000);
    plan_fact(&a.world, 0, REPORT_EXCESS, 5000);
    plan_fact(&a.world, 0, REPORT_ERRORS, 20000);
    plan_fact(&a.world, 0, REPORT_LOAD, 900000);
    plan_fact(&a.world, 1, REPORT_LATENCY, 60000);
    plan_next(&a.world);
    ask(&a, 5);
    const struct why_candidate *first = &a.why->candidates[0];

    assert_int_equal(a.why->candidate_count, 2);
    assert_int_equal(a.why->basis, STEER_BASIS_OBSERVERS);
    assert_ptr_equal(first->target, &a.world.targets[0]);
    expect_near(first->terms[TERM_LATENCY].ms, 10);
    assert_int_equal(first->terms[TERM_LATENCY].weight, 2);
    expect_near(first->terms[TERM_RESPONSE].ms, 5);
    expect_near(first->terms[TERM_ERRORS].ms, 6);
    assert_int_equal(first->terms[TERM_ERRORS].fact.measured, 20000);
    assert_int_equal(first->terms[TERM_CPU].fact.sources, 0);
    expect_near(first->cost_ms, 31);
    expect_near(first->load, 0.9);
    expect_near(first->pressure, 2);
    expect_near(first->value_ms, 62);
    assert_true(first->is_picked && first->is_in_band && first->is_fit);
    assert_int_equal(first->member_count, 1);
    expect_near(a.why->margin_ms, 3.1);
    assert_true(a.why->candidates[1].load < 0);
    expect_near(a.why->candidates[1].wins_below_ms, 31);
    assert_true(first->wins_below_ms < 0);
    assert_true(a.why->map_hash == a.world.map->hash);
    assert_int_equal(a.why->epoch.ms, a.world.epoch.ms);
    end(&a);
}

/* Costs that are told are those the plan ordered by: in whichever cell, by whichever policy. */
static void what_it_says_is_what_was_planned(void **)
{
    for (uint64_t round = 1; round < 300; round++) {
        struct asking a;
        uint64_t lot = hash_mix(round);

        begin(&a, round % 2 == 0 ? POLICY_STRICT : POLICY_BALANCED, 2 + lot % 9);
        for (size_t i = 0; i < a.world.row.count; i++) {
            lot = hash_mix(lot + 1);
            plan_fact(&a.world, i, REPORT_LATENCY, (int64_t)(lot & 0xffff));
            plan_fact(&a.world, i, REPORT_LOAD, (int64_t)(lot >> 16 & 0xfffff));
            a.world.targets[i].is_reserve = (lot >> 60) == 0;
            a.world.health[i] = (lot >> 50 & 7) == 0;
        }
        plan_next(&a.world);
        ask(&a, (unsigned)round);
        struct steer_pick pick = plan_pick(&a.world, (unsigned)round);

        assert_int_equal(a.why->pick.target, pick.target);
        assert_int_equal(a.why->pick.reason, pick.reason);
        for (size_t i = 0; i < a.why->candidate_count; i++) {
            const struct why_candidate *c = &a.why->candidates[i];
            size_t target = (size_t)(c->target - a.world.targets);

            assert_int_equal(c->is_picked, target == pick.target);
            assert_int_equal(c->is_fit, a.world.health[target] == 0);
            assert_int_equal(c->rank, i < STEER_CHOICES_MAX ? (int)i : -1);
            if (a.why->is_dominated || i <= plan_cell(&a.world, 0)->band || c->rank < 0 ||
                c->target->is_reserve)
                continue;
            assert_true(
                round % 2 == 0 ? c->value_ms >= c[-1].value_ms : c->cost_ms >= c[-1].cost_ms);
        }
        end(&a);
    }
}

static void at_a_cost_below_what_it_says_a_target_does_win(void **)
{
    struct asking a;

    begin(&a, POLICY_BALANCED, 3);
    plan_fact(&a.world, 0, REPORT_LATENCY, 40000);
    plan_fact(&a.world, 1, REPORT_LATENCY, 20000);
    plan_fact(&a.world, 2, REPORT_LATENCY, 60000);
    a.world.health[1] = STEER_DOWN; // no rival while it is
    plan_next(&a.world);
    ask(&a, 5);
    expect_near(a.why->candidates[2].wins_below_ms, 40);
    assert_true(a.why->candidates[0].wins_below_ms < 0);
    assert_int_equal(a.why->pick.reason, STEER_NEXT);
    a.world.health[2] = STEER_DOWN; // nor does it win while it is down itself
    ask(&a, 5);
    assert_true(a.why->candidates[2].wins_below_ms < 0);
    a.world.health[1] = a.world.health[2] = 0;
    ask(&a, 5);
    double below = a.why->candidates[2].wins_below_ms;

    expect_near(below, 20);
    plan_fact(&a.world, 2, REPORT_LATENCY, (int64_t)(below * 1000) - 1);
    plan_next(&a.world);
    assert_int_equal(plan_cell(&a.world, 0)->targets[0], 2);
    end(&a);
}

static void it_tells_where_the_client_is_taken_to_be(void **)
{
    struct asking a;

    begin(&a, POLICY_BALANCED, 2);
    a.world.row.is_placed = true;
    plan_next(&a.world);
    ask(&a, 512);
    assert_int_equal(a.why->cell, 2);
    assert_ptr_equal(a.why->place, &a.world.cells[2]);
    assert_int_equal(a.why->basis, STEER_BASIS_GEOGRAPHY);
    assert_ptr_equal(a.why->candidates[0].target, &a.world.targets[1]);
    expect_near(a.why->candidates[0].terms[TERM_LATENCY].ms, 10);
    expect_near(a.why->candidates[1].terms[TERM_LATENCY].ms, 50);
    assert_int_equal(a.why->candidates[0].terms[TERM_LATENCY].fact.sources, 0);
    a.world.map->class_is_narrow[0] = true; // planned for cell 0, for want of room
    ask(&a, 512);
    assert_int_equal(a.why->cell, 2);
    assert_int_equal(a.why->basis, STEER_BASIS_NONE);
    end(&a);
}

static void it_tells_whom_a_client_passes_over(void **)
{
    struct asking a;
    unsigned shed = 0;

    begin(&a, POLICY_BALANCED, 2);
    plan_fact(&a.world, 0, REPORT_LATENCY, 10000);
    plan_fact(&a.world, 1, REPORT_LATENCY, 20000);
    plan_fact(&a.world, 0, REPORT_LOAD, 2000000);
    for (int i = 0; i < 5; i++)
        plan_next(&a.world);
    for (unsigned i = 0; i < 500; i++) {
        ask(&a, i);
        assert_int_equal(a.why->candidates[0].sheds_client, !a.why->candidates[0].is_picked);
        assert_true(a.why->candidates[0].shed > 0);
        shed += a.why->candidates[0].sheds_client;
    }
    assert_in_range(shed, 100, 480);
    a.world.map->cells[0].shed[0] = STEER_SHED_LEAST - 1; // not acted on, so not told
    ask(&a, 0);
    assert_int_equal(a.why->candidates[0].shed, 0);
    end(&a);
}

static void it_tells_which_nodes_are_out_and_why(void **)
{
    struct asking a;

    begin(&a, POLICY_ORDERED, 1);
    a.world.targets[0].member_count = 2;
    a.world.members[1] = (struct steer_member){ .check = 1, .families = STEER_HAS_V6 };
    a.world.row.member_count = 2;
    steer_health_set(&a.world.rows, 0, STEER_DRAINED, true);
    plan_next(&a.world);
    ask(&a, 5);
    assert_int_equal(a.why->candidates[0].member_count, 2);
    assert_int_equal(a.why->candidates[0].members[0].health, STEER_DRAINED);
    assert_int_equal(a.why->candidates[0].members[1].health, 0);
    assert_true(a.why->candidates[0].is_fit);
    assert_int_equal(a.why->pick.member, 1);
    assert_false(a.why->candidates[0].is_in_band);
    assert_true(a.why->candidates[0].wins_below_ms < 0);
    end(&a);
}

static void it_says_when_one_is_lower_in_all_than_the_others(void **)
{
    struct asking a;

    begin(&a, POLICY_BALANCED, 2);
    plan_fact(&a.world, 0, REPORT_LATENCY, 20000);
    plan_fact(&a.world, 1, REPORT_LATENCY, 21000);
    plan_next(&a.world);
    ask(&a, 5);
    assert_true(a.why->is_dominated);
    plan_fact(&a.world, 0, REPORT_EXCESS, 100);
    plan_next(&a.world);
    ask(&a, 5);
    assert_false(a.why->is_dominated);
    assert_true(a.why->candidates[1].is_in_band);
    end(&a);
}

static void without_a_map_the_order_is_the_rows(void **)
{
    struct asking a;

    begin(&a, POLICY_BALANCED, 3);
    ask(&a, 5);
    assert_false(a.why->has_map);
    assert_int_equal(a.why->basis, STEER_BASIS_NONE);
    assert_int_equal(a.why->candidate_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_ptr_equal(a.why->candidates[i].target, &a.world.targets[i]);
        assert_int_equal(a.why->candidates[i].rank, -1);
    }
    assert_true(a.why->candidates[0].is_picked);
    end(&a);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(the_sum_can_be_said_aloud),
        cmocka_unit_test(what_it_says_is_what_was_planned),
        cmocka_unit_test(at_a_cost_below_what_it_says_a_target_does_win),
        cmocka_unit_test(it_tells_where_the_client_is_taken_to_be),
        cmocka_unit_test(it_tells_whom_a_client_passes_over),
        cmocka_unit_test(it_tells_which_nodes_are_out_and_why),
        cmocka_unit_test(it_says_when_one_is_lower_in_all_than_the_others),
        cmocka_unit_test(without_a_map_the_order_is_the_rows),
    };

    return cmocka_run_group_tests_name("steer/why", cases, NULL, NULL);
}
