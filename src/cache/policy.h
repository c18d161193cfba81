// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What HTTP caching says (RFC 9111, and RFC 5861 for stale answers), as pure functions: may this
 * response be stored, how long is it fresh, and may this stored response answer this request now.
 * No clock, no I/O, no memory of their own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"
#include "cache/purges.h"
#include "wire/http_head.h"

/* What the site says beyond the protocol. */
struct cache_rules {
    bool may_cache;             // false: pass everything
    struct span ttl;            // above 0: the lifetime instead of what the origin says
    struct span stale_if_error; // how long past freshness a copy may stand in when the origin fails
};

/* What is kept of a response for later verdicts. A plain value; the slices lie in the stored
 * fields. */
struct cache_meta {
    struct wall received;             // when the response's head came
    int64_t age_s;                    // its age at that moment (RFC 9111 §4.2.3)
    int64_t lifetime_s;               // §4.2.1
    int64_t stale_if_error_s;         // RFC 5861 §4 or the site's rule; 0: never
    int64_t stale_while_revalidate_s; // RFC 5861 §3
    bool must_revalidate;             // must-revalidate, proxy-revalidate, or s-maxage (§5.2.2)
    bool always_revalidate;           // no-cache
    bool serves_authorized;           // public, s-maxage or must-revalidate (§3.5)
    struct slice etag;                // with quotes and W/; empty when there is none
    struct slice last_modified;       // as sent; empty when there is none or it is no date
    struct slice vary;                // the whole list, lines joined; empty when there is none
};

enum cache_store {
    CACHE_STORE,     // keep it
    CACHE_STORE_NOT, // pass it on
    CACHE_UPDATE,    // a 304 to our validation: refreshes what is stored
};

/*
 * May the response to this request be stored (RFC 9111 §3)? Fills *meta when it may; its slices
 * lie in the response's head until cache_meta_bind. `sent_validators`: the request was our own
 * validation, so that a 304 speaks of the stored one (then *meta is not filled: see
 * cache_fields_update).
 */
enum cache_store cache_may_store(const struct http_head *request, const struct http_head *response,
    const struct cache_rules *rules, bool sent_validators, struct wall now,
    struct cache_meta *meta);

enum cache_verdict {
    CACHE_FRESH,      // answer with it
    CACHE_STALE,      // answer with it and refresh it beside (stale-while-revalidate)
    CACHE_REVALIDATE, // ask the origin, with validators where there are any
    CACHE_UNUSABLE,   // as if it were not there (Authorization, Vary: *, ...)
};

/* May the stored response answer this request at `now` (§4)? *age_s is for the Age field. */
enum cache_verdict cache_may_use(const struct http_head *request, const struct cache_meta *meta,
    struct wall now, int64_t *age_s);

/* The same of one that was, or may have been, purged: as if its lifetime ended now. While it is
 * refreshed it is served where it says so itself, and a purge was made for certain. */
enum cache_verdict cache_may_use_purged(
    enum cache_verdict verdict, enum purged purged, const struct cache_meta *meta);

/* May it stand in although it is not fresh, since the origin failed (stale-if-error)? */
bool cache_may_use_stale(const struct cache_meta *meta, struct wall now);

/* A request that a stored response could answer at all: GET or HEAD, no body. */
bool cache_may_look_up(const struct http_head *request);

/* only-if-cached: 504 instead of asking the origin (§5.2.1.7). */
bool cache_only_if_cached(const struct http_head *request);

/* A method whose success invalidates what is stored of the target (§4.4). */
bool cache_is_unsafe(enum http_method method);

/* The client's own conditions against a stored response (RFC 9110 §13.2.2). */
enum cache_condition {
    CACHE_CONDITION_NONE, // none, or not met in a way that asks for the whole
    CACHE_CONDITION_304,  // not modified
    CACHE_CONDITION_412,  // a precondition failed
};

enum cache_condition cache_condition(
    const struct http_head *request, const struct cache_meta *meta, int status);

/* A single satisfiable byte range of a stored response (RFC 9110 §14), If-Range obeyed. */
enum cache_range {
    CACHE_RANGE_NONE, // the whole
    CACHE_RANGE_PART, // 206: from *first to *last
    CACHE_RANGE_BAD,  // 416
};

enum cache_range cache_range(const struct http_head *request, const struct cache_meta *meta,
    uint64_t length, uint64_t *first, uint64_t *last);

/*
 * The fields to store and to answer with, as lines "Name: value" with CR LF each: without
 * hop-by-hop fields, Age, framing and what is ours to add; Vary on one line; Date mended when it
 * is missing or no date. Surrogate-Key and Cache-Tag come first: they are kept to purge by, and
 * not sent; behind them Strict-Transport-Security, which some visitors get. Returns their bytes, or
 * 0 when `room` is too small.
 */
size_t cache_fields_write(
    const struct http_head *response, struct wall now, char *room, size_t room_bytes);

/*
 * The stored fields as a 304 (or the head of a HEAD) changes them (RFC 9111 §3.2). Returns their
 * bytes, or 0 when `room` is too small. For the new meta, parse the result as a response head and
 * ask cache_may_store.
 */
size_t cache_fields_update(struct slice stored, const struct http_head *update, struct wall now,
    char *room, size_t room_bytes);

/* Of those lines: the ones that name tags, and the others, which visitors get. */
struct slice cache_fields_tags(struct slice stored);
struct slice cache_fields_sent(struct slice stored);

/* Of those that visitors get, the ones behind Strict-Transport-Security. */
struct slice cache_fields_without_hsts(struct slice sent);

/* Points the meta's slices into the stored fields; call after the fields were moved. */
void cache_meta_bind(struct cache_meta *meta, struct slice fields);
