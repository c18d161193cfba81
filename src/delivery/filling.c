// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "base/mem.h"
#include "delivery/delivery_priv.h"

enum { FILLING_ARENA_MAX = 256 * 1024, SPARE_MAX = 64 };

/*
 * A fetch into the store. It belongs to its worker and not to the visit that caused it, holds its
 * own copy of the request (what may be stored depends on it), and ends at the end of a turn, when
 * those who wait have been told.
 */
struct filling {
    struct fetch_user user;
    struct delivery *delivery;
    struct list link, dirty; // in the delivery's lists
    struct store_fill *fill;
    struct fetch *fetch;  // NULL when it ended or was handed over
    struct visit *leader; // gets an answer that is not kept; NULL when there is none (any more)
    struct snapshot_value *root;
    const struct route *route;
    const struct path_rules *rules;
    struct arena arena;
    struct http_head *request; // in the arena
    struct cache_key first;
    struct slice vary; // the marker's list, when the fill's key is that of a variant
    bool validates;    // the request asks whether the stale one still holds
    bool has_head;
    bool is_whole; // a 304 completed it
    bool is_over;  // free at the turn's end
};

static void make_dirty(struct filling *f)
{
    if (list_empty(&f->dirty))
        list_append(&f->delivery->dirty, &f->dirty);
}

static void end(struct filling *f)
{
    f->is_over = true;
    make_dirty(f);
}

static void fail(struct filling *f, enum store_failure failure)
{
    store_fill_fail_for(f->fill, delivery_reader(f->delivery), failure);
    end(f);
}

/* It came and is not kept; with `lasts`, nor will the next ones be for a while, and nobody is to
 * wait for another meanwhile. */
static void fail_unkept(struct filling *f, bool lasts)
{
    struct delivery *d = f->delivery;

    if (lasts)
        store_fill_fail(f->fill, delivery_reader(d),
            (struct wall){ loop_wall(d->setup.loop).ms + PASS_MARK_S * 1000 });
    else
        store_fill_fail_for(f->fill, delivery_reader(d), STORE_FAILURE_UNKEPT);
    end(f);
}

static void free_filling(struct filling *f)
{
    if (f->fetch != NULL)
        fetch_cancel(f->fetch);
    if (f->leader != NULL)
        f->leader->leads = NULL;
    list_remove(&f->link);
    list_remove(&f->dirty);
    store_fill_unref(f->fill, delivery_reader(f->delivery));
    snapshot_release(f->root, f->delivery->setup.worker);
    if (f->delivery->spare_count < SPARE_MAX) {
        arena_reset(&f->arena);
        list_insert(f->delivery->spare.next, &f->link); // what was used last is used next
        f->delivery->spare_count++;
        return;
    }
    arena_done(&f->arena);
    mem_free(f);
}

static struct filling *new_filling(struct delivery *d)
{
    struct list *link = list_pop(&d->spare);
    struct filling *f =
        link == NULL ? mem_new(struct filling) : container_of(link, struct filling, link);
    struct arena arena = f->arena; // with the block it kept

    if (link == NULL)
        arena_init(&arena, FILLING_ARENA_MAX);
    else
        d->spare_count--;
    *f = (struct filling){ .delivery = d, .arena = arena };
    list_append(&d->fillings, &f->link);
    list_init(&f->dirty);
    return f;
}

void filling_turn_end(struct loop_hook *hook)
{
    struct delivery *d = container_of(hook, struct delivery, hook);
    struct list dirty;

    list_init(&dirty);
    list_move_all(&dirty, &d->dirty);
    for (struct list *link; (link = list_pop(&dirty)) != NULL;) {
        struct filling *f = container_of(link, struct filling, dirty);

        store_fill_wake(f->fill);
        if (f->is_over)
            free_filling(f);
    }
}

void filling_forget(struct filling *filling)
{
    filling->leader->leads = NULL;
    filling->leader = NULL;
}

void filling_end_all(struct delivery *d)
{
    list_each_safe (link, &d->fillings) {
        struct filling *f = container_of(link, struct filling, link);

        if (!f->is_over)
            store_fill_fail_for(f->fill, delivery_reader(d), STORE_FAILURE_ORIGIN);
        store_fill_wake(f->fill);
        free_filling(f);
    }
    for (struct list *link; (link = list_pop(&d->spare)) != NULL;) {
        struct filling *f = container_of(link, struct filling, link);

        arena_done(&f->arena);
        mem_free(f);
    }
    d->spare_count = 0;
}

/*
 * It will not be kept: the one who asked gets it; those who waited are to ask for themselves, but
 * not an origin that fails. `lasts`: that is the answer's doing and no request's.
 */
static void hand_to_leader(struct filling *f, const struct fetch_answer *answer, bool lasts)
{
    if (f->leader != NULL) {
        struct visit *leader = f->leader;

        filling_forget(f);
        passing_take_over(leader, f->fetch, answer, "fwd=uri-miss");
        f->fetch = NULL;
    }
    // An error of the origin's is no property of the object: nothing is remembered of it.
    if (answer->head->status >= 500)
        fail(f, STORE_FAILURE_ORIGIN);
    else
        fail_unkept(f, lasts);
}

/* A 304 leaves nothing that may be kept: what it spoke of goes, and all ask for themselves. */
static void ask_anew(struct filling *f)
{
    store_drop(f->delivery->setup.store, delivery_reader(f->delivery), &f->first);
    fail_unkept(f, false);
}

/* An answer to credentials says nothing of what others would get. */
static bool is_for_anyone(const struct filling *f)
{
    return http_head_field(f->request, HTTP_NAME_AUTHORIZATION) == NULL;
}

static bool is_too_large(const struct filling *f, const struct fetch_answer *answer)
{
    return answer->framing == HTTP_BODY_LENGTH && answer->length > f->route->site->object_max_bytes;
}

/*
 * Moves the fill under the key of this variant, where the answer varies. ERR_STALE: it varies by
 * other fields than the marker says that led here; the marker goes, and so does this answer.
 */
static enum err place_variant(struct filling *f, const struct cache_meta *meta)
{
    struct store *store = f->delivery->setup.store;

    if (f->vary.length > 0) {
        if (slice_same(f->vary, meta->vary))
            return ERR_NONE;
        store_drop(store, delivery_reader(f->delivery), &f->first);
        return ERR_STALE;
    }
    if (meta->vary.length == 0)
        return ERR_NONE;
    struct cache_text text = { .at = turn_room(f->delivery, &f->arena, CACHE_KEY_MAX),
        .room = CACHE_KEY_MAX };
    uint64_t salt = store_salt_new(store);

    if (!cache_key_vary_write(f->first.text, salt, meta->vary, f->request, &text))
        return ERR_SPACE;
    turn_room_trim(f->delivery, text.at, text.length);
    const struct cache_key key = cache_key_of(cache_text_slice(&text), store_seed(store));

    return store_fill_vary(f->fill, delivery_reader(f->delivery), meta->vary, salt, &key);
}

static enum err store_head(
    struct filling *f, const struct fetch_answer *answer, const struct cache_meta *meta)
{
    int64_t total = answer->framing == HTTP_BODY_LENGTH ? (int64_t)answer->length
                    : answer->framing == HTTP_BODY_NONE ? 0
                                                        : -1;
    char *room = turn_room(f->delivery, &f->arena, HEAD_ROOM);
    size_t length =
        cache_fields_write(answer->head, loop_wall(f->delivery->setup.loop), room, HEAD_ROOM);

    struct cache_meta bound = *meta;

    turn_room_trim(f->delivery, room, length);
    if (length == 0)
        return ERR_SPACE;
    cache_meta_bind(&bound, slice_of(room, length)); // where Vary is one line
    TRY(place_variant(f, &bound));
    return store_fill_head(f->fill, delivery_reader(f->delivery), answer->head->status,
        slice_of(room, length), &bound, total);
}

static struct cache_rules rules_of(const struct filling *f)
{
    return (struct cache_rules){ .may_cache = f->rules->may_cache,
        .ttl = f->rules->ttl,
        .stale_if_error = f->rules->stale_if_error };
}

/*
 * RFC 9111 §4.3.4: the stored response with the fields of the 304. What results is a head like any
 * other and is judged like one; one that varies in another way stands under the wrong key.
 */
static enum err store_refresh(struct filling *f, const struct fetch_answer *answer)
{
    static const struct slice START = { "HTTP/1.1 200 OK\r\n", 17 };
    const struct cache_object *stale = store_fill_stale(f->fill);
    const struct cache_rules rules = rules_of(f);
    struct wall now = loop_wall(f->delivery->setup.loop);
    char *room = turn_room(f->delivery, &f->arena, HEAD_ROOM);
    struct http_head *head = arena_new(&f->arena, struct http_head);
    struct cache_meta meta;

    memcpy(room, START.at, START.length);
    size_t length = cache_fields_update(cache_object_kept_fields(stale), answer->head, now,
        room + START.length, HEAD_ROOM - START.length - 2);
    struct slice fields = slice_of(room + START.length, length);

    memcpy(room + START.length + length, "\r\n", 2);
    turn_room_trim(f->delivery, room, START.length + length + 2);
    if (length == 0 ||
        http_response_parse(slice_of(room, START.length + length + 2), 0, head) != HTTP_PARSE_DONE)
        return ERR_SPACE;
    head->status = cache_object_status(stale);
    if (cache_may_store(f->request, head, &rules, false, now, &meta) != CACHE_STORE ||
        !slice_same(meta.vary, f->vary))
        return ERR_STALE;
    return store_fill_refresh(f->fill, delivery_reader(f->delivery), head->status, fields, &meta);
}

static bool stale_stands_in(const struct filling *f, int status)
{
    struct cache_object *stale = store_fill_stale(f->fill);
    struct cache_meta meta;

    if (status < 500 || stale == NULL || cache_object_kind(stale) != CACHE_KIND_OBJECT ||
        store_purged(f->delivery->setup.store, stale) == PURGED_GONE)
        return false;
    cache_object_freshness(stale, &meta);
    return cache_may_use_stale(&meta, loop_wall(f->delivery->setup.loop));
}

static void on_head(struct fetch_user *user, const struct fetch_answer *answer)
{
    struct filling *f = container_of(user, struct filling, user);
    struct delivery *d = f->delivery;
    const struct cache_rules rules = rules_of(f);
    struct cache_meta meta;
    enum err err = ERR_NONE;

    if (stale_stands_in(f, answer->head->status)) {
        counter_up(&d->counts.fill_errors);
        fail(f, STORE_FAILURE_ORIGIN);
        return;
    }
    switch (cache_may_store(
        f->request, answer->head, &rules, f->validates, loop_wall(d->setup.loop), &meta)) {
    case CACHE_STORE:
        if (is_too_large(f, answer)) {
            hand_to_leader(f, answer, true);
            return;
        }
        err = store_head(f, answer, &meta);
        break;
    case CACHE_UPDATE:
        if (store_refresh(f, answer) != ERR_NONE) {
            ask_anew(f);
            return;
        }
        f->is_whole = true;
        break;
    case CACHE_STORE_NOT: hand_to_leader(f, answer, is_for_anyone(f)); return;
    }
    if (err != ERR_NONE) {
        counter_up(&d->counts.store_full);
        hand_to_leader(f, answer, false);
        return;
    }
    f->has_head = true;
    make_dirty(f);
}

/*
 * It outgrew the store, or what the site allows; `bytes` come next. The visit that caused it reads
 * on past the store; others cannot, and are cut. `lasts`: the next one would not be kept either.
 * Returns how many bytes were taken.
 */
static size_t overrun(struct filling *f, struct slice bytes, bool lasts)
{
    struct visit *leader = f->leader;

    counter_up(&f->delivery->counts.fill_overruns);
    fail_unkept(f, lasts);
    if (leader != NULL && leader->object == NULL) { // the head came in this very turn
        struct cache_object *object = store_fill_object(f->fill);
        struct cache_meta meta;

        cache_object_freshness(object, &meta);
        visit_answer(leader, object, &meta, (enum outcome)leader->outcome);
    }
    if (leader == NULL || leader->object == NULL || leader->end != UINT64_MAX)
        return bytes.length;
    struct fetch *fetch = f->fetch;

    f->fetch = NULL;
    filling_forget(f);
    return passing_go_on(leader, fetch, bytes);
}

/* So much of a body came to be kept. */
static void count_filled(const struct filling *f, size_t bytes)
{
    struct delivery *d = f->delivery;
    struct usage_line *lines = f->route->usage;

    counter_add(&d->counts.fill_bytes, bytes);
    if (lines != NULL)
        counter_add(&usage_line(lines, d->setup.line)->of[USAGE_FILLED_BYTES], bytes);
}

static size_t on_body(struct fetch_user *user, struct slice bytes)
{
    struct filling *f = container_of(user, struct filling, user);
    const struct cache_object *object = store_fill_object(f->fill);
    uint64_t before = cache_object_length(object);

    if (f->is_over)
        return bytes.length;
    if (before + bytes.length > f->route->site->object_max_bytes)
        return overrun(f, bytes, true);
    if (store_fill_append(f->fill, delivery_reader(f->delivery), bytes) != ERR_NONE) {
        size_t kept = cache_object_length(object) - before; // as far as there was memory

        count_filled(f, kept);
        return kept + overrun(f, slice_from(bytes, kept), false);
    }
    count_filled(f, bytes.length);
    make_dirty(f);
    return bytes.length;
}

static void on_done(struct fetch_user *user, enum err why)
{
    struct filling *f = container_of(user, struct filling, user);
    struct delivery *d = f->delivery;
    const char *words = fetch_why(f->fetch);
    const enum err told = why;

    f->fetch = NULL;
    if (f->is_over)
        return;
    if (f->is_whole)
        why = ERR_NONE;
    else if (why == ERR_NONE && f->has_head)
        why = store_fill_finish(f->fill, delivery_reader(d));
    else
        store_fill_fail_for(f->fill, delivery_reader(d),
            why == ERR_TIMEOUT ? STORE_FAILURE_TIMEOUT : STORE_FAILURE_ORIGIN);
    if (why != ERR_NONE) {
        counter_up(&d->counts.fill_errors);
        log_remote(d->setup.log, loop_wall(d->setup.loop), "delivery",
            "fill_failed node=%.*s site=%.*s why=\"%s\"", SLICE_ARG(d->setup.node),
            SLICE_ARG(f->route->site->host), why == told ? words : err_text(why));
    }
    end(f);
}

static const struct fetch_ops FETCH_OPS = { .head = on_head, .body = on_body, .done = on_done };

static struct http_head *copy_request(struct arena *arena, const struct http_head *head)
{
    // A head that was kept has no room behind its last field; nor has the copy.
    size_t size = offsetof(struct http_head, fields) + head->field_count * sizeof *head->fields;
    struct http_head *copy = memcpy(arena_room(arena, size), head, size);

    copy->method_text = arena_copy(arena, head->method_text);
    copy->target = arena_copy(arena, head->target);
    for (size_t i = 0; i < head->field_count; i++) {
        copy->fields[i].name = arena_copy(arena, head->fields[i].name);
        copy->fields[i].value = arena_copy(arena, head->fields[i].value);
    }
    return copy;
}

void filling_start(struct delivery *d, struct visit *cause, struct store_fill *fill, bool is_leader)
{
    struct filling *f = new_filling(d);
    const struct http_exchange *x = visit_exchange(cause);
    const struct cache_object *stale = store_fill_stale(fill);

    f->user.ops = &FETCH_OPS;
    f->fill = fill;
    f->root = cause->root != NULL ? cause->root : d->root; // of which the route is a part
    f->route = cause->route;
    f->rules = cause->rules;
    snapshot_hold(f->root, d->setup.worker);
    f->request = copy_request(&f->arena, x->request);
    f->vary = arena_copy(&f->arena, cause->vary);
    f->first = (struct cache_key){ arena_copy(&f->arena, cause->first.text), cause->first.hash };
    if (stale != NULL && cache_object_kind(stale) == CACHE_KIND_OBJECT) {
        struct cache_meta meta;

        cache_object_meta(stale, &meta);
        f->validates = meta.etag.length > 0 || meta.last_modified.length > 0;
    }
    if (is_leader) {
        f->leader = cause;
        cause->leads = f;
    }
    counter_up(&d->counts.fills);
    struct ranking UNSET ranking;

    ranking_of(d, cause, &ranking);
    const struct fetch_request request = {
        .method = HTTP_GET,
        .method_text = SLICE("GET"),
        .path = cause->path,
        .fields = fields_for_origin(cause, true, f->validates ? stale : NULL),
        .origins = ranking.origins,
        .origin_count = ranking.count,
        .missing_count = ranking.missing_count,
    };

    f->fetch = fetch_start(d->setup.loop, d->setup.pool, &request, &f->user);
}
