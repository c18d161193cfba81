// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * For tests: a visitor and an origin that leave HTTP on a connection through the node. Each says a
 * number of bytes that are told by their place, behind a head of HTTP, and checks what it hears.
 */

#include "app/sim_ask_test.h"
#include "io/stream.h"

enum { SPOKEN_NAME_VISITOR = 1, SPOKEN_NAME_ORIGIN = 2, SPOKEN_ROOM = 4096 };

/* One end. */
struct spoken {
    struct stream_user user;
    struct stream *stream; // NULL: not open, or gone
    struct slice head;     // what is said first
    uint64_t name, other;  // of the bytes that are said and heard
    size_t says, said;     // behind the head
    size_t heard;
    char came[1024]; // the other's head, terminated
    bool is_wrong, has_ended, had_stream;
    char room[SPOKEN_ROOM];
};

static inline size_t spoken_data(struct stream_user *user, struct slice bytes)
{
    struct spoken *s = container_of(user, struct spoken, user);
    size_t taken = 0;

    if (s->came[0] == '\0') {
        const char *end = memmem(bytes.at, bytes.length, "\r\n\r\n", 4);

        if (end == NULL)
            return 0;
        taken = (size_t)(end + 4 - bytes.at);
        snprintf(s->came, sizeof s->came, "%.*s", (int)taken, bytes.at);
        stream_ready(s->stream);
    }
    bool is_http = strncmp(s->came, "HTTP/1.1 101 ", 13) != 0 && strncmp(s->came, "GET ", 4) != 0;

    for (size_t i = taken; i < bytes.length && !is_http; i++, s->heard++)
        s->is_wrong |= (unsigned char)bytes.at[i] != body_byte(s->other, s->heard);
    return bytes.length;
}

/* Who speaks first does so without having heard anything; the other has heard a head. */
static inline size_t spoken_pull(struct stream_user *user, struct iovec *iov, size_t)
{
    struct spoken *s = container_of(user, struct spoken, user);
    size_t count = 0, left = s->says - s->said;

    if (s->name == SPOKEN_NAME_ORIGIN && s->came[0] == '\0')
        return 0;
    if (s->head.length > 0)
        iov[count++] = stream_iovec(s->head);
    if (left > SPOKEN_ROOM)
        left = SPOKEN_ROOM;
    for (size_t i = 0; i < left; i++)
        s->room[i] = (char)body_byte(s->name, s->said + i);
    if (left > 0)
        iov[count++] = stream_iovec(slice_of(s->room, left));
    return count;
}

static inline void spoken_sent(struct stream_user *user, size_t bytes)
{
    struct spoken *s = container_of(user, struct spoken, user);
    size_t of_head = bytes < s->head.length ? bytes : s->head.length;

    s->head = slice_from(s->head, of_head);
    s->said += bytes - of_head;
}

static inline void spoken_leave(struct spoken *s, bool reset)
{
    if (s->stream != NULL)
        stream_close(s->stream, reset);
    s->stream = NULL;
}

static inline void spoken_end(struct stream_user *user)
{
    container_of(user, struct spoken, user)->has_ended = true;
}

static inline void spoken_closed(struct stream_user *user, enum err)
{
    struct spoken *s = container_of(user, struct spoken, user);

    s->has_ended = true;
    s->stream = NULL;
}

static const struct stream_user_ops SPOKEN_OPS = { .data = spoken_data,
    .end = spoken_end,
    .pull = spoken_pull,
    .sent = spoken_sent,
    .closed = spoken_closed };

/* A visitor, and an origin in the place of both of the world's. */
struct talk {
    struct world *world;
    struct spoken visitor, origin;
    struct listener_user user;
    struct listener *listeners[WORLD_ORIGINS];
    struct loop_message start;
};

static inline struct stream_user *talk_accept(struct listener_user *user, struct stream *stream)
{
    struct talk *t = container_of(user, struct talk, user);

    if (t->origin.had_stream) // one is enough for a story
        return NULL;
    t->origin.had_stream = true;
    t->origin.stream = stream;
    return &t->origin.user;
}

static inline void talk_now(struct loop_message *message)
{
    struct talk *t = container_of(message, struct talk, start);
    const struct endpoint node = { ip_v4(10, 0, 0, 1), 80 };

    t->visitor.stream = stream_connect(t->world->outside, &node, &t->visitor.user);
    stream_ready(t->visitor.stream);
}

#define TALK_ASKS                                                                              \
    "GET /live HTTP/1.1\r\nHost: static.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" \
    "\r\n"
#define TALK_AGREES \
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

/* The visitor says `asks`, the origin answers; behind that each says so many bytes. */
static inline struct talk *talk_open(
    struct world *w, const char *asks, const char *answers, size_t up, size_t down)
{
    struct talk *t = mem_new(struct talk);

    t->world = w;
    t->user.accept = talk_accept;
    t->start.run = talk_now;
    t->visitor = (struct spoken){ .user = { &SPOKEN_OPS },
        .head = slice_text(asks),
        .name = SPOKEN_NAME_VISITOR,
        .other = SPOKEN_NAME_ORIGIN,
        .says = up };
    t->origin = (struct spoken){ .user = { &SPOKEN_OPS },
        .head = slice_text(answers),
        .name = SPOKEN_NAME_ORIGIN,
        .other = SPOKEN_NAME_VISITOR,
        .says = down };
    for (size_t i = 0; i < WORLD_ORIGINS; i++) {
        origin_stop(&w->origins[i]);
        assert_int_equal(
            listener_open(w->origins[i].loop, &w->origins[i].at, &t->user, &t->listeners[i]),
            ERR_NONE);
    }
    loop_post(w->outside, &t->start);
    return t;
}

static inline void talk_close(struct talk *t)
{
    spoken_leave(&t->visitor, false);
    spoken_leave(&t->origin, false);
    for (size_t i = 0; i < WORLD_ORIGINS; i++)
        listener_close(t->listeners[i]);
    mem_free(t);
}

struct talk_wish {
    struct sim_wish wish;
    const struct talk *talk;
    bool (*is_so)(const struct talk *t);
};

static inline bool talk_wish_is_met(struct sim_wish *wish)
{
    const struct talk_wish *it = container_of(wish, struct talk_wish, wish);

    return it->is_so(it->talk);
}

static inline void talk_wait(struct talk *t, bool (*is_so)(const struct talk *t), int64_t seconds)
{
    struct talk_wish wish = { { talk_wish_is_met }, t, is_so };

    assert_true(sim_run_until(t->world->sim, &wish.wish, span_s(seconds)));
    assert_false(t->visitor.is_wrong || t->origin.is_wrong);
}
