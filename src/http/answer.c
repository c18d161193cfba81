// SPDX-License-Identifier: Apache-2.0
/*
 * The writing half of a connection. An answer leaves in this order, any part of which may be
 * empty: 100 Continue; the head, with a small body joined to it; a larger body at hand; what the
 * source gives, in chunks if its length is not known. All answers that are ready leave in one
 * call, up to the first that still waits for something.
 *
 * The head of a chunk is a promise: once it was pulled, it stands, even if nothing of it could be
 * sent and the source gives other pieces the next time. So data of an open chunk is cut to what
 * was promised, and never falls short of it.
 */
#include <assert.h>
#include <stdio.h>

#include "base/mem.h"
#include "http/server_priv.h"

enum { STATUS_LINE_MAX = 64, FRAMING_MAX = 96, SOURCE_IOVECS_MIN = 8 };

struct writer {
    char *start, *at;
};

static void put(struct writer *w, struct slice bytes)
{
    if (bytes.length > 0)
        memcpy(w->at, bytes.at, bytes.length);
    w->at += bytes.length;
}

static void put_number(struct writer *w, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    put(w, slice_of(digits + at, sizeof digits - at));
}

static void put_status_line(struct writer *w, int status)
{
    struct slice line = http_status_line(status);

    put(w, line);
    if (line.length == 0)
        w->at += snprintf(w->at, STATUS_LINE_MAX, "HTTP/1.1 %d Unknown\r\n", status);
}

static bool has_no_body(int status)
{
    return status == 204 || status == 304;
}

/* RFC 9112 §6.2, §6.1, §9.3 */
static void put_framing(struct writer *w, const struct http_task *task, const struct http_reply *r)
{
    int64_t length = r->source != NULL ? r->length : (int64_t)r->body.length;

    if (task->is_head && length == 0)
        length = r->length;
    if (task->is_chunked) {
        put(w, SLICE("Transfer-Encoding: chunked\r\n"));
    } else if (length >= 0 && !has_no_body(r->status)) {
        put(w, SLICE("Content-Length: "));
        put_number(w, (uint64_t)length);
        put(w, SLICE("\r\n"));
    }
    if (task->is_upgraded)
        put(w, SLICE("Connection: Upgrade\r\n"));
    else if (!task->keeps_alive)
        put(w, SLICE("Connection: close\r\n"));
    else if (task->is_old)
        put(w, SLICE("Connection: keep-alive\r\n"));
    put(w, SLICE("\r\n"));
}

/* Whether an answer that is made ready now leaves within this turn if the socket takes it. */
static bool is_free_to_leave(const struct http_task *task)
{
    const struct http_connection *c = task->connection;

    if (c->server->is_late || !stream_is_pulled(c->stream))
        return false;
    for (const struct http_task *before = c->first; before != task; before = before->next)
        if (!before->is_replied || before->source != NULL || before->is_aborted)
            return false;
    return true;
}

/* Room for a head and what is joined to it; *is_own when it is not scratch. */
static char *room_for(struct http_task *task, size_t size, bool *is_own)
{
    char *room = is_free_to_leave(task) ? loop_scratch(task->x.loop, size) : NULL;

    *is_own = room == NULL;
    return room == NULL ? mem_alloc(size) : room;
}

static bool is_long_to_drain(const struct http_task *task)
{
    return task->x.framing == HTTP_BODY_LENGTH && task->body_left > HTTP_DRAIN_MAX;
}

/* Decides on the connection's future; before the head is written, which tells it. */
static void settle_keep_alive(struct http_task *task, bool is_endless)
{
    struct http_connection *c = task->connection;
    bool is_newest = task == c->last;

    if (c->intake == HTTP_INTAKE_HOLD) // what follows is a request after all
        c->intake = task->keeps_alive ? HTTP_INTAKE_HEAD : HTTP_INTAKE_DROP;
    if (is_endless)
        task->keeps_alive = false;
    if (is_newest && (c->server->is_draining || c->intake == HTTP_INTAKE_DROP)) {
        c->is_lingering |= task->keeps_alive;
        task->keeps_alive = false;
    }
    // A body that nobody reads is read and dropped where that is cheap. Whether a client that
    // waits for 100 Continue sends it nevertheless is not known (RFC 9110 §10.1.1).
    if (task->has_body && task->sink == NULL && (task->expects || is_long_to_drain(task))) {
        task->keeps_alive = false;
        task->has_body = false;
        c->is_lingering = true;
    }
    if (!task->keeps_alive && is_newest && !task->has_body)
        http_connection_take_no_more(c);
}

void http_server_count_status(struct http_server *server, int status)
{
    struct http_server_counts *counts = &server->counts;

    switch (status / 100) {
    case 2: counter_up(&counts->status_2xx); break;
    case 3: counter_up(&counts->status_3xx); break;
    case 4: counter_up(&counts->status_4xx); break;
    case 5: counter_up(&counts->status_5xx); break;
    default: break;
    }
}

/* Head, and what is joined to it, ready to be sent; a larger body at hand behind them. */
static void put_ahead(struct http_task *task, const struct http_reply *r, struct slice body)
{
    size_t most = STATUS_LINE_MAX + FRAMING_MAX + r->fields.length + r->more.length;
    bool is_joined = body.length <= HTTP_BODY_JOINED_MAX || !is_free_to_leave(task);
    bool is_own;
    char *room = room_for(task, most + (is_joined ? body.length : 0), &is_own);
    struct writer w = { room, room };

    put_status_line(&w, r->status);
    put(&w, r->fields);
    put(&w, r->more);
    put_framing(&w, task, r);
    if (is_joined)
        put(&w, body);
    else
        task->body = body;
    task->ahead = slice_of(w.start, (size_t)(w.at - w.start));
    if (is_own)
        task->own = room;
    else
        loop_scratch_trim(task->x.loop, room, task->ahead.length);
    task->is_fleeting = !is_own || !is_joined;
}

void http1_reply(struct http_exchange *x, const struct http_reply *r)
{
    struct http_task *task = http_task_of(x);
    struct http_connection *c = task->connection;
    bool is_bare = task->is_head || has_no_body(r->status);
    bool is_unknown = r->source != NULL && r->length < 0 && !is_bare;

    assert(!task->is_replied && r->status <= 999);
    assert(task->is_upgraded ? r->status == 101 : r->status >= 200);
    settle_keep_alive(task, is_unknown && task->is_old);
    task->is_chunked = is_unknown && !task->is_old && !task->is_upgraded;
    task->is_replied = true;
    put_ahead(task, r, is_bare || r->source != NULL ? SLICE_NONE : r->body);
    if (r->source != NULL && !is_bare && r->length != 0) {
        task->source = r->source;
        task->source_left = r->length;
    }
    http_server_count_status(c->server, r->status);
    stream_ready(c->stream);
    if (task->has_body || c->is_paused)
        http_connection_settle(c); // what nobody wants is read now, and dropped
}

/* The answer can no longer be told to be complete. */
static size_t cut_short(struct http_task *task)
{
    task->in_source = 0;
    task->is_last = false;
    http_exchange_abort(&task->x);
    return 0;
}

/* Asks the source for at most `limit` bytes. */
static size_t source_pull(struct http_task *task, struct iovec *iov, size_t most, uint64_t limit)
{
    bool is_last = false;
    size_t count = task->source->ops->pull(task->source, iov, most, &is_last);
    uint64_t total = 0;

    assert(count <= most);
    for (size_t i = 0; i < count; i++) {
        if (iov[i].iov_len >= limit - total && (iov[i].iov_len > limit - total || i + 1 < count)) {
            iov[i].iov_len = (size_t)(limit - total);
            count = i + 1;
            is_last = false;
        }
        total += iov[i].iov_len;
    }
    task->is_last = is_last;
    task->in_source = (size_t)total;
    return count;
}

/* A body whose length the head has told, or that ends with the connection. */
static size_t plain_pull(struct http_task *task, struct iovec *iov, size_t most)
{
    bool is_known = task->source_left >= 0;
    uint64_t limit = is_known ? (uint64_t)task->source_left : UINT64_MAX;
    size_t count = source_pull(task, iov, most, limit);

    if (is_known && task->in_source < limit && task->is_last)
        return cut_short(task);
    task->is_last |= task->in_source == limit;
    return count;
}

static void open_chunk(struct http_task *task)
{
    size_t length = 0;

    if (task->has_chunk) {
        memcpy(task->frame, "\r\n", 2);
        length = 2;
    }
    length += http_chunk_head_write(task->frame + length, task->in_source);
    task->has_chunk = true;
    task->frame_at = 0;
    task->frame_length = (uint8_t)length;
    task->chunk_left = task->in_source;
}

static struct slice tail_of(const struct http_task *task)
{
    return task->has_chunk ? SLICE("\r\n0\r\n\r\n") : SLICE("0\r\n\r\n");
}

static size_t chunked_pull(struct http_task *task, struct iovec *iov, size_t most)
{
    size_t count = 0;

    task->in_source = 0;
    if (!task->is_source_over) {
        bool is_open = task->chunk_left > 0;
        uint64_t limit = is_open ? task->chunk_left : UINT64_MAX;

        count = source_pull(task, iov + 1, most - 2, limit);
        if (is_open && task->is_last && task->in_source < limit)
            return cut_short(task);
        if (!is_open && task->in_source > 0)
            open_chunk(task);
        iov[0] = stream_iovec(
            slice_of(task->frame + task->frame_at, (size_t)task->frame_length - task->frame_at));
        count = task->in_source > 0 ? count + 1 : 0;
    }
    if (task->is_last)
        iov[count++] = stream_iovec(slice_from(tail_of(task), task->tail_at));
    return count;
}

static size_t task_pull(struct http_task *task, struct iovec *iov, size_t most)
{
    const struct slice parts[] = { task->interim, task->ahead, task->body };
    size_t count = 0;

    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (parts[i].length > 0)
            iov[count++] = stream_iovec(parts[i]);
    if (task->source != NULL)
        count += task->is_chunked ? chunked_pull(task, iov + count, most - count)
                                  : plain_pull(task, iov + count, most - count);
    task->in_flight = 0;
    for (size_t i = 0; i < count; i++)
        task->in_flight += iov[i].iov_len;
    task->is_pulled = true;
    return count;
}

size_t http_connection_pull(struct stream_user *user, struct iovec *iov, size_t most)
{
    struct http_connection *c = container_of(user, struct http_connection, user);
    struct http_task *task = c->first;
    size_t count = 0;

    for (; task != NULL && most - count >= SOURCE_IOVECS_MIN; task = task->next) {
        if (task->is_aborted || task->is_over)
            break;
        count += task_pull(task, iov + count, most - count);
        if (!task->is_replied || task->is_aborted || (task->source != NULL && !task->is_last))
            break;
    }
    // An answer may end without a further byte; the stream has nothing to tell then.
    if (count == 0)
        http_connection_sent(user, 0);
    return count;
}

/* Takes what was sent off the front of `part`. */
static void part_sent(struct slice *part, size_t *sent)
{
    size_t length = part->length < *sent ? part->length : *sent;

    *part = slice_from(*part, length);
    *sent -= length;
}

static void source_sent(struct http_task *task, size_t sent)
{
    size_t frame = (size_t)task->frame_length - task->frame_at;
    size_t of_frame = sent < frame ? sent : frame;
    size_t of_source = sent - of_frame < task->in_source ? sent - of_frame : task->in_source;

    task->frame_at = (uint8_t)(task->frame_at + of_frame);
    task->tail_at = (uint8_t)(task->tail_at + (sent - of_frame - of_source));
    task->is_source_over |= task->is_last && of_source == task->in_source;
    if (task->is_chunked)
        task->chunk_left -= of_source;
    else if (task->source_left > 0)
        task->source_left -= (int64_t)of_source;
    if (task->in_source > 0)
        task->source->ops->sent(task->source, of_source);
    task->in_source = 0;
    if (task->is_source_over && (!task->is_chunked || task->tail_at == tail_of(task).length))
        task->source = NULL;
}

static void task_sent(struct http_task *task, size_t sent)
{
    if (task->x.told != NULL)
        task->x.told->sent_bytes += sent;
    part_sent(&task->interim, &sent);
    part_sent(&task->ahead, &sent);
    part_sent(&task->body, &sent);
    if (task->source != NULL)
        source_sent(task, sent);
    task->in_flight = 0;
    task->is_pulled = false;
}

/* Keeps what has not left of fleeting memory. */
static void task_save(struct http_task *task)
{
    size_t length = task->ahead.length + task->body.length;

    task->is_fleeting = false;
    if (length == 0)
        return;
    struct writer w = { .start = mem_alloc(length) };

    w.at = w.start;
    put(&w, task->ahead);
    put(&w, task->body);
    counter_up(&task->connection->server->counts.copied);
    mem_free(task->own); // the head, when it was the body alone that was fleeting
    task->own = w.start;
    task->ahead = slice_of(w.start, length);
    task->body = SLICE_NONE;
}

/* The answer is out. False when the connection is gone. */
static bool task_finish(struct http_task *task)
{
    struct http_connection *c = task->connection;
    struct http_service *service = c->server->service;

    task->is_over = true;
    task->sink = NULL;
    http_connection_mark(c);
    if (!task->is_internal)
        service->over(service, &task->x, true);
    bool is_long =
        task->has_body && task->x.framing == HTTP_BODY_LENGTH && task->body_left > HTTP_DRAIN_MAX;

    c->is_lingering |= task->has_body;
    if (!task->keeps_alive || is_long)
        return http_connection_conclude(c);
    if (task->has_body)
        return true;
    http_task_free(task);
    return c->first != NULL || c->intake != HTTP_INTAKE_DROP || http_connection_conclude(c);
}

static bool is_answered(const struct http_task *task)
{
    return task->is_replied && task->interim.length + task->ahead.length + task->body.length == 0 &&
           task->source == NULL;
}

/* What was not sent will be asked for again; what was fleeting is kept till then. */
static void keep_rest(struct http_connection *c, bool is_cut, size_t sent)
{
    for (struct http_task *task = c->first; task != NULL; task = task->next)
        if (task->is_fleeting)
            task_save(task);
    bool was_blocked = c->is_blocked;

    c->is_blocked = is_cut;
    if (is_cut && was_blocked)
        http_connection_progress(c, sent);
    else if (is_cut || (c->is_upgraded && sent > 0))
        http_connection_mark(c);
    if (c->first != NULL && c->first->is_aborted)
        http_task_doom(c->first);
    http_connection_settle(c);
}

void http_connection_sent(struct stream_user *user, size_t bytes)
{
    struct http_connection *c = container_of(user, struct http_connection, user);
    size_t left = bytes;
    bool is_cut = false;

    counter_add(&c->server->counts.bytes_out, bytes);
    if (c->is_upgraded)
        counter_add(&c->server->counts.upgraded_out, bytes);
    for (struct http_task *task = c->first, *next; task != NULL && task->is_pulled; task = next) {
        size_t went = left < task->in_flight ? left : task->in_flight;

        next = task->next;
        left -= went;
        is_cut |= went < task->in_flight;
        if (task->x.sent != NULL)
            counter_add(task->x.sent, went);
        task_sent(task, went);
        if (is_answered(task) && !task_finish(task))
            return;
        if (c->is_finishing)
            return;
    }
    assert(left == 0);
    keep_rest(c, is_cut, bytes);
}
