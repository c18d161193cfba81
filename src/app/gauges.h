// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * How things are, for /metrics, beside what was counted: the release and the map in use, what each
 * node of the process carries, and how pops and origins are as its first node sees them.
 *
 * Series are many, so GAUGES_SHOWN origins of a node have theirs, in the order of the
 * configuration; how many have none is told.
 */

struct metrics;
struct process;

enum { GAUGES_SHOWN = 1000 };

/* By the control thread. */
void gauges_show(const struct process *process, struct metrics *m);
