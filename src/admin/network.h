// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The network at a glance, for maps and lists (/api/v1/network): pops with their nodes, customers
 * with their origins and sites, and how each is doing as this node sees it. What it measured in
 * full is in the status; why an answer is as it is, in why.
 *
 * Names in the JSON are never changed or taken away within /api/v1; what is not known is left out.
 */

#include <stdbool.h>

#include "admin/text.h"
#include "conf/network.h"
#include "steer/facts.h"

struct admin_scope;

enum admin_state { ADMIN_UNKNOWN, ADMIN_UP, ADMIN_DOWN, ADMIN_DRAINED };

/* How a node or an origin is doing; parts of one, and negative where it is not known. */
struct admin_seen {
    enum admin_state state;
    double latency_ms, response_ms;
    double load; // of its capacity
    double cpu, memory;
    double requests_per_s;
};

#define ADMIN_SEEN_NOTHING ((struct admin_seen){ ADMIN_UNKNOWN, -1, -1, -1, -1, -1, -1 })

/* As app fills it. */
struct admin_network {
    const struct network *network;    // in use
    const struct admin_seen *nodes;   // of all pops, in the order of the network
    const struct admin_seen *origins; // of all customers, likewise
};

/* Adds what the facts of one check tell; what is known stays as it is where they say less. */
void admin_seen_learn(struct admin_seen *seen, const struct fact facts[REPORT_KIND_COUNT]);

/* One more check of the same thing says so: down outweighs up, and either says more than unknown.
 */
enum admin_state admin_state_join(enum admin_state a, enum admin_state b);

/* Of a pop, by its nodes: as well as the best of them, as near as the nearest, as loaded as the
 * fullest. */
struct admin_seen admin_seen_of_pop(const struct admin_seen *nodes, size_t count);

/* "up"; never NULL. */
const char *admin_state_text(enum admin_state state);

/* As far as it is theirs: customers are told their own, and of pops and nodes where they are,
 * whether they are up and how near. Nothing is added when memory runs out. */
void admin_network_write(
    const struct admin_network *told, const struct admin_scope *scope, struct text *out);
