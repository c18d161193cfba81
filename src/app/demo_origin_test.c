// SPDX-License-Identifier: Apache-2.0
#include "app/demo_bench_test.h"
#include "app/demo_origin.h"
#include "app/demo_trouble.h"
#include "io/stream.h"

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

static void tell(struct bench *b, const char *line, const char *expected)
{
    struct fetch f = ask(b, 0, line, "Host: a\r\nContent-Length: 0\r\n");

    assert_int_equal(f.status, 200);
    assert_true(slice_starts(text_slice(&f.body), slice_text(expected)));
    fetch_free(&f);
}

/* Each request takes a second of the simulated clock. */
static void pass(struct bench *b, int64_t seconds)
{
    sim_run_for(b->sim, span_s(seconds));
}

static struct span time_of(struct bench *b, const char *line)
{
    struct instant before = sim_now(b->sim);
    struct fetch f = ask(b, 0, line, "Host: a\r\n");

    assert_int_equal(f.status, 200);
    fetch_free(&f);
    return instant_since(before, f.done);
}

static void answers_come(struct bench *b, bool expected)
{
    struct endpoint at = { demo_servers[0].address, ports.origin };
    struct fetch f = fetch_try(b, at, "GET /health", "Host: a\r\n");

    assert_int_equal(f.why == ERR_NONE, expected);
    fetch_free(&f);
}

static void one_told_to_stop_says_so_refuses_and_comes_back_by_itself(void **)
{
    struct bench *b = bench_open();
    struct demo_origin *origin = open_server(b, 0);

    answers_come(b, true);
    tell(b, "POST /demo/stop", "acme/ams refuses connections until ");
    answers_come(b, false);
    pass(b, DEMO_TROUBLE_S - 4);
    answers_come(b, false);
    pass(b, 2);
    answers_come(b, true);
    assert_int_equal(demo_origin_served(origin), 3);
    demo_origin_close(origin);
    bench_close(b);
}

/* A connection that is open and says nothing. */
struct silent {
    struct stream_user user;
    bool is_ended;
};

static size_t silent_data(struct stream_user *, struct slice bytes)
{
    return bytes.length;
}

static void silent_end(struct stream_user *user)
{
    container_of(user, struct silent, user)->is_ended = true;
}

static size_t silent_pull(struct stream_user *, struct iovec *, size_t)
{
    return 0;
}

static void silent_sent(struct stream_user *, size_t)
{
}

static void silent_closed(struct stream_user *user, enum err)
{
    silent_end(user);
}

static void one_told_to_stop_cuts_the_connections_it_has(void **)
{
    static const struct stream_user_ops OPS = { .data = silent_data,
        .end = silent_end,
        .pull = silent_pull,
        .sent = silent_sent,
        .closed = silent_closed };
    struct bench *b = bench_open();
    struct demo_origin *origin = open_server(b, 0);
    struct silent silent = { .user = { &OPS } };

    stream_connect(
        b->loop, &(struct endpoint){ demo_servers[0].address, ports.origin }, &silent.user);
    answers_come(b, true);
    assert_false(silent.is_ended);
    tell(b, "POST /demo/stop", "acme/ams refuses connections until ");
    assert_true(silent.is_ended);
    demo_origin_close(origin);
    bench_close(b);
}

static void one_told_to_be_slow_is_late_with_all_and_for_a_while(void **)
{
    struct bench *b = bench_open();
    struct demo_origin *origin = open_server(b, 0);

    tell(b, "POST /demo/slow", "acme/ams answers 300 ms later until ");
    assert_in_range(time_of(b, "GET /health").ns, span_ms(300).ns, span_ms(400).ns);
    assert_in_range(time_of(b, "GET /logo.svg").ns, span_ms(300).ns, span_ms(400).ns);
    pass(b, DEMO_TROUBLE_S);
    assert_in_range(time_of(b, "GET /health").ns, 0, span_ms(100).ns);
    demo_origin_close(origin);
    bench_close(b);
}

static void one_told_to_fail_answers_503_until_it_is_told_to_be_well(void **)
{
    struct bench *b = bench_open();
    struct demo_origin *origin = open_server(b, 0);

    tell(b, "POST /demo/fail", "acme/ams answers 503 to everything until ");
    status_of(b, 0, "GET /health", 503);
    status_of(b, 0, "GET /logo.svg", 503);
    tell(b, "POST /demo/well", "acme/ams is well.\n");
    status_of(b, 0, "GET /health", 200);
    demo_origin_close(origin);
    bench_close(b);
}

static void one_told_to_stop_drops_the_answers_it_put_off(void **)
{
    static const struct http_client_ops OPS = {
        .head = fetch_head, .body = fetch_body, .done = fetch_done
    };
    static const char HEAD[] = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    struct bench *b = bench_open();
    struct demo_origin *origin = open_server(b, 0);
    struct endpoint at = { demo_servers[0].address, ports.origin };
    struct fetch late = { .user = { &OPS }, .loop = b->loop };
    struct http_client_request request = {
        .head = slice_text(HEAD), .method = HTTP_GET, .times = { span_s(2), span_s(2), span_s(2) }
    };

    tell(b, "POST /demo/slow", "acme/ams answers 300 ms later until ");
    text_init(&late.fields, 1 << 16);
    text_init(&late.body, 1 << 16);
    http_client_start(b->loop, &at, NULL, &request, &late.user);
    sim_run_for(b->sim, span_ms(100));
    assert_int_equal(late.done.ns, 0);
    tell(b, "POST /demo/stop", "acme/ams refuses connections until ");
    assert_true(late.done.ns > 0);
    assert_int_not_equal(late.why, ERR_NONE);
    fetch_free(&late);
    demo_origin_close(origin);
    bench_close(b);
}

static void who_only_asks_is_told_how_to_tell_it(void **)
{
    struct bench *b = bench_open();
    struct demo_origin *origin = open_server(b, 0);
    struct fetch f = ask(b, 0, "GET /demo/", "Host: a\r\n");

    assert_int_equal(f.status, 404);
    assert_non_null(strstr(f.body.at, "/demo/stop\n"));
    assert_non_null(strstr(f.body.at, "/demo/well\n"));
    fetch_free(&f);
    f = ask(b, 0, "GET /demo/fail", "Host: a\r\n");
    assert_int_equal(f.status, 405);
    field_is(&f, "allow", "POST");
    assert_string_equal(f.body.at, "To have acme/ams answer 503 to everything for 60 s: "
                                   "curl -d '' http://127.0.0.21:8081/demo/fail\n");
    fetch_free(&f);
    status_of(b, 0, "GET /health", 200);
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
        cmocka_unit_test(one_told_to_stop_says_so_refuses_and_comes_back_by_itself),
        cmocka_unit_test(one_told_to_stop_cuts_the_connections_it_has),
        cmocka_unit_test(one_told_to_be_slow_is_late_with_all_and_for_a_while),
        cmocka_unit_test(one_told_to_fail_answers_503_until_it_is_told_to_be_well),
        cmocka_unit_test(one_told_to_stop_drops_the_answers_it_put_off),
        cmocka_unit_test(who_only_asks_is_told_how_to_tell_it),
    };

    return cmocka_run_group_tests_name("app/demo_origin", cases, NULL, NULL);
}
