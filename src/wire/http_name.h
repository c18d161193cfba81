// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The names of HTTP fields that the program reads, as numbers. All others are HTTP_NAME_OTHER and
 * keep their text. A name is known without case; it costs one multiply-add and one compare.
 */

#include <stdbool.h>

#include "base/slice.h"

#define HTTP_NAME_LIST(X)                         \
    X(ACCEPT_ENCODING, "accept-encoding")         \
    X(AGE, "age")                                 \
    X(AUTHORIZATION, "authorization")             \
    X(CACHE_CONTROL, "cache-control")             \
    X(CACHE_STATUS, "cache-status")               \
    X(CDN_CACHE_CONTROL, "cdn-cache-control")     \
    X(CDN_LOOP, "cdn-loop")                       \
    X(CONNECTION, "connection")                   \
    X(CONTENT_ENCODING, "content-encoding")       \
    X(CONTENT_LENGTH, "content-length")           \
    X(CONTENT_LOCATION, "content-location")       \
    X(CONTENT_RANGE, "content-range")             \
    X(CONTENT_TYPE, "content-type")               \
    X(COOKIE, "cookie")                           \
    X(DATE, "date")                               \
    X(ETAG, "etag")                               \
    X(EXPECT, "expect")                           \
    X(EXPIRES, "expires")                         \
    X(HOST, "host")                               \
    X(IF_MATCH, "if-match")                       \
    X(IF_MODIFIED_SINCE, "if-modified-since")     \
    X(IF_NONE_MATCH, "if-none-match")             \
    X(IF_RANGE, "if-range")                       \
    X(IF_UNMODIFIED_SINCE, "if-unmodified-since") \
    X(KEEP_ALIVE, "keep-alive")                   \
    X(LAST_MODIFIED, "last-modified")             \
    X(LOCATION, "location")                       \
    X(MAX_FORWARDS, "max-forwards")               \
    X(PRAGMA, "pragma")                           \
    X(PROXY_AUTHENTICATE, "proxy-authenticate")   \
    X(PROXY_AUTHORIZATION, "proxy-authorization") \
    X(PROXY_CONNECTION, "proxy-connection")       \
    X(RANGE, "range")                             \
    X(SERVER, "server")                           \
    X(SET_COOKIE, "set-cookie")                   \
    X(TE, "te")                                   \
    X(TRAILER, "trailer")                         \
    X(TRANSFER_ENCODING, "transfer-encoding")     \
    X(UPGRADE, "upgrade")                         \
    X(VARY, "vary")                               \
    X(VIA, "via")                                 \
    X(X_FORWARDED_FOR, "x-forwarded-for")

enum http_name {
    HTTP_NAME_OTHER,
#define X(name, text) HTTP_NAME_##name,
    HTTP_NAME_LIST(X)
#undef X
        HTTP_NAME_COUNT
};

/* Without case; HTTP_NAME_OTHER for what is not listed, the empty name among it. */
enum http_name http_name_of(struct slice name);

/* As http_name_of, a little faster: `readable` bytes, at least the name's length, may be read. */
enum http_name http_name_of_within(struct slice name, size_t readable);

/* In lower case; "" for HTTP_NAME_OTHER. */
struct slice http_name_text(enum http_name id);

/* A token (RFC 9110 §5.6.2): at least one byte, letters, digits and !#$%&'*+-.^_`|~ alone. */
bool http_is_token(struct slice text);
