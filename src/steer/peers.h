// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The peers: the other nodes of the release, and how far each was heard. Says which digests and
 * heartbeats are taken, who is present, and whether so few are that this node had better doubt
 * itself. The bus may carry words of nodes that left the configuration or are not in it yet, of
 * clocks that are wrong, and the same one twice.
 *
 * Each start of a node draws a boot, and each boot counts its digests and its heartbeats: within
 * one, what does not count on is a replay. A boot not heard last replaces the old one if its word
 * was made later than all that was heard of the peer, so that nothing of an earlier boot comes
 * back.
 *
 * A peer is present from its first word until it was silent for longer than PEERS_MISSED once a
 * heartbeat of its boot was heard, and than PEERS_SILENCE before. The four missed heartbeats of
 * PEERS_MISSED are a reason to look, not a verdict: others may hear it, and it may serve without.
 *
 * A peer that says it is leaving goes on saying so, silent as it then is, until another boot or a
 * heartbeat without that flag is heard.
 *
 * Clocks are not corrected, and stamps stay as they are: a receiver that moved them would hold
 * other facts than the rest.
 *
 * Limit: the nodes of the release. No clock, no I/O; one thread.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/slice.h"
#include "conf/network.h"
#include "wire/digest.h"
#include "wire/heartbeat.h"

struct peers;

#define PEERS_SILENCE span_s(3) // three digests in a row
#define PEERS_MISSED  span_ms((int64_t)HEARTBEAT_MISSED *HEARTBEAT_PERIOD_MS)

/* One of them as it stands; good until the peers are called again. */
struct peer {
    struct slice name;
    uint64_t observer;                 // hash of the name, as reports have it
    const struct heartbeat *heartbeat; // the newest of its boot; NULL: none heard yet
    bool is_heard;                     // any word of it ever was
    struct instant heard;              // when its newest word came
    bool is_present;
    bool is_missing; // not present, and its heartbeats were
};

/* `self`: name of this node, which is no peer of its own; copied. */
struct peers *peers_new(struct slice self);

/* Accepts NULL. */
void peers_free(struct peers *peers);

/* From now on the peers are the other nodes of `network`, which need not outlive the call. What is
 * known of those that stay is kept. */
void peers_use(struct peers *peers, const struct network *network);

enum peers_verdict {
    PEERS_HEARD,    // to be taken
    PEERS_RETURNED, // likewise, and its sender may hold nothing of what we told: it was not heard
                    // before, or not for PEERS_SILENCE, or began anew
    PEERS_TWIN,     // under our own name: a node runs twice
    PEERS_UNKNOWN,  // no node of that name is in the release
    PEERS_IMPOSTOR, // the observer it speaks for is not the node that sent it
    PEERS_FUTURE,   // made more than VIEW_FUTURE_MS after now
    PEERS_REPLAYED, // heard before, or overtaken for good
    PEERS_VERDICT_COUNT,
};

/* `from`: the sender's name, as the bus has it. What is not taken changes nothing. */
enum peers_verdict peers_hear(struct peers *peers, struct slice from, const struct digest *digest,
    struct wall wall, struct instant now);

/* Likewise; a heartbeat that is taken is kept until the next. */
enum peers_verdict peers_hear_heartbeat(struct peers *peers, struct slice from,
    const struct heartbeat *heartbeat, struct wall wall, struct instant now);

/* How many there are, and how many of them are present. */
size_t peers_count(const struct peers *peers);
size_t peers_present(const struct peers *peers, struct instant now);

/*
 * Fewer than half of at least two peers are present. Those that said they are leaving count
 * neither way, nor do those that were never heard: they may not have been started yet, or not be
 * on our bus.
 */
bool peers_are_few(const struct peers *peers, struct instant now);

/* False: no such peer. */
bool peers_find(
    const struct peers *peers, uint64_t observer, struct instant now, struct peer *peer);

/* Each of them. It must not change the peers. */
typedef void peers_fn(void *to, const struct peer *peer);
void peers_each(const struct peers *peers, struct instant now, peers_fn *tell, void *to);

/*
 * Tells of each that came to be present, or is so no more, since it was last looked at. Returns
 * when to look again, at the latest, so that no silence is found late: INSTANT_NEVER where nobody
 * is present, and then the next word is the reason.
 */
struct instant peers_look(struct peers *peers, struct instant now, peers_fn *tell, void *to);
