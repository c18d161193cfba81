// SPDX-License-Identifier: Apache-2.0
/* Sixteen nodes of which five watch each check: all know as soon, and as well, as if all did. */
#include "app/root.h"
#include "app/sim_health_test.h"
#include "app/sim_reload_test.h"
#include "steer/map.h"
#include "steer/watch.h"

#define PAIR(pop, one, other) \
    POP(pop, pop "1: {address: 10.0.0." one "}, " pop "2: {address: 10.0.0." other "}")

#define SIXTEEN_NODES                                                                            \
    HEAD PAIR("ams", "1", "2") PAIR("bom", "3", "4") PAIR("fra", "5", "6") PAIR("gru", "7", "8") \
        PAIR("lax", "9", "10") PAIR("nyc", "11", "12") PAIR("sin", "13", "14")                   \
            PAIR("syd", "15", "16") TAIL

static const char SIXTEEN[] = SIXTEEN_NODES;
static const char SIXTEEN_LATER[] =
    SIXTEEN_NODES "      e.test: {steer: [one, two], probe: {http: /health?e}}\n";

enum { MANY = 16 };

static struct world *begin_many(uint64_t seed)
{
    fprintf(stderr, "seed %llu\r", (unsigned long long)seed);
    struct world *w = world_prepared(seed, SIXTEEN);

    assert_int_equal(w->node_count, MANY);
    w->hub = bus_hub_new();
    world_steer(w);
    sim_run_for(w->sim, span_ms(40000 + (int64_t)sim_draw(w->sim, 2000)));
    return w;
}

static unsigned some_seeds(void)
{
    return (seeds() + 9) / 10;
}

static const struct watch_table *watch_of(const struct world *w, size_t node)
{
    return node_root(w->nodes[node])->release->watch;
}

static uint64_t sent_by(const struct world *w, size_t node)
{
    return counter_read(&probes_counts(steering_probes(w->steering[node]))->sent);
}

static uint64_t name_of(const struct world *w, size_t node)
{
    return hash_bytes(w->nodes[node]->name, 0);
}

/* Probes that the node is to send in a minute, if no interval were shortened. */
static double due_in_a_minute(const struct world *w, size_t node)
{
    const struct checks *checks = rows_of(w, node)->checks;
    double due = 0;

    for (uint32_t i = 0; i < checks->count; i++)
        due += 60e9 / (double)watch_interval(watch_of(w, node), i, name_of(w, node)).ns;
    return due;
}

static void a_node_probes_often_what_it_watches_and_seldom_the_rest(void **)
{
    struct world *w = begin_many(1);
    uint64_t before[MANY], sum = 0;
    size_t checks = rows_of(w, 0)->checks->count;

    for (size_t i = 0; i < MANY; i++)
        before[i] = sent_by(w, i);
    sim_run_for(w->sim, span_s(60));
    for (size_t i = 0; i < MANY; i++) {
        double sent = (double)(sent_by(w, i) - before[i]), due = due_in_a_minute(w, i);

        sum += sent_by(w, i) - before[i];
        assert_true(sent > 0.95 * due && sent < 1.1 * due + (double)checks);
    }
    print_message("# %zu checks, %u nodes: %.1f probes/s a node; %zu if all watched\n", checks,
        (unsigned)MANY, (double)sum / 60 / MANY, checks);
    assert_true(sum < 60 * MANY * checks / 2);
    no_change_but_up(w);
    end(w);
}

struct many_wish {
    struct sim_wish wish;
    const struct world *w;
    size_t of;     // MANY: of the first origin
    bool is_known; // as down
};

static bool all_know(struct sim_wish *wish)
{
    const struct many_wish *m = container_of(wish, struct many_wish, wish);

    for (size_t i = 0; i < MANY; i++) {
        unsigned down =
            m->of == MANY ? origins_down(m->w, i, STEER_DOWN) : !sends_to(m->w, i, m->of);
        unsigned least = m->of == MANY ? ORIGIN_CHECKS / 2 : 1;

        if (i != m->of && (m->is_known ? down < least : down > 0))
            return false;
    }
    return true;
}

static int64_t ms_until_known(struct world *w, size_t of, bool is_known)
{
    struct many_wish wish = { { all_know }, w, of, is_known };
    struct instant start = sim_now(w->sim);

    assert_true(sim_run_until(w->sim, &wish.wish, span_s(60)));
    return instant_since(start, sim_now(w->sim)).ns / 1000000;
}

static int64_t worst_of_kills(bool is_refusing, const char *what)
{
    struct figures f = { .list = mem_array(FIGURES_MAX, sizeof(int64_t)) };

    for (uint64_t seed = 1; seed <= some_seeds(); seed++) {
        struct world *w = begin_many(seed);
        size_t victim = sim_draw(w->sim, MANY);

        node_dies(w, victim, is_refusing);
        figures_add(&f, ms_until_known(w, victim, true));
        end(w);
    }
    int64_t worst = figures_tell(&f, what);

    mem_free(f.list);
    return worst;
}

static void a_dead_node_is_out_of_all_answers_within_two_seconds(void **)
{
    assert_true(worst_of_kills(false, "ms until a silent one of 16 nodes is out") < 2000);
    assert_true(worst_of_kills(true, "ms until a refusing one of 16 nodes is out") < 2000);
}

/* By their own probes, as fills go. */
static void all_have_found_down(const struct world *w, unsigned checks)
{
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(origins_down(w, i, STEER_DOWN_HERE), checks);
}

static void who_does_not_watch_an_origin_knows_as_soon(void **)
{
    struct figures f = { .list = mem_array(FIGURES_MAX, sizeof(int64_t)) };
    struct figures b = { .list = mem_array(FIGURES_MAX, sizeof(int64_t)) };

    for (uint64_t seed = 1; seed <= some_seeds(); seed++) {
        const struct sim_link dark = { .is_dark = true }, near = link_near(seed);
        struct world *w = begin_many(seed);

        origin_link(w, 0, &dark);
        figures_add(&f, ms_until_known(w, MANY, true));
        sim_run_for(w->sim, span_ms(2600)); // after which who does not watch has found it too
        all_have_found_down(w, ORIGIN_CHECKS / 2);
        sim_run_for(w->sim, span_s(20));
        origin_link(w, 0, &near);
        figures_add(&b, ms_until_known(w, MANY, false));
        sim_run_for(w->sim, span_s(6));
        all_have_found_down(w, 0);
        end(w);
    }
    assert_true(figures_tell(&f, "ms until 16 nodes know that an origin is silent") <= 2600);
    assert_true(figures_tell(&b, "ms until 16 nodes know that it is back") <= 6000);
    mem_free(f.list);
    mem_free(b.list);
}

/* What it found alone is half a minute old where it does not watch. */
static void who_found_otherwise_than_most_looks_again_after_a_reload(void **)
{
    for (uint64_t seed = 1; seed <= some_seeds(); seed++) {
        struct world *w = begin_many(seed);
        size_t one = sim_draw(w->sim, MANY);
        struct ip at = node_ip(one);

        path_is(w, &at, &w->origins[0].at.ip, true);
        sim_run_for(w->sim, span_s(35));
        assert_int_equal(origins_down(w, one, STEER_DOWN_HERE), ORIGIN_CHECKS / 2);
        path_is(w, &at, &w->origins[0].at.ip, false);
        use_network(w, SIXTEEN_LATER);
        sim_run_for(w->sim, span_s(7));
        assert_int_equal(origins_down(w, one, STEER_DOWN_HERE), 0);
        assert_int_equal(origins_down(w, one, STEER_DOWN), 0);
        end(w);
    }
}

static const struct facts *facts_at(const struct world *w, size_t node)
{
    return root_map(node_root(w->nodes[node]))->facts;
}

static void assert_same_facts(const struct facts *a, const struct facts *b)
{
    assert_int_equal(a->epoch.ms, b->epoch.ms);
    for (size_t i = 0; i < a->count; i++)
        for (size_t kind = 0; kind < REPORT_KIND_COUNT; kind++) {
            assert_int_equal(a->checks[i].all[kind].value, b->checks[i].all[kind].value);
            assert_int_equal(a->checks[i].all[kind].sources, b->checks[i].all[kind].sources);
        }
}

/* Of latency: what silence made of it is not there, neither in our own nor in that of all. */
static void assert_fresh(const struct facts *facts)
{
    for (size_t i = 0; i < facts->count; i++) {
        const struct check_facts *of = &facts->checks[i];

        assert_int_equal(of->own[REPORT_LATENCY].sources, 1);
        assert_int_equal(of->own[REPORT_LATENCY].value, of->own[REPORT_LATENCY].measured);
        assert_int_equal(of->all[REPORT_LATENCY].sources, MANY);
        assert_int_equal(of->all[REPORT_RESPONSE].sources, WATCHERS);
        assert_in_range(of->all[REPORT_RESPONSE].age_ms, 0, 3000);
    }
}

static void what_is_probed_seldom_is_known_alike_and_costs_no_more(void **)
{
    struct world *w = begin_many(3);

    for (unsigned i = 0; i < 120; i++) {
        sim_run_for(w->sim, span_s(1));
        if (loop_wall(w->controls[0]).ms % STEER_EPOCH_MS / 1000 != 3)
            continue;
        for (size_t node = 0; node < MANY; node++) {
            assert_same_facts(facts_at(w, 0), facts_at(w, node));
            assert_fresh(facts_at(w, node));
        }
    }
    end(w);
}

/* It watches a third of the checks: most of these are more than half of all that it can tell. */
static void one_that_loses_all_it_watches_knows_that_it_is_blind(void **)
{
    for (uint64_t seed = 1; seed <= some_seeds(); seed++) {
        struct world *w = begin_many(seed);
        size_t victim = sim_draw(w->sim, MANY);
        struct ip at = node_ip(victim);

        path_is(w, &at, NULL, true);
        sim_run_for(w->sim, span_s(6));
        assert_true(verdicts_is_blind(steering_verdicts(w->steering[victim])));
        for (size_t i = 0; i < MANY; i++) {
            assert_int_equal(origins_down(w, i, STEER_DOWN), 0);
            for (size_t of = 0; of < MANY; of++)
                assert_true(of == victim || sends_to(w, i, of));
        }
        end(w);
    }
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_node_probes_often_what_it_watches_and_seldom_the_rest),
        cmocka_unit_test(a_dead_node_is_out_of_all_answers_within_two_seconds),
        cmocka_unit_test(who_does_not_watch_an_origin_knows_as_soon),
        cmocka_unit_test(who_found_otherwise_than_most_looks_again_after_a_reload),
        cmocka_unit_test(one_that_loses_all_it_watches_knows_that_it_is_blind),
        cmocka_unit_test(what_is_probed_seldom_is_known_alike_and_costs_no_more),
    };

    return cmocka_run_group_tests_name("sim_watch", cases, NULL, NULL);
}
