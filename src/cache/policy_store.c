// SPDX-License-Identifier: Apache-2.0
#include "base/attr.h"
#include "cache/policy.h"
#include "wire/cache_control.h"
#include "wire/http_date.h"

enum {
    HEURISTIC_SHARE = 10, // lifetime is a tenth of the time since the last change (§4.2.2)
    HEURISTIC_MAX_S = 86400,
};

/* What the verdict is made of, gathered once. */
struct response_facts {
    const struct http_head *head;
    struct cache_control control;
    struct wall now, date; // date: as sent, or when it came
    int64_t age_s, lifetime_s;
    bool is_lifetime_explicit;
    bool is_heuristic; // its status may be cached without being told to (RFC 9110 §15.1)
    bool is_ours;      // the site's rule decides the lifetime
};

static bool is_listed(int status, const uint16_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == status)
            return true;
    return false;
}

/* 206 is of the list too, but parts are not stored here. */
static bool status_is_heuristic(int status)
{
    static const uint16_t list[] = { 200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501 };

    return is_listed(status, list, COUNT_OF(list));
}

/* Statuses whose caching needs nothing that this cache does not know (§3, must-understand). */
static bool status_is_understood(int status)
{
    static const uint16_t list[] = { 200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 401, 403,
        404, 405, 410, 414, 500, 501, 502, 503, 504 };

    return is_listed(status, list, COUNT_OF(list));
}

/* Answers to what one request asked of the resource's state: of no use to another. */
static bool status_is_conditional(int status)
{
    return status < 200 || status == 206 || status == 304 || status == 412 || status == 416;
}

static bool read_date(
    const struct http_head *head, enum http_name id, struct wall now, struct wall *date)
{
    const struct http_field *field = http_head_field(head, id);

    return field != NULL && http_head_next(head, id, field) == NULL &&
           http_date_parse(field->value, now, date);
}

static int64_t bounded_s(int64_t s)
{
    if (s < 0)
        return 0;
    return s > CACHE_SECONDS_MAX ? CACHE_SECONDS_MAX : s;
}

/* §4.2.1, for a shared cache; Expires that is no date is already past (RFC 9111 §5.3). */
static void find_lifetime(struct response_facts *f)
{
    struct wall expires, changed;

    f->is_lifetime_explicit = true;
    if (f->control.s_maxage != CACHE_SECONDS_NONE) {
        f->lifetime_s = f->control.s_maxage;
    } else if (f->control.max_age != CACHE_SECONDS_NONE) {
        f->lifetime_s = f->control.max_age;
    } else if (http_head_field(f->head, HTTP_NAME_EXPIRES) != NULL) {
        if (read_date(f->head, HTTP_NAME_EXPIRES, f->now, &expires))
            f->lifetime_s = bounded_s(wall_s(expires) - wall_s(f->date));
    } else {
        f->is_lifetime_explicit = false;
        if ((f->is_heuristic || f->control.is_public) &&
            read_date(f->head, HTTP_NAME_LAST_MODIFIED, f->now, &changed)) {
            int64_t share = bounded_s(wall_s(f->date) - wall_s(changed)) / HEURISTIC_SHARE;

            f->lifetime_s = share < HEURISTIC_MAX_S ? share : HEURISTIC_MAX_S;
        }
    }
}

static void gather(struct response_facts *f, const struct http_head *response,
    const struct cache_rules *rules, struct wall now)
{
    *f = (struct response_facts){ .head = response, .now = now, .date = now };
    cache_control_read(response, &f->control);
    f->is_heuristic = status_is_heuristic(response->status);
    if (!read_date(response, HTTP_NAME_DATE, now, &f->date))
        f->date = now;
    f->age_s = cache_age_read(response);
    int64_t apparent_s = bounded_s(wall_s(now) - wall_s(f->date));

    if (apparent_s > f->age_s)
        f->age_s = apparent_s;
    // The site's lifetime is for what it has, not for its errors, and it counts from now: the
    // origin's clock and the age it names are part of what the rule stands in for.
    f->is_ours = rules->ttl.ns > 0 && f->is_heuristic && response->status < 400;
    if (f->is_ours) {
        f->lifetime_s = bounded_s(rules->ttl.ns / 1000000000);
        f->age_s = 0;
        f->is_lifetime_explicit = true;
    } else {
        find_lifetime(f);
    }
}

/* "The origin says who may have it": the three ways (§3.5). */
static bool serves_authorized(const struct cache_control *control)
{
    return control->is_public || control->must_revalidate ||
           control->s_maxage != CACHE_SECONDS_NONE;
}

/* What forbids storing whatever the lifetime (§3). */
static bool is_forbidden(const struct http_head *request, const struct response_facts *f)
{
    const struct cache_control *control = &f->control;
    struct cache_control asked;
    bool is_understood = status_is_understood(f->head->status);

    cache_control_read(request, &asked);
    if (request->method != HTTP_GET || asked.no_store)
        return true;
    if (status_is_conditional(f->head->status) || control->is_private)
        return true;
    if (control->must_understand ? !is_understood : control->no_store) // §5.2.2.3
        return true;
    if (http_head_field(request, HTTP_NAME_AUTHORIZATION) != NULL && !serves_authorized(control))
        return true;
    if (http_head_has_token(f->head, HTTP_NAME_VARY, SLICE("*")))
        return true;
    // A cookie is for one client unless the origin says in so many words that all may have it.
    return http_head_field(f->head, HTTP_NAME_SET_COOKIE) != NULL && !control->is_public &&
           control->s_maxage == CACHE_SECONDS_NONE;
}

/* Kept for something: it will be fresh for a while, may be served stale, or can be validated. */
static bool is_useful(const struct response_facts *f, const struct cache_meta *meta)
{
    int64_t grace_s = meta->stale_if_error_s > meta->stale_while_revalidate_s
                          ? meta->stale_if_error_s
                          : meta->stale_while_revalidate_s;

    if (meta->etag.length > 0 || meta->last_modified.length > 0)
        return true;
    if (meta->always_revalidate)
        return false;
    return f->lifetime_s + (meta->must_revalidate ? 0 : grace_s) > f->age_s;
}

static void fill_meta(
    struct cache_meta *meta, const struct response_facts *f, const struct cache_rules *rules)
{
    const struct cache_control *control = &f->control;
    struct wall changed;

    *meta = (struct cache_meta){
        .received = f->now,
        .age_s = f->age_s,
        .lifetime_s = f->lifetime_s,
        .stale_if_error_s = control->stale_if_error,
        .stale_while_revalidate_s = bounded_s(control->stale_while_revalidate),
        .must_revalidate = control->must_revalidate || control->proxy_revalidate ||
                           control->s_maxage != CACHE_SECONDS_NONE,
        .always_revalidate = control->no_cache && !f->is_ours,
        .serves_authorized = serves_authorized(control),
        .etag = http_head_value(f->head, HTTP_NAME_ETAG),
        .vary = http_head_value(f->head, HTTP_NAME_VARY),
    };
    if (control->stale_if_error == CACHE_SECONDS_NONE)
        meta->stale_if_error_s = bounded_s(rules->stale_if_error.ns / 1000000000);
    if (read_date(f->head, HTTP_NAME_LAST_MODIFIED, f->now, &changed))
        meta->last_modified = http_head_value(f->head, HTTP_NAME_LAST_MODIFIED);
}

enum cache_store cache_may_store(const struct http_head *request, const struct http_head *response,
    const struct cache_rules *rules, bool sent_validators, struct wall now, struct cache_meta *meta)
{
    struct response_facts f;
    struct cache_meta filled;

    if (response->status == 304 && sent_validators)
        return CACHE_UPDATE;
    if (!rules->may_cache)
        return CACHE_STORE_NOT;
    gather(&f, response, rules, now);
    if (is_forbidden(request, &f))
        return CACHE_STORE_NOT;
    if (!f.is_lifetime_explicit && !f.is_heuristic && !f.control.is_public)
        return CACHE_STORE_NOT;
    fill_meta(&filled, &f, rules);
    if (!is_useful(&f, &filled))
        return CACHE_STORE_NOT;
    *meta = filled;
    return CACHE_STORE;
}
