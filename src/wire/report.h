// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A report: what one node (the observer) holds of one check in one respect, as told to the others.
 * It is a state and no sample: the observer smooths, receivers keep the newest for each (observer,
 * check, kind), and one that is lost is made good by the next.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum report_kind {
    REPORT_LATENCY,   // round trip, microseconds
    REPORT_RESPONSE,  // time to the whole answer, microseconds
    REPORT_EXCESS,    // response time above the target's own idle median, microseconds
    REPORT_ERRORS,    // share that failed, millionths
    REPORT_CPU,       // share in use, millionths
    REPORT_MEMORY,    // likewise
    REPORT_LOAD,      // share of its capacity in use, millionths; may pass one
    REPORT_RATE,      // requests a second, thousandths
    REPORT_IN_FLIGHT, // requests under way, thousandths
    REPORT_HEALTH,    // the observer's verdict: 1 up, 0 down
    REPORT_KIND_COUNT,
};

enum { REPORT_EVIDENCE_MOST = 1000000000 }; // a million measurements, in thousandths

struct report {
    uint64_t observer; // hash of the node's name
    uint64_t check;    // its id
    enum report_kind kind;
    int64_t value;
    int64_t spread;    // mean distance of single measurements from the value
    uint32_t evidence; // faded count of measurements, thousandths; above 0
    struct wall at;    // of the newest measurement
};

/* Above zero for every kind; a larger value is an error of whoever sent it. */
int64_t report_most(enum report_kind kind);

/* Kind, value, spread and evidence within their ranges, and a time since 1970. */
bool report_is_sane(const struct report *report);

/* "latency", "cpu": as in /api/v1 and metrics. */
const char *report_kind_text(enum report_kind kind);
