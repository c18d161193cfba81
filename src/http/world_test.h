// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A server with a scripted service on one simulated loop, and visitors on another: raw streams
 * that say what the test wants and remember what they hear.
 */

#include "http/script_test.h"
#include "io/epoch.h"
#include "io/kernel.h"
#include "io/sim.h"
#include "io/stream.h"

struct world {
    struct sim *sim;
    struct epoch epoch;
    struct kernel *kernels[2];
    struct loop *loops[2]; // the server's, the visitors'
    struct script script;
    struct http_server *server; // or NULL
    struct listener *listener;
    struct endpoint at;
};

struct visitor {
    struct stream_user user;
    struct stream *stream;
    struct slice out; // what is still to be said
    bool leaves_half; // closes its half behind that
    char *in;
    size_t in_length, in_room;
    bool is_open, has_ended, is_closed;
    enum err why;
};

static inline struct visitor *visitor_of(struct stream_user *user)
{
    return container_of(user, struct visitor, user);
}

static inline void visitor_open(struct stream_user *user)
{
    visitor_of(user)->is_open = true;
}

static inline size_t visitor_data(struct stream_user *user, struct slice bytes)
{
    struct visitor *v = visitor_of(user);

    if (v->in_length + bytes.length > v->in_room) {
        v->in_room = (v->in_length + bytes.length) * 2;
        v->in = mem_resize(v->in, v->in_room);
    }
    memcpy(v->in + v->in_length, bytes.at, bytes.length);
    v->in_length += bytes.length;
    return bytes.length;
}

static inline void visitor_end(struct stream_user *user)
{
    visitor_of(user)->has_ended = true;
}

static inline size_t visitor_pull(struct stream_user *user, struct iovec *iov, size_t most)
{
    struct visitor *v = visitor_of(user);

    assert(most > 0);
    if (v->out.length == 0)
        return 0;
    iov[0] = stream_iovec(v->out);
    return 1;
}

static inline void visitor_sent(struct stream_user *user, size_t bytes)
{
    struct visitor *v = visitor_of(user);

    v->out = slice_from(v->out, bytes);
    if (v->out.length == 0 && v->leaves_half)
        stream_finish(v->stream);
}

static inline void visitor_closed(struct stream_user *user, enum err why)
{
    struct visitor *v = visitor_of(user);

    v->is_closed = true;
    v->why = why;
    v->stream = NULL;
}

static const struct stream_user_ops VISITOR_OPS = {
    .open = visitor_open,
    .data = visitor_data,
    .end = visitor_end,
    .pull = visitor_pull,
    .sent = visitor_sent,
    .closed = visitor_closed,
};

static inline void visitor_init(struct visitor *v)
{
    *v = (struct visitor){ .user = { &VISITOR_OPS } };
}

static inline void visitor_say(struct visitor *v, struct slice bytes)
{
    v->out = bytes;
    stream_ready(v->stream);
}

/* Connects and says `bytes`, which stay the caller's. */
static inline void visitor_come(struct visitor *v, struct world *w, struct slice bytes)
{
    visitor_init(v);
    v->stream = stream_connect(w->loops[1], &w->at, &v->user);
    visitor_say(v, bytes);
}

static inline void visitor_leave(struct visitor *v, bool reset)
{
    if (v->stream != NULL)
        stream_close(v->stream, reset);
    v->stream = NULL;
}

static inline void visitor_done(struct visitor *v)
{
    visitor_leave(v, false);
    mem_free(v->in);
}

static inline struct slice visitor_heard(const struct visitor *v)
{
    return slice_of(v->in, v->in_length);
}

static inline struct ip world_ip(unsigned index)
{
    return ip_v4(127, 0, 0, (uint8_t)(index + 1));
}

static inline struct world *world_new(uint64_t seed)
{
    struct world *w = mem_new(struct world);

    epoch_init(&w->epoch);
    w->sim = sim_new(seed);
    for (unsigned i = 0; i < COUNT_OF(w->loops); i++) {
        struct ip ip = world_ip(i);

        w->kernels[i] = sim_kernel(w->sim, &ip);
        w->loops[i] = loop_new(w->kernels[i], &w->epoch, i);
        sim_kernel_turns(w->kernels[i], w->loops[i]);
    }
    script_init(&w->script, w->loops[0], seed);
    return w;
}

static inline void world_listen(struct world *w, struct listener_user *user)
{
    struct endpoint at = { world_ip(0), 80 };
    enum err err = listener_open(w->loops[0], &at, user, &w->listener);

    assert(err == ERR_NONE);
    w->at = at;
}

static inline struct world *world_serve(uint64_t seed, const struct http_server_limits *limits)
{
    struct world *w = world_new(seed);

    w->server = http_server_new(w->loops[0], &w->script.service, limits);
    world_listen(w, http_server_listener(w->server));
    return w;
}

static inline void world_free(struct world *w)
{
    http_server_free(w->server);
    script_done(&w->script);
    listener_close(w->listener);
    for (unsigned i = 0; i < COUNT_OF(w->loops); i++) {
        loop_free(w->loops[i]);
        kernel_free(w->kernels[i]);
    }
    assert(sim_descriptors(w->sim) == 0);
    sim_free(w->sim);
    epoch_done(&w->epoch);
    mem_free(w);
}
