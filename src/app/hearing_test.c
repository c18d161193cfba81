// SPDX-License-Identifier: Apache-2.0
/* Three nodes that only tell and hear, on simulated loops; what they measure is put into their
 * mouths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/hearing.h"
#include "base/hash.h"
#include "base/mem.h"
#include "io/epoch.h"
#include "io/kernel.h"
#include "io/loop.h"
#include "io/sim.h"
#include "steer/observer.h"
#include "steer/peers.h"
#include "steer/view.h"

enum { FRA, NYC, SIN, NODES, CHECK = 7 };

static const struct node ALL[NODES] = { { .name = { "fra1", 4 } }, { .name = { "nyc1", 4 } },
    { .name = { "sin1", 4 } } };
static const struct pop POP = { .nodes = ALL, .node_count = NODES };
static const struct network NETWORK = { .pops = &POP, .pop_count = 1, .hash = 0xabc };
static const struct check ORIGIN = { .id = CHECK };
static const struct checks CHECKS = { .list = &ORIGIN, .count = 1 };

/* One of them, and what it was told. */
struct teller {
    struct hearing_follower follower;
    struct world *w;
    struct kernel *kernel;
    struct loop *loop;
    struct observer *observer;
    struct view *view;
    struct hearing *hearing;
    struct loop_message message; // runs `act` within a turn
    void (*act)(struct teller *teller);
    unsigned came, went, missing, suspect, trusted, healths, messages, said;
    struct instant newest;  // of what was told
    struct heartbeat heard; // of nyc1, the newest that said something else
    struct report health;   // the newest
    uint64_t boot;
};

struct world {
    struct sim *sim;
    struct epoch epoch;
    struct log log;
    struct bus_hub *hub;
    struct teller nodes[NODES];
};

static struct teller *teller_of(struct hearing_follower *follower)
{
    return container_of(follower, struct teller, follower);
}

static void on_presence(struct hearing_follower *follower, const struct peer *peer)
{
    struct teller *t = teller_of(follower);

    t->came += peer->is_present;
    t->went += !peer->is_present;
    t->missing += peer->is_missing;
    t->newest = loop_now(t->loop);
}

static void on_said(
    struct hearing_follower *follower, const struct peer *peer, const struct heartbeat *before)
{
    struct teller *t = teller_of(follower);

    assert_true(
        before == NULL || peer->heartbeat == NULL || !heartbeat_says_same(before, peer->heartbeat));
    t->newest = loop_now(t->loop);
    if (!slice_equal(peer->name, SLICE("nyc1")))
        return;
    t->said++;
    t->heard = peer->heartbeat == NULL ? (struct heartbeat){ 0 } : *peer->heartbeat;
}

static void on_health(struct hearing_follower *follower, const struct report *report)
{
    struct teller *t = teller_of(follower);

    t->healths++;
    t->health = *report;
    t->newest = loop_now(t->loop);
}

static void on_suspect(struct hearing_follower *follower, bool is_suspect)
{
    struct teller *t = teller_of(follower);

    assert_int_equal(hearing_is_suspect(t->hearing), is_suspect);
    t->suspect += is_suspect;
    t->trusted += !is_suspect;
    t->newest = loop_now(t->loop);
}

static void on_lane(struct hearing_follower *follower, enum bus_lane lane, const struct peer *from,
    struct slice payload)
{
    assert_int_equal(lane, BUS_MAPS);
    assert_true(from->is_heard);
    assert_true(slice_equal(payload, SLICE("hello")));
    teller_of(follower)->messages++;
}

static const struct hearing_follower_ops OPS = { .presence = on_presence,
    .said = on_said,
    .health = on_health,
    .suspect = on_suspect,
    .message = on_lane };

static const struct hearing_follower_ops DEAF = { .presence = NULL };

static void on_act(struct loop_message *message)
{
    struct teller *t = container_of(message, struct teller, message);

    t->act(t);
}

/* Within a turn of its loop; nothing else has happened when it returns. */
static void act(struct teller *t, void (*deed)(struct teller *))
{
    t->act = deed;
    loop_post(t->loop, &t->message);
    sim_run_for(t->w->sim, span_us(10));
}

static void begin(struct teller *t)
{
    hearing_begin(t->hearing);
}

static void tell(struct teller *t)
{
    hearing_tell(t->hearing);
}

static void teller_start(struct teller *t, size_t at, bool has_bus)
{
    struct slice name = ALL[at].name;

    t->boot++;
    t->observer = observer_new(hash_bytes(name, 0));
    t->view = view_new();
    t->hearing = hearing_new(&(struct hearing_plan){ .loop = t->loop,
        .log = &t->w->log,
        .name = name,
        .boot = t->boot,
        .observer = t->observer,
        .view = t->view });
    t->follower.ops = &OPS;
    hearing_follow(t->hearing, &t->follower);
    hearing_use(t->hearing, &NETWORK, &CHECKS);
    if (has_bus) {
        struct bus *bus = bus_local_open(t->w->hub, t->loop, name, hearing_user(t->hearing));

        hearing_join(t->hearing, &bus);
        assert_null(bus);
    }
    act(t, begin);
}

static void teller_stop(struct teller *t)
{
    hearing_free(t->hearing);
    observer_free(t->observer);
    view_free(t->view);
}

static struct world *world_open(bool has_bus)
{
    struct world *w = mem_new(struct world);

    w->sim = sim_new(1);
    epoch_init(&w->epoch);
    log_init(&w->log, -1, LOG_ERROR);
    w->hub = bus_hub_new();
    for (size_t i = 0; i < NODES; i++) {
        struct teller *t = &w->nodes[i];
        const struct ip ip = ip_v4(10, 0, 0, (uint8_t)(i + 1));

        t->w = w;
        t->message.run = on_act;
        t->kernel = sim_kernel(w->sim, &ip);
        t->loop = loop_new(t->kernel, &w->epoch, (unsigned)i);
        sim_kernel_turns(t->kernel, t->loop);
        teller_start(t, i, has_bus);
    }
    return w;
}

static void world_close(struct world *w)
{
    for (size_t i = 0; i < NODES; i++)
        teller_stop(&w->nodes[i]);
    bus_hub_free(w->hub);
    for (size_t i = 0; i < NODES; i++)
        loop_free(w->nodes[i].loop);
    for (size_t i = 0; i < NODES; i++)
        kernel_free(w->nodes[i].kernel);
    epoch_done(&w->epoch);
    sim_free(w->sim);
    mem_free(w);
}

/* From now on `to` does not hear `from`, or does again. */
static void cut(struct world *w, size_t from, size_t to, bool is_cut)
{
    bus_hub_cut(w->hub, ALL[from].name, ALL[to].name, is_cut);
}

static const struct hearing_counts *counts_of(const struct world *w, size_t node)
{
    return hearing_counts(w->nodes[node].hearing);
}

static struct peer peer_of(const struct world *w, size_t node, size_t peer)
{
    struct peer found;

    assert_true(peers_find(hearing_peers(w->nodes[node].hearing), hash_bytes(ALL[peer].name, 0),
        sim_now(w->sim), &found));
    return found;
}

/* Counts beats, and keeps when within a period each node's came. */
struct tap {
    struct bus_user user;
    struct loop *loop;
    unsigned beats[NODES];
    int64_t phase_us[NODES];
};

static void tap_hears(
    struct bus_user *user, enum bus_lane lane, struct slice from, struct slice payload)
{
    struct tap *tap = container_of(user, struct tap, user);
    struct heartbeat heartbeat;

    if (lane != BUS_HEARTBEATS)
        return;
    assert_true(heartbeat_parse(payload, &heartbeat));
    for (size_t i = 0; i < NODES; i++)
        if (slice_equal(from, ALL[i].name)) {
            tap->beats[i]++;
            tap->phase_us[i] =
                loop_now(tap->loop).ns % (HEARTBEAT_PERIOD_MS * INT64_C(1000000)) / 1000;
        }
}

static void tap_linked(struct bus_user *, bool, const char *)
{
}

static const struct bus_user_ops TAP = { .message = tap_hears, .linked = tap_linked };

static struct bus *tap_open(struct world *w, struct tap *tap, const char *name)
{
    *tap = (struct tap){ .user.ops = &TAP, .loop = w->nodes[FRA].loop };
    return bus_local_open(w->hub, tap->loop, slice_text(name), &tap->user);
}

static void four_beats_a_second_come_each_in_a_phase_of_its_own(void **)
{
    struct world *w = world_open(true);
    struct tap tap;
    struct bus *bus = tap_open(w, &tap, "tap");
    int64_t phases_us[NODES];

    sim_run_for(w->sim, span_s(1));
    memcpy(phases_us, tap.phase_us, sizeof phases_us);
    memset(tap.beats, 0, sizeof tap.beats);
    sim_run_for(w->sim, span_s(10));
    for (size_t i = 0; i < NODES; i++) {
        assert_in_range(tap.beats[i], 39, 41);
        assert_in_range(tap.phase_us[i] - phases_us[i] + 1000, 0, 2000);
    }
    assert_true(llabs(phases_us[FRA] - phases_us[NYC]) > 1000);
    assert_true(llabs(phases_us[NYC] - phases_us[SIN]) > 1000);
    assert_in_range(counter_read(&counts_of(w, FRA)->beats), 43, 47);
    assert_in_range(counter_read(&counts_of(w, FRA)->beat_taken), 84, 94);
    assert_int_equal(peer_of(w, FRA, NYC).heartbeat->release, 0xabc);
    bus_free(bus);
    world_close(w);
}

/* Until 100 ms after its next beat but one: no other comes by itself for a while. */
static struct span until_after_beat(const struct world *w, const struct tap *tap, size_t node)
{
    const int64_t period_us = HEARTBEAT_PERIOD_MS * INT64_C(1000);
    int64_t now_us = sim_now(w->sim).ns / 1000 % period_us;

    return span_us(period_us + (tap->phase_us[node] + 100000 - now_us + period_us) % period_us);
}

static void say_much(struct teller *t)
{
    for (uint64_t i = 1; i <= 100; i++)
        hearing_say_orders(t->hearing, 1, i, 5);
    hearing_say_map(t->hearing, (struct wall){ 1000 }, 9);
    hearing_say_flag(t->hearing, HEARTBEAT_BLIND, true);
}

static void say_more(struct teller *t)
{
    hearing_say_orders(t->hearing, 1, hearing_says(t->hearing)->order + 1, 5);
}

static void what_changes_is_said_at_once_and_once(void **)
{
    struct world *w = world_open(true);
    struct teller *nyc = &w->nodes[NYC], *fra = &w->nodes[FRA];
    struct tap tap;
    struct bus *bus = tap_open(w, &tap, "tap");

    sim_run_for(w->sim, span_s(1));
    sim_run_for(w->sim, until_after_beat(w, &tap, NYC));
    unsigned said = fra->said;

    act(nyc, say_much);
    sim_run_for(w->sim, span_ms(11));
    assert_int_equal(fra->said, said + 1);
    assert_int_equal(fra->heard.era, 1);
    assert_int_equal(fra->heard.order, 100);
    assert_int_equal(fra->heard.drains, 5);
    assert_int_equal(fra->heard.epoch.ms, 1000);
    assert_int_equal(fra->heard.map, 9);
    assert_int_equal(fra->heard.flags, HEARTBEAT_BLIND);
    sim_run_for(w->sim, span_s(3)); // said again and again, it is no news
    assert_int_equal(fra->said, said + 1);
    bus_free(bus);
    world_close(w);
}

static void what_changes_all_the_time_makes_no_crowd_and_keeps_the_phase(void **)
{
    struct world *w = world_open(true);
    struct tap tap;
    struct bus *bus = tap_open(w, &tap, "tap");

    sim_run_for(w->sim, span_s(1));
    int64_t phase_us = tap.phase_us[NYC];
    unsigned beats = tap.beats[NYC];

    for (size_t i = 0; i < 1000; i++) {
        act(&w->nodes[NYC], say_more);
        sim_run_for(w->sim, span_us(990));
    }
    assert_in_range(tap.beats[NYC] - beats, 90, 106);
    sim_run_for(w->sim, span_s(1));
    assert_int_equal(w->nodes[FRA].heard.order, 1000);
    assert_in_range(tap.phase_us[NYC] - phase_us + 1000, 0, 2000);
    bus_free(bus);
    world_close(w);
}

static void a_peer_is_missing_a_second_after_its_last_beat_and_there_with_the_next(void **)
{
    struct world *w = world_open(true);
    struct teller *fra = &w->nodes[FRA];

    sim_run_for(w->sim, span_s(2));
    assert_int_equal(fra->came, 2);
    cut(w, NYC, FRA, true);
    sim_run_for(w->sim, span_s(5));
    struct instant heard = peer_of(w, FRA, NYC).heard;

    assert_int_equal(fra->went, 1);
    assert_int_equal(fra->missing, 1);
    assert_true(peer_of(w, FRA, NYC).is_missing);
    assert_in_range(instant_since(heard, fra->newest).ns, 1000000000, 1001000000);
    assert_int_equal(counter_read(&counts_of(w, FRA)->missed), 1);
    assert_int_equal(w->nodes[SIN].went, 0);
    cut(w, NYC, FRA, false);
    sim_run_for(w->sim, span_ms(HEARTBEAT_PERIOD_MS + 1));
    assert_int_equal(fra->came, 3);
    assert_true(peer_of(w, FRA, NYC).is_present);
    assert_int_equal(fra->suspect, 0); // it heard one of two
    world_close(w);
}

static void leave(struct teller *t)
{
    hearing_leave(t->hearing);
}

static void one_that_leaves_has_said_so_and_is_back_with_its_next_boot(void **)
{
    struct world *w = world_open(true);
    struct teller *nyc = &w->nodes[NYC], *fra = &w->nodes[FRA];

    sim_run_for(w->sim, span_s(2));
    uint64_t beats = counter_read(&counts_of(w, NYC)->beats);

    act(nyc, leave);
    assert_int_equal(counter_read(&counts_of(w, NYC)->beats), beats + 1);
    sim_run_for(w->sim, span_ms(1));
    assert_int_equal(fra->heard.flags, HEARTBEAT_LEAVING);
    sim_run_for(w->sim, span_s(1));
    assert_in_range(counter_read(&counts_of(w, NYC)->beats), beats + 4, beats + 6);
    teller_stop(nyc);
    sim_run_for(w->sim, span_s(60));
    assert_int_equal(peer_of(w, FRA, NYC).heartbeat->flags, HEARTBEAT_LEAVING);
    assert_int_equal(fra->suspect, 0);
    unsigned said = fra->said;

    teller_start(nyc, NYC, true);
    sim_run_for(w->sim, span_s(1));
    assert_int_equal(fra->heard.flags, 0);
    assert_int_equal(fra->said, said + 1);
    world_close(w);
}

static void one_that_hears_few_is_suspect_and_says_so_until_it_hears_them(void **)
{
    struct world *w = world_open(true);
    struct teller *nyc = &w->nodes[NYC], *fra = &w->nodes[FRA];

    sim_run_for(w->sim, span_s(2));
    cut(w, FRA, NYC, true); // the others hear nyc1
    cut(w, SIN, NYC, true);
    sim_run_for(w->sim, span_ms(1300));
    assert_int_equal(nyc->suspect, 1);
    assert_int_equal(fra->heard.flags, HEARTBEAT_SUSPECT);
    assert_int_equal(fra->suspect, 0);
    sim_run_for(w->sim, span_s(60));
    assert_int_equal(nyc->suspect, 1);
    assert_int_equal(nyc->trusted, 0);
    cut(w, SIN, NYC, false);
    sim_run_for(w->sim, span_ms(HEARTBEAT_PERIOD_MS + 20));
    assert_int_equal(nyc->trusted, 1);
    assert_int_equal(fra->heard.flags, 0);
    world_close(w);
}

static void one_whose_peers_all_left_on_purpose_trusts_itself(void **)
{
    struct world *w = world_open(true);

    sim_run_for(w->sim, span_s(2));
    act(&w->nodes[FRA], leave);
    act(&w->nodes[SIN], leave);
    sim_run_for(w->sim, span_ms(10));
    for (size_t i = 0; i < NODES; i++)
        if (i != NYC) {
            cut(w, i, NYC, true);
            cut(w, NYC, i, true);
        }
    sim_run_for(w->sim, span_s(10));
    assert_int_equal(w->nodes[NYC].went, 2);
    assert_int_equal(w->nodes[NYC].suspect, 0);
    world_close(w);
}

static void find_down(struct teller *t)
{
    observer_learn(t->observer, CHECK, REPORT_HEALTH, loop_wall(t->loop), 0);
    hearing_tell_now(t->hearing);
}

static void find_up(struct teller *t)
{
    observer_learn(t->observer, CHECK, REPORT_HEALTH, loop_wall(t->loop), 1);
    hearing_tell_now(t->hearing);
}

static void a_verdict_is_told_at_once(void **)
{
    struct world *w = world_open(true);
    struct teller *nyc = &w->nodes[NYC], *fra = &w->nodes[FRA];

    sim_run_for(w->sim, span_ms(1500));
    act(nyc, find_down);
    sim_run_for(w->sim, span_ms(1));
    assert_int_equal(fra->healths, 1);
    assert_int_equal(fra->health.check, CHECK);
    assert_int_equal(fra->health.value, 0);
    assert_true(fra->health.observer == hash_bytes(SLICE("nyc1"), 0));
    assert_int_equal(w->nodes[SIN].healths, 1);
    assert_int_equal(nyc->healths, 0); // its own it knows
    world_close(w);
}

static void verdicts_that_come_in_a_crowd_share_their_digests(void **)
{
    struct world *w = world_open(true);
    struct teller *nyc = &w->nodes[NYC];

    sim_run_for(w->sim, span_ms(1500));
    for (size_t i = 0; i < 100; i++) {
        act(nyc, find_down);
        sim_run_for(w->sim, span_us(990));
    }
    assert_in_range(counter_read(&counts_of(w, NYC)->told), 2, 3);
    world_close(w);
}

static void the_verdict_of_one_whose_clock_was_set_back_is_heard(void **)
{
    struct world *w = world_open(true);
    struct teller *nyc = &w->nodes[NYC], *fra = &w->nodes[FRA];

    sim_kernel_wall_step(nyc->kernel, span_ms(4000));
    act(nyc, find_down);
    sim_run_for(w->sim, span_ms(100));
    assert_int_equal(fra->healths, 1);
    sim_kernel_wall_step(nyc->kernel, span_s(-3600));
    act(nyc, find_up);
    sim_run_for(w->sim, span_ms(100));
    assert_int_equal(fra->healths, 2);
    assert_int_equal(fra->health.value, 1);
    world_close(w);
}

/* Says it on that lane, under that name. */
static void intrude(struct world *w, const char *name, enum bus_lane lane, struct slice says)
{
    struct tap tap;
    struct bus *bus = tap_open(w, &tap, name);

    sim_run_for(w->sim, span_ms(1));
    bus_publish(bus, lane, says);
    sim_run_for(w->sim, span_ms(1));
    bus_free(bus);
}

static void lanes_that_are_not_its_own_are_passed_on_if_a_peer_speaks(void **)
{
    struct world *w = world_open(true);
    struct teller *fra = &w->nodes[FRA];

    struct bus_user *user = hearing_user(fra->hearing);

    sim_run_for(w->sim, span_s(1));
    intrude(w, "nyc1", BUS_MAPS, SLICE("hello"));
    assert_int_equal(fra->messages, 1);
    intrude(w, "ams1", BUS_MAPS, SLICE("hello"));
    user->ops->message(user, BUS_MAPS, SLICE("fra1"), SLICE("hello")); // a node runs twice
    user->ops->message(user, BUS_MAPS, SLICE_NONE, SLICE("hello"));
    assert_int_equal(fra->messages, 1);
    assert_int_equal(counter_read(&counts_of(w, FRA)->strange), 3);
    world_close(w);
}

static void heartbeats_that_are_forged_garbled_or_told_again_change_nothing(void **)
{
    struct world *w = world_open(true);
    struct bus_user *user = hearing_user(w->nodes[FRA].hearing);
    const struct hearing_counts *counts = counts_of(w, FRA);
    struct heartbeat beat;
    char bytes[HEARTBEAT_SIZE];

    sim_run_for(w->sim, span_s(1));
    beat = *peer_of(w, FRA, NYC).heartbeat;
    beat.flags = HEARTBEAT_LEAVING;
    struct slice forged = heartbeat_write(&beat, bytes);

    cut(w, NYC, SIN, true); // as if the others had not heard it
    intrude(w, "nyc1", BUS_HEARTBEATS, forged);
    assert_int_equal(counter_read(&counts->beat_replayed), 1);
    intrude(w, "sin1", BUS_HEARTBEATS, forged);
    assert_int_equal(counter_read(&counts->beat_impostor), 1);
    intrude(w, "ams1", BUS_HEARTBEATS, forged);
    assert_int_equal(counter_read(&counts->beat_unknown), 1);
    user->ops->message(user, BUS_HEARTBEATS, SLICE("fra1"), forged);
    assert_int_equal(counter_read(&counts->beat_twin), 1);
    intrude(w, "nyc1", BUS_HEARTBEATS, slice_head(forged, forged.length - 1));
    assert_int_equal(counter_read(&counts->beat_malformed), 1);
    beat.at.ms += 3600 * 1000;
    beat.sequence += 1000;
    intrude(w, "nyc1", BUS_HEARTBEATS, heartbeat_write(&beat, bytes));
    assert_int_equal(counter_read(&counts->beat_future), 1);
    assert_int_equal(peer_of(w, FRA, NYC).heartbeat->flags, 0);
    world_close(w);
}

static void a_node_without_a_bus_is_alone_and_not_suspect(void **)
{
    struct world *w = world_open(false);
    struct teller *fra = &w->nodes[FRA];

    act(fra, find_down);
    act(fra, leave);
    act(fra, tell);
    sim_run_for(w->sim, span_s(5));
    assert_int_equal(counter_read(&counts_of(w, FRA)->beats), 0);
    assert_int_equal(counter_read(&view_counts(fra->view)->taken), 1);
    assert_int_equal(fra->suspect, 0);
    world_close(w);
}

static void a_follower_need_not_want_it_all(void **)
{
    struct world *w = world_open(true);
    struct hearing_follower deaf = { .ops = &DEAF };

    hearing_follow(w->nodes[FRA].hearing, &deaf);
    act(&w->nodes[NYC], find_down);
    intrude(w, "nyc1", BUS_MAPS, SLICE("hello"));
    cut(w, NYC, FRA, true);
    cut(w, SIN, FRA, true);
    sim_run_for(w->sim, span_s(5));
    assert_int_equal(w->nodes[FRA].suspect, 1); // the other one is told
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(four_beats_a_second_come_each_in_a_phase_of_its_own),
        cmocka_unit_test(what_changes_is_said_at_once_and_once),
        cmocka_unit_test(what_changes_all_the_time_makes_no_crowd_and_keeps_the_phase),
        cmocka_unit_test(a_peer_is_missing_a_second_after_its_last_beat_and_there_with_the_next),
        cmocka_unit_test(one_that_leaves_has_said_so_and_is_back_with_its_next_boot),
        cmocka_unit_test(one_that_hears_few_is_suspect_and_says_so_until_it_hears_them),
        cmocka_unit_test(one_whose_peers_all_left_on_purpose_trusts_itself),
        cmocka_unit_test(a_verdict_is_told_at_once),
        cmocka_unit_test(verdicts_that_come_in_a_crowd_share_their_digests),
        cmocka_unit_test(the_verdict_of_one_whose_clock_was_set_back_is_heard),
        cmocka_unit_test(lanes_that_are_not_its_own_are_passed_on_if_a_peer_speaks),
        cmocka_unit_test(heartbeats_that_are_forged_garbled_or_told_again_change_nothing),
        cmocka_unit_test(a_node_without_a_bus_is_alone_and_not_suspect),
        cmocka_unit_test(a_follower_need_not_want_it_all),
    };

    return cmocka_run_group_tests_name("app/hearing", cases, NULL, NULL);
}
