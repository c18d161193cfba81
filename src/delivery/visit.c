// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/writer.h"
#include "conf/checks.h"
#include "delivery/count_priv.h"
#include "delivery/delivery.h"
#include "delivery/note_priv.h"
#include "http/upgrade.h"
#include "wire/cache_control.h"

#define X_ROW(field, name, labels, help) \
    COUNTER_ROW(struct delivery_counts, field, name, labels, help),
const struct counter_row delivery_counter_rows[] = { DELIVERY_COUNTERS(X_ROW) };
#undef X_ROW
const size_t delivery_counter_row_count = COUNT_OF(delivery_counter_rows);

bool visit_keep(struct visit *visit)
{
    struct http_exchange *x = visit_exchange(visit);

    if (visit->is_kept)
        return true;
    if (!http_exchange_keep(x)) {
        visit_refuse(visit, 503, "request-too-large");
        return false;
    }
    visit->path = arena_copy(&x->arena, visit->path);
    visit->first.text = arena_copy(&x->arena, visit->first.text);
    visit->key.text = arena_copy(&x->arena, visit->key.text);
    visit->vary = arena_copy(&x->arena, visit->vary);
    visit->began = loop_wall(x->loop);
    if (visit->root == NULL) {
        visit->root = visit->delivery->root;
        snapshot_hold(visit->root, visit->delivery->setup.worker);
    }
    visit->is_kept = true;
    return true;
}

/* The key under which this request's variant would be. False: it cannot be built. */
static bool use_variant(struct visit *visit, const struct cache_object *marker)
{
    struct http_exchange *x = visit_exchange(visit);
    const struct delivery *d = visit->delivery;
    struct cache_text text = { .at = turn_room(d, &x->arena, CACHE_KEY_MAX),
        .room = CACHE_KEY_MAX };

    visit->vary = cache_object_fields(marker);
    if (!cache_key_vary_write(
            visit->first.text, cache_object_salt(marker), visit->vary, x->request, &text))
        return false;
    turn_room_trim(d, text.at, text.length);
    visit->key = cache_key_of(cache_text_slice(&text), store_seed(d->setup.store));
    if (visit->is_kept) { // it has been waiting, and may again
        visit->key.text = arena_copy(&x->arena, visit->key.text);
        visit->vary = arena_copy(&x->arena, visit->vary);
    }
    return true;
}

/* Past the store, if the visitor lets us (RFC 9111 §5.2.1.7). */
static void pass(struct visit *visit, const char *why)
{
    if (cache_only_if_cached(visit_exchange(visit)->request))
        visit_refuse(visit, 504, "only-if-cached");
    else
        passing_start(visit, why);
}

/* no-store: neither the request nor its answer is to be kept (RFC 9111 §5.2.1.5). */
static bool may_fill(struct visit *visit)
{
    struct cache_control asked;

    cache_control_read(visit_exchange(visit)->request, &asked);
    return !asked.no_store;
}

static void wait_for(struct visit *visit, struct store_fill *fill)
{
    if (visit->watch.fill == NULL)
        store_fill_watch(fill, visit->delivery->setup.loop, &visit->watch);
}

static bool is_object(const struct cache_object *object)
{
    return object != NULL && cache_object_kind(object) == CACHE_KIND_OBJECT;
}

/* Starts the fill that was claimed, or waits for somebody's. */
static void fill_or_join(struct visit *visit, struct cache_object *stale)
{
    struct delivery *d = visit->delivery;
    struct store_fill *fill = NULL;

    if (cache_only_if_cached(visit_exchange(visit)->request)) {
        visit_refuse(visit, 504, "only-if-cached");
        return;
    }
    if (!may_fill(visit)) {
        passing_start(visit, "fwd=request");
        return;
    }
    if (!visit_keep(visit))
        return;
    switch (store_claim(d->setup.store, delivery_reader(d), &visit->key, stale, &fill)) {
    case STORE_CLAIMED:
        visit->outcome = is_object(store_fill_stale(fill)) ? OUTCOME_REVALIDATED : OUTCOME_MISS;
        wait_for(visit, fill);
        filling_start(d, visit, fill, true);
        break;
    case STORE_JOINED:
        visit->outcome = OUTCOME_COLLAPSED;
        wait_for(visit, fill);
        store_fill_unref(fill, delivery_reader(d));
        break;
    case STORE_FOUND: visit_look_up(visit); break;
    case STORE_FULL:
        counter_up(&d->counts.store_full);
        passing_start(visit, "fwd=miss; detail=store-full");
        break;
    }
}

/* Serves what is a little stale and asks the origin beside it (RFC 5861 §3). */
static void refresh_beside(struct visit *visit, struct cache_object *stale)
{
    struct delivery *d = visit->delivery;
    struct store_fill *fill = NULL;

    if (!may_fill(visit))
        return;
    switch (store_claim(d->setup.store, delivery_reader(d), &visit->key, stale, &fill)) {
    case STORE_CLAIMED: filling_start(d, visit, fill, false); break;
    case STORE_JOINED: store_fill_unref(fill, delivery_reader(d)); break;
    case STORE_FOUND:
    case STORE_FULL: break;
    }
}

static void use_found(struct visit *visit, struct cache_object *object, enum purged purged)
{
    const struct http_exchange *x = visit_exchange(visit);
    struct cache_meta meta;
    int64_t age_s;

    cache_object_freshness(object, &meta);
    enum cache_verdict verdict = cache_may_use(x->request, &meta, loop_wall(x->loop), &age_s);

    switch (cache_may_use_purged(verdict, purged, &meta)) {
    case CACHE_FRESH: visit_answer(visit, object, &meta, OUTCOME_HIT); break;
    case CACHE_STALE:
        refresh_beside(visit, object);
        visit_answer(visit, object, &meta, OUTCOME_STALE);
        break;
    case CACHE_REVALIDATE:
        // It was on its way when we asked, so it may be used even if it is stale at once.
        if (visit->outcome == OUTCOME_COLLAPSED && meta.received.ms >= visit->began.ms &&
            purged == PURGED_NOT) {
            visit_answer(visit, object, &meta, OUTCOME_COLLAPSED);
            break;
        }
        visit->forward = age_s < meta.lifetime_s && !meta.always_revalidate && purged == PURGED_NOT
                             ? FORWARD_REQUEST
                             : FORWARD_STALE;
        fill_or_join(visit, object);
        break;
    case CACHE_UNUSABLE: pass(visit, "fwd=request"); break;
    }
}

static void use_nothing(struct visit *visit)
{
    bool is_variant = visit->vary.length > 0;

    visit->forward = is_variant ? FORWARD_VARY_MISS : FORWARD_URI_MISS;
    if (visit_exchange(visit)->request->method == HTTP_HEAD) // alone not worth a body's fill
        pass(visit, is_variant ? "fwd=vary-miss" : "fwd=uri-miss");
    else
        fill_or_join(visit, NULL);
}

static void use_object(struct visit *visit, struct cache_object *object)
{
    enum purged purged = store_purged(visit->delivery->setup.store, object);

    if (purged == PURGED_GONE) { // since it was found
        use_nothing(visit);
        return;
    }
    switch (cache_object_state(object)) {
    case CACHE_STATE_WAITING:
    case CACHE_STATE_FAILED: use_nothing(visit); break;
    case CACHE_STATE_READING:
        if (purged == PURGED_NOT)
            use_found(visit, object, purged);
        else // its fill is not joined any more, and cannot be asked about before it ended
            use_nothing(visit);
        break;
    case CACHE_STATE_COMPLETE: use_found(visit, object, purged); break;
    }
}

/* Known not to be cacheable, unless that is long ago, or a purge says that things have changed. */
static void use_pass_mark(struct visit *visit, struct cache_object *mark)
{
    const struct delivery *d = visit->delivery;

    visit->forward = FORWARD_URI_MISS;
    if (cache_object_until(mark).ms > loop_wall(d->setup.loop).ms &&
        store_purged(d->setup.store, mark) < PURGED_STALE)
        pass(visit, "fwd=uri-miss; detail=uncacheable");
    else
        fill_or_join(visit, mark);
}

void visit_look_up(struct visit *visit)
{
    struct delivery *d = visit->delivery;
    struct cache_object *object;

    if (++visit->look_ups > LOOK_UPS_MAX) {
        pass(visit, "fwd=miss; detail=busy");
        return;
    }
    visit->key = visit->first;
    visit->vary = SLICE_NONE;
    object = store_find(d->setup.store, &visit->key);
    if (object != NULL && cache_object_kind(object) == CACHE_KIND_VARY) {
        if (!use_variant(visit, object)) {
            pass(visit, "fwd=vary-miss");
            return;
        }
        object = store_find(d->setup.store, &visit->key);
    }
    if (object == NULL)
        use_nothing(visit);
    else if (cache_object_kind(object) == CACHE_KIND_PASS)
        use_pass_mark(visit, object);
    else
        use_object(visit, object);
}

/* The fill that was waited for came to nothing. */
static void use_failed(struct visit *visit, struct store_fill *fill)
{
    struct delivery *d = visit->delivery;
    struct wall now = loop_wall(d->setup.loop);
    struct cache_object *stale = store_fill_stale(fill);
    bool is_late = store_fill_failure(fill) == STORE_FAILURE_TIMEOUT;
    struct cache_meta meta;

    // Not to be kept, or it broke off or outgrew the store before we could begin to read.
    if (store_fill_failure(fill) == STORE_FAILURE_UNKEPT ||
        cache_object_length(store_fill_object(fill)) > 0) {
        visit_stop_waiting(visit);
        passing_start(visit, "fwd=uri-miss; detail=uncacheable");
        return;
    }
    if (is_object(stale) && store_purged(d->setup.store, stale) != PURGED_GONE) {
        cache_object_freshness(stale, &meta);
        if (cache_may_use_stale(&meta, now)) {
            visit_answer(visit, stale, &meta, OUTCOME_STALE);
            return;
        }
    }
    counter_up(&d->counts.failed);
    visit_count(visit, USAGE_ERROR);
    visit_outcome(visit, SLICE("error"));
    visit_refuse(visit, is_late ? 504 : 502, is_late ? "origin-timeout" : "origin-failed");
}

/*
 * A head came. The visit that caused the fill takes it; those who joined take it unless it turned
 * out to be another variant's, or not to be for requests with credentials.
 */
static void use_arriving(struct visit *visit, struct store_fill *fill)
{
    struct cache_object *object = store_fill_object(fill);
    const struct http_exchange *x = visit_exchange(visit);
    bool joined = visit->outcome == OUTCOME_COLLAPSED;
    struct cache_meta meta;

    if (joined && store_fill_has_moved(fill)) {
        visit_stop_waiting(visit);
        visit_look_up(visit);
        return;
    }
    cache_object_freshness(object, &meta);
    if (joined && !meta.serves_authorized &&
        http_head_field(x->request, HTTP_NAME_AUTHORIZATION) != NULL) {
        visit_stop_waiting(visit);
        passing_start(visit, "fwd=request");
        return;
    }
    visit_answer(visit, object, &meta, (enum outcome)visit->outcome);
}

static void on_progress(struct store_watch *watch)
{
    struct visit *visit = container_of(watch, struct visit, watch);
    struct store_fill *fill = watch->fill;

    if (visit->object != NULL) {
        visit_progress(visit);
        return;
    }
    if (visit->passing != NULL)
        return; // the fill's answer came, and is passed to this visit
    switch (cache_object_state(store_fill_object(fill))) {
    case CACHE_STATE_WAITING: break;
    case CACHE_STATE_READING:
    case CACHE_STATE_COMPLETE: use_arriving(visit, fill); break;
    case CACHE_STATE_FAILED: use_failed(visit, fill); break;
    }
}

/* RFC 8586: a request that has our name in it has been here. */
static bool has_looped(const struct delivery *d, const struct http_head *head)
{
    for (const struct http_field *f = NULL;
         (f = http_head_next(head, HTTP_NAME_CDN_LOOP, f)) != NULL;) {
        struct slice rest = f->value, member;

        while (slice_cut(&rest, ',', &member))
            if (slice_same(
                    slice_trim(slice_head(member, slice_find(member, ';'))), d->setup.cdn_id))
                return true;
    }
    return false;
}

static void answer_probe(struct visit *visit)
{
    counter_up(&visit->delivery->counts.probes);
    http_reply(visit_exchange(visit), &(struct http_reply){ .status = 200,
                                          .fields = SLICE("Content-Type: text/plain\r\n"),
                                          .more = fields_of_probe_answer(visit),
                                          .length = 3,
                                          .body = SLICE("ok\n") });
}

/* OPTIONS that ends here: it asks for the server itself, or may go no further (RFC 9110 §7.6.2). */
static bool is_for_us(const struct http_exchange *x)
{
    uint64_t left = 1;

    if (x->request->method != HTTP_OPTIONS)
        return false;
    return slice_equal(x->authority.path, SLICE("*")) ||
           (slice_number(http_head_value(x->request, HTTP_NAME_MAX_FORWARDS), INT64_MAX, &left) &&
               left == 0);
}

static void answer_options(struct visit *visit)
{
    visit_count(visit, USAGE_REFUSED); // as all that is answered here and is none of the site's
    http_reply(visit_exchange(visit),
        &(struct http_reply){ .status = 204,
            .fields = SLICE("Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n"),
            .more = fields_of_own_answer(visit, SLICE("detail=options")) });
}

/* 0: it may go on. */
static int refusal(const struct visit *visit, const struct http_head *head)
{
    const struct delivery *d = visit->delivery;

    if (visit->route == NULL || visit->route->site->kind != SITE_DELIVER)
        return 421; // RFC 9110 §15.5.20: not for this host
    if (head->method == HTTP_CONNECT || head->method == HTTP_TRACE)
        return 405;
    return has_looped(d, head) ? 508 : 0;
}

/* Both texts are in the turn's scratch until the visit is kept. */
static bool build_key(struct visit *visit)
{
    struct http_exchange *x = visit_exchange(visit);
    const struct delivery *d = visit->delivery;
    struct slice site = visit->route->site->host;
    size_t path_room = HTTP_TARGET_MAX + 3 * x->authority.path.length;
    size_t key_room = site.length + path_room + 8;
    char *room = turn_room(d, &x->arena, path_room + key_room);

    if (!cache_path_normalise(x->authority.path, room, path_room, &visit->path))
        return false;
    struct cache_text text = { .at = room + visit->path.length, .room = key_room };

    if (!cache_key_write(site, visit->path, &text))
        return false;
    turn_room_trim(d, room, visit->path.length + text.length);
    visit->first = cache_key_of(cache_text_slice(&text), store_seed(d->setup.store));
    visit->key = visit->first;
    return true;
}

/* Where a plain request is to come instead: the same URL by HTTPS, on this node's port. */
static struct slice secure_url(struct visit *visit)
{
    const struct http_exchange *x = visit_exchange(visit);
    uint16_t port = visit->route->rows->self->ports.https;
    size_t room = SLICE("Location: https://:65535/\r\n").length + x->authority.host.length +
                  x->authority.path.length;
    struct writer w =
        writer_on(turn_room(visit->delivery, &visit_exchange(visit)->arena, room), room);

    write_slice(&w, SLICE("Location: https://"));
    write_slice(&w, x->authority.host);
    if (port != 443) {
        write_slice(&w, SLICE(":"));
        write_number(&w, port);
    }
    write_slice(&w, x->authority.path);
    write_slice(&w, SLICE("\r\n"));
    return writer_slice(&w);
}

/* RFC 9110 §15.4: after a 301 many ask by GET whatever they asked by before; a 308 keeps it. */
static void redirect(struct visit *visit)
{
    const struct http_exchange *x = visit_exchange(visit);
    bool is_read = x->request->method == HTTP_GET || x->request->method == HTTP_HEAD;

    counter_up(&visit->delivery->counts.redirected);
    visit_count(visit, USAGE_REDIRECTED);
    visit_outcome(visit, SLICE("redirected"));
    http_reply(visit_exchange(visit),
        &(struct http_reply){ .status = is_read ? 301 : 308,
            .fields = secure_url(visit),
            .more = fields_of_own_answer(visit, SLICE("detail=https-only")) });
}

/* Answers that need nothing of the site but its settings; false: there is more to it. */
static bool answer_here(struct visit *visit)
{
    const struct http_exchange *x = visit_exchange(visit);

    if (is_for_us(x))
        answer_options(visit);
    else if (visit->route->site->https.is_only && !x->is_secure)
        redirect(visit);
    else
        return false;
    return true;
}

static void serve(struct http_service *service, struct http_exchange *x)
{
    struct delivery *d = container_of(service, struct delivery, service);
    struct visit *visit = visit_of(x);

    visit->delivery = d;
    visit->watch.progress = on_progress;
    if (slice_equal(x->authority.path, CHECK_NODE_PATH)) {
        answer_probe(visit);
        return;
    }
    if (d->routes != NULL)
        visit->route = routes_find(d->routes, x->authority.host);
    if (visit->route != NULL && visit->route->usage != NULL) {
        visit->usage = usage_line(visit->route->usage, d->setup.line);
        x->sent = &visit->usage->of[USAGE_SENT_BYTES];
    }
    if (visit->route != NULL && visit->route->log.whom != NULL && d->line != NULL)
        visit_note(visit);
    int status = refusal(visit, x->request);

    if (status == 508)
        counter_up(&d->counts.loops);
    if (status == 0 && !is_for_us(x) && !build_key(visit))
        status = 400;
    if (status != 0) {
        counter_up(&d->counts.refused);
        visit_outcome(visit, SLICE("refused"));
        visit_refuse(visit, status, status == 508 ? "loop" : "refused");
        return;
    }
    if (answer_here(visit))
        return;
    visit->rules = route_rules(visit->route, visit->path);
    if (!visit->rules->may_cache)
        passing_start(visit, "fwd=bypass");
    else if (!cache_may_look_up(x->request))
        passing_start(visit, "fwd=method");
    else if (http_upgrade_is_offered(x)) // which no stored answer speaks
        passing_start(visit, "fwd=bypass; detail=upgrade");
    else
        visit_look_up(visit);
}

static void over(struct http_service *service, struct http_exchange *x, bool complete)
{
    struct delivery *d = container_of(service, struct delivery, service);
    struct visit *visit = visit_of(x);

    (void)complete;
    if (visit->note != NULL)
        visit_write_down(visit);
    visit_stop_waiting(visit);
    if (visit->object != NULL)
        cache_object_unref(d->setup.store, delivery_reader(d), visit->object);
    if (visit->passing != NULL)
        passing_end(visit->passing);
    if (visit->leads != NULL)
        filling_forget(visit->leads);
    if (visit->root != NULL)
        snapshot_release(visit->root, d->setup.worker);
}

void delivery_load_init(struct delivery_load *load)
{
    atomic_init(&load->cpu, DELIVERY_LOAD_UNKNOWN);
    atomic_init(&load->memory, DELIVERY_LOAD_UNKNOWN);
    atomic_init(&load->application, DELIVERY_LOAD_UNKNOWN);
    atomic_init(&load->rate, DELIVERY_LOAD_UNKNOWN);
}

struct delivery *delivery_new(const struct delivery_setup *setup)
{
    struct delivery *d = mem_new(struct delivery);

    d->service = (struct http_service){ .serve = serve, .over = over };
    d->setup = *setup;
    d->lots = setup->seed;
    d->hook.end = filling_turn_end;
    list_init(&d->dirty);
    list_init(&d->fillings);
    list_init(&d->spare);
    charge_init(&d->pipes, NULL, setup->pipe_bytes);
    if (setup->lines != NULL)
        d->line = mem_alloc(ACCESS_LINE_MAX);
    snprintf(d->via, sizeof d->via, "1.1 %.*s (waypost)", SLICE_ARG(setup->node));
    loop_hook_add(setup->loop, &d->hook);
    return d;
}

void delivery_free(struct delivery *delivery)
{
    if (delivery == NULL)
        return;
    filling_end_all(delivery);
    loop_hook_remove(delivery->setup.loop, &delivery->hook);
    mem_free(delivery->line);
    mem_free(delivery);
}

struct http_service *delivery_service(struct delivery *delivery)
{
    return &delivery->service;
}

void delivery_use(
    struct delivery *delivery, const struct routes *routes, struct snapshot_value *root)
{
    delivery->routes = routes;
    delivery->root = root;
}

const struct delivery_counts *delivery_counts(const struct delivery *delivery)
{
    return &delivery->counts;
}
