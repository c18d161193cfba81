// SPDX-License-Identifier: Apache-2.0
#include "admin/ask_test.h"
#include "admin/pages.h"

static const struct admin_source_ops OPS = { 0 }; // nobody asks it for files

static const struct page *first(void)
{
    const struct page *page = page_find(pages, page_count, SLICE("/"));

    assert_non_null(page);
    return page;
}

/* The value of a field of an answer; empty where it has none. */
static struct slice value(const struct http_head *head, const char *name)
{
    for (size_t i = 0; i < head->field_count; i++)
        if (slice_same(head->fields[i].name, slice_text(name)))
            return head->fields[i].value;
    return SLICE_NONE;
}

static struct slice ask_file(
    struct bench *b, struct asker *o, struct http_head *head, const char *line, const char *fields)
{
    char request[512];

    snprintf(request, sizeof request,
        "%s HTTP/1.1\r\nHost: 127.0.0.1:8653\r\nConnection: close\r\n%s\r\n", line, fields);
    asker_begin(b, o, request);
    const char *body = asker_answer(o, head);

    return slice_of(body, (size_t)(o->came.at + o->came.length - body));
}

static void the_page_is_for_whoever_asks_and_has_a_policy(void **)
{
    struct bench *b = bench_open(&OPS);
    struct asker o;
    struct http_head head;
    struct slice body = ask_file(b, &o, &head, "GET /?whatever", "");
    struct slice policy = value(&head, "content-security-policy");

    assert_int_equal(head.status, 200);
    assert_true(slice_equal(body, first()->plain));
    assert_true(slice_starts(policy, SLICE("default-src 'none'; script-src 'self'; ")));
    assert_true(slice_ends(policy, SLICE("; frame-ancestors 'none'; form-action 'none'")));
    assert_true(slice_equal(value(&head, "referrer-policy"), SLICE("no-referrer")));
    assert_true(slice_equal(value(&head, "x-content-type-options"), SLICE("nosniff")));
    assert_true(slice_equal(value(&head, "content-type"), SLICE("text/html; charset=utf-8")));
    assert_int_equal(value(&head, "content-encoding").length, 0);
    asker_done(&o);
    bench_close(b);
}

static void who_takes_gzip_is_sent_what_the_build_made(void **)
{
    struct bench *b = bench_open(&OPS);
    struct asker o;
    struct http_head head;
    struct slice body = ask_file(b, &o, &head, "GET /", "Accept-Encoding: br, gzip\r\n");

    assert_true(slice_equal(body, first()->gzip));
    assert_memory_equal(body.at, "\x1f\x8b", 2);
    assert_true(slice_equal(value(&head, "content-encoding"), SLICE("gzip")));
    assert_true(slice_equal(value(&head, "vary"), SLICE("Accept-Encoding")));
    asker_done(&o);
    bench_close(b);
}

static void who_has_it_is_sent_nothing(void **)
{
    struct bench *b = bench_open(&OPS);
    struct asker o;
    struct http_head head;
    char field[128];

    snprintf(
        field, sizeof field, "If-None-Match: \"a\", W/\"%.*s-gzip\"\r\n", SLICE_ARG(first()->tag));
    assert_int_equal(ask_file(b, &o, &head, "GET /", field).length, 0);
    assert_int_equal(head.status, 304);
    assert_true(slice_starts(slice_from(value(&head, "etag"), 1), first()->tag));
    asker_done(&o);
    snprintf(field, sizeof field, "If-None-Match: \"%.*s0\"\r\n", SLICE_ARG(first()->tag));
    assert_true(slice_equal(ask_file(b, &o, &head, "GET /", field), first()->plain));
    asker_done(&o);
    bench_close(b);
}

static void a_file_is_only_read(void **)
{
    struct bench *b = bench_open(&OPS);
    struct asker o;
    struct http_head head;

    ask_file(b, &o, &head, "POST /", "Content-Length: 0\r\n");
    assert_int_equal(head.status, 405);
    assert_true(slice_equal(value(&head, "allow"), SLICE("GET, HEAD")));
    asker_done(&o);
    assert_int_equal(ask_file(b, &o, &head, "HEAD /", "").length, 0);
    assert_int_equal(head.status, 200);
    asker_done(&o);
    ask_file(b, &o, &head, "GET /assets/../index.html", "");
    assert_int_equal(head.status, 404);
    asker_done(&o);
    bench_close(b);
}

static void a_name_that_a_stranger_may_own_gets_no_page(void **)
{
    struct bench *b = bench_open(&OPS);
    struct asker o;
    struct http_head head;

    asker_begin(b, &o, "GET / HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n");
    asker_answer(&o, &head);
    assert_int_equal(head.status, 403);
    asker_done(&o);
    bench_close(b);
}

/* Parses a request with these fields. */
static void request_parse(const char *fields, char text[256], struct http_head *head)
{
    snprintf(text, 256, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
    assert_int_equal(http_request_parse(slice_text(text), 0, head), HTTP_PARSE_DONE);
}

static void gzip_is_sent_to_who_names_it_without_refusing_it(void **)
{
    static const struct {
        const char *field;
        bool expected;
    } CASES[] = {
        { "", false },
        { "Accept-Encoding:\r\n", false },
        { "Accept-Encoding: gzip\r\n", true },
        { "Accept-Encoding: deflate, GZip;q=0.5\r\n", true },
        { "Accept-Encoding: gzip;q=0\r\n", false },
        { "Accept-Encoding: gzip; x=1 ; q=0.000, br\r\n", false },
        { "Accept-Encoding: gzip;q=0.001\r\n", true },
        { "Accept-Encoding: xgzip, *\r\n", false },
    };

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct http_head head;
        char text[256];

        request_parse(CASES[i].field, text, &head);
        assert_int_equal(page_may_gzip(&head), CASES[i].expected);
    }
}

static void a_tag_is_known_whole_and_quoted(void **)
{
    static const struct {
        const char *field;
        bool expected;
    } CASES[] = {
        { "", false },
        { "If-None-Match: \"ab12\"\r\n", true },
        { "If-None-Match: \"x\" ,W/\"ab12\"\r\n", true },
        { "If-None-Match: \"ab12-gzip\"\r\n", true },
        { "If-None-Match: *\r\n", true },
        { "If-None-Match: ab12\r\n", false },
        { "If-None-Match: \"\r\n", false },
        { "If-None-Match: \"ab1\", \"ab123\", \"\", \"ab12-gzip \"\r\n", false },
    };

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct http_head head;
        char text[256];

        request_parse(CASES[i].field, text, &head);
        assert_int_equal(page_is_known(&head, SLICE("ab12")), CASES[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_for_whoever_asks_and_has_a_policy),
        cmocka_unit_test(who_takes_gzip_is_sent_what_the_build_made),
        cmocka_unit_test(who_has_it_is_sent_nothing),
        cmocka_unit_test(a_file_is_only_read),
        cmocka_unit_test(a_name_that_a_stranger_may_own_gets_no_page),
        cmocka_unit_test(gzip_is_sent_to_who_names_it_without_refusing_it),
        cmocka_unit_test(a_tag_is_known_whole_and_quoted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
