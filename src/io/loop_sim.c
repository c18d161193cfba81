// SPDX-License-Identifier: Apache-2.0
/* The simulated kernel: sockets of the world that io/sim.c keeps going. */
#include <assert.h>

#include "base/mem.h"
#include "io/sim_priv.h"

enum { SHORT_ONE_IN = 8, WALL_START_S = 1767225600 }; // 2026-01-01

static struct sim_kernel *of(struct kernel *kernel)
{
    return container_of(kernel, struct sim_kernel, kernel);
}

static struct sim_socket *socket_at(struct sim *sim, int fd)
{
    assert(fd >= 0 && (size_t)fd < sim->socket_count && sim->sockets[fd] != NULL);
    return sim->sockets[fd];
}

static void count_descriptor(struct sim_socket *s)
{
    s->is_counted = true;
    s->sim->descriptors++;
}

static struct instant now(struct kernel *kernel)
{
    return of(kernel)->sim->now;
}

static int64_t wall_ns(struct kernel *kernel)
{
    const struct sim_kernel *k = of(kernel);

    return WALL_START_S * INT64_C(1000000000) + k->sim->now.ns + k->sim->wall_offset.ns +
           k->wall_offset.ns;
}

static struct wall wall(struct kernel *kernel)
{
    return (struct wall){ wall_ns(kernel) / 1000000 };
}

static struct moment moment(struct kernel *kernel)
{
    return (struct moment){ wall_ns(kernel) / 1000 };
}

/* Never sleeps: the world turns a loop when it has work, and moves the clock when none has. */
static size_t wait_for(
    struct kernel *kernel, struct kernel_event *events, size_t most, struct span wait)
{
    struct sim_kernel *k = of(kernel);
    size_t count = 0;

    (void)wait;
    while (count < most && !list_empty(&k->ready)) {
        struct list *link = sim_draw(k->sim, 2) == 0 ? k->ready.next : k->ready.prev;
        struct sim_socket *s = container_of(link, struct sim_socket, ready);

        list_remove(link);
        events[count++] = (struct kernel_event){
            .owner = s->owner, .readable = s->readable, .writable = s->writable, .ended = s->ended
        };
        s->readable = s->writable = s->ended = false;
    }
    return count;
}

static void wake(struct kernel *kernel)
{
    (void)kernel; // the world looks itself
}

static bool has_descriptors(const struct sim *sim)
{
    return sim->descriptors < sim->descriptors_max;
}

static enum err open_bound(
    struct sim_kernel *k, enum sim_kind kind, const struct endpoint *at, int *fd)
{
    if (!has_descriptors(k->sim))
        return ERR_LIMIT;
    struct sim_socket *s = sim_socket_new(k->sim, kind);

    count_descriptor(s);
    s->local = *at;
    if (s->local.port == 0)
        s->local.port = ++k->sim->port;
    *fd = s->fd;
    return ERR_NONE;
}

static enum err listen_at(struct kernel *kernel, const struct endpoint *at, int *fd)
{
    return open_bound(of(kernel), SIM_LISTENER, at, fd);
}

/* Opens, but nobody can connect: streams lead to addresses alone. */
static enum err listen_unix(struct kernel *kernel, const char *path, int *fd)
{
    struct endpoint nowhere = { 0 };

    if (path[0] == 0)
        return ERR_RANGE;
    return open_bound(of(kernel), SIM_LISTENER, &nowhere, fd);
}

static enum err accept_one(struct kernel *kernel, int fd, struct endpoint *peer, int *accepted)
{
    struct sim_socket *listener = socket_at(of(kernel)->sim, fd), *s;

    if (list_empty(&listener->waiting))
        return ERR_AGAIN;
    if (!has_descriptors(listener->sim))
        return ERR_LIMIT;
    s = container_of(list_take(&listener->waiting), struct sim_socket, waiting);
    listener->waiting_count--;
    count_descriptor(s);
    *peer = s->remote;
    *accepted = s->fd;
    return ERR_NONE;
}

static enum err connect_to(struct kernel *kernel, const struct endpoint *to, int *fd)
{
    struct sim_kernel *k = of(kernel);

    if (!has_descriptors(k->sim))
        return ERR_LIMIT;
    if (to->ip.family != k->address.family)
        return ERR_UNREACHABLE;
    struct sim_socket *s = sim_socket_new(k->sim, SIM_STREAM);
    struct sim_packet *packet = sim_packet_new(SIM_SYN, NULL, 0);

    count_descriptor(s);
    s->local = (struct endpoint){ .ip = k->address, .port = ++k->sim->port };
    s->remote = *to;
    s->is_connecting = true;
    packet->from = s->local;
    packet->to = *to;
    packet->fd = s->fd; // who asks; arrival finds the listener
    packet->birth = s->birth;
    s->last_arrival = sim_packet_send(k->sim, packet, k->sim->now);
    *fd = s->fd;
    return ERR_NONE;
}

static enum err connect_result(struct kernel *kernel, int fd)
{
    const struct sim_socket *s = socket_at(of(kernel)->sim, fd);

    if (s->error != ERR_NONE)
        return s->error;
    return s->is_connecting ? ERR_AGAIN : ERR_NONE;
}

static struct endpoint local(struct kernel *kernel, int fd)
{
    return socket_at(of(kernel)->sim, fd)->local;
}

/* Now and then less than there is; the rest is told anew, as if it had come a little later. */
static size_t cut_short(struct sim *sim, size_t length)
{
    if (length < 2 || sim_draw(sim, SHORT_ONE_IN) != 0)
        return length;
    return 1 + (size_t)sim_draw(sim, length - 1);
}

static enum err receive(struct kernel *kernel, int fd, void *room, size_t most, size_t *got)
{
    struct sim *sim = of(kernel)->sim;
    struct sim_socket *s = socket_at(sim, fd);
    size_t length = cut_short(sim, s->in_length < most ? s->in_length : most);

    if (length == 0) {
        *got = 0;
        if (s->error != ERR_NONE)
            return s->error;
        return s->fin_came ? ERR_NONE : ERR_AGAIN;
    }
    memcpy(room, s->in + s->in_at, length);
    s->in_at += length;
    s->in_length -= length;
    s->window_used -= length;
    if (s->in_length > 0)
        sim_socket_tell(s, true, false, false);
    if (s->other != NULL && s->other->is_blocked)
        sim_socket_signal(s, s->other, SIM_WINDOW);
    sim_note(sim, length);
    *got = length;
    return ERR_NONE;
}

static size_t gather(char *to, size_t room, const struct iovec *iov, size_t count)
{
    size_t length = 0;

    for (size_t i = 0; i < count && length < room; i++) {
        size_t part = iov[i].iov_len < room - length ? iov[i].iov_len : room - length;

        if (part > 0)
            memcpy(to + length, iov[i].iov_base, part);
        length += part;
    }
    return length;
}

static void send_chunks(struct sim_socket *s, const char *bytes, size_t length, size_t chunk_max)
{
    for (size_t at = 0; at < length;) {
        size_t chunk = length - at;

        if (chunk_max > 0 && chunk > 1)
            chunk = 1 + (size_t)sim_draw(s->sim, chunk < chunk_max ? chunk : chunk_max);
        sim_socket_send(s, s->other, sim_packet_new(SIM_DATA, bytes + at, chunk));
        at += chunk;
    }
    s->other->window_used += length;
}

static void leave(struct sim_socket *s)
{
    s->other->other_last = s->last_arrival;
    s->other_last = s->other->last_arrival;
    s->other->other = NULL;
    s->other = NULL;
}

/* Whom this was sent to has gone, and answers so after all that it said before. */
static void reset_from_afar(struct sim_socket *s)
{
    struct sim_packet *packet = sim_packet_new(SIM_RESET, NULL, 0);

    packet->from = s->remote;
    packet->to = s->local;
    packet->fd = s->fd;
    packet->birth = s->birth;
    s->other_last =
        sim_packet_send(s->sim, packet, instant_after(s->other_last, (struct span){ 1 }));
}

/* Both ends find the connection reset, after what was sent has arrived. */
static void reset_both(struct sim_socket *s)
{
    if (s->other != NULL) {
        sim_socket_signal(s, s->other, SIM_RESET);
        sim_socket_signal(s->other, s, SIM_RESET);
        leave(s);
    }
}

static enum err send_all(
    struct kernel *kernel, int fd, const struct iovec *iov, size_t count, size_t *sent)
{
    struct sim *sim = of(kernel)->sim;
    struct sim_socket *s = socket_at(sim, fd);
    const struct sim_path *path = sim_path(sim, &s->local.ip, &s->remote.ip);
    struct sim_link link = path->link;
    size_t buffer = link.buffer_bytes == 0 ? SIM_BUFFER_BYTES : link.buffer_bytes;
    size_t wanted = 0, room = 0;

    if (s->error != ERR_NONE || s->fin_sent)
        return ERR_RESET;
    for (size_t i = 0; i < count; i++)
        wanted += iov[i].iov_len;
    if (s->other != NULL && s->other->window_used < buffer)
        room = cut_short(
            sim, wanted < buffer - s->other->window_used ? wanted : buffer - s->other->window_used);
    else if (s->other == NULL)
        room = wanted; // into the void: the answer is a reset, which is on its way
    if (s->other != NULL && link.reset_after > 0 && s->sent_bytes + room >= link.reset_after)
        room = link.reset_after > s->sent_bytes ? (size_t)(link.reset_after - s->sent_bytes) : 0;
    char *bytes = mem_alloc(room + 1);
    size_t length = gather(bytes, room, iov, count);

    if (s->other == NULL)
        reset_from_afar(s);
    else
        send_chunks(s, bytes, length, link.chunk_max);
    mem_free(bytes);
    sim_note(sim, length);
    s->sent_bytes += length;
    if (length < wanted && s->other != NULL) {
        s->is_blocked = true;
        if (s->other->window_used < buffer) // cut short by luck alone: it may go on soon
            sim_socket_signal(s->other, s, SIM_WINDOW);
    }
    if (link.reset_after > 0 && s->sent_bytes >= link.reset_after)
        reset_both(s);
    *sent = length;
    return length == 0 && wanted > 0 ? ERR_AGAIN : ERR_NONE;
}

static size_t send_room(struct kernel *kernel, int fd)
{
    struct sim *sim = of(kernel)->sim;
    const struct sim_socket *s = socket_at(sim, fd);
    const struct sim_link *link = &sim_path(sim, &s->local.ip, &s->remote.ip)->link;
    size_t buffer = link->buffer_bytes == 0 ? SIM_BUFFER_BYTES : link->buffer_bytes;

    return s->other == NULL || s->other->window_used > buffer ? 0 : buffer - s->other->window_used;
}

/* Simulated machines have no users. */
static enum err peer_user(struct kernel *, int, uint32_t *)
{
    return ERR_UNSUPPORTED;
}

static enum err round_trip(struct kernel *kernel, int fd, struct span *rtt)
{
    struct sim *sim = of(kernel)->sim;
    const struct sim_socket *s = socket_at(sim, fd);
    const struct sim_path *there = sim_path(sim, &s->local.ip, &s->remote.ip);
    const struct sim_path *back = sim_path(sim, &s->remote.ip, &s->local.ip);

    if (there->link.delay.ns + back->link.delay.ns == 0)
        return ERR_UNSUPPORTED;
    *rtt = (struct span){ there->link.delay.ns + back->link.delay.ns };
    return ERR_NONE;
}

static enum err untaken(struct kernel *kernel, int fd, size_t *bytes)
{
    const struct sim_socket *s = socket_at(of(kernel)->sim, fd);

    *bytes = s->other == NULL ? 0 : s->other->window_used;
    return ERR_NONE;
}

static void shut(struct kernel *kernel, int fd)
{
    struct sim_socket *s = socket_at(of(kernel)->sim, fd);

    if (!s->fin_sent && s->other != NULL)
        sim_socket_signal(s, s->other, SIM_FIN);
    s->fin_sent = true;
}

static enum err datagram_open(struct kernel *kernel, const struct endpoint *at, int *fd)
{
    return open_bound(of(kernel), SIM_DATAGRAMS, at, fd);
}

static enum err echo_open(struct kernel *kernel, enum ip_family family, int *fd)
{
    struct sim_kernel *k = of(kernel);
    struct endpoint at = { .ip = k->address };

    if (k->address.family != family)
        return ERR_UNREACHABLE;
    TRY(open_bound(k, SIM_ECHOES, &at, fd));
    socket_at(k->sim, *fd)->local.port = 0;
    return ERR_NONE;
}

static size_t datagram_receive(
    struct kernel *kernel, int fd, struct kernel_datagram *batch, size_t most)
{
    struct sim_socket *s = socket_at(of(kernel)->sim, fd);
    size_t count = 0;

    while (count < most && !list_empty(&s->datagrams)) {
        struct sim_packet *packet = container_of(list_take(&s->datagrams), struct sim_packet, link);
        struct kernel_datagram *to = &batch[count++];

        s->datagram_count--;
        to->peer = packet->from;
        if (to->bytes.iov_len > packet->length)
            to->bytes.iov_len = packet->length;
        memcpy(to->bytes.iov_base, packet->bytes, to->bytes.iov_len);
        mem_free(packet);
    }
    return count;
}

static size_t datagram_send(
    struct kernel *kernel, int fd, const struct kernel_datagram *batch, size_t count)
{
    struct sim_kernel *k = of(kernel);
    const struct sim_socket *s = socket_at(k->sim, fd);

    for (size_t i = 0; i < count; i++) {
        struct sim_packet *packet = sim_packet_new(s->kind == SIM_ECHOES ? SIM_ECHO : SIM_DATAGRAM,
            batch[i].bytes.iov_base, batch[i].bytes.iov_len);

        packet->from = s->local;
        packet->to = batch[i].peer;
        packet->fd = s->fd; // whom an echo comes back to
        packet->birth = s->birth;
        sim_datagram_send(k->sim, packet);
    }
    return count;
}

static enum err watch(struct kernel *kernel, int fd, void *owner)
{
    struct sim_socket *s = socket_at(of(kernel)->sim, fd);

    assert(s->watcher == NULL);
    s->watcher = of(kernel);
    s->owner = owner;
    sim_socket_tell(s,
        s->in_length > 0 || s->fin_came || s->error != ERR_NONE || !list_empty(&s->datagrams) ||
            (s->kind == SIM_LISTENER && !list_empty(&s->waiting)),
        s->kind == SIM_STREAM && !s->is_connecting && !s->is_blocked,
        s->fin_came || s->error != ERR_NONE);
    return ERR_NONE;
}

static void stop_watch(struct sim_socket *s)
{
    s->watcher = NULL;
    s->owner = NULL;
    s->readable = s->writable = s->ended = false;
    list_remove(&s->ready);
}

static void unwatch(struct kernel *kernel, int fd)
{
    stop_watch(socket_at(of(kernel)->sim, fd));
}

static void close_stream(struct sim_socket *s, bool reset)
{
    if (s->other == NULL)
        return;
    // As Linux does: who closes without having read all resets.
    if (reset || s->in_length > 0)
        sim_socket_signal(s, s->other, SIM_RESET);
    else if (!s->fin_sent)
        sim_socket_signal(s, s->other, SIM_FIN);
    leave(s);
}

static void close_fd(struct kernel *kernel, int fd, bool reset)
{
    struct sim_socket *s = socket_at(of(kernel)->sim, fd);

    if (s->kind == SIM_LISTENER) {
        for (struct list *link; (link = list_pop(&s->waiting)) != NULL;) {
            struct sim_socket *waiting = container_of(link, struct sim_socket, waiting);

            close_stream(waiting, true);
            sim_socket_free(waiting);
        }
    }
    stop_watch(s);
    close_stream(s, reset);
    sim_socket_free(s);
}

static void free_kernel(struct kernel *kernel)
{
    struct sim_kernel *k = of(kernel);

    assert(list_empty(&k->ready)); // its loop closed all
    list_remove(&k->link);
    mem_free(k);
}

const struct kernel_ops sim_kernel_ops = {
    .now = now,
    .wall = wall,
    .moment = moment,
    .wait = wait_for,
    .wake = wake,
    .listen = listen_at,
    .listen_unix = listen_unix,
    .accept = accept_one,
    .connect = connect_to,
    .connect_result = connect_result,
    .local = local,
    .receive = receive,
    .send = send_all,
    .room = send_room,
    .round_trip = round_trip,
    .untaken = untaken,
    .peer_user = peer_user,
    .shut = shut,
    .datagram_open = datagram_open,
    .echo_open = echo_open,
    .datagram_receive = datagram_receive,
    .datagram_send = datagram_send,
    .watch = watch,
    .unwatch = unwatch,
    .close = close_fd,
    .free = free_kernel,
};
