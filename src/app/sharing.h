// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Keeps the maps of nodes that know the same the same (steer/share.h), over the bus:
 *
 *     map of an epoch ── hash ──► heartbeats ──► peers: which one do most hold?
 *                                                   │ not ours
 *     the next plan's map before ◄── adopted ◄── the one of them that is asked
 *
 * A node whose hash is not that of most nodes of its release and epoch asks one that holds that
 * map, the next when it stays silent, and takes it for the map before its next: so two epochs after
 * two nodes know the same again, they hold the same map. What is in use meanwhile stays in use.
 *
 * A node that has just started says nothing of its own map until it has made one in company, and
 * takes what most hold, of whatever epoch; so does one that made none for a while. Until its own
 * measurements are in, that is used at once, and it keeps its clients where all others send them:
 * one measurement of each target, which is all that it has, would not.
 *
 * Who adopts in epoch after epoch and still differs knows other facts: it asks less and less often.
 * A suspect node adopts nothing.
 *
 * Limits: one map told at a time, begun at most every SHARING_TELL_LEAST; of the size,
 * SHARE_BYTES_MAX. Belongs to the control thread.
 */

#include "app/root.h"
#include "base/counter.h"
#include "base/log.h"

struct hearing;
struct loop;
struct running_node;
struct sharing;

#define SHARING_SETTLE     span_ms(250)  // what most hold is theirs for so long before it counts
#define SHARING_ANSWER     span_ms(500)  // without a word of the one that was asked
#define SHARING_START      span_ms(1000) // to wait for the others' map at the start
#define SHARING_TELL_LEAST span_ms(250)

enum {
    SHARING_ASKS_MAX = 3,     // of one map
    SHARING_PATIENCE = 3,     // adopted in so many epochs in a row, and in vain
    SHARING_REST_EPOCHS = 12, // between two times, at the most
};

#define SHARING_COUNTERS(X)                                                                       \
    X(asked, "steer_share_asks_total", "direction=\"out\"", "Maps of most nodes asked for")       \
    X(told, "steer_share_asks_total", "direction=\"in\"", "Maps of most nodes asked for")         \
    X(adopted, "steer_share_adopted_total", "", "Maps of most nodes taken over")                  \
    X(unanswered, "steer_share_failures_total", "reason=\"silent\"", "Maps not taken over")       \
    X(refused, "steer_share_failures_total", "reason=\"refused\"", "Maps not taken over")         \
    X(malformed, "steer_share_dropped_total", "reason=\"malformed\"", "Messages on maps dropped") \
    X(foreign, "steer_share_dropped_total", "reason=\"release\"", "Messages on maps dropped")     \
    X(stale, "steer_share_dropped_total", "reason=\"stale\"", "Messages on maps dropped")         \
    X(too_large, "steer_share_too_large_total", "", "Maps not told: over the limit")

struct sharing_counts {
    SHARING_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row sharing_counter_rows[];
extern const size_t sharing_counter_row_count;

/* Told when a map was adopted: it may be of use at once. */
struct sharing_user {
    void (*adopted)(struct sharing_user *user);
};

/* All of it outlives the sharing. */
struct sharing_plan {
    struct loop *loop;
    struct log *log;
    struct running_node *node; // with a root
    struct hearing *hearing;   // which is followed
    struct sharing_user *user;
};

struct sharing *sharing_new(const struct sharing_plan *plan);

/* After the hearing; the loop does not run any more. Accepts NULL. */
void sharing_free(struct sharing *sharing);

/* In the loop's first turn, when the hearing has begun. */
void sharing_begin(struct sharing *sharing);

/* The node's first map had better wait: others may have one. */
bool sharing_is_waiting(const struct sharing *sharing);

/* A map of the root's rows, made while this node knew little: what was adopted, if anything, takes
 * the place of what is shared in it. */
void sharing_lay_over(struct sharing *sharing, const struct root *root, struct steer_map *map);

/* The map before the next one, if it is not the one in use; the caller's. NULL: it is. */
struct steer_map *sharing_take(struct sharing *sharing);

/* A map of an epoch is in use, made of all that this node knows: the others are told. */
void sharing_planned(struct sharing *sharing, const struct steer_map *map);

/* Another root will be published; what is of the one before is let go. */
void sharing_renew(struct sharing *sharing);

const struct sharing_counts *sharing_counts(const struct sharing *sharing);
