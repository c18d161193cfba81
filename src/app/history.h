// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A node's past: what its answers rested on (steer/past.h), kept in a bounded ring of files, so
 * that any answer can be given again with all its reasons.
 *
 *     steering ── map, root ──┐                                ┌─► STATE/NODE/past/MOMENT.past
 *     rows ── health ─────────┴─► events ── each second ─ pool ┤                  HASH.release
 *     admin ── question ─────────────────────────────────────┴─► played to that moment ─► answer
 *
 * Each event has the exact time at which it was in force for the workers. A worker takes a new map
 * at its next turn, so an answer given within the milliseconds of a change may be of either side.
 *
 * A segment is of one release (the configuration's text, kept once by its hash) and one geography
 * (named by its hash alone: the file is large, and mostly the one in use). It begins with all there
 * is; a restart, a reload and a failed write begin a new one. The oldest go first: those that are
 * older than `history.keep`, or are more than `history.size` together.
 *
 * What cannot be written is said, counted, and tried again each HISTORY_RETRY; nothing else waits
 * for it. A kill loses what was not written yet, a second at the most: such a moment is then said
 * to be not known, never guessed.
 *
 * Belongs to the control thread, but for what runs on the pool, one job at a time.
 */

#include "base/counter.h"
#include "base/log.h"
#include "conf/history.h"
#include "steer/past.h"

struct admin_replay;
struct history;
struct loop;
struct pool;
struct release;
struct root;
struct running_node;

#define HISTORY_EVERY span_s(1)
#define HISTORY_RETRY span_s(10)

enum {
    HISTORY_EVENTS_MAX = 4096,  // that wait to be written; beyond, a new segment begins
    HISTORY_MAPS_MAX = 16,      // of them that hold a map; likewise
    HISTORY_QUESTIONS_MAX = 16, // that wait for their turn
};

#define HISTORY_COUNTERS(X)                                                           \
    X(records, "history_records_total", "", "What was written down of the past")      \
    X(bytes, "history_written_bytes_total", "", "Bytes of it")                        \
    X(errors, "history_write_errors_total", "", "Times that it could not be written") \
    X(lost, "history_lost_total", "",                                                 \
        "Events that were not written: the disk was too slow, or failed")             \
    X(replays, "history_replays_total", "result=\"done\"", "Past answers asked for")  \
    X(refused, "history_replays_total", "result=\"refused\"", "Past answers asked for")

struct history_counts {
    HISTORY_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row history_counter_rows[];
extern const size_t history_counter_row_count;

/* All of it outlives the history, but for the folder's name. */
struct history_plan {
    struct loop *loop;
    struct pool *pool;
    struct log *log;
    struct running_node *node;
    const char *folder; // STATE/NODE/past
};

/* Nothing is kept, and no file made, before the first root. */
struct history *history_new(const struct history_plan *plan);

/* The pool has ended. Writes what is left, if it can at once. Accepts NULL. */
void history_free(struct history *history);

/* The node's root is another from now on, and its map; or it is asked to begin. Accepts NULL, as
 * do the next two. */
void history_use(struct history *history);

/* The root's map is another: `is_planned` from the one before alone, by steer_plan. */
void history_map(struct history *history, bool is_planned);

/* Before the rows of the node's root are no more those in use. */
void history_leave(struct history *history);

/* A past answer is asked for: history_asked_fn is called later, or within the call where the pool
 * takes nothing more. ERR_LIMIT: too many wait. ERR_MISSING: nothing is kept. The release is in
 * use, for its geography. */
typedef void history_asked_fn(void *to, struct admin_replay *replay);

[[nodiscard]] enum err history_ask(struct history *history, struct admin_replay *replay,
    struct release *release, history_asked_fn *done, void *to);

const struct history_counts *history_counts(const struct history *history);
