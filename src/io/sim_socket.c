// SPDX-License-Identifier: Apache-2.0
/* Sockets of the simulated world, and what happens when a packet reaches one. */
#include <linux/icmp.h>
#include <netinet/icmp6.h>

#include "base/hash.h"
#include "base/mem.h"
#include "io/sim_priv.h"

/* The socket a packet is meant for; NULL when it is gone. */
static struct sim_socket *socket_for(struct sim *sim, const struct sim_packet *packet)
{
    struct sim_socket *s = sim->sockets[packet->fd];

    return s != NULL && s->birth == packet->birth ? s : NULL;
}

struct sim_socket *sim_socket_new(struct sim *sim, enum sim_kind kind)
{
    struct sim_socket *s = mem_new(struct sim_socket);
    size_t fd;

    for (fd = sim->lowest_free; fd < sim->socket_count && sim->sockets[fd] != NULL;)
        fd++;
    sim->lowest_free = fd + 1;
    if (fd == sim->socket_count) {
        sim->socket_count = sim->socket_count * 2 + 16;
        sim->sockets = mem_resize(sim->sockets, sim->socket_count * sizeof *sim->sockets);
        for (size_t i = fd; i < sim->socket_count; i++)
            sim->sockets[i] = NULL;
    }
    sim->sockets[fd] = s;
    s->sim = sim;
    s->fd = (int)fd;
    s->birth = ++sim->births;
    s->kind = kind;
    list_init(&s->ready);
    list_init(&s->waiting);
    list_init(&s->datagrams);
    return s;
}

void sim_socket_free(struct sim_socket *s)
{
    for (struct list *link; (link = list_pop(&s->datagrams)) != NULL;)
        mem_free(container_of(link, struct sim_packet, link));
    if (s->is_counted)
        s->sim->descriptors--;
    list_remove(&s->ready);
    list_remove(&s->waiting);
    s->sim->sockets[s->fd] = NULL;
    if ((size_t)s->fd < s->sim->lowest_free)
        s->sim->lowest_free = (size_t)s->fd;
    mem_free(s->in);
    mem_free(s);
}

void sim_socket_tell(struct sim_socket *s, bool readable, bool writable, bool ended)
{
    if (s->watcher == NULL)
        return;
    s->readable |= readable;
    s->writable |= writable;
    s->ended |= ended;
    if (list_empty(&s->ready))
        list_append(&s->watcher->ready, &s->ready);
}

/* A packet of a stream's own business, from `s` to the socket at its other end. */
void sim_socket_send(struct sim_socket *s, const struct sim_socket *to, struct sim_packet *packet)
{
    packet->from = s->local;
    packet->to = to->local;
    packet->fd = to->fd;
    packet->birth = to->birth;
    s->last_arrival =
        sim_packet_send(s->sim, packet, instant_after(s->last_arrival, (struct span){ 1 }));
}

void sim_socket_signal(struct sim_socket *s, const struct sim_socket *to, enum sim_what what)
{
    sim_socket_send(s, to, sim_packet_new(what, NULL, 0));
}

static uint64_t endpoint_hash(const struct endpoint *at)
{
    return hash_bytes(slice_of(at->ip.bytes, ip_size(&at->ip)), at->port);
}

static bool is_bound_to(const struct sim_socket *s, enum sim_kind kind, const struct endpoint *at)
{
    static const uint8_t ANY[16] = { 0 };

    return s != NULL && s->kind == kind && s->local.port == at->port &&
           (ip_equal(&s->local.ip, &at->ip) ||
               (s->local.ip.family == at->ip.family &&
                   memcmp(s->local.ip.bytes, ANY, sizeof ANY) == 0));
}

/* Who is bound to `to`; where several are, the hash of the peer decides. */
static struct sim_socket *find_bound(
    struct sim *sim, enum sim_kind kind, const struct endpoint *to, const struct endpoint *peer)
{
    uint64_t count = 0, which;

    for (size_t fd = 0; fd < sim->socket_count; fd++)
        count += is_bound_to(sim->sockets[fd], kind, to);
    if (count == 0)
        return NULL;
    which = endpoint_hash(peer) % count;
    for (size_t fd = 0; fd < sim->socket_count; fd++)
        if (is_bound_to(sim->sockets[fd], kind, to) && which-- == 0)
            return sim->sockets[fd];
    return NULL;
}

static void syn_arrives(struct sim *sim, const struct sim_packet *packet)
{
    struct sim_socket *client = socket_for(sim, packet), *server;
    const struct sim_path *path = sim_path(sim, &packet->from.ip, &packet->to.ip);
    struct sim_socket *listener = find_bound(sim, SIM_LISTENER, &packet->to, &packet->from);
    bool is_refused =
        listener == NULL || path->link.refuses || listener->waiting_count >= SIM_BACKLOG_MAX;

    if (client == NULL)
        return;
    server = sim_socket_new(sim, SIM_STREAM);
    server->local = packet->to;
    server->remote = packet->from;
    if (is_refused) {
        sim_socket_signal(server, client, SIM_REFUSED);
        sim_socket_free(server);
        return;
    }
    server->other = client;
    client->other = server;
    list_append(&listener->waiting, &server->waiting);
    listener->waiting_count++;
    sim_socket_signal(server, client, SIM_CONNECTED);
    sim_socket_tell(listener, true, false, false);
}

/* Room for `more` bytes behind those that wait: moved to the front, or into twice the memory. */
static void reserve(struct sim_socket *s, size_t more)
{
    size_t needed = s->in_length + more;

    if (s->in_at + needed <= s->in_room)
        return;
    if (s->in_at > 0 && s->in_length > 0)
        memmove(s->in, s->in + s->in_at, s->in_length);
    s->in_at = 0;
    if (2 * needed <= s->in_room)
        return;
    s->in_room = 2 * needed;
    s->in = mem_resize(s->in, s->in_room);
}

static void data_arrives(struct sim_socket *s, const struct sim_packet *packet)
{
    reserve(s, packet->length);
    memcpy(s->in + s->in_at + s->in_length, packet->bytes, packet->length);
    s->in_length += packet->length;
    sim_socket_tell(s, true, false, false);
}

/* Takes the packet; the socket may be NULL. */
static void datagram_arrives(struct sim_socket *s, struct sim_packet *packet)
{
    if (s == NULL || s->datagram_count >= SIM_DATAGRAMS_MAX) {
        mem_free(packet);
        return;
    }
    s->datagram_count++;
    list_append(&s->datagrams, &packet->link);
    sim_socket_tell(s, true, false, false);
}

/* There is a machine: a loop's, one that something is bound to, or one that a link leads to. */
static bool is_inhabited(struct sim *sim, const struct ip *ip)
{
    list_each (link, &sim->kernels)
        if (ip_equal(&container_of(link, struct sim_kernel, link)->address, ip))
            return true;
    for (size_t fd = 0; fd < sim->socket_count; fd++)
        if (sim->sockets[fd] != NULL && ip_equal(&sim->sockets[fd]->local.ip, ip))
            return true;
    for (size_t i = 0; i < sim->path_count; i++)
        if (ip_equal(&sim->paths[i].from, ip) || ip_equal(&sim->paths[i].to, ip))
            return true;
    return false;
}

/* A machine answers by itself, whatever runs on it: with the request and another type. */
static void echo_arrives(struct sim *sim, struct sim_packet *packet)
{
    struct endpoint asker = packet->from;

    if (packet->length == 0 || !is_inhabited(sim, &packet->to.ip)) {
        mem_free(packet);
        return;
    }
    packet->bytes[0] = (char)(asker.ip.family == IP_V4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY);
    packet->what = SIM_ECHO_REPLY;
    packet->from = packet->to;
    packet->to = asker;
    sim_datagram_send(sim, packet);
}

static void stream_packet_arrives(struct sim_socket *s, const struct sim_packet *packet)
{
    switch (packet->what) {
    case SIM_CONNECTED:
        s->is_connecting = false;
        sim_socket_tell(s, false, true, false);
        break;
    case SIM_REFUSED:
        s->error = ERR_REFUSED;
        sim_socket_tell(s, true, true, true);
        break;
    case SIM_DATA: data_arrives(s, packet); break;
    case SIM_WINDOW:
        s->is_blocked = false;
        sim_socket_tell(s, false, true, false);
        break;
    case SIM_FIN:
        s->fin_came = true;
        sim_socket_tell(s, true, false, true);
        break;
    case SIM_RESET:
        if (s->error == ERR_NONE)
            s->error = ERR_RESET;
        sim_socket_tell(s, true, true, true);
        break;
    case SIM_SYN:
    case SIM_DATAGRAM:
    case SIM_ECHO:
    case SIM_ECHO_REPLY: break;
    }
}

void sim_packet_arrive(struct sim *sim, struct sim_packet *packet)
{
    sim_note(sim, (uint64_t)packet->what << 32 | packet->length);
    sim_note(sim, hash_bytes(slice_of(packet->bytes, packet->length), 0));
    if (packet->what == SIM_DATAGRAM) {
        datagram_arrives(find_bound(sim, SIM_DATAGRAMS, &packet->to, &packet->from), packet);
        return;
    }
    if (packet->what == SIM_ECHO) {
        echo_arrives(sim, packet);
        return;
    }
    if (packet->what == SIM_ECHO_REPLY) {
        datagram_arrives(socket_for(sim, packet), packet);
        return;
    }
    if (packet->what == SIM_SYN) {
        syn_arrives(sim, packet);
    } else {
        struct sim_socket *s = socket_for(sim, packet);

        if (s != NULL)
            stream_packet_arrives(s, packet);
    }
    mem_free(packet);
}
