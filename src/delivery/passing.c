// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/writer.h"
#include "delivery/count_priv.h"
#include "delivery/note_priv.h"
#include "http/upgrade.h"
#include "wire/cache_control.h"

enum {
    CHUNK_HEAD_MAX = 20,
    HOW_MAX = 128,
    UPGRADED_HELD_MAX = 64 * 1024, // of another protocol than HTTP, each way: what counts is delay
};

/*
 * A request handed through to an origin, and its answer back: each direction is a pipe with back
 * pressure. Lives until both sides are done with it: the visitor (visit is NULL then) and the
 * fetch.
 */
struct passing {
    struct fetch_user user;
    struct delivery *delivery;
    struct visit *visit;            // NULL: the visitor is gone
    struct fetch *fetch;            // NULL: the origin is done
    struct pipe up, down;           // request's body, answer's body
    struct http_sink sink;          // takes the request's body
    struct http_source up_source;   // gives it to the fetch
    struct http_source down_source; // gives the answer's body to the visitor
    bool up_ended, down_ended, has_head, is_chunked_up;
    bool fetch_pauses, visitor_pauses;
    bool is_upgraded; // both bodies are another protocol's
};

static void free_when_done(struct passing *p)
{
    if (p->visit != NULL || p->fetch != NULL)
        return;
    pipe_done(&p->up);
    pipe_done(&p->down);
    mem_free(p);
}

static size_t pull_all(
    const struct pipe *pipe, bool ended, struct iovec *iov, size_t most, bool *is_last)
{
    size_t count = pipe_pull(pipe, iov, most);
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += iov[i].iov_len;
    *is_last = ended && bytes == pipe->held;
    return count;
}

/* The answer's body, towards the visitor. */
size_t passing_pull(struct passing *passing, struct iovec *iov, size_t most, bool *is_last)
{
    return pull_all(&passing->down, passing->down_ended, iov, most, is_last);
}

void passing_sent(struct passing *passing, size_t bytes)
{
    if (pipe_sent(&passing->down, bytes) && passing->fetch_pauses && passing->fetch != NULL) {
        passing->fetch_pauses = false;
        fetch_resume(passing->fetch);
    }
}

static size_t down_pull(struct http_source *source, struct iovec *iov, size_t most, bool *is_last)
{
    return passing_pull(container_of(source, struct passing, down_source), iov, most, is_last);
}

static void down_sent(struct http_source *source, size_t bytes)
{
    passing_sent(container_of(source, struct passing, down_source), bytes);
}

/* The request's body, towards the origin. */
static size_t up_pull(struct http_source *source, struct iovec *iov, size_t most, bool *is_last)
{
    const struct passing *p = container_of(source, struct passing, up_source);

    return pull_all(&p->up, p->up_ended, iov, most, is_last);
}

static void up_sent(struct http_source *source, size_t bytes)
{
    struct passing *p = container_of(source, struct passing, up_source);

    if (pipe_sent(&p->up, bytes) && p->visitor_pauses && p->visit != NULL) {
        p->visitor_pauses = false;
        http_exchange_read_on(visit_exchange(p->visit));
    }
}

/* As much of the bytes as fits. */
static size_t put_some(const struct passing *p, struct pipe *pipe, struct slice bytes)
{
    size_t most = p->is_upgraded ? UPGRADED_HELD_MAX : PIPE_MAX;

    return pipe->held >= most ? 0 : pipe_put(pipe, slice_head(bytes, most - pipe->held));
}

/* As much of the bytes as fits, as one chunk (RFC 9112 §7.1). */
static size_t put_chunk(struct pipe *pipe, struct slice bytes)
{
    char head[CHUNK_HEAD_MAX];
    size_t room = pipe->held < PIPE_MAX ? PIPE_MAX - pipe->held : 0;

    if (room <= CHUNK_HEAD_MAX + 2)
        return 0;
    struct slice part = slice_head(bytes, room - CHUNK_HEAD_MAX - 2);
    int length = snprintf(head, sizeof head, "%zx\r\n", part.length);
    size_t put = pipe_put(pipe, slice_of(head, (size_t)length));

    put += pipe_put(pipe, part);
    put += pipe_put(pipe, SLICE("\r\n"));
    // Half a chunk cannot be taken back: with no memory for it the request is cut.
    return put == (size_t)length + part.length + 2 ? part.length : SIZE_MAX;
}

static void cut(struct passing *p)
{
    counter_up(&p->delivery->counts.pipe_full);
    if (p->visit != NULL)
        http_exchange_abort(visit_exchange(p->visit));
}

static size_t up_data(struct http_sink *sink, struct slice bytes)
{
    struct passing *p = container_of(sink, struct passing, sink);

    if (p->fetch == NULL) // answered before all was said: nobody hears the rest
        return bytes.length;
    size_t taken = p->is_chunked_up ? put_chunk(&p->up, bytes) : put_some(p, &p->up, bytes);

    if (taken == SIZE_MAX || (taken == 0 && p->up.held == 0)) {
        cut(p);
        return bytes.length;
    }
    p->visitor_pauses = taken < bytes.length;
    fetch_wake(p->fetch);
    return taken;
}

static void up_end(struct http_sink *sink)
{
    struct passing *p = container_of(sink, struct passing, sink);

    if (p->is_chunked_up && pipe_put(&p->up, SLICE("0\r\n\r\n")) != 5)
        cut(p);
    p->up_ended = true;
    if (p->fetch != NULL)
        fetch_wake(p->fetch);
}

static const struct http_source_ops DOWN_OPS = { .pull = down_pull, .sent = down_sent };
static const struct http_source_ops UP_OPS = { .pull = up_pull, .sent = up_sent };
static const struct http_sink_ops SINK_OPS = { .data = up_data, .end = up_end };

/* The path that a reference leads to if it stays at the visit's site; else none. Not for
 * references to other places of the same folder ("name"), which nobody writes into Location. */
static struct slice path_at_site(const struct visit *visit, struct slice reference)
{
    size_t scheme = slice_find(reference, ':');

    if (slice_same(slice_head(reference, scheme), SLICE("http")) ||
        slice_same(slice_head(reference, scheme), SLICE("https")))
        reference = slice_from(reference, scheme + 1);
    if (!slice_starts(reference, SLICE("//")))
        return slice_starts(reference, SLICE("/")) ? reference : SLICE_NONE;
    reference = slice_from(reference, 2);
    struct slice authority = slice_head(reference, slice_find(reference, '/'));
    const struct routes *routes = visit->delivery->routes;
    const struct route *route =
        routes_find(routes, slice_head(authority, slice_find(authority, ':')));

    if (route == NULL || !slice_equal(route->site->host, visit->route->site->host))
        return SLICE_NONE;
    return slice_from(reference, authority.length);
}

static void invalidate_reference(struct passing *p, struct slice reference)
{
    struct visit *visit = p->visit;
    struct store *store = p->delivery->setup.store;
    struct slice path = path_at_site(visit, reference);
    char *room = turn_room(p->delivery, &visit_exchange(visit)->arena, 2 * CACHE_KEY_MAX);
    struct cache_text text = { .at = room + CACHE_KEY_MAX, .room = CACHE_KEY_MAX };

    path = slice_head(path, slice_find(path, '#'));
    if (cache_path_normalise(path, room, CACHE_KEY_MAX, &path) &&
        cache_key_write(visit->route->site->host, path, &text)) {
        const struct cache_key key = cache_key_of(cache_text_slice(&text), store_seed(store));

        store_drop(store, delivery_reader(p->delivery), &key);
    }
    turn_room_trim(p->delivery, room, 0);
}

/* RFC 9111 §4.4: what was changed at the origin is not served from the store any more, nor what
 * the answer says was changed with it. */
static void invalidate(struct passing *p, const struct http_head *answer)
{
    static const enum http_name REFERENCES[] = { HTTP_NAME_LOCATION, HTTP_NAME_CONTENT_LOCATION };
    struct visit *visit = p->visit;
    struct delivery *d = p->delivery;

    if (!cache_is_unsafe(visit_exchange(visit)->request->method) || answer->status >= 400)
        return;
    store_drop(d->setup.store, delivery_reader(d), &visit->first);
    for (size_t i = 0; i < COUNT_OF(REFERENCES); i++)
        if (http_head_field(answer, REFERENCES[i]) != NULL)
            invalidate_reference(p, http_head_value(answer, REFERENCES[i]));
}

/* Of a cache before us, if it says so; the answer does not rest here. */
static int64_t age_of(const struct http_head *answer)
{
    return http_head_field(answer, HTTP_NAME_AGE) == NULL ? -1 : cache_age_read(answer);
}

static int64_t announced_length(const struct fetch_answer *answer, enum http_method asked)
{
    uint64_t length;
    struct slice field = http_head_value(answer->head, HTTP_NAME_CONTENT_LENGTH);

    if (answer->framing == HTTP_BODY_LENGTH)
        return (int64_t)answer->length;
    if (asked == HTTP_HEAD && slice_number(field, INT64_MAX, &length))
        return (int64_t)length;
    return answer->framing == HTTP_BODY_NONE && asked != HTTP_HEAD ? 0 : -1;
}

/* The origin agrees to speak what the visitor asked for: from now on both are left alone. */
static void go_over(struct passing *p, const struct http_head *answer)
{
    struct visit *visit = p->visit;
    struct http_exchange *x = visit_exchange(visit);
    char offer[HTTP_UPGRADE_OFFER_MAX];
    struct slice chosen = http_head_value(answer, HTTP_NAME_UPGRADE);

    if (!http_upgrade_fits(http_upgrade_offer(x, offer), chosen)) {
        counter_up(&p->delivery->counts.failed);
        visit_count(visit, USAGE_ERROR);
        visit_outcome(visit, SLICE("error"));
        visit_refuse(visit, 502, "upgrade-unasked");
        return;
    }
    counter_up(&p->delivery->counts.passed);
    visit_count(visit, USAGE_PASS);
    visit_outcome(visit, SLICE("pass"));
    p->is_upgraded = true;
    size_t room = 2 * (size_t)answer->length + 256; // each field gets one blank more, and a Date
    struct writer w = writer_on(turn_room(p->delivery, &x->arena, room), room);

    w.length = cache_fields_write(answer, loop_wall(p->delivery->setup.loop), w.start, room);
    struct slice fields = fields_of_origin(visit, cache_fields_sent(writer_slice(&w)));

    write_slice(&w, SLICE("Upgrade: "));
    write_slice(&w, chosen);
    write_slice(&w, SLICE("\r\n"));
    assert(!w.is_short);
    turn_room_trim(p->delivery, w.start, w.length);
    http_upgrade(x,
        &(struct http_reply){
            .status = 101,
            .fields = slice_of(fields.at, (size_t)(w.start + w.length - fields.at)),
            .more = fields_of_ours(visit, -1, SLICE("fwd=bypass; detail=upgrade")),
            .length = -1,
            .source = &p->down_source,
        },
        &p->sink);
}

static void on_head(struct fetch_user *user, const struct fetch_answer *answer)
{
    struct passing *p = container_of(user, struct passing, user);
    struct visit *visit = p->visit;
    char how[HOW_MAX];

    p->has_head = true;
    if (visit == NULL)
        return;
    if (answer->head->status == 101) {
        go_over(p, answer->head);
        return;
    }
    invalidate(p, answer->head);
    counter_up(&p->delivery->counts.passed);
    visit_count(visit, USAGE_PASS);
    visit_outcome(visit, SLICE("pass"));
    int length = snprintf(
        how, sizeof how, "%s; fwd-status=%u", visit->why_passed, (unsigned)answer->head->status);
    char *room = turn_room(p->delivery, &visit_exchange(visit)->arena, HEAD_ROOM);
    struct slice fields = slice_of(room,
        cache_fields_write(answer->head, loop_wall(p->delivery->setup.loop), room, HEAD_ROOM));

    turn_room_trim(p->delivery, room, fields.length);
    http_reply(visit_exchange(visit),
        &(struct http_reply){
            .status = answer->head->status,
            .fields = fields_of_origin(visit, cache_fields_sent(fields)),
            .more = fields_of_ours(visit, age_of(answer->head), slice_of(how, (size_t)length)),
            .length = announced_length(answer, visit_exchange(visit)->request->method),
            .source = &p->down_source,
        });
}

static size_t on_body(struct fetch_user *user, struct slice bytes)
{
    struct passing *p = container_of(user, struct passing, user);

    if (p->visit == NULL)
        return bytes.length;
    size_t taken = put_some(p, &p->down, bytes);

    if (taken == 0 && p->down.held == 0) {
        cut(p);
        return bytes.length;
    }
    visit_use(p->visit, USAGE_FILLED_BYTES, taken);
    p->fetch_pauses = taken < bytes.length;
    http_exchange_wake(visit_exchange(p->visit));
    return taken;
}

/* Nobody answered. */
static void refuse(struct passing *p, enum err why)
{
    struct delivery *d = p->delivery;

    counter_up(&d->counts.failed);
    visit_count(p->visit, USAGE_ERROR);
    visit_outcome(p->visit, SLICE("error"));
    log_remote(d->setup.log, loop_wall(d->setup.loop), "delivery",
        "pass_failed node=%.*s site=%.*s why=\"%s\"", SLICE_ARG(d->setup.node),
        SLICE_ARG(p->visit->route->site->host), fetch_why(p->fetch));
    visit_refuse(p->visit, why == ERR_TIMEOUT ? 504 : 502,
        why == ERR_TIMEOUT ? "origin-timeout" : "origin-failed");
}

static void on_done(struct fetch_user *user, enum err why)
{
    struct passing *p = container_of(user, struct passing, user);

    p->down_ended = why == ERR_NONE;
    if (p->visit != NULL) {
        struct http_exchange *x = visit_exchange(p->visit);

        if (why == ERR_NONE) {
            http_exchange_wake(x);
        } else if (p->has_head) {
            http_exchange_abort(x);
        } else {
            refuse(p, why);
        }
    }
    p->fetch = NULL;
    free_when_done(p);
}

static const struct fetch_ops FETCH_OPS = { .head = on_head, .body = on_body, .done = on_done };

static struct passing *new_passing(struct visit *visit, const char *why)
{
    struct passing *p = mem_new(struct passing);
    struct delivery *d = visit->delivery;

    p->user.ops = &FETCH_OPS;
    p->delivery = d;
    p->visit = visit;
    p->down_source.ops = &DOWN_OPS;
    p->up_source.ops = &UP_OPS;
    p->sink.ops = &SINK_OPS;
    pipe_init(&p->up, &d->pipes);
    pipe_init(&p->down, &d->pipes);
    visit->passing = p;
    visit->why_passed = why;
    visit->outcome = OUTCOME_PASS;
    return p;
}

void passing_start(struct visit *visit, const char *why)
{
    struct delivery *d = visit->delivery;
    struct http_exchange *x = visit_exchange(visit);

    if (!visit_keep(visit))
        return;
    struct passing *p = new_passing(visit, why);
    bool has_body = x->framing == HTTP_BODY_CHUNKED ||
                    (x->framing == HTTP_BODY_LENGTH && x->request_length > 0);
    struct ranking UNSET ranking;
    bool offers = http_upgrade_is_offered(x);

    if (offers)
        http_upgrade_hold(x);
    ranking_of(d, visit, &ranking);
    const struct fetch_request request = {
        .method = x->request->method,
        .method_text = x->request->method_text,
        .path = visit->path,
        .fields = fields_for_origin(visit, false, NULL),
        .body = has_body ? &p->up_source : NULL,
        .upgrade = offers ? &p->up_source : NULL,
        .origins = ranking.origins,
        .origin_count = ranking.count,
        .missing_count = ranking.missing_count,
    };

    p->is_chunked_up = x->framing == HTTP_BODY_CHUNKED;
    p->fetch = fetch_start(d->setup.loop, d->setup.pool, &request, &p->user);
    if (has_body)
        http_exchange_read(x, &p->sink);
}

void passing_take_over(
    struct visit *visit, struct fetch *fetch, const struct fetch_answer *answer, const char *why)
{
    struct passing *p = new_passing(visit, why);

    visit_stop_waiting(visit);
    p->fetch = fetch;
    fetch_hand_over(fetch, &p->user);
    on_head(&p->user, answer);
}

size_t passing_go_on(struct visit *visit, struct fetch *fetch, struct slice bytes)
{
    struct passing *p = new_passing(visit, "");

    p->has_head = true;
    p->fetch = fetch;
    fetch_hand_over(fetch, &p->user);
    return on_body(&p->user, bytes);
}

void passing_end(struct passing *passing)
{
    passing->visit->passing = NULL;
    passing->visit = NULL;
    if (passing->fetch != NULL)
        fetch_cancel(passing->fetch);
    passing->fetch = NULL;
    free_when_done(passing);
}
