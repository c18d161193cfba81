// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The view: the newest report of each (observer, check, kind), this node's own and those it was
 * told; kept apart by observer, never merged away. From it the facts of an epoch are drawn: what
 * was stamped before the epoch began, and nothing later, so that nodes which heard the same things
 * plan the same. For that each place keeps, beside the newest report, the last one stamped before
 * the epoch that comes next.
 *
 * One thread (control). Limit: VIEW_REPORTS_MAX places.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/counter.h"
#include "conf/checks.h"
#include "steer/facts.h"
#include "wire/report.h"

struct view;

enum {
    VIEW_REPORTS_MAX = 1 << 20,
    VIEW_FUTURE_MS = 5000,      // a report from further ahead is refused
    VIEW_KEPT_MS = 3600 * 1000, // silence after which a report is forgotten
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
    VIEW_REPLAYED,     // not newer than what is held: sent again, or overtaken
    VIEW_STALE,        // older than VIEW_KEPT_MS
    VIEW_FULL,
};

/* Counts what became of it; whatever is refused changes nothing. */
enum view_taken view_take(struct view *view, const struct report *report, struct wall now);

/*
 * Facts of the epoch that begins at `epoch`, for these checks, in the arena; `self` is the node
 * whose view it is. Epochs come in order; asking for one closes those before it.
 */
struct facts *view_facts(struct view *view, struct arena *arena, const struct checks *checks,
    uint64_t self, struct wall epoch);

/* Forgets what was silent for VIEW_KEPT_MS; now and then. */
void view_sweep(struct view *view, struct wall now);

/* Calls for every report held, newest of each place; for status and comparison. */
typedef void view_report_fn(void *to, const struct report *report);
void view_each(const struct view *view, view_report_fn *tell, void *to);

const struct view_counts *view_counts(const struct view *view);
