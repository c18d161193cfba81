// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "io/loop_priv.h"

enum { ACCEPT_MAX = 64 }; // connections one listener takes in a turn

#define ACCEPT_PAUSE span_ms(100) // after the descriptors ran out

struct listener {
    struct watched watched;
    struct list accepting;
    struct timer retry;
    struct loop *loop;
    struct listener_user *user;
    int fd;
    bool is_closed;
};

static void queue_accepting(struct listener *l)
{
    if (list_empty(&l->accepting) && !timer_is_set(&l->retry))
        list_append(&l->loop->accepting, &l->accepting);
}

static void retry(struct timer *timer)
{
    queue_accepting(container_of(timer, struct listener, retry));
}

static enum err start(struct loop *loop, int fd, struct listener_user *user, struct listener **out)
{
    struct listener *l = mem_new(struct listener);

    l->watched.kind = WATCHED_LISTENER;
    enum err err = loop->kernel->ops->watch(loop->kernel, fd, &l->watched);

    if (err != ERR_NONE) {
        loop->kernel->ops->close(loop->kernel, fd, false);
        mem_free(l);
        return err;
    }
    l->loop = loop;
    l->user = user;
    l->fd = fd;
    l->retry.fire = retry;
    list_init(&l->accepting);
    list_append(&loop->open, &l->watched.link);
    *out = l;
    return ERR_NONE;
}

enum err listener_open(struct loop *loop, const struct endpoint *at, struct listener_user *user,
    struct listener **listener)
{
    int fd;

    TRY(loop->kernel->ops->listen(loop->kernel, at, &fd));
    return start(loop, fd, user, listener);
}

enum err listener_open_unix(
    struct loop *loop, const char *path, struct listener_user *user, struct listener **listener)
{
    int fd;

    TRY(loop->kernel->ops->listen_unix(loop->kernel, path, &fd));
    return start(loop, fd, user, listener);
}

struct endpoint listener_at(const struct listener *listener)
{
    return listener->loop->kernel->ops->local(listener->loop->kernel, listener->fd);
}

void listener_drop(struct watched *watched)
{
    struct listener *l = container_of(watched, struct listener, watched);
    struct kernel *kernel = l->loop->kernel;

    l->is_closed = true;
    timer_clear(l->loop, &l->retry);
    list_remove(&l->accepting);
    list_remove(&l->watched.link);
    kernel->ops->close(kernel, l->fd, false);
    list_append(&l->loop->closed, &l->watched.link);
}

void listener_close(struct listener *listener)
{
    if (listener != NULL && !listener->is_closed)
        listener_drop(&listener->watched);
}

void listener_note(struct watched *watched)
{
    queue_accepting(container_of(watched, struct listener, watched));
}

/* False when there is nothing more to accept for now. */
static bool accept_one(struct listener *l)
{
    struct loop *loop = l->loop;
    struct endpoint peer;
    int fd;
    enum err err = loop->kernel->ops->accept(loop->kernel, l->fd, &peer, &fd);

    if (err == ERR_RESET)
        return true; // it went away while it waited for us
    if (err == ERR_AGAIN)
        return false;
    if (err != ERR_NONE) {
        // Those who wait keep the socket ready: without a pause we would ask in every turn.
        counter_up(&loop->counts.accept_limited);
        timer_set(loop, &l->retry, instant_after(loop->now, ACCEPT_PAUSE));
        return false;
    }
    counter_up(&loop->counts.accepted);
    struct stream *stream = stream_accepted(loop, fd, &peer);

    stream_adopt(stream, l->user->accept(l->user, stream));
    return !l->is_closed;
}

void listeners_accept(struct loop *loop)
{
    struct list now;

    list_init(&now);
    list_move_all(&now, &loop->accepting);
    while (!list_empty(&now)) {
        struct listener *l = container_of(list_pop(&now), struct listener, accepting);
        int count = 0;

        while (count < ACCEPT_MAX && accept_one(l))
            count++;
        if (count == ACCEPT_MAX)
            queue_accepting(l);
    }
}
