// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A node's usage (meter/usage.h) within a process: opened before anything counts, and shown in
 * /metrics, by site. Series are many, so METERING_SITES_SHOWN sites have their own, in the order in
 * which they were first served; all others are summed up as site="*". What is billed is not read
 * from there.
 */

#include "admin/metrics.h"
#include "meter/usage.h"

struct network;

enum { METERING_SITES_SHOWN = 1000, METERING_PAIRS_SHOWN = 5000 }; // of a node

/* The node's folder is there, and locked. What the last process left is wanted where accounts are
 * kept. */
struct usage *metering_open(
    const struct network *network, struct slice node, unsigned workers, struct log *log);

/* Rows of all kinds, with this label; of what was given out in answers, by site, target and reason,
 * those of the first METERING_PAIRS_SHOWN pairs of a site and a target. */
void metering_show(
    const struct usage *usage, const struct metrics_label *node, struct metrics *metrics);
