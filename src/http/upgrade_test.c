// SPDX-License-Identifier: Apache-2.0
/* A service that goes over to a protocol in which all that is said is said back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/answer_test.h"
#include "http/server_priv.h"
#include "http/upgrade.h"

enum { HELD_MAX = 1000 };

#define ASK(path)               \
    "GET " path " HTTP/1.1\r\n" \
    "Host: a\r\n"               \
    "Connection: Upgrade\r\n"   \
    "Upgrade: h2c, echo/1\r\n\r\n"

static const char SWITCHED[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/1\r\n"
                               "Connection: Upgrade\r\n\r\n";

struct echo {
    struct http_service service;
    struct http_sink sink;
    struct http_source source;
    struct http_exchange *x; // of the last request
    char held[HELD_MAX];
    size_t length;
    bool is_full, has_ended, is_over, is_complete;
    unsigned served;
};

static size_t echo_data(struct http_sink *sink, struct slice bytes)
{
    struct echo *e = container_of(sink, struct echo, sink);
    struct slice part = slice_head(bytes, HELD_MAX - e->length);

    if (part.length > 0)
        memcpy(e->held + e->length, part.at, part.length);
    e->length += part.length;
    e->is_full = part.length < bytes.length;
    http_exchange_wake(e->x);
    return part.length;
}

static void echo_end(struct http_sink *sink)
{
    struct echo *e = container_of(sink, struct echo, sink);

    e->has_ended = true;
    http_exchange_wake(e->x);
}

static size_t echo_pull(struct http_source *source, struct iovec *iov, size_t most, bool *is_last)
{
    struct echo *e = container_of(source, struct echo, source);

    assert(most > 0);
    *is_last = e->has_ended;
    iov[0] = stream_iovec(slice_of(e->held, e->length));
    return e->length > 0;
}

static void echo_sent(struct http_source *source, size_t bytes)
{
    struct echo *e = container_of(source, struct echo, source);

    memmove(e->held, e->held + bytes, e->length - bytes);
    e->length -= bytes;
    if (e->is_full && bytes > 0) {
        e->is_full = false;
        http_exchange_read_on(e->x);
    }
}

static const struct http_sink_ops ECHO_SINK = { echo_data, echo_end };
static const struct http_source_ops ECHO_SOURCE = { echo_pull, echo_sent };

static void echo_serve(struct http_service *service, struct http_exchange *x)
{
    struct echo *e = container_of(service, struct echo, service);
    char room[HTTP_UPGRADE_OFFER_MAX];

    e->served++;
    e->is_over = false;
    if (http_upgrade_offer(x, room).length == 0) {
        http_reply_status(x, 200, SLICE_NONE);
        return;
    }
    e->x = x;
    http_upgrade_hold(x);
}

static void echo_over(struct http_service *service, struct http_exchange *, bool complete)
{
    struct echo *e = container_of(service, struct echo, service);

    e->is_over = true;
    e->is_complete = complete;
    e->x = NULL;
}

static void go_over(struct echo *e)
{
    http_upgrade(e->x,
        &(struct http_reply){ .status = 101,
            .fields = SLICE("Upgrade: echo/1\r\n"),
            .length = -1,
            .source = &e->source },
        &e->sink);
}

static struct world *open_echo(struct echo *e)
{
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;
    struct world *w = world_new(1);

    *e = (struct echo){
        .service = { echo_serve, echo_over }, .sink = { &ECHO_SINK }, .source = { &ECHO_SOURCE }
    };
    w->server = http_server_new(w->loops[0], &e->service, &limits);
    world_listen(w, http_server_listener(w->server));
    return w;
}

/* A visitor who has heard 101. */
static struct world *open_upgraded(struct echo *e, struct visitor *v)
{
    struct world *w = open_echo(e);

    ask(w, v, ASK("/"));
    assert_int_equal(v->in_length, 0);
    go_over(e);
    run(w, 100);
    assert_text(visitor_heard(v), SWITCHED);
    v->in_length = 0;
    return w;
}

static void close_echo(struct world *w, struct visitor *v)
{
    visitor_done(v);
    world_free(w);
}

static void what_is_said_after_101_goes_both_ways_as_it_is(void **)
{
    struct echo e;
    struct visitor v;
    struct world *w = open_upgraded(&e, &v);

    visitor_say(&v, SLICE("GET / HTTP/1.1\r\n\r\n")); // to nobody a request any more
    run(w, 100);
    assert_text(visitor_heard(&v), "GET / HTTP/1.1\r\n\r\n");
    assert_int_equal(e.served, 1);
    assert_int_equal(http_server_counts(w->server)->upgraded.total, 1);
    assert_int_equal(http_server_counts(w->server)->upgraded_in.total, 18);
    close_echo(w, &v);
}

static void what_follows_the_request_waits_for_its_answer(void **)
{
    struct echo e;
    struct world *w = open_echo(&e);
    struct visitor v;

    ask(w, &v, ASK("/") "early");
    go_over(&e);
    run(w, 100);
    assert_true(slice_ends(visitor_heard(&v), SLICE("\r\n\r\nearly")));
    assert_int_equal(e.served, 1);
    close_echo(w, &v);
}

static void an_upgrade_that_is_not_made_leaves_http_going(void **)
{
    struct echo e;
    struct world *w = open_echo(&e);
    struct visitor v;

    ask(w, &v, ASK("/") "GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(e.served, 1);
    http_reply_status(e.x, 403, SLICE_NONE);
    run(w, 100);
    struct slice heard = visitor_heard(&v);

    expect(&heard, 403, 0);
    assert_true(slice_starts(heard, SLICE("HTTP/1.1 200 ")));
    assert_int_equal(e.served, 2);
    assert_false(v.has_ended);
    close_echo(w, &v);
}

static void who_reads_slowly_is_sent_no_more_than_is_held(void **)
{
    enum { LENGTH = 300000 };
    struct echo e;
    struct visitor v;
    struct world *w = open_upgraded(&e, &v);
    char *bytes = mem_alloc(LENGTH);

    for (size_t i = 0; i < LENGTH; i++)
        bytes[i] = (char)script_byte(i);
    stream_pause(v.stream);
    visitor_say(&v, slice_of(bytes, LENGTH));
    run(w, 100);
    assert_true(e.is_full || v.out.length == 0);
    stream_resume(v.stream);
    run(w, 1000);
    assert_int_equal(v.in_length, LENGTH);
    assert_memory_equal(v.in, bytes, LENGTH);
    mem_free(bytes);
    close_echo(w, &v);
}

static void when_the_visitor_ends_the_service_has_the_last_word(void **)
{
    struct echo e;
    struct visitor v;
    struct world *w = open_upgraded(&e, &v);

    v.leaves_half = true;
    visitor_say(&v, SLICE("goodbye"));
    run(w, 100);
    assert_text(visitor_heard(&v), "goodbye");
    assert_true(v.has_ended && e.is_over && e.is_complete);
    assert_int_equal(http_server_open_count(w->server), 0);
    close_echo(w, &v);
}

static void when_the_service_ends_the_connection_closes_behind_its_last_bytes(void **)
{
    struct echo e;
    struct visitor v;
    struct world *w = open_upgraded(&e, &v);

    memcpy(e.held, "bye", 3);
    e.length = 3;
    e.has_ended = true;
    http_exchange_wake(e.x);
    run(w, 100);
    assert_text(visitor_heard(&v), "bye");
    assert_true(v.has_ended && e.is_over && e.is_complete);
    close_echo(w, &v);
}

static void a_visitor_who_is_gone_is_told_the_service(void **)
{
    struct echo e;
    struct visitor v;
    struct world *w = open_upgraded(&e, &v);

    visitor_leave(&v, true);
    run(w, 100);
    assert_true(e.is_over);
    assert_false(e.is_complete);
    close_echo(w, &v);
}

static void silence_both_ways_ends_it_in_time(void **)
{
    struct echo e;
    struct visitor v;
    struct world *w = open_upgraded(&e, &v);

    for (int i = 0; i < 3; i++) {
        run(w, 110000);
        visitor_say(&v, SLICE("."));
    }
    run(w, 119000);
    assert_false(e.is_over);
    run(w, 2000);
    assert_true(e.is_over && v.has_ended);
    assert_int_equal(http_server_counts(w->server)->timeouts_upgraded.total, 1);
    assert_int_equal(http_server_open_count(w->server), 0);
    close_echo(w, &v);
}

static void a_slow_talk_is_not_too_slow(void **)
{
    struct echo e;
    struct visitor v;
    struct world *w = open_upgraded(&e, &v);

    for (int i = 0; i < 10; i++) {
        visitor_say(&v, SLICE("."));
        run(w, 60000);
    }
    assert_int_equal(v.in_length, 10);
    assert_false(e.is_over);
    close_echo(w, &v);
}

static void a_drain_leaves_it_a_while_even_if_it_goes_on(void **)
{
    struct echo e;
    struct visitor v;
    struct world *w = open_upgraded(&e, &v);

    http_server_drain(w->server);
    for (int i = 0; i < 11; i++) {
        visitor_say(&v, SLICE("."));
        run(w, 10000);
    }
    assert_int_equal(v.in_length, 11);
    assert_false(e.is_over);
    for (int i = 0; i < 2 && !v.has_ended; i++) {
        visitor_say(&v, SLICE("."));
        run(w, 10000);
    }
    assert_true(e.is_over && v.has_ended);
    close_echo(w, &v);
}

static void freeing_the_server_ends_it(void **)
{
    struct echo e;
    struct visitor v;
    struct world *w = open_upgraded(&e, &v);

    http_server_free(w->server);
    w->server = NULL;
    assert_true(e.is_over);
    close_echo(w, &v);
}

/* What may be handed on of a request with these fields. */
static const char *offer_of(const char *fields)
{
    static char room[HTTP_UPGRADE_OFFER_MAX + 1];
    static struct http_head head;
    struct http_exchange x = { .carrier = &http1_carrier, .request = &head };
    char text[1000];
    int length = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
    enum http_parse parsed = http_request_parse(slice_of(text, (size_t)length), 0, &head);

    assert_int_equal(parsed, HTTP_PARSE_DONE);
    x.framing = http_request_framing(&head, &x.request_length);
    struct slice offer = http_upgrade_offer(&x, room);

    room[offer.length] = '\0';
    return room;
}

static void protocols_but_http_and_tls_are_handed_on(void **)
{
    assert_string_equal(offer_of("Connection: Upgrade\r\nUpgrade: websocket\r\n"), "websocket");
    assert_string_equal(
        offer_of("Connection: keep-alive, upgrade\r\nUpgrade: a/1, WebSocket\r\nUpgrade: b\r\n"),
        "a/1, WebSocket, b");
    assert_string_equal(offer_of("Connection: Upgrade\r\nUpgrade: h2c\r\n"), "");
    assert_string_equal(
        offer_of("Connection: Upgrade\r\nUpgrade: HTTP/2.0, TLS/1.2, h2, irc/6.9,\r\n"), "irc/6.9");
}

static void what_was_not_meant_for_us_is_no_offer(void **)
{
    char many[600];

    assert_string_equal(offer_of("Upgrade: websocket\r\n"), "");
    assert_string_equal(offer_of("Connection: Upgrade\r\n"), "");
    assert_string_equal(
        offer_of("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n"), "");
    snprintf(many, sizeof many, "Connection: Upgrade\r\nUpgrade: a, %0400d\r\n", 1);
    assert_string_equal(offer_of(many), "");
}

static void a_choice_fits_if_it_was_offered_and_is_one(void **)
{
    assert_true(http_upgrade_fits(SLICE("a, WebSocket"), SLICE("websocket")));
    assert_false(http_upgrade_fits(SLICE("a, websocket"), SLICE("h2c")));
    assert_false(http_upgrade_fits(SLICE("a, b"), SLICE("a, b")));
    assert_false(http_upgrade_fits(SLICE("a"), SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_after_101_goes_both_ways_as_it_is),
        cmocka_unit_test(what_follows_the_request_waits_for_its_answer),
        cmocka_unit_test(an_upgrade_that_is_not_made_leaves_http_going),
        cmocka_unit_test(who_reads_slowly_is_sent_no_more_than_is_held),
        cmocka_unit_test(when_the_visitor_ends_the_service_has_the_last_word),
        cmocka_unit_test(when_the_service_ends_the_connection_closes_behind_its_last_bytes),
        cmocka_unit_test(a_visitor_who_is_gone_is_told_the_service),
        cmocka_unit_test(silence_both_ways_ends_it_in_time),
        cmocka_unit_test(a_slow_talk_is_not_too_slow),
        cmocka_unit_test(a_drain_leaves_it_a_while_even_if_it_goes_on),
        cmocka_unit_test(freeing_the_server_ends_it),
        cmocka_unit_test(protocols_but_http_and_tls_are_handed_on),
        cmocka_unit_test(what_was_not_meant_for_us_is_no_offer),
        cmocka_unit_test(a_choice_fits_if_it_was_offered_and_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
