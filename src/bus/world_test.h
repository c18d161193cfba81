// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Nodes that talk over a bus and write down what they hear, on either back end. */

#include <stdio.h>
#include <unistd.h>

#include "bus/bus.h"
#include "bus/server_test.h"
#include "io/both_test.h"

const char *leaks_accepted(void) __asm__("__lsan_default_suppressions");

/* libnats (3.4) forgets the part of a message that it has when its connection ends. */
const char *leaks_accepted(void)
{
    return "leak:natsBuf_Create";
}

enum { HEARD_MAX = 4096, NODES_MAX = 4 };

struct heard {
    enum bus_lane lane;
    char from[BUS_NAME_MAX + 1];
    char text[24]; // the payload's beginning
    size_t length;
};

struct told_node {
    struct bus_user user;
    struct bus *bus;
    struct heard heard[HEARD_MAX];
    size_t heard_count;
    unsigned linked_count, lost_count; // times told
    char why[200];
};

enum world_kind { LOCAL_REAL, LOCAL_SIMULATED, NATS_REAL };

struct world {
    enum world_kind kind;
    struct bench *bench;
    struct bus_hub *hub;
    struct nats_server server;
    struct told_node nodes[NODES_MAX];
};

static inline struct told_node *told_node_of(struct bus_user *user)
{
    return container_of(user, struct told_node, user);
}

static inline void told_message(
    struct bus_user *user, enum bus_lane lane, struct slice from, struct slice payload)
{
    struct told_node *node = told_node_of(user);

    assert_true(node->heard_count < HEARD_MAX);
    struct heard *heard = &node->heard[node->heard_count++];

    heard->lane = lane;
    heard->length = payload.length;
    snprintf(heard->from, sizeof heard->from, "%.*s", SLICE_ARG(from));
    snprintf(heard->text, sizeof heard->text, "%.*s",
        (int)(payload.length < 20 ? payload.length : 20), payload.at);
}

static inline void told_linked(struct bus_user *user, bool is_linked, const char *why)
{
    struct told_node *node = told_node_of(user);

    assert_int_equal(is_linked, bus_is_linked(node->bus));
    node->linked_count += is_linked;
    node->lost_count += !is_linked;
    assert_int_equal(why[0] == '\0', is_linked); // a loss has its reason
    snprintf(node->why, sizeof node->why, "%s", why);
}

static const struct bus_user_ops TOLD_OPS = { .message = told_message, .linked = told_linked };

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

static inline struct world *world_new(enum world_kind kind)
{
    struct world *w = mem_new(struct world);

    w->kind = kind;
    w->bench = bench_new(kind == LOCAL_SIMULATED ? sim_new(1) : NULL);
    w->hub = bus_hub_new();
    if (kind == NATS_REAL) {
        server_init(&w->server);
        server_start(&w->server, "");
    }
    return w;
}

static inline void world_free(struct world *w)
{
    for (unsigned i = 0; i < NODES_MAX; i++)
        node_free(&w->nodes[i]);
    if (w->kind == NATS_REAL)
        server_done(&w->server);
    bus_hub_free(w->hub);
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
