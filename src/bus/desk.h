// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Where a bus and the log meet, whatever the log is made of:
 *
 *     the loop: asks, takes answers, takes orders   │ desk │   the log's side: fetches what is
 *               that the log tells                  │      │   asked, answers, tells orders
 *
 * The log's side may be any thread. Both sides find all full sometimes: what does not fit is not
 * taken, and whoever makes room says so. Each question gets one answer: the log's, or, past its
 * time, one of the desk's own; what the log's side says later is not listened to.
 */

#include "bus/inbox.h"

struct desk_answer {
    enum err err;
    uint64_t era, number;
    char why[BUS_WHY_MAX];
};

/* An order on its way to the log. */
struct desk_question {
    enum { DESK_FREE, DESK_WAITING, DESK_FETCHED, DESK_ANSWERED } state;
    uint64_t key;    // of the log's side
    uint64_t ticket; // of the user
    struct instant due;
    unsigned char id[BUS_ORDER_ID_SIZE];
    struct slice payload; // ours
    struct desk_answer answer;
};

/* An order on its way to the user, or a gap before `number`. */
struct desk_order {
    uint64_t era, number;
    struct slice payload; // ours
    bool is_gap, is_foreign;
};

struct desk {
    struct inbox *inbox;  // whose loop it is
    pthread_mutex_t lock; // of all below
    struct desk_question questions[BUS_ORDERS_WAITING_MAX];
    uint64_t last_key;
    struct desk_order orders[BUS_ORDERS_WAITING_MAX]; // a ring
    size_t first, count;
    bool follows;
    uint64_t follows_era, follows_number; // after this one
    bool is_behind;
    bool is_awaited; // the log's side waits for room
};

void desk_init(struct desk *desk, struct inbox *inbox);
void desk_done(struct desk *desk);

/* The loop's side. */

void desk_follow(struct desk *desk, uint64_t era, uint64_t number);

/* False: too many wait. The payload is copied. */
bool desk_ask(struct desk *desk, uint64_t ticket, const unsigned char *id, struct slice payload,
    struct instant due);

/* Answers what is past its time. Returns when there is something to do again. */
struct instant desk_hurry(struct desk *desk, struct instant now);

/* An answer, with its ticket; false: none is left. */
bool desk_take_answer(struct desk *desk, uint64_t *ticket, struct desk_answer *answer);

struct desk_taken {
    struct desk_order orders[BUS_TURN_MAX]; // the payloads are the taker's
    size_t count;
    bool is_behind;   // once these are told
    bool is_awaited;  // there is room now, and the log's side wants to know
    bool is_followed; // or nothing above means anything
};

/* What is left over wakes the loop again. */
void desk_take(struct desk *desk, struct desk_taken *taken);

/* The log's side. */

/* Where the user wants to go on; false: it does not follow. */
bool desk_place(struct desk *desk, uint64_t *era, uint64_t *number);

/* The oldest that was not fetched; false: none. Its payload is the caller's. */
bool desk_fetch(struct desk *desk, struct desk_question *question);

/* Not listened to where the time is past. */
void desk_answer(struct desk *desk, uint64_t key, const struct desk_answer *answer);

/* Answers all that were not fetched. */
void desk_refuse(struct desk *desk, enum err err, const char *why);

/* Tells the user, and moves the place on. The payload is copied. False: there is no room, and the
 * bus's `attend` is called when there is. */
bool desk_tell(struct desk *desk, const struct desk_order *order);

/* What was told before comes before. */
void desk_tell_behind(struct desk *desk, bool is_behind);
