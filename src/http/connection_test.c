// SPDX-License-Identifier: Apache-2.0
/* Limits and time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/answer_test.h"
#include "http/server_priv.h"
#include "io/scrambler_test.h"

#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

static void an_idle_connection_is_closed_in_time(void **)
{
    struct world *w = open_world(1);
    struct visitor v;

    ask(w, &v, GET("/hand/1"));
    run(w, 58500);
    assert_false(v.has_ended);
    visitor_say(&v, SLICE(GET("/hand/1")));
    run(w, 59500);
    assert_false(v.has_ended);
    run(w, 1000);
    assert_true(v.has_ended);
    assert_int_equal(http_server_counts(w->server)->timeouts_idle.total, 1);
    assert_int_equal(http_server_open_count(w->server), 0);
    visitor_done(&v);
    world_free(w);
}

static void a_visitor_that_says_nothing_is_idle(void **)
{
    struct world *w = open_world(1);
    struct visitor v;

    ask(w, &v, "");
    assert_int_equal(http_server_open_count(w->server), 1);
    run(w, 59500);
    assert_true(v.has_ended);
    visitor_done(&v);
    world_free(w);
}

static void a_head_that_drips_in_has_its_time(void **)
{
    struct world *w = open_world(1);
    struct visitor v;

    ask(w, &v, GET("/hand/1"));
    v.in_length = 0;
    for (int i = 0; i < 12; i++) {
        visitor_say(&v, i == 0 ? SLICE("GET / HTTP/1.1\r\n") : SLICE("A: b\r\n"));
        run(w, 1000);
    }
    struct slice heard = visitor_heard(&v);

    expect(&heard, 408, 0);
    assert_true(v.has_ended);
    assert_int_equal(http_server_counts(w->server)->timeouts_head.total, 1);
    visitor_done(&v);
    world_free(w);
}

/* Takes the place of TLS: what is accepted has to greet first. */
struct gate {
    struct listener_user user;
    struct listener_user *inner;
};

static struct stream_user *accept_greeting(struct listener_user *user, struct stream *stream)
{
    struct listener_user *inner = container_of(user, struct gate, user)->inner;

    scrambler_set(stream);
    return inner->accept(inner, stream);
}

static void who_does_not_begin_tls_is_closed_in_time(void **)
{
    struct world *w = world_new(1);
    struct gate gate = { .user.accept = accept_greeting };
    struct visitor v;

    w->server = http_server_new(w->loops[0], &w->script.service, &HTTP_SERVER_LIMITS_DEFAULT);
    gate.inner = http_server_listener(w->server);
    world_listen(w, &gate.user);
    ask(w, &v, "");
    run(w, 8500);
    assert_false(v.is_closed);
    run(w, 1500);
    assert_true(v.is_closed);
    assert_int_equal(http_server_counts(w->server)->timeouts_tls.total, 1);
    assert_int_equal(http_server_open_count(w->server), 0);
    visitor_done(&v);
    world_free(w);
}

static void who_began_tls_has_the_time_of_an_idle_visitor(void **)
{
    struct world *w = world_new(1);
    struct gate gate = { .user.accept = accept_greeting };
    struct visitor v;

    w->server = http_server_new(w->loops[0], &w->script.service, &HTTP_SERVER_LIMITS_DEFAULT);
    gate.inner = http_server_listener(w->server);
    world_listen(w, &gate.user);
    ask(w, &v, "hi");
    run(w, 58000);
    assert_false(v.has_ended);
    run(w, 3000);
    assert_true(v.has_ended);
    assert_int_equal(http_server_counts(w->server)->timeouts_idle.total, 1);
    visitor_done(&v);
    world_free(w);
}

static void a_body_that_drips_in_has_its_time(void **)
{
    struct world *w = open_world(1);
    struct visitor v;

    ask(w, &v, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\nx");
    for (int i = 0; i < 35; i++) {
        assert_false(v.has_ended && i < 28);
        if (!v.is_closed)
            visitor_say(&v, SLICE("x")); // too little to count
        run(w, 1000);
    }
    assert_true(v.is_closed);
    assert_int_equal(http_server_counts(w->server)->timeouts_stall.total, 1);
    assert_int_equal(w->script.cut, 1);
    visitor_done(&v);
    world_free(w);
}

static void a_reader_that_stops_is_cut_in_time(void **)
{
    struct world *w = open_world(1);
    struct sim_link slow = { .buffer_bytes = 20000, .delay = span_ms(1) };
    struct visitor v;

    sim_link_set(w->sim, NULL, NULL, &slow);
    visitor_come(&v, w, SLICE(GET("/source/3000000")));
    run(w, 10);
    stream_pause(v.stream);
    run(w, 29000);
    assert_int_equal(http_server_open_count(w->server), 1);
    run(w, 2000);
    assert_int_equal(http_server_open_count(w->server), 0);
    assert_int_equal(http_server_counts(w->server)->timeouts_stall.total, 1);
    assert_int_equal(w->script.cut, 1);
    visitor_done(&v);
    world_free(w);
}

static void a_slow_reader_gets_what_was_at_hand(void **)
{
    struct world *w = open_world(1);
    struct sim_link slow = { .buffer_bytes = 20000, .delay = span_ms(1) };
    struct visitor v;

    sim_link_set(w->sim, NULL, NULL, &slow);
    visitor_come(&v, w, SLICE(GET("/hand/2000000") GET("/hand/10")));
    run(w, 4);
    for (int i = 0; i < 10; i++) {
        stream_pause(v.stream);
        run(w, 20000);
        stream_resume(v.stream);
        run(w, 5);
    }
    run(w, 1000);
    struct slice heard = visitor_heard(&v);

    expect(&heard, 200, 2000000);
    expect(&heard, 200, 10);
    assert_int_equal(http_server_counts(w->server)->copied.total, 2);
    visitor_done(&v);
    world_free(w);
}

static void a_slow_service_is_not_the_visitors_fault(void **)
{
    struct world *w = open_world(1);
    struct visitor v;

    ask(w, &v, GET("/never"));
    run(w, 500000);
    assert_int_equal(http_server_open_count(w->server), 1);
    assert_int_equal(w->script.cut, 0);
    visitor_done(&v);
    world_free(w);
}

static void the_longest_idle_connection_makes_room(void **)
{
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;
    struct visitor v[4];

    limits.connections = 3;
    struct world *w = world_serve(1, &limits);

    ask(w, &v[0], GET("/never"));
    ask(w, &v[1], GET("/hand/1"));
    ask(w, &v[2], GET("/hand/1"));
    visitor_say(&v[1], SLICE(GET("/hand/1"))); // so the last is idle for longer
    run(w, 10);
    ask(w, &v[3], GET("/hand/1"));
    assert_false(v[0].has_ended);
    assert_false(v[1].has_ended);
    assert_true(v[2].has_ended);
    assert_true(v[3].in_length > 0);
    assert_int_equal(http_server_open_count(w->server), 3);
    assert_int_equal(http_server_counts(w->server)->evicted.total, 1);
    for (size_t i = 0; i < COUNT_OF(v); i++)
        visitor_done(&v[i]);
    world_free(w);
}

static void nobody_is_let_in_when_all_are_busy(void **)
{
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;
    struct visitor v[4];

    limits.connections = 1;
    limits.per_client = 2; // those who were turned away are not counted against their client
    struct world *w = world_serve(1, &limits);

    ask(w, &v[0], GET("/never"));
    for (size_t i = 1; i < COUNT_OF(v); i++) {
        ask(w, &v[i], GET("/hand/1"));
        assert_int_equal(w->script.served, 1);
        assert_int_equal(v[i].in_length, 0);
        assert_true(v[i].has_ended || v[i].is_closed);
    }
    assert_int_equal(http_server_counts(w->server)->turned_away.total, 3);
    assert_int_equal(http_server_counts(w->server)->turned_away_client.total, 0);
    for (size_t i = 0; i < COUNT_OF(v); i++)
        visitor_done(&v[i]);
    world_free(w);
}

static void draining_closes_idle_connections_and_ends_the_others_after_their_answer(void **)
{
    static struct answer a;
    struct world *w = open_world(1);
    struct visitor idle, busy, begun;

    ask(w, &idle, GET("/hand/1"));
    ask(w, &begun, "GET /hand/4 HT");
    visitor_come(&busy, w, SLICE(GET("/hand/2") GET("/later/3")));
    while (w->script.served < 3)
        run(w, 1);
    http_server_drain(w->server);
    run(w, 50);
    visitor_say(&begun, SLICE("TP/1.1\r\n" HOST "\r\n"));
    run(w, 1000);
    assert_true(idle.has_ended && busy.has_ended && begun.has_ended);
    struct slice heard = visitor_heard(&busy);

    expect(&heard, 200, 2);
    assert_true(answer_take(&heard, HTTP_GET, &a));
    assert_text(http_head_value(&a.head, HTTP_NAME_CONNECTION), "close");
    heard = visitor_heard(&begun);
    expect(&heard, 200, 4);
    visitor_done(&idle);
    visitor_done(&busy);
    visitor_done(&begun);
    run(w, 5000);
    assert_int_equal(http_server_open_count(w->server), 0);
    world_free(w);
}

static void after_a_drain_that_was_taken_back_connections_are_kept_again(void **)
{
    struct world *w = open_world(1);
    struct visitor drained, v;

    http_server_drain(w->server);
    ask(w, &drained, GET("/hand/1"));
    assert_true(drained.has_ended);
    http_server_resume(w->server);
    struct slice heard = ask(w, &v, GET("/hand/2"));

    expect(&heard, 200, 2);
    assert_false(v.has_ended);
    visitor_say(&v, SLICE(GET("/hand/3")));
    run(w, 1000);
    heard = visitor_heard(&v);
    expect(&heard, 200, 2);
    expect(&heard, 200, 3);
    visitor_done(&drained);
    visitor_done(&v);
    world_free(w);
}

static void freeing_the_server_ends_all_exchanges(void **)
{
    struct world *w = open_world(1);
    struct visitor v;

    ask(w, &v, GET("/never") GET("/never"));
    visitor_say(&v, SLICE(GET("/cut/0")));
    run(w, 1);
    http_server_free(w->server);
    w->server = NULL;
    assert_int_equal(w->script.cut, w->script.served);
    run(w, 10);
    assert_true(v.has_ended || v.is_closed);
    visitor_done(&v);
    world_free(w);
}

static void a_lingering_connection_is_closed_in_time(void **)
{
    struct world *w = open_world(1);
    struct visitor v;

    ask(w, &v, "nonsense\r\n\r\n");
    assert_true(v.has_ended);
    assert_int_equal(http_server_open_count(w->server), 1);
    visitor_say(&v, SLICE("more nonsense"));
    run(w, 500);
    assert_int_equal(http_server_open_count(w->server), 1);
    run(w, 2000);
    assert_int_equal(http_server_open_count(w->server), 0);
    visitor_done(&v);
    world_free(w);
}

static void an_idle_connection_takes_less_than_400_bytes(void **)
{
    // With 160 for the stream, 8 for its place in the heap of timers, and the allocator's words.
    assert_in_range(sizeof(struct http_connection), 64, 176);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_connection_is_closed_in_time),
        cmocka_unit_test(a_visitor_that_says_nothing_is_idle),
        cmocka_unit_test(a_head_that_drips_in_has_its_time),
        cmocka_unit_test(who_does_not_begin_tls_is_closed_in_time),
        cmocka_unit_test(who_began_tls_has_the_time_of_an_idle_visitor),
        cmocka_unit_test(a_body_that_drips_in_has_its_time),
        cmocka_unit_test(a_reader_that_stops_is_cut_in_time),
        cmocka_unit_test(a_slow_reader_gets_what_was_at_hand),
        cmocka_unit_test(a_slow_service_is_not_the_visitors_fault),
        cmocka_unit_test(the_longest_idle_connection_makes_room),
        cmocka_unit_test(nobody_is_let_in_when_all_are_busy),
        cmocka_unit_test(draining_closes_idle_connections_and_ends_the_others_after_their_answer),
        cmocka_unit_test(after_a_drain_that_was_taken_back_connections_are_kept_again),
        cmocka_unit_test(freeing_the_server_ends_all_exchanges),
        cmocka_unit_test(a_lingering_connection_is_closed_in_time),
        cmocka_unit_test(an_idle_connection_takes_less_than_400_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
