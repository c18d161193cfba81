// SPDX-License-Identifier: Apache-2.0
/*
 * A stream is in at most one place of each kind: watched.link in its loop's `open`, `fresh` or
 * `closed`; `reading` in `readable` when there is something for the reading half of the turn
 * (input, a connect's result, a failure that is still to be told); `writing` in `writable` when
 * its user is to be asked for output and the socket would take some.
 *
 * After each call of the user the stream may be closed, detached, even live in another thread.
 * loop->current tells: it is NULL then, and the stream is not touched again.
 *
 * With a filter, is_readable speaks of what the filter would give, and is_drained of the kernel
 * below it; what was sealed and not yet sent is fetched from the filter whenever it is writable.
 */
#include "io/stream.h"

#include <assert.h>

#include "base/attr.h"
#include "base/mem.h"
#include "io/stream_priv.h"

static void queue_reading(struct stream *s)
{
    if (list_empty(&s->reading))
        list_append(&s->loop->readable, &s->reading);
}

bool stream_is_pulled(const struct stream *s)
{
    return s->is_writable && !s->is_connecting && !s->is_greeting && s->failed == ERR_NONE;
}

static void queue_writing(struct stream *s)
{
    if (!s->is_writable || s->is_connecting || s->failed != ERR_NONE || !list_empty(&s->writing))
        return;
    if ((s->has_output && !s->is_greeting) || filter_has_output(s))
        list_append(&s->loop->writable, &s->writing);
}

static struct stream *stream_new(struct loop *loop, int fd, const struct endpoint *peer)
{
    struct stream *s = mem_new(struct stream);

    s->watched.kind = WATCHED_STREAM;
    list_init(&s->watched.link);
    list_init(&s->reading);
    list_init(&s->writing);
    s->kernel = loop->kernel;
    s->loop = loop;
    s->fd = fd;
    s->peer = *peer;
    return s;
}

static void keep(struct stream *s, struct slice rest)
{
    s->kept = NULL;
    s->kept_length = (uint32_t)rest.length;
    if (rest.length > 0) {
        s->kept = mem_alloc(rest.length);
        memcpy(s->kept, rest.at, rest.length);
    }
}

static void forget_kept(struct stream *s)
{
    mem_free(s->kept);
    keep(s, SLICE_NONE);
}

/* Takes the stream out of all lists. */
static void unlink_stream(struct stream *s)
{
    if (s->loop->current == s)
        s->loop->current = NULL;
    list_remove(&s->reading);
    list_remove(&s->writing);
    list_remove(&s->watched.link);
}

static void drop(struct stream *s, bool reset)
{
    unlink_stream(s);
    if (s->filter != NULL && !reset)
        filter_say_goodbye(s);
    if (s->fd >= 0)
        s->kernel->ops->close(s->kernel, s->fd, reset);
    forget_kept(s);
    s->is_closed = true;
    list_append(&s->loop->closed, &s->watched.link);
}

void stream_drop(struct watched *watched)
{
    drop(container_of(watched, struct stream, watched), false);
}

static void free_stream(struct stream *s)
{
    if (s->filter != NULL)
        s->filter->ops->free(s->filter);
    mem_free(s);
}

void stream_free(struct watched *watched)
{
    free_stream(container_of(watched, struct stream, watched));
}

static void fail(struct stream *s, enum err why)
{
    drop(s, why == ERR_LIMIT);
    s->user->ops->closed(s->user, why);
}

/* To be told in the reading half of a turn, never within a call of the user's. */
static void fail_later(struct stream *s, enum err why)
{
    s->failed = (uint8_t)why;
    list_remove(&s->writing);
    queue_reading(s);
}

/* What the other side said before it went away is still read. */
static void fail_sending(struct stream *s, enum err why)
{
    s->is_readable = true;
    fail_later(s, why);
}

static void watch(struct stream *s)
{
    enum err err = s->kernel->ops->watch(s->kernel, s->fd, &s->watched);

    s->is_watched = err == ERR_NONE;
    list_remove(&s->watched.link);
    list_append(&s->loop->open, &s->watched.link);
    if (err != ERR_NONE)
        fail_later(s, err);
}

struct stream *stream_connect(
    struct loop *loop, const struct endpoint *to, struct stream_user *user)
{
    int fd = -1;
    enum err err = loop->kernel->ops->connect(loop->kernel, to, &fd);
    struct stream *s = stream_new(loop, fd, to);

    s->user = user;
    s->is_connecting = true;
    if (err == ERR_NONE) {
        watch(s);
        return s;
    }
    list_append(&loop->open, &s->watched.link);
    fail_later(s, err);
    return s;
}

struct stream *stream_accepted(struct loop *loop, int fd, const struct endpoint *peer)
{
    struct stream *s = stream_new(loop, fd, peer);

    list_append(&loop->fresh, &s->watched.link);
    s->is_readable = s->is_writable = true;
    return s;
}

bool stream_adopt(struct stream *s, struct stream_user *user)
{
    if (s->is_closed)
        return false;
    if (user == NULL) {
        drop(s, false);
        return false;
    }
    s->user = user;
    if (!s->is_paused || s->is_greeting)
        queue_reading(s);
    return true;
}

void streams_watch_fresh(struct loop *loop)
{
    while (!list_empty(&loop->fresh))
        watch(container_of(loop->fresh.next, struct stream, watched.link));
}

void stream_note(struct watched *watched, const struct kernel_event *event)
{
    struct stream *s = container_of(watched, struct stream, watched);

    if (event->readable || event->ended) {
        s->is_readable = true;
        s->is_drained = false;
        s->is_ending |= event->ended;
        if (!s->is_paused || s->is_connecting || s->is_greeting)
            queue_reading(s);
    }
    if (event->writable) {
        s->is_writable = true;
        if (s->is_connecting)
            queue_reading(s);
        else
            queue_writing(s);
    }
}

/* True when its user has kept it. */
static bool tell_open(struct stream *s)
{
    struct loop *loop = s->loop;

    queue_writing(s);
    if (s->user->ops->open != NULL)
        s->user->ops->open(s->user);
    return loop->current == s;
}

/* Asks how the connect went; true when the stream is connected. */
static bool finish_connect(struct stream *s)
{
    struct loop *loop = s->loop;
    enum err err =
        s->failed != ERR_NONE ? s->failed : s->kernel->ops->connect_result(s->kernel, s->fd);

    if (err == ERR_AGAIN)
        return false;
    if (err != ERR_NONE) {
        fail(s, err);
        return false;
    }
    s->is_connecting = false;
    s->is_writable = true;
    if (s->filter == NULL)
        return tell_open(s);
    s->is_greeting = true;
    if (s->user->ops->connected != NULL)
        s->user->ops->connected(s->user);
    return loop->current == s;
}

/* Moves the filter's greeting on; true when the stream is open. */
static bool greet(struct stream *s)
{
    enum err err = s->failed != ERR_NONE ? s->failed : s->filter->ops->greet(s->filter);

    if (err == ERR_AGAIN) {
        s->is_readable = false;
        queue_writing(s);
        return false;
    }
    if (err != ERR_NONE) {
        fail(s, err);
        return false;
    }
    s->is_greeting = false;
    s->is_readable = true; // the filter may hold what came right behind the greeting
    return tell_open(s);
}

static void tell_end(struct stream *s)
{
    s->is_readable = false;
    s->is_ended = true;
    forget_kept(s);
    if (s->failed != ERR_NONE)
        fail(s, s->failed);
    else
        s->user->ops->end(s->user);
}

static enum err receive(struct stream *s, void *room, size_t most, size_t *got)
{
    enum err err;

    if (LIKELY(s->filter == NULL)) {
        err = s->kernel->ops->receive(s->kernel, s->fd, room, most, got);
        if (*got < most && !s->is_ending)
            s->is_readable = false; // RDHUP is told too, so less than room means drained
        return err;
    }
    err = s->filter->ops->receive(s->filter, room, most, got);
    if (*got < most && s->is_drained && !s->filter->ops->holds_input(s->filter))
        s->is_readable = false;
    queue_writing(s); // input may ask for an answer of the filter's own
    return err;
}

/* Hands over `bytes`, which stand in the turn's input; false when the stream is gone. */
static bool hand_over(struct stream *s, struct slice bytes)
{
    struct loop *loop = s->loop;

    loop->input_used += (bytes.length + 15) & ~(size_t)15;
    forget_kept(s);
    size_t taken = s->user->ops->data(s->user, bytes);

    if (loop->current != s)
        return false;
    assert(taken <= bytes.length);
    keep(s, slice_from(bytes, taken));
    return true;
}

/* One receive behind what is kept, or that alone; false when there is no more to do. */
static bool read_once(struct stream *s, size_t *budget)
{
    char *room = s->loop->input + s->loop->input_used;
    size_t got = 0, most = STREAM_KEEP_MAX - s->kept_length;
    bool is_offered_again = s->is_kept_due && s->kept != NULL;

    s->is_kept_due = false;
    if (!is_offered_again) {
        if (!s->is_readable)
            return false;
        if (most == 0) {
            counter_up(&s->loop->counts.input_full);
            fail(s, ERR_LIMIT);
            return false;
        }
        enum err err = receive(s, room + s->kept_length, most, &got);

        if (err != ERR_NONE || got == 0) {
            s->is_readable = false;
            if (err == ERR_NONE)
                tell_end(s);
            else if (err != ERR_AGAIN && s->failed == ERR_NONE)
                fail(s, err);
            return false;
        }
        counter_add(&s->loop->counts.bytes_in, got);
        *budget -= got < *budget ? got : *budget;
    }
    if (s->kept != NULL)
        memcpy(room, s->kept, s->kept_length);
    return hand_over(s, slice_of(room, s->kept_length + got));
}

static void read_stream(struct stream *s)
{
    struct loop *loop = s->loop;
    size_t budget = STREAM_READ_MAX;
    bool is_put_off = false;

    loop->current = s;
    if ((s->is_connecting && !finish_connect(s)) || (s->is_greeting && !greet(s))) {
        loop->current = NULL;
        return;
    }
    while (!s->is_paused && !s->is_ended) {
        is_put_off = budget == 0 || LOOP_INPUT_BYTES - loop->input_used < STREAM_KEEP_MAX;
        if (is_put_off || !read_once(s, &budget))
            break;
    }
    if (loop->current == s && is_put_off)
        queue_reading(s);
    else if (loop->current == s && s->failed != ERR_NONE)
        fail(s, s->failed);
    loop->current = NULL;
}

void streams_read(struct loop *loop)
{
    struct list now;

    list_init(&now);
    list_move_all(&now, &loop->readable);
    while (!list_empty(&now) && LOOP_INPUT_BYTES - loop->input_used >= STREAM_KEEP_MAX)
        read_stream(container_of(list_pop(&now), struct stream, reading));
    list_move_all(&now, &loop->readable); // those not reached come first in the next turn
    list_move_all(&loop->readable, &now);
}

static size_t iovec_total(const struct iovec *iov, size_t count)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += iov[i].iov_len;
    return total;
}

/* What was sealed goes out, as far as the kernel takes it. */
static void flush(struct stream *s)
{
    enum err err = filter_send(s);

    if (err != ERR_NONE)
        fail_sending(s, err);
}

/* There is nothing to pull. */
static void end_output(struct stream *s)
{
    bool is_due = s->is_finishing && !s->is_finished;

    if (s->filter != NULL) {
        if (is_due)
            s->filter->ops->finish(s->filter);
        flush(s);
        s->has_output |= is_due && filter_has_output(s); // asked again once that went out
        is_due &= !filter_has_output(s);
    }
    if (!is_due)
        return;
    s->is_finished = true;
    s->kernel->ops->shut(s->kernel, s->fd);
    if (s->user->ops->finished != NULL)
        s->user->ops->finished(s->user);
}

/* *went: how many of the opened bytes need not be pulled again. */
static enum err send_pulled(struct stream *s, size_t count, size_t *went)
{
    if (LIKELY(s->filter == NULL))
        return s->kernel->ops->send(s->kernel, s->fd, s->loop->pulled, count, went);
    size_t most = filter_may_seal(s, iovec_total(s->loop->pulled, count));

    TRY(s->filter->ops->seal(s->filter, s->loop->pulled, count, most, went));
    return filter_send(s);
}

/* One pull and one send; false when there is no more to do. */
static bool write_once(struct stream *s, size_t *budget)
{
    struct loop *loop = s->loop;
    size_t went = 0, count;

    s->has_output = false;
    count = s->user->ops->pull(s->user, loop->pulled, STREAM_PULL_MAX);
    if (loop->current != s)
        return false;
    if (count == 0) {
        end_output(s);
        return false;
    }
    assert(count <= STREAM_PULL_MAX);
    size_t total = iovec_total(loop->pulled, count);
    enum err err = send_pulled(s, count, &went);

    if (err != ERR_NONE)
        went = 0;
    if (err != ERR_NONE && err != ERR_AGAIN) {
        fail_sending(s, err);
    } else {
        // A filter takes so much at a time, and may have more than the kernel does.
        s->is_writable &= went == total || s->filter != NULL;
        s->has_output |= went < total || !s->is_writable;
    }
    counter_add(&loop->counts.bytes_out, went);
    *budget -= went < *budget ? went : *budget;
    s->user->ops->sent(s->user, went);
    return loop->current == s && err == ERR_NONE && s->is_writable;
}

static void write_stream(struct stream *s)
{
    struct loop *loop = s->loop;
    size_t budget = STREAM_WRITE_MAX;

    loop->current = s;
    bool goes_on = s->filter == NULL || (s->has_output && !s->is_greeting);

    if (!goes_on)
        flush(s); // what the filter has to say by itself
    while (goes_on && write_once(s, &budget)) {
        if (budget == 0) {
            stream_ready(s);
            break;
        }
    }
    loop->current = NULL;
}

void streams_write(struct loop *loop)
{
    struct list now;

    list_init(&now);
    list_move_all(&now, &loop->writable);
    while (!list_empty(&now))
        write_stream(container_of(list_pop(&now), struct stream, writing));
}

void stream_ready(struct stream *s)
{
    if (s->is_closed || s->is_finished)
        return;
    s->has_output = true;
    queue_writing(s);
}

void stream_pause(struct stream *s)
{
    s->is_paused = true;
    if (!s->is_closed && !s->is_connecting && !s->is_greeting && s->failed == ERR_NONE)
        list_remove(&s->reading);
}

void stream_resume(struct stream *s)
{
    if (s->is_closed || !s->is_paused)
        return;
    s->is_paused = false;
    s->is_kept_due = true; // in the call of `data` this speaks of what will be kept
    if (s->user != NULL)
        queue_reading(s);
}

void stream_finish(struct stream *s)
{
    s->is_finishing = true;
    stream_ready(s);
}

void stream_close(struct stream *s, bool reset)
{
    if (!s->is_closed)
        drop(s, reset);
}

bool stream_is_idle(const struct stream *s)
{
    return s->kept == NULL && !s->has_output && !s->is_readable && !s->is_ending && !s->is_ended &&
           !s->is_finishing && !s->is_connecting && !s->is_closed && s->failed == ERR_NONE &&
           (s->filter == NULL || filter_is_idle(s));
}

void stream_detach(struct stream *s)
{
    assert(!s->is_closed && !s->is_connecting && !s->is_greeting && s->kept == NULL);
    assert(!filter_has_output(s));
    unlink_stream(s);
    if (s->is_watched)
        s->kernel->ops->unwatch(s->kernel, s->fd);
    s->is_watched = false;
    s->loop = NULL;
    s->user = NULL;
}

void stream_attach(struct stream *s, struct loop *loop, struct stream_user *user)
{
    assert(s->loop == NULL);
    s->loop = loop;
    s->kernel = loop->kernel;
    s->user = user;
    s->is_paused = s->is_kept_due = s->has_output = false;
    s->is_readable = s->is_drained = false; // watching tells
    s->is_writable = true;
    watch(s);
}

void stream_discard(struct stream *s)
{
    assert(s->loop == NULL);
    s->kernel->ops->close(s->kernel, s->fd, false);
    free_stream(s);
}

struct endpoint stream_peer(const struct stream *s)
{
    return s->peer;
}

struct loop *stream_loop(const struct stream *s)
{
    return s->loop;
}

enum err stream_untaken(const struct stream *s, size_t *bytes)
{
    enum err err = s->kernel->ops->untaken(s->kernel, s->fd, bytes);

    if (err == ERR_NONE && s->filter != NULL)
        *bytes += s->filter->ops->sealed(s->filter).length;
    return err;
}

enum err stream_rtt(const struct stream *s, struct span *rtt)
{
    return s->kernel->ops->round_trip(s->kernel, s->fd, rtt);
}

enum err stream_peer_user(const struct stream *s, uint32_t *user)
{
    return s->kernel->ops->peer_user(s->kernel, s->fd, user);
}
