// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What one observer believes of one quantity of one check (latency, response time, CPU, ...),
 * learnt from single measurements. Values are as in wire/report.h.
 *
 * Measurements come unevenly, so evidence fades with the clock: one that is a half-life old weighs
 * half. The half-life is as long as the quantity may be trusted to stay what it is (a route for
 * minutes, a queue for seconds), but never under four of the usual gaps between measurements, so
 * that what is measured once a minute is smoothed too, and silence still counts as silence.
 *
 * Times (latency, response) have outliers that say nothing: a lost packet costs a second. So a
 * measurement of a time counts at most as lying half the mean and four spreads from the mean. A
 * change that lasts is no outlier: NEWS_COUNT measurements in a row that would be cut on the same
 * side, over NEWS_MS at least, are news, and the estimate begins anew with their mean. Shares and
 * rates are told by the target or counted, and are learnt plainly: an error is a failure and no
 * outlier. Of a verdict the newest stands.
 *
 * A plain value. The time axis is UTC, since it is what reports are stamped with; a step of the
 * clock backwards makes the next measurement the newest all the same.
 */

#include "base/clock.h"
#include "base/err.h"
#include "wire/report.h"

enum {
    ESTIMATE_NEWS_COUNT = 5,
    ESTIMATE_NEWS_MS = 1000,
    ESTIMATE_FRESH_MS = 30 * 1000, // a report is as good as new for so long, at least
    ESTIMATE_FRESH_INTERVALS = 3,  // or for so many intervals of its check
};

struct estimate {
    double mean, spread; // spread: mean distance of measurements from the mean, as far as counted
    double evidence;     // faded count; 0 until the first
    struct wall newest;
    int64_t gap_ms;            // between the newest two
    int strange;               // measurements cut in a row: above the mean, negative: below it
    double strange_sum;        // of them, uncut
    struct wall strange_since; // time of the first of them
};

/* ERR_RANGE: not within 0 and report_most(kind); the estimate is as before. */
[[nodiscard]] enum err estimate_learn(
    struct estimate *e, enum report_kind kind, struct wall at, int64_t value);

/* As the newest report of it, without observer and check. The estimate has evidence. */
struct report estimate_report(const struct estimate *e, enum report_kind kind);

/* For how long silence says nothing about a check that is measured so often. */
int64_t estimate_fresh_ms(struct span every);

/*
 * What to plan with at `now`, of a report on a check measured so often: its value while it is
 * fresh, then, with each further such time of silence, a quarter of itself, one spread and one
 * grain more (1 ms, 1 % or one request, since nothing at all would stay nothing): silence widens,
 * it never flatters. At most report_most(kind). A verdict stays what it is.
 */
int64_t estimate_expect(const struct report *report, struct span every, struct wall now);

enum { IDLE_HOURS = 24 };

/*
 * The response time of a target that is not busy: for each of the last IDLE_HOURS hours the lowest
 * smoothed value seen in it; idle is the median of those hours, of an even number the lower middle
 * one. So a slow afternoon is above idle until it has lasted half a day.
 */
struct idle {
    int64_t lowest[IDLE_HOURS]; // microseconds, by hour since 1970 modulo IDLE_HOURS; 0: not seen
    int64_t hour;               // of the newest, since 1970
};

/* Learns a smoothed value, not below 0. A clock set back by a day or more makes it begin anew. */
void idle_learn(struct idle *idle, struct wall at, int64_t value);

/* 0 until something was learnt. */
int64_t idle_median(const struct idle *idle);
