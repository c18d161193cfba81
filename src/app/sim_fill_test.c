// SPDX-License-Identifier: Apache-2.0
/* Which origin a node in the simulated world asks for what it does not have. */
#include "app/sim_ask_test.h"
#include "conf/checks.h"
#include "steer/rows.h"

enum { OBJECTS = 40 };

static void use_site(struct world *w, const char *site)
{
    struct root *root = world_root_of(site);

    node_publish(w->node, &root);
}

static void ask_object(struct world *w, const char *kind, size_t number)
{
    struct ask a;
    char path[32];

    snprintf(path, sizeof path, "/%s/%zu", kind, number);
    ask_and_wait(w, &a, path, "");
    assert_whole(&a, number);
}

static void slow_story(struct world *w)
{
    use_site(w, "deliver: [one, two], fill: least-loaded");
    w->origins[0].thinks = span_s(2);
    for (size_t i = 1; i <= OBJECTS; i++)
        ask_object(w, "kept", i);
    assert_int_equal(origin_requests(w), OBJECTS);
    assert_in_range(w->origins[0].requests, 1, OBJECTS / 10);
    unsigned before = w->origins[1].requests;

    w->origins[0].thinks = span_s(0);
    w->origins[1].thinks = span_s(2);
    for (size_t i = 1; i <= OBJECTS; i++)
        ask_object(w, "kept", OBJECTS + i);
    assert_true(w->origins[1].requests < before + OBJECTS / 2); // it was found out
}

static void most_fills_are_asked_of_the_quick_origin(void **)
{
    in_many_worlds(slow_story);
}

/* All at once; `from` is the first one's number. */
static void ask_crowd(struct world *w, size_t from)
{
    struct ask *asks = mem_array(OBJECTS, sizeof *asks);
    char path[32];

    for (size_t i = 0; i < OBJECTS; i++) {
        snprintf(path, sizeof path, "/kept/%zu", from + i);
        ask_start(w, &asks[i], path, "");
    }
    world_wait(w, asks, OBJECTS);
    for (size_t i = 0; i < OBJECTS; i++)
        assert_whole(&asks[i], from + i);
    mem_free(asks);
}

static void equal_story(struct world *w)
{
    use_site(w, "deliver: [one, two], fill: least-loaded");
    for (size_t round = 1; round <= 5; round++)
        ask_crowd(w, round * 1000);
    assert_int_equal(origin_requests(w), 5 * OBJECTS);
    for (size_t i = 0; i < WORLD_ORIGINS; i++)
        assert_true(w->origins[i].requests > OBJECTS);
}

static void equal_origins_share_the_fills(void **)
{
    in_many_worlds(equal_story);
}

static void down_story(struct world *w)
{
    use_site(w, "deliver: [one, two], fill: least-loaded");
    w->origins[1].says_503 = true;
    for (size_t i = 1; w->origins[1].requests == 0; i++)
        ask_object(w, "kept", i);
    ask_crowd(w, 1000);
    assert_int_equal(w->origins[1].requests, 1);
}

static void an_origin_that_failed_is_not_asked_while_another_answers(void **)
{
    in_many_worlds(down_story);
}

static void hash_story(struct world *w)
{
    unsigned of_first = 0;

    use_site(w, "deliver: [one, two], fill: hash");
    for (size_t i = 1; i <= OBJECTS; i++) {
        unsigned before = w->origins[0].requests;

        ask_object(w, "private", i); // never kept, so it is asked for each time
        bool is_of_first = w->origins[0].requests > before;

        ask_object(w, "private", i);
        assert_int_equal(w->origins[0].requests, before + (is_of_first ? 2 : 0));
        of_first += is_of_first;
    }
    assert_in_range(of_first, OBJECTS / 4, OBJECTS * 3 / 4);
    origin_stop(&w->origins[0]);
    for (size_t i = 1; i <= OBJECTS; i++)
        ask_object(w, "private", i); // the other has them meanwhile
}

static void with_hash_each_object_has_its_origin(void **)
{
    in_many_worlds(hash_story);
}

static void reserve_story(struct world *w)
{
    use_site(w, "deliver: [one], reserve: [two]");
    w->origins[0].thinks = span_s(2); // even then
    ask_crowd(w, 1000);
    assert_int_equal(w->origins[1].requests, 0);
    w->origins[0].thinks = span_s(0);
    w->origins[0].says_503 = true;
    ask_object(w, "kept", 1);
    ask_crowd(w, 2000);
    assert_int_equal(w->origins[1].requests, 1 + OBJECTS);
    assert_int_equal(w->origins[0].requests, OBJECTS + 1); // it failed once
    w->origins[0].says_503 = false;
    sim_run_for(w->sim, span_s(2));
    ask_object(w, "kept", 2); // well again, for all
    ask_crowd(w, 3000);
    assert_int_equal(w->origins[1].requests, 1 + OBJECTS);
}

static void a_reserve_is_asked_only_while_no_other_is_fit(void **)
{
    in_many_worlds(reserve_story);
}

static void say(struct world *w, size_t origin, uint8_t bit, bool is_set)
{
    const struct root *root = node_root(w->node);
    const struct site *site = network_site(root->network, SLICE("static.test"));

    steer_health_set(
        root->rows, checks_of_origin(root->release->checks, site, origin), bit, is_set);
}

static void say_down(struct world *w, size_t origin, bool is_down)
{
    say(w, origin, STEER_DOWN_HERE, is_down);
}

static void told_story(struct world *w)
{
    use_site(w, "deliver: [one, two], fill: ordered");
    say_down(w, 0, true);
    ask_crowd(w, 1000);
    assert_int_equal(w->origins[0].requests, 0);
    say_down(w, 1, true); // both: as if none were
    ask_crowd(w, 2000);
    assert_int_equal(w->origins[0].requests, OBJECTS);
    say_down(w, 0, false);
    say_down(w, 1, false);
    ask_crowd(w, 3000);
    assert_int_equal(w->origins[0].requests, 2 * OBJECTS);
}

static void an_origin_that_probes_call_down_is_asked_when_no_other_is_left(void **)
{
    in_many_worlds(told_story);
}

static void drained_story(struct world *w)
{
    struct ask a;

    use_site(w, "deliver: [one, two], fill: least-loaded, missing: next");
    say(w, 1, STEER_DRAINED, true);
    ask_crowd(w, 1000);
    ask_and_wait(w, &a, "/second/10", ""); // which only the drained one has
    assert_int_equal(a.status, 404);
    assert_int_equal(w->origins[1].requests, 0);
    say_down(w, 0, true); // still before what the operator took out
    ask_crowd(w, 2000);
    assert_int_equal(w->origins[1].requests, 0);
    origin_stop(&w->origins[0]);
    ask_crowd(w, 3000);
    assert_int_equal(w->origins[1].requests, OBJECTS);
}

static void a_drained_origin_is_asked_only_when_no_other_answers(void **)
{
    in_many_worlds(drained_story);
}

static uint64_t trace_of(uint64_t seed)
{
    const struct sim_link link = link_of(1);
    struct world *w = world_open(seed, &link);

    use_site(w, "deliver: [one, two], fill: least-loaded");
    ask_crowd(w, 1000);
    uint64_t trace = sim_trace(w->sim);

    world_close(w);
    return trace;
}

static void the_same_seed_draws_the_same_origins(void **)
{
    for (uint64_t seed = 1; seed <= 5; seed++)
        assert_true(trace_of(seed) == trace_of(seed));
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(most_fills_are_asked_of_the_quick_origin),
        cmocka_unit_test(equal_origins_share_the_fills),
        cmocka_unit_test(an_origin_that_failed_is_not_asked_while_another_answers),
        cmocka_unit_test(with_hash_each_object_has_its_origin),
        cmocka_unit_test(a_reserve_is_asked_only_while_no_other_is_fit),
        cmocka_unit_test(an_origin_that_probes_call_down_is_asked_when_no_other_is_left),
        cmocka_unit_test(a_drained_origin_is_asked_only_when_no_other_answers),
        cmocka_unit_test(the_same_seed_draws_the_same_origins),
    };

    return cmocka_run_group_tests_name("app/sim_fill", cases, NULL, NULL);
}
