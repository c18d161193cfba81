// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Which checks are down, by the word of all observers. A node's own probes decide whom it asks for
 * fills; who is in its answers is decided here, by a majority of vantage groups. A group is a pop:
 * its nodes share an uplink, and what ails that is no fault of the target. There is no election:
 * each node counts for itself what it heard.
 *
 *   - An observer counts while it is present and neither blind nor suspect (of peers that is what
 *     they say of themselves).
 *   - Of a check that not all nodes watch (steer/watch.h) only the words of watchers count, as long
 *     as one does: those of the others are old.
 *   - A group says down when more than half of its observers that count do; a tie is up, since one
 *     who was answered knows more than one who was not.
 *   - Three groups and more have a word: the majority of them decides, in a tie our own word where
 *     it counts, else the target is up.
 *   - One or two: our own word, where it counts; else down when all of them say so.
 *   - We are suspect (hear less than half of our peers): our own word alone.
 *   - None has one: our own word, even if we are blind. If nobody is left who sees, it is the
 *     targets that went, and not the sight of each of us: keeping what is dead in the answers would
 *     be worse than having none left that is up, for then all are answered as if they were.
 *   - Nobody at all has a word: fit.
 *
 * A node's word of itself is one among the others. What was decided changes only in votes_decide,
 * and only for checks of which something was said since. Observers and checks are known by id, so
 * that what they said outlives a release.
 *
 * Memory: a few bytes for each (check, observer) heard of. Limit: VOTES_OBSERVERS_MAX nodes; those
 * beyond them in the release have no vote. No clock, no I/O; one thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "conf/checks.h"
#include "conf/network.h"

struct votes;
struct watch_table;

enum { VOTES_OBSERVERS_MAX = 65535 };

enum votes_word { VOTES_NONE, VOTES_UP, VOTES_DOWN };

/* `self`: this node as an observer, the hash of its name. */
struct votes *votes_new(uint64_t self);

/* Accepts NULL. */
void votes_free(struct votes *votes);

/*
 * From now on the observers are the nodes of this network, and positions are those of these checks.
 * What was said by those that stay, of checks that stay, is kept, and so is what was decided. Peers
 * that are new do not count yet. `watch` is of the same checks, and outlives the votes or the next
 * call; NULL: all watch everything.
 */
void votes_use(struct votes *votes, const struct network *network, const struct checks *checks,
    const struct watch_table *watch);

/* `observer` says so of the check at that position, until it says otherwise; VOTES_NONE takes its
 * word back. What strangers say is passed over. */
void votes_say(struct votes *votes, uint64_t observer, uint32_t check, enum votes_word word);

/* Whether a peer's words count from now on. Of ourselves: votes_sight. */
void votes_count(struct votes *votes, uint64_t observer, bool does_count);

/* How we see at present; well, until told. */
struct votes_sight {
    bool is_blind;
    bool is_suspect;
};

void votes_sight(struct votes *votes, struct votes_sight sight);

enum votes_by {
    VOTES_BY_NOBODY, // taken for fit
    VOTES_BY_SELF,
    VOTES_BY_GROUPS,
};

/* How a check stands. */
struct votes_tally {
    bool is_down; // as decided last; the rest is as of now
    enum votes_by by;
    enum votes_word own;
    unsigned groups; // that have a word and count
    unsigned down;   // of them, those that say so
};

struct votes_tally votes_tally(const struct votes *votes, uint32_t check);

typedef void votes_changed_fn(void *to, uint32_t check, const struct votes_tally *tally);

/* Decides anew, and tells each check that went down or came up, by position. The callback does not
 * call the votes but for votes_tally. */
void votes_decide(struct votes *votes, votes_changed_fn *changed, void *to);
