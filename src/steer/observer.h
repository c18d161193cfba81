// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What this node measures, smoothed, one set of estimates for each check; and the reports made of
 * it, once a second, which go to this node's own view and over the bus to the others'. Outlives
 * releases: checks are named by id. One thread.
 *
 * Limit: OBSERVER_CHECKS_MAX; one more takes the place of the one silent for longest.
 */

#include <stddef.h>

#include "base/clock.h"
#include "base/counter.h"
#include "wire/report.h"

struct observer;

enum { OBSERVER_CHECKS_MAX = 65536 };

#define OBSERVER_COUNTERS(X)                                        \
    X(learnt, "steer_measurements_total", "result=\"learnt\"",      \
        "Measurements by what became of them")                      \
    X(out_of_range, "steer_measurements_total", "result=\"range\"", \
        "Measurements by what became of them")                      \
    X(displaced, "steer_observer_displaced_total", "", "Checks that gave their place to others")

struct observer_counts {
    OBSERVER_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row observer_counter_rows[];
extern const size_t observer_counter_row_count;

/* `self`: hash of the node's name. */
struct observer *observer_new(uint64_t self);

/* Accepts NULL. */
void observer_free(struct observer *observer);

/*
 * One measurement. Of REPORT_RESPONSE the idle median and REPORT_EXCESS follow by themselves, and
 * nobody learns an excess; REPORT_ERRORS takes 0 or 1000000 for each probe or fill; REPORT_HEALTH
 * is taken as it is and stands until the next verdict: each further measurement of the check
 * renews it. A value out of range is dropped and counted.
 */
void observer_learn(struct observer *observer, uint64_t check, enum report_kind kind,
    struct wall at, int64_t value);

typedef void observer_report_fn(void *to, const struct report *report);

/*
 * Tells all that changed since the last call. There is no REPORT_EXCESS before the response time
 * rests on a few measurements.
 */
void observer_report(struct observer *observer, observer_report_fn *tell, void *to);

/* Tells all that is held, be it news or not; what changed stays to be told by observer_report. */
void observer_each(const struct observer *observer, observer_report_fn *tell, void *to);

/*
 * Begins anew with one kind of a check: what was measured of it says nothing any more. What was
 * told stands until the next measurement, which is the caller's to make soon.
 */
void observer_restart(struct observer *observer, uint64_t check, enum report_kind kind);

/* Drops the check, which is in no release any more. */
void observer_forget(struct observer *observer, uint64_t check);

const struct observer_counts *observer_counts(const struct observer *observer);
