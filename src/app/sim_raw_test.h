// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * For tests: an origin that says exactly the bytes it is told, in the place of one of the world's.
 * It may begin late, drip, break off anywhere, or never end; one script for all that ask, but for
 * a path that begins with /hang, which is never answered.
 */

#include "app/sim_ask_test.h"
#include "io/stream.h"

enum raw_end { RAW_STAYS, RAW_CLOSES, RAW_RESETS };

struct raw_script {
    struct slice answer;
    struct slice to_validation; // instead, for a request with If-None-Match; if any
    struct slice for_ever;      // behind the answer, again and again; if any
    size_t cut_at;              // of the answer; SIZE_MAX: nowhere
    enum raw_end end;           // behind that
    struct span wait, drip;     // before the first byte; between two steps
    size_t step;                // bytes
};

struct raw_origin {
    struct listener_user user;
    struct listener *listener;
    struct loop *loop;
    struct raw_script script;
    struct list talks;
    unsigned requests;
};

struct raw_talk {
    struct stream_user user;
    struct stream *stream;
    struct raw_origin *origin;
    struct list link;
    struct timer timer;
    struct slice answer;
    size_t sent, ready;
    bool is_asked, has_more;
};

static inline void raw_talk_free(struct raw_talk *t)
{
    timer_clear(t->origin->loop, &t->timer);
    list_remove(&t->link);
    mem_free(t);
}

static inline void raw_talk_end(struct raw_talk *t, bool reset)
{
    stream_close(t->stream, reset);
    raw_talk_free(t);
}

static inline void raw_step(struct timer *timer)
{
    struct raw_talk *t = container_of(timer, struct raw_talk, timer);
    const struct raw_script *script = &t->origin->script;

    t->ready =
        t->answer.length - t->ready > script->step ? t->ready + script->step : t->answer.length;
    t->has_more = t->ready == t->answer.length && script->for_ever.length > 0;
    stream_ready(t->stream);
    if (t->ready < t->answer.length || t->has_more)
        timer_set(t->origin->loop, timer, instant_after(loop_now(t->origin->loop), script->drip));
}

static inline bool raw_has(struct slice bytes, const char *text)
{
    return memmem(bytes.at, bytes.length, text, strlen(text)) != NULL;
}

static inline size_t raw_data(struct stream_user *user, struct slice bytes)
{
    struct raw_talk *t = container_of(user, struct raw_talk, user);
    struct raw_origin *o = t->origin;
    bool validates = o->script.to_validation.length > 0 && raw_has(bytes, "If-None-Match:");

    if (!raw_has(bytes, "\r\n\r\n"))
        return 0;
    o->requests++;
    if (raw_has(bytes, " /hang"))
        return bytes.length;
    t->is_asked = true;
    t->answer =
        slice_head(validates ? o->script.to_validation : o->script.answer, o->script.cut_at);
    t->sent = t->ready = 0;
    if (o->script.step == 0)
        o->script.step = SIZE_MAX;
    timer_set(o->loop, &t->timer, instant_after(loop_now(o->loop), o->script.wait));
    return bytes.length;
}

static inline size_t raw_pull(struct stream_user *user, struct iovec *iov, size_t most)
{
    struct raw_talk *t = container_of(user, struct raw_talk, user);
    struct slice more = t->origin->script.for_ever;
    size_t count = 0;

    if (!t->is_asked)
        return 0;
    if (t->ready > t->sent)
        iov[count++] = stream_iovec(slice_from(slice_head(t->answer, t->ready), t->sent));
    for (; t->has_more && count < most; count++)
        iov[count] = stream_iovec(more);
    return count;
}

static inline void raw_sent(struct stream_user *user, size_t bytes)
{
    struct raw_talk *t = container_of(user, struct raw_talk, user);
    size_t left = t->answer.length - t->sent;

    t->sent += bytes < left ? bytes : left;
    t->has_more = false;
    if (!t->is_asked || t->sent < t->answer.length || t->ready < t->answer.length ||
        t->origin->script.for_ever.length > 0)
        return;
    t->is_asked = false;
    if (t->origin->script.end != RAW_STAYS)
        raw_talk_end(t, t->origin->script.end == RAW_RESETS);
}

static inline void raw_ended(struct stream_user *user)
{
    raw_talk_end(container_of(user, struct raw_talk, user), false);
}

static inline void raw_closed(struct stream_user *user, enum err)
{
    raw_talk_free(container_of(user, struct raw_talk, user));
}

static const struct stream_user_ops RAW_OPS = {
    .data = raw_data, .end = raw_ended, .pull = raw_pull, .sent = raw_sent, .closed = raw_closed
};

static inline struct stream_user *raw_accept(struct listener_user *user, struct stream *stream)
{
    struct raw_origin *o = container_of(user, struct raw_origin, user);
    struct raw_talk *t = mem_new(struct raw_talk);

    t->user.ops = &RAW_OPS;
    t->stream = stream;
    t->origin = o;
    t->timer.fire = raw_step;
    list_append(&o->talks, &t->link);
    return &t->user;
}

/* Takes the place of the world's origin of that index. */
static inline void raw_open(struct world *w, struct raw_origin *o, size_t index)
{
    *o = (struct raw_origin){ .user.accept = raw_accept, .loop = w->origins[index].loop };
    o->script.cut_at = SIZE_MAX;
    list_init(&o->talks);
    origin_stop(&w->origins[index]);
    assert_int_equal(
        listener_open(o->loop, &w->origins[index].at, &o->user, &o->listener), ERR_NONE);
}

static inline void raw_close(struct raw_origin *o)
{
    listener_close(o->listener);
    while (!list_empty(&o->talks))
        raw_talk_end(container_of(o->talks.next, struct raw_talk, link), false);
}

/* Both origins say the same. */
struct raw_pair {
    struct raw_origin each[WORLD_ORIGINS];
};

static inline struct raw_pair *raw_pair_open(struct world *w, const struct raw_script *script)
{
    struct raw_pair *pair = mem_new(struct raw_pair);

    for (size_t i = 0; i < WORLD_ORIGINS; i++) {
        raw_open(w, &pair->each[i], i);
        pair->each[i].script = *script;
    }
    return pair;
}

static inline void raw_pair_say(struct raw_pair *pair, const struct raw_script *script)
{
    for (size_t i = 0; i < WORLD_ORIGINS; i++)
        pair->each[i].script = *script;
}

static inline void raw_pair_close(struct raw_pair *pair)
{
    for (size_t i = 0; i < WORLD_ORIGINS; i++)
        raw_close(&pair->each[i]);
    mem_free(pair);
}
