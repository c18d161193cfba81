// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * CPU time of other processes, for load generators that charge each answer to the server that gave
 * it. Read from the processes' CPU clocks, so it is exact to the nanosecond, holds user and system
 * time of all threads, and keeps that of threads which have ended. Not seen: processes forked
 * later.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { CPU_PIDS_MAX = 64 };

struct cpu_watch {
    pid_t pids[CPU_PIDS_MAX];
    size_t count;
};

/* Reads "12,13,14". False: not such a list, or more than CPU_PIDS_MAX. */
[[nodiscard]] bool cpu_watch_parse(struct cpu_watch *watch, const char *text);

/* Nanoseconds all of them have used so far. A process that is gone counts for nothing. */
uint64_t cpu_watch_ns(const struct cpu_watch *watch);

/* Nanoseconds this process has used. */
uint64_t cpu_own_ns(void);

/* Now, in nanoseconds of the monotonic clock. */
uint64_t clock_ns(void);
