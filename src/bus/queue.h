// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Messages on their way, first in, first out; what does not fit costs the oldest. Messages are
 * constant and shared by count, so that one for many receivers is copied once; counts may be given
 * back on any thread. A queue is not locked: its owner sees to that.
 *
 * Limits: BUS_QUEUE_MAX messages and BUS_QUEUE_BYTES_MAX bytes of payload.
 */

#include <stdatomic.h>

#include "bus/bus.h"

enum { BUS_QUEUE_BYTES_MAX = 32 << 20 };

struct message {
    _Atomic unsigned ref_count;
    enum bus_lane lane;
    struct slice from, payload; // in the memory behind it
};

/* A copy, with a count of one. */
struct message *message_new(enum bus_lane lane, struct slice from, struct slice payload);

struct message *message_ref(struct message *message);

/* Accepts NULL. */
void message_unref(struct message *message);

/* Zeroed is empty. */
struct queue {
    struct message *slots[BUS_QUEUE_MAX]; // a ring
    size_t first, count;
    size_t bytes;
};

void queue_done(struct queue *queue);

/* Takes the caller's count over. Returns how many old ones had to go. */
size_t queue_push(struct queue *queue, struct message *message);

/* The oldest, with its count; NULL when empty. */
struct message *queue_pop(struct queue *queue);

/* Leaves the newest of each lane alone; returns how many went. */
size_t queue_keep_newest(struct queue *queue);
