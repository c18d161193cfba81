// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * For tests: simulated worlds whose nodes measure and steer, origins that fall ill in all the ways
 * that a probe may meet, and a resolver that asks on and on and remembers what it was told.
 */

#include <inttypes.h>

#include "app/sim_world_test.h"
#include "dns/ask_test.h"
#include "io/datagram.h"

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

/* Its nodes measure, and have their first maps. */
static inline void world_steer(struct world *w)
{
    struct settled settled = { { all_are_settled }, w };

    assert_int_equal(pool_new(0, WORLD_NODES, &w->pool), ERR_NONE);
    for (size_t i = 0; i < w->node_count; i++)
        w->steering[i] = steering_new(w->control, w->pool, w->nodes[i], &w->log);
    assert_true(sim_run_until(w->sim, &settled.wish, span_s(10)));
}

enum { RESOLVED_MAX = 100 };

struct asking {
    const char *name;
    unsigned subnets; // 198.18.N.0/24, asked for each time
    struct span every;
    size_t node; // asked
};

/* What one resolver was told. */
struct resolver {
    struct asking asking;
    struct datagram_user user;
    struct datagram_socket *socket;
    struct loop *loop;
    struct timer timer;
    struct loop_message begin;
    struct endpoint node;
    struct ip answers[RESOLVED_MAX];   // the newest, by subnet
    struct instant changed;            // any of them
    unsigned asked, answered, empty;   //
    unsigned changes;                  // of an answer from one time to the next
    unsigned by_origin[WORLD_ORIGINS]; // answers that named it
};

static inline void resolver_take(struct resolver *r, struct slice message)
{
    struct ip *before, now = { .family = IP_NONE };
    struct dns_reader reader;
    struct dns_record record;

    assert_true(dns_reader_start(&reader, message));
    assert_int_equal(reader.flags & DNS_RCODE_BITS, DNS_RCODE_NOERROR);
    assert_true(reader.id < r->asking.subnets);
    before = &r->answers[reader.id];
    r->answered++;
    while (dns_reader_next(&reader, &record) == DNS_READ_RECORD)
        if (record.section == DNS_ANSWER && record.type == DNS_TYPE_A && now.family == IP_NONE) {
            const unsigned char *octets = (const unsigned char *)record.data.at;

            now = ip_v4(octets[0], octets[1], octets[2], octets[3]);
        }
    r->empty += now.family == IP_NONE;
    if (now.family == IP_V4 && now.bytes[2] == 1)
        r->by_origin[now.bytes[3] - 1]++;
    if (ip_equal(before, &now))
        return;
    r->changes += before->family != IP_NONE;
    r->changed = loop_now(r->loop);
    *before = now;
}

static inline void resolver_hear(struct datagram_user *user, struct datagram *batch, size_t count)
{
    struct resolver *r = container_of(user, struct resolver, user);

    for (size_t i = 0; i < count; i++)
        resolver_take(r, batch[i].in);
}

static inline void resolver_ask(struct timer *timer)
{
    struct resolver *r = container_of(timer, struct resolver, timer);
    char subnet[24], query[600];

    for (unsigned i = 0; i < r->asking.subnets; i++) {
        snprintf(subnet, sizeof subnet, "198.18.%u.0/24", i);
        const struct ask_query ask = {
            .name = r->asking.name, .type = DNS_TYPE_A, .subnet = subnet
        };
        struct slice bytes = ask_query_write(&ask, query);

        dns_u16_put(query, (uint16_t)i);
        assert_true(datagram_send(r->socket, &r->node, bytes));
        r->asked++;
    }
    timer_set(r->loop, timer, instant_after(loop_now(r->loop), r->asking.every));
}

static inline void resolver_begin(struct loop_message *message)
{
    struct resolver *r = container_of(message, struct resolver, begin);

    resolver_ask(&r->timer);
}

/* Asks from now on, and waits until each client has its answer. */
static inline void resolver_start(struct world *w, struct resolver *r, struct asking asking)
{
    const struct endpoint own = { ip_v4(10, 0, 2, 1), 0 };

    *r = (struct resolver){
        .user.batch = resolver_hear,
        .loop = w->outside,
        .timer.fire = resolver_ask,
        .begin.run = resolver_begin,
        .node = { ip_v4(10, 0, 0, (uint8_t)(1 + asking.node)), 53 },
        .asking = asking,
    };
    assert_int_equal(datagram_open(r->loop, &own, &r->user, &r->socket), ERR_NONE);
    loop_post(r->loop, &r->begin);
    sim_run_for(w->sim, span_ms(40));
    assert_true(r->answered >= asking.subnets);
}

/* Every question was answered. */
static inline void resolver_stop(struct world *w, struct resolver *r)
{
    timer_clear(r->loop, &r->timer);
    sim_run_for(w->sim, span_ms(100));
    assert_int_equal(r->answered, r->asked);
    datagram_close(r->socket);
}

/* Of the origin that the first client was sent to. */
static inline size_t resolver_origin(const struct resolver *r)
{
    assert_int_equal(r->answers[0].family, IP_V4);
    assert_int_equal(r->answers[0].bytes[2], 1);
    return (size_t)r->answers[0].bytes[3] - 1;
}

struct resolved {
    struct sim_wish wish;
    const struct resolver *r;
    size_t origin;
    bool is_wanted;
};

static inline bool is_resolved(struct sim_wish *wish)
{
    const struct resolved *resolved = container_of(wish, struct resolved, wish);

    for (unsigned i = 0; i < resolved->r->asking.subnets; i++) {
        const struct ip *ip = &resolved->r->answers[i];
        bool is_there = ip->family == IP_V4 && (size_t)ip->bytes[3] == resolved->origin + 1;

        if (is_there != resolved->is_wanted)
            return false;
    }
    return true;
}

/* From now until all clients are sent to the origin, or none is. */
static inline struct span time_until(
    struct world *w, const struct resolver *r, size_t origin, bool is_wanted)
{
    struct resolved resolved = { { is_resolved }, r, origin, is_wanted };
    struct instant start = sim_now(w->sim);

    assert_true(sim_run_until(w->sim, &resolved.wish, span_s(300)));
    return instant_since(start, sim_now(w->sim));
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
