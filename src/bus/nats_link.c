// SPDX-License-Identifier: Apache-2.0
/*
 * Connections to NATS: one server at a time, in turn, with what is done over them left to others.
 *
 * Connections are made by us, and not made again by libnats: so there is one way in and one way
 * out, each failure has its reason, and nothing is kept for a server that may come back much later.
 *
 * libnats' threads touch what the lock guards, and what others do in their call-backs. Before a
 * session ends, both its last calls have come (on_closed, on_drained): nothing of libnats comes
 * back to a bus that is gone.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "bus/nats_priv.h"

enum {
    NATS_LINK_TAG = 0x6e617473,
    WRITE_MS = 200,       // for a server to take bytes
    PING_MS = 1000,       // how often a silent server is asked
    PINGS_OUT_MAX = 2,    // so many without an answer: it is gone
    RETRY_MS = 250,       // after all servers were tried, and up to twice as much
    SHORT_MS = 5000,      // a session that lasts no longer than that
    SHORT_COUNT_MAX = 4,  // times that such sessions double the wait
    FILE_NAME_MAX = 4096, // with the terminating zero
};

struct nats_link *nats_link_of_closure(void *closure)
{
    struct nats_link *link = closure;

    assert(link->tag == NATS_LINK_TAG);
    return link;
}

int64_t nats_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
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

bool nats_wait_until(struct nats_bus *n, const struct timespec *until)
{
    return pthread_cond_timedwait(&n->changed, &n->lock, until) != ETIMEDOUT;
}

void nats_link_lose(struct nats_link *link, const char *why)
{
    if (!link->is_lost)
        snprintf(link->why, sizeof link->why, "%s", why);
    link->is_lost = true;
    nats_changed(link->bus);
}

static const char *last_error(natsConnection *connection, natsStatus otherwise)
{
    const char *text = NULL;
    natsStatus status = natsConnection_GetLastError(connection, &text);

    if (text != NULL && text[0] != '\0')
        return text;
    return natsStatus_GetText(status == NATS_OK ? otherwise : status);
}

/* libnats puts a place in its own source before what it says. */
const char *nats_thread_error(natsStatus otherwise)
{
    natsStatus status;
    const char *text = nats_GetLastError(&status);

    if (text == NULL || text[0] == '\0')
        return natsStatus_GetText(otherwise);
    const char *place = text[0] == '(' ? strstr(text, "): ") : NULL;

    return place == NULL ? text : place + 3;
}

/* The three that follow are called on libnats' threads. */
static void on_closed(natsConnection *connection, void *closure)
{
    struct nats_link *link = nats_link_of_closure(closure);
    const char *why = last_error(connection, NATS_CONNECTION_CLOSED);

    nats_lock(link->bus);
    link->is_closed = true;
    nats_link_lose(link, why);
    nats_unlock(link->bus);
}

static void on_drained(void *closure)
{
    struct nats_link *link = nats_link_of_closure(closure);

    nats_lock(link->bus);
    link->is_drained = true;
    nats_changed(link->bus);
    nats_unlock(link->bus);
}

/* What libnats tells beside the connection's end: we read too slowly, or may not do something. */
static void on_error(
    natsConnection *connection, natsSubscription *, natsStatus status, void *closure)
{
    struct nats_link *link = nats_link_of_closure(closure);

    if (status == NATS_SLOW_CONSUMER) {
        inbox_count_full(&link->bus->bus.inbox);
        return;
    }
    const char *why = last_error(connection, status);

    nats_lock(link->bus);
    if (status == NATS_NOT_PERMITTED && link->ops->deny != NULL)
        link->ops->deny(link, why);
    else
        nats_link_lose(link, why);
    nats_unlock(link->bus);
}

natsStatus nats_link_subscribe(
    struct nats_link *link, const char *subject, natsMsgHandler on_message)
{
    natsStatus status =
        natsConnection_Subscribe(&link->subscription, link->connection, subject, on_message, link);

    if (status != NATS_OK)
        return status;
    nats_lock(link->bus);
    link->is_drained = false;
    nats_unlock(link->bus);
    if (natsSubscription_SetOnCompleteCB(link->subscription, on_drained, link) != NATS_OK)
        on_drained(link); // the connection is gone already, and with it the subscription
    return natsSubscription_SetPendingLimits(
        link->subscription, BUS_QUEUE_MAX, BUS_QUEUE_BYTES_MAX);
}

static natsStatus session_open(struct nats_link *link, const struct endpoint *server)
{
    char address[ENDPOINT_TEXT_MAX], url[ENDPOINT_TEXT_MAX + 8];
    natsStatus status;

    nats_lock(link->bus);
    link->is_lost = link->is_closed = false;
    link->is_drained = true;
    nats_unlock(link->bus);
    snprintf(url, sizeof url, "nats://%s", endpoint_text(server, address));
    status = natsOptions_SetURL(link->options, url);
    if (status == NATS_OK)
        status = natsConnection_Connect(&link->connection, link->options);
    if (status == NATS_OK)
        status = link->ops->open(link);
    return status;
}

static void session_close(struct nats_link *link)
{
    if (link->connection == NULL)
        return;
    natsConnection_Close(link->connection);
    nats_lock(link->bus);
    while (!link->is_closed || !link->is_drained)
        nats_wait(link->bus);
    nats_unlock(link->bus);
    natsSubscription_Destroy(link->subscription);
    natsConnection_Destroy(link->connection);
    link->subscription = NULL;
    link->connection = NULL;
}

/* Why there is no session. */
static const char *failure(const struct nats_link *link, natsStatus status)
{
    return link->connection == NULL ? nats_thread_error(status)
                                    : last_error(link->connection, status);
}

/* Nobody changes `why` once the session is lost. */
static void tell_lost(struct nats_link *link, const struct endpoint *server)
{
    char address[ENDPOINT_TEXT_MAX], text[ENDPOINT_TEXT_MAX + BUS_WHY_MAX];

    snprintf(text, sizeof text, "%s: %s", endpoint_text(server, address), link->why);
    if (link->ops->tell_lost != NULL)
        link->ops->tell_lost(link, text);
}

/* One session with one server, from beginning to end. Returns for how long there was a way, -1
 * where there was none. */
static int64_t serve(struct nats_link *link, const struct endpoint *server)
{
    natsStatus status = session_open(link, server);
    const char *why = status == NATS_OK ? "" : failure(link, status);
    int64_t begin_ms = nats_now_ms(), end_ms;

    if (status == NATS_OK)
        link->ops->run(link);
    end_ms = nats_now_ms();
    nats_lock(link->bus);
    if (status != NATS_OK)
        nats_link_lose(link, why);
    bool is_lost = link->is_lost;

    nats_unlock(link->bus);
    if (is_lost)
        tell_lost(link, server); // first: closing waits for what libnats has under way
    session_close(link);
    return status == NATS_OK ? end_ms - begin_ms : -1;
}

/* Both return false when the bus ends. */
static bool wait_ms(struct nats_bus *n, uint64_t wait_ms)
{
    struct timespec until = nats_after_ms(wait_ms);

    nats_lock(n);
    while (!n->is_ending && nats_wait_until(n, &until))
        ;
    bool goes_on = !n->is_ending;

    nats_unlock(n);
    return goes_on;
}

static bool wait_wanted(struct nats_link *link)
{
    struct nats_bus *n = link->bus;

    nats_lock(n);
    while (!n->is_ending && !link->is_wanted)
        nats_wait(n);
    bool goes_on = !n->is_ending;

    nats_unlock(n);
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
    struct nats_link *link = argument;
    struct nats_bus *n = link->bus;
    uint64_t seed = hash_bytes(n->bus.node, 0), tries = 0;
    unsigned short_count = 0; // sessions in a row

    pthread_setname_np(pthread_self(), link->ops->name);
    bool goes_on = wait_wanted(link);

    while (goes_on) {
        int64_t lasted_ms = serve(link, &n->servers[(seed + tries) % n->server_count]);
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
static natsStatus set_rest(struct nats_link *link)
{
    natsOptions *o = link->options;
    bool is_set = natsOptions_SetName(o, link->bus->bus.node.at) == NATS_OK &&
                  natsOptions_SetAllowReconnect(o, false) == NATS_OK &&
                  natsOptions_SetTimeout(o, NATS_ANSWER_MS) == NATS_OK &&
                  natsOptions_SetWriteDeadline(o, WRITE_MS) == NATS_OK &&
                  natsOptions_SetPingInterval(o, PING_MS) == NATS_OK &&
                  natsOptions_SetMaxPingsOut(o, PINGS_OUT_MAX) == NATS_OK &&
                  natsOptions_SetSendAsap(o, true) == NATS_OK && // a tenth of the time it takes
                  natsOptions_SetNoEcho(o, true) == NATS_OK &&
                  natsOptions_SetClosedCB(o, on_closed, link) == NATS_OK &&
                  natsOptions_SetErrorHandler(o, on_error, link) == NATS_OK;

    return is_set ? NATS_OK : NATS_NO_MEMORY;
}

static enum err set_options(
    struct nats_link *link, const struct bus_nats_plan *plan, struct diag *why)
{
    natsStatus status = natsOptions_Create(&link->options);

    if (status == NATS_OK)
        status = set_rest(link);
    if (status == NATS_OK)
        status = set_credentials(link->options, plan);
    if (status != NATS_OK) {
        diag_say(why, "libnats: %s", natsStatus_GetText(status));
        return ERR_SYSTEM;
    }
    return plan->is_tls || plan->ca.length > 0 ? set_tls(link->options, plan, why) : ERR_NONE;
}

enum err nats_link_start(struct nats_link *link, struct nats_bus *n,
    const struct nats_link_ops *ops, const struct bus_nats_plan *plan, struct diag *why)
{
    link->tag = NATS_LINK_TAG;
    link->ops = ops;
    link->bus = n;
    TRY(set_options(link, plan, why));
    link->is_running = pthread_create(&link->thread, NULL, run, link) == 0;
    if (link->is_running)
        return ERR_NONE;
    diag_say(why, "no thread for the bus");
    return ERR_SYSTEM;
}

void nats_link_done(struct nats_link *link)
{
    if (link->is_running)
        pthread_join(link->thread, NULL);
    natsOptions_Destroy(link->options);
}
