// SPDX-License-Identifier: Apache-2.0
/* When nodes say that they are there. */
#include <stdlib.h>
#include <string.h>

#include "app/hearing_world_test.h"

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

static void be_linked(struct teller *t)
{
    struct bus_user *user = hearing_user(t->hearing);

    user->ops->linked(user, true, "");
}

static void a_way_that_is_back_is_used_at_once(void **)
{
    struct world *w = world_open(true);

    sim_run_for(w->sim, span_s(1));
    uint64_t beats = counter_read(&counts_of(w, NYC)->beats);

    act(&w->nodes[NYC], be_linked);
    assert_int_equal(counter_read(&counts_of(w, NYC)->beats), beats + 1);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(four_beats_a_second_come_each_in_a_phase_of_its_own),
        cmocka_unit_test(what_changes_is_said_at_once_and_once),
        cmocka_unit_test(what_changes_all_the_time_makes_no_crowd_and_keeps_the_phase),
        cmocka_unit_test(a_way_that_is_back_is_used_at_once),
    };

    return cmocka_run_group_tests_name("app/heart", cases, NULL, NULL);
}
