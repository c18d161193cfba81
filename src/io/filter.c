// SPDX-License-Identifier: Apache-2.0
#include "io/filter.h"

#include <assert.h>

#include "io/stream_priv.h"

size_t filter_may_seal(const struct stream *s, size_t bytes)
{
    // The kernel is asked only where that pays: a small answer goes out in one send anyway.
    if (bytes <= STREAM_SEALED_MAX)
        return STREAM_SEALED_MAX;
    size_t room = s->kernel->ops->room(s->kernel, s->fd);

    return room < STREAM_SEALED_ONCE - STREAM_SEALED_MAX ? room + STREAM_SEALED_MAX
                                                         : STREAM_SEALED_ONCE;
}

enum err filter_send(struct stream *s)
{
    struct slice sealed = s->filter->ops->sealed(s->filter);
    struct iovec iov = stream_iovec(sealed);
    size_t went = 0;

    if (sealed.length == 0)
        return ERR_NONE;
    enum err err = s->kernel->ops->send(s->kernel, s->fd, &iov, 1, &went);

    if (err == ERR_NONE)
        s->filter->ops->went(s->filter, went);
    if (err == ERR_AGAIN || went < sealed.length)
        s->is_writable = false;
    return err == ERR_AGAIN ? ERR_NONE : err;
}

static size_t sealed_length(const struct stream *s)
{
    return s->filter->ops->sealed(s->filter).length;
}

void filter_say_goodbye(struct stream *s)
{
    if (!s->is_writable || s->is_connecting || s->failed != ERR_NONE)
        return;
    s->filter->ops->finish(s->filter);
    // There is no later turn for what a short send leaves over.
    for (size_t left = SIZE_MAX, now = sealed_length(s); now > 0 && now < left;) {
        left = now;
        s->failed = (uint8_t)filter_send(s); // nobody is told any more
        now = s->failed == ERR_NONE ? sealed_length(s) : 0;
    }
}

bool stream_holds_output(const struct stream *s)
{
    return filter_has_output(s);
}

bool filter_is_idle(const struct stream *s)
{
    return !s->is_greeting && !filter_has_output(s) && !s->filter->ops->holds_input(s->filter);
}

enum err stream_receive_sealed(struct stream *s, void *room, size_t most, size_t *got)
{
    enum err err;

    *got = 0;
    if (s->is_drained)
        return ERR_AGAIN;
    err = s->kernel->ops->receive(s->kernel, s->fd, room, most, got);
    // RDHUP is told too, so less than room means drained
    s->is_drained = err == ERR_AGAIN || (err == ERR_NONE && *got < most && !s->is_ending);
    return err;
}

void stream_filter_set(struct stream *s, struct stream_filter **filter)
{
    assert(s->filter == NULL && (s->is_connecting || !s->is_watched));
    s->filter = *filter;
    s->filter->stream = s;
    s->is_greeting = !s->is_connecting;
    *filter = NULL;
}

const struct stream_filter *stream_filter(const struct stream *s)
{
    return s->filter;
}

const char *stream_why(const struct stream *s)
{
    return s->filter == NULL ? "" : s->filter->ops->why(s->filter);
}
