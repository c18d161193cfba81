// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For tests: three nodes that only tell and hear, on simulated loops; what they measure is put into
 * their mouths. */

#include "app/hearing_teller_test.h"
#include "base/hash.h"
#include "base/mem.h"
#include "io/epoch.h"
#include "io/kernel.h"
#include "io/sim.h"
#include "steer/observer.h"
#include "steer/view.h"

enum { FRA, NYC, SIN, NODES, CHECK = 7 };

static const struct node ALL[NODES] = { { .name = { "fra1", 4 } }, { .name = { "nyc1", 4 } },
    { .name = { "sin1", 4 } } };
static const struct pop POP = { .nodes = ALL, .node_count = NODES };
static const struct network NETWORK = { .pops = &POP, .pop_count = 1, .hash = 0xabc };
static const struct check ORIGIN = { .id = CHECK };
static const struct checks CHECKS = { .list = &ORIGIN, .count = 1 };
struct world {
    struct sim *sim;
    struct epoch epoch;
    struct log log;
    struct bus_hub *hub;
    struct teller nodes[NODES];
};

static inline void on_act(struct loop_message *message)
{
    struct teller *t = container_of(message, struct teller, message);

    t->act(t);
}

/* Within a turn of its loop; nothing else has happened when it returns. */
static inline void act(struct teller *t, void (*deed)(struct teller *))
{
    t->act = deed;
    loop_post(t->loop, &t->message);
    sim_run_for(t->w->sim, span_us(10));
}

static inline void begin(struct teller *t)
{
    hearing_begin(t->hearing);
}

static inline void tell(struct teller *t)
{
    hearing_tell(t->hearing);
}

static inline void teller_start(struct teller *t, size_t at, bool has_bus)
{
    struct slice name = ALL[at].name;

    t->boot++;
    t->observer = observer_new(hash_bytes(name, 0));
    t->view = view_new();
    t->hearing = hearing_new(&(struct hearing_plan){ .loop = t->loop,
        .log = &t->w->log,
        .name = name,
        .boot = t->boot,
        .observer = t->observer,
        .view = t->view });
    t->follower.ops = &OPS;
    hearing_follow(t->hearing, &t->follower);
    hearing_use(t->hearing, &NETWORK, &CHECKS);
    if (has_bus) {
        struct bus *bus = bus_local_open(t->w->hub, t->loop, name, hearing_user(t->hearing));

        hearing_join(t->hearing, &bus);
        assert_null(bus);
    }
    act(t, begin);
}

static inline void teller_stop(struct teller *t)
{
    hearing_free(t->hearing);
    observer_free(t->observer);
    view_free(t->view);
}

static inline struct world *world_open(bool has_bus)
{
    struct world *w = mem_new(struct world);

    w->sim = sim_new(1);
    epoch_init(&w->epoch);
    log_init(&w->log, -1, LOG_ERROR);
    w->hub = bus_hub_new();
    for (size_t i = 0; i < NODES; i++) {
        struct teller *t = &w->nodes[i];
        const struct ip ip = ip_v4(10, 0, 0, (uint8_t)(i + 1));

        t->w = w;
        t->message.run = on_act;
        t->kernel = sim_kernel(w->sim, &ip);
        t->loop = loop_new(t->kernel, &w->epoch, (unsigned)i);
        sim_kernel_turns(t->kernel, t->loop);
        teller_start(t, i, has_bus);
    }
    return w;
}

static inline void world_close(struct world *w)
{
    for (size_t i = 0; i < NODES; i++)
        teller_stop(&w->nodes[i]);
    bus_hub_free(w->hub);
    for (size_t i = 0; i < NODES; i++)
        loop_free(w->nodes[i].loop);
    for (size_t i = 0; i < NODES; i++)
        kernel_free(w->nodes[i].kernel);
    epoch_done(&w->epoch);
    sim_free(w->sim);
    mem_free(w);
}

/* From now on `to` does not hear `from`, or does again. */
static inline void cut(struct world *w, size_t from, size_t to, bool is_cut)
{
    bus_hub_cut(w->hub, ALL[from].name, ALL[to].name, is_cut);
}

static const struct hearing_counts *counts_of(const struct world *w, size_t node)
{
    return hearing_counts(w->nodes[node].hearing);
}

static inline struct peer peer_of(const struct world *w, size_t node, size_t peer)
{
    struct peer found;

    assert_true(peers_find(hearing_peers(w->nodes[node].hearing), hash_bytes(ALL[peer].name, 0),
        sim_now(w->sim), &found));
    return found;
}
