// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "base/writer.h"
#include "delivery/delivery_priv.h"
#include "http/upgrade.h"
#include "wire/http_date.h"
#include "wire/load_metrics.h"

enum { OURS_MAX = 640 + LOAD_METRICS_TEXT_MAX };

/*
 * Fields by which a stranger could change an answer that others then get from the store, as many
 * frameworks obey them: they never reach an origin.
 */
static bool is_smuggled(struct slice name)
{
    static const char *const NAMES[] = { "forwarded", "x-forwarded-host", "x-forwarded-port",
        "x-forwarded-proto", "x-forwarded-scheme", "x-forwarded-server", "x-forwarded-prefix",
        "x-host", "x-original-url", "x-original-host", "x-rewrite-url", "x-http-method",
        "x-http-method-override", "x-method-override" };

    for (size_t i = 0; i < COUNT_OF(NAMES); i++)
        if (slice_same(name, slice_text(NAMES[i])))
            return true;
    return false;
}

/* Written anew on each way, by us or by the HTTP client. */
static bool is_rewritten(enum http_name id)
{
    return id == HTTP_NAME_HOST || id == HTTP_NAME_CONTENT_LENGTH || id == HTTP_NAME_EXPECT ||
           id == HTTP_NAME_VIA || id == HTTP_NAME_CDN_LOOP || id == HTTP_NAME_X_FORWARDED_FOR ||
           id == HTTP_NAME_MAX_FORWARDS;
}

/* A fill asks for the whole, whatever part of it its first visitor wanted. */
static bool is_of_one_visitor(enum http_name id)
{
    return id == HTTP_NAME_RANGE || id == HTTP_NAME_IF_RANGE || id == HTTP_NAME_IF_MATCH ||
           id == HTTP_NAME_IF_NONE_MATCH || id == HTTP_NAME_IF_MODIFIED_SINCE ||
           id == HTTP_NAME_IF_UNMODIFIED_SINCE || id == HTTP_NAME_CACHE_CONTROL ||
           id == HTTP_NAME_PRAGMA;
}

static void write_field(struct writer *w, struct slice name, struct slice value)
{
    write_slice(w, name);
    write_slice(w, SLICE(": "));
    write_slice(w, value);
    write_slice(w, SLICE("\r\n"));
}

/* All values of a list field, and behind them ours. */
static void write_list(struct writer *w, const struct http_head *head, enum http_name id,
    struct slice name, struct slice ours)
{
    write_slice(w, name);
    write_slice(w, SLICE(": "));
    for (const struct http_field *f = NULL; (f = http_head_next(head, id, f)) != NULL;) {
        write_slice(w, f->value);
        write_slice(w, SLICE(", "));
    }
    write_slice(w, ours);
    write_slice(w, SLICE("\r\n"));
}

static void write_validators(struct writer *w, const struct cache_object *stale)
{
    struct cache_meta meta;

    cache_object_meta(stale, &meta);
    if (meta.etag.length > 0)
        write_field(w, SLICE("If-None-Match"), meta.etag);
    if (meta.last_modified.length > 0)
        write_field(w, SLICE("If-Modified-Since"), meta.last_modified);
}

static bool expects_body(enum http_method method)
{
    return method == HTTP_POST || method == HTTP_PUT || method == HTTP_PATCH;
}

static void write_framing(struct writer *w, const struct http_exchange *x)
{
    if (x->framing == HTTP_BODY_CHUNKED)
        write_field(w, SLICE("Transfer-Encoding"), SLICE("chunked"));
    // RFC 9110 §8.6: without it, an origin may wait for a body that is not there, or refuse.
    if (x->framing != HTTP_BODY_LENGTH &&
        (x->framing != HTTP_BODY_NONE || !expects_body(x->request->method)))
        return;
    write_slice(w, SLICE("Content-Length: "));
    write_number(w, (int64_t)x->request_length);
    write_slice(w, SLICE("\r\n"));
}

/* RFC 9110 §7.8: from hop to hop, so what may go further is said anew. */
static void write_upgrade(struct writer *w, const struct http_exchange *x)
{
    char room[HTTP_UPGRADE_OFFER_MAX];
    struct slice offer = http_upgrade_offer(x, room);

    if (offer.length == 0)
        return;
    write_field(w, SLICE("Connection"), SLICE("Upgrade"));
    write_field(w, SLICE("Upgrade"), offer);
}

/* RFC 9110 §7.6.2: one less on each way; who meets 0 answers (see visit.c). */
static void write_max_forwards(struct writer *w, const struct http_head *head)
{
    uint64_t left = 0;

    if (head->method != HTTP_OPTIONS ||
        !slice_number(http_head_value(head, HTTP_NAME_MAX_FORWARDS), INT64_MAX, &left) || left == 0)
        return;
    write_slice(w, SLICE("Max-Forwards: "));
    write_number(w, (int64_t)left - 1);
    write_slice(w, SLICE("\r\n"));
}

struct slice fields_for_origin(struct visit *visit, bool is_fill, const struct cache_object *stale)
{
    struct http_exchange *x = visit_exchange(visit);
    const struct delivery *d = visit->delivery;
    const struct http_head *head = x->request;
    struct writer w = writer_on(turn_room(d, &x->arena, ORIGIN_ROOM), ORIGIN_ROOM);
    char peer[IP_TEXT_MAX];

    for (size_t i = 0; i < head->field_count; i++) {
        const struct http_field *field = &head->fields[i];

        if (is_rewritten(field->id) || http_field_is_hop(head, field) || is_smuggled(field->name) ||
            (is_fill && is_of_one_visitor(field->id)))
            continue;
        write_field(&w, field->name, field->value);
    }
    write_list(&w, head, HTTP_NAME_VIA, SLICE("Via"), slice_text(d->via));
    write_list(&w, head, HTTP_NAME_CDN_LOOP, SLICE("CDN-Loop"), d->setup.cdn_id);
    if (is_fill) {
        if (stale != NULL)
            write_validators(&w, stale);
    } else {
        write_list(&w, head, HTTP_NAME_X_FORWARDED_FOR, SLICE("X-Forwarded-For"),
            slice_text(ip_text(&x->peer.ip, peer)));
        write_field(&w, SLICE("X-Forwarded-Proto"), x->is_secure ? SLICE("https") : SLICE("http"));
        write_max_forwards(&w, head);
        write_framing(&w, x);
        write_upgrade(&w, x);
    }
    // Neither head has more than HTTP_HEAD_MAX bytes, and each field gets one blank more.
    assert(!w.is_short);
    turn_room_trim(d, w.start, w.length);
    return writer_slice(&w);
}

struct slice fields_of_origin(struct visit *visit, struct slice sent)
{
    // RFC 6797 §7.2: by plain HTTP nobody says so; §8.1: of two the first counts, and that is ours.
    bool is_kept = visit_exchange(visit)->is_secure && visit->route->hsts.length == 0;

    return is_kept ? sent : cache_fields_without_hsts(sent);
}

static struct writer ours_begin(struct visit *visit)
{
    return writer_on(turn_room(visit->delivery, &visit_exchange(visit)->arena, OURS_MAX), OURS_MAX);
}

/* Via and Cache-Status, which all answers have. */
static struct slice ours_end(struct visit *visit, struct writer *w, struct slice how)
{
    const struct delivery *d = visit->delivery;

    write_slice(w, SLICE("Via: "));
    write_slice(w, slice_text(d->via));
    write_slice(w, SLICE("\r\nCache-Status: \""));
    write_slice(w, d->setup.node);
    write_slice(w, SLICE("\"; "));
    write_slice(w, how);
    write_slice(w, SLICE("\r\n"));
    // RFC 6797 §7.2: never over plain HTTP, where anybody could have said it.
    if (visit->route != NULL && visit_exchange(visit)->is_secure)
        write_slice(w, visit->route->hsts);
    assert(!w->is_short);
    turn_room_trim(d, w->start, w->length);
    return writer_slice(w);
}

struct slice fields_of_ours(struct visit *visit, int64_t age_s, struct slice how)
{
    struct writer w = ours_begin(visit);

    if (age_s >= 0) {
        write_slice(&w, SLICE("Age: "));
        write_number(&w, age_s);
        write_slice(&w, SLICE("\r\n"));
    }
    return ours_end(visit, &w, how);
}

static struct writer own_answer_begin(struct visit *visit)
{
    struct writer w = ours_begin(visit);
    char date[HTTP_DATE_BYTES];

    http_date_write(loop_wall(visit->delivery->setup.loop), date); // RFC 9110 §6.6.1
    write_field(&w, SLICE("Date"), slice_of(date, sizeof date));
    write_field(&w, SLICE("Cache-Control"), SLICE("no-store"));
    return w;
}

struct slice fields_of_own_answer(struct visit *visit, struct slice how)
{
    struct writer w = own_answer_begin(visit);

    return ours_end(visit, &w, how);
}

/* Stores what is known of one figure, `scale` times what it is counted in; true when it is. */
static bool tell(const _Atomic uint32_t *figure, uint64_t scale, enum load_metric metric,
    struct load_metrics *metrics)
{
    uint32_t now = atomic_load_explicit(figure, memory_order_relaxed);

    metrics->is_known[metric] = now != DELIVERY_LOAD_UNKNOWN;
    metrics->millionths[metric] = metrics->is_known[metric] ? now * scale : 0;
    return metrics->is_known[metric];
}

static void write_load(struct writer *w, const struct delivery_load *load)
{
    struct load_metrics metrics;
    char text[LOAD_METRICS_TEXT_MAX];
    bool has_any = false;

    has_any |= tell(&load->cpu, 1, LOAD_METRIC_CPU, &metrics);
    has_any |= tell(&load->memory, 1, LOAD_METRIC_MEMORY, &metrics);
    has_any |= tell(&load->application, 1, LOAD_METRIC_APPLICATION, &metrics);
    has_any |= tell(&load->rate, 1000, LOAD_METRIC_RATE, &metrics);
    if (has_any)
        write_field(
            w, SLICE("endpoint-load-metrics"), slice_of(text, load_metrics_write(&metrics, text)));
}

struct slice fields_of_probe_answer(struct visit *visit)
{
    struct writer w = own_answer_begin(visit);

    if (visit->delivery->setup.load != NULL)
        write_load(&w, visit->delivery->setup.load);
    return ours_end(visit, &w, SLICE("detail=probe"));
}
