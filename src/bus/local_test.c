// SPDX-License-Identifier: Apache-2.0
/* What the bus of one process adds: cuts, and a simulation that repeats itself. */
#include "base/hash.h"
#include "bus/follower_test.h"

static void a_cut_holds_one_way_until_it_is_mended(void **)
{
    struct world *w = world_new(LOCAL_SIMULATED);
    struct told_node *a = world_node(w, 0, "a"), *b = world_node(w, 1, "b");

    bus_hub_cut(w->hub, SLICE("a"), SLICE("b"), true);
    bus_hub_cut(w->hub, SLICE("a"), SLICE("b"), true); // twice is once
    say(a, BUS_REPORTS, "cut");
    say(b, BUS_REPORTS, "the other way");
    world_hear(w, a, 1);
    world_settle(w);
    assert_int_equal(b->heard_count, 0);
    bus_hub_cut(w->hub, SLICE("a"), SLICE("b"), false);
    bus_hub_cut(w->hub, SLICE("b"), SLICE("a"), false); // was none
    say(a, BUS_REPORTS, "mended");
    world_hear(w, b, 1);
    assert_heard(b, 0, BUS_REPORTS, "a", "mended");
    world_free(w);
}

static void cuts_both_ways_part_two_nodes_and_no_third(void **)
{
    struct world *w = world_new(LOCAL_SIMULATED);
    struct told_node *a = world_node(w, 0, "a"), *b = world_node(w, 1, "b");
    struct told_node *c = world_node(w, 2, "c");

    bus_hub_cut(w->hub, SLICE("a"), SLICE("b"), true);
    bus_hub_cut(w->hub, SLICE("b"), SLICE("a"), true);
    say(a, BUS_REPORTS, "1");
    say(b, BUS_REPORTS, "2");
    world_hear(w, c, 2);
    world_settle(w);
    assert_int_equal(a->heard_count + b->heard_count, 0);
    say(c, BUS_REPORTS, "3");
    world_hear(w, a, 1);
    world_hear(w, b, 1);
    world_free(w);
}

static void a_cut_outlives_the_bus_of_a_node_that_starts_anew(void **)
{
    struct world *w = world_new(LOCAL_SIMULATED);
    struct told_node *a = world_node(w, 0, "a"), *b = world_node(w, 1, "b");

    bus_hub_cut(w->hub, SLICE("a"), SLICE("b"), true);
    node_free(a);
    a = world_node(w, 0, "a");
    say(a, BUS_REPORTS, "still cut");
    world_settle(w);
    assert_int_equal(b->heard_count, 0);
    world_free(w); // with the cut in it
}

static void two_of_one_name_do_not_hear_each_other(void **)
{
    struct world *w = world_new(LOCAL_SIMULATED);
    struct told_node *a = world_node(w, 0, "a"), *twin = world_node(w, 1, "a");

    say(a, BUS_REPORTS, "me?");
    world_settle(w);
    assert_int_equal(a->heard_count + twin->heard_count, 0);
    world_free(w);
}

static void a_node_cut_from_the_log_is_refused_and_hears_all_afterwards(void **)
{
    struct world *w = world_new(LOCAL_SIMULATED);
    static struct follower a, b;

    follower_start(&a, w, "a", 0, 0);
    follower_start(&b, w, "b", 0, 0);
    bus_hub_cut(w->hub, BUS_LOG, SLICE("b"), true);
    bus_hub_cut(w->hub, SLICE("b"), BUS_LOG, true);
    world_until(w, is_fallen_behind, &b);
    follower_give(&a, w, 1, "meanwhile");
    follower_ask(&b, 2, "never");
    assert_int_equal(follower_answer(&b, w)->err, ERR_UNREACHABLE);
    world_settle(w);
    assert_int_equal(b.told_count, 0);
    bus_hub_cut(w->hub, SLICE("b"), BUS_LOG, false);
    bus_hub_cut(w->hub, BUS_LOG, SLICE("b"), false);
    world_until(w, is_up_to_date, &b);
    follower_hear(&b, w, 1);
    assert_order(&b, 0, 1, "meanwhile");
    assert_int_equal(b.behind_count, 1);
    assert_int_equal(counter_read(&bus_counts(b.bus)->behind), 1);
    assert_int_equal(counter_read(&bus_counts(b.bus)->orders_refused), 1);
    world_settle(w);
    assert_int_equal(a.told_count, 1); // what was refused never comes
    follower_close(&a);
    follower_close(&b);
    world_free(w);
}

static void an_answer_that_is_lost_leaves_open_what_became_of_the_order(void **)
{
    struct world *w = world_new(LOCAL_SIMULATED);
    static struct follower a;

    follower_start(&a, w, "a", 0, 0);
    bus_hub_cut(w->hub, BUS_LOG, SLICE("a"), true);
    struct instant asked = sim_now(w->bench->sim);

    follower_ask(&a, 1, "perhaps");
    const struct told_answer *answer = follower_answer(&a, w);
    int64_t took_ns = instant_since(asked, sim_now(w->bench->sim)).ns;

    assert_int_equal(answer->err, ERR_TIMEOUT);
    assert_non_null(strstr(answer->why, "may have"));
    assert_in_range(took_ns, span_ms(BUS_ORDER_WAIT_MS).ns, span_ms(BUS_ORDER_WAIT_MS + 20).ns);
    bus_hub_cut(w->hub, BUS_LOG, SLICE("a"), false);
    assert_int_equal(follower_give(&a, w, 1, "perhaps"), 1); // to ask again is harmless
    follower_hear(&a, w, 1);
    follower_close(&a);
    world_free(w);
}

/* All that three chatting nodes hear, in one number. */
static uint64_t chat(uint64_t seed)
{
    struct world *w = world_new(LOCAL_SIMULATED);
    struct told_node *nodes[3];
    uint64_t heard = seed;
    char text[24];

    bench_close(w->bench);
    w->bench = bench_new(sim_new(seed));
    for (unsigned i = 0; i < 3; i++)
        nodes[i] = world_node(w, i, (char[]){ (char)('a' + i), '\0' });
    for (unsigned i = 0; i < 200; i++) {
        uint64_t who = sim_draw(w->bench->sim, 3);

        snprintf(text, sizeof text, "%u", i);
        say(nodes[who], BUS_REPORTS, text);
        if (sim_draw(w->bench->sim, 4) == 0)
            sim_run_for(w->bench->sim, span_ms(1));
    }
    world_settle(w);
    for (unsigned i = 0; i < 3; i++)
        heard = hash_bytes(
            slice_of(nodes[i]->heard, nodes[i]->heard_count * sizeof nodes[i]->heard[0]), heard);
    heard ^= sim_trace(w->bench->sim);
    world_free(w);
    return heard;
}

static void the_same_seed_hears_the_same(void **)
{
    assert_true(chat(7) == chat(7));
    assert_true(chat(7) != chat(8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_holds_one_way_until_it_is_mended),
        cmocka_unit_test(cuts_both_ways_part_two_nodes_and_no_third),
        cmocka_unit_test(a_cut_outlives_the_bus_of_a_node_that_starts_anew),
        cmocka_unit_test(two_of_one_name_do_not_hear_each_other),
        cmocka_unit_test(a_node_cut_from_the_log_is_refused_and_hears_all_afterwards),
        cmocka_unit_test(an_answer_that_is_lost_leaves_open_what_became_of_the_order),
        cmocka_unit_test(the_same_seed_hears_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
