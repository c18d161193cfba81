// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The access logs of a process: workers put lines into rings of their own, one thread takes them
 * out and writes them where customers want them. A worker never waits for that thread, nor for a
 * disk or a program; what finds no room is dropped and counted.
 *
 *     worker ── ring ──┐            ┌── place (file)
 *     worker ── ring ──┴── writer ──┴── place (program's input)
 *
 * The thread is started with the first place. A place lives as long as some root says so, and then
 * until the rings have been emptied once more: what is in them names places by pointer. A program
 * then has PLACE_LEAVE_MS to end, which keeps no other place waiting.
 */

#include "app/access_place.h"
#include "conf/access.h"
#include "io/line_ring.h"

struct access_log;
struct metrics;

enum {
    ACCESS_RING_BYTES = 4 << 20, // of each worker; it is emptied every ACCESS_TURN_MS
    ACCESS_TURN_MS = 50,
    ACCESS_STOP_MS = 2000, // for slow programs to take what is left at the end of all
};

/* Without a thread, access_log_turn is called by whoever has time. `log` outlives it. */
struct access_log *access_log_new(unsigned worker_count, bool has_thread, struct log *log);

/* Nobody puts lines into the rings, and no place is in use any more: writes what is left, closes
 * all. Accepts NULL. */
void access_log_free(struct access_log *access);

/* Worker `index`'s, below worker_count. */
struct line_ring *access_log_ring(struct access_log *access, unsigned index);

/* The place that is meant, shared by all who mean the same, and shown as the first one's; and that
 * one of them does no more. Any thread. */
struct access_place *access_log_use(
    struct access_log *access, struct slice customer, const struct customer_access *settings);
void access_log_drop(struct access_log *access, struct access_place *place);

/* Files are opened anew, soon. Any thread. */
void access_log_reopen(struct access_log *access);

/* Empties the rings and writes; true when there is more to do at once. By one thread. */
bool access_log_turn(struct access_log *access, struct instant now);

/* What was put into rings, dropped there, and written. */
void access_log_metrics(const struct access_log *access, struct metrics *m);
