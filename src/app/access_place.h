// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Where lines of an access log end up: a file that is added to, or a program that reads them. What
 * cannot be written yet is held, up to PLACE_HELD_MAX; beyond, lines are dropped whole and counted.
 * A file or program that fails is tried again after a pause that grows; the operator is told when
 * it begins and when it is over. Lines are never cut apart, but for the one that a program which
 * ended had read half of.
 *
 * All by one thread, the writer's. Writing to a file may block it; to a program never does.
 */

#include "app/child.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/log.h"
#include "base/slice.h"

enum {
    PLACE_HELD_MAX = 1 << 20, // bytes that wait for one place
    PLACE_PAUSE_LEAST_S = 1,  // between two tries of one that fails, and doubled
    PLACE_PAUSE_MOST_S = 30,
    PLACE_LEAVE_MS = 2000, // for a slow program to take what is left, and to end
};

#define ACCESS_COUNTERS(X)                                                                      \
    X(bytes, "access_log_bytes_total", "", "Bytes of access logs that files and programs took") \
    X(dropped, "access_log_dropped_total", "at=\"place\"",                                      \
        "Lines of access logs lost: their writer was late, or their file or program")           \
    X(failures, "access_log_failures_total", "",                                                \
        "Times a file or program of an access log failed")                                      \
    X(programs, "access_log_programs_total", "", "Starts of programs that read access logs")    \
    X(reopened, "access_log_reopened_total", "", "Files of access logs that were opened anew")

struct access_counts {
    ACCESS_COUNTERS(COUNTER_FIELD)
};

struct access_place {
    struct access_place *next; // access_log.c's, as are these:
    unsigned uses;
    bool is_unused; // since before the rings were emptied
    char *name;     // path, or command line
    char *shown;    // to operators: a command line may hold a password, so whose it is instead
    bool is_pipe;
    struct log *log;
    struct access_counts *counts;
    int fd; // -1: not open
    struct child child;
    char *held;
    size_t held_length;
    bool is_within_line; // what is held goes on where a line was cut
    bool is_failing;     // and the operator knows
    struct instant again;
    struct span pause;
    uint64_t lost;        // lines, since the operator was told
    struct instant until; // a program that is left may run
};

/* Where lines go, and whose they are. */
struct access_whither {
    struct slice name; // path, or command line
    bool is_pipe;
    struct slice customer;
};

/* `counts` and `log` outlive it. */
struct access_place *access_place_new(
    const struct access_whither *whither, struct access_counts *counts, struct log *log);

/* No more lines come: a program may take what is held, and work on, for PLACE_LEAVE_MS. */
void access_place_leave(struct access_place *place, struct instant now);

/* It is left, or has had its time; asked every now and then after access_place_leave. */
bool access_place_is_left(struct access_place *place, struct instant now);

/* Closes it; a program that still runs is killed. What is still held is lost, and told. */
void access_place_free(struct access_place *place);

/* A whole line, its end included, at most PLACE_HELD_MAX. */
void access_place_add(struct access_place *place, struct slice line, struct instant now);

/* Writes what can be written now. True when nothing is held any more. */
bool access_place_flush(struct access_place *place, struct instant now);

/* A file that was moved away is left, and a new one begun; if that cannot be, the old one is kept
 * and the operator told. */
void access_place_reopen(struct access_place *place, struct instant now);
