// SPDX-License-Identifier: Apache-2.0
/* What whole nodes know of each other by their heartbeats, and how soon. */
#include <sys/mman.h>
#include <unistd.h>

#include "app/hearing.h"
#include "app/sim_steer_test.h"
#include "steer/peers.h"

static const char NETWORK[] =
    "network: example\n"
    "zone: cdn.test\n"
    "nameservers: [ns1.cdn.test]\n"
    "contact: hostmaster@cdn.test\n"
    "pops:\n"
    "  fra: {nodes: {fra1: {address: 10.0.0.1}}, cache: {memory: 16 MiB}}\n"
    "  nyc: {nodes: {nyc1: {address: 10.0.0.2}}, cache: {memory: 16 MiB}}\n"
    "  sin: {nodes: {sin1: {address: 10.0.0.3}}, cache: {memory: 16 MiB}}\n"
    "customers:\n"
    "  acme:\n"
    "    origins:\n"
    "      one: {address: \"10.0.1.1:80\"}\n"
    "      two: {address: \"10.0.1.2:80\"}\n"
    "    sites:\n"
    "      www.test: {steer: [one, two], probe: {http: /health}}\n";

enum { FRA, NYC, SIN };

static struct world *world_of_three(uint64_t seed)
{
    fprintf(stderr, "seed %llu\r", (unsigned long long)seed);
    struct world *w = world_prepared(seed, NETWORK);

    w->hub = bus_hub_new();
    world_steer(w);
    sim_run_for(w->sim, span_ms(10000 + (int64_t)sim_draw(w->sim, 1000)));
    return w;
}

static const struct hearing *hearing_of(const struct world *w, size_t node)
{
    return steering_hearing(w->steering[node]);
}

/* `peer` as `node` has it. */
static struct peer peer_of(const struct world *w, size_t node, size_t peer)
{
    struct peer found;

    assert_true(peers_find(hearing_peers(hearing_of(w, node)), hash_bytes(w->nodes[peer]->name, 0),
        sim_now(w->sim), &found));
    return found;
}

/* Nobody hears it, and it hears nobody; or all is well again. */
static void cut_off(struct world *w, size_t node, bool is_cut)
{
    for (size_t i = 0; i < w->node_count; i++) {
        if (i == node)
            continue;
        bus_hub_cut(w->hub, w->nodes[node]->name, w->nodes[i]->name, is_cut);
        bus_hub_cut(w->hub, w->nodes[i]->name, w->nodes[node]->name, is_cut);
    }
}

/* How often the text stands in what was logged. */
static unsigned logged(const struct world *w, const char *text)
{
    char log[16384] = "";
    unsigned count = 0;

    assert_true(pread(w->log.fd, log, sizeof log - 1, 0) >= 0);
    for (const char *at = log; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static void log_begin(struct world *w)
{
    log_init(&w->log, memfd_create("log", 0), LOG_INFO);
}

static void log_end(struct world *w)
{
    close(w->log.fd);
    log_init(&w->log, -1, LOG_ERROR);
}

/* That the others know nyc1 for missing. */
struct missing {
    struct sim_wish wish;
    const struct world *w;
};

static bool is_missed(struct sim_wish *wish)
{
    const struct world *w = container_of(wish, struct missing, wish)->w;

    return counter_read(&hearing_counts(hearing_of(w, FRA))->missed) > 0 &&
           counter_read(&hearing_counts(hearing_of(w, SIN))->missed) > 0;
}

static void one_that_fell_silent_is_missed_after_a_second(void **)
{
    struct figures f = { .list = mem_array(FIGURES_MAX, sizeof(int64_t)) };

    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        struct world *w = world_of_three(seed);
        struct missing missing = { { is_missed }, w };
        struct instant start = sim_now(w->sim);

        log_begin(w);
        cut_off(w, NYC, true);
        assert_true(sim_run_until(w->sim, &missing.wish, span_s(5)));
        int64_t took_ms = instant_since(start, sim_now(w->sim)).ns / 1000000;

        assert_true(took_ms >= 700); // all of four beats, the first of them on its way
        figures_add(&f, took_ms);
        assert_true(peer_of(w, FRA, NYC).is_missing);
        assert_true(peer_of(w, FRA, SIN).is_present);
        sim_run_for(w->sim, span_s(10));
        assert_int_equal(logged(w, "missing node=fra1 peer=nyc1"), 1);
        assert_int_equal(logged(w, "missing node=fra1 peer=sin1"), 0);
        log_end(w);
        world_close(w);
    }
    assert_true(figures_tell(&f, "ms until a silent node is missed") <= 1010);
    mem_free(f.list);
}

static void nobody_is_missed_while_all_go_on(void **)
{
    struct world *w = world_of_three(1);

    sim_run_for(w->sim, span_s(600));
    for (size_t i = 0; i < w->node_count; i++) {
        const struct hearing_counts *counts = hearing_counts(hearing_of(w, i));

        assert_int_equal(counter_read(&counts->missed), 0);
        assert_int_equal(counter_read(&counts->beat_replayed), 0);
        assert_false(hearing_is_suspect(hearing_of(w, i)));
    }
    world_close(w);
}

static void one_that_is_cut_off_doubts_itself_and_the_others_do_not(void **)
{
    struct world *w = world_of_three(1);

    log_begin(w);
    cut_off(w, NYC, true);
    sim_run_for(w->sim, span_s(60));
    assert_true(hearing_is_suspect(hearing_of(w, NYC)));
    assert_false(hearing_is_suspect(hearing_of(w, FRA)));
    assert_int_equal(logged(w, "bus suspect node="), 1);
    cut_off(w, NYC, false);
    sim_run_for(w->sim, span_s(60));
    assert_false(hearing_is_suspect(hearing_of(w, NYC)));
    assert_int_equal(logged(w, "bus suspect node=nyc1 present=0 peers=2"), 1);
    assert_int_equal(logged(w, "bus trusted node=nyc1"), 1);
    assert_int_equal(logged(w, "present node=fra1 peer=nyc1"), 1);
    log_end(w);
    world_close(w);
}

static void heartbeats_say_which_release_and_map_a_node_has(void **)
{
    struct world *w = world_of_three(1);

    for (unsigned i = 0; i < 30; i++) {
        sim_run_for(w->sim, span_ms(990));
        for (size_t node = 0; node < w->node_count; node++) {
            const struct root *root = node_root(w->nodes[node]);
            const struct heartbeat *says = hearing_says(hearing_of(w, node));

            assert_true(says->release == root->network->hash);
            assert_true(says->epoch.ms == root_map(root)->epoch.ms);
        }
    }
    const struct heartbeat *said = hearing_says(hearing_of(w, NYC));

    assert_true(heartbeat_says_same(peer_of(w, FRA, NYC).heartbeat, said));
    assert_true(heartbeat_says_same(peer_of(w, SIN, NYC).heartbeat, said));
    world_close(w);
}

/* nyc1 is stopped, and started again. */
static void restart(struct world *w)
{
    steering_free(w->steering[NYC]);
    w->nodes[NYC]->seed++; // which a start draws
    world_node_steer(w, NYC);
}

static void one_that_is_stopped_is_known_to_leave_and_not_missed(void **)
{
    struct world *w = world_of_three(1);

    log_begin(w);
    steering_leave(w->steering[NYC]);
    sim_run_for(w->sim, span_ms(5));
    for (size_t i = 0; i < w->node_count; i += 2)
        assert_int_equal(peer_of(w, i, NYC).heartbeat->flags, HEARTBEAT_LEAVING);
    cut_off(w, NYC, true);
    sim_run_for(w->sim, span_s(10));
    cut_off(w, NYC, false);
    assert_int_equal(logged(w, "left node=fra1 peer=nyc1"), 1);
    assert_int_equal(logged(w, "missing node=fra1"), 0);
    restart(w);
    sim_run_for(w->sim, span_ms(100));
    assert_int_equal(peer_of(w, FRA, NYC).heartbeat->flags & HEARTBEAT_LEAVING, 0);
    assert_true(peer_of(w, FRA, NYC).is_present);
    sim_run_for(w->sim, span_s(10));
    log_end(w);
    world_close(w);
}

struct verdict {
    const struct check *check;
    uint64_t observer;
    bool is_down;
};

static void find_verdict(void *to, const struct report *report)
{
    struct verdict *verdict = to;

    if (report->kind == REPORT_HEALTH && report->check == verdict->check->id &&
        report->observer == verdict->observer)
        verdict->is_down = report->value == 0;
}

/* In fra1's view: does nyc1 say that the first origin is down? */
struct word {
    struct sim_wish wish;
    const struct world *w;
    size_t node, observer;
};

static bool says_down(struct sim_wish *wish)
{
    const struct word *word = container_of(wish, struct word, wish);
    const struct checks *checks = node_root(word->w->nodes[0])->rows->checks;
    struct verdict verdict = { .observer = hash_bytes(word->w->nodes[word->observer]->name, 0) };

    for (size_t i = 0; i < checks->count; i++)
        if (checks->list[i].origin != NULL &&
            endpoint_equal(&checks->list[i].to, &word->w->origins[0].at))
            verdict.check = &checks->list[i];
    assert_non_null(verdict.check);
    view_each(steering_view(word->w->steering[word->node]), find_verdict, &verdict);
    return verdict.is_down;
}

static void a_verdict_reaches_the_others_in_milliseconds(void **)
{
    for (uint64_t seed = 1; seed <= (seeds() + 4) / 5; seed++) {
        struct world *w = world_of_three(seed);
        struct word own = { { says_down }, w, NYC, NYC }, heard = { { says_down }, w, FRA, NYC };

        origin_stop(&w->origins[0]);
        assert_true(sim_run_until(w->sim, &own.wish, span_s(5)));
        struct instant start = sim_now(w->sim);

        assert_true(sim_run_until(w->sim, &heard.wish, span_s(5)));
        assert_true(instant_since(start, sim_now(w->sim)).ns <= HEARING_NEWS_LEAST.ns);
        world_close(w);
    }
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(one_that_fell_silent_is_missed_after_a_second),
        cmocka_unit_test(nobody_is_missed_while_all_go_on),
        cmocka_unit_test(one_that_is_cut_off_doubts_itself_and_the_others_do_not),
        cmocka_unit_test(heartbeats_say_which_release_and_map_a_node_has),
        cmocka_unit_test(one_that_is_stopped_is_known_to_leave_and_not_missed),
        cmocka_unit_test(a_verdict_reaches_the_others_in_milliseconds),
    };

    return cmocka_run_group_tests_name("app/sim_beat", cases, NULL, NULL);
}
