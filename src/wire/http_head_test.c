// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/attr.h"
#include "wire/http_head.h"

#define HOST "Host: a\r\n"

typedef enum http_parse parse_fn(struct slice bytes, size_t seen, struct http_head *head);

/* The verdict on `bytes`; the same whether they come at once or in pieces of any size. */
static enum http_parse verdict(parse_fn *parse, struct slice bytes, struct http_head *head)
{
    enum http_parse whole = parse(bytes, 0, head);

    for (size_t piece = 1; piece < bytes.length && bytes.length < 1000; piece++) {
        enum http_parse parsed = HTTP_PARSE_MORE;

        for (size_t seen = 0; seen < bytes.length && parsed == HTTP_PARSE_MORE; seen += piece) {
            size_t now = seen + piece < bytes.length ? seen + piece : bytes.length;

            parsed = parse(slice_head(bytes, now), seen, head);
        }
        assert_int_equal(parsed, whole);
    }
    return whole;
}

static enum http_parse request(const char *text, struct http_head *head)
{
    return verdict(http_request_parse, slice_text(text), head);
}

static enum http_parse response(const char *text, struct http_head *head)
{
    return verdict(http_response_parse, slice_text(text), head);
}

/* Parses what must be a good request. */
static struct http_head *good(const char *text)
{
    static struct http_head head;

    assert_int_equal(request(text, &head), HTTP_PARSE_DONE);
    return &head;
}

static struct http_head *good_response(const char *text)
{
    static struct http_head head;

    assert_int_equal(response(text, &head), HTTP_PARSE_DONE);
    return &head;
}

static void all_requests(const char *const *texts, size_t count, enum http_parse expected)
{
    static struct http_head head;

    for (size_t i = 0; i < count; i++)
        if (request(texts[i], &head) != expected)
            fail_msg("%s", texts[i]);
}

static void all_responses(const char *const *texts, size_t count, enum http_parse expected)
{
    static struct http_head head;

    for (size_t i = 0; i < count; i++)
        if (response(texts[i], &head) != expected)
            fail_msg("%s", texts[i]);
}

#define EACH_REQUEST(expected, ...)                         \
    do {                                                    \
        static const char *const TEXTS[] = { __VA_ARGS__ }; \
        all_requests(TEXTS, COUNT_OF(TEXTS), (expected));   \
    } while (0)

#define EACH_RESPONSE(expected, ...)                        \
    do {                                                    \
        static const char *const TEXTS[] = { __VA_ARGS__ }; \
        all_responses(TEXTS, COUNT_OF(TEXTS), (expected));  \
    } while (0)

static void assert_text(struct slice s, const char *text)
{
    if (!slice_equal(s, slice_text(text)))
        fail_msg("'%.*s' is not '%s'", SLICE_ARG(s), text);
}

static void a_request_is_split_into_its_parts(void **)
{
    struct http_head *head = good("GET /a?b=c HTTP/1.1\r\n"
                                  "Host: www.acme.example\r\n"
                                  "accept: text/html, */*;q=0.1\r\n"
                                  "ETag:\t \"x\" \t \r\n"
                                  "Empty:\r\n"
                                  "Blank:  \r\n"
                                  "\r\nrest");

    assert_int_equal(head->method, HTTP_GET);
    assert_text(head->method_text, "GET");
    assert_text(head->target, "/a?b=c");
    assert_int_equal(head->minor, 1);
    assert_int_equal(head->field_count, 5);
    assert_int_equal(head->length, 110);
    assert_text(head->fields[1].name, "accept");
    assert_text(head->fields[1].value, "text/html, */*;q=0.1");
    assert_int_equal(head->fields[1].id, HTTP_NAME_OTHER);
    assert_text(http_head_value(head, HTTP_NAME_ETAG), "\"x\"");
    assert_text(head->fields[3].value, "");
    assert_text(head->fields[4].value, "");
}

static void methods_are_known_by_their_exact_name(void **)
{
    static const struct {
        const char *text;
        enum http_method method;
    } CASES[] = { { "GET", HTTP_GET }, { "HEAD", HTTP_HEAD }, { "POST", HTTP_POST },
        { "PUT", HTTP_PUT }, { "DELETE", HTTP_DELETE }, { "CONNECT", HTTP_CONNECT },
        { "OPTIONS", HTTP_OPTIONS }, { "TRACE", HTTP_TRACE }, { "PATCH", HTTP_PATCH },
        { "get", HTTP_METHOD_OTHER }, { "PURGE", HTTP_METHOD_OTHER }, { "G", HTTP_METHOD_OTHER },
        { "M-SEARCH", HTTP_METHOD_OTHER }, { "GETX", HTTP_METHOD_OTHER } };

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        char text[64];

        snprintf(text, sizeof text, "%s / HTTP/1.1\r\n\r\n", CASES[i].text);
        assert_int_equal(good(text)->method, CASES[i].method);
        assert_text(good(text)->method_text, CASES[i].text);
    }
}

/* RFC 9112 §2.3, RFC 9110 §2.5 */
static void versions_1_x_are_spoken_and_others_refused(void **)
{
    assert_int_equal(good("GET / HTTP/1.0\r\n\r\n")->minor, 0);
    assert_int_equal(good("GET / HTTP/1.7\r\n\r\n")->minor, 1);
    EACH_REQUEST(HTTP_PARSE_VERSION, "GET / HTTP/2.0\r\n\r\n", "GET / HTTP/0.9\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    EACH_REQUEST(HTTP_PARSE_BAD, "GET / http/1.1\r\n\r\n", "GET / HTTP/1.10\r\n\r\n",
        "GET / HTTP/11\r\n\r\n", "GET / HTTP/1,1\r\n\r\n", "GET / HTTP/1.x\r\n\r\n",
        "GET / HTTP/x.1\r\n\r\n", "GET / HTTP/1./\r\n\r\n", "GET / HTTP//.1\r\n\r\n",
        "GET / HTTX/1.1\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n", "GET /  HTTP/1.1\r\n\r\n");
}

/* RFC 9112 §3 */
static void a_request_line_has_exactly_three_parts(void **)
{
    EACH_REQUEST(HTTP_PARSE_BAD, "GET /\r\n\r\n", "GET\r\n\r\n", " GET / HTTP/1.1\r\n\r\n",
        "GET  / HTTP/1.1\r\n\r\n", "GET\t/ HTTP/1.1\r\n\r\n", "GET /\tHTTP/1.1\r\n\r\n",
        "GET / a HTTP/1.1\r\n\r\n", "G(T / HTTP/1.1\r\n\r\n", "GET HTTP/1.1\r\n\r\n",
        "GET /a#b HTTP/1.1\r\n\r\n", "GET /\x80 HTTP/1.1\r\n\r\n", "GET /\x7f HTTP/1.1\r\n\r\n",
        "GET /0123456789012345678901\xff HTTP/1.1\r\n\r\n",
        "GET /012345678901234567890# HTTP/1.1\r\n\r\n",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n\r\n", "\x16\x03\x01",
        "\r\n\r\n\r\n\r\n\r\n", "\rGET / HTTP/1.1\r\n\r\n");
    EACH_REQUEST(HTTP_PARSE_DONE, "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1\r\n\r\n",
        "GET /{}|^\"<>`\\ HTTP/1.1\r\n\r\n");
}

/* RFC 9112 §2.2 */
static void empty_lines_before_a_request_are_skipped(void **)
{
    assert_int_equal(good("\r\nGET / HTTP/1.1\r\n\r\n")->length, 20);
    assert_int_equal(good("\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n")->length, 26);
    EACH_RESPONSE(HTTP_PARSE_BAD, "\r\nHTTP/1.1 200 OK\r\n\r\n");
}

static void only_crlf_ends_a_line(void **)
{
    EACH_REQUEST(HTTP_PARSE_BAD, "GET / HTTP/1.1\n" HOST "\n", "GET / HTTP/1.1\r\n" HOST "\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "\rX", "GET / HTTP/1.1\r\r\n\r\n", "\n");
    EACH_RESPONSE(HTTP_PARSE_BAD, "HTTP/1.1 200 OK\n\n", "HTTP/1.1 200 O\rK\r\n\r\n");
}

/* RFC 9112 §5 */
static void a_field_is_a_token_a_colon_and_a_value(void **)
{
    EACH_REQUEST(HTTP_PARSE_BAD, "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", "GET / HTTP/1.1\r\n: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost a\r\n\r\n", "GET / HTTP/1.1\r\nH(st: a\r\n\r\n",
        "GET / HTTP/1.1\r\nH\xe4st: a\r\n\r\n",
        "GET / HTTP/1.1\r\nA-Name-Of-20-Bytes\x80: a\r\n\r\n",
        "GET / HTTP/1.1\r\nContent\rLength: 5\r\n\r\n");
}

/* RFC 9112 §5.2 */
static void continued_lines_are_refused(void **)
{
    EACH_REQUEST(HTTP_PARSE_BAD, "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n\tc: d\r\n\r\n", "GET / HTTP/1.1\r\n A: b\r\n\r\n");
    EACH_RESPONSE(HTTP_PARSE_BAD, "HTTP/1.1 200 OK\r\nA: b\r\n c: d\r\n\r\n");
}

/* RFC 9110 §5.5 */
static void control_bytes_are_refused_wherever_they_stand(void **)
{
    static struct http_head head;

    for (size_t at = 0; at < 37; at++)
        for (int byte = 0; byte < 256; byte++) {
            char text[] =
                "GET / HTTP/1.1\r\nSome-Field: abcdefghijklmnopqrstuvwxyz01234567890\r\n\r\n";
            bool is_control = (byte < 32 && byte != '\t') || byte == 127;

            text[28 + at] = (char)byte;
            assert_int_equal(http_request_parse(slice_of(text, sizeof text - 1), 0, &head),
                is_control ? HTTP_PARSE_BAD : HTTP_PARSE_DONE);
        }
}

static void an_incomplete_head_asks_for_more(void **)
{
    static struct http_head head;
    struct slice text = SLICE("\r\nGET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n");

    for (size_t length = 0; length < text.length; length++)
        assert_int_equal(http_request_parse(slice_head(text, length), 0, &head), HTTP_PARSE_MORE);
    assert_int_equal(http_request_parse(text, 0, &head), HTTP_PARSE_DONE);
    text = SLICE("HTTP/1.1 200 OK\r\nDate: x\r\n\r\n");
    for (size_t length = 0; length < text.length; length++)
        assert_int_equal(http_response_parse(slice_head(text, length), 0, &head), HTTP_PARSE_MORE);
}

enum { ROOM = 64 * 1024 };

/* "FRONT" + `count` times `filler` + "BACK". */
static struct slice filled(const char *front, char filler, size_t count, const char *back)
{
    static char room[ROOM];
    size_t length = strlen(front);

    memcpy(room, front, length);
    memset(room + length, filler, count);
    memcpy(room + length + count, back, strlen(back));
    return slice_of(room, length + count + strlen(back));
}

static void a_target_has_a_limit(void **)
{
    static struct http_head head;
    struct slice text = filled("GET /", 'a', HTTP_TARGET_MAX - 1, " HTTP/1.1\r\n\r\n");

    assert_int_equal(http_request_parse(text, 0, &head), HTTP_PARSE_DONE);
    text = filled("GET /", 'a', HTTP_TARGET_MAX, " HTTP/1.1\r\n\r\n");
    assert_int_equal(http_request_parse(text, 0, &head), HTTP_PARSE_LONG_TARGET);
    text = filled("GET /", 'a', ROOM / 2, "");
    assert_int_equal(http_request_parse(text, 0, &head), HTTP_PARSE_LONG_TARGET);
}

static void a_line_without_end_is_refused_while_it_drips_in(void **)
{
    static struct http_head head;
    struct slice text = filled("\r\n\r\nGET /", 'a', ROOM / 2, "");
    enum http_parse parsed = HTTP_PARSE_MORE;
    size_t seen = 0;

    while (parsed == HTTP_PARSE_MORE && seen < text.length) {
        parsed = http_request_parse(slice_head(text, seen + 1), seen, &head);
        seen++;
    }
    assert_int_equal(parsed, HTTP_PARSE_LONG_TARGET);
    assert_in_range(seen, HTTP_TARGET_MAX, HTTP_TARGET_MAX + 64);
}

static void a_head_has_a_limit(void **)
{
    static struct http_head head;
    size_t fits = HTTP_HEAD_MAX - strlen("GET / HTTP/1.1\r\nA: \r\n\r\n");
    struct slice text = filled("GET / HTTP/1.1\r\nA: ", 'b', fits, "\r\n\r\n");

    assert_int_equal(http_request_parse(text, 0, &head), HTTP_PARSE_DONE);
    assert_int_equal(
        http_request_parse(slice_head(text, text.length - 1), 0, &head), HTTP_PARSE_MORE);
    text = filled("GET / HTTP/1.1\r\nA: ", 'b', fits + 1, "\r\n\r\n");
    assert_int_equal(http_request_parse(text, 0, &head), HTTP_PARSE_LARGE);
    text = slice_head(text, HTTP_HEAD_MAX);
    assert_int_equal(http_request_parse(text, HTTP_HEAD_MAX - 3, &head), HTTP_PARSE_LARGE);
    assert_int_equal(http_response_parse(filled("HTTP/1.1 200 ", 'b', ROOM / 2, ""), 0, &head),
        HTTP_PARSE_LARGE);
}

static void fields_have_a_limit(void **)
{
    static struct http_head head;
    char text[4 * ROOM / 64] = "GET / HTTP/1.1\r\n";

    for (int i = 0; i < HTTP_FIELDS_MAX; i++)
        strcat(text, "A:b\r\n");
    size_t length = strlen(text);

    strcpy(text + length, "\r\n");
    assert_int_equal(http_request_parse(slice_text(text), 0, &head), HTTP_PARSE_DONE);
    assert_int_equal(head.field_count, HTTP_FIELDS_MAX);
    strcpy(text + length, "A:b\r\n\r\n");
    assert_int_equal(http_request_parse(slice_text(text), 0, &head), HTTP_PARSE_LARGE);
}

/* RFC 9112 §4 */
static void a_status_line_has_a_version_a_status_and_a_reason(void **)
{
    struct http_head *head = good_response("HTTP/1.1 404 Not \xc3\x9c\r\nAge: 5\r\n\r\n");

    assert_int_equal(head->status, 404);
    assert_text(head->reason, "Not \xc3\x9c");
    assert_int_equal(head->minor, 1);
    assert_text(http_head_value(head, HTTP_NAME_AGE), "5");
    assert_text(good_response("HTTP/1.0 200 \r\n\r\n")->reason, "");
    assert_text(good_response("HTTP/1.0 200\r\n\r\n")->reason, "");
    assert_int_equal(good_response("HTTP/1.0 999\r\n\r\n")->minor, 0);
    EACH_RESPONSE(HTTP_PARSE_BAD, "HTTP/1.1 20\r\n\r\n", "HTTP/1.1 2000\r\n\r\n",
        "HTTP/1.1 099 x\r\n\r\n", "HTTP/1.1  200 x\r\n\r\n", "HTTP/1.1 -20 x\r\n\r\n",
        "HTTP/1.1 20x x\r\n\r\n", "ICY 200 OK\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 \r\n\r\n",
        "HTTP/1.1\t200 OK\r\n\r\n", "HTTP/1.1 200\tOK\r\n\r\n", "<html>\r\n\r\n");
    EACH_RESPONSE(HTTP_PARSE_VERSION, "HTTP/2.0 200 OK\r\n\r\n");
}

static void fields_of_one_name_are_found_in_order(void **)
{
    struct http_head *head = good_response(
        "HTTP/1.1 200 OK\r\nVary: a\r\nX: y\r\nVARY: b\r\nDate: d\r\nvary: c\r\n\r\n");
    const struct http_field *f = http_head_next(head, HTTP_NAME_VARY, NULL);

    assert_text(f->value, "a");
    assert_ptr_equal(f, http_head_field(head, HTTP_NAME_VARY));
    f = http_head_next(head, HTTP_NAME_VARY, f);
    assert_text(f->value, "b");
    f = http_head_next(head, HTTP_NAME_VARY, f);
    assert_text(f->value, "c");
    assert_null(http_head_next(head, HTTP_NAME_VARY, f));
    assert_null(http_head_field(head, HTTP_NAME_AGE));
    assert_null(http_head_next(head, HTTP_NAME_AGE, NULL));
    assert_null(http_head_value(head, HTTP_NAME_AGE).at);
}

static void tokens_are_found_in_all_lines_of_a_list(void **)
{
    struct http_head *head =
        good_response("HTTP/1.1 200 OK\r\nVary: a ,B,, c-d\r\nVary:\r\nVary: *\r\n\r\n");

    assert_true(http_head_has_token(head, HTTP_NAME_VARY, SLICE("b")));
    assert_true(http_head_has_token(head, HTTP_NAME_VARY, SLICE("C-D")));
    assert_true(http_head_has_token(head, HTTP_NAME_VARY, SLICE("*")));
    assert_false(http_head_has_token(head, HTTP_NAME_VARY, SLICE("c")));
    assert_false(http_head_has_token(head, HTTP_NAME_CONNECTION, SLICE("close")));
}

static void assert_request_framing(const char *fields, enum http_framing expected)
{
    char text[400];
    uint64_t length = 0;

    snprintf(text, sizeof text, "POST / HTTP/1.1\r\n%s\r\n", fields);
    assert_int_equal(http_request_framing(good(text), &length), expected);
    if (expected == HTTP_BODY_LENGTH)
        assert_int_equal(length, 5);
}

/* RFC 9112 §6.3 */
static void a_request_body_is_framed_by_length_or_by_chunks(void **)
{
    assert_request_framing("", HTTP_BODY_NONE);
    assert_request_framing("Content-Length: 5\r\n", HTTP_BODY_LENGTH);
    assert_request_framing("Content-Length: 005\r\n", HTTP_BODY_LENGTH);
    assert_request_framing("Transfer-Encoding: chunked\r\n", HTTP_BODY_CHUNKED);
    assert_request_framing("Transfer-Encoding: CHUNKED\r\n", HTTP_BODY_CHUNKED);
}

static void what_could_be_framed_in_two_ways_is_refused(void **)
{
    static const char *const BAD[] = { "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 5\r\n", "Content-Length: +5\r\n", "Content-Length: -5\r\n",
        "Content-Length: 5 5\r\n", "Content-Length: 0x5\r\n", "Content-Length:\r\n",
        "Content-Length: 5;\r\n", "Content-Length: 4611686018427387905\r\n",
        "Content-Length: 18446744073709551621\r\n", "Transfer-Encoding:\r\n",
        "Transfer-Encoding: ,\r\n", "Transfer-Encoding: ,chunked\r\n",
        "Transfer-Encoding: chunked,\r\n", "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked, gzip\r\n", "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: chunked;a=b\r\n" };

    for (size_t i = 0; i < COUNT_OF(BAD); i++)
        assert_request_framing(BAD[i], HTTP_BODY_BAD);
}

/* RFC 9112 §6.1 */
static void codings_other_than_chunked_are_not_known(void **)
{
    uint64_t length;

    assert_request_framing("Transfer-Encoding: gzip, chunked\r\n", HTTP_BODY_UNKNOWN_CODING);
    assert_request_framing(
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", HTTP_BODY_UNKNOWN_CODING);
    assert_int_equal(http_request_framing(
                         good("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), &length),
        HTTP_BODY_BAD);
}

static enum http_framing response_framing(
    const char *status_and_fields, enum http_method asked, uint64_t *length)
{
    char text[400];

    *length = 0;
    snprintf(text, sizeof text, "HTTP/1.%s\r\n", status_and_fields);
    return http_response_framing(good_response(text), asked, length);
}

static void a_response_body_is_framed_in_the_order_of_rfc_9112_6_3(void **)
{
    uint64_t length;

    assert_int_equal(
        response_framing("1 200\r\nContent-Length: 7\r\n", HTTP_GET, &length), HTTP_BODY_LENGTH);
    assert_int_equal(length, 7);
    assert_int_equal(
        response_framing("1 200\r\nContent-Length: 7\r\n", HTTP_HEAD, &length), HTTP_BODY_NONE);
    assert_int_equal(
        response_framing("1 204\r\nContent-Length: 7\r\n", HTTP_GET, &length), HTTP_BODY_NONE);
    assert_int_equal(
        response_framing("1 304\r\nContent-Length: 7\r\n", HTTP_GET, &length), HTTP_BODY_NONE);
    assert_int_equal(
        response_framing("1 103\r\nContent-Length: 7\r\n", HTTP_GET, &length), HTTP_BODY_NONE);
    assert_int_equal(
        response_framing("1 200\r\nContent-Length: 7\r\n", HTTP_CONNECT, &length), HTTP_BODY_NONE);
    assert_int_equal(response_framing("1 403\r\nContent-Length: 7\r\n", HTTP_CONNECT, &length),
        HTTP_BODY_LENGTH);
    assert_int_equal(response_framing("1 200\r\nTransfer-Encoding: chunked\r\n", HTTP_GET, &length),
        HTTP_BODY_CHUNKED);
    assert_int_equal(response_framing("1 200\r\nTransfer-Encoding: gzip\r\n", HTTP_GET, &length),
        HTTP_BODY_UNKNOWN_CODING);
    assert_int_equal(response_framing("0 200\r\nTransfer-Encoding: chunked\r\n", HTTP_GET, &length),
        HTTP_BODY_BAD);
    assert_int_equal(
        response_framing(
            "1 200\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\n", HTTP_GET, &length),
        HTTP_BODY_BAD);
    assert_int_equal(
        response_framing("1 200\r\nContent-Length: 7, 7\r\n", HTTP_GET, &length), HTTP_BODY_BAD);
    assert_int_equal(response_framing("1 200\r\n", HTTP_GET, &length), HTTP_BODY_UNTIL_CLOSE);
}

/* RFC 9112 §9.3 */
static void a_connection_lives_on_as_its_version_and_field_say(void **)
{
    assert_true(http_head_keeps_alive(good("GET / HTTP/1.1\r\n\r\n")));
    assert_true(http_head_keeps_alive(good("GET / HTTP/1.1\r\nConnection: TE\r\n\r\n")));
    assert_false(http_head_keeps_alive(good("GET / HTTP/1.1\r\nConnection: te, Close\r\n\r\n")));
    assert_false(http_head_keeps_alive(good("GET / HTTP/1.0\r\n\r\n")));
    assert_false(http_head_keeps_alive(good("GET / HTTP/1.0\r\nConnection: x\r\n\r\n")));
    assert_true(http_head_keeps_alive(good("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")));
    assert_false(
        http_head_keeps_alive(good("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n")));
}

/* RFC 9110 §7.6.1 */
static void fields_of_one_connection_are_told_from_the_rest(void **)
{
    struct http_head *head =
        good("GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\nConnection: b, host, x\r\nHost: a\r\n"
             "TE: trailers\r\nKeep-Alive: 5\r\nUpgrade: x\r\nTrailer: y\r\n"
             "Transfer-Encoding: chunked\r\nProxy-Connection: z\r\n"
             "Proxy-Authenticate: z\r\nProxy-Authorization: z\r\nVia: v\r\n\r\n");
    static const bool IS_HOP[] = { false, true, true, false, true, true, true, true, true, true,
        true, true, false };

    assert_int_equal(head->field_count, COUNT_OF(IS_HOP));
    for (size_t i = 0; i < COUNT_OF(IS_HOP); i++)
        assert_int_equal(http_field_is_hop(head, &head->fields[i]), IS_HOP[i]);
    head = good("GET / HTTP/1.1\r\nB: 2\r\n\r\n");
    assert_false(http_field_is_hop(head, &head->fields[0]));
}

static void assert_authority(const char *text, const char *host, uint16_t port, const char *path)
{
    struct http_authority authority;

    if (!http_request_authority(good(text), &authority))
        fail_msg("refused: %s", text);
    assert_text(authority.host, host);
    assert_int_equal(authority.port, port);
    assert_text(authority.path, path);
}

/* RFC 9112 §3.2 */
static void the_authority_comes_from_host_or_an_absolute_target(void **)
{
    assert_authority("GET /x HTTP/1.1\r\nHost: A_b-c.9\r\n\r\n", "A_b-c.9", 0, "/x");
    assert_authority("GET /x?y HTTP/1.1\r\nHost: a:8080\r\n\r\n", "a", 8080, "/x?y");
    assert_authority("GET / HTTP/1.1\r\nHost: a:\r\n\r\n", "a", 0, "/");
    assert_authority("GET / HTTP/1.1\r\nHost: [2001:DB8::1]\r\n\r\n", "[2001:DB8::1]", 0, "/");
    assert_authority("GET / HTTP/1.1\r\nHost: [::192.0.2.1]:81\r\n\r\n", "[::192.0.2.1]", 81, "/");
    assert_authority("GET / HTTP/1.1\r\nHost:\r\n\r\n", "", 0, "/");
    assert_authority("GET / HTTP/1.0\r\n\r\n", "", 0, "/");
    assert_authority("GET http://b/y HTTP/1.1\r\nHost: a:1\r\n\r\n", "b", 0, "/y");
    assert_authority("GET HTTPS://b:65535 HTTP/1.1\r\nHost: a\r\n\r\n", "b", 65535, "/");
    assert_authority("OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n", "b", 0, "*");
    assert_authority("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "a", 0, "*");
}

static void an_authority_that_is_unclear_is_refused(void **)
{
    static const char *const BAD[] = { "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a/\r\n\r\n", "GET / HTTP/1.1\r\nHost: a:x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "GET / HTTP/1.1\r\nHost: []\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [g]\r\n\r\n", "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a%41\r\n\r\n", "GET / HTTP/1.1\r\nHost: \xe4\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://:80/a HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://b?x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://b/ HTTP/1.1\r\nHost: a@\r\n\r\n", "GET x/y HTTP/1.1\r\nHost: a\r\n\r\n" };
    struct http_authority authority;

    for (size_t i = 0; i < COUNT_OF(BAD); i++)
        if (http_request_authority(good(BAD[i]), &authority))
            fail_msg("accepted: %s", BAD[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_split_into_its_parts),
        cmocka_unit_test(methods_are_known_by_their_exact_name),
        cmocka_unit_test(versions_1_x_are_spoken_and_others_refused),
        cmocka_unit_test(a_request_line_has_exactly_three_parts),
        cmocka_unit_test(empty_lines_before_a_request_are_skipped),
        cmocka_unit_test(only_crlf_ends_a_line),
        cmocka_unit_test(a_field_is_a_token_a_colon_and_a_value),
        cmocka_unit_test(continued_lines_are_refused),
        cmocka_unit_test(control_bytes_are_refused_wherever_they_stand),
        cmocka_unit_test(an_incomplete_head_asks_for_more),
        cmocka_unit_test(a_target_has_a_limit),
        cmocka_unit_test(a_line_without_end_is_refused_while_it_drips_in),
        cmocka_unit_test(a_head_has_a_limit),
        cmocka_unit_test(fields_have_a_limit),
        cmocka_unit_test(a_status_line_has_a_version_a_status_and_a_reason),
        cmocka_unit_test(fields_of_one_name_are_found_in_order),
        cmocka_unit_test(tokens_are_found_in_all_lines_of_a_list),
        cmocka_unit_test(a_request_body_is_framed_by_length_or_by_chunks),
        cmocka_unit_test(what_could_be_framed_in_two_ways_is_refused),
        cmocka_unit_test(codings_other_than_chunked_are_not_known),
        cmocka_unit_test(a_response_body_is_framed_in_the_order_of_rfc_9112_6_3),
        cmocka_unit_test(a_connection_lives_on_as_its_version_and_field_say),
        cmocka_unit_test(fields_of_one_connection_are_told_from_the_rest),
        cmocka_unit_test(the_authority_comes_from_host_or_an_absolute_target),
        cmocka_unit_test(an_authority_that_is_unclear_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
