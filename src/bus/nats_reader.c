// SPDX-License-Identifier: Apache-2.0
/*
 * How orders come from the stream: on a thread of their own, through a consumer that begins
 * where our user stopped. Whoever comes first makes the stream; one that an operator made with
 * other limits, or with replicas, is taken as it is.
 *
 * The consumer is made anew whenever anything is missing, and the stream looked after every other
 * second: one that was deleted and born again has another time of birth, which is the era, and
 * begins with 1; one that was set back to a copy has lost its end. Neither is told by the server.
 *
 * A message with no id of ours, or too large, or empty, is told as an order of nobody: it has a
 * number in the stream, and who follows counts them.
 */
#include <stdio.h>

#include "bus/nats_priv.h"

enum {
    READ_MS = 250,       // for an order to come, before something else is looked after
    LOOK_MS = 2000,      // how often the stream is looked after
    HEARTBEAT_MS = 1000, // of the server, while there is no order
    FORGET_MS = 10000,   // after which the server forgets our consumer when we are gone
    RETRY_MS = 1000,     // before the log is tried again
    DUPLICATES_S = 120,  // for which the stream knows ids
    ENVELOPE_MAX = 1024, // of a message, beside its payload
};

struct reader {
    struct nats_link *link;
    struct nats_bus *bus;
    jsCtx *js;
    natsSubscription *orders; // NULL: none
    uint64_t era, told;       // the place where the user is
    uint64_t delivered;       // by the consumer
    uint64_t last, looked_at; // of the stream, and where we were, when it was looked at
    int64_t look_ms;
};

/* False: the session is over. */
static bool pause_ms(struct nats_link *link, uint64_t wait_ms)
{
    struct nats_bus *n = link->bus;
    struct timespec until = nats_after_ms(wait_ms);

    nats_lock(n);
    while (!nats_link_is_over(link) && nats_wait_until(n, &until))
        ;
    bool goes_on = !nats_link_is_over(link);

    nats_unlock(n);
    return goes_on;
}

/* In plain words, with the mend where we know one. */
static void explain(struct reader *r, const char *what, natsStatus status, jsErrCode code)
{
    struct nats_bus *n = r->bus;
    char why[2 * BUS_WHY_MAX], denied[BUS_WHY_MAX];

    nats_lock(n);
    memcpy(denied, n->log.denied, sizeof denied);
    nats_unlock(n);
    if (status == NATS_NO_RESPONDERS || code == JSNotEnabledErr)
        snprintf(why, sizeof why, "the NATS server keeps no log: start nats-server with -js");
    else if (code == JSNotEnabledForAccountErr)
        snprintf(
            why, sizeof why, "the NATS server keeps no log for our account: give it jetstream");
    else if (denied[0] != '\0')
        snprintf(why, sizeof why, "%s: %s", what, denied);
    else
        snprintf(why, sizeof why, "%s: %s", what, nats_thread_error(status));
    nats_log_close(n, why);
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

    nats_lock(n);
    for (;;) {
        uint64_t visits = n->log.visits;

        goes_on = !nats_link_is_over(r->link);
        nats_unlock(n);
        if (!goes_on || desk_tell(&n->bus.desk, order))
            return goes_on;
        nats_lock(n);
        while (!nats_link_is_over(r->link) && visits == n->log.visits)
            nats_wait(n);
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
    nats_lock(n);
    n->log.state = NATS_LOG_OPEN;
    n->log.era = r->era;
    n->log.visits++;
    nats_changed(n);
    nats_unlock(n);
}

static natsStatus find_stream(struct reader *r, jsStreamInfo **info, jsErrCode *code)
{
    natsStatus status = js_GetStreamInfo(info, r->js, r->bus->log.stream, NULL, code);

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
        nats_log_close(r->bus, "the stream of that name does not take the subject of the orders");
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

/* False: something is missing, and the consumer is to be made anew. */
static bool take(struct reader *r, natsMsg *msg)
{
    struct desk_order order = { .era = r->era, .is_foreign = !nats_log_is_ours(msg) };
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
        if (!pause_ms(r->link, LOOK_MS))
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

void *nats_log_run(void *argument)
{
    struct nats_link *link = argument;
    struct reader r = { .link = link, .bus = link->bus };
    uint64_t era, number;
    jsOptions options;

    pthread_setname_np(pthread_self(), "bus-reader");
    jsOptions_Init(&options);
    options.Wait = NATS_ANSWER_MS;
    bool goes_on = natsConnection_JetStream(&r.js, link->connection, &options) == NATS_OK;

    while (goes_on) {
        bool is_open = begin(&r);

        if (is_open && desk_place(&r.bus->bus.desk, &era, &number))
            follow(&r);
        else if (is_open)
            watch(&r);
        goes_on = pause_ms(link, is_open ? READ_MS : RETRY_MS);
    }
    natsSubscription_Destroy(r.orders);
    jsCtx_Destroy(r.js);
    nats_ReleaseThreadMemory();
    return NULL;
}
