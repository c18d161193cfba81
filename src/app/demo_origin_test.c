// SPDX-License-Identifier: Apache-2.0
#include "app/demo_bench_test.h"
#include "app/demo_origin.h"

static const struct demo_ports ports = DEMO_PORTS_DEFAULT;

static const struct wall changed = { 1000000000000 };

static struct demo_origin *open_server(struct bench *b, size_t at)
{
    struct demo_origin *origin = NULL;

    assert_int_equal(
        demo_origin_open(b->loop, &(struct demo_origin_plan){ &demo_servers[at], ports, changed },
            &origin, NULL),
        ERR_NONE);
    return origin;
}

static struct fetch ask(struct bench *b, size_t at, const char *line, const char *fields)
{
    return fetch(b, (struct endpoint){ demo_servers[at].address, ports.origin }, line, fields);
}

static void field_is(const struct fetch *f, const char *name, const char *expected)
{
    struct slice value = fetch_field(f, name);
    char text[200];

    snprintf(text, sizeof text, "%.*s", SLICE_ARG(value));
    assert_string_equal(text, expected);
}

static void page_is_not_stored_and_names_its_server_and_the_static_site(void **)
{
    struct bench *b = bench_open();
    struct demo_origin *origin = open_server(b, 0);
    struct fetch f = ask(b, 0, "GET /", "Host: www.acme.example:8081\r\n");

    assert_int_equal(f.status, 200);
    field_is(&f, "cache-control", "no-store");
    field_is(&f, "x-origin", "acme/ams");
    assert_int_equal(fetch_field(&f, "etag").length, 0);
    assert_non_null(strstr(f.body.at, "<strong>Amsterdam</strong>"));
    assert_non_null(strstr(f.body.at, "'http://static.acme.example:8080/style.css'"));
    fetch_free(&f);
    demo_origin_close(origin);
    bench_close(b);
}

static void page_under_another_name_embeds_from_there(void **)
{
    struct bench *b = bench_open();
    struct demo_origin *origin = open_server(b, 0);
    struct fetch f = ask(b, 0, "GET /", "Host: shop.acme.example\r\n");

    assert_non_null(strstr(f.body.at, "href='/style.css'"));
    assert_null(strstr(f.body.at, "http://static"));
    fetch_free(&f);
    demo_origin_close(origin);
    bench_close(b);
}

static void pictures_may_be_stored_and_are_the_same_on_both_servers(void **)
{
    static const char *const LINES[] = { "GET /style.css", "GET /logo.svg", "GET /img/hills.svg",
        "GET /img/sky.png", "GET /img/tile-0.svg", "GET /img/tile-199.svg" };
    struct bench *b = bench_open();
    struct demo_origin *one = open_server(b, 0), *two = open_server(b, 1);

    for (size_t i = 0; i < COUNT_OF(LINES); i++) {
        struct fetch f = ask(b, 0, LINES[i], "Host: static.acme.example\r\n");
        struct fetch g = ask(b, 1, LINES[i], "Host: static.acme.example\r\n");

        assert_int_equal(f.status, 200);
        field_is(&f, "cache-control", "public, max-age=3600");
        field_is(&f, "last-modified", "Sun, 09 Sep 2001 01:46:40 GMT");
        assert_int_equal(fetch_field(&f, "etag").length, 18);
        assert_true(slice_equal(fetch_field(&f, "etag"), fetch_field(&g, "etag")));
        assert_true(slice_equal(text_slice(&f.body), text_slice(&g.body)));
        fetch_free(&f);
        fetch_free(&g);
    }
    demo_origin_close(one);
    demo_origin_close(two);
    bench_close(b);
}

static void status_with_fields_is(struct bench *b, const char *fields, int expected)
{
    struct fetch f = ask(b, 0, "GET /logo.svg", fields);

    assert_int_equal(f.status, expected);
    assert_int_equal(f.body.length > 0, expected == 200);
    assert_int_equal(fetch_field(&f, "etag").length, 18);
    fetch_free(&f);
}

static void what_the_client_holds_is_not_sent_again(void **)
{
    struct bench *b = bench_open();
    struct demo_origin *origin = open_server(b, 0);
    struct fetch f = ask(b, 0, "GET /logo.svg", "Host: a\r\n");
    char fields[300], etag[64];

    snprintf(etag, sizeof etag, "%.*s", SLICE_ARG(fetch_field(&f, "etag")));
    fetch_free(&f);
    snprintf(fields, sizeof fields, "Host: a\r\nIf-None-Match: \"other\", W/%s\r\n", etag);
    status_with_fields_is(b, fields, 304);
    status_with_fields_is(b, "Host: a\r\nIf-None-Match: *\r\n", 304);
    status_with_fields_is(b, "Host: a\r\nIf-None-Match: \"other\"\r\n", 200);
    status_with_fields_is(
        b, "Host: a\r\nIf-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n", 304);
    status_with_fields_is(
        b, "Host: a\r\nIf-Modified-Since: Sun, 09 Sep 2001 01:46:39 GMT\r\n", 200);
    // RFC 9110 §13.1.3: the date is ignored where there is a tag
    status_with_fields_is(b,
        "Host: a\r\nIf-None-Match: \"other\"\r\n"
        "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n",
        200);
    demo_origin_close(origin);
    bench_close(b);
}

static void status_of(struct bench *b, size_t at, const char *line, int expected)
{
    struct fetch f = ask(b, at, line, "Host: static.acme.example\r\n");

    assert_int_equal(f.status, expected);
    fetch_free(&f);
}

static void only_one_server_of_a_customer_has_the_rare_picture(void **)
{
    struct bench *b = bench_open();
    struct demo_origin *one = open_server(b, 0), *two = open_server(b, 1);

    status_of(b, 0, "GET /rare.svg", 404);
    status_of(b, 1, "GET /rare.svg", 200);
    assert_int_equal(demo_origin_served(one), 1);
    demo_origin_close(one);
    demo_origin_close(two);
    bench_close(b);
}

static void health_is_ok_and_other_paths_and_methods_are_refused(void **)
{
    struct bench *b = bench_open();
    struct demo_origin *origin = open_server(b, 0);

    status_of(b, 0, "GET /health", 200);
    status_of(b, 0, "GET /health?now", 200);
    status_of(b, 0, "GET /clock", 200);
    status_of(b, 0, "GET /cart/", 200);
    status_of(b, 0, "GET /nothing", 404);
    status_of(b, 0, "GET /img/tile-200.svg", 404);
    status_of(b, 0, "GET /img/tile-.svg", 404);
    status_of(b, 0, "GET /img/tile-1.svgx", 404);
    status_of(b, 0, "DELETE /logo.svg", 405);
    demo_origin_close(origin);
    bench_close(b);
}

static void head_has_the_length_and_no_body(void **)
{
    struct bench *b = bench_open();
    struct demo_origin *origin = open_server(b, 0);
    struct fetch f = ask(b, 0, "HEAD /img/sky.png", "Host: a\r\n");
    uint64_t length = 0;

    assert_int_equal(f.status, 200);
    assert_true(slice_number(fetch_field(&f, "content-length"), 1 << 20, &length));
    assert_true(length > 100000);
    assert_int_equal(f.body.length, 0);
    fetch_free(&f);
    demo_origin_close(origin);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(page_is_not_stored_and_names_its_server_and_the_static_site),
        cmocka_unit_test(page_under_another_name_embeds_from_there),
        cmocka_unit_test(pictures_may_be_stored_and_are_the_same_on_both_servers),
        cmocka_unit_test(what_the_client_holds_is_not_sent_again),
        cmocka_unit_test(only_one_server_of_a_customer_has_the_rare_picture),
        cmocka_unit_test(health_is_ok_and_other_paths_and_methods_are_refused),
        cmocka_unit_test(head_has_the_length_and_no_body),
    };

    return cmocka_run_group_tests_name("app/demo_origin", cases, NULL, NULL);
}
