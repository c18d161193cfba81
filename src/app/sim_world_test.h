// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * For tests: a whole node with two workers, two origins (app/sim_origin_test.h) and any number of
 * visitors (app/sim_ask_test.h) on simulated loops. The nodes of one world share the workers; each
 * has a control loop of its own, at its own address.
 * Nothing is measured unless a test starts it (app/sim_steer_test.h).
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/node.h"
#include "app/orders.h"
#include "app/sim_origin_test.h"
#include "app/sim_release_test.h"
#include "app/steering.h"
#include "base/mem.h"
#include "bus/bus.h"
#include "io/kernel.h"
#include "io/pool.h"
#include "io/sim.h"

enum { WORLD_WORKERS = 2, WORLD_ORIGINS = 2, WORLD_NODES_MAX = 24 };

struct world {
    struct sim *sim;
    struct epoch epoch;
    struct log log;
    struct kernel *kernels[WORLD_WORKERS + WORLD_ORIGINS + WORLD_NODES_MAX + 1];
    struct loop *loops[WORLD_WORKERS + WORLD_ORIGINS + WORLD_NODES_MAX + 1];
    size_t loop_count;
    struct loop *control, *outside; // control: the first; outside: visitors and resolvers
    struct loop *controls[WORLD_NODES_MAX];
    struct kernel *clocks[WORLD_NODES_MAX];             // of the control loops
    struct running_node *nodes[WORLD_NODES_MAX], *node; // node: the first
    struct steering *steering[WORLD_NODES_MAX];         // or NULL
    struct pool *pool;                                  // without threads; or NULL
    struct bus_hub *hub;                                // where the nodes meet; or NULL
    struct orders *orders[WORLD_NODES_MAX];             // where there is a hub; else NULL
    const char *state; // folder of what they write; NULL: memory alone
    size_t node_count;
    struct origin_server origins[WORLD_ORIGINS];
};

static inline struct loop *world_loop(struct world *w, struct ip address)
{
    size_t at = w->loop_count++;

    w->kernels[at] = sim_kernel(w->sim, &address);
    w->loops[at] = loop_new(w->kernels[at], &w->epoch, (unsigned)at);
    sim_kernel_turns(w->kernels[at], w->loops[at]);
    return w->loops[at];
}

static inline void origin_open(struct origin_server *o)
{
    assert_int_equal(
        listener_open(o->loop, &o->at, http_server_listener(o->server), &o->listener), ERR_NONE);
}

/* No longer listens, and ends what is open: connections are refused from now on. */
static inline void origin_stop(struct origin_server *o)
{
    listener_close(o->listener);
    o->listener = NULL;
    http_server_free(o->server);
    o->server = http_server_new(o->loop, &o->service, &HTTP_SERVER_LIMITS_DEFAULT);
}

static inline void origin_start(struct world *w, size_t index)
{
    struct origin_server *o = &w->origins[index];

    o->service = (struct http_service){ .serve = origin_serve, .over = origin_over };
    o->at = (struct endpoint){ ip_v4(10, 0, 1, (uint8_t)(index + 1)), 80 };
    o->loop = world_loop(w, o->at.ip);
    o->server = http_server_new(o->loop, &o->service, &HTTP_SERVER_LIMITS_DEFAULT);
    origin_open(o);
}

static inline void world_node_start(struct world *w, struct release *release, const struct node *of)
{
    struct root *root = world_root_in(release, of->name);
    struct diag why = { 0 };
    struct faces faces;

    assert_true(w->node_count < WORLD_NODES_MAX);
    struct loop *control = world_loop(w, of->addresses[0]);

    w->controls[w->node_count] = control;
    w->clocks[w->node_count] = w->kernels[w->loop_count - 1];
    assert_int_equal(node_faces(root, &faces, &why), ERR_NONE);
    const struct node_plan plan = { .name = of->name,
        .loops = w->loops,
        .loop_count = WORLD_WORKERS,
        .control = loop_epoch_reader(control),
        .log = &w->log,
        .seed = sim_draw(w->sim, UINT64_MAX),
        .machine = "/nowhere" };
    struct running_node **node = &w->nodes[w->node_count++];

    if (node_new(&plan, &root, node, &why) != ERR_NONE)
        fail_msg("%s", why.text);
    for (size_t i = 0; i < WORLD_WORKERS; i++)
        if (node_worker_open(&(*node)->workers[i], &faces, &why) != ERR_NONE)
            fail_msg("%s", why.text);
}

/* With all nodes of the network. */
static inline struct world *world_open_on(
    uint64_t seed, const struct sim_link *link, const char *network)
{
    struct world *w = mem_new(struct world);
    struct release *release = world_release(network);

    w->sim = sim_new(seed);
    epoch_init(&w->epoch);
    log_init(&w->log, -1, LOG_ERROR);
    sim_link_set(w->sim, NULL, NULL, link);
    for (size_t i = 0; i < WORLD_WORKERS; i++)
        world_loop(w, ip_v4(10, 0, 0, 1));
    w->outside = world_loop(w, ip_v4(10, 0, 2, 1));
    for (size_t i = 0; i < WORLD_ORIGINS; i++)
        origin_start(w, i);
    for (size_t i = 0; i < release->network->pop_count; i++)
        for (size_t k = 0; k < release->network->pops[i].node_count; k++)
            world_node_start(w, release, &release->network->pops[i].nodes[k]);
    w->node = w->nodes[0];
    w->control = w->controls[0];
    release_drop(release);
    return w;
}

static inline struct world *world_open(uint64_t seed, const struct sim_link *link)
{
    char text[sizeof WORLD_NETWORK + 200];

    snprintf(text, sizeof text, WORLD_NETWORK, "deliver: [one, two], fill: ordered, missing: next");
    return world_open_on(seed, link, text);
}

static inline void world_close(struct world *w)
{
    for (size_t i = 0; i < WORLD_ORIGINS; i++) {
        listener_close(w->origins[i].listener);
        http_server_free(w->origins[i].server);
    }
    pool_free(w->pool);
    for (size_t i = 0; i < w->node_count; i++) {
        steering_free(w->steering[i]);
        orders_free(w->orders[i]);
        node_free(w->nodes[i]);
    }
    bus_hub_free(w->hub);
    for (size_t i = 0; i < w->loop_count; i++)
        loop_free(w->loops[i]);
    for (size_t i = 0; i < w->loop_count; i++)
        kernel_free(w->kernels[i]);
    assert_int_equal(sim_descriptors(w->sim), 0);
    epoch_done(&w->epoch);
    sim_free(w->sim);
    mem_free(w);
}

enum { SEEDS_STANDARD = 50 };

static inline unsigned seeds(void)
{
    const char *wanted = getenv("SIM_SEEDS");

    return wanted == NULL ? SEEDS_STANDARD : (unsigned)atoi(wanted);
}

static inline struct sim_link link_of(uint64_t seed)
{
    return (struct sim_link){
        .delay = span_us((int64_t)(hash_mix(seed) % 20000)),
        .jitter = span_us((int64_t)(hash_mix(seed + 1) % 5000)),
        .chunk_max = (uint32_t)(hash_mix(seed + 2) % 3 == 0 ? 0 : 1 + hash_mix(seed + 3) % 5000),
        .buffer_bytes =
            (uint32_t)(hash_mix(seed + 4) % 3 == 0 ? 0 : 4096 + hash_mix(seed + 5) % 65536),
    };
}

/* Each story is told in many worlds; the seed is printed when it fails in one. */
static inline void in_many_worlds(void (*story)(struct world *))
{
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        const struct sim_link link = link_of(seed);
        struct world *w = world_open(seed, &link);

        fprintf(stderr, "seed %llu\r", (unsigned long long)seed);
        story(w);
        world_close(w);
    }
}
