// SPDX-License-Identifier: Apache-2.0
/*
 * The writing half of HTTP/2: a burst is what leaves in one write. nghttp2 says whose frame is
 * next; heads of frames and small pieces are copied into the burst, larger pieces of bodies are
 * pointed at where they lie.
 *
 * A frame that was made cannot be taken back, and nghttp2 goes on as if it had left. So what the
 * socket does not take of a burst is copied, and goes first next time; bursts to a slow reader
 * are small, so that little is. Of the bodies themselves no more is asked for than the reader's
 * windows and the burst have room for: the rest stays where it is.
 *
 * A source is asked once a burst, as its bytes are good only until it is asked again. When the
 * stream whose turn it is has used them up, the burst ends: nobody less urgent goes in between.
 */
#include <assert.h>

#include "base/mem.h"
#include "http/http2_head_priv.h"
#include "io/filter.h"

enum {
    FRAME_HEAD_BYTES = 9,
    FRAME_BYTES_MAX = 17 * 1024,
    SHARES_LEAST = 8, // that what nghttp2 does within one call may need
};

static void burst_copy(struct http2_burst *b, const void *bytes, size_t length)
{
    char *to = b->bytes + b->used;
    struct iovec *last = b->count > 0 ? &b->iov[b->count - 1] : NULL;

    assert(length <= sizeof b->bytes - b->used);
    memcpy(to, bytes, length);
    b->used += length;
    b->total += length;
    if (last != NULL && (char *)last->iov_base + last->iov_len == to)
        last->iov_len += length;
    else
        b->iov[b->count++] = (struct iovec){ to, length };
}

static void burst_point(struct http2_burst *b, void *bytes, size_t length)
{
    if (length <= HTTP2_PIECE_COPIED) {
        burst_copy(b, bytes, length);
        return;
    }
    b->iov[b->count++] = (struct iovec){ bytes, length };
    b->total += length;
}

/* For one frame more, whatever it is. */
static bool burst_has_room(const struct http2 *h2, const struct http2_burst *b)
{
    return b->total < h2->burst_most && sizeof b->bytes - b->used >= FRAME_BYTES_MAX &&
           HTTP2_SHARES_MAX - b->share_count >= SHARES_LEAST &&
           COUNT_OF(b->iov) - b->count >= 1 + 2 * HTTP2_PIECES_MAX;
}

static void pieces_set(struct http2_task *task, struct slice bytes)
{
    task->pieces[0] = stream_iovec(bytes);
    task->piece_at = 0;
    task->piece_count = 1;
    task->left = bytes.length;
    task->is_last = true;
}

/* Nothing of it stays in fleeting memory. */
static void save(struct http2_task *task)
{
    list_remove(&task->fleeting);
    if (task->left == 0)
        return;
    char *own = mem_alloc(task->left);

    memcpy(own, task->pieces[0].iov_base, task->left);
    counter_up(&http2_server(task->h2)->counts.copied);
    pieces_set(task, slice_of(own, task->left));
    task->own = own;
}

/* The answer cannot be completed; `over` follows. */
static void cut(struct http_exchange *x)
{
    struct http2_task *task = http2_task_of(x);
    struct http2 *h2 = task->h2;

    if (!list_empty(&task->ended))
        return;
    task->is_aborted = true;
    h2->is_lost |= nghttp2_submit_rst_stream(
                       h2->session, NGHTTP2_FLAG_NONE, task->stream, NGHTTP2_INTERNAL_ERROR) != 0;
    http2_task_ended(task);
    http2_settle_later(h2);
}

static void resume(struct http2_task *task)
{
    struct http2 *h2 = task->h2;

    if (!task->is_deferred)
        return;
    task->is_deferred = task->is_due = false;
    if (!task->is_closed)
        h2->is_lost |= nghttp2_session_resume_data(h2->session, task->stream) == NGHTTP2_ERR_NOMEM;
    stream_ready(h2->connection->stream);
}

static void wake(struct http_exchange *x)
{
    struct http2_task *task = http2_task_of(x);

    task->is_woken = true;
    if (!task->is_due)
        resume(task);
}

/* Asks the source. False when the answer was cut, as it gives less than was promised. */
static bool source_ask(struct http2_task *task)
{
    bool is_known = task->source_left >= 0, is_last = false;
    uint64_t limit = is_known ? (uint64_t)task->source_left : UINT64_MAX, total = 0;

    task->is_woken = false;
    size_t count = task->source->ops->pull(task->source, task->pieces, HTTP2_PIECES_MAX, &is_last);

    assert(count <= HTTP2_PIECES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (task->pieces[i].iov_len > limit - total)
            task->pieces[i].iov_len = (size_t)(limit - total);
        total += task->pieces[i].iov_len;
    }
    task->piece_at = 0;
    task->piece_count = (unsigned)count;
    task->left = (size_t)total;
    task->is_last = is_known ? total == limit : is_last;
    if (total > 0)
        list_append(&task->h2->pulled, &task->pulled);
    return !(is_known && is_last && total < limit) && !task->is_aborted;
}

/* How much of the body goes into the next frame. */
// NOLINTNEXTLINE(readability-function-size): the parameters are nghttp2's
static ssize_t body_read(nghttp2_session *session, int32_t stream, uint8_t *room, size_t length,
    uint32_t *flags, nghttp2_data_source *source, void *user_data)
{
    struct http2_task *task = http2_task_at(http2_of(user_data), stream);

    (void)session, (void)room, (void)source;
    if (task == NULL || task->is_aborted)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    bool is_used_up = task->left == 0 && !task->is_last;

    if (is_used_up && !list_empty(&task->pulled))
        return NGHTTP2_ERR_PAUSE;
    if (is_used_up && !source_ask(task)) {
        cut(&task->x);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (task->left == 0 && !task->is_last) {
        task->is_deferred = true;
        task->is_due = task->is_woken;
        if (task->is_due)
            list_append(&task->h2->pulled, &task->pulled);
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (task->is_last && task->left <= length)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)(task->left < length ? task->left : length);
}

/* The frame that body_read was asked for. */
static int body_send(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
    size_t length, nghttp2_data_source *source, void *user_data)
{
    struct http2 *h2 = http2_of(user_data);
    struct http2_task *task = http2_task_at(h2, frame->hd.stream_id);
    struct http2_burst *b = &http2_server(h2)->h2->burst;

    (void)session, (void)source;
    assert(task != NULL && length <= task->left);
    burst_copy(b, head, FRAME_HEAD_BYTES);
    if (task->x.told != NULL)
        task->x.told->sent_bytes += FRAME_HEAD_BYTES + length;
    http2_share_put(b, task->x.sent, FRAME_HEAD_BYTES + length);
    task->framed += length;
    task->left -= length;
    http2_flood_earn(h2, length / HTTP2_WINDOW_BYTES + (task->left == 0 ? HTTP2_WINDOWS_FRAME : 0));
    http2_task_moved(task, length);
    while (length > 0) {
        struct iovec *piece = &task->pieces[task->piece_at];
        size_t part = piece->iov_len < length ? piece->iov_len : length;

        burst_point(b, piece->iov_base, part);
        *piece = (struct iovec){ (char *)piece->iov_base + part, piece->iov_len - part };
        task->piece_at += piece->iov_len == 0;
        length -= part;
    }
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        task->is_done = true;
        http2_task_ended(task);
    }
    return burst_has_room(h2, b) ? 0 : NGHTTP2_ERR_PAUSE;
}

/* An answer without a body is over with its head. What nghttp2 says was sent is not yet: the rest
 * of the head is still to be put behind it. */
static int frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct http2 *h2 = http2_of(user_data);

    (void)session;
    if (frame->hd.type == NGHTTP2_DATA) // body_send has seen to it
        return 0;
    struct http2_task *task = http2_task_at(h2, frame->hd.stream_id);

    if (frame->hd.type == NGHTTP2_RST_STREAM && task != NULL)
        http2_task_was_reset(task, frame->rst_stream.error_code);
    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    h2->is_head_begun = true;
    h2->head = SLICE_NONE;
    h2->head_told = task == NULL ? NULL : task->x.told;
    h2->head_sent = NULL;
    if (task == NULL)
        return 0;
    h2->head_sent = task->x.sent;
    if (task->is_continued)
        task->is_continued = false;
    else
        h2->head = task->head;
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        task->is_done = true;
        http2_task_ended(task);
    }
    return 0;
}

/* Its stream has ended before it. */
static int frame_not_sent(
    nghttp2_session *session, const nghttp2_frame *frame, int error, void *user_data)
{
    (void)session, (void)error;
    if (frame->hd.type == NGHTTP2_HEADERS)
        http2_head_left(http2_of(user_data));
    return 0;
}

/* RFC 9113 §4.1 */
static int32_t stream_of_frame(const char *frame)
{
    const unsigned char *at = (const unsigned char *)frame + 5;

    return (int32_t)(at[0] & 0x7f) << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

/* Whom a frame that is not data counts for: heads, and what continues them, are their stream's. Of
 * a head in several frames, nghttp2 tells with the last alone that it was sent. */
static struct counter *sent_of(const struct http2 *h2, const char *frame)
{
    if (h2->is_head_begun)
        return h2->head_sent;
    if (frame[3] != NGHTTP2_HEADERS && frame[3] != NGHTTP2_CONTINUATION)
        return NULL;
    const struct http2_task *task =
        nghttp2_session_get_stream_user_data(h2->session, stream_of_frame(frame));

    return task == NULL ? NULL : task->x.sent;
}

/* What nghttp2 gave is the burst's last bytes. */
static void frame_complete(struct http2 *h2, struct http2_burst *b, size_t length)
{
    struct counter *sent = sent_of(h2, b->bytes + b->used - length);
    size_t before = b->total - length;

    if (h2->is_head_begun)
        http2_head_complete(h2, b, length);
    http2_share_put(b, sent, b->total - before);
}

size_t http2_pull(struct stream_user *user, struct iovec *iov, size_t most)
{
    struct http_connection *c = container_of(user, struct http_connection, user);
    struct http2 *h2 = c->h2;
    struct http2_burst *b = &c->server->h2->burst;

    assert(most >= COUNT_OF(b->iov));
    b->count = b->total = b->used = b->share_count = 0;
    if (h2->kept != NULL)
        burst_point(b, h2->kept + h2->kept_at, h2->kept_length - h2->kept_at);
    while (h2->kept == NULL && !c->is_finishing && burst_has_room(h2, b)) {
        const uint8_t *frame;
        ssize_t length = nghttp2_session_mem_send(h2->session, &frame);

        h2->is_lost |= length < 0;
        if (length > 0)
            burst_copy(b, frame, (size_t)length);
        http2_rooms_leave(h2);
        if (length <= 0)
            break;
        frame_complete(h2, b, (size_t)length);
    }
    memcpy(iov, b->iov, b->count * sizeof *iov);
    // An exchange may end without a byte to send; the stream has nothing to tell then.
    if (b->count == 0 && !c->is_finishing)
        http2_sent(user, 0);
    return b->count;
}

/* What the socket did not take of the burst goes first the next time. */
static void burst_keep(struct http2 *h2, const struct http2_burst *b, size_t went)
{
    size_t skip = went;

    h2->kept_at = 0;
    h2->kept_length = b->total - went;
    h2->kept = mem_alloc(h2->kept_length);
    char *to = h2->kept;

    for (size_t i = 0; i < b->count; i++) {
        size_t of_it = skip < b->iov[i].iov_len ? skip : b->iov[i].iov_len;

        memcpy(to, (char *)b->iov[i].iov_base + of_it, b->iov[i].iov_len - of_it);
        to += b->iov[i].iov_len - of_it;
        skip -= of_it;
    }
}

/* The sources are told what was taken from them, and may be asked again. */
static void sources_tell(struct http2 *h2)
{
    struct list *link;

    while ((link = list_pop(&h2->pulled)) != NULL) {
        struct http2_task *task = container_of(link, struct http2_task, pulled);
        size_t framed = task->framed;

        task->framed = task->left = 0;
        task->is_last = task->is_done;
        if (task->source_left > 0)
            task->source_left -= (int64_t)framed;
        if (!task->is_aborted && framed > 0)
            task->source->ops->sent(task->source, framed);
        if (task->is_due)
            resume(task);
    }
}

/* Of what was kept before, `went` bytes have left. */
static void kept_went(struct http2 *h2, size_t went)
{
    h2->kept_at += went;
    if (h2->kept_at < h2->kept_length)
        return;
    mem_free(h2->kept);
    h2->kept = NULL;
}

/* Nothing more is pulled in this turn. */
static void turn_ends(struct http2 *h2)
{
    h2->in_turn = 0;
    if (h2->heads_due == 0)
        arena_done(&h2->heads);
    while (!list_empty(&h2->fleeting))
        save(container_of(h2->fleeting.next, struct http2_task, fleeting));
}

void http2_sent(struct stream_user *user, size_t bytes)
{
    struct http_connection *c = container_of(user, struct http_connection, user);
    struct http2 *h2 = c->h2;
    struct http2_burst *b = &c->server->h2->burst;
    bool is_cut = bytes < b->total;
    size_t most = stream_filter(c->stream) == NULL ? HTTP2_BURST_MOST : HTTP2_BURST_SEALED;

    counter_add(&c->server->counts.bytes_out, bytes);
    http2_shares_went(h2, b, bytes);
    http_connection_progress(c, bytes);
    c->is_blocked = is_cut;
    if (h2->kept != NULL)
        kept_went(h2, bytes);
    else if (is_cut)
        burst_keep(h2, b, bytes);
    if (is_cut)
        h2->burst_most = HTTP2_BURST_LEAST;
    else if (b->total >= h2->burst_most && h2->burst_most < most)
        h2->burst_most *= 2;
    sources_tell(h2);
    h2->in_turn += bytes;
    if (is_cut || b->total == 0 || h2->in_turn >= STREAM_WRITE_MAX)
        turn_ends(h2);
    http2_settle(h2);
}

/* Nobody will read what is held of the request's body. */
static void held_drop(struct http2_task *task)
{
    size_t length = task->held_length - task->held_at;

    if (task->sink != NULL || length == 0)
        return;
    task->held_at = task->held_length;
    task->h2->is_lost |= nghttp2_session_consume_connection(task->h2->session, length) != 0;
}

/* A body at hand: a short one may lie in the caller's own memory, and is copied at once. */
static void body_take(struct http2_task *task, struct slice body, bool is_stored)
{
    struct http2 *h2 = task->h2;
    bool waits =
        http2_server(h2)->is_late || h2->kept != NULL || !stream_is_pulled(h2->connection->stream);
    bool is_passing = body.length <= HTTP_BODY_JOINED_MAX && !is_stored;
    char *room = NULL;

    if (is_passing && !waits)
        room = loop_scratch(task->x.loop, body.length);
    if (room != NULL) {
        memcpy(room, body.at, body.length);
        body.at = room;
    }
    pieces_set(task, body);
    list_append(&h2->fleeting, &task->fleeting);
    if (waits || (room == NULL && is_passing))
        save(task);
}

static void reply(struct http_exchange *x, const struct http_reply *r)
{
    struct http2_task *task = http2_task_of(x);
    struct http2 *h2 = task->h2;
    bool is_bare = task->is_head || http2_has_no_body(r->status);
    bool has_body = !is_bare && (r->source != NULL ? r->length != 0 : r->body.length > 0);

    assert(!task->is_replied && r->status >= 200 && r->status <= 999);
    task->is_replied = true;
    http_server_count_status(http2_server(h2), r->status);
    if (!list_empty(&task->ended)) // the client has left
        return;
    held_drop(task);
    const nghttp2_data_provider body = { .source.ptr = task, .read_callback = body_read };

    if (!http2_head_submit(task, r, has_body ? &body : NULL)) {
        cut(x);
        return;
    }
    if (has_body && r->source != NULL) {
        task->source = r->source;
        task->source_left = r->length;
    } else if (has_body) {
        body_take(task, r->body, r->is_body_stored);
    }
    stream_ready(h2->connection->stream);
}

static void read_body(struct http_exchange *x, struct http_sink *sink)
{
    struct http2_task *task = http2_task_of(x);
    struct http2 *h2 = task->h2;

    assert(task->sink == NULL);
    task->sink = sink;
    task->at = loop_now(x->loop);
    if (task->expects && !task->is_replied && list_empty(&task->ended))
        http2_head_continue(task);
    task->expects = false;
    http2_settle_later(h2);
}

static void read_on(struct http_exchange *x)
{
    struct http2_task *task = http2_task_of(x);

    task->is_sink_full = false;
    task->at = loop_now(x->loop);
    http2_settle_later(task->h2);
}

static const struct stream *stream_of(struct http_exchange *x)
{
    return http2_task_of(x)->h2->connection->stream;
}

const struct http_carrier http2_carrier = {
    .reply = reply,
    .wake = wake,
    .abort = cut,
    .read = read_body,
    .read_on = read_on,
    .stream = stream_of,
};

void http2_answer_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_send_data_callback(callbacks, body_send);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, frame_not_sent);
}
