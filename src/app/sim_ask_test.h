// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For tests: visitors of the simulated world, and what comes of their requests. */

#include "app/sim_world_test.h"
#include "http/client.h"

enum { ASK_FIELDS_MAX = 4096 };

/* One request of a visitor and what came of it. */
struct ask {
    struct http_client_user user;
    struct http_client *client; // NULL until it is started
    struct loop *loop;
    struct ip node; // asked
    struct loop_message start_message;
    char head[512];
    int status;
    char fields[ASK_FIELDS_MAX]; // "Name: value\n"...
    uint64_t name;               // of the body that is expected
    size_t body_bytes;
    bool is_wrong;  // a byte of the body
    char start[64]; // of the body
    bool is_done;
    enum err err;
};

static inline void ask_head(struct http_client_user *user, const struct http_head *head)
{
    struct ask *a = container_of(user, struct ask, user);
    size_t used = 0;

    a->status = head->status;
    for (size_t i = 0; i < head->field_count; i++)
        used += (size_t)snprintf(a->fields + used, sizeof a->fields - used, "%.*s: %.*s\n",
            SLICE_ARG(head->fields[i].name), SLICE_ARG(head->fields[i].value));
}

static inline size_t ask_body(struct http_client_user *user, struct slice bytes)
{
    struct ask *a = container_of(user, struct ask, user);

    for (size_t i = 0; i < bytes.length; i++, a->body_bytes++) {
        a->is_wrong |= (unsigned char)bytes.at[i] != body_byte(a->name, a->body_bytes);
        if (a->body_bytes < sizeof a->start - 1)
            a->start[a->body_bytes] = bytes.at[i];
    }
    return bytes.length;
}

static inline void ask_done(struct http_client_user *user, enum err why, bool)
{
    struct ask *a = container_of(user, struct ask, user);

    a->is_done = true;
    a->err = why;
}

static const struct http_client_ops ASK_OPS = {
    .head = ask_head, .body = ask_body, .done = ask_done
};

static const struct http_client_times ASK_TIMES = { .connect = { INT64_C(60000000000) },
    .first = { INT64_C(60000000000) },
    .stall = { INT64_C(60000000000) } };

/* Within a turn of the visitor's loop, where clocks are right. */
static inline void ask_now(struct loop_message *message)
{
    struct ask *a = container_of(message, struct ask, start_message);
    struct endpoint node = { a->node, 80 };
    const struct http_client_request request = {
        .head = slice_text(a->head), .method = HTTP_GET, .times = ASK_TIMES
    };

    a->client = http_client_start(a->loop, &node, NULL, &request, &a->user);
}

/* `more`: field lines with CR LF each. The visitor does not wait: see world_wait. */
static inline void ask_start(struct world *w, struct ask *a, const char *path, const char *more)
{
    const char *language = strstr(more, "Accept-Language: ");
    struct slice value = language == NULL ? SLICE_NONE : slice_text(language + 17);

    memset(a, 0, sizeof *a);
    a->user.ops = &ASK_OPS;
    a->loop = w->outside;
    a->node = ip_v4(10, 0, 0, 1);
    a->name =
        hash_bytes(slice_text(path), 0) ^ hash_bytes(slice_head(value, slice_find(value, '\r')), 1);
    snprintf(a->head, sizeof a->head, "GET %s HTTP/1.1\r\nHost: static.test\r\n%s\r\n", path, more);
    a->start_message.run = ask_now;
    loop_post(w->outside, &a->start_message);
}

struct all_done {
    struct sim_wish wish;
    const struct ask *asks;
    size_t count;
};

static inline bool all_are_done(struct sim_wish *wish)
{
    const struct all_done *all = container_of(wish, struct all_done, wish);

    for (size_t i = 0; i < all->count; i++)
        if (!all->asks[i].is_done)
            return false;
    return true;
}

static inline void world_wait(struct world *w, const struct ask *asks, size_t count)
{
    struct all_done all = { { all_are_done }, asks, count };

    assert_true(sim_run_until(w->sim, &all.wish, span_s(120)));
}

static inline void ask_and_wait(struct world *w, struct ask *a, const char *path, const char *more)
{
    ask_start(w, a, path, more);
    world_wait(w, a, 1);
}

static inline bool ask_has(const struct ask *a, const char *field)
{
    return strstr(a->fields, field) != NULL;
}

static inline void assert_whole(const struct ask *a, size_t bytes)
{
    assert_int_equal(a->err, ERR_NONE);
    assert_int_equal(a->status, 200);
    assert_int_equal(a->body_bytes, bytes);
    assert_false(a->is_wrong);
}

static inline unsigned origin_requests(const struct world *w)
{
    return w->origins[0].requests + w->origins[1].requests;
}
