// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What a node tells the others of its measurements, and what it hears from them:
 *
 *     observer ── a digest a second ──► bus ──► peers: is it to be taken? ──► view
 *         └────────────── the same reports, in the same moment ──────────────► own view
 *
 * Each second it is what changed, every HEARING_ALL everything that is held, in as many digests as
 * that takes. Everything is told at once when the way to the others is there again, or when a peer
 * is heard that was away, so that both hold the same two digests after a cut ends.
 *
 * Belongs to the control thread. What comes over the bus is a stranger's until it was looked at:
 * whatever is dropped is counted.
 */

#include "base/counter.h"
#include "base/log.h"
#include "bus/bus.h"
#include "conf/checks.h"

struct hearing;
struct observer;
struct view;

#define HEARING_ALL span_s(10)

#define HEARING_COUNTERS(X)                                                                        \
    X(taken, "steer_digests_total", "result=\"taken\"", "Digests heard, by what became of them")   \
    X(twin, "steer_digests_total", "result=\"twin\"", "Digests heard, by what became of them")     \
    X(unknown, "steer_digests_total", "result=\"unknown\"",                                        \
        "Digests heard, by what became of them")                                                   \
    X(impostor, "steer_digests_total", "result=\"impostor\"",                                      \
        "Digests heard, by what became of them")                                                   \
    X(future, "steer_digests_total", "result=\"future\"", "Digests heard, by what became of them") \
    X(replayed, "steer_digests_total", "result=\"replayed\"",                                      \
        "Digests heard, by what became of them")                                                   \
    X(malformed, "steer_digests_total", "result=\"malformed\"",                                    \
        "Digests heard, by what became of them")                                                   \
    X(foreign, "steer_reports_foreign_total", "",                                                  \
        "Reports heard of checks that are not in the release")                                     \
    X(told, "steer_digests_sent_total", "", "Digests told to other nodes")                         \
    X(told_reports, "steer_reports_sent_total", "", "Reports in the digests told to other nodes")

struct hearing_counts {
    HEARING_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row hearing_counter_rows[];
extern const size_t hearing_counter_row_count;

/* All of it outlives the hearing, but for the name. */
struct hearing_plan {
    struct loop *loop;
    struct log *log;
    struct slice name; // of this node
    uint64_t boot;     // drawn at the start, so that no other start has the same
    struct observer *observer;
    struct view *view;
};

/* Alone until it has a bus: then it only takes this node's own reports into its view. */
struct hearing *hearing_new(const struct hearing_plan *plan);

/* Leaves the bus. Accepts NULL. */
void hearing_free(struct hearing *hearing);

/* To open the bus with. */
struct bus_user *hearing_user(struct hearing *hearing);

/* Takes the bus over; *bus becomes NULL. Once. */
void hearing_join(struct hearing *hearing, struct bus **bus);

/* From now on the nodes and checks of this release are known. `checks` outlives the hearing, or the
 * next call. */
void hearing_use(
    struct hearing *hearing, const struct network *network, const struct checks *checks);

/* Once a second. */
void hearing_tell(struct hearing *hearing);

/* NULL before it joined. */
const struct bus *hearing_bus(const struct hearing *hearing);

const struct hearing_counts *hearing_counts(const struct hearing *hearing);
