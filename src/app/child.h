// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A program that runs as a child of this process and never outlives it: the kernel kills it when
 * this process ends without having ended it, by kill -9 too. It has a process group of its own, so
 * that Ctrl-C reaches this process alone, which ends its children in an order of its choice.
 *
 * A plain value; zeroed, nothing runs. One thread handles it, which lives as long as the process,
 * since the kernel takes the end of the thread that made it for the end of all: the main one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/err.h"

enum { CHILD_ENDING_SIZE = 32 };

struct child {
    pid_t pid;  // 0: does not run
    int status; // of the last one that ended, as waitpid gives it
};

/*
 * Words end with NULL; the first is the program, found by PATH and where system programs are.
 * Output goes where ours goes; there is no input. No other descriptor is handed on, no signal is
 * blocked. ERR_MISSING: there is no such program; else ERR_SYSTEM and the like; with the reason.
 */
[[nodiscard]] enum err child_start(const char *const *words, struct child *child, struct diag *why);

/* Likewise, of a program that reads `input`, which stays the caller's. It is not killed with this
 * process, as its input ends then; so any thread may start it. */
[[nodiscard]] enum err child_start_fed(
    const char *const *words, int input, struct child *child, struct diag *why);

/* Whether it runs; notices its end. */
bool child_runs(struct child *child);

/* Sends a signal, if it runs. */
void child_signal(const struct child *child, int number);

/* Waits for its end, and kills it where that takes longer than `patience`. */
void child_await(struct child *child, struct span patience);

/* How the last one ended: "exit status 1", "killed by signal 9". */
const char *child_ending(const struct child *child, char text[CHILD_ENDING_SIZE]);
