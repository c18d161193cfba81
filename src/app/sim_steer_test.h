// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * For tests: simulated worlds whose nodes measure and steer, origins that fall ill in all the ways
 * that a probe may meet, and the figures that many such worlds give.
 */

#include <inttypes.h>

#include "app/sim_resolver_test.h"
#include "cache/purges.h"

/* With room for the sites of acme. */
#define STEERED_NETWORK                                                      \
    "network: example\n"                                                     \
    "zone: cdn.test\n"                                                       \
    "nameservers: [ns1.cdn.test]\n"                                          \
    "contact: hostmaster@cdn.test\n"                                         \
    "pops:\n"                                                                \
    "  fra: {nodes: {fra1: {address: 10.0.0.1}}, cache: {memory: 16 MiB}}\n" \
    "customers:\n"                                                           \
    "  acme:\n"                                                              \
    "    origins:\n"                                                         \
    "      one: {address: \"10.0.1.1:80\"}\n"                                \
    "      two: {address: \"10.0.1.2:80\"}\n"                                \
    "    sites:\n"

/* Answers to probes; all else as the origin usually does. */
static inline void origin_is_well(struct timer *timer)
{
    struct origin_body *b = container_of(timer, struct origin_body, timer);

    http_reply_status(b->x, b->server->says_503 ? 503 : 200, SLICE_NONE);
}

static inline void origin_serve_probes(struct http_service *service, struct http_exchange *x)
{
    struct origin_server *o = container_of(service, struct origin_server, service);
    struct origin_body *b = origin_body_of(x);
    struct span wait = o->thinks;

    if (!slice_same(x->authority.path, SLICE("/health"))) {
        origin_serve(service, x);
        return;
    }
    o->probes++;
    b->server = o;
    b->x = x;
    assert_true(http_exchange_keep(x));
    if (hash_mix(++o->luck) % 100 < o->lost_percent)
        return;
    if (o->noise.ns > 0)
        wait.ns += (int64_t)(hash_mix(++o->luck) % (uint64_t)o->noise.ns);
    b->timer.fire = origin_is_well;
    timer_set(x->loop, &b->timer, instant_after(loop_now(x->loop), wait));
}

/* Nothing reaches it, nothing comes from there; or again as `link` has it. */
static inline void origin_link(struct world *w, size_t index, const struct sim_link *link)
{
    sim_link_set(w->sim, NULL, &w->origins[index].at.ip, link);
    sim_link_set(w->sim, &w->origins[index].at.ip, NULL, link);
}

static inline struct sim_link link_near(uint64_t seed)
{
    return (struct sim_link){ .delay = span_us(200 + (int64_t)(hash_mix(seed) % 8000)),
        .jitter = span_us((int64_t)(hash_mix(seed + 1) % 1000)) };
}

struct settled {
    struct sim_wish wish;
    const struct world *w;
};

static inline bool all_are_settled(struct sim_wish *wish)
{
    const struct settled *s = container_of(wish, struct settled, wish);

    for (size_t i = 0; i < s->w->node_count; i++)
        if (!steering_is_settled(s->w->steering[i]))
            return false;
    return true;
}

/* Nothing is measured yet. */
static inline struct world *world_prepared(uint64_t seed, const char *network)
{
    const struct sim_link link = link_near(seed);
    struct world *w = world_open_on(seed, &link, network);

    for (size_t i = 0; i < WORLD_ORIGINS; i++) {
        w->origins[i].service.serve = origin_serve_probes;
        w->origins[i].luck = hash_mix(seed * WORLD_ORIGINS + i);
    }
    return w;
}

/* In a file named for the node, where the world keeps files. */
static inline struct orders *world_node_orders(struct world *w, size_t at)
{
    char path[200];

    if (w->state != NULL)
        snprintf(path, sizeof path, "%s/%.*s", w->state, SLICE_ARG(w->nodes[at]->name));
    return orders_new(&(struct orders_plan){ .loop = w->controls[at],
        .pool = w->pool,
        .log = &w->log,
        .node = w->nodes[at]->name,
        .purges = store_purges(w->nodes[at]->store),
        .path = w->state == NULL ? NULL : path });
}

static inline void world_node_steer(struct world *w, size_t at)
{
    struct steering *s = steering_new(w->controls[at], w->pool, w->nodes[at], &w->log);

    w->steering[at] = s;
    if (w->hub == NULL)
        return;
    orders_free(w->orders[at]); // of one that was stopped
    w->orders[at] = world_node_orders(w, at);
    steering_obey(s, w->orders[at]);
    struct bus *bus =
        bus_local_open(w->hub, w->controls[at], w->nodes[at]->name, steering_bus_user(s));

    steering_join(s, &bus);
}

/* Its nodes measure, and have their first maps; where the world has a hub, they hear each other.
 * The world has a pool. */
static inline void world_nodes_steer(struct world *w)
{
    struct settled settled = { { all_are_settled }, w };

    for (size_t i = 0; i < w->node_count; i++)
        world_node_steer(w, i);
    assert_true(sim_run_until(w->sim, &settled.wish, span_s(10)));
}

static inline void world_steer(struct world *w)
{
    assert_int_equal(pool_new(0, WORLD_NODES_MAX, &w->pool), ERR_NONE);
    world_nodes_steer(w);
}

enum { FIGURES_MAX = 100000 };

/* What was measured in many worlds. */
struct figures {
    int64_t *list;
    size_t count;
};

static inline void figures_add(struct figures *f, int64_t value)
{
    if (f->count < FIGURES_MAX)
        f->list[f->count++] = value;
}

static inline int figures_compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Tells median, worst and sum; returns the worst. */
static inline int64_t figures_tell(struct figures *f, const char *what)
{
    int64_t sum = 0;

    assert_true(f->count > 0);
    for (size_t i = 0; i < f->count; i++)
        sum += f->list[i];
    qsort(f->list, f->count, sizeof *f->list, figures_compare);
    fprintf(stderr, "# %s: median %" PRId64 ", worst %" PRId64 ", sum %" PRId64 " of %zu\n", what,
        f->list[f->count / 2], f->list[f->count - 1], sum, f->count);
    return f->list[f->count - 1];
}

static inline void stay_away(struct world *w, const struct resolver *r, size_t origin)
{
    unsigned before = r->by_origin[origin];

    sim_run_for(w->sim, span_s(20));
    assert_int_equal(r->by_origin[origin], before);
}
