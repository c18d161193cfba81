// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The view: the newest report of each (observer, check, kind), this node's own and those it was
 * told; kept apart by observer, never merged away. From it the facts of an epoch are drawn: what
 * was stamped before the epoch began, and nothing later, so that nodes which heard the same things
 * plan the same.
 *
 * A report may overtake another, come from a clock that is ahead, or come before or after the
 * facts of an epoch are drawn. So that none of it matters, each place keeps the newest report of
 * each of the newest three lengths of STEER_EPOCH_MS in which it has any:
 *
 *       ... | 7.1  8.4 [9.6] | [12.2] | [16.0]          kept: what is in brackets
 *           5               10       15       s
 *
 * What is kept depends on which reports came and not on their order, and holds the last one before
 * the epoch that is drawn next, whatever of VIEW_FUTURE_MS ahead came in the meantime. Facts leave
 * out what is older than VIEW_USED_MS, so that it does not matter when whose view is swept.
 *
 * Of a node that fell silent nothing is heard; its last words must not count for hours against
 * what others say. So the median is that of the reports that are fresh (estimate_fresh_ms, by the
 * interval at which the observer probes), or of all where none is. And what is to show a crowd
 * while it arrives is not to wait for those who look twice a minute: as long as there are fresh
 * reports of watchers (steer/watch.h), theirs are the median, but of latency, where more places say
 * more.
 *
 * One thread (control). Limits: VIEW_REPORTS_MAX places in all, VIEW_OBSERVERS_MAX for one kind of
 * one check.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/counter.h"
#include "conf/checks.h"
#include "steer/facts.h"
#include "wire/report.h"

struct view;
struct watch_table;

enum {
    VIEW_REPORTS_MAX = 1 << 21, // 200 nodes that measure 1,000 origins tell 1.3 million
    VIEW_OBSERVERS_MAX = 1024,
    VIEW_FUTURE_MS = 5000,          // a report from further ahead is refused
    VIEW_KEPT_MS = 4 * 3600 * 1000, // silence after which a report is forgotten; above any interval
    VIEW_USED_MS = VIEW_KEPT_MS - 60 * 1000,
};

#define VIEW_COUNTERS(X)                                                                         \
    X(taken, "steer_reports_total", "result=\"taken\"", "Reports by what became of them")        \
    X(out_of_range, "steer_reports_total", "result=\"range\"", "Reports by what became of them") \
    X(future, "steer_reports_total", "result=\"future\"", "Reports by what became of them")      \
    X(replayed, "steer_reports_total", "result=\"replayed\"", "Reports by what became of them")  \
    X(stale, "steer_reports_total", "result=\"stale\"", "Reports by what became of them")        \
    X(full, "steer_reports_total", "result=\"full\"", "Reports by what became of them")

struct view_counts {
    VIEW_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row view_counter_rows[];
extern const size_t view_counter_row_count;

struct view *view_new(void);

/* Accepts NULL. */
void view_free(struct view *view);

enum view_taken {
    VIEW_TAKEN,
    VIEW_OUT_OF_RANGE, // report_is_sane says no
    VIEW_FUTURE,       // stamped more than VIEW_FUTURE_MS after now
    VIEW_REPLAYED,     // not newer than what is held: sent again, or overtaken for good
    VIEW_STALE,        // older than VIEW_KEPT_MS
    VIEW_FULL,         // one of the limits
};

/* Counts what became of it; whatever is refused changes nothing. */
enum view_taken view_take(struct view *view, const struct report *report, struct wall now);

/*
 * Facts of the epoch that begins at `epoch`, for these checks, in the arena; `self` is the node
 * whose view it is. `watch` is of these checks too; NULL: all watch everything. To be drawn within
 * STEER_EPOCH_MS after the epoch's begin. An epoch that begins elsewhere than at a multiple of
 * STEER_EPOCH_MS has its facts right as long as nothing stamped later was heard.
 */
struct facts *view_facts(const struct view *view, struct arena *arena, const struct checks *checks,
    const struct watch_table *watch, uint64_t self, struct wall epoch);

/* Forgets what was silent for VIEW_KEPT_MS; now and then. */
void view_sweep(struct view *view, struct wall now);

/* Calls for every report held, newest of each place; for status and comparison. */
typedef void view_report_fn(void *to, const struct report *report);
void view_each(const struct view *view, view_report_fn *tell, void *to);

const struct view_counts *view_counts(const struct view *view);
