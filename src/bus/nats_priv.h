// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What the parts of the NATS back end share: its sessions and lanes (nats.c),
 * and its log (nats_log.c, nats_reader.c). */

#include <nats/nats.h>

#include "bus/bus_priv.h"
#include "bus/subject.h"

enum { NATS_ANSWER_MS = 1000 }; // for a server to take a connection, or to answer

/* The log as the lanes' thread sees it. */
struct nats_log {
    char subject[SUBJECT_MAX], stream[SUBJECT_MAX];
    enum { NATS_LOG_UNKNOWN, NATS_LOG_OPEN, NATS_LOG_CLOSED } state;
    char why[BUS_WHY_MAX];    // it is closed
    char denied[BUS_WHY_MAX]; // what the server told us in this session that we may not do
    char inbox[SUBJECT_MAX];  // where answers come, with the key of the question behind it
    bool is_wanted;           // somebody follows, or gives orders
    uint64_t era;
    uint64_t visits; // of the loop to the desk, so that none is overlooked
};

struct nats_bus {
    struct bus bus;
    unsigned tag; // what comes back from libnats is one of these
    struct slice network;
    char all[SUBJECT_MAX];
    char subjects[BUS_LANE_COUNT][SUBJECT_MAX];
    struct endpoint servers[BUS_SERVERS_MAX];
    size_t server_count;
    natsOptions *options;
    pthread_t thread;

    pthread_mutex_t lock; // of all below
    pthread_cond_t changed;
    bool is_ending;
    struct queue out;
    uint64_t out_full, out_too_large; // dropped by the thread, to be counted by the loop
    bool is_lost;                     // the session is of no use any more
    bool is_closed;                   // libnats calls back no more, once nothing drains
    unsigned draining;                // subscriptions that may call back
    char why[BUS_WHY_MAX];
    struct nats_log log;
};

struct nats_bus *nats_of_closure(void *closure);

/* Says that something changed, to both threads. With the lock held. */
static inline void nats_changed(struct nats_bus *n)
{
    pthread_cond_broadcast(&n->changed);
}

/* Until then, or until something changed; false: the time is past. With the lock held. */
bool nats_wait(struct nats_bus *n, const struct timespec *until);
struct timespec nats_after_ms(uint64_t wait_ms);
int64_t nats_now_ms(void);

/* On libnats' threads, and on ours: the subscription calls back until this is told to be over. */
natsStatus nats_drains(struct nats_bus *n, natsSubscription *subscription);

const char *nats_thread_error(natsStatus otherwise);

/* One session's log: a thread of its own, as the lanes do not wait for what a log has to say. */
struct nats_log_session {
    struct nats_bus *bus;
    natsConnection *connection;
    natsSubscription *answers; // NULL: not yet
    pthread_t thread;
    bool is_running;
};

void nats_log_init(struct nats_bus *n);

/* False: no thread to be had. */
bool nats_log_begin(
    struct nats_log_session *session, struct nats_bus *n, natsConnection *connection);

/* When the connection is closed. */
void nats_log_end(struct nats_log_session *session);
void nats_log_done(struct nats_log_session *session); // when nothing drains any more

/* On the lanes' thread: puts the next order that waits into the log; false: there is none that
 * could be. */
bool nats_log_send(struct nats_bus *n, natsConnection *connection);

/* True when this refusal of the server is about the log alone. */
bool nats_log_is_denied(struct nats_bus *n, const char *why);

/* For the thread that reads (nats_reader.c), and it. */
void nats_log_close(struct nats_bus *n, const char *why);     // orders are refused
natsStatus nats_log_listen(struct nats_log_session *session); // for answers; once
bool nats_log_is_ours(natsMsg *msg);
void *nats_log_run(void *argument); // the session

/* The bus_ops's. */
void nats_log_attend(struct bus *bus);
