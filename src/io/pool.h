// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A few threads for work that blocks: files, SQL, names. A job runs on one of them, then its
 * message on the loop that asked. The queue has a limit: what does not fit is refused at once, as
 * a queue that only grows helps nobody. With no threads, as in the simulation, a job runs within a
 * later turn of the loop that asked.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "io/loop.h"

struct pool;

enum { POOL_THREADS_MAX = 16 };

/* Embedded; the submitter's again when `done` runs. */
struct pool_job {
    void (*work)(struct pool_job *job); // on a thread of the pool: touches the job alone
    void (*done)(struct pool_job *job); // on the loop
    struct loop *loop;
    struct loop_message message; // of the pool
    struct list link;            // of the pool
};

/* `threads`: 0 to POOL_THREADS_MAX; at most `waiting_max` jobs wait. */
[[nodiscard]] enum err pool_new(unsigned threads, size_t waiting_max, struct pool **pool);

/* Ends when the jobs that were submitted have been worked; their `done` is posted. NULL is
 * accepted. */
void pool_free(struct pool *pool);

/* ERR_LIMIT: the queue is full, and the job not taken. Any thread; job->loop outlives the job. */
[[nodiscard]] enum err pool_submit(struct pool *pool, struct pool_job *job);

/* How often the queue was full. Any thread. */
uint64_t pool_refusals(const struct pool *pool);
