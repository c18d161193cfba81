// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Nodes that follow the log and give orders, on any back end. */

#include "bus/told_test.h"
#include "bus/world_test.h"

/* Neither follows yet nor waits. */
static inline void follower_open(
    struct follower *f, struct world *w, unsigned loop, const char *name)
{
    *f = (struct follower){ .user.ops = &FOLLOWER_OPS };
    f->bus = world_open_bus(w, loop, "example", name, &f->user);
}

static inline void follower_follow(struct follower *f, uint64_t era, uint64_t number)
{
    bus_follow(f->bus, era, number);
}

static inline void follower_close(struct follower *f)
{
    bus_free(f->bus);
    f->bus = NULL;
}

static inline bool is_up_to_date(void *what)
{
    const struct follower *f = what;

    return f->was_told_behind && !f->is_behind;
}

static inline bool is_fallen_behind(void *what)
{
    return ((const struct follower *)what)->is_behind;
}

/* Follows from there on, and has all there is. */
static inline void follower_start(
    struct follower *f, struct world *w, const char *name, uint64_t era, uint64_t number)
{
    follower_open(f, w, (unsigned)name[0] % BENCH_LOOPS, name);
    follower_follow(f, era, number);
    world_until(w, is_up_to_date, f);
}

/* Ids are equal where the numbers are. */
static inline uint64_t follower_ask(struct follower *f, unsigned id, const char *text)
{
    unsigned char bytes[BUS_ORDER_ID_SIZE] = { 0 };

    memcpy(bytes, &id, sizeof id);
    bus_order(f->bus, ++f->last_ticket, bytes, slice_text(text));
    return f->last_ticket;
}

struct counted {
    const size_t *count;
    size_t least;
};

static inline bool is_counted(void *what)
{
    const struct counted *c = what;

    return *c->count >= c->least;
}

/* Until it was told so many in all. */
static inline void follower_hear(struct follower *f, struct world *w, size_t count)
{
    world_until(w, is_counted, &(struct counted){ &f->told_count, count });
    assert_int_equal(f->told_count, count);
}

/* The answer to what was asked last, when all were asked one by one. */
static inline const struct told_answer *follower_answer(struct follower *f, struct world *w)
{
    world_until(w, is_counted, &(struct counted){ &f->answer_count, f->last_ticket });
    assert_int_equal(f->answer_count, f->last_ticket);
    assert_int_equal(f->answers[f->answer_count - 1].ticket, f->last_ticket);
    return &f->answers[f->answer_count - 1];
}

/* Gives an order, which is taken; returns its number. */
static inline uint64_t follower_give(
    struct follower *f, struct world *w, unsigned id, const char *text)
{
    follower_ask(f, id, text);
    const struct told_answer *answer = follower_answer(f, w);

    assert_string_equal(answer->why, "");
    assert_true(answer->era > 0 && answer->number > 0);
    return answer->number;
}

static inline void assert_order(
    const struct follower *f, size_t at, uint64_t number, const char *text)
{
    assert_true(at < f->told_count);
    assert_int_equal(f->told[at].kind, TOLD_ORDER);
    assert_int_equal(f->told[at].number, number);
    assert_string_equal(f->told[at].text, text);
}
