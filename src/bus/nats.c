// SPDX-License-Identifier: Apache-2.0
/*
 * The back end of many machines: NATS, core publish and subscribe.
 *
 *     loop ──▶ queue out ──▶ our thread ──▶ libnats ──▶ server
 *     loop ◀── inbox ◀────── libnats' threads, which call on_message and the like
 *
 * No call of libnats is quick for sure: a publish waits for a server that hangs, and anything at
 * all waits while a connection is being made. So our thread alone calls it. Connections are made by
 * us, one server at a time, and not made again by libnats: so there is one way in and one way out,
 * each failure has its reason, and nothing is kept for a server that may come back much later. What
 * waits when the way is found is cut to the newest of each lane: older states are of no use to
 * anybody.
 *
 * libnats' threads touch what `lock` guards and the inbox. Before a session ends, both its last
 * calls have come (on_closed, on_drained): nothing of libnats comes back to a bus that is gone.
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "bus/nats_priv.h"

enum {
    NATS_BUS_TAG = 0x6e617473,
    WRITE_MS = 200,       // for a server to take bytes
    PING_MS = 1000,       // how often a silent server is asked
    PINGS_OUT_MAX = 2,    // so many without an answer: it is gone
    RETRY_MS = 250,       // after all servers were tried, and up to twice as much
    SHORT_MS = 5000,      // a session that lasts no longer than that
    SHORT_COUNT_MAX = 4,  // times that such sessions double the wait
    FILE_NAME_MAX = 4096, // with the terminating zero
};

static struct nats_bus *nats_of(struct bus *bus)
{
    return container_of(bus, struct nats_bus, bus);
}

struct nats_bus *nats_of_closure(void *closure)
{
    struct nats_bus *n = closure;

    assert(n->tag == NATS_BUS_TAG);
    return n;
}

static void lock(struct nats_bus *n)
{
    pthread_mutex_lock(&n->lock);
}

static void unlock(struct nats_bus *n)
{
    pthread_mutex_unlock(&n->lock);
}

/* The four that follow are called on libnats' threads. */
static void on_message(natsConnection *, natsSubscription *, natsMsg *msg, void *closure)
{
    struct nats_bus *n = nats_of_closure(closure);
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

/* With the lock held. The first reason is the one that tells something. */
static void lose(struct nats_bus *n, const char *why)
{
    if (!n->is_lost)
        snprintf(n->why, sizeof n->why, "%s", why);
    n->is_lost = true;
    nats_changed(n);
}

static const char *last_error(natsConnection *connection, natsStatus otherwise)
{
    const char *text = NULL;
    natsStatus status = natsConnection_GetLastError(connection, &text);

    if (text != NULL && text[0] != '\0')
        return text;
    return natsStatus_GetText(status == NATS_OK ? otherwise : status);
}

/* The same of a call that is not about a connection. libnats puts a place in its own source before
 * what it says. */
const char *nats_thread_error(natsStatus otherwise)
{
    natsStatus status;
    const char *text = nats_GetLastError(&status);

    if (text == NULL || text[0] == '\0')
        return natsStatus_GetText(otherwise);
    const char *place = text[0] == '(' ? strstr(text, "): ") : NULL;

    return place == NULL ? text : place + 3;
}

static void on_closed(natsConnection *connection, void *closure)
{
    struct nats_bus *n = nats_of_closure(closure);
    const char *why = last_error(connection, NATS_CONNECTION_CLOSED);

    lock(n);
    n->is_closed = true;
    lose(n, why);
    unlock(n);
}

static void on_drained(void *closure)
{
    struct nats_bus *n = nats_of_closure(closure);

    lock(n);
    n->draining--;
    nats_changed(n);
    unlock(n);
}

/* What libnats tells beside the connection's end: we read too slowly, or may not read at all. */
static void on_error(
    natsConnection *connection, natsSubscription *, natsStatus status, void *closure)
{
    struct nats_bus *n = nats_of_closure(closure);

    if (status == NATS_SLOW_CONSUMER) {
        inbox_count_full(&n->bus.inbox);
        return;
    }
    const char *why = last_error(connection, status);

    lock(n);
    if (status != NATS_NOT_PERMITTED || !nats_log_is_denied(n, why))
        lose(n, why);
    unlock(n);
}

natsStatus nats_drains(struct nats_bus *n, natsSubscription *subscription)
{
    lock(n);
    n->draining++;
    unlock(n);
    if (natsSubscription_SetOnCompleteCB(subscription, on_drained, n) != NATS_OK)
        on_drained(n); // the connection is gone already, and with it the subscription
    return natsSubscription_SetPendingLimits(subscription, BUS_QUEUE_MAX, BUS_QUEUE_BYTES_MAX);
}

/* One connection. All that has to do with it is done on our thread. */
struct session {
    natsConnection *connection;
    natsSubscription *subscription;
    struct nats_log_session log;
};

static natsStatus subscribe(struct nats_bus *n, struct session *s)
{
    const char *why;
    natsStatus status =
        natsConnection_Subscribe(&s->subscription, s->connection, n->all, on_message, n);

    if (status != NATS_OK)
        return status;
    status = nats_drains(n, s->subscription);
    // There and back, so that the server has taken the subscription, or said why not.
    if (status == NATS_OK)
        status = natsConnection_FlushTimeout(s->connection, NATS_ANSWER_MS);
    return status == NATS_OK ? natsConnection_GetLastError(s->connection, &why) : status;
}

static void session_close(struct nats_bus *n, struct session *s)
{
    if (s->connection == NULL)
        return;
    natsConnection_Close(s->connection);
    nats_log_end(&s->log);
    lock(n);
    while (!n->is_closed || n->draining > 0)
        pthread_cond_wait(&n->changed, &n->lock);
    unlock(n);
    nats_log_done(&s->log);
    natsSubscription_Destroy(s->subscription);
    natsConnection_Destroy(s->connection);
}

static natsStatus session_open(struct nats_bus *n, const struct endpoint *server, struct session *s)
{
    char address[ENDPOINT_TEXT_MAX], url[ENDPOINT_TEXT_MAX + 8];
    natsStatus status;

    lock(n);
    n->is_lost = n->is_closed = false;
    unlock(n);
    snprintf(url, sizeof url, "nats://%s", endpoint_text(server, address));
    status = natsOptions_SetURL(n->options, url);
    if (status == NATS_OK)
        status = natsConnection_Connect(&s->connection, n->options);
    if (status == NATS_OK)
        status = subscribe(n, s);
    return status;
}

/* Nobody changes `why` once the session is lost. */
static void tell_lost(struct nats_bus *n, const struct endpoint *server)
{
    char address[ENDPOINT_TEXT_MAX], text[ENDPOINT_TEXT_MAX + BUS_WHY_MAX];

    snprintf(text, sizeof text, "%s: %s", endpoint_text(server, address), n->why);
    inbox_tell(&n->bus.inbox, false, text);
}

static void send(struct nats_bus *n, struct session *s, struct message *m)
{
    natsStatus status = natsConnection_Publish(
        s->connection, n->subjects[m->lane], m->payload.at, (int)m->payload.length);

    if (status == NATS_OK)
        counter_up(&n->bus.counts.sent);
    lock(n);
    if (status == NATS_MAX_PAYLOAD)
        n->out_too_large++; // for this server, which could take more if it were told to
    else if (status != NATS_OK)
        lose(n, natsStatus_GetText(status));
    unlock(n);
    message_unref(m);
}

/* Sends what is queued, and the orders, until the session is lost, or the bus ends. */
static void session_run(struct nats_bus *n, struct session *s)
{
    lock(n);
    if (!n->is_lost) {
        n->out_full += queue_keep_newest(&n->out);
        inbox_tell(&n->bus.inbox, true, "");
    }
    while (!n->is_lost && !n->is_ending) {
        struct message *m = queue_pop(&n->out);
        uint64_t visits = n->log.visits;

        unlock(n);
        if (m != NULL)
            send(n, s, m);
        bool has_sent = nats_log_send(n, s->connection);

        lock(n);
        while (m == NULL && !has_sent && n->out.count == 0 && visits == n->log.visits &&
               !n->is_lost && !n->is_ending)
            pthread_cond_wait(&n->changed, &n->lock);
    }
    unlock(n);
}

/* Why there is no session. */
static const char *failure(const struct session *s, natsStatus status)
{
    return s->connection == NULL ? nats_thread_error(status) : last_error(s->connection, status);
}

int64_t nats_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One session with one server, from beginning to end. Returns for how long there was a way, -1
 * where there was none. */
static int64_t serve(struct nats_bus *n, const struct endpoint *server)
{
    struct session s = { 0 };
    natsStatus status = session_open(n, server, &s);
    const char *why = status == NATS_OK ? "" : failure(&s, status);
    int64_t begin_ms = nats_now_ms(), end_ms;

    if (status == NATS_OK) {
        nats_log_begin(&s.log, n, s.connection);
        session_run(n, &s);
    }
    end_ms = nats_now_ms();
    lock(n);
    if (status != NATS_OK)
        lose(n, why);
    bool is_lost = n->is_lost;

    unlock(n);
    if (is_lost)
        tell_lost(n, server); // first: closing waits for what libnats has under way
    session_close(n, &s);
    return status == NATS_OK ? end_ms - begin_ms : -1;
}

struct timespec nats_after_ms(uint64_t wait_ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    until.tv_sec += (time_t)(wait_ms / 1000) + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return until;
}

bool nats_wait(struct nats_bus *n, const struct timespec *until)
{
    return pthread_cond_timedwait(&n->changed, &n->lock, until) != ETIMEDOUT;
}

/* False: the bus ends. */
static bool wait_ms(struct nats_bus *n, uint64_t wait_ms)
{
    struct timespec until = nats_after_ms(wait_ms);

    lock(n);
    while (!n->is_ending && nats_wait(n, &until))
        ;
    bool goes_on = !n->is_ending;

    unlock(n);
    return goes_on;
}

/*
 * Each node begins with another server, and comes back at another time, so that a server that went
 * down does not make all of them come to the next at once. A way that never lasts is taken ever
 * more seldom: a server that takes us in and then objects would otherwise be all that we talk
 * about.
 */
static void *run(void *argument)
{
    struct nats_bus *n = argument;
    uint64_t seed = hash_bytes(n->bus.node, 0), tries = 0;
    unsigned short_count = 0; // sessions in a row
    bool goes_on = true;

    pthread_setname_np(pthread_self(), "bus");
    while (goes_on) {
        int64_t lasted_ms = serve(n, &n->servers[(seed + tries) % n->server_count]);
        bool is_round = ++tries % n->server_count == 0;
        uint64_t draw = hash_mix(seed + tries), wait = 0;

        if (lasted_ms >= SHORT_MS)
            short_count = 0;
        else if (lasted_ms >= 0 && short_count < SHORT_COUNT_MAX)
            short_count++;
        if (lasted_ms >= 0 || is_round)
            wait = (RETRY_MS + draw % RETRY_MS) << short_count;
        goes_on = wait_ms(n, wait);
    }
    nats_ReleaseThreadMemory();
    return NULL;
}

static void publish(struct bus *bus, struct message *message)
{
    struct nats_bus *n = nats_of(bus);
    uint64_t full, too_large;

    lock(n);
    full = n->out_full + queue_push(&n->out, message);
    too_large = n->out_too_large;
    n->out_full = n->out_too_large = 0;
    nats_changed(n);
    unlock(n);
    counter_add(&bus->counts.full_out, full);
    counter_add(&bus->counts.too_large, too_large);
}

static void nats_bus_free(struct nats_bus *n)
{
    queue_done(&n->out);
    natsOptions_Destroy(n->options);
    pthread_cond_destroy(&n->changed);
    pthread_mutex_destroy(&n->lock);
    mem_free((void *)(uintptr_t)n->network.at); // ours: prepare made it
    bus_done(&n->bus);
    mem_free(n);
}

static void leave(struct bus *bus)
{
    struct nats_bus *n = nats_of(bus);

    lock(n);
    n->is_ending = true;
    nats_changed(n);
    unlock(n);
    pthread_join(n->thread, NULL);
    nats_bus_free(n);
}

static const struct bus_ops NATS_OPS = {
    .attend = nats_log_attend, .publish = publish, .free = leave
};

/* Terminated, as libnats wants it; empty where there is no such text. */
struct text {
    char bytes[FILE_NAME_MAX];
};

static struct text text_of(struct slice slice)
{
    struct text text = { "" };

    snprintf(text.bytes, sizeof text.bytes, "%.*s", SLICE_ARG(slice));
    return text;
}

/* libnats has no words for a file that is not there. */
static enum err check_file(const char *path, struct diag *why)
{
    if (path[0] == '\0' || access(path, R_OK) == 0)
        return ERR_NONE;
    diag_say(why, "%s: %s", path, strerror(errno));
    return ERR_CONFIG;
}

static enum err set_tls(natsOptions *options, const struct bus_nats_plan *plan, struct diag *why)
{
    struct text ca = text_of(plan->ca), cert = text_of(plan->cert), key = text_of(plan->key);
    natsStatus status = natsOptions_SetSecure(options, true);
    const char *file = ca.bytes;

    TRY(check_file(ca.bytes, why));
    TRY(check_file(cert.bytes, why));
    TRY(check_file(key.bytes, why));
    if (status == NATS_OK && plan->ca.length > 0)
        status = natsOptions_LoadCATrustedCertificates(options, ca.bytes);
    if (status == NATS_OK && plan->cert.length > 0) {
        file = cert.bytes;
        status = natsOptions_LoadCertificatesChain(options, cert.bytes, key.bytes);
    }
    if (status == NATS_OK)
        return ERR_NONE;
    diag_say(why, "%s: %s", file, nats_thread_error(status));
    return ERR_CONFIG;
}

static natsStatus set_credentials(natsOptions *options, const struct bus_nats_plan *plan)
{
    natsStatus status = NATS_OK;

    if (plan->user.length > 0)
        status = natsOptions_SetUserInfo(
            options, text_of(plan->user).bytes, text_of(plan->password).bytes);
    if (status == NATS_OK && plan->token.length > 0)
        status = natsOptions_SetToken(options, text_of(plan->token).bytes);
    return status;
}

/* The plain ones can fail for lack of memory alone. */
static natsStatus set_rest(struct nats_bus *n)
{
    natsOptions *o = n->options;
    bool is_set = natsOptions_SetName(o, n->bus.node.at) == NATS_OK &&
                  natsOptions_SetAllowReconnect(o, false) == NATS_OK &&
                  natsOptions_SetTimeout(o, NATS_ANSWER_MS) == NATS_OK &&
                  natsOptions_SetWriteDeadline(o, WRITE_MS) == NATS_OK &&
                  natsOptions_SetPingInterval(o, PING_MS) == NATS_OK &&
                  natsOptions_SetMaxPingsOut(o, PINGS_OUT_MAX) == NATS_OK &&
                  natsOptions_SetSendAsap(o, true) == NATS_OK && // a tenth of the time it takes
                  natsOptions_SetNoEcho(o, true) == NATS_OK &&
                  natsOptions_SetClosedCB(o, on_closed, n) == NATS_OK &&
                  natsOptions_SetErrorHandler(o, on_error, n) == NATS_OK;

    return is_set ? NATS_OK : NATS_NO_MEMORY;
}

static enum err set_options(struct nats_bus *n, const struct bus_nats_plan *plan, struct diag *why)
{
    natsStatus status = natsOptions_Create(&n->options);

    if (status == NATS_OK)
        status = set_rest(n);
    if (status == NATS_OK)
        status = set_credentials(n->options, plan);
    if (status != NATS_OK) {
        diag_say(why, "libnats: %s", natsStatus_GetText(status));
        return ERR_SYSTEM;
    }
    return plan->is_tls || plan->ca.length > 0 ? set_tls(n->options, plan, why) : ERR_NONE;
}

static struct nats_bus *prepare(
    const struct bus_nats_plan *plan, struct loop *loop, struct bus_user *user)
{
    struct nats_bus *n = mem_new(struct nats_bus);
    pthread_condattr_t attributes;

    assert(plan->server_count > 0 && plan->server_count <= BUS_SERVERS_MAX);
    bus_init(&n->bus, &NATS_OPS, loop, plan->node, user);
    n->tag = NATS_BUS_TAG;
    n->network = slice_of(mem_text(plan->network.at, plan->network.length), plan->network.length);
    subject_write_all(n->all, n->network);
    for (unsigned i = 0; i < BUS_LANE_COUNT; i++)
        subject_write(n->subjects[i], n->network, (enum bus_lane)i, n->bus.node);
    nats_log_init(n);
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

    // Neither our thread nor those that libnats starts with its first call are for signals.
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    enum err err = set_options(n, plan, why);

    if (err == ERR_NONE && pthread_create(&n->thread, NULL, run, n) != 0) {
        diag_say(why, "no thread for the bus");
        err = ERR_SYSTEM;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err != ERR_NONE) {
        nats_bus_free(n);
        return err;
    }
    *bus = &n->bus;
    return ERR_NONE;
}
