// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For tests: a node that only tells and hears, and what its follower was told. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "app/hearing.h"
#include "io/loop.h"
#include "steer/peers.h"

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

static inline struct teller *teller_of(struct hearing_follower *follower)
{
    return container_of(follower, struct teller, follower);
}

static inline void on_presence(struct hearing_follower *follower, const struct peer *peer)
{
    struct teller *t = teller_of(follower);

    t->came += peer->is_present;
    t->went += !peer->is_present;
    t->missing += peer->is_missing;
    t->newest = loop_now(t->loop);
}

static inline void on_said(
    struct hearing_follower *follower, const struct peer *peer, const struct heartbeat *before)
{
    struct teller *t = teller_of(follower);

    assert_true(
        before == NULL || peer->heartbeat == NULL || !heartbeat_says_same(before, peer->heartbeat));
    t->newest = loop_now(t->loop);
    if (!slice_equal(peer->name, SLICE("nyc1")))
        return;
    t->said++;
    t->heard = (struct heartbeat){ 0 };
    if (peer->heartbeat != NULL)
        t->heard = *peer->heartbeat;
}

static inline void on_health(struct hearing_follower *follower, const struct report *report)
{
    struct teller *t = teller_of(follower);

    t->healths++;
    t->health = *report;
    t->newest = loop_now(t->loop);
}

static inline void on_suspect(struct hearing_follower *follower, bool is_suspect)
{
    struct teller *t = teller_of(follower);

    assert_int_equal(hearing_is_suspect(t->hearing), is_suspect);
    t->suspect += is_suspect;
    t->trusted += !is_suspect;
    t->newest = loop_now(t->loop);
}

static inline void on_lane(struct hearing_follower *follower, enum bus_lane lane,
    const struct peer *from, struct slice payload)
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
