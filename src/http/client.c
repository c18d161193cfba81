// SPDX-License-Identifier: Apache-2.0
/*
 * The caller may cancel from within any callback. So each of them is counted in `depth`, and a
 * client that was cancelled meanwhile is freed when the outermost has returned; `enter` and
 * `leave` stand around each call outwards.
 */
#include "http/client.h"

#include <assert.h>

#include "base/attr.h"
#include "base/mem.h"
#include "io/filter.h"
#include "io/loop.h"
#include "io/stream.h"
#include "wire/http_chunk.h"

enum { INTERIM_MAX = 8 }; // 1xx answers before the final one

enum phase { CONNECTING, HEAD, BODY, OVER };

struct http_client {
    struct stream_user user;
    struct stream *stream;
    struct loop *loop;
    struct http_client_user *caller;
    struct http_client_times times;
    struct timer timer;
    const char *why;   // NULL: the error says it all
    struct instant at; // of the last progress
    char *head;        // of the request; ours
    struct slice unsent;
    struct http_source *source; // NULL once all of it was sent
    struct http_source *upgrade;
    size_t in_source; // bytes of the last pull that are the source's
    uint64_t body_left;
    struct http_chunk chunk;
    uint32_t seen; // of the answer's head
    uint8_t framing, method, phase, depth, interim_count;
    bool is_last : 1;      // the last pull was the source's last
    bool is_blocked : 1;   // the last send was cut short
    bool is_paused : 1;    //
    bool has_bytes : 1;    // of an answer
    bool keeps_alive : 1;  // as the answer says
    bool is_cancelled : 1; //
    bool is_upgraded : 1;  // 101 came
};

static struct http_client *client_of(struct stream_user *user)
{
    return container_of(user, struct http_client, user);
}

static void client_free(struct http_client *client)
{
    mem_free(client->head);
    mem_free(client);
}

static void enter(struct http_client *client)
{
    client->depth++;
}

/* False when the caller has cancelled: the client may be gone. */
static bool leave(struct http_client *client)
{
    bool is_cancelled = client->is_cancelled;

    if (--client->depth == 0 && is_cancelled)
        client_free(client);
    return !is_cancelled;
}

static bool is_request_sent(const struct http_client *client)
{
    return client->unsent.length == 0 && client->source == NULL;
}

/* Till when the other side may take; INSTANT_NEVER while the caller is waited for. */
static struct instant due_of(const struct http_client *client)
{
    switch ((enum phase)client->phase) {
    case CONNECTING: return instant_after(client->at, client->times.connect);
    case HEAD:
        if (is_request_sent(client))
            return instant_after(client->at, client->times.first);
        if (client->is_blocked || client->unsent.length > 0)
            return instant_after(client->at, client->times.stall);
        break;
    case BODY:
        // Another protocol has its own time; whoever hands it on sees to that.
        if (!client->is_paused && !client->is_upgraded)
            return instant_after(client->at, client->times.stall);
        break;
    case OVER: break;
    }
    return INSTANT_NEVER;
}

/* Something has changed, or come. */
static void settle(struct http_client *client)
{
    struct instant due = due_of(client);

    if (due.ns == INSTANT_NEVER.ns)
        return;
    if (!timer_is_set(&client->timer) || due.ns < client->timer.link.due)
        timer_set(client->loop, &client->timer, due);
}

static void mark(struct http_client *client)
{
    client->at = loop_now(client->loop);
    settle(client);
}

/* The last call; the client is gone afterwards. */
static void finish(struct http_client *client, enum err why)
{
    timer_clear(client->loop, &client->timer);
    client->keeps_alive &= why == ERR_NONE && is_request_sent(client);
    client->phase = OVER;
    enter(client);
    client->caller->ops->done(client->caller, why, client->has_bytes);
    if (client->stream != NULL)
        stream_close(client->stream, false);
    client->is_cancelled = true;
    leave(client);
}

static void time_out(struct timer *timer)
{
    struct http_client *client = container_of(timer, struct http_client, timer);
    struct instant due = due_of(client);

    if (due.ns == INSTANT_NEVER.ns)
        return;
    if (due.ns > loop_now(client->loop).ns)
        timer_set(client->loop, timer, due);
    else
        finish(client, ERR_TIMEOUT);
}

static void client_connected(struct stream_user *user)
{
    struct http_client *client = client_of(user);

    if (client->caller->ops->open == NULL)
        return;
    enter(client);
    client->caller->ops->open(client->caller);
    leave(client);
}

static void client_open(struct stream_user *user)
{
    struct http_client *client = client_of(user);
    bool is_plain = stream_filter(client->stream) == NULL;

    if (client->phase != CONNECTING)
        return;
    client->phase = HEAD;
    mark(client);
    stream_ready(client->stream);
    if (is_plain)
        client_connected(user);
}

/* All of it was sent. Of another protocol than HTTP, that is told the other side. */
static void end_source(struct http_client *client)
{
    client->source = NULL;
    if (client->is_upgraded)
        stream_finish(client->stream);
}

static size_t client_pull(struct stream_user *user, struct iovec *iov, size_t most)
{
    struct http_client *client = client_of(user);
    size_t count = 0;

    client->in_source = 0;
    if (client->phase == OVER)
        return 0;
    if (client->unsent.length > 0)
        iov[count++] = stream_iovec(client->unsent);
    if (client->source == NULL)
        return count;
    bool is_last = false;
    size_t start = count;

    enter(client);
    count += client->source->ops->pull(client->source, iov + count, most - count, &is_last);
    if (!leave(client))
        return 0;
    assert(count <= most);
    for (size_t i = start; i < count; i++)
        client->in_source += iov[i].iov_len;
    client->is_last = is_last;
    if (count == 0 && is_last) {
        end_source(client);
        mark(client);
    }
    return count;
}

static void client_sent(struct stream_user *user, size_t bytes)
{
    struct http_client *client = client_of(user);
    size_t of_head = bytes < client->unsent.length ? bytes : client->unsent.length;
    size_t of_source = bytes - of_head;
    struct http_source *source = client->source;

    client->is_blocked = bytes < client->unsent.length + client->in_source;
    client->unsent = slice_from(client->unsent, of_head);
    if (source != NULL && client->is_last && of_source == client->in_source &&
        client->unsent.length == 0)
        end_source(client);
    if (bytes > 0 || client->source != source)
        mark(client);
    if (source == NULL || client->in_source == 0)
        return;
    enter(client);
    source->ops->sent(source, of_source);
    leave(client);
}

/* The answer's head; false when the client is gone. */
static bool take_final_head(struct http_client *client, const struct http_head *head)
{
    enum http_framing framing =
        http_response_framing(head, (enum http_method)client->method, &client->body_left);

    if (framing == HTTP_BODY_BAD || framing == HTTP_BODY_UNKNOWN_CODING) {
        finish(client, ERR_PARSE);
        return false;
    }
    if (head->status == 101) {
        framing = HTTP_BODY_UNTIL_CLOSE;
        client->is_upgraded = true;
        client->source = client->upgrade;
        stream_ready(client->stream);
    }
    client->framing = (uint8_t)framing;
    client->keeps_alive = framing != HTTP_BODY_UNTIL_CLOSE && http_head_keeps_alive(head);
    client->phase = BODY;
    http_chunk_init(&client->chunk);
    mark(client);
    enter(client);
    client->caller->ops->head(client->caller, head);
    return leave(client);
}

static bool may_upgrade(const struct http_client *client, const struct http_head *head)
{
    return client->upgrade != NULL && is_request_sent(client) &&
           head->first[HTTP_NAME_UPGRADE] != 0;
}

enum take { TAKE_ON, TAKE_STOP, TAKE_GONE };

static enum take take_head(struct http_client *client, struct slice *bytes)
{
    UNSET struct http_head head;
    enum http_parse parsed = http_response_parse(*bytes, client->seen, &head);

    if (parsed == HTTP_PARSE_MORE) {
        client->seen = (uint32_t)bytes->length;
        return TAKE_STOP;
    }
    client->seen = 0;
    bool is_final = parsed == HTTP_PARSE_DONE && (head.status >= 200 || head.status == 101);

    // 101 comes if it was asked for; and nobody needs many of the others (RFC 9110 §15.2).
    if (parsed != HTTP_PARSE_DONE || (head.status == 101 && !may_upgrade(client, &head)) ||
        (!is_final && client->interim_count == INTERIM_MAX)) {
        finish(client, ERR_PARSE);
        return TAKE_GONE;
    }
    *bytes = slice_from(*bytes, head.length);
    if (!is_final) {
        client->interim_count++;
        return TAKE_ON;
    }
    return take_final_head(client, &head) ? TAKE_ON : TAKE_GONE;
}

static enum http_chunk_step body_next(
    struct http_client *client, struct slice *bytes, struct slice *data)
{
    switch ((enum http_framing)client->framing) {
    case HTTP_BODY_CHUNKED: return http_chunk_next(&client->chunk, bytes, data);
    case HTTP_BODY_LENGTH: break;
    case HTTP_BODY_UNTIL_CLOSE: client->body_left = UINT64_MAX; break;
    case HTTP_BODY_NONE:
    case HTTP_BODY_BAD:
    case HTTP_BODY_UNKNOWN_CODING: return HTTP_CHUNK_DONE;
    }
    if (client->body_left == 0)
        return HTTP_CHUNK_DONE;
    *data =
        client->body_left < bytes->length ? slice_head(*bytes, (size_t)client->body_left) : *bytes;
    return data->length > 0 ? HTTP_CHUNK_DATA : HTTP_CHUNK_MORE;
}

static enum take take_data(struct http_client *client, struct slice *bytes, struct slice data)
{
    client->is_paused = true; // http_client_resume may say otherwise within the call
    enter(client);
    size_t taken = client->caller->ops->body(client->caller, data);

    if (!leave(client))
        return TAKE_GONE;
    assert(taken <= data.length);
    if (client->framing == HTTP_BODY_CHUNKED) {
        http_chunk_take(&client->chunk, bytes, taken);
    } else {
        *bytes = slice_from(*bytes, taken);
        client->body_left -= taken;
    }
    client->is_paused &= taken < data.length;
    mark(client);
    if (client->is_paused)
        stream_pause(client->stream);
    return client->is_paused ? TAKE_STOP : TAKE_ON;
}

static enum take take_body(struct http_client *client, struct slice *bytes)
{
    struct slice data = SLICE_NONE;

    switch (body_next(client, bytes, &data)) {
    case HTTP_CHUNK_DATA: return take_data(client, bytes, data);
    case HTTP_CHUNK_MORE: return TAKE_STOP;
    case HTTP_CHUNK_BAD: finish(client, ERR_PARSE); return TAKE_GONE;
    case HTTP_CHUNK_DONE: break;
    }
    // Bytes that nobody asked for: whose answer would they be?
    client->keeps_alive &= bytes->length == 0;
    finish(client, ERR_NONE);
    return TAKE_GONE;
}

static size_t client_data(struct stream_user *user, struct slice bytes)
{
    struct http_client *client = client_of(user);
    struct slice rest = bytes;
    enum take take = TAKE_ON;

    client->has_bytes = true;
    while (take == TAKE_ON && client->phase == HEAD && rest.length > 0)
        take = take_head(client, &rest);
    // Once more when all bytes are taken: that may have been the end.
    while (take == TAKE_ON && client->phase == BODY)
        take = take_body(client, &rest);
    return take == TAKE_GONE ? bytes.length : bytes.length - rest.length;
}

static void client_end(struct stream_user *user)
{
    struct http_client *client = client_of(user);
    bool is_whole = client->phase == BODY && client->framing == HTTP_BODY_UNTIL_CLOSE;

    finish(client, is_whole ? ERR_NONE : ERR_CLOSED);
}

static void client_closed(struct stream_user *user, enum err why)
{
    struct http_client *client = client_of(user);

    client->why = stream_why(client->stream); // which is there till the turn's end
    client->stream = NULL;
    finish(client, why);
}

static const struct stream_user_ops CLIENT_OPS = {
    .open = client_open,
    .connected = client_connected,
    .data = client_data,
    .end = client_end,
    .pull = client_pull,
    .sent = client_sent,
    .closed = client_closed,
};

static struct stream *connect_to(
    struct http_client *client, const struct endpoint *to, const struct tls_name *tls)
{
    struct stream *stream = stream_connect(client->loop, to, &client->user);

    if (tls->client != NULL) {
        struct stream_filter *filter = tls_client_filter(tls, loop_wall(client->loop));

        stream_filter_set(stream, &filter);
    }
    return stream;
}

struct http_client *http_client_start(struct loop *loop, const struct endpoint *to,
    struct stream *idle, const struct http_client_request *request, struct http_client_user *user)
{
    struct http_client *client = mem_new(struct http_client);

    client->user.ops = &CLIENT_OPS;
    client->loop = loop;
    client->caller = user;
    client->times = request->times;
    client->timer.fire = time_out;
    client->head = mem_text(request->head.at, request->head.length);
    client->unsent = slice_of(client->head, request->head.length);
    client->source = request->body;
    client->upgrade = request->upgrade;
    client->method = (uint8_t)request->method;
    if (idle == NULL) {
        client->stream = connect_to(client, to, &request->tls);
        mark(client);
        return client;
    }
    assert(tls_client_fits(stream_filter(idle), &request->tls));
    client->stream = idle;
    client->phase = HEAD;
    stream_attach(idle, loop, &client->user);
    stream_ready(idle);
    mark(client);
    return client;
}

void http_client_wake(struct http_client *client)
{
    if (client->stream != NULL && client->phase != CONNECTING)
        stream_ready(client->stream);
}

void http_client_resume(struct http_client *client)
{
    client->is_paused = false;
    if (client->stream != NULL)
        stream_resume(client->stream);
    mark(client);
}

void http_client_cancel(struct http_client *client)
{
    assert(client->phase != OVER);
    client->is_cancelled = true;
    client->phase = OVER;
    timer_clear(client->loop, &client->timer);
    stream_close(client->stream, false);
    if (client->depth == 0)
        client_free(client);
}

const char *http_client_why(const struct http_client *client)
{
    return client->why == NULL ? "" : client->why;
}

struct stream *http_client_take_stream(struct http_client *client)
{
    struct stream *stream = client->stream;

    if (!client->keeps_alive || stream == NULL || client->phase != OVER || !stream_is_idle(stream))
        return NULL;
    client->stream = NULL;
    stream_detach(stream);
    return stream;
}
