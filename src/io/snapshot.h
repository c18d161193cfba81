// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A frozen value that many threads read and one thread replaces. Readers take it with one load at
 * the top of their turn and are done with it by the end; the old one is freed after every loop has
 * turned (io/epoch.h) and nobody holds it. A request that outlives its turn holds it by a count of
 * its worker's own, so no two threads write one cache line.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "base/attr.h"
#include "io/epoch.h"

enum {
    SNAPSHOT_WORKERS_MAX = 66, // threads with a loop: workers, and those that control
    SNAPSHOT_HOLD_STEP = CACHE_LINE_BYTES / sizeof(int64_t), // counts lie a cache line apart
};

struct snapshot_value {
    struct retired retired;
    struct epoch_reader *reader; // of the thread that replaced it
    void (*free)(struct snapshot_value *value);
    _Atomic int64_t holds[SNAPSHOT_WORKERS_MAX * SNAPSHOT_HOLD_STEP]; // one writer each
};

struct snapshot {
    _Atomic(struct snapshot_value *) value;
};

/* `free` gives the whole object back, the embedded value with it. */
void snapshot_value_init(struct snapshot_value *value, void (*free)(struct snapshot_value *value));

/* Hands *value over (it becomes NULL) and retires the one before; with NULL in it, only that. By
 * the thread of `reader`. */
void snapshot_publish(
    struct snapshot *s, struct epoch_reader *reader, struct snapshot_value **value);

/* NULL before the first was published. Good until the end of the reader's turn. */
struct snapshot_value *snapshot_read(const struct snapshot *s);

/* Keeps the value beyond the turn; each hold is released by the same worker, below
 * SNAPSHOT_WORKERS_MAX. The loop of the thread that published ends only after the last release. */
void snapshot_hold(struct snapshot_value *value, unsigned worker);
void snapshot_release(struct snapshot_value *value, unsigned worker);
