// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For the tests of the demo's parts: one simulated loop, and one request over it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "admin/text.h"
#include "base/mem.h"
#include "http/client.h"
#include "io/epoch.h"
#include "io/kernel.h"
#include "io/loop.h"
#include "io/sim.h"

struct bench {
    struct sim *sim;
    struct epoch epoch;
    struct kernel *kernel;
    struct loop *loop;
};

static inline struct bench *bench_open(void)
{
    struct bench *b = mem_new(struct bench);
    struct ip home = ip_v4(127, 0, 0, 1);

    b->sim = sim_new(11);
    epoch_init(&b->epoch);
    b->kernel = sim_kernel(b->sim, &home);
    b->loop = loop_new(b->kernel, &b->epoch, 0);
    sim_kernel_turns(b->kernel, b->loop);
    return b;
}

static inline void bench_close(struct bench *b)
{
    sim_kernel_turns(b->kernel, NULL);
    loop_free(b->loop);
    kernel_free(b->kernel);
    epoch_done(&b->epoch);
    sim_free(b->sim);
    mem_free(b);
}

/* One request and what came: status, head fields as text, body. */
struct fetch {
    struct http_client_user user;
    int status;
    struct text fields, body;
    struct loop *loop;
    enum err why;
    struct instant done; // 0: not yet
};

static inline void fetch_head(struct http_client_user *user, const struct http_head *head)
{
    struct fetch *f = container_of(user, struct fetch, user);

    f->status = head->status;
    for (size_t i = 0; i < head->field_count; i++)
        text_say(&f->fields, "%.*s: %.*s\n", SLICE_ARG(head->fields[i].name),
            SLICE_ARG(head->fields[i].value));
}

static inline size_t fetch_body(struct http_client_user *user, struct slice bytes)
{
    struct fetch *f = container_of(user, struct fetch, user);

    text_add(&f->body, bytes);
    return bytes.length;
}

static inline void fetch_done(struct http_client_user *user, enum err why, bool)
{
    struct fetch *f = container_of(user, struct fetch, user);

    f->why = why;
    f->done = loop_now(f->loop);
}

/* Asks for `line` ("GET /path") with these further fields, whatever comes of it; the caller frees
 * with fetch_free. */
static inline struct fetch fetch_try(
    struct bench *b, struct endpoint at, const char *line, const char *fields)
{
    static const struct http_client_ops OPS = {
        .head = fetch_head, .body = fetch_body, .done = fetch_done
    };
    struct fetch f = { .user = { &OPS }, .loop = b->loop };
    char head[1024];

    text_init(&f.fields, 1 << 16);
    text_init(&f.body, 1 << 20);
    int length =
        snprintf(head, sizeof head, "%s HTTP/1.1\r\nConnection: close\r\n%s\r\n", line, fields);
    struct http_client_request request = { .head = slice_of(head, (size_t)length),
        .method = head[0] == 'H'   ? HTTP_HEAD
                  : head[0] == 'P' ? HTTP_POST
                                   : HTTP_GET,
        .times = { span_s(2), span_s(2), span_s(2) } };

    http_client_start(b->loop, &at, NULL, &request, &f.user);
    sim_run_for(b->sim, span_s(1));
    assert_true(f.done.ns > 0);
    return f;
}

/* The same, and an answer came in full. */
static inline struct fetch fetch(
    struct bench *b, struct endpoint at, const char *line, const char *fields)
{
    struct fetch f = fetch_try(b, at, line, fields);

    assert_int_equal(f.why, ERR_NONE);
    return f;
}

static inline void fetch_free(struct fetch *f)
{
    text_done(&f->fields);
    text_done(&f->body);
}

/* The value of a field, up to its line's end; empty when it is missing. */
static inline struct slice fetch_field(const struct fetch *f, const char *name)
{
    struct slice rest = text_slice(&f->fields), line;

    while (slice_cut(&rest, '\n', &line)) {
        struct slice key = slice_head(line, slice_find(line, ':'));

        if (slice_same(key, slice_text(name)))
            return slice_from(line, key.length + 2);
    }
    return SLICE_NONE;
}
