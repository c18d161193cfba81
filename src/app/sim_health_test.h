// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * For tests: nodes that hear each other in a simulated world, the ways in which they lose each
 * other and what they measure, and whom each of them takes for down.
 */

#include <unistd.h>

#include "app/hearing.h"
#include "app/sim_steer_test.h"
#include "app/verdicts.h"

/* Five nodes in four pops, who all watch everything; and ten checks of two origins. */
#define HEAD                         \
    "network: example\n"             \
    "zone: cdn.test\n"               \
    "nameservers: [ns1.cdn.test]\n"  \
    "contact: hostmaster@cdn.test\n" \
    "pops:\n"
#define POP(name, nodes) "  " name ": {nodes: {" nodes "}, cache: {memory: 8 MiB}}\n"
#define TAIL                                                        \
    "customers:\n"                                                  \
    "  acme:\n"                                                     \
    "    origins:\n"                                                \
    "      one: {address: \"10.0.1.1:80\"}\n"                       \
    "      two: {address: \"10.0.1.2:80\"}\n"                       \
    "    sites:\n"                                                  \
    "      a.test: {steer: [one, two], probe: {http: /health}}\n"   \
    "      b.test: {steer: [one, two], probe: {http: /health?b}}\n" \
    "      c.test: {steer: [one, two], probe: {http: /health?c}}\n" \
    "      d.test: {steer: [one, two], probe: {http: /health?d}}\n" \
    "      static.test: {deliver: [one, two], probe: {http: /health}}\n"

#define FIVE_NODES                                                                      \
    HEAD POP("fra", "fra1: {address: 10.0.0.1}, fra2: {address: 10.0.0.2}")             \
        POP("nyc", "nyc1: {address: 10.0.0.3}") POP("sin", "sin1: {address: 10.0.0.4}") \
            POP("gru", "gru1: {address: 10.0.0.5}") TAIL

static const char FIVE[] = FIVE_NODES;

enum { FRA1, FRA2, NYC1, SIN1, GRU1, NODES, ORIGIN_CHECKS = 10 };

static inline struct ip node_ip(size_t node)
{
    return ip_v4(10, 0, 0, (uint8_t)(node + 1));
}

static inline struct world *begin_on(uint64_t seed, const char *network)
{
    struct world *w = world_prepared(seed, network);

    fprintf(stderr, "seed %llu\r", (unsigned long long)seed);
    w->hub = bus_hub_new();
    world_steer(w);
    sim_run_for(w->sim, span_ms(10000 + (int64_t)sim_draw(w->sim, 2000)));
    return w;
}

static inline struct world *begin(uint64_t seed)
{
    return begin_on(seed, FIVE);
}

static inline const struct steer_rows *rows_of(const struct world *w, size_t node)
{
    return node_root(w->nodes[node])->rows;
}

/* Of the node `of`, as `node` has it. */
static inline uint32_t check_of(const struct world *w, size_t node, size_t of)
{
    const struct network *network = rows_of(w, node)->network;

    for (size_t i = 0; i < network->pop_count; i++)
        for (size_t k = 0; k < network->pops[i].node_count; k++)
            if (slice_equal(network->pops[i].nodes[k].name, w->nodes[of]->name))
                return checks_of_node(rows_of(w, node)->checks, &network->pops[i].nodes[k]);
    fail_msg("no such node");
    return CHECK_NONE;
}

static inline uint8_t health(const struct world *w, size_t node, size_t of)
{
    return steer_health(rows_of(w, node), check_of(w, node, of));
}

static inline bool sends_to(const struct world *w, size_t node, size_t of)
{
    return (health(w, node, of) & STEER_OUT) == 0;
}

/* How many checks of origins the node has down, by the count of votes or by its own probes. */
static inline unsigned origins_down(const struct world *w, size_t node, uint8_t bit)
{
    const struct steer_rows *rows = rows_of(w, node);
    unsigned count = 0;

    for (uint32_t i = 0; i < rows->checks->count; i++)
        count += rows->checks->list[i].origin != NULL && (steer_health(rows, i) & bit) != 0;
    return count;
}

/* All changes that the count of votes ever made, on all nodes but one (`but`: SIZE_MAX for none).
 */
static inline uint64_t changes(const struct world *w, size_t but)
{
    uint64_t count = 0;

    for (size_t i = 0; i < w->node_count; i++) {
        const struct verdicts_counts *c = verdicts_counts(steering_verdicts(w->steering[i]));

        count += i == but ? 0 : counter_read(&c->down) + counter_read(&c->up);
    }
    return count;
}

/* What begins with all fit; nobody was ever taken for down by mistake. */
static inline void no_change_but_up(const struct world *w)
{
    for (size_t i = 0; i < w->node_count; i++)
        assert_int_equal(
            counter_read(&verdicts_counts(steering_verdicts(w->steering[i]))->down), 0);
}

static inline void hear_from(struct world *w, size_t node, size_t from, bool is_cut)
{
    bus_hub_cut(w->hub, w->nodes[from]->name, w->nodes[node]->name, is_cut);
}

/* Between one node and the others, both ways. */
static inline void cut_off(struct world *w, size_t node, bool is_cut)
{
    for (size_t i = 0; i < w->node_count; i++) {
        if (i == node)
            continue;
        hear_from(w, node, i, is_cut);
        hear_from(w, i, node, is_cut);
    }
}

static inline void path_is(struct world *w, const struct ip *a, const struct ip *b, bool is_dark)
{
    struct sim_link link = { .delay = span_ms(2), .is_dark = is_dark };

    sim_link_set(w->sim, a, b, &link);
    sim_link_set(w->sim, b, a, &link);
}

/* Stopped, or without power: nothing comes from there; or its process is gone. */
static inline void node_dies(struct world *w, size_t node, bool is_refusing)
{
    const struct sim_link link = {
        .delay = span_ms(2), .is_dark = !is_refusing, .refuses = is_refusing
    };
    struct ip at = node_ip(node);

    cut_off(w, node, true);
    sim_link_set(w->sim, NULL, &at, &link);
    sim_link_set(w->sim, &at, NULL, &link);
}

static inline void node_serves(struct world *w, size_t node)
{
    struct ip at = node_ip(node);

    path_is(w, NULL, &at, false);
}

static inline void node_lives(struct world *w, size_t node)
{
    node_serves(w, node);
    cut_off(w, node, false);
}

static inline void end(struct world *w)
{
    if (w->log.fd >= 0)
        close(w->log.fd);
    world_close(w);
}

struct leaving {
    struct loop_message message;
    struct steering *steering;
};

static inline void leave_now(struct loop_message *message)
{
    steering_leave(container_of(message, struct leaving, message)->steering);
}

static inline void node_leaves(struct world *w, size_t node)
{
    struct leaving leaving = { { .run = leave_now }, w->steering[node] };

    loop_post(w->controls[node], &leaving.message);
    sim_run_for(w->sim, span_ms(1));
}
