// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Threads with a loop each. The loops are there before the threads run and after they ended, so
 * that whoever starts the program opens and closes sockets on them without any hand-over: between
 * workers_start and workers_stop a loop is its thread's, else the caller's.
 */

#include <stdbool.h>

#include "base/err.h"

struct epoch;
struct loop;
struct workers;

enum { WORKERS_MAX = 64, WORKERS_NAME_MAX = 12 };

struct workers_plan {
    const char *name;     // of the threads, with a number behind; at most WORKERS_NAME_MAX bytes
    unsigned count;       // 1 to WORKERS_MAX
    unsigned first_index; // loop_index of the first
    bool is_pinned;       // each to a processor of its own, as far as there are some
};

/* `epoch` outlives them. */
[[nodiscard]] enum err workers_new(
    const struct workers_plan *plan, struct epoch *epoch, struct workers **workers);

/* Not running. Accepts NULL. */
void workers_free(struct workers *workers);

unsigned workers_count(const struct workers *workers);
struct loop *workers_loop(struct workers *workers, unsigned at);

/* On error, none runs. */
[[nodiscard]] enum err workers_start(struct workers *workers);

/* Each ends after the turn it is in; returns when all have. May be started again. */
void workers_stop(struct workers *workers);
