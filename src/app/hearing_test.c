// SPDX-License-Identifier: Apache-2.0
/* What nodes know by hearing each other, and what those who follow are told. */
#include "app/hearing_world_test.h"
#include "wire/digest.h"

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
    uint64_t beats = counter_read(&hearing_counts(t->hearing)->beats);

    hearing_leave(t->hearing);
    if (hearing_bus(t->hearing) != NULL)
        assert_int_equal(counter_read(&hearing_counts(t->hearing)->beats), beats + 1);
}

static void one_that_leaves_has_said_so_and_is_back_with_its_next_boot(void **)
{
    struct world *w = world_open(true);
    struct teller *nyc = &w->nodes[NYC], *fra = &w->nodes[FRA];

    sim_run_for(w->sim, span_s(2));
    uint64_t beats = counter_read(&counts_of(w, NYC)->beats);

    act(nyc, leave);
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

static const struct pop SMALLER_POP = { .nodes = ALL, .node_count = 2 };
static const struct network SMALLER = { .pops = &SMALLER_POP, .pop_count = 1, .hash = 0xdef };

static void use_smaller(struct teller *t)
{
    hearing_use(t->hearing, &SMALLER, &CHECKS);
}

static void a_release_without_those_it_does_not_hear_ends_the_doubt(void **)
{
    struct world *w = world_open(true);
    struct teller *nyc = &w->nodes[NYC];

    sim_run_for(w->sim, span_s(2));
    cut(w, FRA, NYC, true);
    cut(w, SIN, NYC, true);
    sim_run_for(w->sim, span_s(2));
    assert_int_equal(nyc->suspect, 1);
    act(nyc, use_smaller);
    assert_int_equal(nyc->trusted, 1);
    sim_run_for(w->sim, span_ms(11));
    assert_int_equal(w->nodes[FRA].heard.release, 0xdef);
    world_close(w);
}

static void find_down(struct teller *t)
{
    observer_learn(t->observer, CHECK, REPORT_HEALTH, loop_wall(t->loop), 0);
    hearing_tell_now(t->hearing);
}

static void one_that_was_away_is_owed_all_that_is_held(void **)
{
    struct world *w = world_open(true);
    struct teller *fra = &w->nodes[FRA];
    const struct counter *told = &counts_of(w, FRA)->told_reports;

    sim_run_for(w->sim, span_s(1));
    act(fra, find_down);
    act(fra, tell); // all, as it is the first
    act(fra, tell);
    uint64_t before = counter_read(told);

    act(fra, tell);
    assert_int_equal(counter_read(told), before);
    cut(w, NYC, FRA, true);
    sim_run_for(w->sim, span_s(5));
    cut(w, NYC, FRA, false);
    sim_run_for(w->sim, span_s(1));
    act(fra, tell);
    assert_int_equal(counter_read(told), before + 1);
    world_close(w);
}

/* Words of a new boot of nyc1. */
static void hear_digest(struct teller *t)
{
    const struct digest head = {
        .observer = hash_bytes(SLICE("nyc1"), 0), .boot = 99, .at = loop_wall(t->loop)
    };
    struct bus_user *user = hearing_user(t->hearing);
    struct digest_writer writer;
    char bytes[DIGEST_HEADER_SIZE];

    digest_begin(&writer, bytes, sizeof bytes, &head);
    user->ops->message(user, BUS_REPORTS, SLICE("nyc1"), digest_end(&writer));
}

static void hear_beat(struct teller *t)
{
    const struct heartbeat beat = {
        .observer = hash_bytes(SLICE("nyc1"), 0), .boot = 99, .at = loop_wall(t->loop)
    };
    struct bus_user *user = hearing_user(t->hearing);
    char bytes[HEARTBEAT_SIZE];

    user->ops->message(user, BUS_HEARTBEATS, SLICE("nyc1"), heartbeat_write(&beat, bytes));
}

static void its_first_heartbeat_makes_a_silence_noticed_sooner(void **)
{
    struct world *w = world_open(true);
    struct teller *fra = &w->nodes[FRA];

    cut(w, NYC, FRA, true);
    cut(w, SIN, FRA, true);
    sim_run_for(w->sim, span_s(5));
    act(fra, hear_digest);
    assert_true(peer_of(w, FRA, NYC).is_present);
    unsigned went = fra->went;

    act(fra, hear_beat);
    sim_run_for(w->sim, span_ms(1010));
    assert_int_equal(fra->went, went + 1);
    world_close(w);
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

static void hear_nothing(struct bus_user *, enum bus_lane, struct slice, struct slice)
{
}

static void mind_no_link(struct bus_user *, bool, const char *)
{
}

/* Says it on that lane, under that name. */
static void intrude(struct world *w, const char *name, enum bus_lane lane, struct slice says)
{
    static const struct bus_user_ops NO_OPS = { .message = hear_nothing, .linked = mind_no_link };
    struct bus_user user = { .ops = &NO_OPS };
    struct bus *bus = bus_local_open(w->hub, w->nodes[FRA].loop, slice_text(name), &user);

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

static const struct hearing_follower_ops DEAF = { .presence = NULL };
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
        cmocka_unit_test(a_peer_is_missing_a_second_after_its_last_beat_and_there_with_the_next),
        cmocka_unit_test(one_that_leaves_has_said_so_and_is_back_with_its_next_boot),
        cmocka_unit_test(one_that_hears_few_is_suspect_and_says_so_until_it_hears_them),
        cmocka_unit_test(one_whose_peers_all_left_on_purpose_trusts_itself),
        cmocka_unit_test(a_release_without_those_it_does_not_hear_ends_the_doubt),
        cmocka_unit_test(one_that_was_away_is_owed_all_that_is_held),
        cmocka_unit_test(its_first_heartbeat_makes_a_silence_noticed_sooner),
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
