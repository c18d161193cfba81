// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What the nodes of this process know of what they measure: one struct for each node and check,
 * which app fills, and how it is told: in the JSON of status and of why, and in /metrics.
 *
 * Names in the JSON are never changed or taken away within /api/v1.
 */

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "admin/metrics.h"
#include "base/clock.h"
#include "conf/checks.h"
#include "probe/health.h"
#include "steer/facts.h"
#include "steer/votes.h"

struct admin_check_status {
    const struct check *check;
    struct slice node; // that measures it
    enum health_verdict verdict;
    struct wall since;          // of the verdict; 0: not told
    uint32_t rise;              // good probes in a row that bring it back when it is down
    struct slice outcome;       // "timeout": of the newest probe; empty: none so far
    uint16_t reply;             // status of HTTP or code of FTP, with the outcome; 0: none came
    struct wall outcome_at;     // with outcome
    struct votes_tally counted; // what most nodes say; by nobody: not told
    const struct fact *facts;   // by report kind, as this node measured; NULL: none so far
    struct wall facts_at;       // the epoch that their ages are counted from
};

/* Name, what it is of, verdict and newest outcome; and what the count of votes made of it. */
json_t *admin_check_json(const struct admin_check_status *status);

/* The same and what was measured: each with its unit in the key, spread, and age at `now`. */
json_t *admin_check_facts_json(const struct admin_check_status *status, struct wall now);

/* Seconds between the newest report of a fact, as old as it was at `facts_at`, and `now`. */
double admin_fact_age_s(const struct fact *fact, struct wall facts_at, struct wall now);

/* check_up, check_counted_up, check_latency_seconds and check_response_seconds of each; no two have
 * equal labels. */
void admin_checks_metrics(struct metrics *m, const struct admin_check_status *checks, size_t count);
