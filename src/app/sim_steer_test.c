// SPDX-License-Identifier: Apache-2.0
/* What a node that measures answers when its origins die, recover, limp or lose probes. */
#include "app/sim_steer_test.h"

#include <unistd.h>

#include "app/sim_ask_test.h"
#include "app/sim_reload_test.h"
#include "steer/geo_write.h"

static const char PAGE[] =
    STEERED_NETWORK "      www.test: {steer: [one, two], probe: {http: /health}}\n";

typedef void story_fn(struct world *w, struct figures *f);

/* Returns the worst figure. */
static int64_t tell_in(unsigned worlds, const char *network, story_fn *story, const char *what)
{
    struct figures figures = { .list = mem_array(FIGURES_MAX, sizeof(int64_t)) };

    for (uint64_t seed = 1; seed <= worlds; seed++) {
        struct world *w = world_prepared(seed, network);

        fprintf(stderr, "seed %llu\r", (unsigned long long)seed);
        story(w, &figures);
        world_close(w);
    }
    int64_t worst = figures_tell(&figures, what);

    mem_free(figures.list);
    return worst;
}

static int64_t tell(const char *network, story_fn *story, const char *what)
{
    return tell_in(seeds(), network, story, what);
}

/* Of long stories. */
static unsigned few_seeds(void)
{
    return (seeds() + 4) / 5;
}

static const struct asking ONE_CLIENT = {
    .name = "www.test", .subnets = 1, .every = { INT64_C(50000000) }
};

/* At any moment after the first half minute, in which the band settles; returns the origin that the
 * client is sent to. */
static size_t well_known(struct world *w, struct resolver *r)
{
    world_steer(w);
    resolver_start(w, r, ONE_CLIENT);
    sim_run_for(w->sim, span_ms(30000 + (int64_t)sim_draw(w->sim, 10000)));
    return resolver_origin(r);
}

static void refuse_story(struct world *w, struct figures *f)
{
    struct resolver r;
    size_t chosen = well_known(w, &r);

    origin_stop(&w->origins[chosen]);
    figures_add(f, time_until(w, &r, chosen, false).ns / 1000000);
    stay_away(w, &r, chosen);
    assert_int_equal(r.empty, 0);
    resolver_stop(w, &r);
}

static void an_origin_that_refuses_is_left_out_within_1500_ms(void **)
{
    assert_true(tell(PAGE, refuse_story, "ms to leave an origin that refuses") <= 1500);
}

static void silent_story(struct world *w, struct figures *f)
{
    struct resolver r;
    size_t chosen = well_known(w, &r);

    origin_link(w, chosen, &(struct sim_link){ .is_dark = true });
    figures_add(f, time_until(w, &r, chosen, false).ns / 1000000);
    stay_away(w, &r, chosen);
    assert_int_equal(r.empty, 0);
    resolver_stop(w, &r);
}

static void an_origin_that_falls_silent_is_left_out_within_2700_ms(void **)
{
    assert_true(tell(PAGE, silent_story, "ms to leave an origin that is silent") <= 2700);
}

static void failing_story(struct world *w, struct figures *f)
{
    struct resolver r;
    size_t chosen = well_known(w, &r);

    w->origins[chosen].says_503 = true;
    figures_add(f, time_until(w, &r, chosen, false).ns / 1000000);
    stay_away(w, &r, chosen);
    resolver_stop(w, &r);
}

static void an_origin_that_fails_is_left_out_within_1500_ms(void **)
{
    assert_true(tell(PAGE, failing_story, "ms to leave an origin that says 503") <= 1500);
}

/* With the order given, the answer follows the verdict alone. */
static void return_story(struct world *w, struct figures *f)
{
    struct resolver r;
    size_t chosen = well_known(w, &r);

    assert_int_equal(chosen, 0);
    origin_stop(&w->origins[0]);
    time_until(w, &r, 0, false);
    sim_run_for(w->sim, span_ms((int64_t)sim_draw(w->sim, 20000)));
    unsigned probes = w->origins[0].probes;

    origin_open(&w->origins[0]);
    figures_add(f, time_until(w, &r, 0, true).ns / 1000000);
    assert_in_range(w->origins[0].probes - probes, 5, 6);
    assert_int_equal(r.empty, 0);
    resolver_stop(w, &r);
}

static void an_origin_comes_back_after_five_good_probes(void **)
{
    static const char ORDERED[] = STEERED_NETWORK
        "      www.test: {steer: [one, two], policy: ordered, probe: {http: /health}}\n";

    assert_true(tell(ORDERED, return_story, "ms to return to an origin that is back") <= 5200);
}

static void balanced_return_story(struct world *w, struct figures *f)
{
    struct resolver r;
    size_t chosen = well_known(w, &r);

    origin_stop(&w->origins[chosen]);
    sim_run_for(w->sim, span_s(60));
    origin_open(&w->origins[chosen]);
    figures_add(f, time_until(w, &r, chosen, true).ns / 1000000);
    resolver_stop(w, &r);
}

static void clients_return_when_failures_are_long_past(void **)
{
    assert_true(tell(PAGE, balanced_return_story, "ms to return, balanced") <= 30000);
}

/* Probed every ten seconds, so that traffic is what tells. */
static const char SELDOM[] = STEERED_NETWORK
    "      static.test: {deliver: [one, two], fill: ordered, probe: {http: /health, every: 10s}}\n"
    "      www.test: {steer: [one, two], policy: ordered, probe: {http: /health, every: 10s}}\n";

static void fill_story(struct world *w, struct figures *f)
{
    struct resolver r;
    struct ask a;

    world_steer(w);
    resolver_start(w, &r, ONE_CLIENT);
    sim_run_for(w->sim, span_ms(20000 + (int64_t)sim_draw(w->sim, 10000)));
    assert_int_equal(resolver_origin(&r), 0);
    origin_stop(&w->origins[0]);
    ask_start(w, &a, "/kept/1000", "");
    figures_add(f, time_until(w, &r, 0, false).ns / 1000000);
    world_wait(w, &a, 1);
    assert_whole(&a, 1000);
    resolver_stop(w, &r);
}

static void a_fill_that_fails_tells_earlier_than_the_interval(void **)
{
    assert_true(tell(SELDOM, fill_story, "ms to leave an origin where a fill failed") <= 1000);
}

static void lossy_hour(struct world *w, struct figures *f)
{
    world_steer(w);
    uint64_t before = steering_counts(w->steering[0])->verdicts.total;

    for (size_t i = 0; i < WORLD_ORIGINS; i++)
        w->origins[i].lost_percent = 20;
    sim_run_for(w->sim, span_s(3600));
    figures_add(f, (int64_t)(steering_counts(w->steering[0])->verdicts.total - before));
}

/* By chance, an origin is called down once in a hundred hours (0.2^8 a second). */
static void a_fifth_of_all_probes_lost_changes_a_verdict_once_in_days(void **)
{
    assert_true(tell_in(few_seeds(), PAGE, lossy_hour, "verdicts changed in an hour of loss") <= 2);
}

enum { CLIENTS = 100 };

static void noisy_hour(struct world *w, struct figures *f)
{
    // Small delays, as the simulated kernel cuts what is sent and makes long tails of long ones.
    const struct sim_link link = { .delay = span_us(1900), .jitter = span_us(200) };
    const struct asking crowd = { .name = "www.test", .subnets = CLIENTS, .every = span_s(10) };
    struct resolver r;

    for (size_t i = 0; i < WORLD_ORIGINS; i++) {
        origin_link(w, i, &link);
        w->origins[i].thinks = span_ms(95);
        w->origins[i].noise = span_ms(20);
    }
    world_steer(w);
    sim_run_for(w->sim, span_s(60));
    resolver_start(w, &r, crowd);
    sim_run_for(w->sim, span_s(3600));
    figures_add(f, r.changes);
    assert_in_range(r.by_origin[0], r.answered / 3, r.answered * 2 / 3);
    assert_int_equal(r.empty, 0);
    resolver_stop(w, &r);
}

static void equal_origins_with_a_tenth_of_noise_keep_their_clients_for_an_hour(void **)
{
    assert_int_equal(tell_in(few_seeds(), PAGE, noisy_hour, "answers flapped in an hour"), 0);
}

static const struct asking CROWD = {
    .name = "www.test", .subnets = 20, .every = { INT64_C(500000000) }
};

/* Both serve the crowd; then the first falls ill. */
static void ill_story(struct world *w, struct figures *f, struct span thinks, unsigned lost_percent)
{
    struct resolver r;

    world_steer(w);
    sim_run_for(w->sim, span_s(60));
    resolver_start(w, &r, CROWD);
    sim_run_for(w->sim, span_ms((int64_t)sim_draw(w->sim, 5000)));
    assert_true(r.by_origin[0] > 0);
    w->origins[0].thinks = thinks;
    w->origins[0].lost_percent = lost_percent;
    figures_add(f, time_until(w, &r, 0, false).ns / 1000000);
    stay_away(w, &r, 0);
    resolver_stop(w, &r);
}

static void slow_story(struct world *w, struct figures *f)
{
    ill_story(w, f, span_ms(300), 0);
}

/* Never down, and yet worse: a fifth lost counts 60 ms. */
static void lossy_story(struct world *w, struct figures *f)
{
    ill_story(w, f, span_ms(0), 20);
}

static void an_origin_that_answers_four_of_five_loses_its_clients(void **)
{
    assert_true(tell(PAGE, lossy_story, "ms to leave an origin that loses a fifth") <= 60000);
}

static void a_slow_origin_loses_its_clients_within_20_s(void **)
{
    assert_true(tell(PAGE, slow_story, "ms to leave a slow origin") <= 20000);
}

struct some {
    struct sim_wish wish;
    const struct resolver *r;
    size_t origin;
    unsigned before;
};

static bool some_are_there(struct sim_wish *wish)
{
    const struct some *some = container_of(wish, struct some, wish);

    return some->r->by_origin[some->origin] > some->before;
}

static void quick_again_story(struct world *w, struct figures *f)
{
    struct resolver r;

    world_steer(w);
    sim_run_for(w->sim, span_s(60));
    w->origins[0].thinks = span_ms(300);
    sim_run_for(w->sim, span_s(60));
    resolver_start(w, &r, CROWD);
    assert_int_equal(r.by_origin[0], 0);
    w->origins[0].thinks = span_ms(0);
    struct some some = { { some_are_there }, &r, 0, 0 };
    struct instant start = sim_now(w->sim);

    assert_true(sim_run_until(w->sim, &some.wish, span_s(120)));
    figures_add(f, instant_since(start, sim_now(w->sim)).ns / 1000000);
    resolver_stop(w, &r);
}

static void an_origin_that_is_quick_again_has_clients_within_90_s(void **)
{
    assert_true(tell(PAGE, quick_again_story, "ms to return to one that is quick again") <= 90000);
}

static const char RESERVED[] = STEERED_NETWORK
    "      www.test: {steer: one, reserve: two, probe: {http: /health}}\n"
    "      none.test: {steer: [one, two], all_down: nodata, probe: {http: /health}}\n";

static void all_down_story(struct world *w, struct figures *f)
{
    struct asking other = ONE_CLIENT;
    struct resolver page, none;

    assert_int_equal(well_known(w, &page), 0);
    other.name = "none.test";
    resolver_start(w, &none, other);
    origin_stop(&w->origins[0]);
    time_until(w, &page, 0, false);
    assert_int_equal(resolver_origin(&page), 1);
    sim_run_for(w->sim, span_s(3));
    assert_int_equal(none.empty, 0);
    origin_stop(&w->origins[1]);
    figures_add(f, time_until(w, &page, 0, true).ns / 1000000);
    sim_run_for(w->sim, span_s(1));
    assert_int_equal(none.answers[0].family, IP_NONE);
    assert_int_equal(page.empty, 0);
    origin_open(&w->origins[1]);
    time_until(w, &page, 1, true);
    time_until(w, &none, 1, true);
    resolver_stop(w, &page);
    resolver_stop(w, &none);
}

static void when_all_are_down_it_is_the_reserve_and_then_as_if_none_were(void **)
{
    assert_true(tell(RESERVED, all_down_story, "ms to answer as if all were up") <= 1500);
}

static void reload_story(struct world *w, struct figures *f)
{
    static const char OTHER[] =
        STEERED_NETWORK "      www.test: {steer: [one, two], ttl: 7s, probe: {http: /health}}\n";
    static const char FIRST[] =
        STEERED_NETWORK "      www.test: {steer: one, probe: {http: /health}}\n";
    struct resolver r;
    size_t chosen = well_known(w, &r);

    origin_stop(&w->origins[chosen]);
    time_until(w, &r, chosen, false);
    unsigned before = r.by_origin[chosen];

    for (unsigned i = 0; i < 10; i++) {
        use_network(w, i % 2 == 0 ? OTHER : PAGE);
        sim_run_for(w->sim, span_ms((int64_t)sim_draw(w->sim, 1000)));
    }
    assert_int_equal(r.by_origin[chosen], before);
    use_network(w, FIRST);
    sim_run_for(w->sim, span_s(1));
    assert_int_equal(resolver_origin(&r), 0);
    unsigned probes = w->origins[1].probes;

    sim_run_for(w->sim, span_s(10));
    assert_int_equal(w->origins[1].probes, probes);
    if (chosen == 1)
        origin_open(&w->origins[1]);
    use_network(w, PAGE);
    struct instant start = sim_now(w->sim);

    for (; w->origins[1].probes == probes; sim_run_for(w->sim, span_ms(1)))
        assert_true(instant_since(start, sim_now(w->sim)).ns < span_s(1).ns);
    figures_add(f, instant_since(start, sim_now(w->sim)).ns / 1000000);
    assert_int_equal(r.empty, 0);
    resolver_stop(w, &r);
}

static void a_release_carries_verdicts_over_and_probes_what_is_new_at_once(void **)
{
    assert_true(tell(PAGE, reload_story, "ms to the first probe of a new origin") <= 600);
}

static void step_story(struct world *w, struct figures *f, struct span step)
{
    struct resolver r;
    size_t chosen = well_known(w, &r);

    sim_run_for(w->sim, span_s(60));
    sim_wall_step(w->sim, step);
    sim_run_for(w->sim, span_s(10));
    uint64_t plans = steering_counts(w->steering[0])->plans.total;
    sim_run_for(w->sim, span_s(10));
    assert_in_range(steering_counts(w->steering[0])->plans.total - plans, 1, 3);
    w->origins[chosen].thinks = span_ms(300);
    figures_add(f, time_until(w, &r, chosen, false).ns / 1000000);
    w->origins[chosen].thinks = span_ms(0);
    time_until(w, &r, chosen, true);
    origin_stop(&w->origins[chosen]);
    assert_true(time_until(w, &r, chosen, false).ns <= span_ms(1500).ns);
    resolver_stop(w, &r);
}

static void forward_story(struct world *w, struct figures *f)
{
    step_story(w, f, span_s(3600));
}

static void back_story(struct world *w, struct figures *f)
{
    step_story(w, f, span_s(-3600));
}

static void little_back_story(struct world *w, struct figures *f)
{
    step_story(w, f, span_s(-40));
}

static void a_step_of_the_clock_stops_nothing(void **)
{
    assert_true(tell(PAGE, forward_story, "ms to leave a slow one, clock set forward") <= 20000);
    assert_true(tell(PAGE, back_story, "ms to leave a slow one, clock set back") <= 20000);
    assert_true(tell(PAGE, little_back_story, "ms to leave a slow one, set back a bit") <= 20000);
}

/* Each origin its delay, the same from both nodes. */
static const char TWINS[] =
    "network: example\n"
    "zone: cdn.test\n"
    "nameservers: [ns1.cdn.test]\n"
    "contact: hostmaster@cdn.test\n"
    "%s"
    "pops:\n"
    "  fra: {location: [50, 8], nodes: {fra1: {address: 10.0.0.1}}, cache: {memory: 16 MiB}}\n"
    "  nyc: {location: [41, -74], nodes: {nyc1: {address: 10.0.0.2}}, cache: {memory: 16 MiB}}\n"
    "customers:\n"
    "  acme:\n"
    "    origins:\n"
    "      one: {address: \"10.0.1.1:80\"}\n"
    "      two: {address: \"10.0.1.2:80\"}\n"
    "    sites:\n"
    "      www.test: {steer: [one, two], probe: {http: /health}}\n"
    "      static.test: {deliver: [one, two], probe: {http: /health}}\n";

static unsigned differences(const struct resolver *a, const struct resolver *b)
{
    unsigned count = 0;

    for (unsigned i = 0; i < a->asking.subnets; i++)
        count += !ip_equal(&a->answers[i], &b->answers[i]);
    return count;
}

/* What is seen alike is answered alike, be it one origin, the other or both. One is always up: what
 * was measured last before all fell silent is each node's own. */
static void twin_story(struct world *w, struct figures *f)
{
    struct asking crowd = { .name = "www.test", .subnets = CLIENTS, .every = span_s(5) };
    struct resolver a, b;

    world_steer(w);
    resolver_start(w, &a, crowd);
    crowd.node = 1;
    resolver_start(w, &b, crowd);
    sim_run_for(w->sim, span_s(60)); // what is usual is known before anything unusual comes
    for (unsigned i = 0; i < 6; i++) {
        size_t at = (size_t)sim_draw(w->sim, WORLD_ORIGINS);
        struct origin_server *o = &w->origins[at];

        if (sim_draw(w->sim, 2) == 0 && !w->origins[1 - at].says_503)
            o->says_503 = !o->says_503;
        else
            o->thinks = span_ms(o->thinks.ns > 0 ? 0 : 300);
        sim_run_for(w->sim, span_s(300));
        figures_add(f, (int64_t)differences(&a, &b));
    }
    assert_true(a.changes > 0);
    resolver_stop(w, &a);
    resolver_stop(w, &b);
}

static void nodes_that_see_the_same_answer_the_same(void **)
{
    char text[sizeof TWINS];

    snprintf(text, sizeof text, TWINS, "");
    assert_int_equal(
        tell_in(few_seeds(), text, twin_story, "of 100 clients told something else elsewhere"), 0);
}

static void place_story(struct world *w, struct figures *f)
{
    struct asking crowd = { .name = "static.test", .subnets = 2, .every = span_s(1) };

    world_steer(w);
    for (crowd.node = 0; crowd.node < w->node_count; crowd.node++) {
        struct resolver r;

        resolver_start(w, &r, crowd);
        sim_run_for(w->sim, span_s(60));
        assert_true(ip_equal(&r.answers[0], &w->nodes[0]->workers[0].open[0].face.at.ip));
        assert_true(ip_equal(&r.answers[1], &w->nodes[1]->workers[0].open[0].face.at.ip));
        figures_add(f, r.changes);
        resolver_stop(w, &r);
    }
}

static void clients_far_apart_are_led_to_different_pops(void **)
{
    const struct geo_write_entry entries[] = {
        { { ip_v4(198, 18, 0, 0), 24 }, "DE", { 52, 13, true } },
        { { ip_v4(198, 18, 1, 0), 24 }, "US", { 40, -75, true } },
    };
    char path[40], geo[60], text[sizeof TWINS + 60];
    struct diag why;

    snprintf(path, sizeof path, "/tmp/waypost-sim-%d.mmdb", (int)getpid());
    assert_int_equal(geo_write(path, entries, COUNT_OF(entries), &why), ERR_NONE);
    snprintf(geo, sizeof geo, "geo: %s\n", path);
    snprintf(text, sizeof text, TWINS, geo);
    assert_int_equal(tell(text, place_story, "answers changed"), 0);
    unlink(path);
}

static uint64_t trace_of(uint64_t seed)
{
    struct world *w = world_prepared(seed, PAGE);
    struct resolver r;

    well_known(w, &r);
    w->origins[0].lost_percent = 20;
    sim_run_for(w->sim, span_s(60));
    resolver_stop(w, &r);
    uint64_t trace = sim_trace(w->sim);

    world_close(w);
    return trace;
}

static void the_same_seed_gives_the_same_run(void **)
{
    for (uint64_t seed = 1; seed < 4; seed++)
        assert_true(trace_of(seed) == trace_of(seed));
    assert_true(trace_of(1) != trace_of(2));
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(an_origin_that_refuses_is_left_out_within_1500_ms),
        cmocka_unit_test(an_origin_that_falls_silent_is_left_out_within_2700_ms),
        cmocka_unit_test(an_origin_that_fails_is_left_out_within_1500_ms),
        cmocka_unit_test(an_origin_comes_back_after_five_good_probes),
        cmocka_unit_test(clients_return_when_failures_are_long_past),
        cmocka_unit_test(a_fill_that_fails_tells_earlier_than_the_interval),
        cmocka_unit_test(a_fifth_of_all_probes_lost_changes_a_verdict_once_in_days),
        cmocka_unit_test(equal_origins_with_a_tenth_of_noise_keep_their_clients_for_an_hour),
        cmocka_unit_test(a_slow_origin_loses_its_clients_within_20_s),
        cmocka_unit_test(an_origin_that_answers_four_of_five_loses_its_clients),
        cmocka_unit_test(an_origin_that_is_quick_again_has_clients_within_90_s),
        cmocka_unit_test(when_all_are_down_it_is_the_reserve_and_then_as_if_none_were),
        cmocka_unit_test(a_release_carries_verdicts_over_and_probes_what_is_new_at_once),
        cmocka_unit_test(a_step_of_the_clock_stops_nothing),
        cmocka_unit_test(nodes_that_see_the_same_answer_the_same),
        cmocka_unit_test(clients_far_apart_are_led_to_different_pops),
        cmocka_unit_test(the_same_seed_gives_the_same_run),
    };

    return cmocka_run_group_tests_name("app/sim_steer", cases, NULL, NULL);
}
