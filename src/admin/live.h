// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Live figures (/api/v1/live): what this process carries now, as rates between two samples of its
 * totals. Pure; who watches is served by admin/serve_live.c.
 *
 * Limit: LIVE_SITES_TOLD_MAX sites are told, the busiest; how many more there are is said.
 *
 * Names in the JSON are never changed or taken away within /api/v1.
 */

#include "admin/text.h"
#include "base/arena.h"
#include "base/clock.h"

struct admin_scope;

enum { LIVE_SITES_TOLD_MAX = 1000 };

/* A node of this process; totals, of what it did since its start. */
struct admin_live_node {
    struct slice node, pop;
    uint64_t dns_queries, requests, hits, sent_bytes; // requests: without those of probes
    uint64_t connections;                             // open now
    double cpu, memory;                               // shares of all; negative: not known
};

/* A site, over the nodes of this process; totals. */
struct admin_live_site {
    struct slice site, customer;
    uint64_t requests, hits, sent_bytes, dns_answers;
};

/* All of it at one moment, as app fills it. */
struct admin_live {
    struct wall now;
    struct span uptime;
    struct admin_live_node *nodes;
    size_t node_count;
    struct admin_live_site *sites; // by host (base/order.h)
    size_t site_count;
};

/*
 * One line of JSON, without its end: the rates over `seconds`, which is above 0, from one to the
 * other. What was not there before has begun at 0; totals that went back count as nothing.
 * Customers are told their own sites, and no nodes. Scratch is in the arena.
 */
void admin_live_write(const struct admin_live *from, const struct admin_live *to, double seconds,
    const struct admin_scope *scope, struct arena *arena, struct text *out);
