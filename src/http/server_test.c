// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/answer_test.h"
#include "wire/http_date.h"

enum { SEEDS = 12 };

static void an_answer_is_framed_and_the_connection_goes_on(void **)
{
    struct world *w = open_world(1);
    struct visitor v;

    assert_text(ask(w, &v, "GET /status/404 HTTP/1.1\r\n" HOST "\r\n"),
        "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\n"
        "404 Not Found\n");
    v.in_length = 0;
    visitor_say(&v, SLICE("GET /hand/0 HTTP/1.1\r\n" HOST "\r\n"));
    run(w, 100);
    assert_text(visitor_heard(&v),
        "HTTP/1.1 200 OK\r\nX-Test: hand\r\nAge: 0\r\nContent-Length: 0\r\n\r\n");
    assert_false(v.has_ended);
    assert_int_equal(w->script.completed, 2);
    assert_int_equal(http_server_counts(w->server)->requests.total, 2);
    assert_int_equal(http_server_counts(w->server)->connections.total, 1);
    assert_int_equal(http_server_counts(w->server)->status_4xx.total, 1);
    visitor_done(&v);
    world_free(w);
}

static void bodies_come_whole_however_they_are_made(void **)
{
    static const char *const KINDS[] = { "hand", "source", "stream", "later" };
    static const size_t SIZES[] = { 0, 1, 1000, 16 * 1024, 16 * 1024 + 1, 300000, 2000000 };

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world *w = open_world(seed);
        struct sim_link slow = { .buffer_bytes = 20000, .delay = span_us(50) };

        w->script.waits = seed % 2 == 0;
        if (seed % 3 != 0)
            sim_link_set(w->sim, NULL, NULL, &slow);
        for (size_t i = 0; i < COUNT_OF(KINDS) * COUNT_OF(SIZES); i++) {
            char text[100];
            size_t size = SIZES[i / COUNT_OF(KINDS)];
            struct visitor v;

            snprintf(text, sizeof text, "GET /%s/%zu HTTP/1.1\r\n" HOST "\r\n",
                KINDS[i % COUNT_OF(KINDS)], size);
            visitor_come(&v, w, slice_text(text));
            run(w, 4000);
            struct slice heard = visitor_heard(&v);

            expect(&heard, 200, size);
            assert_int_equal(heard.length, 0);
            visitor_done(&v);
        }
        assert_int_equal(w->script.completed, COUNT_OF(KINDS) * COUNT_OF(SIZES));
        world_free(w);
    }
}

static void pipelined_answers_leave_in_order(void **)
{
    static const char *const PATHS[] = { "/hand/10", "/later/20", "/stream/30000", "/hand/40",
        "/source/50000", "/later/60", "/hand/70000", "/stream/0", "/status/404", "/hand/1" };
    static const size_t SIZES[] = { 10, 20, 30000, 40, 50000, 60, 70000, 0, 0, 1 };

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;
        char text[8000] = "";
        struct visitor v;

        limits.pipelined = 1 + (uint32_t)seed % 12;
        struct world *w = world_serve(seed, &limits);
        struct sim_link slow = { .buffer_bytes = 2000, .delay = span_us(50) };

        w->script.waits = true;
        if (seed % 2 == 0)
            sim_link_set(w->sim, NULL, NULL, &slow);
        for (size_t i = 0; i < 5 * COUNT_OF(PATHS); i++)
            sprintf(
                text + strlen(text), "GET %s HTTP/1.1\r\n" HOST "\r\n", PATHS[i % COUNT_OF(PATHS)]);
        visitor_come(&v, w, slice_text(text));
        run(w, 5000);
        struct slice heard = visitor_heard(&v);

        for (size_t i = 0; i < 5 * COUNT_OF(PATHS); i++)
            expect(&heard, i % COUNT_OF(PATHS) == 8 ? 404 : 200, SIZES[i % COUNT_OF(PATHS)]);
        assert_int_equal(heard.length, 0);
        assert_int_equal(w->script.completed, 5 * COUNT_OF(PATHS));
        visitor_done(&v);
        world_free(w);
    }
}

static void no_more_requests_are_in_the_making_than_allowed(void **)
{
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;
    struct visitor v;

    limits.pipelined = 2;
    struct world *w = world_serve(1, &limits);

    ask(w, &v,
        "GET /never HTTP/1.1\r\n" HOST "\r\nGET /hand/1 HTTP/1.1\r\n" HOST
        "\r\nGET /hand/1 HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(w->script.served, 2);
    assert_int_equal(v.in_length, 0);
    visitor_done(&v);
    world_free(w);
}

/* RFC 9110 §9.3.2, §15.3.5, §15.4.5 */
static void some_answers_have_no_body(void **)
{
    static struct answer a;
    struct world *w = open_world(1);
    struct visitor v;
    struct slice heard = ask(w, &v,
        "HEAD /hand/1000 HTTP/1.1\r\n" HOST "\r\n"
        "HEAD /source/2000 HTTP/1.1\r\n" HOST "\r\n"
        "HEAD /stream/3000 HTTP/1.1\r\n" HOST "\r\n"
        "GET /status/204 HTTP/1.1\r\n" HOST "\r\n"
        "GET /status/304 HTTP/1.1\r\n" HOST "\r\n");

    assert_true(answer_take(&heard, HTTP_HEAD, &a));
    assert_text(http_head_value(&a.head, HTTP_NAME_CONTENT_LENGTH), "1000");
    assert_true(answer_take(&heard, HTTP_HEAD, &a));
    assert_text(http_head_value(&a.head, HTTP_NAME_CONTENT_LENGTH), "2000");
    assert_true(answer_take(&heard, HTTP_HEAD, &a));
    assert_int_equal(a.head.first[HTTP_NAME_CONTENT_LENGTH], 0);
    assert_text(heard, "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n");
    assert_int_equal(w->script.completed, 5);
    visitor_done(&v);
    world_free(w);
}

/* RFC 9112 §9.3 */
static void a_connection_closes_when_the_client_asks_or_is_old(void **)
{
    static const struct {
        const char *request;
        bool closes;
        const char *says;
    } CASES[] = {
        { "GET /hand/5 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true, "close" },
        { "GET /hand/5 HTTP/1.0\r\n\r\n", true, "close" },
        { "GET /hand/5 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false, "keep-alive" },
        { "GET /later/5 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false, "keep-alive" },
        { "GET /stream/5 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, "close" },
        { "GET /later/5 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true, "close" },
    };

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        static struct answer a;
        struct world *w = open_world(i + 1);
        struct visitor v;
        struct slice heard = ask(w, &v, CASES[i].request);

        assert_true(answer_take(&heard, HTTP_GET, &a));
        expect_pattern(&a, 5);
        assert_text(http_head_value(&a.head, HTTP_NAME_CONNECTION), CASES[i].says);
        assert_int_equal(v.has_ended, CASES[i].closes);
        assert_false(v.is_closed);
        assert_int_equal(http_server_open_count(w->server), !CASES[i].closes);
        visitor_done(&v);
        world_free(w);
    }
}

static void a_request_behind_the_last_is_not_served(void **)
{
    struct world *w = open_world(1);
    struct visitor v;
    struct slice heard = ask(w, &v,
        "GET /hand/5 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\nGET /hand/6 HTTP/1.1\r\n" HOST
        "\r\n");

    expect(&heard, 200, 5);
    assert_int_equal(heard.length, 0);
    assert_int_equal(w->script.served, 1);
    assert_true(v.has_ended);
    visitor_done(&v);
    world_free(w);
}

static void what_is_not_http_is_refused_and_the_connection_closed(void **)
{
    static char large[40000] = "GET / HTTP/1.1\r\nA: ", target[20000] = "GET /";
    const struct {
        const char *request;
        int status;
    } cases[] = {
        { "GET / HTTP/1.1\nHost: a\n\n", 400 },
        { "GET / HTTP/1.1\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501 },
        { "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 501 },
        { "GET / HTTP/2.0\r\n\r\n", 505 },
        { large, 431 },
        { target, 414 },
    };

    memset(large + strlen(large), 'x', 35000);
    memset(target + strlen(target), 'x', 15000);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        static struct answer a;
        struct world *w = open_world(i + 1);
        struct visitor v;
        struct slice heard = ask(w, &v, cases[i].request);

        assert_true(answer_take(&heard, HTTP_GET, &a));
        assert_int_equal(a.status, cases[i].status);
        assert_text(http_head_value(&a.head, HTTP_NAME_CONNECTION), "close");
        assert_int_equal(http_head_value(&a.head, HTTP_NAME_DATE).length, HTTP_DATE_BYTES);
        assert_int_equal(heard.length, 0);
        assert_true(v.has_ended && !v.is_closed);
        assert_int_equal(w->script.served, 0);
        assert_int_equal(http_server_counts(w->server)->bad_heads.total, 1);
        visitor_done(&v);
        world_free(w);
    }
}

static void a_refusal_waits_for_the_answers_before_it(void **)
{
    struct world *w = open_world(1);
    struct visitor v;
    struct slice heard = ask(w, &v, "GET /later/5 HTTP/1.1\r\n" HOST "\r\nGET  /\r\n\r\n");

    expect(&heard, 200, 5);
    expect(&heard, 400, 0);
    assert_true(v.has_ended);
    visitor_done(&v);
    world_free(w);
}

static void an_answer_is_not_lost_while_the_client_still_sends(void **)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        static char upload[200000] =
            "POST /status/413 HTTP/1.1\r\n" HOST "Content-Length: 199900\r\n\r\n";
        struct world *w = open_world(seed);
        struct sim_link slow = { .buffer_bytes = 2000, .delay = span_ms(2) };
        struct visitor v;

        sim_link_set(w->sim, NULL, NULL, &slow);
        visitor_come(&v, w, slice_of(upload, sizeof upload));
        run(w, 4000);
        struct slice heard = visitor_heard(&v);

        expect(&heard, 413, 0);
        assert_true(v.has_ended && !v.is_closed);
        assert_int_equal(w->script.completed, 1);
        run(w, 3000);
        assert_int_equal(http_server_open_count(w->server), 0);
        visitor_done(&v);
        world_free(w);
    }
}

static void what_was_asked_is_answered_to_a_client_that_closed_its_half(void **)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world *w = open_world(seed);
        struct visitor v;

        w->script.waits = true;
        visitor_init(&v);
        v.leaves_half = true;
        v.stream = stream_connect(w->loops[1], &w->at, &v.user);
        visitor_say(&v, SLICE("GET /later/5 HTTP/1.1\r\n" HOST
                              "\r\nGET /stream/100000 HTTP/1.1\r\n" HOST "\r\n"));
        run(w, 2000);
        struct slice heard = visitor_heard(&v);

        expect(&heard, 200, 5);
        expect(&heard, 200, 100000);
        assert_true(v.has_ended);
        assert_int_equal(http_server_open_count(w->server), 0);
        visitor_done(&v);
        world_free(w);
    }
}

static void a_half_closed_head_or_body_ends_the_connection(void **)
{
    static const char *const CASES[] = { "", "GET / HT",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhell" };

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct world *w = open_world(i + 1);
        struct visitor v;

        visitor_come(&v, w, slice_text(CASES[i]));
        run(w, 100);
        stream_finish(v.stream);
        run(w, 100);
        assert_int_equal(v.in_length, 0);
        assert_int_equal(http_server_open_count(w->server), 0);
        assert_int_equal(w->script.cut, i == 2);
        visitor_done(&v);
        world_free(w);
    }
}

static void a_client_that_leaves_ends_its_exchanges(void **)
{
    struct world *w = open_world(1);
    struct visitor v;

    ask(w, &v, "GET /never HTTP/1.1\r\n" HOST "\r\nGET /later/5 HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(w->script.served, 2);
    visitor_leave(&v, true);
    run(w, 100);
    assert_int_equal(w->script.cut, 2);
    assert_int_equal(http_server_counts(w->server)->aborted.total, 2);
    assert_int_equal(http_server_open_count(w->server), 0);
    visitor_done(&v);
    world_free(w);
}

static void an_answer_that_fails_is_cut_so_that_it_can_be_told(void **)
{
    static const char *const KINDS[] = { "/cut/100000", "/short/100000", "/cut/0" };

    for (size_t i = 0; i < COUNT_OF(KINDS) * SEEDS; i++) {
        static struct answer a;
        struct world *w = open_world(i + 1);
        struct visitor v;
        char text[200];

        w->script.waits = i % 2 == 0;
        snprintf(text, sizeof text,
            "GET /hand/7 HTTP/1.1\r\n" HOST "\r\nGET %s HTTP/1.1\r\n" HOST "\r\n", KINDS[i % 3]);
        struct slice heard = ask(w, &v, text);

        expect(&heard, 200, 7);
        assert_false(answer_take(&heard, HTTP_GET, &a));
        assert_true(v.is_closed);
        assert_int_equal(v.why, ERR_RESET);
        assert_int_equal(w->script.completed, 1);
        assert_int_equal(w->script.cut, 1);
        visitor_done(&v);
        world_free(w);
    }
}

static void a_request_can_be_kept_beyond_its_turn(void **)
{
    struct world *w = open_world(1);
    static char large[3000 + 100];
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;
    static struct answer a;
    struct visitor v;
    struct slice heard = ask(w, &v,
        "PURGE /kept HTTP/1.1\r\nHost: b:1\r\nCookie: c=d\r\n\r\n"
        "GET http://e/kept HTTP/1.1\r\nHost: b\r\n\r\n");

    assert_true(answer_take(&heard, HTTP_GET, &a));
    assert_text(slice_of(a.body, a.length), "PURGE b /kept c=d");
    assert_true(answer_take(&heard, HTTP_GET, &a));
    assert_text(slice_of(a.body, a.length), "GET e /kept ");
    visitor_done(&v);
    world_free(w);

    limits.arena_bytes = 2000;
    w = world_serve(1, &limits);
    strcpy(large, "GET /kept HTTP/1.1\r\n" HOST "A: ");
    memset(large + strlen(large), 'x', 3000);
    strcat(large, "\r\n\r\n");
    heard = ask(w, &v, large);
    expect(&heard, 503, 0);
    visitor_done(&v);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_framed_and_the_connection_goes_on),
        cmocka_unit_test(bodies_come_whole_however_they_are_made),
        cmocka_unit_test(pipelined_answers_leave_in_order),
        cmocka_unit_test(no_more_requests_are_in_the_making_than_allowed),
        cmocka_unit_test(some_answers_have_no_body),
        cmocka_unit_test(a_connection_closes_when_the_client_asks_or_is_old),
        cmocka_unit_test(a_request_behind_the_last_is_not_served),
        cmocka_unit_test(what_is_not_http_is_refused_and_the_connection_closed),
        cmocka_unit_test(a_refusal_waits_for_the_answers_before_it),
        cmocka_unit_test(an_answer_is_not_lost_while_the_client_still_sends),
        cmocka_unit_test(what_was_asked_is_answered_to_a_client_that_closed_its_half),
        cmocka_unit_test(a_half_closed_head_or_body_ends_the_connection),
        cmocka_unit_test(a_client_that_leaves_ends_its_exchanges),
        cmocka_unit_test(an_answer_that_fails_is_cut_so_that_it_can_be_told),
        cmocka_unit_test(a_request_can_be_kept_beyond_its_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
