// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * For tests: the bodies that a web server in the simulated world sends and takes. Byte i of a body
 * is a function of its path and i, so that a wrong byte is seen.
 */

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "http/server.h"
#include "io/loop.h"

static inline unsigned char body_byte(uint64_t name, uint64_t at)
{
    return (unsigned char)hash_mix(name + at / 8) + (unsigned char)at;
}

struct origin_server {
    struct http_service service;
    struct loop *loop;
    struct http_server *server;
    struct listener *listener;
    struct endpoint at;
    unsigned requests;
    unsigned not_modified;
    bool says_503;
    struct span thinks; // before it answers
    // Of probes, in worlds that steer (app/sim_steer_test.h):
    unsigned probes;
    unsigned lost_percent; // taken and never answered
    struct span noise;     // thinks up to so much longer
    uint64_t luck;
};

/* The body of one answer, a piece at a time; lies in the exchange. */
struct origin_body {
    struct http_source source;
    struct http_sink sink;
    struct http_exchange *x;
    struct origin_server *server;
    struct timer timer;
    uint64_t name, sent, ready, length, cut_at;
    bool grows;
    char piece[64];
};

static inline struct origin_body *origin_body_of(struct http_exchange *x)
{
    return (struct origin_body *)(void *)x->service;
}

static_assert(sizeof(struct origin_body) <= HTTP_SERVICE_BYTES, "lies in its exchange");

static inline size_t origin_pull(
    struct http_source *source, struct iovec *iov, size_t most, bool *is_last)
{
    struct origin_body *b = container_of(source, struct origin_body, source);
    size_t part = b->ready - b->sent < sizeof b->piece ? b->ready - b->sent : sizeof b->piece;

    (void)most;
    if (b->sent >= b->cut_at) {
        http_exchange_abort(b->x);
        return 0;
    }
    for (size_t i = 0; i < part; i++)
        b->piece[i] = (char)body_byte(b->name, b->sent + i);
    *iov = (struct iovec){ b->piece, part };
    *is_last = b->sent + part == b->length;
    return part > 0;
}

static inline void origin_sent(struct http_source *source, size_t bytes)
{
    container_of(source, struct origin_body, source)->sent += bytes;
}

static inline void origin_grow(struct timer *timer)
{
    struct origin_body *b = container_of(timer, struct origin_body, timer);

    b->ready = b->ready + 5000 < b->length ? b->ready + 5000 : b->length;
    http_exchange_wake(b->x);
    if (b->ready < b->length)
        timer_set(b->x->loop, &b->timer, instant_after(loop_now(b->x->loop), span_ms(3)));
}

static const struct http_source_ops ORIGIN_SOURCE = { .pull = origin_pull, .sent = origin_sent };

/* Counts the body of a request and answers with how long it was. */
static inline size_t origin_takes(struct http_sink *sink, struct slice bytes)
{
    container_of(sink, struct origin_body, sink)->length += bytes.length;
    return bytes.length;
}

static inline void origin_has_all(struct http_sink *sink)
{
    struct origin_body *b = container_of(sink, struct origin_body, sink);
    int length = snprintf(b->piece, sizeof b->piece, "%llu", (unsigned long long)b->length);

    http_reply(
        b->x, &(struct http_reply){
                  .status = 200, .length = length, .body = slice_of(b->piece, (size_t)length) });
}

static const struct http_sink_ops ORIGIN_SINK = { .data = origin_takes, .end = origin_has_all };
