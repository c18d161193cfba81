// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Tests of HTTP/2: a visitor that says frames to a server in the simulated world. */

#include "http/http2_heard_test.h"

/* One visitor at a server in the simulated world. */
struct scene {
    struct world *w;
    struct visitor v;
    struct frames f;
    struct heard h;
};

static struct scene scene; // its texts are too large for a stack

static inline struct scene *scene_open(uint64_t seed, const struct http_server_limits *limits)
{
    struct http_server_limits ours = HTTP_SERVER_LIMITS_DEFAULT;
    struct scene *s = &scene;

    if (limits != NULL)
        ours = *limits;
    ours.http2_plain = true;
    s->w = world_serve(seed, &ours);
    s->v.stream = NULL;
    frames_begin(&s->f);
    return s;
}

static inline void run(struct scene *s, int ms)
{
    sim_run_for(s->w->sim, span_ms(ms));
}

/* Says what was written, waits, and reads all that was heard so far. */
static inline void say(struct scene *s, int ms, bool has_pattern)
{
    if (s->v.stream == NULL)
        visitor_come(&s->v, s->w, slice_of(s->f.text, s->f.length));
    else
        visitor_say(&s->v, slice_of(s->f.text, s->f.length));
    run(s, ms);
    assert_int_equal(s->v.out.length, 0);
    assert_int_equal(heard_read(&s->h, visitor_heard(&s->v), has_pattern).length, 0);
    s->f.length = 0;
}

static inline void hear(struct scene *s, int ms)
{
    say(s, ms, true);
}

static inline void scene_close(struct scene *s)
{
    heard_done(&s->h);
    visitor_done(&s->v);
    world_free(s->w);
}

static inline struct http_server_counts *counts(struct scene *s)
{
    return http_server_counts(s->w->server);
}

static inline void assert_answer(struct scene *s, uint32_t stream, int status, size_t length)
{
    const struct heard_stream *h = heard_stream(&s->h, stream);

    assert_int_equal(h->status, status);
    assert_true(h->has_ended);
    assert_int_equal(h->length, length);
}

/* The connection ended as a flood does, and its counter says so. */
static inline void assert_calmed(struct scene *s, const struct counter *counter)
{
    assert_int_equal(s->h.goaways, 1);
    assert_int_equal(s->h.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_int_equal(counter->total, 1);
    assert_true(s->v.has_ended || s->v.is_closed);
}
