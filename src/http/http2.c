// SPDX-License-Identifier: Apache-2.0
/*
 * A connection that speaks HTTP/2: how it begins, how long it may wait, and how it ends. While
 * nghttp2 holds it, ending is orderly: GOAWAY, the answers that are owed, our half of the stream,
 * then the other side's.
 */
#include <assert.h>

#include "base/mem.h"
#include "http/http2_priv.h"

enum { TASKS_FREE_MAX = 128 }; // kept for the next requests: a page has a hundred

struct http2 *http2_of(void *user_data)
{
    struct http2 *h2 = user_data;

    assert(h2->tag == HTTP2_TAG);
    return h2;
}

static struct instant now_of(const struct http2 *h2)
{
    return loop_now(http2_server(h2)->loop);
}

void http2_terminate(struct http2 *h2, uint32_t error)
{
    if (h2->is_ending)
        return;
    h2->is_ending = h2->is_deaf = true;
    h2->is_lost |= nghttp2_session_terminate_session(h2->session, error) != 0;
}

struct http2_task *http2_task_new(struct http2 *h2, int32_t stream)
{
    struct http_server *server = http2_server(h2);
    struct http2_task *task = server->h2->free;

    if (task == NULL) {
        task = mem_new(struct http2_task);
        arena_init(&task->x.arena, server->limits.arena_bytes);
    } else {
        server->h2->free = task->next;
        server->h2->free_count--;
        struct arena arena = task->x.arena; // with the block it kept

        *task = (struct http2_task){ .x.arena = arena };
    }
    task->x.carrier = &http2_carrier;
    task->x.loop = server->loop;
    task->x.peer = stream_peer(h2->connection->stream);
    task->h2 = h2;
    task->stream = stream;
    task->at = now_of(h2);
    list_init(&task->ended);
    list_init(&task->pulled);
    list_init(&task->fleeting);
    list_append(&h2->tasks, &task->link);
    h2->task_count++;
    nghttp2_session_set_stream_user_data(h2->session, stream, task);
    return task;
}

/* nghttp2 asks several times in a row for what is of one stream, and its own look-up is a hash. */
struct http2_task *http2_task_at(struct http2 *h2, int32_t stream)
{
    if (h2->recent == NULL || h2->recent->stream != stream)
        h2->recent = nghttp2_session_get_stream_user_data(h2->session, stream);
    return h2->recent;
}

static void task_free(struct http2_task *task)
{
    struct http2 *h2 = task->h2;
    struct http2_shared *shared = http2_server(h2)->h2;

    if (h2->recent == task)
        h2->recent = NULL;
    list_remove(&task->link);
    list_remove(&task->ended);
    list_remove(&task->pulled);
    list_remove(&task->fleeting);
    h2->task_count--;
    mem_free(task->held);
    mem_free(task->own);
    if (shared->free_count == TASKS_FREE_MAX) {
        arena_done(&task->x.arena);
        mem_free(task);
        return;
    }
    arena_reset(&task->x.arena);
    task->next = shared->free;
    shared->free = task;
    shared->free_count++;
}

void http2_task_end(struct http2_task *task)
{
    struct http2 *h2 = task->h2;
    struct http_server *server = http2_server(h2);
    bool is_complete = task->is_done && !task->is_aborted;

    task->sink = NULL;
    if (is_complete && h2->floods.resets > 0)
        h2->floods.resets--;
    if (!is_complete)
        counter_up(&server->counts.aborted);
    // RFC 9113 §8.1: who is answered need not send the rest.
    if (is_complete && task->has_body && !task->is_closed)
        h2->is_lost |= nghttp2_submit_rst_stream(
                           h2->session, NGHTTP2_FLAG_NONE, task->stream, NGHTTP2_NO_ERROR) != 0;
    if (!task->is_closed)
        nghttp2_session_set_stream_user_data(h2->session, task->stream, NULL);
    if (task->held_length > task->held_at)
        h2->is_lost |=
            nghttp2_session_consume_connection(h2->session, task->held_length - task->held_at) != 0;
    if (!task->is_internal)
        server->service->over(server->service, &task->x, is_complete);
    task_free(task);
}

void http2_task_ended(struct http2_task *task)
{
    if (list_empty(&task->ended))
        list_append(&task->h2->ended, &task->ended);
}

void http2_task_moved(struct http2_task *task, size_t bytes)
{
    struct http2 *h2 = task->h2;
    uint32_t share = http2_server(h2)->progress_bytes / (h2->task_count + 1);
    uint32_t enough = share < HTTP2_PROGRESS_LEAST ? HTTP2_PROGRESS_LEAST : share;

    if (bytes < enough && (task->moved += (uint32_t)bytes) < enough)
        return;
    task->moved = 0;
    task->at = now_of(h2);
}

static void settle_later(struct timer *timer)
{
    struct http2 *h2 = container_of(timer, struct http2, later);

    list_each_safe (link, &h2->tasks)
        http2_task_feed(container_of(link, struct http2_task, link));
    http2_settle(h2);
}

void http2_settle_later(struct http2 *h2)
{
    if (!timer_is_set(&h2->later))
        timer_set(http2_server(h2)->loop, &h2->later, now_of(h2));
}

/* What the other side is waited for, and till when. */
static enum http_wait waits(const struct http2 *h2, struct instant *due)
{
    const struct http_connection *c = h2->connection;
    const struct http_server_limits *limits = &c->server->limits;

    if (c->is_finishing)
        return http_connection_waits(c, due);
    if (h2->gather != NULL) {
        *due = instant_after(c->head_at, limits->head);
        return HTTP_WAIT_HEAD;
    }
    if (h2->task_count > 0 || h2->kept != NULL || h2->is_ending) {
        *due = instant_after(c->at, limits->stall);
        return HTTP_WAIT_STALL;
    }
    *due = instant_after(c->at, limits->idle);
    return HTTP_WAIT_IDLE;
}

/* The earliest of what is waited for; a drain's second GOAWAY is one more such thing. */
static struct instant due_of(const struct http2 *h2)
{
    struct instant due, notice = instant_after(h2->drained, span_ms(HTTP2_NOTICE_MS));

    waits(h2, &due);
    return h2->is_draining && !h2->is_ending && notice.ns < due.ns ? notice : due;
}

/* The client keeps it from moving on, by its window or with its body. */
static bool is_held_up(const struct http2_task *task)
{
    const struct http2 *h2 = task->h2;

    if (task->has_body && task->sink != NULL && !task->is_sink_full)
        return true;
    return task->is_replied && !task->is_deferred &&
           (nghttp2_session_get_remote_window_size(h2->session) <= 0 ||
               nghttp2_session_get_stream_remote_window_size(h2->session, task->stream) <= 0);
}

static void cancel(struct http2_task *task)
{
    struct http2 *h2 = task->h2;

    task->is_aborted = true;
    h2->is_lost |= nghttp2_submit_rst_stream(
                       h2->session, NGHTTP2_FLAG_NONE, task->stream, NGHTTP2_CANCEL) != 0;
    http2_task_ended(task);
}

/* Ends the streams that wait for their client too long. */
static void end_stalled(struct http2 *h2)
{
    struct http_server *server = http2_server(h2);
    struct instant now = now_of(h2);

    list_each_safe (link, &h2->tasks) {
        struct http2_task *task = container_of(link, struct http2_task, link);

        if (!is_held_up(task) || instant_after(task->at, server->limits.stall).ns > now.ns)
            continue;
        counter_up(&server->counts.timeouts_stall);
        cancel(task);
    }
}

/* Ends the streams that wait for what a client that says no more would have to say: the rest of
 * a body, or a wider window for that of the answer. */
static void end_stranded(struct http2 *h2)
{
    list_each_safe (link, &h2->tasks) {
        struct http2_task *task = container_of(link, struct http2_task, link);
        bool wants_body = task->has_body && (task->sink != NULL || !task->is_replied);
        bool has_answer = task->source != NULL || task->left > 0;

        if (list_empty(&task->ended) && (wants_body || (has_answer && is_held_up(task))))
            cancel(task);
    }
}

/* RFC 9113 §6.8: the first GOAWAY says that an end is near, the second from where on requests
 * were not looked at: by then those that crossed the first have come. */
static void drain_end(struct http2 *h2)
{
    h2->is_ending = true;
    h2->connection->at = now_of(h2);
    h2->is_lost |=
        nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
            nghttp2_session_get_last_proc_stream_id(h2->session), NGHTTP2_NO_ERROR, NULL, 0) != 0;
}

void http2_drain(struct http_connection *c)
{
    struct http2 *h2 = c->h2;

    if (h2->is_draining || h2->is_ending || c->is_finishing)
        return;
    h2->is_draining = true;
    h2->drained = now_of(h2);
    h2->is_lost |= nghttp2_submit_shutdown_notice(h2->session) != 0;
    http2_settle_later(h2);
}

bool http2_is_idle(const struct http_connection *c)
{
    return c->h2->task_count == 0 && c->h2->gather == NULL && c->h2->kept == NULL &&
           !c->is_finishing;
}

/* One of its times has come. False when the connection is gone. */
static bool time_is_out(struct http2 *h2, enum http_wait wait)
{
    struct http_connection *c = h2->connection;
    struct http_server_counts *counts = &c->server->counts;

    switch (wait) {
    case HTTP_WAIT_NONE:
    case HTTP_WAIT_GREETING:
    case HTTP_WAIT_UPGRADED: return true;
    case HTTP_WAIT_LINGER: http_connection_close(c, false); return false;
    case HTTP_WAIT_IDLE:
        counter_up(&counts->timeouts_idle);
        c->at = now_of(h2);
        http2_terminate(h2, NGHTTP2_NO_ERROR);
        return true;
    case HTTP_WAIT_HEAD:
        counter_up(&counts->timeouts_head);
        http_connection_close(c, true);
        return false;
    case HTTP_WAIT_STALL: break;
    }
    if (http_connection_has_read_on(c) || (h2->kept == NULL && h2->task_count > 0)) {
        http_connection_mark(c);
        return true;
    }
    counter_up(&counts->timeouts_stall);
    http_connection_close(c, true);
    return false;
}

static void time_out(struct timer *timer)
{
    struct http_connection *c = container_of(timer, struct http_connection, timer);
    struct http2 *h2 = c->h2;
    struct instant due, now = loop_now(c->server->loop);
    enum http_wait wait = waits(h2, &due);

    if (h2->is_draining && !h2->is_ending &&
        instant_after(h2->drained, span_ms(HTTP2_NOTICE_MS)).ns <= now.ns)
        drain_end(h2);
    else if (due.ns <= now.ns && !time_is_out(h2, wait))
        return;
    if (!c->is_finishing)
        end_stalled(h2); // each stream has a time of its own
    http2_settle(h2);
}

/* Reading stops while what reading asks for cannot leave. */
static bool should_pause(const struct http2 *h2)
{
    return h2->kept != NULL &&
           nghttp2_session_get_outbound_queue_size(h2->session) > HTTP2_QUEUE_MAX;
}

/* Nothing is awaited any more. */
static bool is_over(const struct http2 *h2)
{
    return nghttp2_session_want_read(h2->session) == 0 ||
           (h2->connection->has_ended && h2->task_count == 0);
}

bool http2_settle(struct http2 *h2)
{
    struct http_connection *c = h2->connection;
    struct list *link;

    if (c->has_ended && !c->is_finishing)
        end_stranded(h2);
    while ((link = list_pop(&h2->ended)) != NULL)
        http2_task_end(container_of(link, struct http2_task, ended));
    if (c->is_finishing) {
        http_connection_settle(c);
        return true;
    }
    if (h2->is_lost) {
        http_connection_close(c, true);
        return false;
    }
    bool has_output = nghttp2_session_want_write(h2->session) != 0;

    if (h2->kept == NULL && !has_output && is_over(h2))
        return http_connection_conclude(c);
    if (has_output)
        stream_ready(c->stream);
    if (should_pause(h2) != c->is_paused) {
        c->is_paused = !c->is_paused;
        if (c->is_paused)
            stream_pause(c->stream);
        else
            stream_resume(c->stream);
    }
    struct instant due = due_of(h2);

    if (!timer_is_set(&c->timer) || due.ns < c->timer.link.due)
        timer_set(c->server->loop, &c->timer, due);
    return true;
}

/* Tells what nghttp2 made of it that cannot be told to the client in any other way. */
static void give_up(struct http2 *h2, ssize_t error)
{
    struct http_server_counts *counts = &http2_server(h2)->counts;

    if (error == NGHTTP2_ERR_FLOODED)
        counter_up(&counts->h2_floods_settings);
    else
        counter_up(&counts->bad_heads);
    h2->is_lost = true;
}

static size_t http2_data(struct stream_user *user, struct slice bytes)
{
    struct http_connection *c = container_of(user, struct http_connection, user);
    struct http2 *h2 = c->h2;

    bool is_deaf = c->is_finishing || h2->is_deaf;

    if (is_deaf) {
        c->dropped += (uint32_t)bytes.length;
        if (c->dropped > HTTP_LINGER_MAX) {
            http_connection_close(c, !c->is_finishing);
            return 0;
        }
    }
    if (!is_deaf) {
        if (h2->task_count == 0)
            c->at = now_of(h2);
        http2_flood_see(h2, bytes);
    }
    if (!is_deaf && !h2->is_deaf) {
        ssize_t taken =
            nghttp2_session_mem_recv(h2->session, (const uint8_t *)bytes.at, bytes.length);

        if (taken < 0)
            give_up(h2, taken);
    }
    return http2_settle(h2) ? bytes.length : 0;
}

/* What was asked completely is still answered, as far as the windows are open: the other side may
 * have closed only its half. */
static void http2_end(struct stream_user *user)
{
    struct http_connection *c = container_of(user, struct http_connection, user);

    c->has_ended = true;
    if (c->is_finishing) {
        if (!stream_holds_output(c->stream))
            http_connection_close(c, false);
        return;
    }
    http2_gather_drop(c->h2);
    http2_settle(c->h2);
}

static void http2_closed(struct stream_user *user, enum err why)
{
    (void)why;
    http_connection_close(container_of(user, struct http_connection, user), false);
}

static const struct stream_user_ops HTTP2_OPS = {
    .data = http2_data,
    .end = http2_end,
    .pull = http2_pull,
    .sent = http2_sent,
    .finished = http_connection_finished,
    .closed = http2_closed,
};

static void shared_open(struct http_server *server)
{
    struct http2_shared *shared = mem_new(struct http2_shared);
    int failed = nghttp2_session_callbacks_new(&shared->callbacks);

    failed |= nghttp2_option_new(&shared->option);
    assert(failed == 0); // they fail for lack of memory alone
    http2_request_callbacks(shared->callbacks);
    http2_answer_callbacks(shared->callbacks);
    nghttp2_option_set_no_auto_window_update(shared->option, 1);
    nghttp2_option_set_no_closed_streams(shared->option, 1);
    nghttp2_option_set_builtin_recv_extension_type(shared->option, NGHTTP2_PRIORITY_UPDATE);
    server->h2 = shared;
}

void http2_shared_free(struct http2_shared *shared)
{
    if (shared == NULL)
        return;
    nghttp2_session_callbacks_del(shared->callbacks);
    nghttp2_option_del(shared->option);
    for (struct http2_task *task = shared->free, *next; task != NULL; task = next) {
        next = task->next;
        arena_done(&task->x.arena);
        mem_free(task);
    }
    http2_rooms_free(&shared->rooms);
    mem_free(shared->gather);
    mem_free(shared);
}

/* What we say first. RFC 9218 §2.1: the priorities of RFC 7540 are not listened to. */
static int session_open(struct http2 *h2)
{
    const struct http_server *server = http2_server(h2);
    const nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, server->limits.streams },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP2_HELD_MAX - 1 },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP_HEAD_MAX },
        { NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
    };
    nghttp2_mem mem = http2_rooms(h2);
    int failed = nghttp2_session_server_new3(
        &h2->session, server->h2->callbacks, h2, server->h2->option, &mem);

    assert(failed == 0); // the first few KiB are within the limit
    failed |= nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings, COUNT_OF(settings));
    failed |=
        nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0, HTTP2_WINDOW);
    return failed;
}

size_t http2_begin(struct http_connection *c, struct slice bytes)
{
    struct http2 *h2 = mem_new(struct http2);

    if (c->server->h2 == NULL)
        shared_open(c->server);
    c->h2 = h2;
    c->user.ops = &HTTP2_OPS;
    c->timer.fire = time_out;
    c->is_lingering = true; // the other side always has frames on the way
    h2->tag = HTTP2_TAG;
    h2->connection = c;
    h2->burst_most = HTTP2_BURST_FIRST;
    h2->later.fire = settle_later;
    http2_floods_init(&h2->floods, now_of(h2));
    list_init(&h2->tasks);
    list_init(&h2->ended);
    list_init(&h2->pulled);
    list_init(&h2->fleeting);
    arena_init(&h2->heads, HTTP2_MEMORY_MAX);
    counter_up(&c->server->counts.h2_connections);
    h2->is_lost = session_open(h2) != 0;
    if (c->server->is_draining)
        http2_drain(c);
    return http2_data(&c->user, bytes);
}

void http2_cancel(struct http2 *h2)
{
    while (!list_empty(&h2->tasks))
        http2_task_end(container_of(h2->tasks.next, struct http2_task, link));
}

void http2_free(struct http2 *h2)
{
    if (h2 == NULL)
        return;
    http2_gather_drop(h2);
    timer_clear(http2_server(h2)->loop, &h2->later);
    nghttp2_session_del(h2->session);
    assert(h2->memory == 0);
    arena_done(&h2->heads);
    mem_free(h2->packer);
    mem_free(h2->kept);
    mem_free(h2->kept_shares);
    mem_free(h2);
}
