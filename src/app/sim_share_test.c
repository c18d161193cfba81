// SPDX-License-Identifier: Apache-2.0
/* Nodes that know the same hold the same map, whatever they held before: after a start, after a
 * cut, and when what is said about maps cannot be trusted. */
#include <unistd.h>

#include "app/hearing.h"
#include "app/sharing.h"
#include "app/sim_intruder_test.h"
#include "app/sim_reload_test.h"
#include "app/sim_steer_test.h"
#include "steer/share.h"

/* `one` twice, so that no target is nearer than all others: then near equals share the clients, and
 * who was among them stays for longer (steer/map.h). */
#define NETWORK(nodes, targets)                  \
    "network: example\n"                         \
    "zone: cdn.test\n"                           \
    "nameservers: [ns1.cdn.test]\n"              \
    "contact: hostmaster@cdn.test\n"             \
    "pops:\n" nodes "customers:\n"               \
    "  acme:\n"                                  \
    "    origins:\n"                             \
    "      one: {address: \"10.0.1.1:80\"}\n"    \
    "      twin: {address: \"10.0.1.1:80\"}\n"   \
    "      two: {address: \"10.0.1.2:80\"}\n"    \
    "    sites:\n"                               \
    "      www.test:\n"                          \
    "        steer: [" targets "]\n"             \
    "        weigh: {latency: 1, response: 0}\n" \
    "        probe: {http: /health}\n"

#define NODES(nodes) NETWORK(nodes, "one, twin, two")

#define FRA1 "  fra: {nodes: {fra1: {address: 10.0.0.1}}, cache: {memory: 16 MiB}}\n"
#define NYC1 "  nyc: {nodes: {nyc1: {address: 10.0.0.2}}, cache: {memory: 16 MiB}}\n"
#define SIN1 "  sin: {nodes: {sin1: {address: 10.0.0.3}}, cache: {memory: 16 MiB}}\n"
#define GRU1 "  gru: {nodes: {gru1: {address: 10.0.0.4}}, cache: {memory: 16 MiB}}\n"
#define LHR1 "  lhr: {nodes: {lhr1: {address: 10.0.0.5}}, cache: {memory: 16 MiB}}\n"

static const char TWO[] = NODES(FRA1 NYC1);
static const char THREE[] = NODES(FRA1 NYC1 SIN1);
static const char THREE_LATER[] = NETWORK(FRA1 NYC1 SIN1, "one, two");
static const char FOUR[] = NODES(FRA1 NYC1 SIN1 GRU1);
static const char FIVE[] = NODES(FRA1 NYC1 SIN1 GRU1 LHR1);

enum { FRA, NYC, SIN, GRU, LHR, CLIENTS = 40 };

/* Where `two` is as near as `one`, where it is too far for who is not among the near already, and
 * where it is too far for all; the other way takes 2 ms. */
#define NEAR     span_us(2000)
#define BETWEEN  span_us(4300)
#define FAR_AWAY span_us(12000)

struct story {
    struct world *w;
    struct resolver resolver; // asks nyc1
};

/* The way between a node and an origin takes so long, and a little more at times. */
static void path_takes(struct story *s, size_t node, size_t origin, struct span delay)
{
    const struct sim_link link = { .delay = delay, .jitter = span_us(100) };
    struct ip from = ip_v4(10, 0, 0, (uint8_t)(node + 1)), to = s->w->origins[origin].at.ip;

    sim_link_set(s->w->sim, &from, &to, &link);
    sim_link_set(s->w->sim, &to, &from, &link);
}

static void paths_take(struct story *s, struct span delay)
{
    for (size_t i = 0; i < s->w->node_count; i++)
        path_takes(s, i, 1, delay);
}

static void cut(struct story *s, size_t a, size_t b, bool is_cut)
{
    bus_hub_cut(s->w->hub, s->w->nodes[a]->name, s->w->nodes[b]->name, is_cut);
    bus_hub_cut(s->w->hub, s->w->nodes[b]->name, s->w->nodes[a]->name, is_cut);
}

static void cut_off(struct story *s, size_t node, bool is_cut)
{
    for (size_t i = 0; i < s->w->node_count; i++)
        if (i != node)
            cut(s, node, i, is_cut);
}

/* Until the middle of an epoch, when all have long planned it. */
static void rest(struct story *s)
{
    int64_t past_ms = loop_wall(s->w->controls[FRA]).ms % STEER_EPOCH_MS;

    sim_run_for(s->w->sim, span_ms((STEER_EPOCH_MS * 8 / 5 - past_ms) % STEER_EPOCH_MS));
}

static void story_begin(struct story *s, uint64_t seed, const char *network, bool has_bus)
{
    const struct asking crowd = {
        .name = "www.test", .subnets = CLIENTS, .every = span_s(1), .node = NYC
    };

    fprintf(stderr, "seed %llu\r", (unsigned long long)seed);
    s->w = world_prepared(seed, network);
    sim_link_set(
        s->w->sim, NULL, NULL, &(struct sim_link){ .delay = NEAR, .jitter = span_us(100) });
    if (has_bus)
        s->w->hub = bus_hub_new();
    world_steer(s->w);
    sim_run_for(s->w->sim, span_s(60));
    resolver_start(s->w, &s->resolver, crowd);
}

static void story_end(struct story *s)
{
    assert_int_equal(s->resolver.empty, 0);
    resolver_stop(s->w, &s->resolver);
    world_close(s->w);
}

static const struct steer_map *map_of(const struct story *s, size_t node)
{
    return root_map(node_root(s->w->nodes[node]));
}

static const struct sharing_counts *counts_of(const struct story *s, size_t node)
{
    return sharing_counts(steering_sharing(s->w->steering[node]));
}

static bool nodes_agree(const struct story *s)
{
    for (size_t i = 0; i < s->w->node_count; i++)
        if (!steering_is_settled(s->w->steering[i]) ||
            map_of(s, 0)->epoch.ms != map_of(s, i)->epoch.ms ||
            map_of(s, 0)->shared_hash != map_of(s, i)->shared_hash)
            return false;
    return true;
}

/* Not while maps are being replaced by those of a new epoch. */
static bool nodes_differ(const struct story *s)
{
    int64_t past_ms = loop_wall(s->w->controls[FRA]).ms % STEER_EPOCH_MS;
    bool is_planning = past_ms >= STEER_LAG_MS - 50 && past_ms < STEER_LAG_MS + 250;

    return !is_planning && !nodes_agree(s);
}

/* From now until they differed for the last time, of half a minute; and then they never do. */
static struct span time_until_agreed(struct story *s)
{
    struct instant start = sim_now(s->w->sim);
    struct span last = { 0 };

    while (instant_since(start, sim_now(s->w->sim)).ns < span_s(30).ns) {
        if (nodes_differ(s))
            last = instant_since(start, sim_now(s->w->sim));
        sim_run_for(s->w->sim, span_ms(50));
    }
    return last;
}

static void nodes_agree_for_a_minute(struct story *s)
{
    for (unsigned i = 0; i < 600; i++) {
        assert_false(nodes_differ(s));
        sim_run_for(s->w->sim, span_ms(100));
    }
}

/* Targets that clients are spread over. */
static unsigned band_of(const struct story *s, size_t node)
{
    return map_of(s, node)->cells[0].band;
}

/* Away for so long; begins anew with nothing measured. Its workers answer all the while. */
static void restart(struct story *s, size_t node, struct span away)
{
    struct root *old = node_root(s->w->nodes[node]), *root;

    rest(s);
    steering_free(s->w->steering[node]);
    s->w->steering[node] = NULL;
    sim_run_for(s->w->sim, away);
    root = world_root_in(old->release, s->w->nodes[node]->name);
    node_publish(s->w->nodes[node], &root);
    s->w->nodes[node]->seed++;
    world_node_steer(s->w, node);
}

static unsigned some_seeds(void)
{
    return (seeds() + 4) / 5;
}

/* `two` was too far and is now between: who knew nothing of that would take it for near. */
static void leave_what_was_far(struct story *s)
{
    assert_int_equal(band_of(s, NYC), 3);
    paths_take(s, FAR_AWAY);
    sim_run_for(s->w->sim, span_s(30));
    assert_int_equal(band_of(s, NYC), 2);
    paths_take(s, BETWEEN);
    sim_run_for(s->w->sim, span_s(60));
    assert_int_equal(band_of(s, NYC), 2);
}

/* That it is the others' map which keeps its clients where they are. */
static void a_node_alone_forgets_who_was_too_far(void **)
{
    struct story s;

    story_begin(&s, 1, TWO, false);
    leave_what_was_far(&s);
    unsigned before = s.resolver.changes;

    restart(&s, NYC, span_s(10));
    sim_run_for(s.w->sim, span_s(60));
    assert_int_equal(band_of(&s, NYC), 3);
    assert_int_equal(band_of(&s, FRA), 2);
    assert_true(s.resolver.changes > before);
    story_end(&s);
}

static void a_node_that_starts_again_has_the_map_of_the_others_within_two_epochs(void **)
{
    struct figures f = { .list = mem_array(FIGURES_MAX, sizeof(int64_t)) };

    for (uint64_t seed = 1; seed <= some_seeds(); seed++) {
        struct story s;

        story_begin(&s, seed, THREE, true);
        leave_what_was_far(&s);
        restart(&s, NYC, span_ms(3000 + (int64_t)sim_draw(s.w->sim, 20000)));
        figures_add(&f, time_until_agreed(&s).ns / 1000000);
        assert_int_equal(band_of(&s, NYC), 2);
        assert_true(counter_read(&counts_of(&s, NYC)->adopted) >= 1);
        nodes_agree_for_a_minute(&s);
        story_end(&s);
    }
    assert_true(figures_tell(&f, "ms to agree after a start") <= 2 * STEER_EPOCH_MS);
    mem_free(f.list);
}

/* But for the moment in which it knows nothing and nobody has answered yet; real clients find no
 * name server there meanwhile (app/process.c). */
static void a_node_that_starts_again_moves_no_clients(void **)
{
    struct figures f = { .list = mem_array(FIGURES_MAX, sizeof(int64_t)) };

    for (uint64_t seed = 1; seed <= some_seeds(); seed++) {
        struct ip before[CLIENTS];
        struct settled settled;
        struct story s;

        story_begin(&s, seed, THREE, true);
        leave_what_was_far(&s);
        memcpy(before, s.resolver.answers, sizeof before);
        restart(&s, NYC, span_s(5));
        struct instant start = sim_now(s.w->sim);

        settled = (struct settled){ { all_are_settled }, s.w };
        assert_true(sim_run_until(s.w->sim, &settled.wish, span_s(10)));
        figures_add(&f, instant_since(start, sim_now(s.w->sim)).ns / 1000000);
        sim_run_for(s.w->sim, span_ms(1100)); // each has asked again
        assert_memory_equal(s.resolver.answers, before, sizeof before);
        unsigned changes = s.resolver.changes;

        sim_run_for(s.w->sim, span_s(40));
        assert_int_equal(s.resolver.changes, changes);
        story_end(&s);
    }
    assert_true(figures_tell(&f, "ms until a node that starts again knows enough") <= 1500);
    mem_free(f.list);
}

/* The two leave `two` while nyc1 keeps it, since it doubts itself, and all of its map. */
static void after_a_cut_the_one_has_the_map_of_the_two_within_ten_seconds(void **)
{
    struct figures f = { .list = mem_array(FIGURES_MAX, sizeof(int64_t)) };

    for (uint64_t seed = 1; seed <= some_seeds(); seed++) {
        struct story s;

        story_begin(&s, seed, THREE, true);
        sim_run_for(s.w->sim, span_ms((int64_t)sim_draw(s.w->sim, 5000)));
        cut_off(&s, NYC, true);
        sim_run_for(s.w->sim, span_s(5));
        paths_take(&s, FAR_AWAY);
        sim_run_for(s.w->sim, span_s(30));
        paths_take(&s, BETWEEN);
        sim_run_for(s.w->sim, span_s(60));
        assert_int_equal(band_of(&s, NYC), 3);
        assert_int_equal(band_of(&s, FRA), 2);
        assert_int_equal(counter_read(&counts_of(&s, NYC)->adopted), 0);
        sim_run_for(s.w->sim, span_ms((int64_t)sim_draw(s.w->sim, 5000)));
        cut_off(&s, NYC, false);
        figures_add(&f, time_until_agreed(&s).ns / 1000000);
        assert_int_equal(band_of(&s, NYC), 2);
        assert_int_equal(counter_read(&counts_of(&s, FRA)->adopted), 0);
        nodes_agree_for_a_minute(&s);
        story_end(&s);
    }
    assert_true(figures_tell(&f, "ms to hold one map after a cut") <= 10000);
    mem_free(f.list);
}

/* nyc1 hears gru1 alone of three, and what it says would be as much as its own word. */
static void one_that_doubts_itself_takes_nothing_over(void **)
{
    struct story s;

    story_begin(&s, 1, FOUR, true);
    cut(&s, NYC, FRA, true);
    cut(&s, NYC, SIN, true);
    sim_run_for(s.w->sim, span_s(5));
    paths_take(&s, FAR_AWAY);
    sim_run_for(s.w->sim, span_s(30));
    paths_take(&s, BETWEEN);
    sim_run_for(s.w->sim, span_s(60));
    assert_true(hearing_is_suspect(steering_hearing(s.w->steering[NYC])));
    assert_int_equal(counter_read(&counts_of(&s, NYC)->adopted), 0);
    assert_int_equal(counter_read(&counts_of(&s, NYC)->asked), 0);
    assert_int_equal(band_of(&s, GRU), 2);
    assert_int_equal(band_of(&s, NYC), 3);
    // Of two, the lower: else it would have kept its own in any case.
    assert_true(map_of(&s, GRU)->shared_hash < map_of(&s, NYC)->shared_hash);
    story_end(&s);
}

static uint64_t asked_by_all(const struct story *s)
{
    uint64_t asked = 0;

    for (size_t i = 0; i < s->w->node_count; i++)
        asked += counter_read(&counts_of(s, i)->asked);
    return asked;
}

static void while_a_release_is_rolled_out_nobody_wants_the_map_of_another(void **)
{
    struct story s;

    story_begin(&s, 1, THREE, true);
    uint64_t asked = asked_by_all(&s);

    use_network_on(s.w, THREE_LATER, NYC, NYC + 1);
    // Or the map before would be taken for one of this release, until the next epoch.
    assert_true(hearing_says(steering_hearing(s.w->steering[NYC]))->map == 0);
    sim_run_for(s.w->sim, span_s(60));
    assert_true(map_of(&s, NYC)->shared_hash != map_of(&s, FRA)->shared_hash);
    assert_true(map_of(&s, SIN)->shared_hash == map_of(&s, FRA)->shared_hash);
    assert_int_equal(asked_by_all(&s), asked);
    use_network_on(s.w, THREE_LATER, FRA, FRA + 1);
    use_network_on(s.w, THREE_LATER, SIN, SIN + 1);
    assert_true(time_until_agreed(&s).ns <= span_s(10).ns);
    story_end(&s);
}

/* nyc1 does not hear two of those that find `two` near, and so takes it for far. */
static void who_adopts_in_vain_does_so_less_and_less_often(void **)
{
    enum { EPOCHS = 120 };
    struct story s;

    story_begin(&s, 1, FIVE, true);
    for (size_t i = GRU; i <= LHR; i++)
        bus_hub_cut(s.w->hub, s.w->nodes[i]->name, s.w->nodes[NYC]->name, true);
    path_takes(&s, NYC, 1, FAR_AWAY);
    path_takes(&s, SIN, 1, FAR_AWAY);
    sim_run_for(s.w->sim, span_ms(EPOCHS * STEER_EPOCH_MS));
    assert_true(map_of(&s, NYC)->shared_hash != map_of(&s, FRA)->shared_hash);
    assert_in_range(counter_read(&counts_of(&s, NYC)->adopted), SHARING_PATIENCE + 1,
        SHARING_PATIENCE + 6 + EPOCHS / SHARING_REST_EPOCHS);
    assert_int_equal(counter_read(&counts_of(&s, FRA)->adopted), 0);
    story_end(&s);
}

/* Of two, neither is most; each goes on by itself while they are cut. */
static void of_two_that_differ_the_lowest_hash_stays(void **)
{
    unsigned taken[2] = { 0 };

    for (uint64_t seed = 1; seed <= some_seeds(); seed++) {
        struct story s;

        story_begin(&s, seed, TWO, true);
        cut_off(&s, NYC, true);
        path_takes(&s, seed % 2, 1, FAR_AWAY);
        sim_run_for(s.w->sim, span_s(60));
        paths_take(&s, BETWEEN);
        sim_run_for(s.w->sim, span_s(60));
        rest(&s);
        assert_int_equal(band_of(&s, seed % 2), 2);
        assert_int_equal(band_of(&s, 1 - seed % 2), 3);
        size_t lower = map_of(&s, FRA)->shared_hash < map_of(&s, NYC)->shared_hash ? FRA : NYC;
        unsigned band = band_of(&s, lower);

        cut_off(&s, NYC, false);
        assert_true(time_until_agreed(&s).ns <= span_s(10).ns);
        assert_int_equal(band_of(&s, FRA), band);
        assert_int_equal(band_of(&s, NYC), band);
        assert_int_equal(counter_read(&counts_of(&s, lower)->adopted), 0);
        assert_int_equal(counter_read(&counts_of(&s, 1 - lower)->adopted), 1);
        taken[lower]++;
        nodes_agree_for_a_minute(&s);
        story_end(&s);
    }
    if (some_seeds() >= 10)
        assert_true(taken[FRA] > 0 && taken[NYC] > 0);
}

/* Cuts, ways that grow longer and shorter, and starts; then peace. */
static void whatever_happened_all_hold_one_map_in_the_end(void **)
{
    const struct span delays[] = { NEAR, BETWEEN, FAR_AWAY };
    struct figures f = { .list = mem_array(FIGURES_MAX, sizeof(int64_t)) };

    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        struct story s;

        story_begin(&s, seed, THREE, true);
        for (unsigned i = 0; i < 8; i++) {
            size_t node = sim_draw(s.w->sim, s.w->node_count),
                   other = sim_draw(s.w->sim, s.w->node_count);

            path_takes(&s, node, sim_draw(s.w->sim, 2), delays[sim_draw(s.w->sim, 3)]);
            if (node != other)
                cut(&s, node, other, sim_draw(s.w->sim, 2) == 0);
            if (sim_draw(s.w->sim, 4) == 0)
                restart(&s, node, span_ms((int64_t)sim_draw(s.w->sim, 5000)));
            sim_run_for(s.w->sim, span_ms((int64_t)sim_draw(s.w->sim, 20000)));
        }
        for (size_t i = 0; i < s.w->node_count; i++)
            cut_off(&s, i, false);
        figures_add(&f, time_until_agreed(&s).ns / 1000000);
        nodes_agree_for_a_minute(&s);
        story_end(&s);
    }
    // Up to an epoch until a node that has just started knows the same; then two.
    assert_true(figures_tell(&f, "ms to hold one map after trouble") <= 3 * STEER_EPOCH_MS);
    mem_free(f.list);
}

struct listener {
    struct intruder intruder;
    unsigned parts; // of maps, that were told
};

static void listener_hears(struct intruder *intruder, struct slice, struct slice payload)
{
    struct listener *l = container_of(intruder, struct listener, intruder);
    struct map_part part;

    if (map_part_parse(payload, &part))
        l->parts += part.kind == MAP_PART;
}

/* Says it under that name so often; returns how many parts were told meanwhile. */
static unsigned intrude(struct story *s, const char *name, struct slice says, unsigned times)
{
    struct listener l = { .intruder = { .lane = BUS_MAPS, .hear = listener_hears } };

    intruder_open(&l.intruder, s->w, name);
    for (unsigned round = 0; round < times; round++) {
        intruder_say(&l.intruder, s->w, says);
        sim_run_for(s->w->sim, span_ms(10));
    }
    sim_run_for(s->w->sim, span_ms(100));
    bus_free(l.intruder.bus);
    return l.parts;
}

/* What fra1 would answer. */
static struct map_part question_for(const struct story *s, size_t node)
{
    return (struct map_part){ .kind = MAP_ASK,
        .release = share_release(node_root(s->w->nodes[node])->rows),
        .hash = map_of(s, node)->shared_hash,
        .holder = hash_bytes(s->w->nodes[node]->name, 0) };
}

static void questions_that_are_foreign_stale_or_too_many_are_not_answered(void **)
{
    char bytes[MAP_ASK_SIZE];
    struct story s;

    story_begin(&s, 1, THREE, true);
    rest(&s);
    const struct sharing_counts *counts = counts_of(&s, FRA);
    struct map_part question = question_for(&s, FRA);

    assert_int_equal(intrude(&s, "nyc1", map_ask_write(bytes, &question), 1), 1);
    // A second of questions: no more answers than four, and one that was under way.
    assert_in_range(intrude(&s, "nyc1", map_ask_write(bytes, &question), 100), 3, 5);
    rest(&s);
    question = question_for(&s, FRA);
    question.hash++;
    assert_int_equal(intrude(&s, "nyc1", map_ask_write(bytes, &question), 1), 0);
    assert_int_equal(counter_read(&counts->stale), 1);
    question = question_for(&s, FRA);
    question.release++;
    assert_int_equal(intrude(&s, "nyc1", map_ask_write(bytes, &question), 1), 0);
    assert_int_equal(counter_read(&counts->foreign), 1);
    question = question_for(&s, FRA);
    assert_int_equal(intrude(&s, "ams1", map_ask_write(bytes, &question), 1), 0); // a stranger
    assert_int_equal(intrude(&s, "nyc1", SLICE("wpm"), 1), 0);
    assert_int_equal(counter_read(&counts->malformed), 1);
    story_end(&s);
}

/* Another map than that which was asked for, under its hash: nyc1 asks on, and the rest tell. */
struct liar {
    struct intruder intruder;
    unsigned lies;
};

static void liar_hears(struct intruder *intruder, struct slice from, struct slice payload)
{
    struct liar *liar = container_of(intruder, struct liar, intruder);
    struct map_part_cell cell = { .count = 3, .band = 1, .targets = { 2, 1, 0 } };
    char bytes[MAP_PART_CELLS_AT + MAP_PART_CELL_MOST];
    struct map_part_writer writer;
    struct map_part part;

    if (!slice_equal(from, SLICE("nyc1")) || !map_part_parse(payload, &part) ||
        part.kind != MAP_ASK || liar->lies > 0)
        return;
    liar->lies++;
    part.total = 1;
    map_part_begin(&writer, bytes, sizeof bytes, &part);
    assert_true(map_part_add(&writer, &cell));
    bus_publish(intruder->bus, BUS_MAPS, map_part_end(&writer));
}

static void a_map_that_is_not_what_its_hash_says_is_refused_and_the_next_node_asked(void **)
{
    // The one that is asked first has the lower hash of the two that hold the map.
    bool fra_is_first = hash_bytes(SLICE("fra1"), 0) < hash_bytes(SLICE("sin1"), 0);
    struct liar liar = { .intruder = { .lane = BUS_MAPS, .hear = liar_hears } };
    struct story s;

    story_begin(&s, 1, THREE, true);
    leave_what_was_far(&s);
    intruder_open(&liar.intruder, s.w, fra_is_first ? "fra1" : "sin1");
    restart(&s, NYC, span_s(5));
    assert_true(time_until_agreed(&s).ns <= span_s(10).ns);
    assert_int_equal(liar.lies, 1);
    assert_int_equal(counter_read(&counts_of(&s, NYC)->refused), 1);
    assert_true(counter_read(&counts_of(&s, NYC)->adopted) >= 1);
    assert_int_equal(band_of(&s, NYC), 2);
    bus_free(liar.intruder.bus);
    story_end(&s);
}

static void who_is_asked_and_silent_is_followed_by_the_next(void **)
{
    bool fra_is_first = hash_bytes(SLICE("fra1"), 0) < hash_bytes(SLICE("sin1"), 0);
    size_t first = fra_is_first ? FRA : SIN;
    struct story s;

    story_begin(&s, 1, THREE, true);
    leave_what_was_far(&s);
    // It is heard, and hears nothing itself.
    bus_hub_cut(s.w->hub, s.w->nodes[NYC]->name, s.w->nodes[first]->name, true);
    restart(&s, NYC, span_s(1));
    sim_run_for(s.w->sim, span_ms(2500));
    assert_int_equal(counter_read(&counts_of(&s, NYC)->unanswered), 1);
    assert_int_equal(counter_read(&counts_of(&s, NYC)->adopted), 1);
    assert_int_equal(band_of(&s, NYC), 2);
    story_end(&s);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_node_alone_forgets_who_was_too_far),
        cmocka_unit_test(a_node_that_starts_again_has_the_map_of_the_others_within_two_epochs),
        cmocka_unit_test(a_node_that_starts_again_moves_no_clients),
        cmocka_unit_test(after_a_cut_the_one_has_the_map_of_the_two_within_ten_seconds),
        cmocka_unit_test(of_two_that_differ_the_lowest_hash_stays),
        cmocka_unit_test(whatever_happened_all_hold_one_map_in_the_end),
        cmocka_unit_test(questions_that_are_foreign_stale_or_too_many_are_not_answered),
        cmocka_unit_test(a_map_that_is_not_what_its_hash_says_is_refused_and_the_next_node_asked),
        cmocka_unit_test(one_that_doubts_itself_takes_nothing_over),
        cmocka_unit_test(while_a_release_is_rolled_out_nobody_wants_the_map_of_another),
        cmocka_unit_test(who_adopts_in_vain_does_so_less_and_less_often),
        cmocka_unit_test(who_is_asked_and_silent_is_followed_by_the_next),
    };

    return cmocka_run_group_tests_name("app/sim_share", cases, NULL, NULL);
}
