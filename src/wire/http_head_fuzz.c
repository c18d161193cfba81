// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as a head. The first byte says whether it is a request or a response, and how it is
 * cut. What is parsed lies within the bytes and is what the RFC allows; parsing in pieces says
 * the same as parsing at once, as soon as that says anything.
 */
#include <assert.h>
#include <stdlib.h>

#include "wire/http_head.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

typedef enum http_parse parse_fn(struct slice bytes, size_t seen, struct http_head *head);

static bool is_within(struct slice outer, struct slice inner)
{
    return inner.at >= outer.at && inner.at + inner.length <= outer.at + outer.length;
}

static void check_fields(struct slice bytes, const struct http_head *head)
{
    assert(head->length <= bytes.length && head->length <= HTTP_HEAD_MAX);
    assert(slice_ends(slice_head(bytes, head->length), SLICE("\r\n\r\n")));
    assert(head->minor <= 1 && head->field_count <= HTTP_FIELDS_MAX);
    for (size_t i = 0; i < head->field_count; i++) {
        const struct http_field *f = &head->fields[i];

        assert(is_within(bytes, f->name) && is_within(bytes, f->value));
        assert(http_is_token(f->name) && http_name_of(f->name) == f->id);
        assert(slice_equal(slice_trim(f->value), f->value));
        assert(memchr(f->value.at, '\n', f->value.length) == NULL);
        assert(memchr(f->value.at, '\0', f->value.length) == NULL);
        assert(head->first[f->id] > 0 && head->first[f->id] <= i + 1);
        if (head->first[f->id] == i + 1)
            assert(http_head_field(head, f->id) == f);
        (void)http_field_is_hop(head, f);
    }
}

static void check_request(struct slice bytes, const struct http_head *head)
{
    struct http_authority authority;
    uint64_t length = 0;
    enum http_framing framing = http_request_framing(head, &length);

    assert(framing != HTTP_BODY_UNTIL_CLOSE);
    assert(is_within(bytes, head->method_text) && is_within(bytes, head->target));
    assert(http_is_token(head->method_text) && head->target.length > 0);
    assert(memchr(head->target.at, ' ', head->target.length) == NULL);
    if (framing == HTTP_BODY_LENGTH)
        assert(head->first[HTTP_NAME_TRANSFER_ENCODING] == 0);
    if (framing == HTTP_BODY_CHUNKED)
        assert(head->first[HTTP_NAME_CONTENT_LENGTH] == 0 && head->minor == 1);
    if (!http_request_authority(head, &authority))
        return;
    assert(authority.path.at[0] == '/' || slice_equal(authority.path, SLICE("*")));
    assert(slice_find(authority.host, '@') == authority.host.length);
    assert(slice_find(authority.host, '/') == authority.host.length);
}

static void check_response(struct slice bytes, const struct http_head *head)
{
    uint64_t length = 0;

    assert(head->status >= 100 && head->status <= 999);
    assert(is_within(bytes, head->reason));
    assert(http_response_framing(head, HTTP_HEAD, &length) == HTTP_BODY_NONE);
    (void)http_response_framing(head, HTTP_GET, &length);
    (void)http_head_keeps_alive(head);
}

static bool is_same(const struct http_head *a, const struct http_head *b)
{
    if (a->length != b->length || a->field_count != b->field_count || a->minor != b->minor)
        return false;
    for (size_t i = 0; i < a->field_count; i++)
        if (!slice_equal(a->fields[i].name, b->fields[i].name) ||
            !slice_equal(a->fields[i].value, b->fields[i].value))
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static struct http_head whole, pieces; // heads are large, and fuzzers have one thread

    if (size < 2)
        return 0;
    bool is_request = (data[0] & 1) == 0;
    parse_fn *parse = is_request ? http_request_parse : http_response_parse;
    struct slice bytes = slice_of(data + 1, size - 1);
    enum http_parse verdict = parse(bytes, 0, &whole), piecewise = HTTP_PARSE_MORE;
    size_t piece = (size_t)data[0] / 2 % 37 + 1;

    for (size_t seen = 0; piecewise == HTTP_PARSE_MORE && seen < bytes.length;) {
        size_t now = bytes.length - seen < piece ? bytes.length : seen + piece;

        piecewise = parse(slice_head(bytes, now), seen, &pieces);
        seen = now;
    }
    assert(verdict == piecewise);
    if (verdict != HTTP_PARSE_DONE)
        return 0;
    assert(is_same(&whole, &pieces));
    check_fields(bytes, &whole);
    if (is_request)
        check_request(bytes, &whole);
    else
        check_response(bytes, &whole);
    return 0;
}
