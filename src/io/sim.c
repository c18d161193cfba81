// SPDX-License-Identifier: Apache-2.0
#include "io/sim.h"

#include <assert.h>

#include "base/hash.h"
#include "base/mem.h"
#include "io/loop_priv.h"
#include "io/sim_priv.h"

enum { TURN_NS_LEAST = 1000, TURN_NS_MORE = 20000 }; // so that endless work takes time too

#define RESEND_AFTER span_ms(200) // what a lost segment costs a stream
#define DRAW_BELOW   (UINT64_C(1) << 32)

struct sim *sim_new(uint64_t seed)
{
    struct sim *sim = mem_new(struct sim);

    sim->luck = seed;
    sim->now = (struct instant){ 1000000000 };
    sim->descriptors_max = SIM_DESCRIPTORS_MAX;
    sim->port = 32767;
    list_init(&sim->kernels);
    list_init(&sim->held);
    heap_init(&sim->packets);
    return sim;
}

void sim_free(struct sim *sim)
{
    if (sim == NULL)
        return;
    assert(list_empty(&sim->kernels));
    for (struct heap_link *top; (top = heap_top(&sim->packets)) != NULL;) {
        heap_remove(&sim->packets, top);
        mem_free(container_of(top, struct sim_packet, due));
    }
    for (struct list *link; (link = list_pop(&sim->held)) != NULL;)
        mem_free(container_of(link, struct sim_packet, link));
    for (size_t fd = 0; fd < sim->socket_count; fd++)
        if (sim->sockets[fd] != NULL)
            sim_socket_free(sim->sockets[fd]);
    heap_done(&sim->packets);
    mem_free(sim->sockets);
    mem_free(sim->paths);
    mem_free(sim);
}

struct kernel *sim_kernel(struct sim *sim, const struct ip *address)
{
    struct sim_kernel *k = mem_new(struct sim_kernel);

    k->kernel.ops = &sim_kernel_ops;
    k->sim = sim;
    k->address = *address;
    list_init(&k->ready);
    list_append(&sim->kernels, &k->link);
    return &k->kernel;
}

void sim_kernel_turns(struct kernel *kernel, struct loop *loop)
{
    container_of(kernel, struct sim_kernel, kernel)->loop = loop;
}

void sim_note(struct sim *sim, uint64_t what)
{
    sim->trace = hash_mix(sim->trace + what + 1) + (uint64_t)sim->now.ns;
}

uint64_t sim_draw(struct sim *sim, uint64_t below)
{
    assert(below > 0);
    sim->luck += UINT64_C(0x9e3779b97f4a7c15); // a Weyl sequence, mixed
    return hash_mix(sim->luck) % below;
}

static bool happens(struct sim *sim, double chance)
{
    return chance > 0 && (double)sim_draw(sim, DRAW_BELOW) < chance * (double)DRAW_BELOW;
}

static bool is_path(const struct sim_path *path, const struct ip *from, const struct ip *to)
{
    return (path->from.family == IP_NONE || ip_equal(&path->from, from)) &&
           (path->to.family == IP_NONE || ip_equal(&path->to, to));
}

struct sim_path *sim_path(struct sim *sim, const struct ip *from, const struct ip *to)
{
    for (size_t i = sim->path_count; i > 0; i--)
        if (is_path(&sim->paths[i - 1], from, to))
            return &sim->paths[i - 1];
    return &sim->open_path;
}

static bool is_dark(struct sim *sim, const struct sim_packet *packet)
{
    return sim_path(sim, &packet->from.ip, &packet->to.ip)->link.is_dark;
}

static void arrive(struct sim *sim, struct sim_packet *packet)
{
    if (!is_dark(sim, packet))
        sim_packet_arrive(sim, packet);
    else if (sim_is_datagram(packet->what))
        mem_free(packet);
    else
        list_append(&sim->held, &packet->link);
}

void sim_link_set(
    struct sim *sim, const struct ip *from, const struct ip *to, const struct sim_link *link)
{
    struct sim_path path = { .link = *link };
    struct list held;
    size_t kept = 0;

    if (from != NULL)
        path.from = *from;
    if (to != NULL)
        path.to = *to;
    // The same pair anew takes the place of the old one, at the end.
    for (size_t i = 0; i < sim->path_count; i++)
        if (!ip_equal(&sim->paths[i].from, &path.from) || !ip_equal(&sim->paths[i].to, &path.to))
            sim->paths[kept++] = sim->paths[i];
    sim->paths = mem_resize(sim->paths, (kept + 1) * sizeof *sim->paths);
    sim->paths[kept] = path;
    sim->path_count = kept + 1;

    list_init(&held);
    list_move_all(&held, &sim->held);
    for (struct list *first; (first = list_pop(&held)) != NULL;)
        arrive(sim, container_of(first, struct sim_packet, link));
}

void sim_limit_descriptors(struct sim *sim, unsigned most)
{
    sim->descriptors_max = most;
}

void sim_wall_step(struct sim *sim, struct span step)
{
    sim->wall_offset.ns += step.ns;
}

void sim_kernel_wall_step(struct kernel *kernel, struct span step)
{
    container_of(kernel, struct sim_kernel, kernel)->wall_offset.ns += step.ns;
}

struct sim_packet *sim_packet_new(enum sim_what what, const void *bytes, size_t length)
{
    struct sim_packet *packet = mem_alloc(sizeof *packet + length);

    packet->what = what;
    packet->length = length;
    list_init(&packet->link);
    if (length > 0)
        memcpy(packet->bytes, bytes, length);
    return packet;
}

static struct instant arrival(struct sim *sim, struct sim_path *path, struct sim_packet *packet)
{
    const struct sim_link *link = &path->link;
    struct instant start = sim->now;

    if (link->bytes_per_s > 0) {
        int64_t busy_ns = (int64_t)((double)packet->length * 1e9 / (double)link->bytes_per_s);

        if (path->busy_until.ns > start.ns)
            start = path->busy_until;
        start = path->busy_until = instant_after(start, (struct span){ busy_ns });
    }
    start = instant_after(start, link->delay);
    if (link->jitter.ns > 0)
        start.ns += (int64_t)sim_draw(sim, (uint64_t)link->jitter.ns);
    if (!sim_is_datagram(packet->what) && happens(sim, link->loss))
        start = instant_after(start, RESEND_AFTER);
    return start;
}

static struct sim_packet *copy_of(const struct sim_packet *packet)
{
    struct sim_packet *copy = sim_packet_new(packet->what, packet->bytes, packet->length);

    copy->from = packet->from;
    copy->to = packet->to;
    copy->fd = packet->fd;
    copy->birth = packet->birth;
    return copy;
}

struct instant sim_packet_send(struct sim *sim, struct sim_packet *packet, struct instant earliest)
{
    struct sim_path *path = sim_path(sim, &packet->from.ip, &packet->to.ip);
    struct instant due = arrival(sim, path, packet);

    if (due.ns < earliest.ns)
        due = earliest;
    heap_put(&sim->packets, &packet->due, due.ns);
    return due;
}

static void send_one_datagram(struct sim *sim, struct sim_path *path, struct sim_packet *packet)
{
    struct instant due = arrival(sim, path, packet);

    if (path->link.jitter.ns == 0) {
        if (due.ns <= path->last_datagram.ns)
            due = instant_after(path->last_datagram, (struct span){ 1 });
        path->last_datagram = due;
    }
    heap_put(&sim->packets, &packet->due, due.ns);
}

void sim_datagram_send(struct sim *sim, struct sim_packet *packet)
{
    struct sim_path *path = sim_path(sim, &packet->from.ip, &packet->to.ip);

    if (happens(sim, path->link.duplicate))
        send_one_datagram(sim, path, copy_of(packet));
    if (happens(sim, path->link.loss))
        mem_free(packet);
    else
        send_one_datagram(sim, path, packet);
}

static bool can_turn(const struct sim_kernel *k)
{
    return k->loop != NULL && !atomic_load(&k->loop->is_stopping);
}

static bool wants_turn(const struct sim_kernel *k)
{
    return can_turn(k) && (!list_empty(&k->ready) || loop_patience(k->loop).ns == 0);
}

/* One of the loops that have work, by luck. */
static struct sim_kernel *draw_kernel(struct sim *sim)
{
    struct sim_kernel *drawn = NULL;
    uint64_t count = 0;

    list_each (link, &sim->kernels) {
        struct sim_kernel *k = container_of(link, struct sim_kernel, link);

        if (wants_turn(k) && sim_draw(sim, ++count) == 0)
            drawn = k;
    }
    return drawn;
}

static struct instant next_event(struct sim *sim)
{
    const struct heap_link *packet = heap_top(&sim->packets);
    struct instant next = { packet == NULL ? INT64_MAX : packet->due };

    list_each (link, &sim->kernels) {
        const struct sim_kernel *k = container_of(link, struct sim_kernel, link);
        struct span patience = can_turn(k) ? loop_patience(k->loop) : (struct span){ -1 };

        if (patience.ns >= 0 && sim->now.ns + patience.ns < next.ns)
            next.ns = sim->now.ns + patience.ns;
    }
    return next;
}

/* One turn of one loop, or one step of the clock; false when the end is reached. */
static bool step(struct sim *sim, struct instant end)
{
    for (struct heap_link *top; (top = heap_top(&sim->packets)) != NULL;) {
        if (top->due > sim->now.ns)
            break;
        heap_remove(&sim->packets, top);
        arrive(sim, container_of(top, struct sim_packet, due));
    }
    if (sim->now.ns >= end.ns)
        return false;
    struct sim_kernel *k = draw_kernel(sim);

    if (k != NULL) {
        sim_note(sim, loop_index(k->loop));
        loop_turn(k->loop, (struct span){ -1 });
        sim->now.ns += TURN_NS_LEAST + (int64_t)sim_draw(sim, TURN_NS_MORE);
        return true;
    }
    struct instant next = next_event(sim);

    sim->now = next.ns < end.ns ? next : end;
    return true;
}

void sim_run_for(struct sim *sim, struct span time)
{
    struct instant end = instant_after(sim->now, time);

    while (step(sim, end))
        ;
}

bool sim_run_until(struct sim *sim, struct sim_wish *wish, struct span limit)
{
    struct instant end = instant_after(sim->now, limit);

    while (!wish->is_met(wish))
        if (!step(sim, end))
            return wish->is_met(wish);
    return true;
}

struct instant sim_now(const struct sim *sim)
{
    return sim->now;
}

uint64_t sim_trace(const struct sim *sim)
{
    return sim->trace;
}

unsigned sim_descriptors(const struct sim *sim)
{
    return sim->descriptors;
}
