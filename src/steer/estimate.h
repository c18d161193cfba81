// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What one observer believes of one quantity of one check (latency, response time, CPU, ...),
 * learnt from single measurements.
 *
 * Measurements come unevenly, so evidence fades with the clock: one that is a half-life old weighs
 * half. A single measurement moves the mean by at most half its distance beyond the spread, so
 * that one lost packet's retransmission is no news. Values are as in wire/report.h.
 *
 * A plain value. The time axis is UTC, since it is what reports are stamped with; a step of the
 * clock backwards makes the next measurement the newest all the same.
 */

#include "base/clock.h"
#include "base/err.h"
#include "wire/report.h"

struct estimate {
    double mean, spread; // spread: mean distance of measurements from the mean
    double evidence;     // faded count; 0 until the first
    struct wall newest;
};

/* ERR_RANGE: not within 0 and report_most(kind); the estimate is as before. */
[[nodiscard]] enum err estimate_learn(
    struct estimate *e, enum report_kind kind, struct wall at, int64_t value);

/* As the newest report of it. The estimate has evidence. */
struct report estimate_report(const struct estimate *e, enum report_kind kind);

/*
 * What to plan with at `now`, of a report: its value while it is fresh, then more with each
 * half-life of silence, by its spread and by a share of itself: silence widens, it never flatters.
 * At most report_most(kind).
 */
int64_t estimate_expect(const struct report *report, struct wall now);

enum { IDLE_HOURS = 24 };

/*
 * The response time of a target that is not busy: for each of the last IDLE_HOURS hours the lowest
 * smoothed value seen in it; idle is the median of those hours. So a slow afternoon is above idle
 * until it has lasted half a day.
 */
struct idle {
    int64_t lowest[IDLE_HOURS]; // microseconds; 0: not seen
    int64_t hour;               // of the newest, since 1970
};

/* Learns a smoothed value. */
void idle_learn(struct idle *idle, struct wall at, int64_t value);

/* 0 until something was learnt. */
int64_t idle_median(const struct idle *idle);
