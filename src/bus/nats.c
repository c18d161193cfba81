// SPDX-License-Identifier: Apache-2.0
/*
 * The back end of many machines: NATS, core publish and subscribe.
 *
 *     loop ──▶ queue out ──▶ our thread ──▶ libnats ──▶ server
 *     loop ◀── inbox ◀────── libnats' threads, which call on_message and the like
 *
 * No call of libnats is quick for sure: a publish waits for a server that hangs, and anything at
 * all waits while a connection is being made. So the link's thread alone calls it. What waits when
 * the way is found is cut to the newest of each lane: older states are of no use to anybody.
 */
#include <assert.h>
#include <signal.h>
#include <stdio.h>

#include "base/mem.h"
#include "bus/nats_priv.h"

static struct nats_bus *nats_of(struct bus *bus)
{
    return container_of(bus, struct nats_bus, bus);
}

/* On a thread of libnats. */
static void on_message(natsConnection *, natsSubscription *, natsMsg *msg, void *closure)
{
    struct nats_bus *n = nats_link_of_closure(closure)->bus;
    struct slice subject = slice_text(natsMsg_GetSubject(msg)), node;
    struct slice payload = slice_of(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg));
    char room[BUS_NAME_MAX];
    enum bus_lane lane;

    // Our own name from elsewhere: two nodes that take themselves for the same one.
    if (!subject_read(subject, n->network, &lane, room, &node) ||
        payload.length > BUS_PAYLOAD_MAX || slice_equal(node, n->bus.node))
        inbox_count_malformed(&n->bus.inbox);
    else
        inbox_put(&n->bus.inbox, message_new(lane, node, payload));
    natsMsg_Destroy(msg);
}

static natsStatus open_lanes(struct nats_link *link)
{
    natsStatus status = nats_link_subscribe(link, link->bus->all, on_message);
    const char *why;

    // There and back, so that the server has taken the subscription, or said why not.
    if (status == NATS_OK)
        status = natsConnection_FlushTimeout(link->connection, NATS_ANSWER_MS);
    return status == NATS_OK ? natsConnection_GetLastError(link->connection, &why) : status;
}

static void send(struct nats_bus *n, struct message *m)
{
    natsStatus status = natsConnection_Publish(
        n->lanes.connection, n->subjects[m->lane], m->payload.at, (int)m->payload.length);

    if (status == NATS_OK)
        counter_up(&n->bus.counts.sent);
    nats_lock(n);
    if (status == NATS_MAX_PAYLOAD)
        n->out_too_large++; // for this server, which could take more if it were told to
    else if (status != NATS_OK)
        nats_link_lose(&n->lanes, natsStatus_GetText(status));
    nats_unlock(n);
    message_unref(m);
}

/* Sends what is queued. */
static void run_lanes(struct nats_link *link)
{
    struct nats_bus *n = link->bus;

    nats_lock(n);
    if (!link->is_lost) {
        n->out_full += queue_keep_newest(&n->out);
        inbox_tell(&n->bus.inbox, true, "");
    }
    while (!nats_link_is_over(link)) {
        struct message *m = queue_pop(&n->out);

        if (m == NULL) {
            nats_wait(n);
            continue;
        }
        nats_unlock(n);
        send(n, m);
        nats_lock(n);
    }
    nats_unlock(n);
}

static void tell_lost(struct nats_link *link, const char *why)
{
    inbox_tell(&link->bus->bus.inbox, false, why);
}

static const struct nats_link_ops LANES_OPS = {
    .name = "bus", .open = open_lanes, .run = run_lanes, .tell_lost = tell_lost
};

static void publish(struct bus *bus, struct message *message)
{
    struct nats_bus *n = nats_of(bus);
    uint64_t full, too_large;

    nats_lock(n);
    full = n->out_full + queue_push(&n->out, message);
    too_large = n->out_too_large;
    n->out_full = n->out_too_large = 0;
    nats_changed(n);
    nats_unlock(n);
    counter_add(&bus->counts.full_out, full);
    counter_add(&bus->counts.too_large, too_large);
}

static void leave(struct bus *bus)
{
    struct nats_bus *n = nats_of(bus);

    nats_lock(n);
    n->is_ending = true;
    nats_changed(n);
    nats_unlock(n);
    nats_link_done(&n->lanes);
    nats_link_done(&n->log.link);
    queue_done(&n->out);
    pthread_cond_destroy(&n->changed);
    pthread_mutex_destroy(&n->lock);
    mem_free((void *)(uintptr_t)n->network.at); // ours: prepare made it
    bus_done(&n->bus);
    mem_free(n);
}

static const struct bus_ops NATS_OPS = {
    .attend = nats_log_attend, .publish = publish, .free = leave
};

static struct nats_bus *prepare(
    const struct bus_nats_plan *plan, struct loop *loop, struct bus_user *user)
{
    struct nats_bus *n = mem_new(struct nats_bus);
    pthread_condattr_t attributes;

    assert(plan->server_count > 0 && plan->server_count <= BUS_SERVERS_MAX);
    bus_init(&n->bus, &NATS_OPS, loop, plan->node, user);
    n->network = slice_of(mem_text(plan->network.at, plan->network.length), plan->network.length);
    subject_write_all(n->all, n->network);
    for (unsigned i = 0; i < BUS_LANE_COUNT; i++)
        subject_write(n->subjects[i], n->network, (enum bus_lane)i, n->bus.node);
    nats_log_init(n);
    n->lanes.is_wanted = true;
    memcpy(n->servers, plan->servers, plan->server_count * sizeof n->servers[0]);
    n->server_count = plan->server_count;
    pthread_mutex_init(&n->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&n->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return n;
}

enum err bus_nats_open(const struct bus_nats_plan *plan, struct loop *loop, struct bus_user *user,
    struct bus **bus, struct diag *why)
{
    struct nats_bus *n = prepare(plan, loop, user);
    sigset_t all, before;

    // Neither our threads nor those that libnats starts with its first call are for signals.
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    enum err err = nats_link_start(&n->lanes, n, &LANES_OPS, plan, why);

    if (err == ERR_NONE)
        err = nats_link_start(&n->log.link, n, &NATS_LOG_OPS, plan, why);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err != ERR_NONE) {
        leave(&n->bus);
        return err;
    }
    *bus = &n->bus;
    return ERR_NONE;
}
