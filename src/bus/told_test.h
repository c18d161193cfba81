// SPDX-License-Identifier: Apache-2.0
#pragma once

/* A user of a bus that follows the log and writes down what it tells. */

#include <stdio.h>

#include "bus/bus.h"
#include "io/both_test.h"

enum { TOLD_MAX = 4096 };

enum told_kind { TOLD_ORDER, TOLD_GAP };

struct told {
    enum told_kind kind;
    uint64_t era, number;
    char text[24]; // the payload's beginning
    size_t length;
};

struct told_answer {
    uint64_t ticket, era, number;
    enum err err;
    char why[200];
};

struct follower {
    struct bus_user user;
    struct bus *bus;
    struct told told[TOLD_MAX];
    size_t told_count;
    struct told_answer answers[TOLD_MAX];
    size_t answer_count;
    bool is_behind, was_told_behind;
    unsigned behind_count; // times told
    uint64_t last_ticket;
};

static inline struct follower *follower_of(struct bus_user *user)
{
    return container_of(user, struct follower, user);
}

static inline struct told *follower_note(
    struct follower *f, enum told_kind kind, uint64_t era, uint64_t number)
{
    assert_true(f->told_count < TOLD_MAX);
    assert_true(era > 0 && number > 0);
    f->told[f->told_count] = (struct told){ .kind = kind, .era = era, .number = number };
    return &f->told[f->told_count++];
}

static inline void follower_message(struct bus_user *, enum bus_lane, struct slice, struct slice)
{
}

static inline void follower_linked(struct bus_user *, bool, const char *)
{
}

static inline void follower_order(
    struct bus_user *user, uint64_t era, uint64_t number, struct slice payload)
{
    struct told *told = follower_note(follower_of(user), TOLD_ORDER, era, number);

    told->length = payload.length;
    snprintf(told->text, sizeof told->text, "%.*s",
        (int)(payload.length < 20 ? payload.length : 20), payload.length > 0 ? payload.at : "");
}

static inline void follower_gap(struct bus_user *user, uint64_t era, uint64_t number)
{
    follower_note(follower_of(user), TOLD_GAP, era, number);
}

static inline void follower_behind(struct bus_user *user, bool is_behind)
{
    struct follower *f = follower_of(user);

    assert_true(!f->was_told_behind || f->is_behind != is_behind); // on change alone
    f->was_told_behind = true;
    f->is_behind = is_behind;
    f->behind_count += is_behind;
}

static inline void follower_ordered(struct bus_user *user, uint64_t ticket, enum err err,
    uint64_t era, uint64_t number, const char *why)
{
    struct follower *f = follower_of(user);

    assert_true(f->answer_count < TOLD_MAX);
    assert_int_equal(err == ERR_NONE, why[0] == '\0'); // a refusal has its reason
    struct told_answer *a = &f->answers[f->answer_count++];

    *a = (struct told_answer){ ticket, era, number, err, "" };
    snprintf(a->why, sizeof a->why, "%s", why);
}

static const struct bus_user_ops FOLLOWER_OPS = {
    .message = follower_message,
    .linked = follower_linked,
    .order = follower_order,
    .order_gap = follower_gap,
    .behind = follower_behind,
    .ordered = follower_ordered,
};
