// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What a node measures and decides by, on the control loop:
 *
 *     probes ── results ──► observer ── reports, each second ──► view ── facts of an epoch ──► map
 *        │                     ▲                    ▲  │                                          │
 *        │    fills that fail ─┘                    │  ▼ app/hearing.h            published to ◄──┘
 *        └─ verdicts ──► app/verdicts.h ◄──────── other nodes                     the workers
 *                             └──► health of the root's rows, at once
 *
 * It also says what this node's own machine and uplink carry, which answers to probes tell.
 *
 * Belongs to the control thread but for steering_is_settled. Checks are known by id, so that
 * verdicts and estimates outlive a release.
 */

#include <stdbool.h>

#include "base/log.h"
#include "probe/probe.h"
#include "steer/map.h"
#include "steer/view.h"

struct bus;
struct bus_user;
struct changes;
struct hearing;
struct history;
struct loop;
struct pool;
struct observer;
struct orders;
struct root;
struct running_node;
struct settling;
struct sharing;
struct steering;
struct verdicts;

#define STEERING_COUNTERS(X)                                                                \
    X(plans, "steer_plans_total", "", "Maps made")                                          \
    X(changes, "steer_map_changes_total", "", "Maps that differ from the last")             \
    X(kept, "steer_plans_kept_total", "", "Maps not made: too few peers are heard")         \
    X(late, "steer_plans_late_total", "", "Maps not made: the one before was not finished") \
    X(verdicts, "steer_verdicts_total", "", "Checks that went up or down")

struct steering_counts {
    STEERING_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row steering_counter_rows[];
extern const size_t steering_counter_row_count;

/* Of a node with a root. Nothing happens before the loop's first turn. Maps are made on the pool.
 */
struct steering *steering_new(
    struct loop *control, struct pool *pool, struct running_node *node, struct log *log);

/*
 * The orders of the node are obeyed from now on: what is drained is out of the answers, and others
 * are told how far the node is. They outlive the steering. Before it joins a bus; once.
 */
void steering_obey(struct steering *steering, struct orders *orders);

/* What it sees change is put there, which outlives it (app/noting.h). */
void steering_note(struct steering *steering, struct changes *changes);

/* What answers rest on is noted from now on; the history outlives the steering. Once, before the
 * loop's first turn. */
void steering_remember(struct steering *steering, struct history *history);

/* What the node counted is settled over its bus; that outlives the steering. Once, before the
 * loop's first turn. */
void steering_settle(struct steering *steering, struct settling *settling);

/*
 * To open the node's bus with, on the control loop; and the bus, which is taken over (*bus becomes
 * NULL). Before the loop's first turn. Without one the node plans with its own measurements alone.
 */
struct bus_user *steering_bus_user(struct steering *steering);
void steering_join(struct steering *steering, struct bus **bus);

/* The loop does not run any more, and the pool has ended. Leaves the bus. Accepts NULL. */
void steering_free(struct steering *steering);

/*
 * Puts a new root into use; *root becomes NULL. What is known of checks that stay is carried over,
 * and the map of the new rows is there before the workers see them.
 */
void steering_publish(struct steering *steering, struct root **root);

/* Tells the other nodes that this one is being stopped. On the control loop. */
void steering_leave(struct steering *steering);

/* Every check has its first verdict and there is a map made of them. Any thread. */
bool steering_is_settled(const struct steering *steering);

const struct view *steering_view(const struct steering *steering);
const struct observer *steering_observer(const struct steering *steering);
const struct hearing *steering_hearing(const struct steering *steering);
const struct sharing *steering_sharing(const struct steering *steering);
const struct verdicts *steering_verdicts(const struct steering *steering);

/* NULL before the loop's first turn; then of the checks in the root. */
const struct probes *steering_probes(const struct steering *steering);

const struct steering_counts *steering_counts(const struct steering *steering);
