// SPDX-License-Identifier: Apache-2.0
/*
 * What a head says about the message around it: how its body is framed, whether the connection
 * goes on, which fields stay on this connection, and where a request goes. Wherever two readers
 * of the same bytes could come to different answers, the message is refused.
 */
#include <assert.h>

#include "base/attr.h"
#include "wire/http_head.h"

enum { LENGTH_MOST_BITS = 62 }; // of a body; sums of two still fit

/* RFC 9112 §6.3 and §6.1: chunked must come last, once, and alone, as we decode nothing else. */
static enum http_framing coded_framing(const struct http_head *head)
{
    struct slice last = SLICE_NONE;
    unsigned codings = 0, chunked = 0;

    // RFC 9112 §6.1: in HTTP/1.0 the field was put there by somebody who does not understand it.
    if (head->minor == 0 || head->first[HTTP_NAME_CONTENT_LENGTH] != 0)
        return HTTP_BODY_BAD;
    for (const struct http_field *f = http_head_field(head, HTTP_NAME_TRANSFER_ENCODING); f != NULL;
         f = http_head_next(head, HTTP_NAME_TRANSFER_ENCODING, f)) {
        struct slice rest = f->value, part;

        while (slice_cut(&rest, ',', &part)) {
            last = slice_trim(part);
            if (last.length == 0)
                return HTTP_BODY_BAD;
            codings++;
            chunked += slice_same(last, SLICE("chunked"));
        }
    }
    if (codings == 1 && chunked == 1)
        return HTTP_BODY_CHUNKED;
    if (chunked > 1 || (chunked == 1 && !slice_same(last, SLICE("chunked"))))
        return HTTP_BODY_BAD;
    return HTTP_BODY_UNKNOWN_CODING;
}

/* RFC 9110 §8.6. Several lines or a list are refused even where all members agree. */
static enum http_framing counted_framing(const struct http_head *head, uint64_t *length)
{
    const struct http_field *f = http_head_field(head, HTTP_NAME_CONTENT_LENGTH);

    assert(f != NULL);
    if (http_head_next(head, HTTP_NAME_CONTENT_LENGTH, f) != NULL ||
        !slice_number(f->value, UINT64_C(1) << LENGTH_MOST_BITS, length))
        return HTTP_BODY_BAD;
    return HTTP_BODY_LENGTH;
}

enum http_framing http_request_framing(const struct http_head *head, uint64_t *length)
{
    if (head->first[HTTP_NAME_TRANSFER_ENCODING] != 0) {
        enum http_framing framing = coded_framing(head);
        // RFC 9112 §6.3: a request whose last coding is not chunked has no end: 400, not 501.
        bool is_endless = framing == HTTP_BODY_UNKNOWN_CODING &&
                          !http_head_has_token(head, HTTP_NAME_TRANSFER_ENCODING, SLICE("chunked"));

        return is_endless ? HTTP_BODY_BAD : framing;
    }
    if (head->first[HTTP_NAME_CONTENT_LENGTH] != 0)
        return counted_framing(head, length);
    return HTTP_BODY_NONE;
}

enum http_framing http_response_framing(
    const struct http_head *head, enum http_method asked, uint64_t *length)
{
    if (asked == HTTP_HEAD || head->status < 200 || head->status == 204 || head->status == 304)
        return HTTP_BODY_NONE;
    if (asked == HTTP_CONNECT && head->status < 300)
        return HTTP_BODY_NONE;
    if (head->first[HTTP_NAME_TRANSFER_ENCODING] != 0)
        return coded_framing(head);
    if (head->first[HTTP_NAME_CONTENT_LENGTH] != 0)
        return counted_framing(head, length);
    return HTTP_BODY_UNTIL_CLOSE;
}

bool http_head_keeps_alive(const struct http_head *head)
{
    if (head->first[HTTP_NAME_CONNECTION] == 0)
        return head->minor > 0;
    if (http_head_has_token(head, HTTP_NAME_CONNECTION, SLICE("close")))
        return false;
    return head->minor > 0 || http_head_has_token(head, HTTP_NAME_CONNECTION, SLICE("keep-alive"));
}

bool http_field_is_hop(const struct http_head *head, const struct http_field *field)
{
    switch ((int)field->id) {
    case HTTP_NAME_CONNECTION:
    case HTTP_NAME_KEEP_ALIVE:
    case HTTP_NAME_PROXY_AUTHENTICATE:
    case HTTP_NAME_PROXY_AUTHORIZATION:
    case HTTP_NAME_PROXY_CONNECTION:
    case HTTP_NAME_TE:
    case HTTP_NAME_TRAILER: // its announcement goes with the trailers, which end here
    case HTTP_NAME_TRANSFER_ENCODING:
    case HTTP_NAME_UPGRADE: return true;
    case HTTP_NAME_OTHER: break;
    // What the program itself acts on cannot be taken out of its sight by being named: else a
    // client could strip Authorization or Via from a request that was judged with it.
    default: return false;
    }
    return head->first[HTTP_NAME_CONNECTION] != 0 &&
           http_head_has_token(head, HTTP_NAME_CONNECTION, field->name);
}

/* For names: letters, digits, dot, dash and underscore; for literals: hexadecimal digits, colon
 * and dot. A bit for each byte below 128. */
static const uint64_t NAME_BYTES[2] = { UINT64_C(0x3ff600000000000), UINT64_C(0x7fffffe87fffffe) };
static const uint64_t LITERAL_BYTES[2] = { UINT64_C(0x7ff400000000000), UINT64_C(0x7e0000007e) };

static bool is_made_of(struct slice text, const uint64_t bytes[2])
{
    uint64_t all = 1;

    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.at[i];

        all &= byte < 128 ? bytes[byte / 64] >> byte % 64 : 0;
    }
    return all != 0;
}

/* "name", "name:80", "[2001:db8::1]:80"; the name is one that DNS could hold, or an address. An
 * empty one is allowed by RFC 9110 §7.2, and belongs to no site. */
static bool host_parse(struct slice text, struct http_authority *authority)
{
    bool is_literal = text.length > 0 && text.at[0] == '[';
    size_t length = slice_find(text, is_literal ? ']' : ':');
    struct slice port = slice_from(text, length + is_literal);
    uint64_t number = 0;

    if (is_literal && (length == text.length || length == 1))
        return false;
    if (!is_made_of(slice_from(slice_head(text, length), is_literal),
            is_literal ? LITERAL_BYTES : NAME_BYTES))
        return false;
    if (port.length > 0 && port.at[0] != ':')
        return false;
    if (port.length > 1 && !slice_number(slice_from(port, 1), UINT16_MAX, &number))
        return false;
    authority->host = slice_head(text, length + is_literal);
    authority->port = (uint16_t)number;
    return true;
}

/* RFC 9112 §3.2.2: "http://host:80/path"; its host wins over Host. */
static bool absolute_parse(const struct http_head *head, struct http_authority *authority)
{
    size_t colon = slice_find(head->target, ':');
    struct slice scheme = slice_head(head->target, colon);
    struct slice rest = slice_from(head->target, colon);
    struct slice host;

    if (!slice_same(scheme, SLICE("http")) && !slice_same(scheme, SLICE("https")))
        return false;
    if (!slice_starts(rest, SLICE("://")))
        return false;
    rest = slice_from(rest, 3);
    host = slice_head(rest, slice_find(rest, '/'));
    authority->path = slice_from(rest, host.length);
    if (authority->path.length == 0) // RFC 9112 §3.2.1 and §3.2.4
        authority->path = head->method == HTTP_OPTIONS ? SLICE("*") : SLICE("/");
    // A '?' directly behind the host is refused with it: the path it lacks cannot be a slice.
    return host.length > 0 && host_parse(host, authority) && authority->host.length > 0;
}

bool http_request_authority(const struct http_head *head, struct http_authority *authority)
{
    const struct http_field *host = http_head_field(head, HTTP_NAME_HOST);

    *authority = (struct http_authority){ .path = head->target };
    if (host == NULL && head->minor > 0)
        return false;
    if (host != NULL &&
        (http_head_next(head, HTTP_NAME_HOST, host) != NULL || !host_parse(host->value, authority)))
        return false;
    if (head->target.at[0] == '/')
        return true;
    if (slice_equal(head->target, SLICE("*")))
        return head->method == HTTP_OPTIONS;
    return absolute_parse(head, authority);
}
