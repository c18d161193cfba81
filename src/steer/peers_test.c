// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/hash.h"
#include "steer/peers.h"
#include "steer/view.h"

#define FROM  SLICE("nyc1")
#define OTHER SLICE("sin1")

static const struct node NODES[] = { { .name = { "fra1", 4 } }, { .name = { "nyc1", 4 } },
    { .name = { "sin1", 4 } } };

static const struct pop POPS[] = { { .nodes = NODES, .node_count = 2 },
    { .nodes = &NODES[2], .node_count = 1 } };

static const struct network NETWORK = { .pops = POPS, .pop_count = 2 };
static const struct network SMALLER = { .pops = POPS, .pop_count = 1 };

static const struct wall WALL = { INT64_C(1000000000) };
static const struct instant NOW = { INT64_C(7000000000) };

static struct peers *peers_of_fra1(void)
{
    struct peers *peers = peers_new(SLICE("fra1"));

    peers_use(peers, &NETWORK);
    return peers;
}

static struct digest digest_of(struct slice from, uint64_t boot, uint64_t sequence)
{
    return (struct digest){
        .observer = hash_bytes(from, 0), .boot = boot, .sequence = sequence, .at = WALL
    };
}

static enum peers_verdict hear(struct peers *peers, const struct digest *digest)
{
    return peers_hear(peers, FROM, digest, WALL, NOW);
}

static void digests_that_count_on_are_heard(void **)
{
    struct peers *peers = peers_of_fra1();
    struct digest digest = digest_of(FROM, 1, 5);

    assert_int_equal(hear(peers, &digest), PEERS_RETURNED);
    digest.sequence = 6;
    assert_int_equal(hear(peers, &digest), PEERS_HEARD);
    digest.sequence = 60; // those between are lost
    assert_int_equal(hear(peers, &digest), PEERS_HEARD);
    peers_free(peers);
}

static void a_digest_sent_again_or_overtaken_is_not_heard(void **)
{
    struct peers *peers = peers_of_fra1();
    struct digest digest = digest_of(FROM, 1, 5);

    assert_int_equal(hear(peers, &digest), PEERS_RETURNED);
    assert_int_equal(hear(peers, &digest), PEERS_REPLAYED);
    digest.sequence = 4;
    digest.at.ms++;
    assert_int_equal(hear(peers, &digest), PEERS_REPLAYED);
    digest.sequence = 6;
    assert_int_equal(hear(peers, &digest), PEERS_HEARD);
    peers_free(peers);
}

static void a_new_boot_replaces_the_old_one_for_good(void **)
{
    struct peers *peers = peers_of_fra1();
    struct digest old = digest_of(FROM, 1, 5), new = digest_of(FROM, 2, 0);

    assert_int_equal(hear(peers, &old), PEERS_RETURNED);
    new.at.ms++;
    assert_int_equal(hear(peers, &new), PEERS_RETURNED);
    old.sequence++;
    assert_int_equal(hear(peers, &old), PEERS_REPLAYED);
    old.at.ms++;
    assert_int_equal(hear(peers, &old), PEERS_REPLAYED);
    new.sequence++;
    assert_int_equal(hear(peers, &new), PEERS_HEARD);
    peers_free(peers);
}

static void a_clock_set_back_does_not_silence_a_peer(void **)
{
    struct peers *peers = peers_of_fra1();
    struct digest digest = digest_of(FROM, 1, 5), replayed = digest_of(FROM, 2, 0);

    assert_int_equal(hear(peers, &digest), PEERS_RETURNED);
    digest.sequence++;
    digest.at.ms -= 3600 * 1000;
    assert_int_equal(hear(peers, &digest), PEERS_HEARD);
    replayed.at.ms--; // made after that one, but not after all
    assert_int_equal(hear(peers, &replayed), PEERS_REPLAYED);
    peers_free(peers);
}

static void a_digest_from_the_future_is_not_heard_and_stands_in_no_way(void **)
{
    struct peers *peers = peers_of_fra1();
    struct digest digest = digest_of(FROM, 1, 5);

    digest.at.ms = WALL.ms + VIEW_FUTURE_MS + 1;
    assert_int_equal(hear(peers, &digest), PEERS_FUTURE);
    digest.at.ms = INT64_MAX;
    assert_int_equal(hear(peers, &digest), PEERS_FUTURE);
    digest.at.ms = WALL.ms + VIEW_FUTURE_MS;
    assert_int_equal(hear(peers, &digest), PEERS_RETURNED);
    peers_free(peers);
}

static void nodes_of_no_release_and_false_names_are_not_heard(void **)
{
    struct peers *peers = peers_of_fra1();
    struct digest digest = digest_of(FROM, 1, 5);

    assert_int_equal(peers_hear(peers, OTHER, &digest, WALL, NOW), PEERS_IMPOSTOR);
    assert_int_equal(peers_hear(peers, SLICE("ams1"), &digest, WALL, NOW), PEERS_UNKNOWN);
    assert_int_equal(peers_hear(peers, SLICE_NONE, &digest, WALL, NOW), PEERS_UNKNOWN);
    assert_int_equal(hear(peers, &digest), PEERS_RETURNED); // none of it counted
    peers_free(peers);
}

static void a_node_is_no_peer_of_its_own(void **)
{
    struct peers *peers = peers_of_fra1();
    struct digest digest = digest_of(SLICE("fra1"), 1, 5);

    assert_int_equal(peers_hear(peers, SLICE("fra1"), &digest, WALL, NOW), PEERS_TWIN);
    assert_int_equal(peers_present(peers, NOW), 0);
    peers_free(peers);
}

static void a_peer_that_was_silent_for_three_seconds_returns(void **)
{
    struct peers *peers = peers_of_fra1();
    struct digest digest = digest_of(FROM, 1, 5);
    struct instant later = instant_after(NOW, PEERS_SILENCE);

    assert_int_equal(hear(peers, &digest), PEERS_RETURNED);
    digest.sequence++;
    assert_int_equal(peers_hear(peers, FROM, &digest, WALL, later), PEERS_HEARD);
    digest.sequence++;
    later = instant_after(later, (struct span){ PEERS_SILENCE.ns + 1 });
    assert_int_equal(peers_hear(peers, FROM, &digest, WALL, later), PEERS_RETURNED);
    digest.sequence++;
    assert_int_equal(peers_hear(peers, FROM, &digest, WALL, later), PEERS_HEARD);
    peers_free(peers);
}

static void those_heard_lately_are_present(void **)
{
    struct peers *peers = peers_of_fra1();
    struct digest digest = digest_of(FROM, 1, 5), other = digest_of(OTHER, 1, 5);
    struct instant late = instant_after(NOW, PEERS_SILENCE);

    assert_int_equal(peers_present(peers, NOW), 0);
    assert_int_equal(hear(peers, &digest), PEERS_RETURNED);
    assert_int_equal(peers_present(peers, NOW), 1);
    assert_int_equal(peers_hear(peers, OTHER, &other, WALL, late), PEERS_RETURNED);
    assert_int_equal(peers_present(peers, late), 2);
    assert_int_equal(peers_present(peers, (struct instant){ late.ns + 1 }), 1);
    peers_free(peers);
}

static void a_release_keeps_what_is_known_of_those_that_stay(void **)
{
    struct peers *peers = peers_of_fra1();
    struct digest digest = digest_of(FROM, 1, 5), other = digest_of(OTHER, 1, 5);

    assert_int_equal(hear(peers, &digest), PEERS_RETURNED);
    assert_int_equal(peers_hear(peers, OTHER, &other, WALL, NOW), PEERS_RETURNED);
    peers_use(peers, &SMALLER);
    assert_int_equal(hear(peers, &digest), PEERS_REPLAYED);
    assert_int_equal(peers_hear(peers, OTHER, &other, WALL, NOW), PEERS_UNKNOWN);
    assert_int_equal(peers_present(peers, NOW), 1);
    peers_use(peers, &NETWORK);
    assert_int_equal(peers_hear(peers, OTHER, &other, WALL, NOW), PEERS_RETURNED);
    peers_free(peers);
}

static struct heartbeat heartbeat_of(struct slice from, uint64_t boot, uint64_t sequence)
{
    return (struct heartbeat){
        .observer = hash_bytes(from, 0), .boot = boot, .sequence = sequence, .at = WALL
    };
}

static enum peers_verdict hear_beat(
    struct peers *peers, const struct heartbeat *heartbeat, struct instant now)
{
    return peers_hear_heartbeat(peers, FROM, heartbeat, WALL, now);
}

static struct instant after_ms(int64_t ms)
{
    return instant_after(NOW, span_ms(ms));
}

/* As it stands so long after NOW. */
static struct peer peer_at(const struct peers *peers, struct slice name, int64_t ms)
{
    struct peer peer;

    assert_true(peers_find(peers, hash_bytes(name, 0), after_ms(ms), &peer));
    return peer;
}

static void heartbeats_and_digests_of_a_boot_count_on_their_own(void **)
{
    struct peers *peers = peers_of_fra1();
    struct digest digest = digest_of(FROM, 1, 5);
    struct heartbeat beat = heartbeat_of(FROM, 1, 3);

    assert_int_equal(hear(peers, &digest), PEERS_RETURNED);
    assert_int_equal(hear_beat(peers, &beat, NOW), PEERS_HEARD);
    assert_int_equal(hear_beat(peers, &beat, NOW), PEERS_REPLAYED);
    assert_int_equal(hear(peers, &digest), PEERS_REPLAYED);
    digest.sequence++;
    beat.sequence++;
    assert_int_equal(hear(peers, &digest), PEERS_HEARD);
    assert_int_equal(hear_beat(peers, &beat, NOW), PEERS_HEARD);
    peers_free(peers);
}

static void a_boot_that_one_lane_brought_ends_the_old_one_on_both(void **)
{
    struct peers *peers = peers_of_fra1();
    struct digest old = digest_of(FROM, 1, 500), new = digest_of(FROM, 2, 0);
    struct heartbeat beat = heartbeat_of(FROM, 2, 0);

    assert_int_equal(hear(peers, &old), PEERS_RETURNED);
    new.at.ms += 2;
    beat.at.ms += 1;
    assert_int_equal(hear_beat(peers, &beat, NOW), PEERS_RETURNED);
    old.sequence++;
    assert_int_equal(hear(peers, &old), PEERS_REPLAYED);
    assert_int_equal(hear(peers, &new), PEERS_HEARD);
    peers_free(peers);
}

static void a_heartbeat_is_looked_at_as_a_digest_is(void **)
{
    struct peers *peers = peers_of_fra1();
    struct heartbeat beat = heartbeat_of(FROM, 1, 0), self = heartbeat_of(SLICE("fra1"), 1, 0);

    assert_int_equal(peers_hear_heartbeat(peers, SLICE("fra1"), &self, WALL, NOW), PEERS_TWIN);
    assert_int_equal(peers_hear_heartbeat(peers, SLICE("ams1"), &beat, WALL, NOW), PEERS_UNKNOWN);
    assert_int_equal(peers_hear_heartbeat(peers, OTHER, &beat, WALL, NOW), PEERS_IMPOSTOR);
    beat.at.ms = WALL.ms + VIEW_FUTURE_MS + 1;
    assert_int_equal(hear_beat(peers, &beat, NOW), PEERS_FUTURE);
    assert_null(peer_at(peers, FROM, 0).heartbeat); // none of it was kept
    assert_null(peer_at(peers, OTHER, 0).heartbeat);
    assert_false(peer_at(peers, FROM, 0).is_heard);
    peers_free(peers);
}

static void the_newest_heartbeat_is_kept_and_when_it_came(void **)
{
    struct peers *peers = peers_of_fra1();
    struct heartbeat beat = heartbeat_of(FROM, 1, 0);

    assert_int_equal(hear_beat(peers, &beat, NOW), PEERS_RETURNED);
    beat.sequence = 2;
    beat.order = 17;
    assert_int_equal(hear_beat(peers, &beat, after_ms(250)), PEERS_HEARD);
    beat.sequence = 1;
    beat.order = 16;
    assert_int_equal(hear_beat(peers, &beat, after_ms(300)), PEERS_REPLAYED);
    struct peer peer = peer_at(peers, FROM, 300);

    assert_true(slice_equal(peer.name, FROM));
    assert_true(peer.observer == hash_bytes(FROM, 0));
    assert_non_null(peer.heartbeat);
    assert_int_equal(peer.heartbeat->order, 17);
    assert_true(peer.heard.ns == after_ms(250).ns);
    assert_true(peer.is_heard);
    peers_free(peers);
}

static void one_that_beat_is_missing_after_a_second_of_silence(void **)
{
    struct peers *peers = peers_of_fra1();
    struct heartbeat beat = heartbeat_of(FROM, 1, 0);
    struct digest digest = digest_of(FROM, 1, 0);

    assert_int_equal(hear_beat(peers, &beat, NOW), PEERS_RETURNED);
    assert_true(peer_at(peers, FROM, 1000).is_present);
    assert_false(peer_at(peers, FROM, 1000).is_missing);
    assert_false(peer_at(peers, FROM, 1001).is_present);
    assert_true(peer_at(peers, FROM, 1001).is_missing);
    assert_int_equal(peers_present(peers, after_ms(1001)), 0);
    assert_int_equal(peers_hear(peers, FROM, &digest, WALL, after_ms(900)), PEERS_HEARD);
    assert_true(peer_at(peers, FROM, 1001).is_present); // any word is one
    assert_true(peer_at(peers, FROM, 1901).is_missing);
    peers_free(peers);
}

static void one_that_never_beat_is_absent_later_and_not_missing(void **)
{
    struct peers *peers = peers_of_fra1();
    struct digest digest = digest_of(FROM, 1, 0), new = digest_of(FROM, 2, 0);
    struct heartbeat beat = heartbeat_of(FROM, 1, 0);

    assert_int_equal(hear(peers, &digest), PEERS_RETURNED);
    assert_true(peer_at(peers, FROM, 3000).is_present);
    assert_false(peer_at(peers, FROM, 3001).is_present);
    assert_false(peer_at(peers, FROM, 3001).is_missing);
    assert_false(peer_at(peers, OTHER, 3001).is_missing); // not heard at all
    assert_int_equal(hear_beat(peers, &beat, NOW), PEERS_HEARD);
    new.at.ms++;
    assert_int_equal(hear(peers, &new), PEERS_RETURNED);
    assert_true(peer_at(peers, FROM, 3000).is_present); // nor has this boot of it
    peers_free(peers);
}

/* Of its newest heartbeat; 0 where there is none, or no such peer. */
static uint8_t flags_of(const struct peers *peers, uint64_t observer)
{
    struct peer peer;

    return peers_find(peers, observer, NOW, &peer) && peer.heartbeat != NULL ? peer.heartbeat->flags
                                                                             : 0;
}

static void one_that_leaves_goes_on_saying_so_until_it_says_otherwise(void **)
{
    struct peers *peers = peers_of_fra1();
    struct heartbeat beat = heartbeat_of(FROM, 1, 0);
    const uint64_t observer = hash_bytes(FROM, 0);

    assert_int_equal(flags_of(peers, observer), 0);
    beat.flags = HEARTBEAT_LEAVING;
    assert_int_equal(hear_beat(peers, &beat, NOW), PEERS_RETURNED);
    assert_int_equal(flags_of(peers, observer), HEARTBEAT_LEAVING);
    assert_int_equal(flags_of(peers, 1), 0);
    assert_int_equal(peer_at(peers, FROM, 60000).heartbeat->flags, HEARTBEAT_LEAVING);
    beat.sequence++;
    beat.flags = 0;
    assert_int_equal(hear_beat(peers, &beat, NOW), PEERS_HEARD);
    assert_int_equal(flags_of(peers, observer), 0);
    peers_free(peers);
}

static void a_new_boot_has_no_heartbeat_of_the_old_one(void **)
{
    struct peers *peers = peers_of_fra1();
    struct heartbeat beat = heartbeat_of(FROM, 1, 0);
    struct digest digest = digest_of(FROM, 2, 0);

    beat.flags = HEARTBEAT_LEAVING;
    assert_int_equal(hear_beat(peers, &beat, NOW), PEERS_RETURNED);
    digest.at.ms++;
    assert_int_equal(hear(peers, &digest), PEERS_RETURNED);
    assert_int_equal(flags_of(peers, hash_bytes(FROM, 0)), 0);
    assert_null(peer_at(peers, FROM, 0).heartbeat);
    peers_free(peers);
}

enum { PEERS_MOST = 5, NEVER = -1, SILENT = 0, HEARD = 5000 };

/* One peer for each time at which it was heard. */
static bool are_few(const int *heard_ms, size_t count, uint8_t flags_of_silent)
{
    static const char *const NAMES[PEERS_MOST] = { "n1", "n2", "n3", "n4", "n5" };
    struct node nodes[PEERS_MOST + 1] = { { .name = SLICE("self") } };
    const struct pop pop = { .nodes = nodes, .node_count = count + 1 };
    struct peers *peers = peers_new(SLICE("self"));

    for (size_t i = 0; i < count; i++)
        nodes[i + 1].name = slice_text(NAMES[i]);
    peers_use(peers, &(struct network){ .pops = &pop, .pop_count = 1 });
    for (size_t i = 0; i < count; i++) {
        const struct slice name = slice_text(NAMES[i]);
        struct heartbeat beat = heartbeat_of(name, 1, 0);

        beat.flags = heard_ms[i] == SILENT ? flags_of_silent : 0;
        if (heard_ms[i] != NEVER)
            assert_int_equal(peers_hear_heartbeat(peers, name, &beat, WALL, after_ms(heard_ms[i])),
                PEERS_RETURNED);
    }
    assert_int_equal(peers_count(peers), count);
    bool few = peers_are_few(peers, after_ms(HEARD));

    peers_free(peers);
    return few;
}

static void fewer_than_half_of_two_and_more_are_few(void **)
{
    const int half[] = { SILENT, HEARD, SILENT, HEARD }, less[] = { SILENT, SILENT, HEARD, SILENT };

    assert_false(are_few(half, 0, 0));
    assert_false(are_few(half, 1, 0)); // one alone may be the one that is cut off
    assert_false(are_few(half, 2, 0));
    assert_true(are_few(half, 3, 0));
    assert_false(are_few(half, 4, HEARTBEAT_BLIND));
    assert_true(are_few(less, 2, 0));
    assert_true(are_few(less, 4, HEARTBEAT_BLIND));
}

static void those_that_left_on_purpose_count_neither_way(void **)
{
    const int left[] = { SILENT, SILENT, SILENT, HEARD };

    assert_true(are_few(left, 4, 0));
    assert_false(are_few(left, 4, HEARTBEAT_LEAVING));
    assert_false(are_few(left, 3, HEARTBEAT_LEAVING));
}

static void those_never_heard_count_neither_way(void **)
{
    const int fresh[] = { NEVER, NEVER, NEVER, HEARD, SILENT }, cut[] = { NEVER, SILENT, SILENT };

    assert_false(are_few(fresh, 3, 0));
    assert_false(are_few(fresh, 5, 0));
    assert_true(are_few(cut, 3, 0));
}

struct told {
    size_t count;
    struct peer last;
};

static void note_told(void *to, const struct peer *peer)
{
    struct told *told = to;

    told->count++;
    told->last = *peer;
}

static void coming_and_going_is_told_once_and_when_to_look_again(void **)
{
    struct peers *peers = peers_of_fra1();
    struct heartbeat beat = heartbeat_of(FROM, 1, 0);
    struct told told = { 0 };

    assert_true(peers_look(peers, NOW, note_told, &told).ns == INSTANT_NEVER.ns);
    assert_int_equal(told.count, 0);
    assert_int_equal(hear_beat(peers, &beat, NOW), PEERS_RETURNED);
    struct instant next = peers_look(peers, NOW, note_told, &told);

    assert_int_equal(told.count, 1);
    assert_true(told.last.is_present && slice_equal(told.last.name, FROM));
    assert_true(next.ns == after_ms(1000).ns + 1);
    peers_look(peers, (struct instant){ next.ns - 1 }, note_told, &told);
    assert_int_equal(told.count, 1);
    assert_true(peers_look(peers, next, note_told, &told).ns == INSTANT_NEVER.ns);
    assert_int_equal(told.count, 2);
    assert_true(told.last.is_missing);
    peers_look(peers, after_ms(9000), note_told, &told);
    assert_int_equal(told.count, 2);
    beat.sequence++;
    assert_int_equal(hear_beat(peers, &beat, after_ms(9000)), PEERS_RETURNED);
    peers_look(peers, after_ms(9000), note_told, &told);
    assert_int_equal(told.count, 3);
    assert_true(told.last.is_present);
    peers_free(peers);
}

static void one_looks_again_when_the_first_may_fall_silent(void **)
{
    struct peers *peers = peers_of_fra1();
    struct heartbeat beat = heartbeat_of(FROM, 1, 0), other = heartbeat_of(OTHER, 1, 0);
    struct told told = { 0 };

    assert_int_equal(hear_beat(peers, &beat, after_ms(100)), PEERS_RETURNED);
    assert_int_equal(peers_hear_heartbeat(peers, OTHER, &other, WALL, NOW), PEERS_RETURNED);
    assert_true(peers_look(peers, after_ms(100), note_told, &told).ns == after_ms(1000).ns + 1);
    assert_int_equal(told.count, 2);
    peers_each(peers, after_ms(1001), note_told, &told);
    assert_int_equal(told.count, 4);
    peers_free(peers);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(digests_that_count_on_are_heard),
        cmocka_unit_test(a_digest_sent_again_or_overtaken_is_not_heard),
        cmocka_unit_test(a_new_boot_replaces_the_old_one_for_good),
        cmocka_unit_test(a_clock_set_back_does_not_silence_a_peer),
        cmocka_unit_test(a_digest_from_the_future_is_not_heard_and_stands_in_no_way),
        cmocka_unit_test(nodes_of_no_release_and_false_names_are_not_heard),
        cmocka_unit_test(a_node_is_no_peer_of_its_own),
        cmocka_unit_test(a_peer_that_was_silent_for_three_seconds_returns),
        cmocka_unit_test(those_heard_lately_are_present),
        cmocka_unit_test(a_release_keeps_what_is_known_of_those_that_stay),
        cmocka_unit_test(heartbeats_and_digests_of_a_boot_count_on_their_own),
        cmocka_unit_test(a_boot_that_one_lane_brought_ends_the_old_one_on_both),
        cmocka_unit_test(a_heartbeat_is_looked_at_as_a_digest_is),
        cmocka_unit_test(the_newest_heartbeat_is_kept_and_when_it_came),
        cmocka_unit_test(one_that_beat_is_missing_after_a_second_of_silence),
        cmocka_unit_test(one_that_never_beat_is_absent_later_and_not_missing),
        cmocka_unit_test(one_that_leaves_goes_on_saying_so_until_it_says_otherwise),
        cmocka_unit_test(a_new_boot_has_no_heartbeat_of_the_old_one),
        cmocka_unit_test(fewer_than_half_of_two_and_more_are_few),
        cmocka_unit_test(those_that_left_on_purpose_count_neither_way),
        cmocka_unit_test(those_never_heard_count_neither_way),
        cmocka_unit_test(coming_and_going_is_told_once_and_when_to_look_again),
        cmocka_unit_test(one_looks_again_when_the_first_may_fall_silent),
    };

    return cmocka_run_group_tests_name("steer/peers", cases, NULL, NULL);
}
