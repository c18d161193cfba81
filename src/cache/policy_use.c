// SPDX-License-Identifier: Apache-2.0
#include "cache/policy.h"
#include "wire/cache_control.h"

/* §4.2.3. A clock that was set back makes no response younger than it came. */
static int64_t age_at(const struct cache_meta *meta, struct wall now)
{
    int64_t resident_s = (now.ms - meta->received.ms) / 1000;

    return meta->age_s + (resident_s > 0 ? resident_s : 0);
}

/* Whether the request insists on asking the origin, whatever the age. */
static bool asks_origin(const struct http_head *request, const struct cache_control *asked)
{
    // Reload buttons send max-age=0: nobody means "at most half a second old".
    if (asked->no_cache || asked->max_age == 0)
        return true;
    return http_head_field(request, HTTP_NAME_CACHE_CONTROL) == NULL && // RFC 9111 §5.4
           http_head_has_token(request, HTTP_NAME_PRAGMA, SLICE("no-cache"));
}

enum cache_verdict cache_may_use(
    const struct http_head *request, const struct cache_meta *meta, struct wall now, int64_t *age_s)
{
    struct cache_control asked;
    int64_t age = age_at(meta, now);
    int64_t late_s = age - meta->lifetime_s; // fresh below 0

    *age_s = age;
    if (http_head_field(request, HTTP_NAME_AUTHORIZATION) != NULL && !meta->serves_authorized)
        return CACHE_UNUSABLE;
    cache_control_read(request, &asked);
    if (meta->always_revalidate || asks_origin(request, &asked))
        return CACHE_REVALIDATE;
    if (asked.max_age != CACHE_SECONDS_NONE && age > asked.max_age) // §5.2.1.1
        return CACHE_REVALIDATE;
    if (asked.min_fresh != CACHE_SECONDS_NONE && late_s + asked.min_fresh > 0) // §5.2.1.3
        return CACHE_REVALIDATE;
    if (late_s < 0)
        return CACHE_FRESH;
    if (meta->must_revalidate)
        return CACHE_REVALIDATE;
    if (asked.max_stale != CACHE_SECONDS_NONE && late_s <= asked.max_stale) // §5.2.1.2
        return CACHE_FRESH;
    // RFC 5861 §3.
    return late_s < meta->stale_while_revalidate_s ? CACHE_STALE : CACHE_REVALIDATE;
}

enum cache_verdict cache_may_use_purged(
    enum cache_verdict verdict, enum purged purged, const struct cache_meta *meta)
{
    if (purged == PURGED_NOT || verdict == CACHE_REVALIDATE || verdict == CACHE_UNUSABLE)
        return verdict;
    // What is in doubt may be gone for good: nobody gets it unasked.
    return purged == PURGED_STALE && meta->stale_while_revalidate_s > 0 && !meta->must_revalidate
               ? CACHE_STALE
               : CACHE_REVALIDATE;
}

bool cache_may_use_stale(const struct cache_meta *meta, struct wall now)
{
    if (meta->must_revalidate || meta->always_revalidate)
        return false;
    return age_at(meta, now) - meta->lifetime_s < meta->stale_if_error_s;
}

bool cache_may_look_up(const struct http_head *request)
{
    uint64_t length = 0;
    enum http_framing framing = http_request_framing(request, &length);

    // A body with GET could change the answer and is not in the key.
    return (request->method == HTTP_GET || request->method == HTTP_HEAD) &&
           (framing == HTTP_BODY_NONE || (framing == HTTP_BODY_LENGTH && length == 0));
}

bool cache_only_if_cached(const struct http_head *request)
{
    struct cache_control asked;

    cache_control_read(request, &asked);
    return asked.only_if_cached;
}

bool cache_is_unsafe(enum http_method method)
{
    return method != HTTP_GET && method != HTTP_HEAD && method != HTTP_OPTIONS &&
           method != HTTP_TRACE;
}
