// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Who is down, for one node:
 *
 *     own probes ── verdict ──► health here (fills)       blindness ──► flag of the heartbeats
 *                      └──────► votes ◄── what peers' probes say, who of them is present and sees
 *                                 └─────► health of the root's rows (answers), at once
 *
 * A peer that says otherwise than our own probes has ours hurried, so that there is a majority
 * soon; so has what most decide, of checks that this node does not watch. One whose heartbeats are
 * missed has its own check alarmed: probes decide, and a node without bus that answers stays in.
 * One that says it is leaving is out of the answers at once, until it says otherwise or has come up
 * again.
 *
 * A node that hears less than half of the peers it heard before is suspect: it goes by its own
 * probes alone and keeps the map it made in better company, for VERDICTS_KEEP_MAP at most.
 *
 * Belongs to the control thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/counter.h"
#include "base/log.h"
#include "base/slice.h"
#include "steer/rows.h"
#include "steer/votes.h"

struct changes;
struct hearing;
struct loop;
struct probes;
struct verdicts;
struct watch_table;

#define VERDICTS_KEEP_MAP span_s(3600)

#define VERDICTS_COUNTERS(X)                                                                      \
    X(down, "steer_health_changes_total", "to=\"down\"", "Checks that changed by count of votes") \
    X(up, "steer_health_changes_total", "to=\"up\"", "Checks that changed by count of votes")     \
    X(blind, "steer_blind_total", "", "Times that this node took itself for blind")

struct verdicts_counts {
    VERDICTS_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row verdicts_counter_rows[];
extern const size_t verdicts_counter_row_count;

/* All of it outlives the verdicts. */
struct verdicts_plan {
    struct loop *loop;
    struct log *log;
    struct slice name;               // of this node
    struct steer_rows *rows;         // of its first root
    const struct watch_table *watch; // of its checks; NULL: all nodes watch all
    struct hearing *hearing;         // which is followed
};

struct verdicts *verdicts_new(const struct verdicts_plan *plan);

/* What goes down and comes up, and which peers come and go, is put there; it outlives the verdicts.
 */
void verdicts_note(struct verdicts *verdicts, struct changes *changes);

/* After the hearing. Accepts NULL. */
void verdicts_free(struct verdicts *verdicts);

/* Whom to hurry and to alarm from now on, until the next rows; outlives the verdicts. They use the
 * checks of the rows. Whoever found otherwise than most is hurried. */
void verdicts_probe(struct verdicts *verdicts, struct probes *probes);

/* The rows of a new root, which is published next, and the watch of its checks, or NULL. Health of
 * checks that stay goes on, but for what operators said. The rows before are still there. Nobody is
 * hurried until verdicts_probe. */
void verdicts_use(
    struct verdicts *verdicts, struct steer_rows *rows, const struct watch_table *watch);

/* Our own probes' verdict, which peers are told at once. */
void verdicts_learn(struct verdicts *verdicts, const struct check *check, bool is_up);

bool verdicts_is_blind(const struct verdicts *verdicts);

/* No new map is to be made now. */
bool verdicts_keep_map(const struct verdicts *verdicts);

/* How a check of the rows stands. */
struct votes_tally verdicts_tally(const struct verdicts *verdicts, uint32_t check);

const struct verdicts_counts *verdicts_counts(const struct verdicts *verdicts);
