// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * HTTP/1 heads: the bytes of a request or response head to slices of them, in one strict pass.
 * What RFC 9112 allows a recipient to forgive is not forgiven (bare LF, obs-fold, blanks before
 * the colon, control bytes): leniency is what request smuggling is made of. Nothing is copied;
 * the head is good as long as the bytes are.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "wire/http_name.h"

enum {
    HTTP_HEAD_MAX = 32 * 1024,  // bytes of a head, with the blank line
    HTTP_TARGET_MAX = 8 * 1024, // bytes of a request target
    HTTP_FIELDS_MAX = 100,
};

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_CONNECT,
    HTTP_OPTIONS,
    HTTP_TRACE,
    HTTP_PATCH,
    HTTP_METHOD_OTHER, // see method_text
};

struct http_field {
    struct slice name;  // as sent
    struct slice value; // without blanks at its ends
    enum http_name id;
};

struct http_head {
    enum http_method method; // of a request
    struct slice method_text;
    struct slice target;
    uint16_t status; // of a response, 100 to 999
    struct slice reason;
    uint8_t minor; // HTTP/1.minor: 0 or 1
    size_t length; // bytes of the head, with the blank line
    size_t field_count;
    uint8_t first[HTTP_NAME_COUNT]; // place of the first field of that name, from 1; 0: none
    struct http_field fields[HTTP_FIELDS_MAX];
};

/* What came of parsing. The answer to give stands beside it. */
enum http_parse {
    HTTP_PARSE_DONE,
    HTTP_PARSE_MORE,        // so far so good, not all there
    HTTP_PARSE_BAD,         // 400
    HTTP_PARSE_LONG_TARGET, // 414
    HTTP_PARSE_LARGE,       // 431: head too long or too many fields
    HTTP_PARSE_VERSION,     // 505
};

/*
 * Parses the head at the start of `bytes`. `seen` is how many of them an earlier call that said
 * HTTP_PARSE_MORE was given (0 at first), so that a head that drips in is not scanned from its
 * start each time. Empty lines before a request line are skipped (RFC 9112 §2.2) and counted in
 * head->length. On anything but DONE the head's content is undefined.
 */
enum http_parse http_request_parse(struct slice bytes, size_t seen, struct http_head *head);
enum http_parse http_response_parse(struct slice bytes, size_t seen, struct http_head *head);

/* The first field of that name; NULL when there is none. */
static inline const struct http_field *http_head_field(
    const struct http_head *head, enum http_name id)
{
    return head->first[id] == 0 ? NULL : &head->fields[head->first[id] - 1];
}

/* Its value; SLICE_NONE (at == NULL) when there is none. */
struct slice http_head_value(const struct http_head *head, enum http_name id);

/* The next field of that name behind `after` (NULL: from the start); NULL at the end. */
const struct http_field *http_head_next(
    const struct http_head *head, enum http_name id, const struct http_field *after);

/*
 * True when a list field of that name (all its lines) has the token, without case. Such are
 * Connection: close, Transfer-Encoding: chunked, Vary: *.
 */
bool http_head_has_token(const struct http_head *head, enum http_name id, struct slice token);

/* How the body behind a head is framed (RFC 9112 §6.3). */
enum http_framing {
    HTTP_BODY_NONE,
    HTTP_BODY_LENGTH,
    HTTP_BODY_CHUNKED,
    HTTP_BODY_UNTIL_CLOSE,    // responses alone
    HTTP_BODY_BAD,            // 400 for a request, 502 for a response
    HTTP_BODY_UNKNOWN_CODING, // 501: a transfer coding other than chunked
};

/* `length` is set for HTTP_BODY_LENGTH. Both Content-Length and Transfer-Encoding: BAD. */
enum http_framing http_request_framing(const struct http_head *head, uint64_t *length);
enum http_framing http_response_framing(
    const struct http_head *head, enum http_method asked, uint64_t *length);

/* Whether the connection outlives the message (RFC 9112 §9.3). */
bool http_head_keeps_alive(const struct http_head *head);

/* Fields that speak of one connection and are never forwarded or stored (RFC 9110 §7.6.1), those
 * that this head's Connection names included. */
bool http_field_is_hop(const struct http_head *head, const struct http_field *field);

/* Where a request goes: Host and target checked against each other (RFC 9112 §3.2). */
struct http_authority {
    struct slice host; // without port, as sent
    uint16_t port;     // 0: none given
    struct slice path; // origin-form with the query; "*" for OPTIONS *
};

/* False: 400. Absolute-form wins over Host; HTTP/1.1 without exactly one Host is refused. */
bool http_request_authority(const struct http_head *head, struct http_authority *authority);
