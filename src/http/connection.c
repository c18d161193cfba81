// SPDX-License-Identifier: Apache-2.0
/*
 * The reading half of a connection: requests, their bodies, the end, and the time all that may
 * take. A connection has one timer, which is set for the earliest of what it waits for and finds
 * out when it fires whether that is still so: a request that comes and goes sets no timer.
 */
#include <assert.h>

#include "base/mem.h"
#include "http/server_priv.h"
#include "io/filter.h"
#include "tls/server.h"
#include "wire/http_date.h"

static struct http_connection *connection_of(struct stream_user *user)
{
    return container_of(user, struct http_connection, user);
}

static struct instant now_of(const struct http_connection *c)
{
    return loop_now(c->server->loop);
}

/* A body may be read when somebody takes it, and when nobody will. */
static bool may_take_body(const struct http_task *task)
{
    return task->sink != NULL ? !task->is_sink_full : task->is_replied;
}

static bool is_newer_than_any(const struct http_connection *c)
{
    return c->task_count < c->server->limits.pipelined;
}

enum http_wait http_connection_waits(const struct http_connection *c, struct instant *due)
{
    const struct http_server_limits *limits = &c->server->limits;
    enum http_wait wait = HTTP_WAIT_NONE;

    *due = INSTANT_NEVER;
    if (c->is_finishing) {
        bool holds = stream_holds_output(c->stream); // then the pace is the reader's still

        *due = instant_after(c->at, holds ? limits->stall : span_ms(HTTP_LINGER_MS));
        return holds ? HTTP_WAIT_STALL : HTTP_WAIT_LINGER;
    }
    if (c->is_greeting) {
        *due = instant_after(c->at, limits->greeting);
        return HTTP_WAIT_GREETING;
    }
    if (c->is_upgraded) {
        const struct http_server *server = c->server;
        bool is_hurried = server->is_draining && server->drained_at.ns < c->at.ns;

        *due = instant_after(is_hurried ? server->drained_at : c->at, limits->upgraded);
        return HTTP_WAIT_UPGRADED;
    }
    if (c->first == NULL && c->seen == 0) {
        *due = instant_after(c->at, limits->idle);
        return HTTP_WAIT_IDLE;
    }
    if (c->seen > 0) {
        *due = instant_after(c->head_at, limits->head);
        wait = HTTP_WAIT_HEAD;
    }
    bool is_stalling = c->is_blocked || (c->intake == HTTP_INTAKE_BODY && may_take_body(c->last));
    struct instant stall = instant_after(c->at, limits->stall);

    if (is_stalling && stall.ns < due->ns) {
        *due = stall;
        wait = HTTP_WAIT_STALL;
    }
    return wait;
}

static bool should_pause(const struct http_connection *c)
{
    switch ((enum http_intake)c->intake) {
    case HTTP_INTAKE_HEAD: return !is_newer_than_any(c);
    case HTTP_INTAKE_BODY: return !may_take_body(c->last);
    case HTTP_INTAKE_HOLD: return true;
    case HTTP_INTAKE_DROP: break;
    }
    return c->dropped > HTTP_LINGER_MAX;
}

void http_connection_settle(struct http_connection *c)
{
    struct instant due;
    bool pauses = should_pause(c);

    if (c->is_closed)
        return;
    if (pauses != c->is_paused) {
        c->is_paused = pauses;
        if (pauses)
            stream_pause(c->stream);
        else
            stream_resume(c->stream);
    }
    http_connection_waits(c, &due);
    if (due.ns != INSTANT_NEVER.ns && (!timer_is_set(&c->timer) || due.ns < c->timer.link.due))
        timer_set(c->server->loop, &c->timer, due);
}

void http_connection_progress(struct http_connection *c, size_t bytes)
{
    uint32_t enough = c->server->progress_bytes;

    if (c->is_upgraded || bytes >= enough || (c->moved += (uint32_t)bytes) >= enough)
        http_connection_mark(c);
}

static uint32_t untaken(const struct http_connection *c)
{
    size_t bytes = 0;

    if (stream_untaken(c->stream, &bytes) != ERR_NONE)
        return 0; // then only what we moved counts
    return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

void http_connection_mark(struct http_connection *c)
{
    c->at = now_of(c);
    c->moved = 0;
    c->untaken = c->is_blocked && !c->is_upgraded ? untaken(c) : 0;
}

/* A reader may be getting on while the kernel, which has much to send, asks us for no more. */
bool http_connection_has_read_on(const struct http_connection *c)
{
    uint64_t had = (uint64_t)c->untaken + c->moved;
    uint64_t has = untaken(c);

    return c->is_blocked && had >= has + c->server->progress_bytes;
}

static void close_slow(struct http_connection *c)
{
    if (http_connection_has_read_on(c)) {
        http_connection_mark(c);
        http_connection_settle(c);
        return;
    }
    counter_up(&c->server->counts.timeouts_stall);
    http_connection_close(c, true);
}

/* Answers with an error of ours, behind the answers before it, and reads no further request. */
static void refuse(struct http_task *task, int status)
{
    struct http_connection *c = task->connection;
    char date[] = "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n";

    task->is_internal = true;
    c->is_lingering = true;
    http_connection_take_no_more(c);
    http_date_write(loop_wall(c->server->loop), date + strlen("Date: "));
    http_reply_status(&task->x, status, slice_text(date));
}

static void time_out(struct timer *timer)
{
    struct http_connection *c = container_of(timer, struct http_connection, timer);
    struct http_server *server = c->server;
    struct instant due;
    enum http_wait wait = http_connection_waits(c, &due);

    if (wait != HTTP_WAIT_NONE && due.ns > now_of(c).ns) {
        timer_set(server->loop, timer, due);
        return;
    }
    switch (wait) {
    case HTTP_WAIT_NONE: return;
    case HTTP_WAIT_LINGER: http_connection_close(c, false); return;
    case HTTP_WAIT_GREETING:
        counter_up(&server->counts.timeouts_tls);
        http_connection_close(c, true);
        return;
    case HTTP_WAIT_IDLE:
        counter_up(&server->counts.timeouts_idle);
        http_connection_close(c, false);
        return;
    case HTTP_WAIT_HEAD:
        counter_up(&server->counts.timeouts_head);
        refuse(http_task_new(c), 408);
        return;
    case HTTP_WAIT_STALL: close_slow(c); return;
    case HTTP_WAIT_UPGRADED:
        counter_up(&server->counts.timeouts_upgraded);
        http_connection_close(c, false);
        return;
    }
}

struct http_connection *http_connection_new(struct http_server *server, struct stream *stream)
{
    struct http_connection *c = mem_new(struct http_connection);

    c->user.ops = &http_connection_ops;
    c->stream = stream;
    c->server = server;
    c->timer.fire = time_out;
    c->at = loop_now(server->loop);
    c->is_greeting = stream_filter(stream) != NULL;
    list_append(&server->connections, &c->link);
    server->open_count++;
    counter_up(&server->counts.connections);
    http_connection_settle(c);
    return c;
}

void http_connection_cancel(struct http_connection *c)
{
    struct http_server *server = c->server;

    if (c->h2 != NULL)
        http2_cancel(c->h2);
    while (c->first != NULL) {
        struct http_task *task = c->first;

        if (!task->is_over && !task->is_internal) {
            counter_up(&server->counts.aborted);
            task->is_over = true;
            server->service->over(server->service, &task->x, false);
        }
        http_task_free(task);
    }
}

void http_connection_close(struct http_connection *c, bool reset)
{
    struct ip client = stream_peer(c->stream).ip;

    http_guard_leave(&c->server->guard, &client);
    c->is_closed = true;
    stream_close(c->stream, reset);
    http_connection_cancel(c);
    http2_free(c->h2);
    timer_clear(c->server->loop, &c->timer);
    list_remove(&c->link);
    c->server->open_count--;
    counter_up(&c->server->counts.closed);
    mem_free(c);
}

void http_connection_take_no_more(struct http_connection *c)
{
    c->intake = HTTP_INTAKE_DROP;
    c->seen = 0;
}

static void refuse_bad(struct http_task *task, int status)
{
    counter_up(&task->connection->server->counts.bad_heads);
    refuse(task, status);
}

int http_parse_status(enum http_parse parsed)
{
    switch (parsed) {
    case HTTP_PARSE_LONG_TARGET: return 414;
    case HTTP_PARSE_LARGE: return 431;
    case HTTP_PARSE_VERSION: return 505;
    case HTTP_PARSE_DONE:
    case HTTP_PARSE_MORE:
    case HTTP_PARSE_BAD: break;
    }
    return 400;
}

int http_request_objection(const struct http_head *head, struct http_exchange *x)
{
    x->framing = http_request_framing(head, &x->request_length);
    if (x->framing == HTTP_BODY_BAD)
        return 400;
    if (x->framing == HTTP_BODY_UNKNOWN_CODING || head->method == HTTP_CONNECT)
        return 501;
    return http_request_authority(head, &x->authority) ? 0 : 400;
}

static void task_fill(struct http_task *task, const struct http_head *head)
{
    struct http_connection *c = task->connection;
    struct http_exchange *x = &task->x;

    x->request = head;
    x->peer = stream_peer(c->stream);
    x->is_secure = stream_filter(c->stream) != NULL;
    task->is_head = head->method == HTTP_HEAD;
    task->is_old = head->minor == 0;
    task->keeps_alive = http_head_keeps_alive(head);
    if (x->framing == HTTP_BODY_LENGTH && x->request_length == 0)
        x->framing = HTTP_BODY_NONE;
    if (x->framing != HTTP_BODY_NONE) {
        task->has_body = true;
        task->body_left = x->request_length;
        task->expects = head->first[HTTP_NAME_EXPECT] != 0 && !task->is_old &&
                        http_head_has_token(head, HTTP_NAME_EXPECT, SLICE("100-continue"));
        http_chunk_init(&task->body_chunk);
        c->intake = HTTP_INTAKE_BODY;
    } else if (!task->keeps_alive) {
        http_connection_take_no_more(c);
    }
}

/* Serves the request whose head has just been parsed out of `bytes`. */
static void begin(struct http_connection *c, struct slice bytes)
{
    struct http_server *server = c->server;
    struct http_task *task = http_task_new(c);
    int status = http_request_objection(&server->head, &task->x);

    c->is_used = true;
    http_connection_mark(c);
    if (status != 0) {
        task->is_head = server->head.method == HTTP_HEAD;
        refuse_bad(task, status);
        return;
    }
    counter_up(&server->counts.requests);
    task_fill(task, &server->head);
    task->x.head_bytes = bytes;
    server->service->serve(server->service, &task->x);
    if (task->x.head_bytes.length > 0)
        task->x.request = NULL; // not kept
}

/* RFC 9113 §3.4: its preface begins like a request of a version that we do not speak. */
static bool is_http2(const struct http_connection *c, struct slice bytes)
{
    return c->server->limits.http2_plain && !c->is_used && stream_filter(c->stream) == NULL &&
           slice_starts(bytes, SLICE("PRI * HTTP/2.0\r\n"));
}

/* False when nothing more can be done with the bytes for now. */
static bool take_head(struct http_connection *c, struct slice *bytes)
{
    struct http_server *server = c->server;

    if (!is_newer_than_any(c))
        return false;
    // RFC 9112 §2.2: some send a line end too many behind a body; it begins no request.
    if (slice_equal(*bytes, SLICE("\r\n"))) {
        *bytes = slice_from(*bytes, bytes->length);
        c->seen = 0;
        return true;
    }
    enum http_parse parsed = http_request_parse(*bytes, c->seen, &server->head);

    if (parsed == HTTP_PARSE_MORE) {
        if (c->seen == 0)
            c->head_at = now_of(c);
        c->seen = (uint32_t)bytes->length;
        return false;
    }
    c->seen = 0;
    if (parsed == HTTP_PARSE_VERSION && is_http2(c, *bytes)) {
        c->becomes_http2 = true;
        return false;
    }
    if (parsed != HTTP_PARSE_DONE) {
        refuse_bad(http_task_new(c), http_parse_status(parsed));
        return true;
    }
    struct slice head = slice_head(*bytes, server->head.length);

    *bytes = slice_from(*bytes, head.length);
    begin(c, head);
    return true;
}

static enum http_chunk_step body_next(
    struct http_task *task, struct slice *bytes, struct slice *data)
{
    if (task->x.framing == HTTP_BODY_CHUNKED)
        return http_chunk_next(&task->body_chunk, bytes, data);
    if (task->body_left == 0)
        return HTTP_CHUNK_DONE;
    *data = task->body_left < bytes->length ? slice_head(*bytes, (size_t)task->body_left) : *bytes;
    return data->length > 0 ? HTTP_CHUNK_DATA : HTTP_CHUNK_MORE;
}

static void body_take(struct http_task *task, struct slice *bytes, size_t count)
{
    if (task->x.framing == HTTP_BODY_CHUNKED) {
        http_chunk_take(&task->body_chunk, bytes, count);
        return;
    }
    *bytes = slice_from(*bytes, count);
    task->body_left -= count;
}

static void body_end(struct http_task *task)
{
    struct http_connection *c = task->connection;
    struct http_sink *sink = task->sink;

    task->has_body = false;
    task->sink = NULL;
    http_connection_mark(c);
    c->intake = task->keeps_alive ? HTTP_INTAKE_HEAD : HTTP_INTAKE_DROP;
    if (sink != NULL)
        sink->ops->end(sink);
    if (task->is_over)
        http_task_free(task);
}

/* The body cannot be read any further: there is no next request. False when the connection is
 * gone. */
static bool body_fail(struct http_task *task)
{
    struct http_connection *c = task->connection;
    struct http_service *service = c->server->service;

    task->has_body = false;
    task->sink = NULL;
    c->is_lingering = true;
    http_connection_take_no_more(c);
    if (task->is_over)
        return http_connection_conclude(c);
    if (task->is_replied) {
        // Begun and not ended: what is wrong with the request does not spoil its answer.
        task->keeps_alive = false;
        return true;
    }
    counter_up(&c->server->counts.aborted);
    service->over(service, &task->x, false);
    refuse(task, 400);
    return true;
}

enum take { TAKE_ON, TAKE_STOP, TAKE_GONE };

static enum take take_body(struct http_connection *c, struct slice *bytes)
{
    struct http_task *task = c->last;
    struct slice data = SLICE_NONE;

    if (!may_take_body(task))
        return TAKE_STOP;
    switch (body_next(task, bytes, &data)) {
    case HTTP_CHUNK_MORE: return TAKE_STOP;
    case HTTP_CHUNK_DONE: body_end(task); return TAKE_ON;
    case HTTP_CHUNK_BAD:
        counter_up(&c->server->counts.bad_heads);
        return body_fail(task) ? TAKE_ON : TAKE_GONE;
    case HTTP_CHUNK_DATA: break;
    }
    size_t taken = data.length;

    if (task->sink == NULL) {
        task->body_dropped += (uint32_t)taken;
    } else {
        task->is_sink_full = true; // http_exchange_read_on may say otherwise within the call
        taken = task->sink->ops->data(task->sink, data);
        assert(taken <= data.length);
        task->is_sink_full &= taken < data.length;
    }
    body_take(task, bytes, taken);
    if (task->is_upgraded)
        counter_add(&c->server->counts.upgraded_in, taken);
    http_connection_progress(c, taken);
    if (taken < data.length)
        return task->is_sink_full ? TAKE_STOP : TAKE_ON;
    if (task->body_dropped > HTTP_DRAIN_MAX)
        return body_fail(task) ? TAKE_ON : TAKE_GONE;
    if (task->x.framing == HTTP_BODY_LENGTH && task->body_left == 0)
        body_end(task);
    return TAKE_ON;
}

static enum take take_dropped(struct http_connection *c, struct slice *bytes)
{
    c->dropped += (uint32_t)bytes->length;
    c->is_lingering = true;
    *bytes = slice_from(*bytes, bytes->length);
    if (c->dropped <= HTTP_LINGER_MAX || !c->is_finishing)
        return TAKE_STOP;
    http_connection_close(c, false);
    return TAKE_GONE;
}

static enum take take_some(struct http_connection *c, struct slice *bytes)
{
    switch ((enum http_intake)c->intake) {
    case HTTP_INTAKE_HEAD: return take_head(c, bytes) ? TAKE_ON : TAKE_STOP;
    case HTTP_INTAKE_BODY: return take_body(c, bytes);
    case HTTP_INTAKE_HOLD: return TAKE_STOP;
    case HTTP_INTAKE_DROP: break;
    }
    return take_dropped(c, bytes);
}

static size_t connection_data(struct stream_user *user, struct slice bytes)
{
    struct http_connection *c = connection_of(user);
    struct slice rest = bytes;
    enum take take = TAKE_ON;

    while (take == TAKE_ON && rest.length > 0)
        take = take_some(c, &rest);
    if (take == TAKE_GONE)
        return 0;
    if (c->becomes_http2)
        return http2_begin(c, rest);
    http_connection_settle(c);
    return bytes.length - rest.length;
}

/* What was asked completely is still answered: the other side may have closed only its half. */
static void connection_end(struct stream_user *user)
{
    struct http_connection *c = connection_of(user);

    c->has_ended = true;
    if (c->is_upgraded && !c->is_finishing && c->last->has_body) {
        body_end(c->last);
        http_connection_settle(c);
        return;
    }
    if (c->is_finishing && stream_holds_output(c->stream))
        return;
    if (c->is_finishing || c->first == NULL || c->last->has_body) {
        http_connection_close(c, false);
        return;
    }
    http_connection_take_no_more(c);
    http_connection_settle(c);
}

static void connection_closed(struct stream_user *user, enum err why)
{
    (void)why;
    http_connection_close(connection_of(user), false);
}

void http_connection_finished(struct stream_user *user)
{
    struct http_connection *c = connection_of(user);

    c->is_blocked = false;
    http_connection_mark(c);
    if (c->has_ended)
        http_connection_close(c, false);
    else
        http_connection_settle(c);
}

bool http_connection_conclude(struct http_connection *c)
{
    bool holds = stream_holds_output(c->stream);

    http_connection_cancel(c);
    if ((!c->is_lingering || c->has_ended) && !holds) {
        http_connection_close(c, false);
        return false;
    }
    // Closing while the other side still sends would reset the connection, and the answer could
    // be lost with it: our half ends, theirs is read for a while (RFC 9112 §9.6). What TLS has
    // sealed and the kernel does not take yet would be lost as well.
    c->is_finishing = true;
    c->is_blocked = holds;
    http_connection_take_no_more(c);
    http_connection_mark(c);
    stream_finish(c->stream);
    http_connection_settle(c);
    return true;
}

/* TLS has begun: what comes now is HTTP. */
static void connection_open(struct stream_user *user)
{
    struct http_connection *c = connection_of(user);

    bool may_be_http2 = c->server->limits.http2;

    c->is_greeting = false;
    http_connection_mark(c);
    if (may_be_http2 && tls_filter_protocol(stream_filter(c->stream)) == TLS_PROTOCOL_HTTP_2)
        http2_begin(c, SLICE_NONE);
    else
        http_connection_settle(c);
}

const struct stream_user_ops http_connection_ops = {
    .open = connection_open,
    .data = connection_data,
    .end = connection_end,
    .pull = http_connection_pull,
    .sent = http_connection_sent,
    .finished = http_connection_finished,
    .closed = connection_closed,
};
