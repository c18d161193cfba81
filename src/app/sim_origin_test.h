// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * For tests: a web server in the simulated world. What it answers is told by the path:
 *
 *     /kept/N      N bytes, fresh for a minute, with an ETag
 *     /brief/N     N bytes, fresh for a second, may stand in for ten minutes on error
 *     /grows/N     N bytes of unannounced length, a piece at a time
 *     /private/N   N bytes for one visitor alone
 *     /vary/N      N bytes by Accept-Language
 *     /second/N    404 at the first origin, N bytes at the second
 *     /cut/N       the head announces N bytes, half of them come
 *     /echo        the request's body
 */

#include <stdio.h>
#include <string.h>

#include "app/sim_body_test.h"

static inline bool origin_is_first(const struct origin_server *o)
{
    return o->at.ip.bytes[3] == 1;
}

static inline struct slice origin_fields(const char *kind)
{
    if (strcmp(kind, "private") == 0)
        return SLICE("Cache-Control: private\r\n");
    if (strcmp(kind, "vary") == 0)
        return SLICE("Cache-Control: max-age=60\r\nVary: Accept-Language\r\n");
    if (strcmp(kind, "brief") == 0)
        return SLICE("Cache-Control: max-age=1, stale-if-error=600\r\nETag: \"b\"\r\n");
    return SLICE("Cache-Control: max-age=60\r\nETag: \"k\"\r\n");
}

static inline void origin_answer(struct origin_body *b)
{
    struct origin_server *o = b->server;
    struct http_exchange *x = b->x;
    char path[64], kind[16] = "";
    unsigned long length = 0;

    snprintf(path, sizeof path, "%.*s", SLICE_ARG(x->authority.path));
    sscanf(path, "/%15[a-z]/%lu", kind, &length);
    if (strcmp(kind, "echo") == 0) {
        b->sink.ops = &ORIGIN_SINK;
        http_exchange_read(x, &b->sink);
        return;
    }
    if (o->says_503 || (strcmp(kind, "second") == 0 && origin_is_first(o))) {
        http_reply_status(x, o->says_503 ? 503 : 404, SLICE_NONE);
        return;
    }
    if (http_head_value(x->request, HTTP_NAME_IF_NONE_MATCH).length > 0) {
        o->not_modified++;
        http_reply(x, &(struct http_reply){ .status = 304, .fields = origin_fields(kind) });
        return;
    }
    struct slice language =
        strcmp(kind, "vary") == 0 ? http_head_value(x->request, HTTP_NAME_OTHER) : SLICE_NONE;

    b->source.ops = &ORIGIN_SOURCE;
    b->name = hash_bytes(x->authority.path, 0) ^ hash_bytes(language, 1);
    b->length = length;
    b->grows = strcmp(kind, "grows") == 0;
    b->ready = b->grows ? 0 : length;
    b->cut_at = strcmp(kind, "cut") == 0 ? length / 2 : UINT64_MAX;
    b->timer.fire = origin_grow;
    if (b->grows)
        timer_set(x->loop, &b->timer, loop_now(x->loop));
    http_reply(x, &(struct http_reply){ .status = 200,
                      .fields = origin_fields(kind),
                      .length = b->grows ? -1 : (int64_t)length,
                      .source = &b->source });
}

static inline void origin_thought(struct timer *timer)
{
    origin_answer(container_of(timer, struct origin_body, timer));
}

static inline void origin_serve(struct http_service *service, struct http_exchange *x)
{
    struct origin_server *o = container_of(service, struct origin_server, service);
    struct origin_body *b = origin_body_of(x);

    o->requests++;
    b->server = o;
    b->x = x;
    if (o->thinks.ns == 0) {
        origin_answer(b);
        return;
    }
    assert_true(http_exchange_keep(x));
    b->timer.fire = origin_thought;
    timer_set(x->loop, &b->timer, instant_after(loop_now(x->loop), o->thinks));
}

static inline void origin_over(struct http_service *, struct http_exchange *x, bool)
{
    timer_clear(x->loop, &origin_body_of(x)->timer);
}
