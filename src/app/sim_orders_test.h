// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * For tests: twenty nodes in five pops that follow one log, orders given at any of them, and what
 * visitors and resolvers of each then meet.
 */

#include "app/obeying.h"
#include "app/sim_ask_test.h"
#include "app/sim_steer_test.h"
#include "base/hash.h"

#define POP_OF(name, a, b, c, d)                                                                \
    "  " name ": {nodes: {" name "1: {address: 10.0.0." #a "}, " name "2: {address: 10.0.0." #b \
    "}, " name "3: {address: 10.0.0." #c "}, " name "4: {address: 10.0.0." #d                   \
    "}}, cache: {memory: 4 MiB}}\n"

static const char TWENTY[] =
    "network: example\n"
    "zone: cdn.test\n"
    "nameservers: [ns1.cdn.test]\n"
    "contact: hostmaster@cdn.test\n"
    "pops:\n" POP_OF("fra", 1, 2, 3, 4) POP_OF("nyc", 5, 6, 7, 8) POP_OF("sin", 9, 10, 11, 12)
        POP_OF("gru", 13, 14, 15, 16) POP_OF("lhr", 17, 18, 19, 20) //
    "customers:\n"
    "  acme:\n"
    "    origins:\n"
    "      one: {address: \"10.0.1.1:80\"}\n"
    "      two: {address: \"10.0.1.2:80\"}\n"
    "    sites:\n"
    "      www.test: {steer: [one, two], probe: {http: /health}}\n"
    "      static.test: {deliver: [one, two], fill: ordered, probe: {http: /health}}\n";

enum { TWENTY_NODES = 20, POP_NODES = 4, AWAY = 6 };

/* Nodes of one pop are near each other, all else is equally far. */
static inline void place_nodes(struct world *w)
{
    const struct sim_link near = { .delay = span_us(200) }, far = { .delay = span_ms(5) };

    sim_link_set(w->sim, NULL, NULL, &far);
    for (size_t i = 0; i < TWENTY_NODES; i++)
        for (size_t k = i / POP_NODES * POP_NODES; k < (i / POP_NODES + 1) * POP_NODES; k++) {
            const struct ip a = ip_v4(10, 0, 0, (uint8_t)(i + 1));
            const struct ip b = ip_v4(10, 0, 0, (uint8_t)(k + 1));

            sim_link_set(w->sim, &a, &b, &near);
        }
}

static inline struct world *twenty_on(uint64_t seed, const char *state)
{
    fprintf(stderr, "seed %llu\r", (unsigned long long)seed);
    struct world *w = world_prepared(seed, TWENTY);

    place_nodes(w);

    w->state = state;
    w->hub = bus_hub_new();
    return w;
}

static inline struct world *twenty(uint64_t seed)
{
    struct world *w = twenty_on(seed, NULL);

    world_steer(w);
    sim_run_for(w->sim, span_s(2));
    return w;
}

static inline unsigned few_seeds(void)
{
    return (seeds() + 9) / 10;
}

/* An order on its way into the log. */
struct giving {
    struct loop_message message;
    struct sim_wish wish;
    struct orders_waiter waiter;
    struct orders *orders;
    struct order order;
    bool is_done;
    enum err err;
    uint64_t number;
};

static inline void giving_done(struct orders_waiter *waiter, const struct orders_answer *answer)
{
    struct giving *g = container_of(waiter, struct giving, waiter);

    g->is_done = true;
    g->err = answer->err;
    g->number = answer->number;
}

static inline void giving_now(struct loop_message *message)
{
    struct giving *g = container_of(message, struct giving, message);

    orders_give(g->orders, &g->order, &g->waiter);
}

static inline bool giving_is_done(struct sim_wish *wish)
{
    return container_of(wish, struct giving, wish)->is_done;
}

/* At one node. With the same mark it is the same order. */
static inline struct giving give_marked(
    struct world *w, size_t node, enum order_kind kind, const char *text, uint64_t mark)
{
    struct giving g = { .message.run = giving_now,
        .wish = { giving_is_done },
        .waiter.done = giving_done,
        .orders = w->orders[node],
        .order = { .kind = kind,
            .at = loop_wall(w->controls[node]),
            .by = SLICE("ann"),
            .site = order_is_purge(kind) ? SLICE("static.test") : SLICE_NONE,
            .text = slice_text(text) } };

    memcpy(g.order.id, &mark, sizeof mark);
    loop_post(w->controls[node], &g.message);
    assert_true(sim_run_until(w->sim, &g.wish, span_s(3)));
    return g;
}

/* Its number. */
static inline uint64_t give(struct world *w, size_t node, enum order_kind kind, const char *text)
{
    struct giving g = give_marked(w, node, kind, text, sim_draw(w->sim, UINT64_MAX));

    assert_int_equal(g.err, ERR_NONE);
    return g.number;
}

static inline uint64_t position_of(const struct world *w, size_t node)
{
    return orders_position(w->orders[node]).number;
}

struct following {
    struct sim_wish wish;
    const struct world *w;
    uint64_t number;
};

static inline bool all_follow(struct sim_wish *wish)
{
    const struct following *f = container_of(wish, struct following, wish);

    for (size_t i = 0; i < f->w->node_count; i++)
        if (position_of(f->w, i) != f->number)
            return false;
    return true;
}

/* All nodes have it on disk. */
static inline struct span time_until_all_have(struct world *w, uint64_t number)
{
    struct following f = { { all_follow }, w, number };
    struct instant start = sim_now(w->sim);

    assert_true(sim_run_until(w->sim, &f.wish, span_s(10)));
    return instant_since(start, sim_now(w->sim));
}

static inline void ask_one(struct world *w, struct ask *a, size_t node, const char *path)
{
    ask_start(w, a, path, "");
    a->node = ip_v4(10, 0, 0, (uint8_t)(node + 1));
    world_wait(w, a, 1);
}

/* Between one node and the log. */
static inline void cut_from_log(struct world *w, size_t node, bool is_cut)
{
    bus_hub_cut(w->hub, BUS_LOG, w->nodes[node]->name, is_cut);
    bus_hub_cut(w->hub, w->nodes[node]->name, BUS_LOG, is_cut);
}

static inline bool has_drained(
    const struct world *w, size_t node, enum drain_kind kind, const char *name)
{
    const struct drain *list;
    size_t count = drains_list(orders_drained(w->orders[node]), &list);

    for (size_t i = 0; i < count; i++)
        if (list[i].kind == kind && slice_equal(list[i].name, slice_text(name)))
            return true;
    return false;
}
