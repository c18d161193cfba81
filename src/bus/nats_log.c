// SPDX-License-Identifier: Apache-2.0
/*
 * The log of many machines: a stream of JetStream, which numbers what comes to the subject of the
 * network's orders. Here: orders go to it, by the thread of the log's link, each with a place for
 * its answer, and nothing waits for that. How they come from it: nats_reader.c.
 */
#include <stdio.h>

#include "base/hex.h"
#include "base/mem.h"
#include "bus/nats_ack.h"
#include "bus/nats_priv.h"

enum { ID_TEXT_SIZE = 2 * BUS_ORDER_ID_SIZE + 1, KEY_TEXT_SIZE = 24 };

static const char ID_HEADER[] = "Nats-Msg-Id";

void nats_log_init(struct nats_bus *n)
{
    subject_write_log(n->log.subject, n->network);
    subject_write_stream(n->log.stream, n->network);
}

void nats_log_attend(struct bus *bus)
{
    struct nats_bus *n = container_of(bus, struct nats_bus, bus);

    nats_lock(n);
    n->log.link.is_wanted = true;
    n->log.visits++;
    nats_changed(n);
    nats_unlock(n);
}

static void id_write(char *text, const unsigned char *id)
{
    hex_write(id, BUS_ORDER_ID_SIZE, text);
    text[ID_TEXT_SIZE - 1] = '\0';
}

static natsStatus send_order(struct nats_bus *n, const struct desk_question *q)
{
    char id[ID_TEXT_SIZE], reply[SUBJECT_MAX + KEY_TEXT_SIZE];
    natsMsg *msg = NULL;

    id_write(id, q->id);
    nats_lock(n);
    snprintf(reply, sizeof reply, "%s.%llu", n->log.inbox, (unsigned long long)q->key);
    nats_unlock(n);
    natsStatus status =
        natsMsg_Create(&msg, n->log.subject, reply, q->payload.at, (int)q->payload.length);

    if (status == NATS_OK)
        status = natsMsgHeader_Set(msg, ID_HEADER, id);
    if (status == NATS_OK)
        status = natsConnection_PublishMsg(n->log.link.connection, msg);
    natsMsg_Destroy(msg);
    return status;
}

/* Puts the next order that waits into the log; false: there is none that could be. */
static bool send_next(struct nats_bus *n)
{
    struct desk_question q;
    char why[BUS_WHY_MAX];

    nats_lock(n);
    bool is_open = n->log.state == NATS_LOG_OPEN, is_closed = n->log.state == NATS_LOG_CLOSED;

    memcpy(why, n->log.why, sizeof why);
    nats_unlock(n);
    if (is_closed)
        desk_refuse(&n->bus.desk, ERR_UNREACHABLE, why);
    if (!is_open || !desk_fetch(&n->bus.desk, &q))
        return false;
    natsStatus status = send_order(n, &q);

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
        nats_lock(n);
        answer.era = n->log.era;
        nats_unlock(n);
    }
    return answer;
}

/* On a thread of libnats. */
static void on_answer(natsConnection *, natsSubscription *, natsMsg *msg, void *closure)
{
    struct nats_bus *n = nats_link_of_closure(closure)->bus;
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
    nats_lock(n);
    n->log.state = NATS_LOG_CLOSED;
    snprintf(n->log.why, sizeof n->log.why, "%.*s", BUS_WHY_MAX - 1, why);
    n->log.visits++; // somebody may wait at the desk
    nats_changed(n);
    nats_unlock(n);
    desk_tell_behind(&n->bus.desk, true);
}

/* Listens for answers. */
static natsStatus open_log(struct nats_link *link)
{
    struct nats_bus *n = link->bus;
    char subject[SUBJECT_MAX + KEY_TEXT_SIZE];
    natsInbox *inbox = NULL;
    natsStatus status = natsInbox_Create(&inbox);

    if (status != NATS_OK)
        return status;
    nats_lock(n);
    snprintf(n->log.inbox, sizeof n->log.inbox, "%s", inbox);
    n->log.denied[0] = '\0';
    nats_unlock(n);
    snprintf(subject, sizeof subject, "%s.*", inbox);
    natsInbox_Destroy(inbox);
    return nats_link_subscribe(link, subject, on_answer);
}

/* Sends orders, while a thread of its own reads. */
static void run_log(struct nats_link *link)
{
    struct nats_bus *n = link->bus;
    pthread_t reader;
    bool is_reading = pthread_create(&reader, NULL, nats_log_run, link) == 0;

    nats_lock(n);
    while (is_reading && !nats_link_is_over(link)) {
        uint64_t visits = n->log.visits;

        nats_unlock(n);
        bool has_sent = send_next(n);

        nats_lock(n);
        while (!has_sent && visits == n->log.visits && !nats_link_is_over(link))
            nats_wait(n);
    }
    nats_unlock(n);
    natsConnection_Close(link->connection); // so that the reader waits for nothing
    if (is_reading)
        pthread_join(reader, NULL);
    nats_lock(n);
    n->log.state = NATS_LOG_UNKNOWN;
    nats_unlock(n);
    desk_tell_behind(&n->bus.desk, true);
}

static void deny(struct nats_link *link, const char *why)
{
    snprintf(link->bus->log.denied, sizeof link->bus->log.denied, "%s", why);
}

const struct nats_link_ops NATS_LOG_OPS = {
    .name = "bus-log", .open = open_log, .run = run_log, .deny = deny
};
