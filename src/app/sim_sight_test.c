// SPDX-License-Identifier: Apache-2.0
/* Nodes that see or hear less than others do: who believes whom. */
#include <sys/mman.h>

#include "app/sim_health_test.h"
#include "app/sim_reload_test.h"

enum { LOG_MAX = 64 * 1024 };

static const char FIVE_LATER[] =
    FIVE_NODES "      e.test: {steer: [one, two], probe: {http: /health?e}}\n";

static void log_to_memory(struct world *w)
{
    log_init(&w->log, memfd_create("log", 0), LOG_INFO);
}

/* How often the text stands in what was logged. */
static unsigned logged(const struct world *w, const char *text)
{
    char *log = mem_alloc(LOG_MAX);
    unsigned count = 0;

    assert_in_range(pread(w->log.fd, log, LOG_MAX - 1, 0), 0, LOG_MAX - 2);
    for (const char *at = log; (at = strstr(at, text)) != NULL; at++)
        count++;
    mem_free(log);
    return count;
}

static void origins_are(struct world *w, size_t node, bool are_dark)
{
    struct ip at = node_ip(node);

    for (size_t i = 0; i < WORLD_ORIGINS; i++)
        path_is(w, &at, &w->origins[i].at.ip, are_dark);
}

/* Its way to all origins is lost: ten checks of fifteen. */
static void a_vantage_that_goes_blind_takes_nobody_down(void **)
{
    for (uint64_t seed = 1; seed <= (seeds() + 4) / 5; seed++) {
        struct world *w = begin(seed);
        const struct verdicts *v = steering_verdicts(w->steering[SIN1]);

        log_to_memory(w);
        origins_are(w, SIN1, true);
        sim_run_for(w->sim, span_s(10));
        assert_true(verdicts_is_blind(v));
        assert_int_equal(origins_down(w, SIN1, STEER_DOWN_HERE), ORIGIN_CHECKS);
        for (size_t i = 0; i < NODES; i++) {
            assert_int_equal(origins_down(w, i, STEER_DOWN), 0);
            assert_int_equal(verdicts_tally(steering_verdicts(w->steering[i]), 0).groups, 3);
        }
        origins_are(w, SIN1, false);
        sim_run_for(w->sim, span_s(20));
        assert_false(verdicts_is_blind(v));
        assert_int_equal(verdicts_tally(v, 0).groups, 4);
        assert_int_equal(logged(w, "steer blind node=sin1"), 1);
        assert_int_equal(logged(w, "steer sees node=sin1"), 1);
        assert_int_equal(logged(w, "steer blind"), 1);
        no_change_but_up(w);
        end(w);
    }
}

/* Two of four pops lost their way there, and say so; two did not. */
static void of_what_half_the_pops_see_each_half_goes_by_itself(void **)
{
    struct world *w = begin(1);
    struct ip *origin = &w->origins[0].at.ip;

    for (size_t i = SIN1; i <= GRU1; i++) {
        struct ip at = node_ip(i);

        path_is(w, &at, origin, true);
    }
    sim_run_for(w->sim, span_s(10));
    for (size_t i = 0; i < NODES; i++)
        assert_int_equal(origins_down(w, i, STEER_DOWN), i >= SIN1 ? ORIGIN_CHECKS / 2 : 0);
    end(w);
}

static void what_most_pops_lost_is_down_for_all_but_not_for_the_fills_of_those_who_see(void **)
{
    struct world *w = begin(1);
    struct ip *origin = &w->origins[0].at.ip;

    for (size_t i = NYC1; i <= GRU1; i++) {
        struct ip at = node_ip(i);

        path_is(w, &at, origin, true);
    }
    sim_run_for(w->sim, span_s(10));
    for (size_t i = 0; i < NODES; i++) {
        assert_int_equal(origins_down(w, i, STEER_DOWN), ORIGIN_CHECKS / 2);
        assert_int_equal(origins_down(w, i, STEER_DOWN_HERE), i >= NYC1 ? ORIGIN_CHECKS / 2 : 0);
    }
    end(w);
}

/* It hears one of its four peers. */
static void few_are_heard(struct world *w, size_t node, bool are_few)
{
    for (size_t i = 0; i < NODES; i++)
        if (i != node && i != GRU1)
            hear_from(w, node, i, are_few);
}

static void a_node_that_hears_too_few_keeps_its_map_and_says_so(void **)
{
    for (uint64_t seed = 1; seed <= (seeds() + 9) / 10; seed++) {
        struct world *w = begin(seed);
        struct wall epoch;

        log_to_memory(w);
        few_are_heard(w, NYC1, true);
        sim_run_for(w->sim, span_s(3));
        assert_true(hearing_is_suspect(steering_hearing(w->steering[NYC1])));
        epoch = root_map(node_root(w->nodes[NYC1]))->epoch;
        sim_run_for(w->sim, span_s(120));
        assert_int_equal(root_map(node_root(w->nodes[NYC1]))->epoch.ms, epoch.ms);
        assert_true(root_map(node_root(w->nodes[FRA1]))->epoch.ms > epoch.ms);
        assert_int_equal(verdicts_tally(steering_verdicts(w->steering[FRA1]), 0).groups, 3);
        few_are_heard(w, NYC1, false);
        sim_run_for(w->sim, span_s(25));
        assert_int_equal(root_map(node_root(w->nodes[NYC1]))->epoch.ms,
            root_map(node_root(w->nodes[FRA1]))->epoch.ms);
        assert_int_equal(verdicts_tally(steering_verdicts(w->steering[FRA1]), 0).groups, 4);
        assert_int_equal(logged(w, "suspect node=nyc1"), 1);
        assert_int_equal(logged(w, "suspect node="), 1);
        no_change_but_up(w);
        end(w);
    }
}

static void who_hears_too_few_goes_by_its_own_probes(void **)
{
    const struct sim_link dark = { .is_dark = true };
    struct world *w = begin(1);
    struct ip at = node_ip(NYC1);

    few_are_heard(w, NYC1, true);
    sim_run_for(w->sim, span_s(3));
    origin_link(w, 0, &dark); // for all but nyc1
    path_is(w, &at, &w->origins[0].at.ip, false);
    sim_run_for(w->sim, span_s(10));
    assert_int_equal(origins_down(w, NYC1, STEER_DOWN), 0);
    assert_int_equal(origins_down(w, FRA1, STEER_DOWN), ORIGIN_CHECKS / 2);
    few_are_heard(w, NYC1, false);
    sim_run_for(w->sim, span_s(3));
    assert_int_equal(origins_down(w, NYC1, STEER_DOWN), ORIGIN_CHECKS / 2);
    end(w);
}

static int64_t map_age_ms(const struct world *w, size_t node)
{
    return loop_wall(w->controls[node]).ms - root_map(node_root(w->nodes[node]))->epoch.ms;
}

static void a_map_is_kept_for_an_hour_and_no_longer(void **)
{
    struct world *w = begin(1);

    few_are_heard(w, NYC1, true);
    sim_run_for(w->sim, (struct span){ VERDICTS_KEEP_MAP.ns - span_s(1).ns });
    assert_true(map_age_ms(w, NYC1) > 3590 * 1000);
    sim_run_for(w->sim, span_s(100));
    assert_true(map_age_ms(w, NYC1) < 3 * STEER_EPOCH_MS);
    end(w);
}

static void what_is_known_of_health_outlives_a_release(void **)
{
    struct world *w = begin(1);

    origins_are(w, NYC1, true);
    sim_run_for(w->sim, span_s(10));
    node_dies(w, SIN1, false);
    node_leaves(w, GRU1);
    sim_run_for(w->sim, span_ms(100));
    cut_off(w, GRU1, true); // nor does it say so once more
    sim_run_for(w->sim, span_s(3));
    uint64_t before = changes(w, SIZE_MAX);

    use_network(w, FIVE_LATER);
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(health(w, FRA1, SIN1), STEER_DOWN | STEER_DOWN_HERE);
        assert_int_equal(health(w, FRA1, GRU1), STEER_LEAVING);
        assert_int_equal(origins_down(w, NYC1, STEER_DOWN_HERE), ORIGIN_CHECKS);
        assert_int_equal(origins_down(w, NYC1, STEER_DOWN), 0);
        assert_true(verdicts_is_blind(steering_verdicts(w->steering[NYC1])));
        sim_run_for(w->sim, span_ms(40));
    }
    assert_int_equal(changes(w, SIZE_MAX), before);
    end(w);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_vantage_that_goes_blind_takes_nobody_down),
        cmocka_unit_test(of_what_half_the_pops_see_each_half_goes_by_itself),
        cmocka_unit_test(
            what_most_pops_lost_is_down_for_all_but_not_for_the_fills_of_those_who_see),
        cmocka_unit_test(a_node_that_hears_too_few_keeps_its_map_and_says_so),
        cmocka_unit_test(who_hears_too_few_goes_by_its_own_probes),
        cmocka_unit_test(a_map_is_kept_for_an_hour_and_no_longer),
        cmocka_unit_test(what_is_known_of_health_outlives_a_release),
    };

    return cmocka_run_group_tests_name("app/sim_sight", cases, NULL, NULL);
}
