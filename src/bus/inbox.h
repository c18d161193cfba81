// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Where other threads leave what a bus hears, for its loop to pick up: messages, and whether there
 * is a way to the others. The lock is held for moments; waking the loop is all that happens in it.
 */

#include <pthread.h>

#include "bus/queue.h"
#include "io/loop.h"

enum {
    BUS_WHY_MAX = 160,
    BUS_TURN_MAX = 16, // messages handed over in a turn of the loop; the rest waits for the next
};

struct inbox {
    struct loop *loop;
    struct loop_message wake;
    pthread_mutex_t lock; // of all below
    bool is_posted;
    struct queue queue;
    uint64_t full, malformed; // counted here, as any thread may
    struct link_news {
        bool is_told;   // something below is new
        bool is_linked; // now
        bool was_lost;  // since the loop looked, perhaps for a moment
        char why[BUS_WHY_MAX];
    } news;
};

/* `wake.run` is the owner's: it calls inbox_take. */
void inbox_init(struct inbox *inbox, struct loop *loop, void (*run)(struct loop_message *));

/* On the loop, when no other thread puts anything in any more. */
void inbox_done(struct inbox *inbox);

/* Any thread: these five. The first takes the caller's count over. */
void inbox_put(struct inbox *inbox, struct message *message);
void inbox_count_full(struct inbox *inbox); // dropped before it came here
void inbox_count_malformed(struct inbox *inbox);
void inbox_tell(struct inbox *inbox, bool is_linked, const char *why);
void inbox_wake(struct inbox *inbox); // there is something beside the inbox to look at

struct inbox_taken {
    struct message *messages[BUS_TURN_MAX]; // with their counts
    size_t count;
    struct link_news news;
    uint64_t full, malformed; // since the last time
};

/* On the loop. What is left over wakes it again. */
void inbox_take(struct inbox *inbox, struct inbox_taken *taken);
