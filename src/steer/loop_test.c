// SPDX-License-Identifier: Apache-2.0
/*
 * The plan in a closed loop: clients go where the map sends them, load follows clients, reports
 * follow load, and the next map follows reports. Resolvers keep answers for their TTL, reports are
 * five seconds late, and the map is a second behind its epoch.
 */
#include <stdio.h>
#include <stdlib.h>

#include "steer/plan_world_test.h"

enum { RESOLVERS = 4000, LATE_S = 5, EPOCH_S = 5, RUN_S = 3600 };

struct loop {
    struct plan_world world;
    int ttl_s;
    double demand;  // of all resolvers together, as a share of one target's capacity
    double foreign; // load on the first target that is none of ours
    int sent_to[RESOLVERS];
    double load[2][RUN_S]; // as it was, by second
    double seen[2];        // smoothed, as reported
    double overload;       // sum over seconds of what is above capacity, of the demand
    unsigned turns;        // of the share's direction
    int direction;
    double share, most_move; // of clients that the first target sheds
};

static struct loop *loop_new(double demand)
{
    struct loop *l = calloc(1, sizeof *l);

    assert_non_null(l);
    l->demand = demand;
    l->ttl_s = 20;
    plan_world_init(&l->world, POLICY_BALANCED, 2);
    plan_fact(&l->world, 0, REPORT_LATENCY, 10000);
    plan_fact(&l->world, 1, REPORT_LATENCY, 30000);
    plan_next(&l->world);
    for (unsigned i = 0; i < RESOLVERS; i++)
        l->sent_to[i] = plan_pick(&l->world, i).target;
    return l;
}

static void loop_free(struct loop *l)
{
    plan_world_done(&l->world);
    free(l);
}

static void epoch_plan(struct loop *l)
{
    double share;
    int direction;

    for (size_t i = 0; i < 2; i++)
        plan_fact(&l->world, i, REPORT_LOAD, (int64_t)(l->seen[i] * 1e6));
    plan_next(&l->world);
    assert_int_equal(plan_cell(&l->world, 0)->targets[0], 0);
    share = (double)plan_cell(&l->world, 0)->shed[0] / STEER_SHED_ALL;
    direction = (share > l->share) - (share < l->share);
    if (direction != 0 && l->direction != 0 && direction != l->direction)
        l->turns++;
    l->direction = direction != 0 ? direction : l->direction;
    if (share - l->share > l->most_move || l->share - share > l->most_move)
        l->most_move = share > l->share ? share - l->share : l->share - share;
    l->share = share;
}

/* Seconds from..to of the run. */
static void run(struct loop *l, int from, int to)
{
    l->overload = l->most_move = 0;
    for (int t = from; t < to; t++) {
        double at[2] = { l->foreign, 0 };

        for (unsigned i = 0; i < RESOLVERS; i++) {
            // Each asks again when its answer has expired, all at moments of their own.
            if ((t + (int)i) % l->ttl_s == 0)
                l->sent_to[i] = plan_pick(&l->world, i * 7).target;
            at[l->sent_to[i]] += l->demand / RESOLVERS;
        }
        for (size_t i = 0; i < 2; i++) {
            double late = t < LATE_S ? 0 : l->load[i][t - LATE_S];

            l->load[i][t] = at[i];
            l->seen[i] += (late - l->seen[i]) * 0.13; // half-life of five seconds
            l->overload += at[i] > 1 ? (at[i] - 1) / l->demand / (to - from) : 0;
        }
        if (t % EPOCH_S == 1)
            epoch_plan(l);
        if (getenv("SHOW") != NULL && t % 10 == 0)
            printf("# %d load %.3f %.3f share %.3f\n", t, at[0], at[1], l->share);
    }
}

static void demand_beyond_the_nearest_settles_on_both(void **)
{
    struct loop *l = loop_new(1.2);

    run(l, 0, 120);
    run(l, 120, 1200);
    assert_true(l->overload < 0.001);
    assert_true(l->most_move < 0.005);
    // 10 ms under the pressure of 93.3 % cost the 30 ms of the other.
    assert_in_range((int)(l->seen[0] * 1000), 925, 942);
    loop_free(l);
}

static void a_far_alternative_is_used_only_close_to_the_end(void **)
{
    struct loop *l = loop_new(1.2);

    plan_fact(&l->world, 1, REPORT_LATENCY, 900000);
    run(l, 0, 240);
    run(l, 240, 900);
    assert_true(l->overload == 0);
    assert_in_range((int)(l->seen[0] * 1000), 943, 955);
    loop_free(l);
}

static void it_settles_whatever_the_resolvers_keep(void **)
{
    for (int64_t ttl_s = 5; ttl_s <= 320; ttl_s *= 4) {
        struct loop *l = loop_new(1.5);

        l->world.site.ttl = span_s(ttl_s);
        l->ttl_s = (int)ttl_s;
        run(l, 0, (int)ttl_s * 6 + 120);
        run(l, (int)ttl_s * 6 + 120, (int)ttl_s * 6 + 720);
        assert_true(l->overload < 0.01);
        assert_true(l->most_move < 0.02);
        loop_free(l);
    }
}

static void a_foreign_load_sends_clients_away_until_it_ends(void **)
{
    struct loop *l = loop_new(0.6);

    run(l, 0, 60);
    assert_true(l->share == 0);
    l->foreign = 3;
    run(l, 60, 120);
    assert_true(l->share > 0.9);
    run(l, 120, 150);
    assert_true(l->share > 0.95);
    run(l, 150, 300);
    assert_true(l->share < 0.998); // a few go on, so that the end is seen
    l->foreign = 0.1;              // what is left must not be taken for our own few
    run(l, 300, 345);
    assert_true(l->share > 0.6); // and nobody rushes back
    run(l, 345, 420);
    assert_true(l->share < 0.05);
    run(l, 420, 900);
    assert_true(l->share == 0);
    assert_in_range(l->turns, 1, 2);
    loop_free(l);
}

static void what_comes_back_does_not_overrun_it_again(void **)
{
    struct loop *l = loop_new(1.2);

    l->foreign = 3;
    run(l, 0, 300);
    assert_true(l->share > 0.95);
    l->foreign = 0;
    run(l, 300, 340); // the other is still over capacity
    run(l, 340, 900);
    assert_true(l->overload == 0);
    run(l, 900, 1200);
    assert_true(l->most_move < 0.005);
    assert_in_range((int)(l->seen[0] * 1000), 925, 942);
    loop_free(l);
}

static void more_than_all_can_take_is_spread_evenly(void **)
{
    struct loop *l = loop_new(3);

    run(l, 0, 600);
    run(l, 600, 1200);
    assert_true(l->most_move < 0.02);
    assert_in_range((int)(l->seen[0] * 100), 145, 155);
    loop_free(l);
}

/* Of two that are equal but for the noise of what is measured. */
static void noise_moves_no_client_for_an_hour(void **)
{
    struct plan_world w;
    uint64_t lot = 1;
    unsigned first[500];

    plan_world_init(&w, POLICY_BALANCED, 2);
    plan_fact(&w, 0, REPORT_LATENCY, 20000);
    plan_fact(&w, 1, REPORT_LATENCY, 20000);
    plan_next(&w);
    for (unsigned i = 0; i < COUNT_OF(first); i++)
        first[i] = plan_pick(&w, i).target;
    for (unsigned epoch = 0; epoch < 720; epoch++) {
        for (size_t i = 0; i < 2; i++) {
            lot = hash_mix(lot + 1);
            plan_fact(&w, i, REPORT_LATENCY, 18000 + (int64_t)(lot % 4001));
            plan_fact(&w, i, REPORT_EXCESS, 1800 + (int64_t)(lot >> 32) % 401);
            plan_fact(&w, i, REPORT_LOAD, 450000 + (int64_t)(lot >> 32) % 100001);
            w.facts[i].all[REPORT_LATENCY].spread = 1000; // of plus or minus ten percent
            w.facts[i].all[REPORT_EXCESS].spread = 100;
            w.facts[i].all[REPORT_LOAD].spread = 25000;
        }
        plan_next(&w);
        assert_int_equal(plan_cell(&w, 0)->band, 2);
        for (unsigned i = 0; i < COUNT_OF(first); i++)
            assert_int_equal(plan_pick(&w, i).target, first[i]);
    }
    plan_world_done(&w);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(demand_beyond_the_nearest_settles_on_both),
        cmocka_unit_test(a_far_alternative_is_used_only_close_to_the_end),
        cmocka_unit_test(it_settles_whatever_the_resolvers_keep),
        cmocka_unit_test(a_foreign_load_sends_clients_away_until_it_ends),
        cmocka_unit_test(what_comes_back_does_not_overrun_it_again),
        cmocka_unit_test(more_than_all_can_take_is_spread_evenly),
        cmocka_unit_test(noise_moves_no_client_for_an_hour),
    };

    return cmocka_run_group_tests_name("steer/loop", cases, NULL, NULL);
}
