// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A service for tests and fuzzers that does what the path says, and gives all memory back as
 * early as it may, so that whoever holds it too long is found:
 *
 *     /hand/N      N bytes at hand             /source/N   N bytes from a source, length told
 *     /stream/N    the same, length not told   /later/N    N bytes at hand, some time later
 *     /echo        the request's body          /cut/N      a source that aborts after N bytes
 *     /short/N     a source that ends early    /never      no answer at all
 *     /status/N    a short answer              /kept       the request, after it was kept
 */

#include "http/script_body_test.h"

static inline void script_reply_hand(struct script_task *task)
{
    struct http_reply reply = { .status = 200,
        .fields = SLICE("X-Test: hand\r\n"),
        .more = task->script->more.length > 0 ? task->script->more : SLICE("Age: 0\r\n"),
        .length = (int64_t)task->length,
        .body = script_hold(task->script, 0, task->length) };

    http_reply(task->x, &reply);
}

static inline void script_fire(struct timer *timer)
{
    struct script_task *task = container_of(timer, struct script_task, timer);

    if (task->kind == SCRIPT_LATER)
        script_reply_hand(task);
    else if (task->kind == SCRIPT_ECHO)
        http_exchange_read_on(task->x);
    else
        http_exchange_wake(task->x);
}

static inline size_t script_hear(struct http_sink *sink, struct slice bytes)
{
    struct script_task *task = container_of(sink, struct script_task, sink);
    struct script *s = task->script;
    size_t taken = s->waits ? script_draw(s, bytes.length + 1) : bytes.length;

    assert(bytes.length > 0 && !task->is_heard);
    if (task->heard_length + taken > SCRIPT_BODY_MAX)
        taken = SCRIPT_BODY_MAX - task->heard_length;
    task->heard = realloc(task->heard, task->heard_length + taken + 1);
    memcpy(task->heard + task->heard_length, bytes.at, taken);
    task->heard_length += taken;
    if (taken < bytes.length)
        script_wake_later(task);
    return taken;
}

static inline void script_heard(struct http_sink *sink)
{
    struct script_task *task = container_of(sink, struct script_task, sink);
    struct script *s = task->script;

    assert(!task->is_heard);
    task->is_heard = true;
    char *bytes = malloc(task->heard_length + 1);

    assert(bytes != NULL && s->held_count < SCRIPT_HELD_MAX);
    if (task->heard_length > 0)
        memcpy(bytes, task->heard, task->heard_length);
    s->held[s->held_count++] = bytes;
    struct http_reply reply = { .status = 200,
        .fields = SLICE("X-Test: echo\r\n"),
        .length = (int64_t)task->heard_length,
        .body = slice_of(bytes, task->heard_length) };

    http_reply(task->x, &reply);
}

static const struct http_sink_ops SCRIPT_SINK_OPS = { script_hear, script_heard };

static inline void script_plan(struct script_task *task, struct slice path)
{
    static const char *const NAMES[] = { "hand", "source", "stream", "later", "echo", "cut",
        "short", "never", "status", "kept" };
    struct slice name;
    uint64_t length = 0;

    path = slice_from(path, 1);
    slice_cut(&path, '/', &name);
    task->kind = SCRIPT_HAND;
    for (size_t i = 0; i < COUNT_OF(NAMES); i++)
        if (slice_equal(name, slice_text(NAMES[i])))
            task->kind = (enum script_kind)i;
    if (path.at != NULL && slice_number(path, task->script->length_max, &length))
        task->length = (size_t)length;
}

static inline void script_reply_kept(struct script_task *task)
{
    const struct http_head *head = task->x->request;
    char text[200];
    int length;

    if (!http_exchange_keep(task->x)) {
        http_reply_status(task->x, 503, SLICE("X-Test: large\r\n"));
        return;
    }
    assert(task->x->request != head && http_exchange_keep(task->x));
    head = task->x->request;
    length = snprintf(text, sizeof text, "%.*s %.*s %.*s %.*s", SLICE_ARG(head->method_text),
        SLICE_ARG(task->x->authority.host), SLICE_ARG(task->x->authority.path),
        SLICE_ARG(http_head_value(head, HTTP_NAME_COOKIE)));
    struct http_reply reply = { .status = 200, .body = slice_of(text, (size_t)length) };

    http_reply(task->x, &reply);
}

static inline void script_answer(struct script_task *task)
{
    struct http_exchange *x = task->x;
    struct http_reply reply = { .status = 200,
        .fields = SLICE("X-Test: source\r\n"),
        .length = (int64_t)task->length,
        .source = &task->source };

    switch (task->kind) {
    case SCRIPT_HAND: script_reply_hand(task); return;
    case SCRIPT_STREAM: reply.length = -1; break;
    case SCRIPT_CUT: reply.length = (int64_t)task->length + 1; break;
    case SCRIPT_SOURCE:
    case SCRIPT_SHORT: break;
    case SCRIPT_LATER: script_wake_later(task); return;
    case SCRIPT_ECHO:
        if (x->framing == HTTP_BODY_NONE)
            script_heard(&task->sink);
        else
            http_exchange_read(x, &task->sink);
        return;
    case SCRIPT_NEVER: return;
    case SCRIPT_STATUS:
        http_reply_status(x, task->length - 200 < 800 ? (int)task->length : 200, SLICE_NONE);
        return;
    case SCRIPT_KEPT: script_reply_kept(task); return;
    }
    http_reply(x, &reply);
}

static inline void script_serve(struct http_service *service, struct http_exchange *x)
{
    struct script *s = container_of(service, struct script, service);
    struct script_task *task = calloc(1, sizeof *task);

    assert(task != NULL);
    for (size_t i = 0; i < HTTP_SERVICE_BYTES; i++)
        assert(x->service[i] == 0);
    memcpy(x->service, &task, sizeof task);
    s->served++;
    task->script = s;
    task->x = x;
    task->source.ops = &SCRIPT_SOURCE_OPS;
    task->sink.ops = &SCRIPT_SINK_OPS;
    task->timer.fire = script_fire;
    script_plan(task, x->authority.path);
    x->sent = s->sent == NULL ? NULL : &s->sent[task->kind];
    script_answer(task);
}

static inline void script_over(struct http_service *service, struct http_exchange *x, bool complete)
{
    struct script *s = container_of(service, struct script, service);
    struct script_task *task = script_task_of(x);

    assert(task != NULL && task->x == x);
    if (complete)
        s->completed++;
    else
        s->cut++;
    timer_clear(s->loop, &task->timer);
    free(task->piece);
    free(task->heard);
    free(task);
    memset(x->service, 0, sizeof task);
}

static inline void script_init(struct script *s, struct loop *loop, uint64_t luck)
{
    *s = (struct script){ .service = { script_serve, script_over },
        .loop = loop,
        .luck = luck,
        .length_max = SCRIPT_BODY_MAX };
    s->hook.begin = script_forget;
    loop_hook_add(loop, &s->hook);
}

/* After the server was freed: each exchange has had its last word. */
static inline void script_done(struct script *s)
{
    assert(s->served == s->completed + s->cut);
    loop_hook_remove(s->loop, &s->hook);
    script_forget(&s->hook);
}
