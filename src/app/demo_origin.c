// SPDX-License-Identifier: Apache-2.0
#include "app/demo_origin.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "admin/text.h"
#include "app/demo_page.h"
#include "app/demo_trouble.h"
#include "base/hash.h"
#include "base/mem.h"
#include "http/exchange.h"
#include "http/server.h"
#include "io/loop.h"
#include "io/stream.h"
#include "wire/http_date.h"

enum {
    FIELDS_MAX = 512,
    DATE_MAX = HTTP_DATE_BYTES + 1,
    ETAG_MAX = 24,
    EMBED_MAX = 64,
    HELP_MAX = 1024,
    CONNECTIONS_MAX = 1000, // bounds the late answers too
    REOPEN_S = 1,           // between tries, when the port was taken meanwhile
};

#define TYPE_HTML "text/html; charset=utf-8"
#define TYPE_SVG  "image/svg+xml"

typedef void thing_write_fn(struct text *out, const struct demo_customer *customer);

/* What may be cached; made once, when the server opens. */
struct thing {
    struct slice path;
    const char *type;
    thing_write_fn *write;
};

static const struct thing THINGS[] = {
    { { "/style.css", 10 }, "text/css; charset=utf-8", demo_page_write_css },
    { { "/logo.svg", 9 }, TYPE_SVG, demo_page_write_logo },
    { { "/img/hills.svg", 14 }, TYPE_SVG, demo_page_write_hills },
    { { "/img/sky.png", 12 }, "image/png", demo_page_write_sky },
    { { "/rare.svg", 9 }, TYPE_SVG, demo_page_write_rare },
};

struct demo_origin {
    struct http_service service;
    struct demo_origin_plan plan;
    struct loop *loop;
    struct http_server *server; // NULL while stopped
    struct listener *listener;  // likewise
    struct text things[COUNT_OF(THINGS)];
    uint64_t served, pages;
    struct demo_trouble trouble;
    struct timer door;  // closes when stopped, opens again
    struct list late;   // answers put off while slow, by when they are due
    struct timer hurry; // the first of them
};

/* An answer that is put off; in the exchange's service bytes, zeroed where there is none. */
struct late {
    struct list link;
    struct http_exchange *x;
    struct instant due;
};

static_assert(sizeof(struct late) <= HTTP_SERVICE_BYTES, "it lives there");

static struct late *late_of(struct http_exchange *x)
{
    return (struct late *)(void *)x->service;
}

/* What an answer is made of; `cache` is the value of Cache-Control. */
struct answer {
    int status;
    const char *type, *cache;
    struct slice body;
    bool has_validators;
};

static const char *date_text(struct wall wall, char text[DATE_MAX])
{
    http_date_write(wall, text);
    text[HTTP_DATE_BYTES] = '\0';
    return text;
}

static bool has_tag(const struct http_head *request, const char *etag)
{
    const struct http_field *field = NULL;

    while ((field = http_head_next(request, HTTP_NAME_IF_NONE_MATCH, field)) != NULL) {
        struct slice rest = field->value, tag;

        while (slice_cut(&rest, ',', &tag)) {
            tag = slice_trim(tag);
            if (slice_starts(tag, SLICE("W/")))
                tag = slice_from(tag, 2);
            if (slice_equal(tag, slice_text(etag)) || slice_equal(tag, SLICE("*")))
                return true;
        }
    }
    return false;
}

/* True when the client holds what it asks for (RFC 9110 §13.1): the tag counts before the date. */
static bool is_unchanged(
    const struct demo_origin *o, const struct http_exchange *x, const char *etag)
{
    struct slice since = http_head_value(x->request, HTTP_NAME_IF_MODIFIED_SINCE);
    struct wall date;

    if (http_head_field(x->request, HTTP_NAME_IF_NONE_MATCH) != NULL)
        return has_tag(x->request, etag);
    return http_date_parse(since, loop_wall(x->loop), &date) &&
           wall_s(o->plan.changed) <= wall_s(date);
}

static void answer(struct demo_origin *o, struct http_exchange *x, const struct answer *a)
{
    char *fields = arena_alloc(&x->arena, FIELDS_MAX), validators[128] = "";
    char date[DATE_MAX], changed[DATE_MAX], etag[ETAG_MAX];
    int status = a->status;

    if (a->has_validators) {
        snprintf(etag, sizeof etag, "\"%016" PRIx64 "\"", hash_bytes(a->body, 0));
        date_text(o->plan.changed, changed);
        snprintf(validators, sizeof validators, "ETag: %s\r\nLast-Modified: %s\r\n", etag, changed);
        if (is_unchanged(o, x, etag))
            status = 304;
    }
    int length = snprintf(fields, FIELDS_MAX,
        "Date: %s\r\nServer: demo\r\nX-Origin: %s/%s\r\nCache-Control: %s\r\n"
        "Content-Type: %s\r\n%s%s",
        date_text(loop_wall(x->loop), date), o->plan.server->customer->name, o->plan.server->name,
        a->cache, a->type, validators, status == 405 ? "Allow: POST\r\n" : "");

    assert(length > 0 && length < FIELDS_MAX);
    struct slice body = status == 304 ? SLICE_NONE : a->body;

    http_reply(x, &(struct http_reply){ .status = status,
                      .fields = slice_of(fields, (size_t)length),
                      .length = (int64_t)body.length,
                      .body = body });
}

/* Answers with what was written just now; it is copied, and given back. */
static void answer_text(
    struct demo_origin *o, struct http_exchange *x, struct answer *a, struct text *written)
{
    a->body = arena_copy(&x->arena, text_slice(written));
    text_done(written);
    answer(o, x, a);
}

/*
 * Where this page's pictures are: on the customer's static site when the page is asked for by its
 * own name; here when it is asked for by another (the shop, a literal address).
 */
static void embed_text(
    const struct demo_origin *o, const struct http_exchange *x, char text[EMBED_MAX])
{
    char page[EMBED_MAX];

    snprintf(page, sizeof page, "www.%s.example", o->plan.server->customer->name);
    text[0] = '\0';
    if (slice_same(x->authority.host, slice_text(page)))
        snprintf(text, EMBED_MAX, "http://static.%s.example:%u", o->plan.server->customer->name,
            o->plan.ports.http);
}

typedef void page_write_fn(struct text *out, const struct demo_page *page);

struct page_row {
    struct slice path;
    bool is_prefix;
    const char *type, *cache;
    page_write_fn *write;
};

static const struct page_row PAGES[] = {
    { { "/", 1 }, false, TYPE_HTML, "no-store", demo_page_write },
    { { "/clock", 6 }, false, "application/json", "no-store", demo_page_write_clock },
    { { "/cart/", 6 }, true, TYPE_HTML, "max-age=60", demo_page_write_cart },
};

static bool serve_page(struct demo_origin *o, struct http_exchange *x, struct slice path)
{
    for (size_t i = 0; i < COUNT_OF(PAGES); i++) {
        const struct page_row *row = &PAGES[i];
        struct answer a = { 200, row->type, row->cache, SLICE_NONE, false };
        char embed[EMBED_MAX];
        struct text written;

        if (!slice_equal(row->path, path) && !(row->is_prefix && slice_starts(path, row->path)))
            continue;
        embed_text(o, x, embed);
        text_init(&written, DEMO_PAGE_MAX);
        row->write(
            &written, &(struct demo_page){ o->plan.server, loop_wall(x->loop), ++o->pages, embed });
        answer_text(o, x, &a, &written);
        return true;
    }
    return false;
}

/* "/img/tile-17.svg" */
static bool is_tile(struct slice path, uint64_t *number)
{
    struct slice before = SLICE("/img/tile-"), after = SLICE(".svg");

    if (!slice_starts(path, before) || !slice_ends(path, after) ||
        path.length < before.length + after.length)
        return false;
    path = slice_from(slice_head(path, path.length - after.length), before.length);
    return slice_number(path, DEMO_TILE_COUNT - 1, number);
}

static bool serve_thing(struct demo_origin *o, struct http_exchange *x, struct slice path)
{
    struct answer a = { 200, TYPE_SVG, "public, max-age=3600", SLICE_NONE, true };
    uint64_t number;

    for (size_t i = 0; i < COUNT_OF(THINGS); i++)
        if (slice_equal(THINGS[i].path, path) && o->things[i].length > 0) {
            a.type = THINGS[i].type;
            a.body = text_slice(&o->things[i]);
            answer(o, x, &a);
            return true;
        }
    if (!is_tile(path, &number))
        return false;
    struct text written;

    text_init(&written, DEMO_PAGE_MAX);
    demo_page_write_tile(&written, o->plan.server->customer, (unsigned)number);
    answer_text(o, x, &a, &written);
    return true;
}

/* What the server's user asks of it: to misbehave, or to be well again. */
static bool serve_trouble(struct demo_origin *o, struct http_exchange *x, struct slice path)
{
    const struct demo_server *server = o->plan.server;
    enum demo_trouble_kind kind = demo_trouble_find(path);
    struct answer a = { 200, "text/plain", "no-store", SLICE_NONE, false };
    struct text written;

    if (!slice_starts(path, DEMO_TROUBLE_PREFIX))
        return false;
    text_init(&written, HELP_MAX);
    if (kind == DEMO_TROUBLE_COUNT || x->request->method != HTTP_POST) {
        a.status = kind == DEMO_TROUBLE_COUNT ? 404 : 405;
        demo_trouble_write_help(&written, server, o->plan.ports.origin, kind);
    } else {
        demo_trouble_begin(&o->trouble, kind, loop_now(o->loop));
        demo_trouble_write_done(&written, server, kind, loop_wall(o->loop));
    }
    if (demo_trouble_has(&o->trouble, DEMO_STOP, loop_now(o->loop))) {
        listener_close(o->listener);
        o->listener = NULL;
        http_server_drain(o->server);
    }
    answer_text(o, x, &a, &written);
    return true;
}

static void serve_now(struct demo_origin *o, struct http_exchange *x, struct slice path)
{
    struct answer plain = { 404, "text/plain", "max-age=10", SLICE("nothing here\n"), false };

    if (demo_trouble_has(&o->trouble, DEMO_FAIL, loop_now(o->loop))) {
        plain = (struct answer){ 503, "text/plain", "no-store", SLICE("told to fail\n"), false };
        answer(o, x, &plain);
    } else if (x->request->method != HTTP_GET && x->request->method != HTTP_HEAD) {
        http_reply_status(x, 405, SLICE("Allow: GET, HEAD\r\n"));
    } else if (slice_equal(path, SLICE("/health"))) {
        plain = (struct answer){ 200, "text/plain", "no-store", SLICE("ok\n"), false };
        answer(o, x, &plain);
    } else if (!serve_page(o, x, path) && !serve_thing(o, x, path)) {
        answer(o, x, &plain);
    }
}

static struct slice path_of(const struct http_exchange *x)
{
    return slice_head(x->authority.path, slice_find(x->authority.path, '?'));
}

static void put_off(struct demo_origin *o, struct http_exchange *x)
{
    struct late *late = late_of(x);

    if (!http_exchange_keep(x)) {
        http_reply_status(x, 503, SLICE_NONE);
        return;
    }
    late->x = x;
    late->due = instant_after(loop_now(o->loop), span_ms(DEMO_SLOW_MS));
    list_append(&o->late, &late->link);
    if (!timer_is_set(&o->hurry))
        timer_set(o->loop, &o->hurry, late->due);
}

static void serve_late(struct timer *timer)
{
    struct demo_origin *o = container_of(timer, struct demo_origin, hurry);

    while (!list_empty(&o->late)) {
        struct late *late = container_of(o->late.next, struct late, link);

        if (instant_since(loop_now(o->loop), late->due).ns > 0) {
            timer_set(o->loop, timer, late->due);
            return;
        }
        list_remove(&late->link);
        serve_now(o, late->x, path_of(late->x));
    }
}

static void serve(struct http_service *service, struct http_exchange *x)
{
    struct demo_origin *o = container_of(service, struct demo_origin, service);
    struct slice path = path_of(x);

    o->served++;
    if (serve_trouble(o, x, path))
        return;
    if (demo_trouble_has(&o->trouble, DEMO_SLOW, loop_now(o->loop)))
        put_off(o, x);
    else
        serve_now(o, x, path);
}

static void over(struct http_service *service, struct http_exchange *x, bool)
{
    struct demo_origin *o = container_of(service, struct demo_origin, service);

    if (late_of(x)->x != NULL)
        list_remove(&late_of(x)->link);
    // The answer that says that it stops went out; now the connections may be cut.
    if (o->listener == NULL && o->server != NULL)
        timer_set(o->loop, &o->door, loop_now(o->loop));
}

/* Makes what may be cached; the rare picture where it is to be had. */
static void make_things(struct demo_origin *o)
{
    for (size_t i = 0; i < COUNT_OF(THINGS); i++) {
        text_init(&o->things[i], DEMO_PAGE_MAX);
        if (THINGS[i].write != demo_page_write_rare || o->plan.server->has_rare)
            THINGS[i].write(&o->things[i], o->plan.server->customer);
        assert(!o->things[i].is_full);
    }
}

static enum err open_door(struct demo_origin *o)
{
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;
    struct endpoint at = { o->plan.server->address, o->plan.ports.origin };

    limits.arena_bytes = DEMO_PAGE_MAX;
    limits.connections = CONNECTIONS_MAX;
    o->server = http_server_new(o->loop, &o->service, &limits);
    return listener_open(o->loop, &at, http_server_listener(o->server), &o->listener);
}

static void close_door(struct demo_origin *o)
{
    struct http_server *server = o->server;

    listener_close(o->listener);
    o->listener = NULL;
    o->server = NULL;
    http_server_free(server);
}

static void move_door(struct timer *timer)
{
    struct demo_origin *o = container_of(timer, struct demo_origin, door);

    if (o->server != NULL) {
        close_door(o);
        timer_set(o->loop, timer, o->trouble.until[DEMO_STOP]);
    } else if (open_door(o) != ERR_NONE) {
        close_door(o);
        timer_set(o->loop, timer, instant_after(loop_now(o->loop), span_s(REOPEN_S)));
    }
}

enum err demo_origin_open(struct loop *loop, const struct demo_origin_plan *plan,
    struct demo_origin **origin, struct diag *why)
{
    struct demo_origin *o = mem_new(struct demo_origin);
    struct endpoint at = { plan->server->address, plan->ports.origin };
    char text[ENDPOINT_TEXT_MAX];

    *o = (struct demo_origin){
        .service = { serve, over },
        .plan = *plan,
        .loop = loop,
        .door.fire = move_door,
        .hurry.fire = serve_late,
    };
    list_init(&o->late);
    make_things(o);
    enum err err = open_door(o);

    if (err == ERR_NONE) {
        *origin = o;
        return ERR_NONE;
    }
    diag_say(why, "the demo's web server %s/%s cannot listen on %s: %s; is a demo running already?",
        plan->server->customer->name, plan->server->name, endpoint_text(&at, text), err_text(err));
    demo_origin_close(o);
    return err;
}

void demo_origin_close(struct demo_origin *origin)
{
    if (origin == NULL)
        return;
    close_door(origin);
    timer_clear(origin->loop, &origin->door);
    timer_clear(origin->loop, &origin->hurry);
    for (size_t i = 0; i < COUNT_OF(THINGS); i++)
        text_done(&origin->things[i]);
    mem_free(origin);
}

uint64_t demo_origin_served(const struct demo_origin *origin)
{
    return origin->served;
}
