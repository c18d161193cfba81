// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What the parts of the NATS back end share: its links, each a connection of its own with a thread
 * of its own (nats_link.c), one for the lanes (nats.c), the other for the log (nats_log.c,
 * nats_reader.c).
 *
 * Two, as a server that waits for the disk of its log reads no more from a connection on which it
 * was asked for the log: nothing about health ever waits for a log.
 */

#include <nats/nats.h>

#include "bus/bus_priv.h"
#include "bus/subject.h"

enum { NATS_ANSWER_MS = 1000 }; // for a server to take a connection, or to answer

struct nats_link;

/* What is done over a link. All but the last is called on its thread. */
struct nats_link_ops {
    const char *name; // of the thread
    /* Subscribes. Where it fails, there is no session. */
    natsStatus (*open)(struct nats_link *);
    /* Until nats_link_is_over. */
    void (*run)(struct nats_link *);
    /* The session, or the try, is over; NULL: nobody is told. */
    void (*tell_lost)(struct nats_link *, const char *why);
    /* The server does not permit something; NULL: then the session is lost. With the lock held. */
    void (*deny)(struct nats_link *, const char *why);
};

struct nats_link {
    unsigned tag; // what comes back from libnats is one of these
    const struct nats_link_ops *ops;
    struct nats_bus *bus;
    natsOptions *options;
    pthread_t thread;
    bool is_running;                // there is a thread
    natsConnection *connection;     // of the session; NULL: none
    natsSubscription *subscription; // the one that calls back

    // Of the bus's lock:
    bool is_wanted;             // or nothing is connected
    bool is_lost;               // the session is of no use any more
    bool is_closed, is_drained; // libnats calls back no more
    char why[BUS_WHY_MAX];      // it is lost
};

struct nats_log {
    char subject[SUBJECT_MAX], stream[SUBJECT_MAX];
    struct nats_link link;

    // Of the bus's lock:
    enum { NATS_LOG_UNKNOWN, NATS_LOG_OPEN, NATS_LOG_CLOSED } state;
    char why[BUS_WHY_MAX];    // it is closed
    char denied[BUS_WHY_MAX]; // what the server told us in this session that we may not do
    char inbox[SUBJECT_MAX];  // where answers come, with the key of the question behind it
    uint64_t era;
    uint64_t visits; // of the loop to the desk, so that none is overlooked
};

struct nats_bus {
    struct bus bus;
    struct slice network;
    char all[SUBJECT_MAX];
    char subjects[BUS_LANE_COUNT][SUBJECT_MAX];
    struct endpoint servers[BUS_SERVERS_MAX];
    size_t server_count;
    struct nats_link lanes;
    struct nats_log log;

    pthread_mutex_t lock; // of all below, and in the links and the log of what says so
    pthread_cond_t changed;
    bool is_ending;
    struct queue out;
    uint64_t out_full, out_too_large; // dropped by the thread, to be counted by the loop
};

static inline void nats_lock(struct nats_bus *n)
{
    pthread_mutex_lock(&n->lock);
}

static inline void nats_unlock(struct nats_bus *n)
{
    pthread_mutex_unlock(&n->lock);
}

/* Says that something changed, to all threads. With the lock held, as the next two. */
static inline void nats_changed(struct nats_bus *n)
{
    pthread_cond_broadcast(&n->changed);
}

static inline void nats_wait(struct nats_bus *n)
{
    pthread_cond_wait(&n->changed, &n->lock);
}

/* Until then, or until something changed; false: the time is past. */
bool nats_wait_until(struct nats_bus *n, const struct timespec *until);
struct timespec nats_after_ms(uint64_t wait_ms);
int64_t nats_now_ms(void);

/* Links (nats_link.c). */

/* Its thread ends when the bus does. ERR_CONFIG, ERR_SYSTEM: said why; done all the same. */
[[nodiscard]] enum err nats_link_start(struct nats_link *link, struct nats_bus *n,
    const struct nats_link_ops *ops, const struct bus_nats_plan *plan, struct diag *why);

/* Waits for the thread; the bus is ending. */
void nats_link_done(struct nats_link *link);

/* The session is to end, or the bus. With the lock held. */
static inline bool nats_link_is_over(const struct nats_link *link)
{
    return link->is_lost || link->bus->is_ending;
}

/* With the lock held. The first reason is the one that tells something. */
void nats_link_lose(struct nats_link *link, const char *why);

/* Once in a session. The closure is the link. */
natsStatus nats_link_subscribe(
    struct nats_link *link, const char *subject, natsMsgHandler on_message);

struct nats_link *nats_link_of_closure(void *closure);

/* What this thread's last call of libnats, that failed, said. */
const char *nats_thread_error(natsStatus otherwise);

/* The log. */

extern const struct nats_link_ops NATS_LOG_OPS;

void nats_log_init(struct nats_bus *n);

/* For the thread that reads (nats_reader.c), and it. */
void nats_log_close(struct nats_bus *n, const char *why); // orders are refused
bool nats_log_is_ours(natsMsg *msg);
void *nats_log_run(void *argument); // the link

/* The bus_ops's. */
void nats_log_attend(struct bus *bus);
