// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A server that is probed: it says what the test wants, as often and as slowly as the test wants,
 * or nothing; and remembers who came when. And the lab, where checks are run against it.
 */

#include "base/hash.h"
#include "base/writer.h"
#include "io/both_test.h"
#include "probe/probe.h"

enum { TARGET_VISITS_MAX = 20000, LAB_CHECKS = 8 };

struct target {
    struct listener_user user;
    struct listener *listener;
    struct loop *loop;
    struct endpoint at;
    struct slice says;  // once the request is there
    struct slice again; // then that, endlessly; empty: nothing
    struct span drip;   // between two bytes of it all; 0: all at once
    struct span wait;   // before it
    bool closes;        // behind what it says
    bool is_silent;     // says nothing to anyone
    unsigned lost;      // of a hundred visits, so many are answered by silence
    uint64_t luck;
    char more[4096]; // room for it
    struct list guests;
    unsigned visits, open;
    struct instant *visited;
    char heard[1024]; // the newest request
    size_t heard_length;
};

struct guest {
    struct stream_user user;
    struct list link;
    struct target *target;
    struct stream *stream;
    struct timer timer;
    size_t said;
    bool may_say, is_lost;
};

static inline struct guest *guest_of(struct stream_user *user)
{
    return container_of(user, struct guest, user);
}

static inline void guest_free(struct guest *g)
{
    timer_clear(g->target->loop, &g->timer);
    list_remove(&g->link);
    g->target->open--;
    mem_free(g);
}

static inline void guest_speak(struct timer *timer)
{
    struct guest *g = container_of(timer, struct guest, timer);

    g->may_say = true;
    stream_ready(g->stream);
}

static inline void guest_speak_in(struct guest *g, struct span wait)
{
    g->may_say = false;
    timer_set(g->target->loop, &g->timer, instant_after(loop_now(g->target->loop), wait));
}

static inline size_t guest_data(struct stream_user *user, struct slice bytes)
{
    struct guest *g = guest_of(user);
    struct target *t = g->target;

    if (!slice_ends(bytes, SLICE("\r\n\r\n")))
        return 0;
    t->heard_length = bytes.length < sizeof t->heard ? bytes.length : sizeof t->heard;
    memcpy(t->heard, bytes.at, t->heard_length);
    if (!t->is_silent && !g->is_lost)
        guest_speak_in(g, t->wait);
    return bytes.length;
}

static inline void guest_end(struct stream_user *user)
{
    struct guest *g = guest_of(user);

    stream_close(g->stream, false);
    guest_free(g);
}

static inline size_t guest_pull(struct stream_user *user, struct iovec *iov, size_t most)
{
    struct guest *g = guest_of(user);
    struct target *t = g->target;
    bool is_first = g->said < t->says.length;
    size_t at = is_first ? g->said : 0;
    struct slice next = slice_from(is_first ? t->says : t->again, at);

    if (!is_first && next.length > 0)
        next = slice_from(next, (g->said - t->says.length) % next.length);
    if (!g->may_say || most == 0)
        return 0;
    if (next.length == 0 && t->closes)
        stream_finish(g->stream);
    if (next.length == 0)
        return 0;
    iov[0] = stream_iovec(t->drip.ns > 0 ? slice_head(next, 1) : next);
    return 1;
}

static inline void guest_sent(struct stream_user *user, size_t bytes)
{
    struct guest *g = guest_of(user);

    g->said += bytes;
    if (g->target->drip.ns > 0)
        guest_speak_in(g, g->target->drip);
}

static inline void guest_closed(struct stream_user *user, enum err why)
{
    (void)why;
    guest_free(guest_of(user));
}

static const struct stream_user_ops GUEST_OPS = {
    .data = guest_data,
    .end = guest_end,
    .pull = guest_pull,
    .sent = guest_sent,
    .closed = guest_closed,
};

static inline struct stream_user *target_accept(struct listener_user *user, struct stream *stream)
{
    struct target *t = container_of(user, struct target, user);
    struct guest *g = mem_new(struct guest);

    g->user.ops = &GUEST_OPS;
    g->target = t;
    g->stream = stream;
    g->timer.fire = guest_speak;
    g->is_lost = hash_mix(++t->luck) % 100 < t->lost;
    list_append(&t->guests, &g->link);
    if (t->visits < TARGET_VISITS_MAX)
        t->visited[t->visits] = loop_now(t->loop);
    t->visits++;
    t->open++;
    return &g->user;
}

/* After what it says, it says that again and again; in large pieces, as small ones are slow. */
static inline void target_goes_on(struct target *t, const char *text)
{
    struct writer w = writer_on(t->more, sizeof t->more);

    while (!w.is_short)
        write_slice(&w, slice_text(text));
    t->again = writer_slice(&w);
}

/* On the port that it had before, if any. */
static inline void target_open(struct target *t)
{
    assert_int_equal(listener_open(t->loop, &t->at, &t->user, &t->listener), ERR_NONE);
    t->at = listener_at(t->listener);
}

/* Nobody listens there any more. */
static inline void target_shut(struct target *t)
{
    listener_close(t->listener);
    t->listener = NULL;
}

static inline void target_init(struct target *t, struct loop *loop, struct ip ip)
{
    *t = (struct target){ .user = { target_accept }, .loop = loop, .at = { .ip = ip } };
    t->visited = mem_array(TARGET_VISITS_MAX, sizeof *t->visited);
    list_init(&t->guests);
    t->says = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes");
    target_open(t);
}

static inline void target_done(struct target *t)
{
    target_shut(t);
    while (!list_empty(&t->guests)) {
        struct guest *g = container_of(t->guests.next, struct guest, link);

        stream_close(g->stream, false);
        guest_free(g);
    }
    mem_free(t->visited);
}
