// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The peers: the other nodes of the release, and how far each was heard. Says which digests are
 * taken. The bus may carry those of nodes that left the configuration or are not in it yet, of
 * clocks that are wrong, and the same one twice.
 *
 * Each start of a node draws a boot, and each boot counts its digests: within one, what does not
 * count on is a replay. A boot not heard last replaces the old one if its digest was made later
 * than all that was heard of the peer, so that nothing of an earlier boot comes back.
 *
 * Clocks are not corrected, and stamps stay as they are: a receiver that moved them would hold
 * other facts than the rest.
 *
 * Limit: the nodes of the release. No clock, no I/O; one thread.
 */

#include "base/clock.h"
#include "base/slice.h"
#include "conf/network.h"
#include "wire/digest.h"

struct peers;

#define PEERS_SILENCE span_s(3) // three digests in a row

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

/* Of those in the release, how many were heard within PEERS_SILENCE. */
size_t peers_present(const struct peers *peers, struct instant now);
