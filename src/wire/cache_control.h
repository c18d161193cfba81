// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Cache-Control of requests and responses (RFC 9111 §5.2, RFC 5861, RFC 8246) as a struct, and
 * Age. Directives are read in token and in quoted form. Of a directive that comes twice the first
 * counts. A lifetime that is no number is 0, that is stale (§4.2.1); one that is too large counts
 * as CACHE_SECONDS_MAX. A directive qualified by field names (no-cache="a") counts as unqualified,
 * which is the stricter reading.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "wire/http_head.h"

#define CACHE_SECONDS_MAX  INT64_C(2147483648) // RFC 9111 §1.2.2
#define CACHE_SECONDS_NONE INT64_C(-1)         // the directive is not there

struct cache_control {
    int64_t max_age, s_maxage;
    int64_t stale_if_error, stale_while_revalidate;
    int64_t max_stale; // without a value: CACHE_SECONDS_MAX
    int64_t min_fresh;
    bool no_cache, no_store, no_transform, only_if_cached; // of requests and responses
    bool must_revalidate, proxy_revalidate, must_understand, is_private, is_public, immutable;
};

/* All Cache-Control lines of the head, in order. */
void cache_control_read(const struct http_head *head, struct cache_control *control);

/* The same from one line of text, on top of what is in *control (cache_control_init at first). */
void cache_control_init(struct cache_control *control);
void cache_control_add(struct cache_control *control, struct slice line);

/* Digits alone, capped at CACHE_SECONDS_MAX; false for anything else. */
[[nodiscard]] bool cache_seconds_parse(struct slice text, int64_t *seconds);

/*
 * The age that the response says it has: 0 without an Age field. Several lines, lists and what is
 * no number count as CACHE_SECONDS_MAX: whoever wrote them, nobody can say how old the response
 * is.
 */
int64_t cache_age_read(const struct http_head *head);
