// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The rows of the map: for each site its targets, as one node of one release sees them. Built with
 * the root and frozen, but for the health of the checks, which is beside the map and effective at
 * once: one byte for each check, written by the control thread in place.
 *
 * Origins and pops are both targets. A target's members are what has addresses: the nodes of a
 * pop, or the origin itself. A deliver site's row has all pops, this node's own first, since the
 * client's resolver picked this name server for a reason; then by distance from it, then as listed.
 *
 * Distances are computed here, once, for each place of a target and each cell: a plan looks them
 * up. They come from the mathematical library, whose last bit may differ between machines; rounded
 * to whole microseconds it all but never does.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "conf/checks.h"
#include "conf/network.h"
#include "steer/geo.h"

enum {
    STEER_TARGETS_MAX = 65535, // of a row; pops beyond it, and their nodes, are no targets
    STEER_PLACES_MAX = 1024,   // distinct places of targets; one beyond counts as not given
};

/*
 * Bits of a check's health; 0 is fit. Who is in the answers is the network's word (steer/votes.h);
 * whom this node asks for fills it finds out by itself. An operator's word stands beside them.
 */
enum {
    STEER_DOWN = 1,      // by the count of votes
    STEER_DRAINED = 2,   // by an operator
    STEER_DOWN_HERE = 4, // by this node's own probes
    STEER_LEAVING = 8,   // by its own word: it is being stopped
};

/* Either is reason not to be answered; the latter still holds when all are down. */
enum {
    STEER_GOING = STEER_DRAINED | STEER_LEAVING,
    STEER_OUT = STEER_DOWN | STEER_GOING,
};

/* Bits of a member: which addresses it has. */
enum { STEER_HAS_V4 = 1, STEER_HAS_V6 = 2 };

struct steer_member {
    const struct node *node;    // of a pop; NULL for an origin
    uint64_t hash;              // of its name
    uint32_t check, load_check; // positions; CHECK_NONE where there is none
    uint8_t families;
};

struct steer_target {
    const struct origin *origin;         // of a steer site; else NULL
    const struct pop *pop;               // of a deliver site; else NULL
    uint64_t hash;                       // of its name: the same on every node
    uint32_t weight;                     // 0: drawn by nobody
    uint32_t first_member, member_count; // among the row's
    uint32_t ftp_check;
    const uint32_t *round_trips_us; // by cell of clients; NULL: it gives no place
    bool is_reserve;
};

struct steer_row {
    const struct site *site;
    uint64_t hash; // of the site's name
    const struct steer_target *targets;
    size_t count; // at least 1
    const struct steer_member *members;
    size_t member_count;
    uint32_t class; // rows that are planned alike share one
    bool is_placed; // every target gives its place
};

/* Told whenever a check's health is another, by the thread that set it, once it is in force. */
struct steer_health_watch {
    void (*changed)(struct steer_health_watch *watch, uint32_t check, uint8_t health);
};

struct steer_rows {
    uint64_t id; // drawn at random: a map made for other rows is known by it, wherever they lay
    const struct network *network;
    const struct node *self;
    const struct checks *checks;
    const struct geo *geo;
    struct steer_row *list; // by position in network->sites
    size_t count;
    const struct steer_row **classes; // one row of each class
    size_t class_count;
    uint64_t *class_hashes;           // of all that a plan of it depends on in the release
    _Atomic uint8_t *health;          // by check
    struct steer_health_watch *watch; // NULL: nobody is told
    struct arena arena;
};

/* All that is given must outlive the rows. Every check is fit until told otherwise. */
struct steer_rows *steer_rows_new(const struct network *network, const struct node *self,
    const struct checks *checks, const struct geo *geo);

/* Accepts NULL. */
void steer_rows_free(struct steer_rows *rows);

/* By the control thread. */
void steer_health_set(struct steer_rows *rows, uint32_t check, uint8_t bit, bool is_set);

static inline uint8_t steer_health(const struct steer_rows *rows, uint32_t check)
{
    return check == CHECK_NONE ? 0
                               : atomic_load_explicit(&rows->health[check], memory_order_relaxed);
}

/* NULL when the site is not of this network. */
const struct steer_row *steer_row_of(const struct steer_rows *rows, const struct site *site);

/* Who suits whom is planned anew each epoch, and not as the configuration lists it. */
static inline bool steer_row_is_planned(const struct steer_row *row)
{
    return row->site->policy != POLICY_ORDERED && row->site->policy != POLICY_WEIGHTED;
}

/* Of the origin or pop, as the configuration has it. */
struct slice steer_target_name(const struct steer_target *target);
