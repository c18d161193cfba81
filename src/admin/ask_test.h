// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For tests of the admin face: the admin, and who asks it, on one simulated loop. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "admin/admin.h"
#include "admin/json.h"
#include "admin/routes.h"
#include "base/mem.h"
#include "io/epoch.h"
#include "io/kernel.h"
#include "io/loop.h"
#include "io/sim.h"
#include "io/stream.h"
#include "wire/http_head.h"

/* Where the simulation cuts what they send is its own affair. */
struct bench {
    struct sim *sim;
    struct epoch epoch;
    struct kernel *kernel;
    struct loop *loop;
    struct admin_source source;
    struct admin *admin;
    struct listener *listener;
    // What the source of a test says, and was asked.
    bool is_healthy, answers_late;
    const struct conf_errors *errors; // what a reload says
    unsigned reloads;
    char asked_name[64]; // by why
    struct ip asked_client;
    struct orders_fake *orders; // of orders_test.c
};

static const struct ip HOME = { IP_V4, { 127, 0, 0, 1 } };
static const struct endpoint AT = { { IP_V4, { 127, 0, 0, 1 } }, 8653 };
static inline struct bench *bench_open(const struct admin_source_ops *ops)
{
    struct bench *b = mem_new(struct bench);

    b->sim = sim_new(7);
    epoch_init(&b->epoch);
    b->kernel = sim_kernel(b->sim, &HOME);
    b->loop = loop_new(b->kernel, &b->epoch, 0);
    sim_kernel_turns(b->kernel, b->loop);
    b->source.ops = ops;
    b->is_healthy = true;
    b->admin = admin_new(b->loop, &b->source);
    assert_int_equal(listener_open(b->loop, &AT, admin_listener(b->admin), &b->listener), ERR_NONE);
    return b;
}

static inline void bench_close(struct bench *b)
{
    listener_close(b->listener);
    admin_free(b->admin);
    sim_kernel_turns(b->kernel, NULL);
    loop_free(b->loop);
    kernel_free(b->kernel);
    epoch_done(&b->epoch);
    sim_free(b->sim);
    mem_free(b);
}

/* Who asks: sends one request, takes all that comes until the end. */
struct asker {
    struct stream_user user;
    struct stream *stream; // NULL: closed
    struct slice to_send;
    struct text came;
    bool has_ended;
};

static inline size_t on_data(struct stream_user *user, struct slice bytes)
{
    struct asker *o = container_of(user, struct asker, user);

    text_add(&o->came, bytes);
    return bytes.length;
}

static inline void on_end(struct stream_user *user)
{
    struct asker *o = container_of(user, struct asker, user);

    o->has_ended = true;
    stream_close(o->stream, false);
    o->stream = NULL;
}

static inline size_t on_pull(struct stream_user *user, struct iovec *iov, size_t)
{
    struct asker *o = container_of(user, struct asker, user);
    char *at = NULL;

    memcpy(&at, &o->to_send.at, sizeof at); // iovecs lack const
    iov[0] = (struct iovec){ at, o->to_send.length };
    return o->to_send.length > 0;
}

static inline void on_sent(struct stream_user *user, size_t bytes)
{
    struct asker *o = container_of(user, struct asker, user);

    o->to_send = slice_from(o->to_send, bytes);
}

static inline void on_closed(struct stream_user *user, enum err)
{
    struct asker *o = container_of(user, struct asker, user);

    o->has_ended = true;
    o->stream = NULL;
}

static const struct stream_user_ops ASKER_OPS = {
    .data = on_data, .end = on_end, .pull = on_pull, .sent = on_sent, .closed = on_closed
};

static inline void asker_begin(struct bench *b, struct asker *o, const char *request)
{
    *o = (struct asker){ .user = { &ASKER_OPS }, .to_send = slice_text(request) };
    text_init(&o->came, 1 << 20);
    o->stream = stream_connect(b->loop, &AT, &o->user);
    stream_ready(o->stream);
    sim_run_for(b->sim, span_ms(100));
}

/* The answer's body, terminated; the head is read into `head`. */
static inline const char *asker_answer(struct asker *o, struct http_head *head)
{
    assert_true(o->has_ended);
    assert_non_null(o->came.at);
    assert_int_equal(http_response_parse(text_slice(&o->came), 0, head), HTTP_PARSE_DONE);
    return o->came.at + head->length;
}

static inline void asker_done(struct asker *o)
{
    if (o->stream != NULL)
        stream_close(o->stream, false);
    text_done(&o->came);
}

#define REQUEST(line) line " HTTP/1.1\r\nHost: 127.0.0.1:8653\r\nConnection: close\r\n\r\n"

/* A call has no statuses but those that the document says. */
static inline void check_is_documented(const char *request, int status)
{
    struct slice rest = slice_text(request), method, path;
    char code[8];
    bool is_path;

    slice_cut(&rest, ' ', &method);
    slice_cut(&rest, ' ', &path);
    bool is_get = slice_equal(method, SLICE("GET"));
    const struct admin_route *route = admin_route_find(
        slice_head(path, slice_find(path, '?')), is_get ? HTTP_GET : HTTP_POST, &is_path);

    if (route == NULL || !slice_starts(path, SLICE("/api/")))
        return;
    json_t *document = admin_openapi_json();
    const json_t *known = json_object_get(
        json_object_get(json_object_get(document, "paths"), route->path), is_get ? "get" : "post");

    snprintf(code, sizeof code, "%d", status);
    if (json_object_get(json_object_get(known, "responses"), code) == NULL)
        fail_msg("%.*s %s: %d is not documented", SLICE_ARG(method), route->path, status);
    json_decref(document);
}

/* One request and its answer: status, and the body as far as `body` has room. */
static inline int ask(struct bench *b, const char *request, char body[4096])
{
    struct asker o;
    struct http_head head;

    asker_begin(b, &o, request);
    snprintf(body, 4096, "%s", asker_answer(&o, &head));
    bool is_tagged = http_head_value(&head, HTTP_NAME_ETAG).length > 0;

    assert_true(slice_equal(http_head_value(&head, HTTP_NAME_CACHE_CONTROL),
        is_tagged ? SLICE("private, no-cache") : SLICE("no-store")));
    assert_true(!is_tagged || head.status == 200 || head.status == 304);
    assert_int_equal(http_head_value(&head, HTTP_NAME_DATE).length, 29);
    if (head.status == 405)
        assert_non_null(strstr(o.came.at, "\r\nAllow: "));
    check_is_documented(request, head.status);
    asker_done(&o);
    return head.status;
}
