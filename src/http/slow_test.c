// SPDX-License-Identifier: Apache-2.0
/* Clients that take their time, and those that come in numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/answer_test.h"

#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

static struct http_server_limits limits_of(uint32_t connections, uint32_t per_client)
{
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;

    limits.connections = connections;
    limits.per_client = per_client;
    return limits;
}

/* Sends a body in pieces of so many bytes, one a second, till it is cut or answered. */
static void post_slowly(struct world *w, struct visitor *v, size_t piece, int seconds)
{
    static const char BYTES[2000];

    assert_in_range(piece, 1, sizeof BYTES);
    ask(w, v, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 60000\r\n\r\n");
    for (int i = 0; i < seconds && !v->is_closed; i++) {
        visitor_say(v, slice_of(BYTES, piece));
        run(w, 1000);
    }
}

static void a_body_at_the_least_rate_has_all_the_time(void **)
{
    struct world *w = open_world(1);
    struct visitor v;

    post_slowly(w, &v, 600, 100);

    assert_false(v.is_closed);
    assert_int_equal(w->script.completed, 1);
    assert_int_equal(http_server_counts(w->server)->timeouts_stall.total, 0);
    visitor_done(&v);
    world_free(w);
}

static void a_body_below_the_least_rate_is_cut(void **)
{
    struct world *w = open_world(1);
    struct visitor v;

    post_slowly(w, &v, 400, 40);

    assert_true(v.is_closed);
    assert_int_equal(w->script.cut, 1);
    assert_int_equal(http_server_counts(w->server)->timeouts_stall.total, 1);
    visitor_done(&v);
    world_free(w);
}

/* Reads an answer of 200,000 bytes at so many a second, over a window of 4,000. */
static bool is_read_at(unsigned bytes_per_s)
{
    struct world *w = open_world(1);
    struct sim_link slow = { .buffer_bytes = 4000, .bytes_per_s = bytes_per_s };
    struct sim_link fast = { .delay = span_ms(1) };
    struct ip server = world_ip(0);
    struct visitor v;

    sim_link_set(w->sim, NULL, NULL, &fast);
    sim_link_set(w->sim, &server, NULL, &slow);
    visitor_come(&v, w, SLICE(GET("/source/200000")));
    run(w, 500000);
    bool is_complete = w->script.completed == 1;

    assert_int_equal(http_server_counts(w->server)->timeouts_stall.total, is_complete ? 0 : 1);
    visitor_done(&v);
    world_free(w);
    return is_complete;
}

static void an_answer_is_sent_at_the_least_rate_and_no_slower(void **)
{
    assert_true(is_read_at(1000));
    assert_false(is_read_at(300));
}

static void a_limit_that_is_set_later_holds_for_those_who_are_there(void **)
{
    struct world *w = open_world(1);
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;

    limits.rate = 100;
    http_server_limit(w->server, &limits);
    struct visitor v;

    post_slowly(w, &v, 400, 160);

    assert_int_equal(w->script.completed, 1);
    visitor_done(&v);
    world_free(w);
}

static void one_client_gets_so_many_connections_and_others_are_let_in(void **)
{
    struct http_server_limits limits = limits_of(100, 2);
    struct world *w = world_serve(1, &limits);
    struct ip elsewhere = ip_v4(127, 0, 0, 9);
    struct visitor v[3], other = { .user = { &VISITOR_OPS } };

    for (size_t i = 0; i < COUNT_OF(v); i++)
        ask(w, &v[i], GET("/hand/1"));
    assert_true(v[0].in_length > 0 && v[1].in_length > 0);
    assert_int_equal(v[2].in_length, 0);
    assert_true(v[2].has_ended || v[2].is_closed);
    assert_int_equal(http_server_counts(w->server)->turned_away_client.total, 1);

    struct kernel *kernel = sim_kernel(w->sim, &elsewhere);
    struct loop *loop = loop_new(kernel, &w->epoch, 2);

    sim_kernel_turns(kernel, loop);
    other.stream = stream_connect(loop, &w->at, &other.user);
    visitor_say(&other, SLICE(GET("/hand/1")));
    run(w, 1000);
    assert_true(other.in_length > 0);
    visitor_done(&other);
    sim_kernel_turns(kernel, NULL);
    loop_free(loop);
    kernel_free(kernel);
    for (size_t i = 0; i < COUNT_OF(v); i++)
        visitor_done(&v[i]);
    world_free(w);
}

static void who_leaves_makes_room_for_the_same_client(void **)
{
    struct http_server_limits limits = limits_of(100, 1);
    struct world *w = world_serve(1, &limits);

    for (int i = 0; i < 5; i++) {
        struct visitor v;
        struct slice heard = ask(w, &v, GET("/hand/1"));

        expect(&heard, 200, 1);
        visitor_leave(&v, i % 2 == 0);
        run(w, 10);
        visitor_done(&v);
    }
    assert_int_equal(http_server_counts(w->server)->turned_away_client.total, 0);
    world_free(w);
}

static void heads_that_drip_in_keep_nobody_out(void **)
{
    struct http_server_limits limits = limits_of(20, 100);
    struct world *w = world_serve(1, &limits);
    struct visitor slow[20], v;

    for (size_t i = 0; i < COUNT_OF(slow); i++)
        visitor_come(&slow[i], w, SLICE("GET / HTTP/1.1\r\nX: "));
    run(w, 100);
    struct slice heard = ask(w, &v, GET("/hand/1"));

    expect(&heard, 200, 1);
    assert_int_equal(http_server_counts(w->server)->evicted.total, 1);
    for (size_t i = 0; i < COUNT_OF(slow); i++)
        visitor_done(&slow[i]);
    visitor_done(&v);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_at_the_least_rate_has_all_the_time),
        cmocka_unit_test(a_body_below_the_least_rate_is_cut),
        cmocka_unit_test(an_answer_is_sent_at_the_least_rate_and_no_slower),
        cmocka_unit_test(a_limit_that_is_set_later_holds_for_those_who_are_there),
        cmocka_unit_test(one_client_gets_so_many_connections_and_others_are_let_in),
        cmocka_unit_test(who_leaves_makes_room_for_the_same_client),
        cmocka_unit_test(heads_that_drip_in_keep_nobody_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
