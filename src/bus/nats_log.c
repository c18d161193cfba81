// SPDX-License-Identifier: Apache-2.0
/*
 * The log of many machines: a stream of JetStream, which numbers what comes to the subject of the
 * network's orders. Here: orders go to it, by the lanes' thread, each with a place for its answer,
 * and nothing waits for that. How they come from it: nats_reader.c.
 */
#include <stdio.h>

#include "base/mem.h"
#include "bus/nats_ack.h"
#include "bus/nats_priv.h"

enum { ID_TEXT_SIZE = 2 * BUS_ORDER_ID_SIZE + 1, KEY_TEXT_SIZE = 24 };

static const char ID_HEADER[] = "Nats-Msg-Id";

static void lock(struct nats_bus *n)
{
    pthread_mutex_lock(&n->lock);
}

static void unlock(struct nats_bus *n)
{
    pthread_mutex_unlock(&n->lock);
}

void nats_log_init(struct nats_bus *n)
{
    subject_write_log(n->log.subject, n->network);
    subject_write_stream(n->log.stream, n->network);
}

void nats_log_attend(struct bus *bus)
{
    struct nats_bus *n = container_of(bus, struct nats_bus, bus);

    lock(n);
    n->log.is_wanted = true;
    n->log.visits++;
    nats_changed(n);
    unlock(n);
}

/* The lanes' subjects are named in what is said about them. */
bool nats_log_is_denied(struct nats_bus *n, const char *why)
{
    if (strstr(why, n->all) != NULL)
        return false;
    for (unsigned i = 0; i < BUS_LANE_COUNT; i++) {
        if (strstr(why, n->subjects[i]) != NULL)
            return false;
    }
    snprintf(n->log.denied, sizeof n->log.denied, "%s", why);
    return true;
}

static void id_write(char *text, const unsigned char *id)
{
    for (size_t i = 0; i < BUS_ORDER_ID_SIZE; i++)
        sprintf(text + 2 * i, "%02x", id[i]);
}

static natsStatus send_order(
    struct nats_bus *n, natsConnection *connection, const struct desk_question *q)
{
    char id[ID_TEXT_SIZE], reply[SUBJECT_MAX + KEY_TEXT_SIZE];
    natsMsg *msg = NULL;

    id_write(id, q->id);
    lock(n);
    snprintf(reply, sizeof reply, "%s.%llu", n->log.inbox, (unsigned long long)q->key);
    unlock(n);
    natsStatus status =
        natsMsg_Create(&msg, n->log.subject, reply, q->payload.at, (int)q->payload.length);

    if (status == NATS_OK)
        status = natsMsgHeader_Set(msg, ID_HEADER, id);
    if (status == NATS_OK)
        status = natsConnection_PublishMsg(connection, msg);
    natsMsg_Destroy(msg);
    return status;
}

bool nats_log_send(struct nats_bus *n, natsConnection *connection)
{
    struct desk_question q;
    char why[BUS_WHY_MAX];

    lock(n);
    bool is_open = n->log.state == NATS_LOG_OPEN, is_closed = n->log.state == NATS_LOG_CLOSED;

    memcpy(why, n->log.why, sizeof why);
    unlock(n);
    if (is_closed)
        desk_refuse(&n->bus.desk, ERR_UNREACHABLE, why);
    if (!is_open || !desk_fetch(&n->bus.desk, &q))
        return false;
    natsStatus status = send_order(n, connection, &q);

    // Where it failed otherwise, it may be on its way all the same: then nobody answers.
    if (status == NATS_MAX_PAYLOAD)
        desk_answer(&n->bus.desk, q.key,
            &(struct desk_answer){ .err = ERR_LIMIT, .why = "more than the NATS server takes" });
    else if (status == NATS_CONNECTION_CLOSED)
        desk_answer(&n->bus.desk, q.key,
            &(struct desk_answer){ .err = ERR_UNREACHABLE, .why = "the NATS server is gone" });
    mem_free((void *)(uintptr_t)q.payload.at); // the desk's, and ours now
    return true;
}

static bool is_no_responder(natsMsg *msg)
{
    const char *status = NULL;

    return natsMsg_GetDataLength(msg) == 0 &&
           natsMsgHeader_Get(msg, "Status", &status) == NATS_OK && strcmp(status, "503") == 0;
}

static struct desk_answer answer_of(struct nats_bus *n, natsMsg *msg)
{
    struct slice bytes = slice_of(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg));
    struct desk_answer answer = { .err = ERR_TIMEOUT,
        .why = "the stream's answer cannot be read: it may have taken the order" };
    struct nats_ack ack;

    if (is_no_responder(msg)) {
        answer.err = ERR_UNREACHABLE;
        snprintf(answer.why, sizeof answer.why, "the NATS server keeps the log no more");
    } else if (nats_ack_read(bytes, &ack) && ack.number == 0) {
        answer.err = ERR_REFUSED;
        snprintf(answer.why, sizeof answer.why, "the NATS server did not take it: %.*s",
            SLICE_ARG(slice_head(ack.error, 100)));
    } else if (nats_ack_read(bytes, &ack)) {
        answer = (struct desk_answer){ .err = ERR_NONE, .number = ack.number };
        lock(n);
        answer.era = n->log.era;
        unlock(n);
    }
    return answer;
}

/* On a thread of libnats. */
static void on_answer(natsConnection *, natsSubscription *, natsMsg *msg, void *closure)
{
    struct nats_bus *n = nats_of_closure(closure);
    const char *subject = natsMsg_GetSubject(msg), *dot = strrchr(subject, '.');
    struct desk_answer answer = answer_of(n, msg);
    uint64_t key;

    if (dot != NULL && slice_number(slice_text(dot + 1), UINT64_MAX, &key))
        desk_answer(&n->bus.desk, key, &answer);
    else
        inbox_count_malformed(&n->bus.inbox);
    natsMsg_Destroy(msg);
}

bool nats_log_is_ours(natsMsg *msg)
{
    const char *id = NULL;
    int length = natsMsg_GetDataLength(msg);

    return length > 0 && length <= BUS_ORDER_MAX &&
           natsMsgHeader_Get(msg, ID_HEADER, &id) == NATS_OK && strlen(id) == ID_TEXT_SIZE - 1 &&
           strspn(id, "0123456789abcdef") == ID_TEXT_SIZE - 1;
}

void nats_log_close(struct nats_bus *n, const char *why)
{
    lock(n);
    n->log.state = NATS_LOG_CLOSED;
    snprintf(n->log.why, sizeof n->log.why, "%.*s", BUS_WHY_MAX - 1, why);
    n->log.visits++; // somebody may wait at the desk
    nats_changed(n);
    unlock(n);
    desk_tell_behind(&n->bus.desk, true);
}

natsStatus nats_log_listen(struct nats_log_session *session)
{
    struct nats_bus *n = session->bus;
    char subject[SUBJECT_MAX + KEY_TEXT_SIZE];
    natsInbox *inbox = NULL;

    if (session->answers != NULL)
        return NATS_OK;
    natsStatus status = natsInbox_Create(&inbox);

    if (status != NATS_OK)
        return status;
    lock(n);
    snprintf(n->log.inbox, sizeof n->log.inbox, "%s", inbox);
    unlock(n);
    snprintf(subject, sizeof subject, "%s.*", inbox);
    natsInbox_Destroy(inbox);
    status =
        natsConnection_Subscribe(&session->answers, session->connection, subject, on_answer, n);
    return status == NATS_OK ? nats_drains(n, session->answers) : status;
}

bool nats_log_begin(
    struct nats_log_session *session, struct nats_bus *n, natsConnection *connection)
{
    session->bus = n;
    session->connection = connection;
    lock(n);
    n->log.denied[0] = '\0';
    unlock(n);
    session->is_running = pthread_create(&session->thread, NULL, nats_log_run, session) == 0;
    return session->is_running;
}

void nats_log_end(struct nats_log_session *session)
{
    struct nats_bus *n = session->bus;

    if (!session->is_running)
        return;
    pthread_join(session->thread, NULL);
    lock(n);
    n->log.state = NATS_LOG_UNKNOWN;
    unlock(n);
    desk_tell_behind(&n->bus.desk, true);
}

void nats_log_done(struct nats_log_session *session)
{
    natsSubscription_Destroy(session->answers);
}
