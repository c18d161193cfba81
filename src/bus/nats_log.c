// SPDX-License-Identifier: Apache-2.0
/*
 * The log of many machines: a stream of JetStream, which numbers what comes to the subject of the
 * network's orders. Whoever comes first makes it; one that an operator made with other limits, or
 * with replicas, is taken as it is.
 *
 * Orders go to it by the lanes' thread, each with a place for its answer, and nothing waits for
 * that. They come from it through a consumer of our own, which begins where our user stopped; a
 * thread of the session reads that, makes it anew whenever anything is missing, and looks after
 * the stream every other second: a stream that was deleted and born again has another time of
 * birth, which is the era, and begins with 1; one that lost its end has the same. Neither is told
 * by the server.
 *
 * A message with no id of ours, or too large, or empty, is told as an order of nobody: it has a
 * number in the stream, and who follows counts them.
 */
#include <assert.h>
#include <stdio.h>

#include "base/mem.h"
#include "bus/nats_ack.h"
#include "bus/nats_priv.h"

enum {
    READ_MS = 250,       // for an order to come, before something else is looked after
    LOOK_MS = 2000,      // how often the stream is looked after
    HEARTBEAT_MS = 1000, // of the server, while there is no order
    FORGET_MS = 10000,   // after which the server forgets our consumer when we are gone
    RETRY_MS = 1000,     // before the log is tried again
    DUPLICATES_S = 120,  // for which the stream knows ids
    ENVELOPE_MAX = 1024, // of a message, beside its payload
    ID_TEXT_SIZE = 2 * BUS_ORDER_ID_SIZE + 1,
    KEY_TEXT_SIZE = 24,
};

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

    // Where it failed, part of it may be on its way all the same: then nobody answers.
    if (status == NATS_MAX_PAYLOAD)
        desk_answer(&n->bus.desk, q.key,
            &(struct desk_answer){ .err = ERR_LIMIT, .why = "more than the NATS server takes" });
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

/* All below is on the thread of the session's log. */
struct reader {
    struct nats_log_session *session;
    struct nats_bus *bus;
    jsCtx *js;
    natsSubscription *orders; // NULL: none
    uint64_t era, told;       // the place where the user is
    uint64_t delivered;       // by the consumer
    uint64_t last, looked_at; // of the stream, and where we were, when it was looked at
    int64_t look_ms;
};

/* With the lock held. */
static bool is_over(const struct nats_bus *n)
{
    return n->is_lost || n->is_ending;
}

/* False: the session is over. The same of the next. */
static bool await_wanted(struct nats_bus *n)
{
    lock(n);
    while (!is_over(n) && !n->log.is_wanted)
        pthread_cond_wait(&n->changed, &n->lock);
    bool goes_on = !is_over(n);

    unlock(n);
    return goes_on;
}

static bool pause_ms(struct nats_bus *n, uint64_t wait_ms)
{
    struct timespec until = nats_after_ms(wait_ms);

    lock(n);
    while (!is_over(n) && nats_wait(n, &until))
        ;
    bool goes_on = !is_over(n);

    unlock(n);
    return goes_on;
}

static void close_log(struct nats_bus *n, const char *why)
{
    lock(n);
    n->log.state = NATS_LOG_CLOSED;
    snprintf(n->log.why, sizeof n->log.why, "%s", why);
    n->log.visits++; // somebody may wait at the desk
    nats_changed(n);
    unlock(n);
    desk_tell_behind(&n->bus.desk, true);
}

/* In plain words, with the mend where we know one. */
static void explain(struct reader *r, const char *what, natsStatus status, jsErrCode code)
{
    struct nats_bus *n = r->bus;
    char why[2 * BUS_WHY_MAX], denied[BUS_WHY_MAX];

    lock(n);
    memcpy(denied, n->log.denied, sizeof denied);
    unlock(n);
    if (status == NATS_NO_RESPONDERS || code == JSNotEnabledErr)
        snprintf(why, sizeof why, "the NATS server keeps no log: start nats-server with -js");
    else if (code == JSNotEnabledForAccountErr)
        snprintf(
            why, sizeof why, "the NATS server keeps no log for our account: give it jetstream");
    else if (denied[0] != '\0')
        snprintf(why, sizeof why, "%s: %s", what, denied);
    else
        snprintf(why, sizeof why, "%s: %s", what, nats_thread_error(status));
    close_log(n, why);
}

static natsStatus make_stream(struct reader *r, jsStreamInfo **info, jsErrCode *code)
{
    const char *subject = r->bus->log.subject;
    jsStreamConfig config;

    jsStreamConfig_Init(&config);
    config.Name = r->bus->log.stream;
    config.Description = "orders of waypost: purges, drains";
    config.Subjects = &subject;
    config.SubjectsLen = 1;
    config.MaxMsgs = BUS_LOG_MAX;
    config.MaxBytes = 2 * BUS_LOG_BYTES_MAX; // with what the server adds to each
    config.MaxMsgSize = BUS_ORDER_MAX + ENVELOPE_MAX;
    config.Discard = js_DiscardOld;
    config.Storage = js_FileStorage;
    config.Duplicates = DUPLICATES_S * INT64_C(1000000000);
    natsStatus status = js_AddStream(info, r->js, &config, NULL, code);

    if (*code == JSStreamNameExistErr) // another node was here first, with other limits
        status = js_GetStreamInfo(info, r->js, r->bus->log.stream, NULL, code);
    return status;
}

static bool takes_subject(const jsStreamConfig *config, const char *subject)
{
    for (int i = 0; i < config->SubjectsLen; i++) {
        if (strcmp(config->Subjects[i], subject) == 0)
            return true;
    }
    return false;
}

/* Waits until the user has room for it; false: the session is over. */
static bool tell(struct reader *r, const struct desk_order *order)
{
    struct nats_bus *n = r->bus;
    bool goes_on;

    lock(n);
    for (;;) {
        uint64_t visits = n->log.visits;

        goes_on = !is_over(n);
        unlock(n);
        if (!goes_on || desk_tell(&n->bus.desk, order))
            return goes_on;
        lock(n);
        while (!is_over(n) && visits == n->log.visits)
            pthread_cond_wait(&n->changed, &n->lock);
    }
}

static bool tell_gap(struct reader *r, uint64_t number)
{
    struct desk_order gap = { .era = r->era, .number = number, .is_gap = true };

    r->told = number - 1;
    return tell(r, &gap);
}

/* Puts the user at a place of this stream. */
static bool place(struct reader *r, uint64_t era, uint64_t number, const jsStreamState *state)
{
    uint64_t first = state->FirstSeq > 0 ? state->FirstSeq : 1;

    r->told = number;
    if ((era != 0 && era != r->era) || number + 1 < first)
        return tell_gap(r, first);
    if (number > state->LastSeq)
        return tell_gap(r, state->LastSeq + 1);
    return true;
}

static natsStatus consume(struct reader *r, jsErrCode *code)
{
    jsSubOptions options;

    natsSubscription_Destroy(r->orders);
    r->orders = NULL;
    r->delivered = 0;
    jsSubOptions_Init(&options);
    options.Stream = r->bus->log.stream;
    options.Config.DeliverPolicy = js_DeliverByStartSequence;
    options.Config.OptStartSeq = r->told + 1;
    options.Config.AckPolicy = js_AckNone;
    options.Config.FlowControl = true;
    options.Config.Heartbeat = HEARTBEAT_MS * INT64_C(1000000);
    options.Config.InactiveThreshold = FORGET_MS * INT64_C(1000000);
    options.Config.Replicas = 1;
    options.Config.MemoryStorage = true;
    return js_SubscribeSync(&r->orders, r->js, r->bus->log.subject, NULL, &options, code);
}

static void open_log(struct reader *r, const jsStreamInfo *info)
{
    struct nats_bus *n = r->bus;

    r->era = (uint64_t)info->Created;
    r->last = info->State.LastSeq;
    r->look_ms = nats_now_ms();
    lock(n);
    n->log.state = NATS_LOG_OPEN;
    n->log.era = r->era;
    n->log.visits++;
    nats_changed(n);
    unlock(n);
}

/* Once a session, when somebody wants it. */
static natsStatus listen_for_answers(struct reader *r)
{
    struct nats_bus *n = r->bus;
    char subject[SUBJECT_MAX + KEY_TEXT_SIZE];
    natsInbox *inbox = NULL;

    if (r->session->answers != NULL)
        return NATS_OK;
    natsStatus status = natsInbox_Create(&inbox);

    if (status != NATS_OK)
        return status;
    lock(n);
    snprintf(n->log.inbox, sizeof n->log.inbox, "%s", inbox);
    unlock(n);
    snprintf(subject, sizeof subject, "%s.*", inbox);
    natsInbox_Destroy(inbox);
    status = natsConnection_Subscribe(
        &r->session->answers, r->session->connection, subject, on_answer, n);
    return status == NATS_OK ? nats_drains(n, r->session->answers) : status;
}

static natsStatus find_stream(struct reader *r, jsStreamInfo **info, jsErrCode *code)
{
    natsStatus status = listen_for_answers(r);

    if (status == NATS_OK)
        status = js_GetStreamInfo(info, r->js, r->bus->log.stream, NULL, code);
    if (status == NATS_NOT_FOUND || *code == JSStreamNotFoundErr)
        status = make_stream(r, info, code);
    return status;
}

/* False: said why. */
static bool begin(struct reader *r)
{
    jsStreamInfo *info = NULL;
    jsErrCode code = 0;
    natsStatus status = find_stream(r, &info, &code);
    uint64_t era, number;
    bool is_good = false;

    if (status != NATS_OK) {
        explain(r, "the log of orders", status, code);
        return false;
    }
    if (!takes_subject(info->Config, r->bus->log.subject)) {
        close_log(r->bus, "the stream of that name does not take the subject of the orders");
    } else {
        is_good = true;
        open_log(r, info);
        if (desk_place(&r->bus->bus.desk, &era, &number))
            is_good = place(r, era, number, &info->State);
    }
    jsStreamInfo_Destroy(info);
    return is_good;
}

/* What the message says of itself; false: it is no message of a stream. */
static bool read_place(natsMsg *msg, jsSequencePair *sequence, uint64_t *pending)
{
    jsMsgMetaData *meta = NULL;

    if (natsMsg_GetMetaData(&meta, msg) != NATS_OK)
        return false;
    *sequence = meta->Sequence;
    *pending = meta->NumPending;
    jsMsgMetaData_Destroy(meta);
    return true;
}

static bool is_ours(natsMsg *msg)
{
    const char *id = NULL;
    int length = natsMsg_GetDataLength(msg);

    return length > 0 && length <= BUS_ORDER_MAX &&
           natsMsgHeader_Get(msg, ID_HEADER, &id) == NATS_OK && strlen(id) == ID_TEXT_SIZE - 1 &&
           strspn(id, "0123456789abcdef") == ID_TEXT_SIZE - 1;
}

/* False: something is missing, and the consumer is to be made anew. */
static bool take(struct reader *r, natsMsg *msg)
{
    struct desk_order order = { .era = r->era, .is_foreign = !is_ours(msg) };
    jsSequencePair sequence;
    uint64_t pending;

    if (!read_place(msg, &sequence, &pending) || sequence.Stream <= r->told) {
        inbox_count_malformed(&r->bus->bus.inbox); // not of our consumer, or told already
        return true;
    }
    if (sequence.Consumer != ++r->delivered)
        return false;
    if (sequence.Stream > r->told + 1 && !tell_gap(r, sequence.Stream))
        return false;
    if (!order.is_foreign)
        order.payload = slice_of(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg));
    order.number = r->told = sequence.Stream;
    if (pending > 0)
        desk_tell_behind(&r->bus->bus.desk, true);
    if (!tell(r, &order))
        return false;
    if (pending == 0)
        desk_tell_behind(&r->bus->bus.desk, false);
    return true;
}

/* False: it is another stream, lost its end, or has what does not come to us. */
static bool look(struct reader *r)
{
    jsStreamInfo *info = NULL;
    jsErrCode code = 0;
    natsStatus status = js_GetStreamInfo(&info, r->js, r->bus->log.stream, NULL, &code);

    if (status != NATS_OK)
        return false;
    bool is_same = (uint64_t)info->Created == r->era && info->State.LastSeq >= r->told;
    bool is_stuck = r->looked_at == r->told && r->last > r->told;

    r->last = info->State.LastSeq;
    r->looked_at = r->told;
    r->look_ms = nats_now_ms();
    jsStreamInfo_Destroy(info);
    return is_same && !is_stuck;
}

/* Until anything is wrong. */
static void read_on(struct reader *r)
{
    bool is_good = true;

    while (is_good) {
        natsMsg *msg = NULL;
        natsStatus status = natsSubscription_NextMsg(&msg, r->orders, READ_MS);

        if (status == NATS_OK)
            is_good = take(r, msg);
        else
            is_good = status == NATS_TIMEOUT;
        natsMsg_Destroy(msg);
        if (is_good && nats_now_ms() - r->look_ms >= LOOK_MS)
            is_good = look(r);
    }
}

/* For who gives orders and follows none. */
static void watch(struct reader *r)
{
    uint64_t era, number;

    do {
        r->told = r->last;
        if (!pause_ms(r->bus, LOOK_MS))
            return;
    } while (!desk_place(&r->bus->bus.desk, &era, &number) && look(r));
}

static void follow(struct reader *r)
{
    jsErrCode code = 0;
    natsStatus status = consume(r, &code);

    if (status != NATS_OK) {
        explain(r, "reading the log of orders", status, code);
        return;
    }
    if (r->told == r->last)
        desk_tell_behind(&r->bus->bus.desk, false);
    read_on(r);
    desk_tell_behind(&r->bus->bus.desk, true);
    natsSubscription_Unsubscribe(r->orders);
}

static void *run(void *argument)
{
    struct nats_log_session *session = argument;
    struct reader r = { .session = session, .bus = session->bus };
    uint64_t era, number;
    jsOptions options;

    pthread_setname_np(pthread_self(), "bus-log");
    jsOptions_Init(&options);
    options.Wait = NATS_ANSWER_MS;
    if (natsConnection_JetStream(&r.js, session->connection, &options) == NATS_OK) {
        while (await_wanted(r.bus)) {
            bool is_open = begin(&r);

            if (is_open && desk_place(&r.bus->bus.desk, &era, &number))
                follow(&r);
            else if (is_open)
                watch(&r);
            if (!pause_ms(r.bus, is_open ? READ_MS : RETRY_MS))
                break;
        }
    }
    natsSubscription_Destroy(r.orders);
    jsCtx_Destroy(r.js);
    nats_ReleaseThreadMemory();
    return NULL;
}

bool nats_log_begin(
    struct nats_log_session *session, struct nats_bus *n, natsConnection *connection)
{
    session->bus = n;
    session->connection = connection;
    lock(n);
    n->log.denied[0] = '\0';
    unlock(n);
    session->is_running = pthread_create(&session->thread, NULL, run, session) == 0;
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
