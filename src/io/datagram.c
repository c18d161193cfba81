// SPDX-License-Identifier: Apache-2.0
#include "io/datagram.h"

#include "base/mem.h"
#include "io/loop_priv.h"

/* Buffers that all lie a multiple of 4096 apart would meet in the same few lines of the cache. */
enum { APART = CACHE_LINE_BYTES, BATCHES_MAX = 4 };

/* Of a loop, for all its sockets. */
struct datagram_memory {
    struct kernel_datagram received[DATAGRAM_BATCH_MAX], sent[DATAGRAM_BATCH_MAX];
    struct datagram batch[DATAGRAM_BATCH_MAX];
    char in[DATAGRAM_BATCH_MAX][DATAGRAM_IN_MAX + APART];
    char out[DATAGRAM_BATCH_MAX][DATAGRAM_OUT_MAX + APART];
};

struct datagram_socket {
    struct watched watched;
    struct list arriving;
    struct loop *loop;
    struct datagram_user *user;
    int fd;
    bool is_closed;
};

_Static_assert((int)DATAGRAM_BATCH_MAX <= (int)KERNEL_BATCH_MAX, "a batch is one call");

static void queue_arriving(struct datagram_socket *socket)
{
    if (list_empty(&socket->arriving))
        list_append(&socket->loop->arriving, &socket->arriving);
}

/* Takes the descriptor, also on failure. */
static enum err start(
    struct loop *loop, int fd, struct datagram_user *user, struct datagram_socket **socket)
{
    const struct kernel_ops *ops = loop->kernel->ops;
    struct datagram_socket *s = mem_new(struct datagram_socket);

    s->watched.kind = WATCHED_DATAGRAMS;
    enum err err = ops->watch(loop->kernel, fd, &s->watched);

    if (err != ERR_NONE) {
        ops->close(loop->kernel, fd, false);
        mem_free(s);
        return err;
    }
    if (loop->datagrams == NULL)
        loop->datagrams = mem_new(struct datagram_memory);
    s->loop = loop;
    s->user = user;
    s->fd = fd;
    list_init(&s->arriving);
    list_append(&loop->open, &s->watched.link);
    *socket = s;
    return ERR_NONE;
}

enum err datagram_open(struct loop *loop, const struct endpoint *at, struct datagram_user *user,
    struct datagram_socket **socket)
{
    int fd;

    TRY(loop->kernel->ops->datagram_open(loop->kernel, at, &fd));
    return start(loop, fd, user, socket);
}

enum err datagram_open_echo(struct loop *loop, enum ip_family family, struct datagram_user *user,
    struct datagram_socket **socket)
{
    int fd;

    TRY(loop->kernel->ops->echo_open(loop->kernel, family, &fd));
    return start(loop, fd, user, socket);
}

struct endpoint datagram_at(const struct datagram_socket *socket)
{
    return socket->loop->kernel->ops->local(socket->loop->kernel, socket->fd);
}

void datagram_drop(struct watched *watched)
{
    struct datagram_socket *s = container_of(watched, struct datagram_socket, watched);
    struct kernel *kernel = s->loop->kernel;

    s->is_closed = true;
    list_remove(&s->arriving);
    list_remove(&s->watched.link);
    kernel->ops->close(kernel, s->fd, false);
    list_append(&s->loop->closed, &s->watched.link);
}

void datagram_close(struct datagram_socket *socket)
{
    if (socket != NULL && !socket->is_closed)
        datagram_drop(&socket->watched);
}

void datagram_note(struct watched *watched)
{
    queue_arriving(container_of(watched, struct datagram_socket, watched));
}

/* True when all of it was taken. */
static bool send_batch(struct datagram_socket *s, const struct kernel_datagram *batch, size_t count)
{
    struct loop *loop = s->loop;
    size_t sent = loop->kernel->ops->datagram_send(loop->kernel, s->fd, batch, count);

    counter_add(&loop->counts.datagrams_out, sent);
    if (sent < count)
        counter_add(&loop->counts.datagrams_dropped, count - sent);
    return sent == count;
}

bool datagram_send(struct datagram_socket *socket, const struct endpoint *to, struct slice bytes)
{
    struct kernel_datagram one = { .peer = *to, .bytes = stream_iovec(bytes) };

    return !socket->is_closed && send_batch(socket, &one, 1);
}

static size_t receive_batch(struct datagram_socket *s, struct datagram_memory *memory)
{
    struct kernel *kernel = s->loop->kernel;

    for (size_t i = 0; i < DATAGRAM_BATCH_MAX; i++)
        memory->received[i].bytes = (struct iovec){ memory->in[i], DATAGRAM_IN_MAX };
    size_t count =
        kernel->ops->datagram_receive(kernel, s->fd, memory->received, DATAGRAM_BATCH_MAX);

    for (size_t i = 0; i < count; i++) {
        const struct kernel_datagram *came = &memory->received[i];

        memory->batch[i] = (struct datagram){ .peer = &came->peer,
            .in = slice_of(came->bytes.iov_base, came->bytes.iov_len),
            .out = memory->out[i] };
    }
    counter_add(&s->loop->counts.datagrams_in, count);
    return count;
}

static void send_answers(struct datagram_socket *s, struct datagram_memory *memory, size_t count)
{
    size_t answers = 0;

    for (size_t i = 0; i < count; i++) {
        const struct datagram *datagram = &memory->batch[i];

        if (datagram->out_length == 0)
            continue;
        memory->sent[answers].peer = *datagram->peer;
        memory->sent[answers++].bytes = (struct iovec){ datagram->out, datagram->out_length };
    }
    if (answers > 0 && !s->is_closed)
        send_batch(s, memory->sent, answers);
}

void datagrams_exchange(struct loop *loop)
{
    struct list now;

    list_init(&now);
    list_move_all(&now, &loop->arriving);
    while (!list_empty(&now)) {
        struct datagram_socket *s = container_of(list_pop(&now), struct datagram_socket, arriving);
        size_t count = DATAGRAM_BATCH_MAX;

        for (int i = 0; i < BATCHES_MAX && count == DATAGRAM_BATCH_MAX && !s->is_closed; i++) {
            count = receive_batch(s, loop->datagrams);
            if (count == 0)
                break;
            s->user->batch(s->user, loop->datagrams->batch, count);
            send_answers(s, loop->datagrams, count);
        }
        if (count == DATAGRAM_BATCH_MAX && !s->is_closed)
            queue_arriving(s);
    }
}
