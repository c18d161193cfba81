// SPDX-License-Identifier: Apache-2.0
/*
 * The reading half of HTTP/2. nghttp2 checks what RFC 9113 §8 asks of a message (names in lower
 * case, no fields of a connection, pseudo-fields first and once, lengths that agree). What comes
 * through is written down as the HTTP/1 head that says the same, and goes through HTTP/1's parser:
 * so whatever the one refuses the other does, limits included, and nothing behind can tell them
 * apart. That the parser finds as many fields as were written shows that no value broke out.
 *
 * Of a request's body the protocol's windows are what is held for a sink that is slow: they open
 * again only as it takes.
 */
#include <assert.h>

#include "base/mem.h"
#include "http/http2_head_priv.h"
#include "io/filter.h"
#include "wire/http_date.h"

/* A header block becomes the text of the HTTP/1 head that says the same. */
struct http2_gather {
    int32_t stream;
    nghttp2_rcbuf *method, *authority, *path;
    size_t length, cookie_length;
    unsigned lines;
    bool has_line, has_length, is_large, is_bad;
    struct http_head head;
    char text[HTTP_HEAD_MAX];
    char cookie[HTTP_HEAD_MAX]; // RFC 9113 §8.2.3: its pieces are one field again
};

static struct slice slice_of_rcbuf(nghttp2_rcbuf *buffer)
{
    if (buffer == NULL)
        return SLICE_NONE;
    nghttp2_vec vec = nghttp2_rcbuf_get_buf(buffer);

    return slice_of(vec.base, vec.len);
}

/* One gathers for a whole server as long as header blocks come in one piece. */
static struct http2_gather *gather_take(struct http2 *h2, int32_t stream)
{
    struct http2_shared *shared = http2_server(h2)->h2;
    struct http2_gather *g = shared->gather;

    shared->gather = NULL;
    if (g == NULL)
        g = mem_new(struct http2_gather);
    g->stream = stream;
    g->length = g->cookie_length = 0;
    g->lines = 0;
    g->has_line = g->has_length = g->is_large = g->is_bad = false;
    h2->gather = g;
    return g;
}

void http2_gather_drop(struct http2 *h2)
{
    struct http2_gather *g = h2->gather;
    struct http2_shared *shared = http2_server(h2)->h2;

    if (g == NULL)
        return;
    h2->gather = NULL;
    nghttp2_rcbuf *const kept[] = { g->method, g->authority, g->path };

    for (size_t i = 0; i < COUNT_OF(kept); i++)
        if (kept[i] != NULL)
            nghttp2_rcbuf_decref(kept[i]);
    g->method = g->authority = g->path = NULL;
    if (shared->gather == NULL)
        shared->gather = g;
    else
        mem_free(g);
}

static void put(struct http2_gather *g, struct slice bytes)
{
    if (bytes.length > sizeof g->text - g->length) {
        g->is_large = true;
        return;
    }
    if (bytes.length > 0)
        memcpy(g->text + g->length, bytes.at, bytes.length);
    g->length += bytes.length;
}

static void put_field(struct http2_gather *g, struct slice name, struct slice value)
{
    put(g, name);
    put(g, SLICE(": "));
    put(g, value);
    put(g, SLICE("\r\n"));
    g->lines++;
}

static void put_line(struct http2_gather *g)
{
    struct slice authority = slice_of_rcbuf(g->authority);

    g->has_line = true;
    put(g, slice_of_rcbuf(g->method));
    put(g, SLICE(" "));
    put(g, slice_of_rcbuf(g->path));
    put(g, SLICE(" HTTP/1.1\r\n"));
    if (g->authority != NULL)
        put_field(g, SLICE("host"), authority);
}

static void put_cookie(struct http2_gather *g, struct slice crumb)
{
    static const struct slice BETWEEN = { "; ", 2 };
    size_t between = g->cookie_length > 0 ? BETWEEN.length : 0;

    if (crumb.length + between > sizeof g->cookie - g->cookie_length) {
        g->is_large = true;
        return;
    }
    memcpy(g->cookie + g->cookie_length, BETWEEN.at, between);
    g->cookie_length += between;
    if (crumb.length > 0)
        memcpy(g->cookie + g->cookie_length, crumb.at, crumb.length);
    g->cookie_length += crumb.length;
}

static void keep_pseudo(struct http2_gather *g, struct slice name, nghttp2_rcbuf *value)
{
    nghttp2_rcbuf **to = slice_equal(name, SLICE(":method")) ? &g->method
                         : slice_equal(name, SLICE(":path")) ? &g->path
                         : slice_equal(name, SLICE(":authority"))
                             ? &g->authority
                             : NULL; // the scheme, which nghttp2 has seen to

    if (to == NULL)
        return;
    assert(*to == NULL);
    nghttp2_rcbuf_incref(value);
    *to = value;
}

static void keep_field(struct http2_gather *g, struct slice name, struct slice value)
{
    if (!g->has_line)
        put_line(g);
    if (slice_equal(name, SLICE("cookie"))) {
        put_cookie(g, value);
        return;
    }
    if (slice_equal(name, SLICE("host")) && g->authority != NULL) {
        // RFC 9113 §8.3.1: it must not say otherwise.
        g->is_bad |= !slice_same(slice_trim(value), slice_of_rcbuf(g->authority));
        return;
    }
    g->has_length |= slice_equal(name, SLICE("content-length"));
    put_field(g, name, value);
}

static int begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct http2 *h2 = http2_of(user_data);

    (void)session;
    http2_gather_drop(h2);
    h2->block = 0;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        h2->connection->head_at = loop_now(http2_server(h2)->loop);
        gather_take(h2, frame->hd.stream_id);
    }
    return 0;
}

/* A field of a request; or of trailers, which end here. */
static int header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name_buffer,
    nghttp2_rcbuf *value_buffer, uint8_t flags, void *user_data)
{
    struct http2 *h2 = http2_of(user_data);
    struct slice name = slice_of_rcbuf(name_buffer), value = slice_of_rcbuf(value_buffer);

    (void)session, (void)frame, (void)flags;
    h2->block += name.length + value.length + 4;
    if (h2->block > HTTP2_BLOCK_MAX) {
        http2_flood(h2, HTTP2_FLOOD_HEADERS);
        http2_gather_drop(h2);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (h2->gather == NULL)
        return 0;
    if (name.length > 0 && name.at[0] == ':')
        keep_pseudo(h2->gather, name, value_buffer);
    else
        keep_field(h2->gather, name, value);
    return 0;
}

/* Bytes in a field that may not be there, which nghttp2 would pass over. */
static int invalid_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
    nghttp2_rcbuf *value, uint8_t flags, void *user_data)
{
    struct http2 *h2 = http2_of(user_data);

    (void)session, (void)frame, (void)name, (void)value, (void)flags;
    if (h2->gather != NULL)
        h2->gather->is_bad = true;
    return 0;
}

/* What the client did makes us reset a stream, or worse. */
static void is_bad(struct http2 *h2)
{
    counter_up(&http2_server(h2)->counts.bad_heads);
    http2_flood(h2, HTTP2_FLOOD_RESET);
}

static int invalid_frame(
    nghttp2_session *session, const nghttp2_frame *frame, int error, void *user_data)
{
    struct http2 *h2 = http2_of(user_data);
    struct http2_task *task = http2_task_at(h2, frame->hd.stream_id);

    (void)session;
    if (h2->gather != NULL && h2->gather->stream == frame->hd.stream_id)
        http2_gather_drop(h2);
    if (task != NULL)
        task->is_bad = true;
    if (error != NGHTTP2_ERR_REFUSED_STREAM) {
        is_bad(h2);
        return 0;
    }
    counter_up(&http2_server(h2)->counts.h2_refused);
    http2_flood(h2, HTTP2_FLOOD_RESET);
    return 0;
}

/* Of a body that is not as long as was said nghttp2 tells nothing but this. */
void http2_task_was_reset(struct http2_task *task, uint32_t error)
{
    if (error == NGHTTP2_PROTOCOL_ERROR && !task->is_bad)
        is_bad(task->h2);
    task->is_bad = true;
}

static void refuse(struct http2_task *task, int status)
{
    char date[] = "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n";

    counter_up(&http2_server(task->h2)->counts.bad_heads);
    task->is_internal = true;
    http_date_write(loop_wall(task->x.loop), date + strlen("Date: "));
    http_reply_status(&task->x, status, slice_text(date));
}

/* Parses what was gathered; the status to refuse it with, or 0. */
static int gather_read(struct http2_gather *g, bool has_body, struct http_exchange *x)
{
    if (g->path == NULL)
        return 501; // CONNECT (RFC 9113 §8.5)
    if (!g->has_line)
        put_line(g);
    if (g->cookie_length > 0)
        put_field(g, SLICE("cookie"), slice_of(g->cookie, g->cookie_length));
    if (has_body && !g->has_length) // as far as HTTP/1 can say that a body of no known length comes
        put_field(g, SLICE("transfer-encoding"), SLICE("chunked"));
    put(g, SLICE("\r\n"));
    if (g->is_bad)
        return 400;
    if (g->is_large)
        return slice_of_rcbuf(g->path).length > HTTP_TARGET_MAX ? 414 : 431;
    enum http_parse parsed = http_request_parse(slice_of(g->text, g->length), 0, &g->head);

    if (parsed != HTTP_PARSE_DONE)
        return parsed == HTTP_PARSE_MORE ? 400 : http_parse_status(parsed);
    if (g->head.field_count != g->lines || g->head.length != g->length)
        return 400;
    return http_request_objection(&g->head, x);
}

static void serve(struct http2 *h2, int32_t stream, bool has_body)
{
    struct http2_gather *g = h2->gather;
    struct http_server *server = http2_server(h2);

    if (h2->is_deaf)
        return;
    struct http2_task *task = http2_task_new(h2, stream);
    struct http_exchange *x = &task->x;
    int status = gather_read(g, has_body, x);

    task->has_body = has_body;
    h2->connection->at = task->at;
    task->is_head = slice_equal(slice_of_rcbuf(g->method), SLICE("HEAD"));
    if (status != 0) {
        refuse(task, status);
        return;
    }
    if (!has_body || (x->framing == HTTP_BODY_LENGTH && x->request_length == 0))
        x->framing = HTTP_BODY_NONE;
    task->expects =
        has_body && http_head_has_token(&g->head, HTTP_NAME_EXPECT, SLICE("100-continue"));
    x->is_secure = stream_filter(h2->connection->stream) != NULL;
    x->request = &g->head;
    x->head_bytes = slice_of(g->text, g->length);
    counter_up(&server->counts.requests);
    server->service->serve(server->service, x);
    if (x->head_bytes.length > 0)
        x->request = NULL; // not kept
}

/* All of the body that is to come has come. */
static void body_ended(struct http2 *h2, int32_t stream)
{
    struct http2_task *task = http2_task_at(h2, stream);

    if (task == NULL || !task->has_body)
        return;
    task->has_body = false;
    task->at = loop_now(task->x.loop);
    http2_task_feed(task);
}

static void headers_came(struct http2 *h2, const nghttp2_frame *frame)
{
    bool has_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

    if (h2->gather != NULL)
        serve(h2, frame->hd.stream_id, !has_end);
    else if (has_end)
        body_ended(h2, frame->hd.stream_id);
    http2_gather_drop(h2);
}

/* RFC 9218 §7.1, where nghttp2 looks away. */
static void urgency_came(struct http2 *h2, const nghttp2_ext_priority_update *update)
{
    if (update->stream_id == 0)
        http2_terminate(h2, NGHTTP2_PROTOCOL_ERROR);
}

static int frame_came(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct http2 *h2 = http2_of(user_data);

    (void)session;
    if (frame->hd.type == NGHTTP2_HEADERS)
        headers_came(h2, frame);
    else if (frame->hd.type == NGHTTP2_DATA && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        body_ended(h2, frame->hd.stream_id);
    else if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
        http2_packer_reset(h2);
    else if (frame->hd.type == NGHTTP2_PRIORITY_UPDATE)
        urgency_came(h2, frame->ext.payload);
    return 0;
}

/* The windows open by what was taken. */
static void consume(struct http2_task *task, size_t bytes)
{
    struct http2 *h2 = task->h2;

    h2->is_lost |= nghttp2_session_consume(h2->session, task->stream, bytes) != 0;
    http2_task_moved(task, bytes);
}

/* Offers bytes to the sink; returns how many it took. */
static size_t sink_offer(struct http2_task *task, struct slice bytes)
{
    size_t taken = 0;

    while (task->sink != NULL && !task->is_sink_full && taken < bytes.length) {
        struct slice rest = slice_from(bytes, taken);

        task->is_sink_full = true; // http_exchange_read_on may say otherwise within the call
        size_t now = task->sink->ops->data(task->sink, rest);

        assert(now <= rest.length);
        task->is_sink_full &= now < rest.length;
        taken += now;
        consume(task, now);
    }
    return taken;
}

static void hold(struct http2_task *task, struct slice bytes)
{
    size_t length = task->held_length - task->held_at;

    if (task->held_at > 0 && length > 0)
        memmove(task->held, task->held + task->held_at, length);
    task->held_at = 0;
    task->held_length = length + bytes.length;
    assert(task->held_length <= HTTP2_HELD_MAX); // the stream's window
    if (task->held_length > task->held_room) {
        task->held_room =
            task->held_length * 2 < HTTP2_HELD_MAX ? task->held_length * 2 : HTTP2_HELD_MAX;
        task->held = mem_resize(task->held, task->held_room);
    }
    memcpy(task->held + length, bytes.at, bytes.length);
}

void http2_task_feed(struct http2_task *task)
{
    size_t length = task->held_length - task->held_at;

    if (task->sink == NULL || !list_empty(&task->ended))
        return;
    if (length > 0)
        task->held_at += sink_offer(task, slice_of(task->held + task->held_at, length));
    if (task->held_at < task->held_length || task->has_body)
        return;
    struct http_sink *sink = task->sink;

    mem_free(task->held);
    task->held = NULL;
    task->held_at = task->held_length = task->held_room = 0;
    task->sink = NULL;
    if (sink != NULL)
        sink->ops->end(sink);
}

/* Beyond the stream's window: nghttp2 resets the stream, but hands over what came. */
static void overrun(struct http2_task *task, size_t length)
{
    struct http2 *h2 = task->h2;

    h2->is_lost |= nghttp2_session_consume_connection(h2->session, length) != 0;
    is_bad(h2);
    task->is_aborted = true;
    http2_task_ended(task);
}

/* A body that nobody reads widens the connection's window alone: what still comes of it is what
 * the stream's has room for. */
static int data_chunk(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *at,
    size_t length, void *user_data)
{
    struct http2 *h2 = http2_of(user_data);
    struct http2_task *task = http2_task_at(h2, stream);
    struct slice bytes = slice_of(at, length);

    (void)flags;
    if (task == NULL || !list_empty(&task->ended) || (task->is_replied && task->sink == NULL)) {
        h2->is_lost |= nghttp2_session_consume_connection(session, length) != 0;
        return 0;
    }
    if (task->held_length == task->held_at)
        bytes = slice_from(bytes, sink_offer(task, bytes));
    if (bytes.length > HTTP2_HELD_MAX - (task->held_length - task->held_at))
        overrun(task, bytes.length);
    else if (bytes.length > 0)
        hold(task, bytes);
    return 0;
}

static int stream_closed(nghttp2_session *session, int32_t stream, uint32_t error, void *user_data)
{
    struct http2 *h2 = http2_of(user_data);
    struct http2_task *task = http2_task_at(h2, stream);

    (void)session, (void)error;
    if (h2->gather != NULL && h2->gather->stream == stream)
        http2_gather_drop(h2);
    if (task == NULL)
        return 0;
    task->is_closed = true;
    h2->recent = NULL;
    http2_task_ended(task);
    return 0;
}

void http2_request_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks, invalid_header);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, invalid_frame);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame_came);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_closed);
}
