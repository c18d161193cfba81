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
    };

    return cmocka_run_group_tests_name("steer/peers", cases, NULL, NULL);
}
