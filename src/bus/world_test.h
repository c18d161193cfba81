// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Nodes that talk over a bus, on any back end. */

#include <stdio.h>
#include <unistd.h>

#include "bus/node_test.h"
#include "bus/server_test.h"
#include "io/pool.h"

enum { NODES_MAX = 4 };

enum world_kind { LOCAL_REAL, LOCAL_SIMULATED, NATS_REAL, LOCAL_FILE };

struct world {
    enum world_kind kind;
    struct bench *bench;
    struct bus_hub *hub;
    struct pool *pool;
    char log[64]; // the file
    struct nats_server server;
    struct told_node nodes[NODES_MAX];
};

static inline struct bus *world_open_bus(
    struct world *w, unsigned loop_at, const char *network, const char *name, struct bus_user *user)
{
    struct loop *loop = w->bench->loops[loop_at % BENCH_LOOPS];
    struct bus *bus = NULL;

    if (w->kind != NATS_REAL)
        return bus_local_open(w->hub, loop, slice_text(name), user);
    struct endpoint server = server_endpoint(&w->server);
    struct bus_nats_plan plan = { .network = slice_text(network),
        .node = slice_text(name),
        .servers = &server,
        .server_count = 1 };

    assert_int_equal(bus_nats_open(&plan, loop, user, &bus, NULL), ERR_NONE);
    return bus;
}

/* Opens without waiting; each node on its own loop, as far as there are loops. */
static inline struct told_node *world_open_node(
    struct world *w, unsigned index, const char *network, const char *name)
{
    struct told_node *node = &w->nodes[index];

    *node = (struct told_node){ .user.ops = &TOLD_OPS };
    node->bus = world_open_bus(w, index, network, name, &node->user);
    return node;
}

static inline bool is_linked_now(void *what)
{
    return ((struct told_node *)what)->bus != NULL &&
           bus_is_linked(((struct told_node *)what)->bus);
}

static inline void world_until(struct world *w, bool (*is_met)(void *), void *what)
{
    assert_true(bench_until(w->bench, is_met, what, WITHIN));
}

static inline struct told_node *world_node(struct world *w, unsigned index, const char *name)
{
    struct told_node *node = world_open_node(w, index, "example", name);

    world_until(w, is_linked_now, node);
    return node;
}

static inline void node_free(struct told_node *node)
{
    bus_free(node->bus);
    node->bus = NULL;
}

/* Once more, after the buses and the pool went: as when the process starts anew. */
static inline void world_open_hub(struct world *w, struct diag *why)
{
    pool_free(w->pool);
    bus_hub_free(w->hub);
    w->pool = NULL;
    w->hub = bus_hub_new();
    if (w->kind == LOCAL_FILE) {
        assert_int_equal(pool_new(1, 16, &w->pool), ERR_NONE);
        assert_int_equal(bus_hub_log(w->hub, w->pool, w->bench->loop, w->log, why), ERR_NONE);
    }
}

static inline struct world *world_new(enum world_kind kind)
{
    struct world *w = mem_new(struct world);

    w->kind = kind;
    w->bench = bench_new(kind == LOCAL_SIMULATED ? sim_new(1) : NULL);
    if (kind == LOCAL_FILE)
        snprintf(w->log, sizeof w->log, "/tmp/bus-test-log-%d", getpid());
    world_open_hub(w, NULL);
    if (kind == NATS_REAL) {
        server_init(&w->server);
        server_start(&w->server, w->server.jetstream);
    }
    return w;
}

static inline void world_free(struct world *w)
{
    for (unsigned i = 0; i < NODES_MAX; i++)
        node_free(&w->nodes[i]);
    if (w->kind == NATS_REAL)
        server_done(&w->server);
    pool_free(w->pool);
    bus_hub_free(w->hub);
    if (w->kind == LOCAL_FILE)
        unlink(w->log);
    bench_close(w->bench);
    mem_free(w);
}

static inline void say(struct told_node *node, enum bus_lane lane, const char *text)
{
    bus_publish(node->bus, lane, slice_text(text));
}

struct hearing {
    const struct told_node *node;
    size_t count;
};

static inline bool has_heard(void *what)
{
    const struct hearing *h = what;

    return h->node->heard_count >= h->count;
}

/* Until the node has heard so many in all. */
static inline void world_hear(struct world *w, const struct told_node *node, size_t count)
{
    struct hearing h = { node, count };

    world_until(w, has_heard, &h);
    assert_int_equal(node->heard_count, count);
}

/* Time for whatever should not come to come. */
static inline void world_settle(struct world *w)
{
    bench_until(w->bench, bench_never, NULL, span_ms(100));
}

static inline void assert_heard(
    const struct told_node *node, size_t at, enum bus_lane lane, const char *from, const char *text)
{
    assert_true(at < node->heard_count);
    assert_int_equal(node->heard[at].lane, lane);
    assert_string_equal(node->heard[at].from, from);
    assert_string_equal(node->heard[at].text, text);
}
