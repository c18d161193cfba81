// SPDX-License-Identifier: Apache-2.0
#pragma once

/* A stream's user for tests: says what it is given, remembers what it heard, misbehaves on order.
 */

#include <stdio.h>

#include "io/both_test.h"

enum call { CALL_OPEN = 1, CALL_DATA, CALL_END, CALL_PULL, CALL_SENT, CALL_FINISHED, CALL_CLOSED };

struct talker {
    struct stream_user user;
    struct stream *stream;
    const char *out;
    size_t out_length, out_at, out_max; // out_max: given in one pull, 0 for all
    char *in;
    size_t in_length, in_room;
    size_t offered;  // the most in one call of data
    size_t take_max; // taken in one call of data, 0 for all
    bool is_echo, pauses, takes_nothing, finishes_at_end;
    enum call close_in; // closes itself in that call
    unsigned calls, calls_after_close;
    bool is_open, has_ended, has_finished, is_closed, has_left;
    enum err why;
    char words[200];                      // in which stream_why puts it
    void (*heard)(struct talker *talker); // after each data
};

static inline bool talker_leaves(struct talker *t, enum call call)
{
    t->calls++;
    t->calls_after_close += t->has_left;
    if (t->close_in != call)
        return false;
    t->has_left = true;
    stream_close(t->stream, false);
    return true;
}

static inline struct talker *talker_of(struct stream_user *user)
{
    return container_of(user, struct talker, user);
}

static inline void talker_on_open(struct stream_user *user)
{
    struct talker *t = talker_of(user);

    t->is_open = true;
    talker_leaves(t, CALL_OPEN);
}

static inline size_t talker_on_data(struct stream_user *user, struct slice bytes)
{
    struct talker *t = talker_of(user);
    size_t taken = t->take_max > 0 && t->take_max < bytes.length ? t->take_max : bytes.length;

    assert_true(bytes.length > 0);
    if (bytes.length > t->offered)
        t->offered = bytes.length;
    if (talker_leaves(t, CALL_DATA))
        return 0;
    if (t->pauses)
        stream_pause(t->stream);
    if (t->takes_nothing)
        return 0;
    if (t->in_length + taken > t->in_room) {
        t->in_room = (t->in_length + taken) * 2;
        t->in = mem_resize(t->in, t->in_room);
    }
    memcpy(t->in + t->in_length, bytes.at, taken);
    t->in_length += taken;
    if (t->is_echo) {
        t->out = t->in;
        t->out_length = t->in_length;
        stream_ready(t->stream);
    }
    if (t->heard != NULL)
        t->heard(t);
    return taken;
}

static inline void talker_on_end(struct stream_user *user)
{
    struct talker *t = talker_of(user);

    t->has_ended = true;
    if (t->finishes_at_end)
        stream_finish(t->stream);
    talker_leaves(t, CALL_END);
}

static inline size_t talker_on_pull(struct stream_user *user, struct iovec *iov, size_t most)
{
    struct talker *t = talker_of(user);
    size_t left = t->out_length - t->out_at, count = 0;

    if (talker_leaves(t, CALL_PULL))
        return 0;
    if (t->out_max > 0 && left > t->out_max)
        left = t->out_max;
    // In several pieces, so that partial sends end within one.
    for (size_t at = t->out_at; left > 0 && count < most; count++) {
        size_t piece = count + 1 == most || left < 1000 ? left : left / 2;

        iov[count] = stream_iovec(slice_of(t->out + at, piece));
        at += piece;
        left -= piece;
    }
    return count;
}

static inline void talker_on_sent(struct stream_user *user, size_t bytes)
{
    struct talker *t = talker_of(user);

    t->out_at += bytes;
    assert_true(t->out_at <= t->out_length);
    talker_leaves(t, CALL_SENT);
}

static inline void talker_on_finished(struct stream_user *user)
{
    struct talker *t = talker_of(user);

    assert_false(t->has_finished || stream_holds_output(t->stream));
    assert_int_equal(t->out_at, t->out_length);
    t->has_finished = true;
    talker_leaves(t, CALL_FINISHED);
}

static inline void talker_on_closed(struct stream_user *user, enum err why)
{
    struct talker *t = talker_of(user);

    t->is_closed = true;
    t->why = why;
    snprintf(t->words, sizeof t->words, "%s", stream_why(t->stream));
    talker_leaves(t, CALL_CLOSED);
    t->has_left = true;
}

static const struct stream_user_ops TALKER_OPS = {
    .open = talker_on_open,
    .data = talker_on_data,
    .end = talker_on_end,
    .pull = talker_on_pull,
    .sent = talker_on_sent,
    .finished = talker_on_finished,
    .closed = talker_on_closed,
};

static inline void talker_init(struct talker *t)
{
    *t = (struct talker){ .user = { &TALKER_OPS } };
}

static inline void talker_done(struct talker *t)
{
    mem_free(t->in);
    t->in = NULL;
}

static inline void talker_say(struct talker *t, const char *bytes, size_t length)
{
    t->out = bytes;
    t->out_length = length;
    t->out_at = 0;
    stream_ready(t->stream);
}
