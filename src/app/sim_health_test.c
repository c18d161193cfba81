// SPDX-License-Identifier: Apache-2.0
/* How soon all know that a node died, left or is back; and whom nobody takes for dead. */
#include "app/sim_health_test.h"

struct wish {
    struct sim_wish wish;
    const struct world *w;
    size_t of;
    bool sends; // all others are to send visitors there, or none
};

static bool others_do(struct sim_wish *wish)
{
    const struct wish *d = container_of(wish, struct wish, wish);

    for (size_t i = 0; i < d->w->node_count; i++)
        if (i != d->of && sends_to(d->w, i, d->of) != d->sends)
            return false;
    return true;
}

/* Until all others do, or do not, send visitors to the node. */
static int64_t ms_until(struct world *w, size_t of, bool sends)
{
    struct wish wish = { { others_do }, w, of, sends };
    struct instant start = sim_now(w->sim);

    assert_true(sim_run_until(w->sim, &wish.wish, span_s(120)));
    return instant_since(start, sim_now(w->sim)).ns / 1000000;
}

static void kill_one(struct world *w, bool is_refusing, struct figures *f)
{
    size_t victim = sim_draw(w->sim, w->node_count);

    no_change_but_up(w);
    uint64_t before = changes(w, victim);

    node_dies(w, victim, is_refusing);
    figures_add(f, ms_until(w, victim, false));
    sim_run_for(w->sim, span_s(5));
    for (size_t i = 0; i < w->node_count; i++)
        if (i != victim)
            assert_int_equal(health(w, i, victim) & STEER_OUT, STEER_DOWN);
    // And of all else nobody had anything to tell.
    assert_int_equal(changes(w, victim) - before, w->node_count - 1);
}

static int64_t worst_of_kills(
    const char *network, unsigned worlds, bool is_refusing, const char *what)
{
    struct figures f = { .list = mem_array(FIGURES_MAX, sizeof(int64_t)) };

    for (uint64_t seed = 1; seed <= worlds; seed++) {
        struct world *w = begin_on(seed, network);

        kill_one(w, is_refusing, &f);
        end(w);
    }
    int64_t worst = figures_tell(&f, what);

    mem_free(f.list);
    return worst;
}

static void a_silent_node_is_out_of_all_answers_within_two_seconds(void **)
{
    assert_true(worst_of_kills(
                    FIVE, seeds(), false, "ms until a silent node is out of all answers") < 2000);
}

static void a_node_whose_process_died_is_out_of_all_answers_within_two_seconds(void **)
{
    assert_true(worst_of_kills(
                    FIVE, seeds(), true, "ms until a refusing node is out of all answers") < 2000);
}

/* In six pops: each check has five that watch it, and the others believe them. */
static const char TWELVE[] =
    HEAD POP("p1", "n1: {address: 10.0.0.1}, n2: {address: 10.0.0.2}, n3: {address: 10.0.0.3}")
        POP("p2", "n4: {address: 10.0.0.4}, n5: {address: 10.0.0.5}, n6: {address: 10.0.0.6}")
            POP("p3", "n7: {address: 10.0.0.7}, n8: {address: 10.0.0.8}")
                POP("p4", "n9: {address: 10.0.0.9}, n10: {address: 10.0.0.10}")
                    POP("p5", "n11: {address: 10.0.0.11}") POP("p6", "n12: {address: 10.0.0.12}")
                        TAIL;

static void it_is_so_among_many_nodes_of_which_few_watch_it(void **)
{
    assert_true(worst_of_kills(TWELVE, (seeds() + 4) / 5, false,
                    "ms until a silent one of twelve is out") < 2000);
    assert_true(worst_of_kills(TWELVE, (seeds() + 4) / 5, true,
                    "ms until a refusing one of twelve is out") < 2000);
}

static void visitors_are_sent_elsewhere_by_whichever_name_server_they_ask(void **)
{
    struct asking crowd = { .name = "static.test", .subnets = 20, .every = span_ms(100) };
    struct resolver resolvers[NODES];
    struct world *w = begin(1);
    struct ip victim = node_ip(SIN1);

    for (crowd.node = 0; crowd.node < NODES; crowd.node++)
        if (crowd.node != SIN1)
            resolver_start(w, &resolvers[crowd.node], crowd);
    node_dies(w, SIN1, false);
    sim_run_for(w->sim, span_ms(2200));
    for (size_t i = 0; i < NODES; i++) {
        if (i == SIN1)
            continue;
        for (unsigned k = 0; k < crowd.subnets; k++)
            assert_false(ip_equal(&resolvers[i].answers[k], &victim));
        assert_int_equal(resolvers[i].empty, 0);
        resolver_stop(w, &resolvers[i]);
    }
    end(w);
}

static void one_that_is_back_has_to_answer_for_a_while(void **)
{
    struct figures f = { .list = mem_array(FIGURES_MAX, sizeof(int64_t)) };

    for (uint64_t seed = 1; seed <= (seeds() + 4) / 5; seed++) {
        struct world *w = begin(seed);

        node_dies(w, NYC1, false);
        (void)ms_until(w, NYC1, false);
        sim_run_for(w->sim, span_s(10));
        node_lives(w, NYC1);
        int64_t back_ms = ms_until(w, NYC1, true);

        assert_in_range(back_ms, 2800, 20000); // one probe may have waited for it
        figures_add(&f, back_ms);
        end(w);
    }
    (void)figures_tell(&f, "ms until a node that is back is in all answers");
    mem_free(f.list);
}

/* Its heartbeats are missed, so it is looked for; and it is there. */
static void a_node_without_bus_that_answers_stays_in(void **)
{
    for (uint64_t seed = 1; seed <= (seeds() + 4) / 5; seed++) {
        struct world *w = begin(seed);

        cut_off(w, GRU1, true);
        sim_run_for(w->sim, span_s(30));
        for (size_t i = 0; i < NODES; i++) {
            assert_true(sends_to(w, i, GRU1));
            assert_true(sends_to(w, GRU1, i));
            assert_in_range(counter_read(&probes_counts(steering_probes(w->steering[i]))->alarms),
                i == GRU1 ? 4 : 1, i == GRU1 ? 4 : 1);
        }
        no_change_but_up(w);
        end(w);
    }
}

static const struct sim_link LOSSY = { .delay = { 2000000 }, .jitter = { 1000000 }, .loss = 0.2 };

static void a_fifth_of_all_probes_lost_takes_nobody_out(void **)
{
    for (uint64_t seed = 1; seed <= (seeds() + 9) / 10; seed++) {
        struct world *w = begin(seed);

        sim_link_set(w->sim, NULL, NULL, &LOSSY);
        for (size_t i = 0; i < WORLD_ORIGINS; i++)
            w->origins[i].lost_percent = 20;
        sim_run_for(w->sim, span_s(600));
        no_change_but_up(w);
        end(w);
    }
}

struct origin_wish {
    struct sim_wish wish;
    const struct world *w;
};

static bool all_have_it_down(struct sim_wish *wish)
{
    const struct world *w = container_of(wish, struct origin_wish, wish)->w;

    for (size_t i = 0; i < w->node_count; i++)
        if (origins_down(w, i, STEER_DOWN) < ORIGIN_CHECKS / 2)
            return false;
    return true;
}

/* Each node's own probes would take 2.5 s; the first to find out hurries the others. */
static void an_origin_that_fell_silent_is_out_of_the_answers_of_all(void **)
{
    struct figures f = { .list = mem_array(FIGURES_MAX, sizeof(int64_t)) };

    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        const struct sim_link dark = { .is_dark = true };
        struct world *w = begin(seed);
        struct origin_wish wish = { { all_have_it_down }, w };
        struct instant start = sim_now(w->sim);

        origin_link(w, 0, &dark);
        assert_true(sim_run_until(w->sim, &wish.wish, span_s(10)));
        figures_add(&f, instant_since(start, sim_now(w->sim)).ns / 1000000);
        end(w);
    }
    assert_true(figures_tell(&f, "ms until a silent origin is out of all answers") <= 2500);
    mem_free(f.list);
}

/* Probed once a minute: at their own pace the third of four pops would know after most of it. */
static const char SELDOM[] = HEAD POP("fra", "fra1: {address: 10.0.0.1}, fra2: {address: 10.0.0.2}")
    POP("nyc", "nyc1: {address: 10.0.0.3}") POP("sin", "sin1: {address: 10.0.0.4}")
        POP("gru", "gru1: {address: 10.0.0.5}") "customers:\n"
                                                "  acme:\n"
                                                "    origins:\n"
                                                "      one: {address: \"10.0.1.1:80\"}\n"
                                                "      two: {address: \"10.0.1.2:80\"}\n"
                                                "    sites:\n"
                                                "      a.test: {steer: [one, two], "
                                                "probe: {http: /health, every: 60s}}\n";

struct seldom_wish {
    struct sim_wish wish;
    const struct world *w;
    uint8_t bit;
    unsigned nodes; // that have the bit of an origin set, at least
};

static bool nodes_have(struct sim_wish *wish)
{
    const struct seldom_wish *d = container_of(wish, struct seldom_wish, wish);
    unsigned count = 0;

    for (size_t i = 0; i < d->w->node_count; i++)
        count += origins_down(d->w, i, d->bit) > 0;
    return count >= d->nodes;
}

static void the_first_to_find_an_origin_dead_has_the_others_look(void **)
{
    struct figures f = { .list = mem_array(FIGURES_MAX, sizeof(int64_t)) };

    for (uint64_t seed = 1; seed <= (seeds() + 4) / 5; seed++) {
        const struct sim_link dark = { .is_dark = true };
        struct world *w = begin_on(seed, SELDOM);
        struct seldom_wish first = { { nodes_have }, w, STEER_DOWN_HERE, 1 };
        struct seldom_wish all = { { nodes_have }, w, STEER_DOWN, NODES };

        origin_link(w, 0, &dark);
        assert_true(sim_run_until(w->sim, &first.wish, span_s(70)));
        struct instant found = sim_now(w->sim);

        assert_true(sim_run_until(w->sim, &all.wish, span_s(70)));
        figures_add(&f, instant_since(found, sim_now(w->sim)).ns / 1000000);
        end(w);
    }
    assert_true(figures_tell(&f, "ms from the first node's verdict to that of all") <= 3000);
    mem_free(f.list);
}

static void one_that_says_it_leaves_is_out_at_once(void **)
{
    for (uint64_t seed = 1; seed <= (seeds() + 4) / 5; seed++) {
        struct world *w = begin(seed);

        node_leaves(w, SIN1);
        assert_true(ms_until(w, SIN1, false) <= 20);
        for (size_t i = 0; i < NODES; i++) // before anybody finds it silent
            assert_int_equal(health(w, i, SIN1), i == SIN1 ? 0 : STEER_LEAVING);
        end(w);
    }
}

/* Nobody hears that it has begun anew: its bus is broken. */
static void one_that_left_is_in_again_when_probes_find_it_back(void **)
{
    struct world *w = begin(1);

    node_leaves(w, SIN1);
    node_dies(w, SIN1, true);
    sim_run_for(w->sim, span_s(10));
    assert_int_equal(health(w, FRA1, SIN1), STEER_LEAVING | STEER_DOWN | STEER_DOWN_HERE);
    node_serves(w, SIN1);
    sim_run_for(w->sim, span_s(20));
    for (size_t i = 0; i < NODES; i++)
        assert_true(i == SIN1 || health(w, i, SIN1) == 0);
    end(w);
}

static void what_one_that_leaves_refuses_is_not_held_against_it(void **)
{
    struct world *w = begin(1);

    node_leaves(w, SIN1);
    node_dies(w, SIN1, true);
    sim_run_for(w->sim, span_s(12)); // longer than two epochs
    for (size_t i = 0; i < NODES; i++) {
        const struct facts *facts = root_map(node_root(w->nodes[i]))->facts;
        const struct fact *errors = &facts->checks[check_of(w, i, SIN1)].own[REPORT_ERRORS];

        assert_true(i == SIN1 || (errors->sources == 1 && errors->measured == 0));
    }
    end(w);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_silent_node_is_out_of_all_answers_within_two_seconds),
        cmocka_unit_test(a_node_whose_process_died_is_out_of_all_answers_within_two_seconds),
        cmocka_unit_test(it_is_so_among_many_nodes_of_which_few_watch_it),
        cmocka_unit_test(visitors_are_sent_elsewhere_by_whichever_name_server_they_ask),
        cmocka_unit_test(one_that_is_back_has_to_answer_for_a_while),
        cmocka_unit_test(a_node_without_bus_that_answers_stays_in),
        cmocka_unit_test(a_fifth_of_all_probes_lost_takes_nobody_out),
        cmocka_unit_test(an_origin_that_fell_silent_is_out_of_the_answers_of_all),
        cmocka_unit_test(the_first_to_find_an_origin_dead_has_the_others_look),
        cmocka_unit_test(one_that_says_it_leaves_is_out_at_once),
        cmocka_unit_test(one_that_left_is_in_again_when_probes_find_it_back),
        cmocka_unit_test(what_one_that_leaves_refuses_is_not_held_against_it),
    };

    return cmocka_run_group_tests_name("app/sim_health", cases, NULL, NULL);
}
