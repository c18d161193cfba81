// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/writer.h"
#include "delivery/count_priv.h"
#include "delivery/note_priv.h"

enum { HOW_MAX = 128 };

/* Cuts what was read to the end that is wanted; true when that was reached. */
static bool cut_to_end(const struct visit *visit, struct iovec *iov, size_t *count)
{
    uint64_t left = visit->end - visit->at;

    for (size_t i = 0; i < *count; i++) {
        if (iov[i].iov_len >= left) {
            iov[i].iov_len = left;
            *count = i + 1;
            return true;
        }
        left -= iov[i].iov_len;
    }
    return false;
}

static size_t sum_of(const struct iovec *iov, size_t count)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += iov[i].iov_len;
    return bytes;
}

static size_t pull(struct http_source *source, struct iovec *iov, size_t most, bool *is_last)
{
    struct visit *visit = container_of(source, struct visit, source);
    // The state first: what is complete now has its whole length to be read below.
    enum cache_state state = cache_object_state(visit->object);
    size_t count = cache_object_read(visit->object, visit->at, iov, most);

    *is_last = cut_to_end(visit, iov, &count);
    if (*is_last)
        return count;
    // A range may begin behind all that came.
    bool reads_all = visit->at + sum_of(iov, count) >= cache_object_length(visit->object);

    *is_last = state == CACHE_STATE_COMPLETE && reads_all;
    if (state != CACHE_STATE_FAILED || !reads_all)
        return count;
    if (visit->passing != NULL) // the object outgrew the store, and the rest comes past it
        return count + passing_pull(visit->passing, iov + count, most - count, is_last);
    if (count == 0)
        http_exchange_abort(visit_exchange(visit));
    return count;
}

static void sent(struct http_source *source, size_t bytes)
{
    struct visit *visit = container_of(source, struct visit, source);
    uint64_t stored = cache_object_length(visit->object) - visit->at;

    if (visit->passing != NULL && bytes > stored) {
        passing_sent(visit->passing, bytes - stored);
        bytes = stored;
    }
    visit->at += bytes;
}

static const struct http_source_ops SOURCE_OPS = { .pull = pull, .sent = sent };

void visit_progress(struct visit *visit)
{
    struct delivery *d = visit->delivery;
    struct cache_object *object = store_fill_object(visit->watch.fill);
    enum cache_state state = cache_object_state(object);

    if (object != visit->object) { // the same bytes in another place
        cache_object_ref(object);
        cache_object_unref(d->setup.store, delivery_reader(d), visit->object);
        visit->object = object;
    }
    http_exchange_wake(visit_exchange(visit));
    if (state == CACHE_STATE_COMPLETE || state == CACHE_STATE_FAILED)
        visit_stop_waiting(visit);
}

void visit_stop_waiting(struct visit *visit)
{
    store_watch_end(&visit->watch, visit->delivery->setup.loop);
}

void visit_refuse(struct visit *visit, int status, const char *detail)
{
    char how[HOW_MAX];
    int length = snprintf(how, sizeof how, "detail=%s", detail);

    visit_stop_waiting(visit); // else it would be answered twice
    visit_count(visit, USAGE_REFUSED);
    http_reply_status(
        visit_exchange(visit), status, fields_of_own_answer(visit, slice_of(how, (size_t)length)));
}

static void count_outcome(struct delivery_counts *counts, enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_HIT: counter_up(&counts->hits); break;
    case OUTCOME_STALE: counter_up(&counts->stale); break;
    case OUTCOME_MISS: counter_up(&counts->misses); break;
    case OUTCOME_REVALIDATED: counter_up(&counts->revalidated); break;
    case OUTCOME_COLLAPSED: counter_up(&counts->collapsed); break;
    case OUTCOME_PASS: counter_up(&counts->passed); break;
    case OUTCOME_NONE: break;
    }
}

static enum usage_kind kind_of(enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_HIT: return USAGE_HIT;
    case OUTCOME_STALE: return USAGE_STALE;
    case OUTCOME_MISS: return USAGE_MISS;
    case OUTCOME_REVALIDATED: return USAGE_REVALIDATED;
    case OUTCOME_COLLAPSED: return USAGE_COLLAPSED;
    case OUTCOME_PASS:
    case OUTCOME_NONE: break;
    }
    return USAGE_PASS;
}

/* As the counters of /metrics have it. */
static struct slice outcome_word(enum outcome outcome)
{
    static const struct slice WORDS[] = {
        [OUTCOME_NONE] = { "none", 4 },
        [OUTCOME_HIT] = { "hit", 3 },
        [OUTCOME_STALE] = { "stale", 5 },
        [OUTCOME_MISS] = { "miss", 4 },
        [OUTCOME_REVALIDATED] = { "revalidated", 11 },
        [OUTCOME_COLLAPSED] = { "collapsed", 9 },
        [OUTCOME_PASS] = { "pass", 4 },
    };

    return WORDS[outcome];
}

/* RFC 9211: a hit, or why the origin was asked and what became of that. */
static struct slice cache_status(
    const struct visit *visit, enum outcome outcome, int64_t ttl_s, char *room)
{
    static const struct slice FORWARDS[] = {
        [FORWARD_NONE] = { "hit", 3 },
        [FORWARD_URI_MISS] = { "fwd=uri-miss", 12 },
        [FORWARD_VARY_MISS] = { "fwd=vary-miss", 13 },
        [FORWARD_STALE] = { "fwd=stale", 9 },
        [FORWARD_REQUEST] = { "fwd=request", 11 },
    };
    struct writer w = writer_on(room, HOW_MAX);

    write_slice(&w, FORWARDS[outcome == OUTCOME_HIT ? FORWARD_NONE : visit->forward]);
    switch (outcome) {
    case OUTCOME_MISS:
    case OUTCOME_REVALIDATED: write_slice(&w, SLICE("; stored")); break;
    case OUTCOME_COLLAPSED: write_slice(&w, SLICE("; collapsed")); break;
    case OUTCOME_STALE:
        if (visit->forward != FORWARD_NONE)
            write_slice(&w, SLICE("; detail=origin-failed"));
        break;
    case OUTCOME_HIT: break;
    case OUTCOME_PASS:
    case OUTCOME_NONE: assert(false && "answers from the store have an outcome of it");
    }
    write_slice(&w, SLICE("; ttl="));
    write_number(&w, ttl_s);
    return writer_slice(&w);
}

static int64_t age_now(const struct visit *visit, const struct cache_meta *meta)
{
    struct wall now = loop_wall(visit->delivery->setup.loop);
    int64_t resident_s = wall_s(now) - wall_s(meta->received);

    return meta->age_s + (resident_s > 0 ? resident_s : 0); // RFC 9111 §4.2.3
}

/* The body at once where it is small and whole; else pulled while the object is held. */
static void reply_with_body(
    struct visit *visit, struct cache_object *object, struct http_reply *reply)
{
    struct iovec whole;
    bool complete = cache_object_state(object) == CACHE_STATE_COMPLETE;

    if (complete && reply->length == 0) {
        http_reply(visit_exchange(visit), reply);
        return;
    }
    if (complete && reply->length <= AT_HAND_MAX && reply->length > 0 &&
        cache_object_read(object, visit->at, &whole, 1) == 1 &&
        whole.iov_len >= (size_t)reply->length) {
        reply->body = slice_of(whole.iov_base, (size_t)reply->length);
        reply->is_body_stored = true;
        http_reply(visit_exchange(visit), reply);
        return;
    }
    if (!visit_keep(visit))
        return;
    cache_object_ref(object);
    visit->object = object;
    visit->source.ops = &SOURCE_OPS;
    reply->source = &visit->source;
    http_reply(visit_exchange(visit), reply);
}

static void reply_range(struct visit *visit, struct cache_object *object,
    const struct cache_meta *meta, struct http_reply *reply)
{
    struct http_exchange *x = visit_exchange(visit);
    int64_t total = cache_object_total(object);
    uint64_t first = 0, last = 0;
    struct writer w = writer_on(arena_alloc(&x->arena, 2 * (size_t)HOW_MAX + reply->more.length),
        2 * (size_t)HOW_MAX + reply->more.length);
    enum cache_range range = total < 0 || reply->status != 200
                                 ? CACHE_RANGE_NONE
                                 : cache_range(x->request, meta, (uint64_t)total, &first, &last);

    if (range == CACHE_RANGE_NONE) {
        reply_with_body(visit, object, reply);
        return;
    }
    write_slice(&w, reply->more);
    write_slice(&w, SLICE("Content-Range: bytes "));
    if (range == CACHE_RANGE_BAD) {
        write_slice(&w, SLICE("*/"));
        write_number(&w, total);
        write_slice(&w, SLICE("\r\n"));
        http_reply_status(x, 416, writer_slice(&w));
        return;
    }
    write_number(&w, (int64_t)first);
    write_slice(&w, SLICE("-"));
    write_number(&w, (int64_t)last);
    write_slice(&w, SLICE("/"));
    write_number(&w, total);
    write_slice(&w, SLICE("\r\n"));
    visit->at = first;
    visit->end = last + 1;
    reply->status = 206;
    reply->length = (int64_t)(last + 1 - first);
    reply->more = writer_slice(&w);
    reply_with_body(visit, object, reply);
}

/* Few requests have any: the others need not know the object's validators. */
static bool has_conditions(const struct http_head *request)
{
    return (request->first[HTTP_NAME_IF_MATCH] | request->first[HTTP_NAME_IF_NONE_MATCH] |
               request->first[HTTP_NAME_IF_MODIFIED_SINCE] |
               request->first[HTTP_NAME_IF_UNMODIFIED_SINCE] | request->first[HTTP_NAME_RANGE]) !=
           0;
}

static void reply_on_conditions(
    struct visit *visit, struct cache_object *object, struct http_reply *reply)
{
    struct http_exchange *x = visit_exchange(visit);
    struct cache_meta meta;

    cache_object_meta(object, &meta);
    switch (cache_condition(x->request, &meta, reply->status)) {
    case CACHE_CONDITION_304:
        reply->status = 304;
        reply->length = 0;
        http_reply(x, reply);
        break;
    case CACHE_CONDITION_412: http_reply_status(x, 412, reply->more); break;
    case CACHE_CONDITION_NONE:
        if (http_head_field(x->request, HTTP_NAME_RANGE) != NULL)
            reply_range(visit, object, &meta, reply);
        else
            reply_with_body(visit, object, reply);
        break;
    }
}

/* What is still arriving is watched, so that the rest is heard of. False: answered otherwise. */
static bool watch_rest(struct visit *visit, struct cache_object *object)
{
    struct delivery *d = visit->delivery;
    struct store_fill *fill = NULL;

    if (cache_object_state(object) == CACHE_STATE_COMPLETE || visit->watch.fill != NULL)
        return true;
    if (!visit_keep(visit))
        return false;
    switch (store_claim(d->setup.store, delivery_reader(d), &visit->key, NULL, &fill)) {
    case STORE_JOINED: // maybe one that was begun anew since we found the object
        if (store_fill_object(fill) == object)
            store_fill_watch(fill, d->setup.loop, &visit->watch);
        store_fill_unref(fill, delivery_reader(d));
        break;
    case STORE_CLAIMED: // it failed or was purged this very moment, and the key is ours now
        store_fill_fail_for(fill, delivery_reader(d), STORE_FAILURE_UNKEPT);
        store_fill_unref(fill, delivery_reader(d));
        break;
    case STORE_FOUND:
    case STORE_FULL: break;
    }
    if (visit->watch.fill != NULL || cache_object_state(object) == CACHE_STATE_COMPLETE)
        return true;
    passing_start(visit, "fwd=miss; detail=busy"); // nobody would tell of the rest
    return false;
}

void visit_answer(struct visit *visit, struct cache_object *object, const struct cache_meta *meta,
    enum outcome outcome)
{
    UNSET char how[HOW_MAX];
    int64_t age_s = age_now(visit, meta);

    if (!watch_rest(visit, object))
        return;
    count_outcome(&visit->delivery->counts, outcome);
    visit_count(visit, kind_of(outcome));
    visit_outcome(visit, outcome_word(outcome));
    visit->end = UINT64_MAX;
    struct http_reply reply = {
        .status = cache_object_status(object),
        .fields = fields_of_origin(visit, cache_object_fields(object)),
        .more = fields_of_ours(
            visit, age_s, cache_status(visit, outcome, meta->lifetime_s - age_s, how)),
        .length = cache_object_total(object),
    };

    if (has_conditions(visit_exchange(visit)->request))
        reply_on_conditions(visit, object, &reply);
    else
        reply_with_body(visit, object, &reply);
    // Whoever reads nothing has all it waited for: told of progress, it would answer again. Not
    // earlier: what is watched holds the stale object that may stand in here.
    if (visit->object == NULL || cache_object_state(object) == CACHE_STATE_COMPLETE)
        visit_stop_waiting(visit);
}
