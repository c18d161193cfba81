// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What tests of the server share: asking as a visitor, and checking what was heard. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/world_test.h"
#include "wire/http_chunk.h"

enum { BODY_ROOM = 4 * 1024 * 1024 };

#define HOST "Host: a\r\n"

/* An answer, taken off what was heard. */
struct answer {
    struct http_head head;
    int status;
    size_t length; // of the body
    char *body;    // BODY_ROOM bytes, shared by all
};

static inline struct world *open_world(uint64_t seed)
{
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;

    return world_serve(seed, &limits);
}

static inline void run(struct world *w, int ms)
{
    sim_run_for(w->sim, span_ms(ms));
}

static inline void add(struct answer *a, struct slice bytes)
{
    assert_in_range(bytes.length, 0, BODY_ROOM - a->length);
    memcpy(a->body + a->length, bytes.at, bytes.length);
    a->length += bytes.length;
}

/* False when no complete answer is left. */
static inline bool answer_take(struct slice *heard, enum http_method asked, struct answer *a)
{
    static char body[BODY_ROOM];
    struct http_chunk chunk;
    struct slice data;
    uint64_t length = 0;
    enum http_chunk_step step;

    a->body = body;
    a->length = 0;
    if (http_response_parse(*heard, 0, &a->head) != HTTP_PARSE_DONE)
        return false;
    a->status = a->head.status;
    *heard = slice_from(*heard, a->head.length);
    switch (http_response_framing(&a->head, asked, &length)) {
    case HTTP_BODY_NONE: return true;
    case HTTP_BODY_LENGTH:
        if (heard->length < length)
            return false;
        add(a, slice_head(*heard, (size_t)length));
        *heard = slice_from(*heard, (size_t)length);
        return true;
    case HTTP_BODY_CHUNKED:
        http_chunk_init(&chunk);
        while ((step = http_chunk_next(&chunk, heard, &data)) == HTTP_CHUNK_DATA) {
            add(a, data);
            http_chunk_take(&chunk, heard, data.length);
        }
        return step == HTTP_CHUNK_DONE;
    case HTTP_BODY_UNTIL_CLOSE:
        add(a, *heard);
        *heard = slice_from(*heard, heard->length);
        return true;
    case HTTP_BODY_BAD:
    case HTTP_BODY_UNKNOWN_CODING: break;
    }
    return false;
}

static inline void expect_pattern(const struct answer *a, size_t length)
{
    assert_int_equal(a->length, length);
    for (size_t i = 0; i < length; i++)
        if (a->body[i] != script_byte(i))
            fail_msg("wrong byte at %zu of %zu", i, length);
}

/* What is heard next is an answer of this status, with the script's bytes for 200. */
static inline void expect(struct slice *heard, int status, size_t length)
{
    static struct answer a;

    assert_true(answer_take(heard, HTTP_GET, &a));
    assert_int_equal(a.status, status);
    if (status == 200)
        expect_pattern(&a, length);
}

/* The one exchange of a fresh connection: all that is heard within a second. */
static inline struct slice ask(struct world *w, struct visitor *v, const char *text)
{
    visitor_come(v, w, slice_text(text));
    run(w, 1000);
    return visitor_heard(v);
}

static inline void assert_text(struct slice s, const char *text)
{
    if (!slice_equal(s, slice_text(text)))
        fail_msg("heard:\n%.*s", SLICE_ARG(s));
}
