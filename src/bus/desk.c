// SPDX-License-Identifier: Apache-2.0
#include "bus/desk.h"

#include <assert.h>
#include <stdio.h>

#include "base/mem.h"

void desk_init(struct desk *desk, struct inbox *inbox)
{
    *desk = (struct desk){ .inbox = inbox, .is_behind = true };
    pthread_mutex_init(&desk->lock, NULL);
}

static struct slice copy_of(struct slice bytes)
{
    return slice_of(mem_text(bytes.length > 0 ? bytes.at : "", bytes.length), bytes.length);
}

static void drop(struct slice *bytes)
{
    mem_free((void *)(uintptr_t)bytes->at); // ours: copy_of made it
    *bytes = SLICE_NONE;
}

void desk_done(struct desk *desk)
{
    for (size_t i = 0; i < BUS_ORDERS_WAITING_MAX; i++) {
        drop(&desk->questions[i].payload);
        drop(&desk->orders[i].payload);
    }
    pthread_mutex_destroy(&desk->lock);
}

static void lock(struct desk *desk)
{
    pthread_mutex_lock(&desk->lock);
}

static void unlock(struct desk *desk)
{
    pthread_mutex_unlock(&desk->lock);
}

void desk_follow(struct desk *desk, uint64_t era, uint64_t number)
{
    lock(desk);
    assert(!desk->follows);
    desk->follows = true;
    desk->follows_era = era;
    desk->follows_number = era == 0 ? 0 : number;
    inbox_wake(desk->inbox); // to say that we are behind, if nothing better comes
    unlock(desk);
}

bool desk_ask(struct desk *desk, uint64_t ticket, const unsigned char *id, struct slice payload,
    struct instant due)
{
    struct desk_question *q = NULL;

    lock(desk);
    for (size_t i = 0; i < BUS_ORDERS_WAITING_MAX && q == NULL; i++) {
        if (desk->questions[i].state == DESK_FREE)
            q = &desk->questions[i];
    }
    if (q != NULL) {
        *q = (struct desk_question){
            .state = DESK_WAITING, .key = ++desk->last_key, .ticket = ticket, .due = due
        };
        memcpy(q->id, id, sizeof q->id);
        q->payload = copy_of(payload);
    }
    unlock(desk);
    return q != NULL;
}

/* With the lock held. */
static void settle(struct desk *desk, struct desk_question *q, const struct desk_answer *answer)
{
    q->answer = *answer;
    q->state = DESK_ANSWERED;
    drop(&q->payload);
    inbox_wake(desk->inbox);
}

static struct desk_answer refusal(enum err err, const char *why)
{
    struct desk_answer answer = { .err = err };

    snprintf(answer.why, sizeof answer.why, "%s", why);
    return answer;
}

static void settle_overdue(struct desk *desk, struct desk_question *q)
{
    struct desk_answer never = refusal(ERR_UNREACHABLE, "the log of orders cannot be reached");
    struct desk_answer unknown =
        refusal(ERR_TIMEOUT, "no answer from the log of orders: it may have taken the order");

    settle(desk, q, q->state == DESK_WAITING ? &never : &unknown);
}

struct instant desk_hurry(struct desk *desk, struct instant now)
{
    struct instant next = INSTANT_NEVER;

    lock(desk);
    for (size_t i = 0; i < BUS_ORDERS_WAITING_MAX; i++) {
        struct desk_question *q = &desk->questions[i];

        if (q->state != DESK_WAITING && q->state != DESK_FETCHED)
            continue;
        if (q->due.ns <= now.ns)
            settle_overdue(desk, q);
        else if (q->due.ns < next.ns)
            next = q->due;
    }
    unlock(desk);
    return next;
}

bool desk_take_answer(struct desk *desk, uint64_t *ticket, struct desk_answer *answer)
{
    struct desk_question *oldest = NULL;

    lock(desk);
    for (size_t i = 0; i < BUS_ORDERS_WAITING_MAX; i++) {
        struct desk_question *q = &desk->questions[i];

        if (q->state == DESK_ANSWERED && (oldest == NULL || q->key < oldest->key))
            oldest = q;
    }
    if (oldest != NULL) {
        *ticket = oldest->ticket;
        *answer = oldest->answer;
        oldest->state = DESK_FREE;
    }
    unlock(desk);
    return oldest != NULL;
}

void desk_take(struct desk *desk, struct desk_taken *taken)
{
    *taken = (struct desk_taken){ .is_followed = false };
    lock(desk);
    for (; taken->count < BUS_TURN_MAX && desk->count > 0; desk->count--) {
        struct desk_order *order = &desk->orders[desk->first];

        taken->orders[taken->count++] = *order;
        order->payload = SLICE_NONE;
        desk->first = (desk->first + 1) % BUS_ORDERS_WAITING_MAX;
    }
    taken->is_followed = desk->follows;
    taken->is_behind = desk->is_behind || desk->count > 0;
    taken->is_awaited = desk->is_awaited && desk->count <= BUS_ORDERS_WAITING_MAX / 2;
    if (taken->is_awaited)
        desk->is_awaited = false;
    if (desk->count > 0)
        inbox_wake(desk->inbox);
    unlock(desk);
}

bool desk_place(struct desk *desk, uint64_t *era, uint64_t *number)
{
    lock(desk);
    *era = desk->follows_era;
    *number = desk->follows_number;
    bool follows = desk->follows;

    unlock(desk);
    return follows;
}

bool desk_fetch(struct desk *desk, struct desk_question *question)
{
    struct desk_question *oldest = NULL;

    lock(desk);
    for (size_t i = 0; i < BUS_ORDERS_WAITING_MAX; i++) {
        struct desk_question *q = &desk->questions[i];

        if (q->state == DESK_WAITING && (oldest == NULL || q->key < oldest->key))
            oldest = q;
    }
    if (oldest != NULL) {
        oldest->state = DESK_FETCHED;
        *question = *oldest;
        oldest->payload = SLICE_NONE;
    }
    unlock(desk);
    return oldest != NULL;
}

void desk_answer(struct desk *desk, uint64_t key, const struct desk_answer *answer)
{
    lock(desk);
    for (size_t i = 0; i < BUS_ORDERS_WAITING_MAX; i++) {
        struct desk_question *q = &desk->questions[i];

        if (q->state == DESK_FETCHED && q->key == key)
            settle(desk, q, answer);
    }
    unlock(desk);
}

void desk_refuse(struct desk *desk, enum err err, const char *why)
{
    struct desk_answer answer = refusal(err, why);

    lock(desk);
    for (size_t i = 0; i < BUS_ORDERS_WAITING_MAX; i++) {
        struct desk_question *q = &desk->questions[i];

        if (q->state == DESK_WAITING)
            settle(desk, q, &answer);
    }
    unlock(desk);
}

bool desk_tell(struct desk *desk, const struct desk_order *order)
{
    bool has_room;

    lock(desk);
    has_room = desk->count < BUS_ORDERS_WAITING_MAX;
    if (has_room) {
        struct desk_order *o =
            &desk->orders[(desk->first + desk->count++) % BUS_ORDERS_WAITING_MAX];

        *o = *order;
        o->payload = copy_of(order->payload);
        desk->follows_era = order->era;
        desk->follows_number = order->number - order->is_gap;
        inbox_wake(desk->inbox);
    }
    desk->is_awaited |= !has_room;
    unlock(desk);
    return has_room;
}

void desk_tell_behind(struct desk *desk, bool is_behind)
{
    lock(desk);
    if (desk->is_behind != is_behind)
        inbox_wake(desk->inbox);
    desk->is_behind = is_behind;
    unlock(desk);
}
