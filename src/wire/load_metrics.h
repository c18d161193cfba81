// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What a server says of its own load, in the field `endpoint-load-metrics` of ORCA, text form:
 *
 *     endpoint-load-metrics: TEXT cpu_utilization=0.31,mem_utilization=0.77,rps_fractional=120
 *
 * Our nodes write it in answers to probes; origins may. The same text is taken as a body of a
 * load address. Unknown names are passed over (named_metrics.*, eps); a number that is none, below
 * zero or out of range, and a name that is said twice, make the whole text wrong, since half a
 * truth flatters. Numbers may have exponents, and are rounded to the nearest millionth. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum load_metric {
    LOAD_METRIC_CPU,         // cpu_utilization; may pass 1
    LOAD_METRIC_MEMORY,      // mem_utilization; 0 to 1
    LOAD_METRIC_APPLICATION, // application_utilization: share of capacity; may pass 1
    LOAD_METRIC_RATE,        // rps_fractional: requests a second
    LOAD_METRIC_COUNT,
};

enum { LOAD_METRICS_TEXT_MAX = 256, LOAD_METRIC_MOST = 1000000000 };

struct load_metrics {
    bool is_known[LOAD_METRIC_COUNT];
    uint64_t millionths[LOAD_METRIC_COUNT]; // at most LOAD_METRIC_MOST * 10^6
};

/*
 * With or without the leading "TEXT ". False: not that, a wrong number, or nothing said; nothing
 * is known then.
 */
bool load_metrics_parse(struct slice text, struct load_metrics *metrics);

/* What is known, terminated, beginning with "TEXT "; returns its length. With nothing known there
 * is nothing after it, which nobody can read: not to be sent. */
size_t load_metrics_write(const struct load_metrics *metrics, char text[LOAD_METRICS_TEXT_MAX]);
