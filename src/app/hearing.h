// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What a node tells the others of its measurements and of itself, and what it hears from them:
 *
 *     observer ── a digest a second ──► bus ──► peers: is it to be taken? ──► view, followers
 *         └────────────── the same reports, in the same moment ──────────────► own view
 *     heart ──── four beats a second ──► bus ──► peers: who is there? ──► followers
 *
 * Each second it is what changed, every HEARING_ALL everything that is held, in as many digests as
 * that takes. Everything is told at once when the way to the others is there again, or when a peer
 * is heard that was away, so that both hold the same two digests after a cut ends. What cannot
 * wait for the second, a verdict, is told in a digest out of turn (hearing_tell_now).
 *
 * A node that hears fewer than half of the peers it heard before is suspect: it says so in its
 * heartbeats, and what it does of it is its followers' matter.
 *
 * Belongs to the control thread. What comes over the bus is a stranger's until it was looked at:
 * whatever is dropped is counted.
 */

#include "base/counter.h"
#include "base/list.h"
#include "base/log.h"
#include "bus/bus.h"
#include "conf/checks.h"
#include "wire/heartbeat.h"
#include "wire/report.h"

struct hearing;
struct observer;
struct orders;
struct peer;
struct peers;
struct view;

#define HEARING_ALL        span_s(10)
#define HEARING_NEWS_LEAST span_ms(50) // between two digests out of turn
#define HEARING_CLOCKS     span_s(60)  // between two lines on clocks that differ

#define HEARING_DIGESTS_HELP "Digests heard, by what became of them"
#define HEARING_BEATS_HELP   "Heartbeats heard, by what became of them"

#define HEARING_COUNTERS(X)                                                                       \
    X(taken, "steer_digests_total", "result=\"taken\"", HEARING_DIGESTS_HELP)                     \
    X(twin, "steer_digests_total", "result=\"twin\"", HEARING_DIGESTS_HELP)                       \
    X(unknown, "steer_digests_total", "result=\"unknown\"", HEARING_DIGESTS_HELP)                 \
    X(impostor, "steer_digests_total", "result=\"impostor\"", HEARING_DIGESTS_HELP)               \
    X(future, "steer_digests_total", "result=\"future\"", HEARING_DIGESTS_HELP)                   \
    X(replayed, "steer_digests_total", "result=\"replayed\"", HEARING_DIGESTS_HELP)               \
    X(malformed, "steer_digests_total", "result=\"malformed\"", HEARING_DIGESTS_HELP)             \
    X(beat_taken, "steer_heartbeats_total", "result=\"taken\"", HEARING_BEATS_HELP)               \
    X(beat_twin, "steer_heartbeats_total", "result=\"twin\"", HEARING_BEATS_HELP)                 \
    X(beat_unknown, "steer_heartbeats_total", "result=\"unknown\"", HEARING_BEATS_HELP)           \
    X(beat_impostor, "steer_heartbeats_total", "result=\"impostor\"", HEARING_BEATS_HELP)         \
    X(beat_future, "steer_heartbeats_total", "result=\"future\"", HEARING_BEATS_HELP)             \
    X(beat_replayed, "steer_heartbeats_total", "result=\"replayed\"", HEARING_BEATS_HELP)         \
    X(beat_malformed, "steer_heartbeats_total", "result=\"malformed\"", HEARING_BEATS_HELP)       \
    X(beats, "steer_heartbeats_sent_total", "", "Heartbeats told to other nodes")                 \
    X(missed, "steer_peers_missed_total", "", "Times that a peer's heartbeats stopped")           \
    X(strange, "bus_strange_total", "", "Messages dropped: of nodes that are not in the release") \
    X(foreign, "steer_reports_foreign_total", "",                                                 \
        "Reports heard of checks that are not in the release")                                    \
    X(told, "steer_digests_sent_total", "", "Digests told to other nodes")                        \
    X(told_reports, "steer_reports_sent_total", "", "Reports in the digests told to other nodes")

struct hearing_counts {
    HEARING_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row hearing_counter_rows[];
extern const size_t hearing_counter_row_count;

/*
 * Who wants to know what comes from others; embedded. Each op may be NULL. Peers and heartbeats are
 * good for the call; the followers of one hearing are told in the order in which they came.
 */
struct hearing_follower;
struct hearing_follower_ops {
    /* It came to be present, or is so no more: peer->is_missing then says that its heartbeats
     * stopped, at the moment when the fourth in a row is late. Nothing is told of peers that a
     * release drops. */
    void (*presence)(struct hearing_follower *follower, const struct peer *peer);
    /* What its heartbeats say is no longer what it was: flags (it is leaving, suspect, blind),
     * orders, map. `before` and peer->heartbeat are NULL where there was none, or is none of its
     * new boot yet. */
    void (*said)(
        struct hearing_follower *follower, const struct peer *peer, const struct heartbeat *before);
    /* A peer's report of REPORT_HEALTH: news, or the same once more. The digests' order counts, and
     * not the stamps: a verdict holds also of one whose clock was set back. */
    void (*health)(struct hearing_follower *follower, const struct report *report);
    /* This node hears few of its peers, or enough again. */
    void (*suspect)(struct hearing_follower *follower, bool is_suspect);
    /* A message of a lane that hearing does not read, of a node in the release that is not this
     * one; the rest is a stranger's. */
    void (*message)(struct hearing_follower *follower, enum bus_lane lane, const struct peer *from,
        struct slice payload);
};

struct hearing_follower {
    const struct hearing_follower_ops *ops;
    struct list link; // of the hearing
};

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

/* What the bus tells of the log goes there, and orders that are given go to the bus; outlives the
 * hearing. Before it joins. */
void hearing_obey(struct hearing *hearing, struct orders *orders);

/* Takes the bus over; *bus becomes NULL. Once. */
void hearing_join(struct hearing *hearing, struct bus **bus);

/* From now on it is told; for good, and it outlives the hearing. Before the loop's first turn. */
void hearing_follow(struct hearing *hearing, struct hearing_follower *follower);

/* In the loop's first turn: begins to tell that it is here. */
void hearing_begin(struct hearing *hearing);

/* From now on the nodes and checks of this release are known. `checks` outlives the hearing, or the
 * next call. */
void hearing_use(
    struct hearing *hearing, const struct network *network, const struct checks *checks);

/* Once a second. */
void hearing_tell(struct hearing *hearing);

/* What is news is told at the end of this turn or, where the last digest out of turn was just
 * sent, after HEARING_NEWS_LEAST. */
void hearing_tell_now(struct hearing *hearing);

/*
 * What the heartbeats say of this node; each change is told at once (app/heart.h). The release is
 * that of hearing_use, and HEARTBEAT_SUSPECT hearing's own.
 */
void hearing_say_flag(struct hearing *hearing, enum heartbeat_flag flag, bool is_set);
void hearing_say_map(struct hearing *hearing, struct wall epoch, uint64_t hash);
void hearing_say_orders(struct hearing *hearing, uint64_t era, uint64_t order, uint64_t drains);

/* To all others, of a lane that hearing does not read. Nothing without a bus. */
void hearing_publish(struct hearing *hearing, enum bus_lane lane, struct slice payload);

/* Tells before it returns that this node is leaving; and goes on telling, until it is gone. */
void hearing_leave(struct hearing *hearing);

/* What the newest heartbeat said, or the first will. */
const struct heartbeat *hearing_says(const struct hearing *hearing);

const struct peers *hearing_peers(const struct hearing *hearing);
bool hearing_is_suspect(const struct hearing *hearing);

/* NULL before it joined. */
const struct bus *hearing_bus(const struct hearing *hearing);

const struct hearing_counts *hearing_counts(const struct hearing *hearing);
