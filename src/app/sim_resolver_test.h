// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * For tests: a resolver in the simulated world that asks on and on for clients of several subnets,
 * and remembers what it was told.
 */

#include "app/sim_world_test.h"
#include "dns/ask_test.h"
#include "io/datagram.h"

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
