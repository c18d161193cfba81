// SPDX-License-Identifier: Apache-2.0
#include "origin/fetch.h"

#include <assert.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/writer.h"
#include "io/loop.h"

enum {
    REQUEST_BYTES_MAX = 64 * 1024,
    UNWANTED_DRAIN_MAX = 64 * 1024, // of an answer's body, to keep its connection
    UNWANTED_DRAIN_MS = 250,        // it may take for that
};

static const struct http_client_times TIMES = {
    .connect = { INT64_C(2000000000) },
    .first = { INT64_C(15000000000) },
    .stall = { INT64_C(15000000000) },
};

struct fetch {
    struct http_client_user client_user;
    struct http_client *client; // NULL between tries
    struct fetch_user *user;
    struct loop *loop;
    struct origin_pool *pool;
    struct fetch_request request; // its slices lie in the arena
    struct arena arena;
    struct timer next;    // each try begins in a turn of its own
    size_t tried;         // index of the origin of the try under way
    struct instant began; // the try
    const char *why;      // of the error that is told by `done`
    bool was_reused;      // the connection of this try
    bool fresh_only;      // the kept connection was dead: connect anew
    bool handed_over;     // `head` was called
    bool skips;           // this answer is not wanted, the next origin is asked
};

static const struct fetch_origin *origin_now(const struct fetch *f)
{
    return &f->request.origins[f->tried];
}

static void note(struct fetch *f, enum err err, int status)
{
    const struct origin_outcome outcome = {
        .err = err,
        .status = status,
        .began = f->began,
        .now = loop_now(f->loop),
        .at = loop_wall(f->loop),
        .had_body = f->request.body != NULL,
    };

    origin_pool_note(f->pool, &origin_now(f)->address, &outcome);
}

/* RFC 9110 §9.2.2, less the methods that write: an origin may not keep that promise. */
static bool may_repeat(const struct fetch *f)
{
    enum http_method method = f->request.method;

    return f->request.body == NULL &&
           (method == HTTP_GET || method == HTTP_HEAD || method == HTTP_OPTIONS);
}

static bool has_next(const struct fetch *f)
{
    return f->tried + 1 < f->request.origin_count;
}

/* Another origin may have what this one has not. */
static bool may_be_elsewhere(const struct fetch *f, int status)
{
    return status == 404 && f->tried + 1 < f->request.missing_count;
}

static struct slice write_head(struct fetch *f)
{
    const struct fetch_request *r = &f->request;
    struct slice host = origin_now(f)->host;
    size_t room = r->method_text.length + r->path.length + host.length + r->fields.length + 32;
    struct writer w = writer_on(arena_room(&f->arena, room), room);

    write_slice(&w, r->method_text);
    write_slice(&w, SLICE(" "));
    write_slice(&w, r->path);
    write_slice(&w, SLICE(" HTTP/1.1\r\nHost: "));
    write_slice(&w, host);
    write_slice(&w, SLICE("\r\n"));
    write_slice(&w, r->fields);
    write_slice(&w, SLICE("\r\n"));
    assert(!w.is_short);
    return writer_slice(&w);
}

static void try_now(struct fetch *f)
{
    const struct endpoint *address = &origin_now(f)->address;
    const struct tls_name tls = { origin_now(f)->tls, origin_now(f)->host };

    f->began = loop_now(f->loop);
    // A request that cannot be repeated gets a connection that cannot turn out dead half-way.
    bool reuses = may_repeat(f) && !f->fresh_only;
    struct stream *idle = origin_pool_begin(f->pool, address, f->began, reuses ? &tls : NULL);

    f->was_reused = idle != NULL;
    f->skips = false;
    const struct http_client_request request = { .head = write_head(f),
        .method = f->request.method,
        .body = f->request.body,
        .upgrade = f->request.upgrade,
        .times = TIMES,
        .tls = tls };

    f->client = http_client_start(f->loop, address, idle, &request, &f->client_user);
}

/* The try is over; its connection is kept where it is given. */
static void end_try(struct fetch *f, struct stream *idle)
{
    f->client = NULL;
    origin_pool_end(f->pool, &origin_now(f)->address, loop_now(f->loop), &idle);
}

static void cancel_try(struct fetch *f)
{
    http_client_cancel(f->client);
    end_try(f, NULL);
}

static void try_next(struct fetch *f)
{
    f->tried++;
    f->fresh_only = false;
    try_now(f);
}

/* The first try, one more, or the next origin's while an unwanted answer was still coming. */
static void on_timer(struct timer *timer)
{
    struct fetch *f = container_of(timer, struct fetch, next);

    if (f->client == NULL) {
        try_now(f);
        return;
    }
    cancel_try(f);
    try_next(f);
}

static void wait_a_turn(struct fetch *f)
{
    timer_set(f->loop, &f->next, loop_now(f->loop));
}

static void free_fetch(struct fetch *f)
{
    timer_clear(f->loop, &f->next);
    for (size_t i = 0; i < f->request.origin_count; i++)
        tls_client_unref(f->request.origins[i].tls);
    arena_done(&f->arena);
    mem_free(f);
}

static void on_head(struct http_client_user *user, const struct http_head *head)
{
    struct fetch *f = container_of(user, struct fetch, client_user);
    struct fetch_answer answer = { .head = head, .origin = f->tried };
    bool failed = origin_status_is_failure(head->status);

    note(f, ERR_NONE, head->status);
    answer.framing = http_response_framing(head, f->request.method, &answer.length);
    if (has_next(f) && may_repeat(f) && (failed || may_be_elsewhere(f, head->status))) {
        f->skips = true;
        bool is_worth_it =
            answer.framing == HTTP_BODY_NONE ||
            (answer.framing == HTTP_BODY_LENGTH && answer.length <= UNWANTED_DRAIN_MAX);

        timer_set(f->loop, &f->next,
            instant_after(loop_now(f->loop), span_ms(is_worth_it ? UNWANTED_DRAIN_MS : 0)));
        return;
    }
    f->handed_over = true;
    f->user->ops->head(f->user, &answer);
}

static size_t on_body(struct http_client_user *user, struct slice bytes)
{
    struct fetch *f = container_of(user, struct fetch, client_user);

    return f->skips ? bytes.length : f->user->ops->body(f->user, bytes);
}

/* The other side could not prove who it is. */
static bool is_distrust(enum err why)
{
    return why == ERR_CERT || why == ERR_CERT_TIME || why == ERR_CERT_NAME ||
           why == ERR_CERT_AUTHORITY;
}

/* After a try that handed nothing over; false when there is nothing left to try. */
static bool tries_on(struct fetch *f, enum err why, bool got_bytes)
{
    bool nothing_sent = why == ERR_REFUSED || why == ERR_UNREACHABLE || is_distrust(why);

    if (f->skips) {
        f->tried++;
        f->fresh_only = false;
        return true;
    }
    if (f->was_reused && !got_bytes) {
        f->fresh_only = true;
        return true;
    }
    note(f, why, 0);
    if (!has_next(f) || !(may_repeat(f) || nothing_sent))
        return false;
    f->tried++;
    f->fresh_only = false;
    return true;
}

static void on_done(struct http_client_user *user, enum err why, bool got_bytes)
{
    struct fetch *f = container_of(user, struct fetch, client_user);

    const char *words = http_client_why(f->client);

    f->why = words[0] == '\0' ? err_text(why) : words;
    end_try(f, why == ERR_NONE ? http_client_take_stream(f->client) : NULL);
    if (!f->handed_over && tries_on(f, why, got_bytes)) {
        wait_a_turn(f);
        return;
    }
    f->user->ops->done(f->user, why);
    free_fetch(f);
}

static const struct http_client_ops CLIENT_OPS = {
    .head = on_head, .body = on_body, .done = on_done
};

struct fetch *fetch_start(struct loop *loop, struct origin_pool *pool,
    const struct fetch_request *request, struct fetch_user *user)
{
    struct fetch *f = mem_new(struct fetch);
    size_t count =
        request->origin_count < FETCH_ORIGINS_MAX ? request->origin_count : FETCH_ORIGINS_MAX;
    struct fetch_origin *origins;

    assert(count > 0);
    f->client_user.ops = &CLIENT_OPS;
    f->user = user;
    f->loop = loop;
    f->pool = pool;
    f->next.fire = on_timer;
    f->request = *request;
    arena_init(&f->arena, REQUEST_BYTES_MAX);
    f->request.method_text = arena_copy(&f->arena, request->method_text);
    f->request.path = arena_copy(&f->arena, request->path);
    f->request.fields = arena_copy(&f->arena, request->fields);
    origins = arena_array(&f->arena, count, sizeof *origins);
    for (size_t i = 0; i < count; i++)
        origins[i] = (struct fetch_origin){ .address = request->origins[i].address,
            .host = arena_copy(&f->arena, request->origins[i].host),
            .tls = tls_client_ref(request->origins[i].tls) };
    f->request.origins = origins;
    f->request.origin_count = count;
    wait_a_turn(f);
    return f;
}

void fetch_hand_over(struct fetch *fetch, struct fetch_user *user)
{
    fetch->user = user;
}

const char *fetch_why(const struct fetch *fetch)
{
    return fetch->why;
}

void fetch_resume(struct fetch *fetch)
{
    if (fetch->client != NULL)
        http_client_resume(fetch->client);
}

void fetch_wake(struct fetch *fetch)
{
    if (fetch->client != NULL)
        http_client_wake(fetch->client);
}

void fetch_cancel(struct fetch *fetch)
{
    if (fetch->client != NULL)
        cancel_try(fetch);
    free_fetch(fetch);
}
