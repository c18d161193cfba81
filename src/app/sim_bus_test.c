// SPDX-License-Identifier: Apache-2.0
/* What nodes know that tell each other what they measure; and what when they cannot, or when what
 * is told cannot be trusted. */
#include <sys/mman.h>
#include <unistd.h>

#include "app/hearing.h"
#include "app/sim_intruder_test.h"
#include "app/sim_steer_test.h"
#include "steer/observer.h"
#include "wire/digest.h"

#define THREE_NODES                                                          \
    "network: example\n"                                                     \
    "zone: cdn.test\n"                                                       \
    "nameservers: [ns1.cdn.test]\n"                                          \
    "contact: hostmaster@cdn.test\n"                                         \
    "pops:\n"                                                                \
    "  fra: {nodes: {fra1: {address: 10.0.0.1}}, cache: {memory: 16 MiB}}\n" \
    "  nyc: {nodes: {nyc1: {address: 10.0.0.2}}, cache: {memory: 16 MiB}}\n" \
    "  sin: {nodes: {sin1: {address: 10.0.0.3}}, cache: {memory: 16 MiB}}\n" \
    "customers:\n"                                                           \
    "  acme:\n"                                                              \
    "    origins:\n"                                                         \
    "      one: {address: \"10.0.1.1:80\"}\n"                                \
    "      two: {address: \"10.0.1.2:80\"}\n"                                \
    "    sites:\n"

static const char THREE[] =
    THREE_NODES "      www.test: {steer: [one, two], probe: {http: /health}}\n";
static const char SELDOM[] =
    THREE_NODES "      www.test: {steer: [one, two], probe: {http: /health, every: 60s}}\n";

static const char RARELY[] =
    THREE_NODES "      www.test: {steer: [one, two], probe: {http: /health, every: 10m}}\n";

enum { FRA, NYC, SIN, NODES, CLIENTS = 40 };

/* Three nodes with a crowd of clients each, the same names asked of all. */
struct story {
    struct world *w;
    struct resolver resolvers[NODES];
};

static void story_begin_on(struct story *s, uint64_t seed, const char *network, bool has_bus)
{
    struct asking crowd = { .name = "www.test", .subnets = CLIENTS, .every = span_s(1) };

    fprintf(stderr, "seed %llu\r", (unsigned long long)seed);
    s->w = world_prepared(seed, network);
    // Equal ways for all, so that nothing but the story makes a difference.
    sim_link_set(s->w->sim, NULL, NULL,
        &(struct sim_link){ .delay = span_us(2000), .jitter = span_us(200) });
    if (has_bus)
        s->w->hub = bus_hub_new();
    world_steer(s->w);
    sim_run_for(s->w->sim, span_s(60));
    for (crowd.node = 0; crowd.node < NODES; crowd.node++)
        resolver_start(s->w, &s->resolvers[crowd.node], crowd);
}

static void story_begin(struct story *s, uint64_t seed, bool has_bus)
{
    story_begin_on(s, seed, THREE, has_bus);
}

/* Every client had an answer at all times. */
static void story_end(struct story *s)
{
    for (size_t i = 0; i < NODES; i++) {
        assert_int_equal(s->resolvers[i].empty, 0);
        resolver_stop(s->w, &s->resolvers[i]);
    }
    world_close(s->w);
}

static const struct steer_map *map_of(const struct story *s, size_t node)
{
    return root_map(node_root(s->w->nodes[node]));
}

static const struct hearing_counts *heard_by(const struct story *s, size_t node)
{
    return hearing_counts(steering_hearing(s->w->steering[node]));
}

/* Both know the same of the same epoch, whoever measured it. */
static bool facts_are_equal(const struct facts *a, const struct facts *b)
{
    if (a->epoch.ms != b->epoch.ms || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        for (size_t kind = 0; kind < REPORT_KIND_COUNT; kind++) {
            const struct fact *x = &a->checks[i].all[kind], *y = &b->checks[i].all[kind];

            if (x->value != y->value || x->measured != y->measured || x->spread != y->spread ||
                x->age_ms != y->age_ms || x->sources != y->sources)
                return false;
        }
    return true;
}

static bool nodes_agree(const struct story *s)
{
    for (size_t i = 1; i < NODES; i++)
        if (!facts_are_equal(map_of(s, 0)->facts, map_of(s, i)->facts) ||
            map_of(s, 0)->hash != map_of(s, i)->hash)
            return false;
    return true;
}

/* Seen once in each second of the next minute, past the moments in which maps are replaced. */
static void nodes_agree_for_a_minute(struct story *s)
{
    for (unsigned i = 0; i < 60; i++) {
        sim_run_for(s->w->sim, span_s(1));
        if (loop_wall(s->w->controls[0]).ms % STEER_EPOCH_MS / 1000 == 3)
            assert_true(nodes_agree(s));
    }
}

struct agreement {
    struct sim_wish wish;
    const struct story *s;
};

static bool is_agreed(struct sim_wish *wish)
{
    return nodes_agree(container_of(wish, struct agreement, wish)->s);
}

static struct span time_until_agreed(struct story *s)
{
    struct agreement agreement = { { is_agreed }, s };
    struct instant start = sim_now(s->w->sim);

    assert_true(sim_run_until(s->w->sim, &agreement.wish, span_s(60)));
    return instant_since(start, sim_now(s->w->sim));
}

static struct ip node_ip(size_t node)
{
    return ip_v4(10, 0, 0, (uint8_t)(node + 1));
}

/* The way between one node and one origin takes so long. */
static void path_takes(struct story *s, size_t node, size_t origin, struct span delay)
{
    const struct sim_link link = { .delay = delay };
    struct ip from = node_ip(node), to = s->w->origins[origin].at.ip;

    sim_link_set(s->w->sim, &from, &to, &link);
    sim_link_set(s->w->sim, &to, &from, &link);
}

/* Between one node and the others, both ways. */
static void cut_off(struct story *s, size_t node, bool is_cut)
{
    for (size_t i = 0; i < s->w->node_count; i++) {
        if (i == node)
            continue;
        bus_hub_cut(s->w->hub, s->w->nodes[node]->name, s->w->nodes[i]->name, is_cut);
        bus_hub_cut(s->w->hub, s->w->nodes[i]->name, s->w->nodes[node]->name, is_cut);
    }
}

static unsigned changes(const struct story *s)
{
    unsigned count = 0;

    for (size_t i = 0; i < NODES; i++)
        count += s->resolvers[i].changes;
    return count;
}

static void nodes_answer_the_same(const struct story *s)
{
    for (size_t i = 1; i < NODES; i++)
        assert_memory_equal(s->resolvers[i].answers, s->resolvers[0].answers,
            CLIENTS * sizeof s->resolvers[0].answers[0]);
}

static unsigned some_seeds(void)
{
    return (seeds() + 4) / 5;
}

static void what_is_slow_on_one_way_alone_moves_no_client_of_any_node(void **)
{
    for (uint64_t seed = 1; seed <= some_seeds(); seed++) {
        struct story s;

        story_begin(&s, seed, true);
        unsigned before = changes(&s);

        assert_int_equal(map_of(&s, NYC)->facts->checks[0].all[REPORT_LATENCY].sources, 3);
        path_takes(&s, NYC, 0, span_ms(100));
        nodes_agree_for_a_minute(&s);
        nodes_agree_for_a_minute(&s);
        assert_int_equal(changes(&s), before);
        nodes_answer_the_same(&s);
        story_end(&s);
    }
}

/* That it is the others' word which keeps them. */
static void a_node_alone_leaves_what_is_slow_for_it(void **)
{
    struct story s;

    story_begin(&s, 1, false);
    path_takes(&s, NYC, 0, span_ms(100));
    assert_true(time_until(s.w, &s.resolvers[NYC], 0, false).ns <= span_s(60).ns);
    assert_int_equal(s.resolvers[FRA].changes, 0);
    story_end(&s);
}

static void what_is_slow_for_most_is_left_by_all(void **)
{
    for (uint64_t seed = 1; seed <= some_seeds(); seed++) {
        struct story s;

        story_begin(&s, seed, true);
        path_takes(&s, NYC, 0, span_ms(100));
        path_takes(&s, SIN, 0, span_ms(100));
        for (size_t i = 0; i < NODES; i++)
            assert_true(time_until(s.w, &s.resolvers[i], 0, false).ns <= span_s(60).ns);
        nodes_agree_for_a_minute(&s);
        nodes_answer_the_same(&s);
        story_end(&s);
    }
}

/* While it is cut off, nyc1 has only its own slow way to go by, and makes no map of it. */
static void a_node_that_was_cut_off_agrees_again_within_ten_seconds(void **)
{
    struct figures f = { .list = mem_array(FIGURES_MAX, sizeof(int64_t)) };

    for (uint64_t seed = 1; seed <= some_seeds(); seed++) {
        struct story s;

        story_begin(&s, seed, true);
        sim_run_for(s.w->sim, span_ms((int64_t)sim_draw(s.w->sim, 5000)));
        path_takes(&s, NYC, 0, span_ms(100));
        cut_off(&s, NYC, true);
        sim_run_for(s.w->sim, span_s(60));
        assert_false(nodes_agree(&s));
        assert_int_equal(map_of(&s, NYC)->facts->checks[0].all[REPORT_LATENCY].sources, 3);
        assert_int_equal(s.resolvers[NYC].changes, 0);
        assert_int_equal(map_of(&s, FRA)->facts->checks[0].all[REPORT_LATENCY].sources, 2);
        assert_int_equal(s.resolvers[FRA].changes, 0);
        cut_off(&s, NYC, false);
        figures_add(&f, time_until_agreed(&s).ns / 1000000);
        nodes_agree_for_a_minute(&s);
        nodes_answer_the_same(&s);
        story_end(&s);
    }
    assert_true(figures_tell(&f, "ms to agree after a cut") <= 10000);
    mem_free(f.list);
}

static void a_node_whose_clock_is_an_hour_ahead_is_not_heard_until_it_is_right(void **)
{
    for (uint64_t seed = 1; seed <= some_seeds(); seed++) {
        struct story s;

        story_begin(&s, seed, true);
        sim_kernel_wall_step(s.w->clocks[NYC], span_s(3600));
        sim_run_for(s.w->sim, span_s(60));
        for (size_t i = 0; i < NODES; i++) {
            uint64_t dropped = counter_read(&heard_by(&s, i)->future);

            assert_in_range(dropped, i == NYC ? 0 : 59, i == NYC ? 0 : 62);
        }
        assert_int_equal(map_of(&s, FRA)->facts->checks[0].all[REPORT_LATENCY].sources, 2);
        assert_true(facts_are_equal(map_of(&s, FRA)->facts, map_of(&s, SIN)->facts));
        sim_kernel_wall_step(s.w->clocks[NYC], span_s(-3600));
        sim_run_for(s.w->sim, span_s(10));
        assert_true(time_until_agreed(&s).ns <= span_s(10).ns);
        assert_int_equal(map_of(&s, FRA)->facts->checks[0].all[REPORT_LATENCY].sources, 3);
        nodes_answer_the_same(&s);
        story_end(&s);
    }
}

/* Keeps the newest digest of nyc1. */
struct tap {
    struct intruder intruder;
    size_t length;
    char heard[4096];
};

static void tap_hears(struct intruder *intruder, struct slice from, struct slice payload)
{
    struct tap *tap = container_of(intruder, struct tap, intruder);

    if (!slice_equal(from, SLICE("nyc1")))
        return;
    assert_true(payload.length <= sizeof tap->heard);
    memcpy(tap->heard, payload.at, payload.length);
    tap->length = payload.length;
}

/* Says it under that name, and is gone. */
static void intrude(struct story *s, const char *name, struct slice says)
{
    struct intruder i = { .lane = BUS_REPORTS };

    intruder_open(&i, s->w, name);
    intruder_say(&i, s->w, says);
    sim_run_for(s->w->sim, span_ms(50));
    bus_free(i.bus);
}

static void what_is_replayed_forged_or_garbled_changes_nothing(void **)
{
    struct tap tap = { .intruder = { .lane = BUS_REPORTS, .hear = tap_hears } };
    struct story s;

    story_begin(&s, 1, true);
    intruder_open(&tap.intruder, s.w, "tap");
    sim_run_for(s.w->sim, span_s(3));
    struct slice kept = slice_of(tap.heard, tap.length);
    const struct hearing_counts *counts = heard_by(&s, FRA);

    assert_true(kept.length > 0);
    intrude(&s, "nyc1", kept);
    assert_int_equal(counter_read(&counts->replayed), 1);
    intrude(&s, "sin1", kept);
    assert_int_equal(counter_read(&counts->impostor), 1);
    intrude(&s, "ams1", kept);
    assert_int_equal(counter_read(&counts->unknown), 1);
    intrude(&s, "nyc1", slice_head(kept, kept.length - 1));
    intrude(&s, "nyc1", SLICE("hello"));
    assert_int_equal(counter_read(&counts->malformed), 2);
    assert_int_equal(counter_read(&heard_by(&s, NYC)->malformed), 0); // it does not hear itself
    bus_free(tap.intruder.bus);
    nodes_agree_for_a_minute(&s);
    assert_int_equal(changes(&s), 0);
    story_end(&s);
}

/* A check of another release, as the others may have for a while. */
static void what_is_not_measured_here_is_passed_over(void **)
{
    struct report report = { .kind = REPORT_LATENCY, .value = 5000, .evidence = 1000 };
    char bytes[DIGEST_HEADER_SIZE + 2 * DIGEST_REPORT_SIZE];
    struct digest_writer writer;
    struct digest head = { .observer = hash_bytes(SLICE("nyc1"), 0), .boot = 1 };
    struct story s;

    story_begin(&s, 1, true);
    cut_off(&s, NYC, true);
    head.at = report.at = loop_wall(s.w->controls[FRA]);
    head.at.ms += 1000; // newer than what nyc1 itself says meanwhile
    digest_begin(&writer, bytes, sizeof bytes, &head);
    report.check = 1;
    assert_true(digest_add(&writer, &report));
    report.check = node_root(s.w->nodes[FRA])->rows->checks->list[0].id;
    assert_true(digest_add(&writer, &report));
    cut_off(&s, NYC, false);
    uint64_t taken = counter_read(&view_counts(steering_view(s.w->steering[FRA]))->taken);

    intrude(&s, "nyc1", digest_end(&writer));
    assert_int_equal(counter_read(&heard_by(&s, FRA)->foreign), 1);
    assert_true(counter_read(&view_counts(steering_view(s.w->steering[FRA]))->taken) > taken);
    story_end(&s);
}

static void a_digest_a_second_is_told_also_when_there_is_no_news(void **)
{
    struct story s;

    story_begin_on(&s, 1, SELDOM, true);
    uint64_t told = counter_read(&heard_by(&s, FRA)->told);
    uint64_t taken = counter_read(&heard_by(&s, NYC)->taken);

    sim_run_for(s.w->sim, span_s(60));
    assert_in_range(counter_read(&heard_by(&s, FRA)->told) - told, 59, 61);
    assert_in_range(counter_read(&heard_by(&s, NYC)->taken) - taken, 118, 122);
    story_end(&s);
}

/* Until the middle of an epoch, when all have long planned it. */
static void rest(struct story *s)
{
    int64_t past_ms = loop_wall(s->w->controls[FRA]).ms % STEER_EPOCH_MS;

    sim_run_for(s->w->sim, span_ms((STEER_EPOCH_MS * 8 / 5 - past_ms) % STEER_EPOCH_MS));
}

/* What is measured once a minute is news in one digest only. */
static void a_lost_digest_is_made_good_by_a_full_one(void **)
{
    const struct span limit = { HEARING_ALL.ns + span_ms(STEER_EPOCH_MS + STEER_LAG_MS).ns };
    unsigned cuts = 0;
    struct story s;

    story_begin_on(&s, 1, SELDOM, true);
    for (rest(&s); nodes_agree(&s); rest(&s)) {
        assert_true(cuts++ < 100);
        cut_off(&s, NYC, true); // not for so long that nyc1 would be noticed to be back
        sim_run_for(s.w->sim, span_ms(1900));
        cut_off(&s, NYC, false);
        sim_run_for(s.w->sim, span_ms(1100));
    }
    assert_true(time_until_agreed(&s).ns <= limit.ns);
    story_end(&s);
}

static void one_that_is_back_is_told_all_at_once(void **)
{
    struct figures f = { .list = mem_array(FIGURES_MAX, sizeof(int64_t)) };

    for (uint64_t seed = 1; seed <= some_seeds(); seed++) {
        struct story s;

        story_begin_on(&s, seed, SELDOM, true);
        cut_off(&s, NYC, true);
        sim_run_for(s.w->sim, span_ms(90000 + (int64_t)sim_draw(s.w->sim, 10000)));
        assert_false(nodes_agree(&s));
        cut_off(&s, NYC, false);
        figures_add(&f, time_until_agreed(&s).ns / 1000000);
        story_end(&s);
    }
    assert_true(figures_tell(&f, "ms to agree on what is seldom measured") <= 10000);
    mem_free(f.list);
}

static void clocks_half_a_second_apart_make_no_difference(void **)
{
    for (uint64_t seed = 1; seed <= some_seeds(); seed++) {
        struct story s;

        story_begin(&s, seed, true);
        sim_kernel_wall_step(s.w->clocks[NYC], span_ms(500));
        sim_run_for(s.w->sim, span_s(10));
        nodes_agree_for_a_minute(&s);
        nodes_answer_the_same(&s);
        story_end(&s);
    }
}

struct newest {
    const struct checks *checks;
    uint64_t observer;
    int64_t ms;
};

static void find_newest(void *to, const struct report *report)
{
    struct newest *newest = to;

    uint32_t at = checks_find(newest->checks, report->check);

    if (report->observer == newest->observer && newest->checks->list[at].origin != NULL &&
        report->at.ms > newest->ms)
        newest->ms = report->at.ms;
}

/* Stamp of the newest report on an origin that fra1 holds of nyc1. */
static int64_t newest_of_nyc(const struct story *s)
{
    struct newest newest = { .checks = node_root(s->w->nodes[FRA])->rows->checks,
        .observer = hash_bytes(SLICE("nyc1"), 0) };

    view_each(steering_view(s->w->steering[FRA]), find_newest, &newest);
    return newest.ms;
}

static void what_was_measured_by_a_wrong_clock_does_not_become_new_when_it_is_set_right(void **)
{
    struct story s;

    story_begin_on(&s, 1, RARELY, true);
    int64_t before = newest_of_nyc(&s);

    sim_kernel_wall_step(s.w->clocks[NYC], span_s(3600));
    sim_run_for(s.w->sim, span_s(610));
    unsigned probes = s.w->origins[0].probes + s.w->origins[1].probes;

    sim_kernel_wall_step(s.w->clocks[NYC], span_s(-3600));
    sim_run_for(s.w->sim, span_s(12));
    assert_int_equal(s.w->origins[0].probes + s.w->origins[1].probes, probes);
    assert_int_equal(newest_of_nyc(&s), before);
    sim_run_for(s.w->sim, span_s(600));
    assert_true(newest_of_nyc(&s) > before);
    story_end(&s);
}

/* How often the text stands in what was logged. */
static unsigned logged(const struct world *w, const char *text)
{
    char log[4096] = "";
    unsigned count = 0;

    assert_true(pread(w->log.fd, log, sizeof log - 1, 0) >= 0);
    for (const char *at = log; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static void count_report(void *to, const struct report *report)
{
    (void)report;
    ++*(uint64_t *)to;
}

static void a_way_that_is_lost_is_said_once_and_when_it_is_back_all_is_told(void **)
{
    struct story s;

    story_begin_on(&s, 1, SELDOM, true);
    struct bus_user *user = steering_bus_user(s.w->steering[FRA]);
    const struct counter *told = &heard_by(&s, FRA)->told_reports;
    uint64_t held = 0, before;

    observer_each(steering_observer(s.w->steering[FRA]), count_report, &held);
    do { // all has just been told, as it is now and then: what comes next is not that
        before = counter_read(told);
        sim_run_for(s.w->sim, span_s(1));
    } while (counter_read(told) - before < held);
    sim_run_for(s.w->sim, span_s(3));
    log_init(&s.w->log, memfd_create("log", 0), LOG_INFO);
    user->ops->linked(user, false, "no server answers");
    assert_int_equal(logged(s.w, "bus lost node=fra1 reason=\"no server answers\""), 1);
    user->ops->linked(user, true, "");
    assert_int_equal(logged(s.w, "bus back node=fra1"), 1);
    before = counter_read(told);
    sim_run_for(s.w->sim, span_ms(1100));
    assert_true(counter_read(told) - before >= held);
    assert_int_equal(logged(s.w, "bus"), 2);
    close(s.w->log.fd);
    log_init(&s.w->log, -1, LOG_ERROR);
    story_end(&s);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(what_is_slow_on_one_way_alone_moves_no_client_of_any_node),
        cmocka_unit_test(a_node_alone_leaves_what_is_slow_for_it),
        cmocka_unit_test(what_is_slow_for_most_is_left_by_all),
        cmocka_unit_test(a_node_that_was_cut_off_agrees_again_within_ten_seconds),
        cmocka_unit_test(a_node_whose_clock_is_an_hour_ahead_is_not_heard_until_it_is_right),
        cmocka_unit_test(what_is_replayed_forged_or_garbled_changes_nothing),
        cmocka_unit_test(what_is_not_measured_here_is_passed_over),
        cmocka_unit_test(a_digest_a_second_is_told_also_when_there_is_no_news),
        cmocka_unit_test(a_lost_digest_is_made_good_by_a_full_one),
        cmocka_unit_test(one_that_is_back_is_told_all_at_once),
        cmocka_unit_test(clocks_half_a_second_apart_make_no_difference),
        cmocka_unit_test(
            what_was_measured_by_a_wrong_clock_does_not_become_new_when_it_is_set_right),
        cmocka_unit_test(a_way_that_is_lost_is_said_once_and_when_it_is_back_all_is_told),
    };

    return cmocka_run_group_tests_name("app/sim_bus", cases, NULL, NULL);
}
