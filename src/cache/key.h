// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What names a stored response: the site and the path with its query, normalised once. The same
 * normalised path is sent on to the origin, so that no two spellings of a path can mean one thing
 * to us and another to the origin. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "wire/http_head.h"

/* Names an object in the store. The text is the caller's. */
struct cache_key {
    struct slice text;
    uint64_t hash;
};

enum { CACHE_KEY_MAX = 16 * 1024 }; // bytes of a key's text

/* `seed` is the store's (store_seed). */
struct cache_key cache_key_of(struct slice text, uint64_t seed);

/*
 * The path (with query, origin-form) as it is keyed and sent on: unreserved characters decoded,
 * other escapes in upper case, dot segments resolved, what may not stand in a path escaped; the
 * query as sent. False: an escape is malformed or is a zero byte, `..` leaves the root, it does
 * not begin with '/', or `room` (of HTTP_TARGET_MAX bytes and more) is too small.
 */
[[nodiscard]] bool cache_path_normalise(
    struct slice path, char *room, size_t room_bytes, struct slice *result);

/* Text that is written into the caller's room, from the start. */
struct cache_text {
    char *at;
    size_t room, length;
    bool is_cut; // did not fit; what is there is not to be used
};

static inline struct slice cache_text_slice(const struct cache_text *text)
{
    return slice_of(text->at, text->length);
}

void cache_text_add(struct cache_text *text, struct slice bytes);

/* Site and normalised path. False: no room. */
[[nodiscard]] bool cache_key_write(struct slice site, struct slice path, struct cache_text *text);

/*
 * The second key, for a response that varies: the first one's text, the marker's salt, and the
 * values of the request fields that `vary` names, normalised: blanks folded, lines joined, and
 * Accept-Encoding reduced to which of br, gzip and zstd are acceptable. False: no room.
 */
[[nodiscard]] bool cache_key_vary_write(struct slice first, uint64_t salt, struct slice vary,
    const struct http_head *request, struct cache_text *text);
