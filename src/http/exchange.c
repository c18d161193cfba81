// SPDX-License-Identifier: Apache-2.0
#include "http/exchange.h"

#include <assert.h>
#include <stdio.h>

#include "http/server_priv.h"
#include "io/filter.h"
#include "tls/server.h"

void http_reply_status(struct http_exchange *x, int status, struct slice more_fields)
{
    char text[64];
    int length = snprintf(text, sizeof text, "%d %s\n", status, http_reason(status));
    struct http_reply reply = {
        .status = status,
        .fields = SLICE("Content-Type: text/plain\r\n"),
        .more = more_fields,
        .length = length,
        .body = slice_of(text, (size_t)length), // short, so it is copied at once
    };

    if (status == 204 || status == 304) {
        reply.fields = reply.body = SLICE_NONE;
        reply.length = 0;
    }
    http_reply(x, &reply);
}

/* A slice of `from` becomes the same slice of `to`, a copy; others stay (they are literals). */
static struct slice moved(struct slice s, struct slice from, const char *to)
{
    if (s.at < from.at || s.at > from.at + from.length)
        return s;
    return slice_of(to + (s.at - from.at), s.length);
}

bool http_exchange_keep(struct http_exchange *x)
{
    struct slice from = x->head_bytes;
    const struct http_head *old = x->request;

    if (from.length == 0)
        return true;
    size_t fields_at = offsetof(struct http_head, fields);
    size_t size = fields_at + old->field_count * sizeof old->fields[0];
    const char *to = arena_copy(&x->arena, from).at;
    struct http_head *head = arena_room(&x->arena, size);

    memcpy(head, old, size); // heads are large, and mostly room for fields that are not there
    head->method_text = moved(old->method_text, from, to);
    head->target = moved(old->target, from, to);
    for (size_t i = 0; i < head->field_count; i++) {
        head->fields[i].name = moved(old->fields[i].name, from, to);
        head->fields[i].value = moved(old->fields[i].value, from, to);
    }
    x->request = head;
    x->authority.host = moved(x->authority.host, from, to);
    x->authority.path = moved(x->authority.path, from, to);
    x->head_bytes = SLICE_NONE;
    return !x->arena.is_full;
}

void http_reply(struct http_exchange *x, const struct http_reply *reply)
{
    if (x->told != NULL)
        x->told->status = (uint16_t)reply->status;
    x->carrier->reply(x, reply);
}

struct slice http_exchange_protocol(const struct http_exchange *x)
{
    if (x->carrier != &http1_carrier)
        return SLICE("HTTP/2.0");
    return x->request->minor == 0 ? SLICE("HTTP/1.0") : SLICE("HTTP/1.1");
}

struct slice http_exchange_tls(struct http_exchange *x)
{
    const struct stream_filter *filter = stream_filter(x->carrier->stream(x));

    return filter == NULL ? SLICE_NONE : slice_text(tls_filter_version(filter));
}

enum err http_exchange_user(struct http_exchange *x, uint32_t *user)
{
    return stream_peer_user(x->carrier->stream(x), user);
}

void http_exchange_wake(struct http_exchange *x)
{
    x->carrier->wake(x);
}

void http_exchange_abort(struct http_exchange *x)
{
    x->carrier->abort(x);
}

void http_exchange_read(struct http_exchange *x, struct http_sink *sink)
{
    x->carrier->read(x, sink);
}

void http_exchange_read_on(struct http_exchange *x)
{
    x->carrier->read_on(x);
}

static const struct stream *stream_of(struct http_exchange *x)
{
    return http_task_of(x)->connection->stream;
}

static void wake(struct http_exchange *x)
{
    stream_ready(http_task_of(x)->connection->stream);
}

static void cut(struct http_exchange *x)
{
    struct http_task *task = http_task_of(x);

    task->is_aborted = true;
    // The answers before it are not spoilt by it.
    if (task->connection->first == task)
        http_task_doom(task);
}

static void body_read(struct http_exchange *x, struct http_sink *sink)
{
    struct http_task *task = http_task_of(x);
    struct http_connection *c = task->connection;

    assert(task->has_body && task->sink == NULL && !task->is_over);
    task->sink = sink;
    if (task->expects && !task->is_replied) {
        task->interim = SLICE("HTTP/1.1 100 Continue\r\n\r\n");
        stream_ready(c->stream);
    }
    task->expects = false;
    http_connection_mark(c);
    http_connection_settle(c);
}

static void body_read_on(struct http_exchange *x)
{
    struct http_task *task = http_task_of(x);

    task->is_sink_full = false;
    http_connection_mark(task->connection);
    http_connection_settle(task->connection);
}

const struct http_carrier http1_carrier = {
    .reply = http1_reply,
    .wake = wake,
    .abort = cut,
    .read = body_read,
    .read_on = body_read_on,
    .stream = stream_of,
};
