// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * When may memory that other threads could still be reading be given back? After every loop has
 * turned once: then nobody can hold a pointer found before. The one rule serves snapshots, the
 * store and whatever else is read without a lock.
 *
 * Each loop is a reader. At the top of its turn it notes the current epoch; before it sleeps it
 * notes that it rests, which counts as turned. Retiring stamps an object with the epoch and moves
 * the epoch on; the object is freed by the thread that retired it, once every reader rests or has
 * noted a later epoch. Both sides need a full fence: the reader between noting and its first read,
 * the retiring thread between unlinking and its look at the readers.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct epoch {
    _Atomic uint64_t now;
    pthread_mutex_t lock; // of the list; joining and leaving are rare
    struct list readers;
};

/* Embedded in what is retired. */
struct retired {
    struct retired *next;
    uint64_t at;
    void (*free)(struct retired *retired);
};

struct epoch_reader {
    _Atomic uint64_t seen; // UINT64_MAX: rests
    struct epoch *epoch;
    struct list link;
    struct retired *oldest, **newest; // own retired objects, by age; where the next one goes
};

void epoch_init(struct epoch *epoch);
void epoch_done(struct epoch *epoch);

/* A reader joins resting. Leaving frees what it retired, waiting for the others' turns if need be;
 * no reader may leave within a turn. */
void epoch_join(struct epoch *epoch, struct epoch_reader *reader);
void epoch_leave(struct epoch_reader *reader);

/* Top of the turn; what is read from now on stays until epoch_rest or the next epoch_enter. */
void epoch_enter(struct epoch_reader *reader);
void epoch_rest(struct epoch_reader *reader);

/* The object was taken out of every shared place; `free` is called by this reader's thread in a
 * later epoch_collect. It may retire the object once more. */
void epoch_retire(
    struct epoch_reader *reader, struct retired *retired, void (*free)(struct retired *retired));

/* Frees what may be freed; true when something is still waiting. */
bool epoch_collect(struct epoch_reader *reader);
