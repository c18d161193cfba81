// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Talkers that are accepted, and two that are connected. */

#include "io/talker_test.h"

/* Accepts into talkers, one after the other; more than there are is refused. */
struct host {
    struct listener_user user;
    struct listener *listener;
    struct talker *talkers;
    size_t count, room;
};

static inline struct stream_user *host_accept(struct listener_user *user, struct stream *stream)
{
    struct host *h = container_of(user, struct host, user);

    if (h->count == h->room)
        return NULL;
    h->talkers[h->count].stream = stream;
    return &h->talkers[h->count++].user;
}

static inline void host_open(
    struct host *h, struct loop *loop, unsigned ip, struct talker *talkers, size_t room)
{
    struct endpoint at = { bench_ip(ip), 0 };

    *h = (struct host){ .user = { host_accept }, .talkers = talkers, .room = room };
    assert_int_equal(listener_open(loop, &at, &h->user, &h->listener), ERR_NONE);
}

/* Two talkers that are connected: `near` on the first loop, `far` on the second. */
struct pair {
    struct bench *bench;
    struct host host;
    struct talker near, far;
};

static inline bool pair_is_open(void *what)
{
    struct pair *p = what;

    return p->near.is_open && p->host.count == 1;
}

static inline void pair_init(struct pair *p, struct bench *bench)
{
    p->bench = bench;
    talker_init(&p->near);
    talker_init(&p->far);
    host_open(&p->host, bench->loops[1], 1, &p->far, 1);
}

static inline void pair_connect(struct pair *p)
{
    struct endpoint at = listener_at(p->host.listener);

    p->near.stream = stream_connect(p->bench->loop, &at, &p->near.user);
    assert_true(bench_until(p->bench, pair_is_open, p, WITHIN));
}

static inline struct pair *pair_open(void *const *state)
{
    struct pair *p = mem_new(struct pair);

    pair_init(p, bench_open(state));
    pair_connect(p);
    return p;
}

static inline void pair_close(struct pair *p)
{
    bench_close(p->bench);
    talker_done(&p->near);
    talker_done(&p->far);
    mem_free(p);
}

/* Bytes that tell their place. */
static inline char *pattern(size_t length)
{
    char *bytes = mem_alloc(length);

    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)(i * 31 + i / 251);
    return bytes;
}
