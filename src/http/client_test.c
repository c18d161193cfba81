// SPDX-License-Identifier: Apache-2.0
/* The client against origins that say what they like, and against our own server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/client.h"
#include "http/world_test.h"

enum { SEEDS = 8, BODY_ROOM = 128 * 1024 };

#define TIMES                                             \
    {                                                     \
        { INT64_C(1000000000) }, { INT64_C(2000000000) }, \
        {                                                 \
            INT64_C(3000000000)                           \
        }                                                 \
    }

/* Says the same to everyone who comes, once something was asked. */
struct origin {
    struct listener_user user;
    struct slice says;
    bool closes;     // behind that
    unsigned visits; // connections
    struct visitor visitor;
};

struct asker {
    struct http_client_user user;
    struct http_client *client;
    struct world *world;
    struct stream *stream; // taken when done
    struct timer timer;
    int status;
    char *body;
    size_t length;
    bool is_done, got_bytes, is_slow, keeps;
    enum err why;
    int cancels_in; // 1: head, 2: body
};

static size_t origin_data(struct stream_user *user, struct slice bytes)
{
    struct origin *o = container_of(visitor_of(user), struct origin, visitor);

    size_t taken = visitor_data(user, bytes);

    // Who answers a request that has not come in full spoils the stream.
    if (!slice_ends(visitor_heard(&o->visitor), SLICE("\r\n\r\n")))
        return taken;
    o->visitor.leaves_half = o->closes;
    if (o->says.length > 0)
        visitor_say(&o->visitor, o->says);
    else if (o->closes)
        stream_finish(o->visitor.stream);
    return taken;
}

static const struct stream_user_ops ORIGIN_OPS = {
    .data = origin_data,
    .end = visitor_end,
    .pull = visitor_pull,
    .sent = visitor_sent,
    .closed = visitor_closed,
};

static struct stream_user *origin_accept(struct listener_user *user, struct stream *stream)
{
    struct origin *o = container_of(user, struct origin, user);

    visitor_done(&o->visitor);
    visitor_init(&o->visitor);
    o->visitor.user.ops = &ORIGIN_OPS;
    o->visitor.stream = stream;
    o->visits++;
    return &o->visitor.user;
}

static bool asker_leaves(struct asker *a, int place)
{
    if (a->cancels_in != place)
        return false;
    http_client_cancel(a->client);
    a->client = NULL;
    return true;
}

static void asker_head(struct http_client_user *user, const struct http_head *head)
{
    struct asker *a = container_of(user, struct asker, user);

    assert_int_equal(a->status, 0);
    a->status = head->status;
    asker_leaves(a, 1);
}

static void asker_resume(struct timer *timer)
{
    http_client_resume(container_of(timer, struct asker, timer)->client);
}

static size_t asker_body(struct http_client_user *user, struct slice bytes)
{
    struct asker *a = container_of(user, struct asker, user);
    size_t taken = bytes.length;

    assert_true(a->status != 0 && !a->is_done && bytes.length > 0);
    if (asker_leaves(a, 2))
        return 0;
    if (a->is_slow)
        taken = sim_draw(a->world->sim, bytes.length + 1);
    if (taken < bytes.length)
        timer_set(a->world->loops[1], &a->timer,
            instant_after(loop_now(a->world->loops[1]), span_us(300)));
    assert_in_range(taken, 0, BODY_ROOM - a->length);
    memcpy(a->body + a->length, bytes.at, taken);
    a->length += taken;
    return taken;
}

static void asker_done(struct http_client_user *user, enum err why, bool got_bytes)
{
    struct asker *a = container_of(user, struct asker, user);

    assert_false(a->is_done);
    a->is_done = true;
    a->why = why;
    a->got_bytes = got_bytes;
    if (a->keeps)
        a->stream = http_client_take_stream(a->client);
    a->client = NULL;
}

static const struct http_client_ops ASKER_OPS = {
    .head = asker_head, .body = asker_body, .done = asker_done
};

static void asker_start(struct asker *a, struct world *w, struct stream *idle,
    const struct http_client_request *request)
{
    *a = (struct asker){ .user = { &ASKER_OPS }, .world = w, .body = mem_alloc(BODY_ROOM) };
    a->timer.fire = asker_resume;
    a->client = http_client_start(w->loops[1], &w->at, idle, request, &a->user);
}

static void asker_done_with(struct asker *a)
{
    if (a->client != NULL)
        http_client_cancel(a->client);
    if (a->stream != NULL)
        stream_discard(a->stream);
    timer_clear(a->world->loops[1], &a->timer);
    mem_free(a->body);
}

static const struct http_client_request GET = {
    .head = { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27 }, .method = HTTP_GET, .times = TIMES
};
static const struct http_client_request HEAD = {
    .head = { "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 28 }, .method = HTTP_HEAD, .times = TIMES
};

static void run(struct world *w, int ms)
{
    sim_run_for(w->sim, span_ms(ms));
}

/* What came of it: the body, the error, and whether the stream could be used again. */
static void check(const struct http_client_request *request, const char *text, bool closes,
    const char *body, enum err why, bool is_reusable)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world *w = world_new(seed);
        struct origin o = { .user = { origin_accept }, .says = slice_text(text), .closes = closes };
        struct sim_link link = { .chunk_max = (uint32_t)(seed % 7) };
        struct asker a;

        sim_link_set(w->sim, NULL, NULL, &link);
        world_listen(w, &o.user);
        asker_start(&a, w, NULL, request);
        a.is_slow = seed % 2 == 0;
        a.keeps = true;
        run(w, 5000);
        if (!a.is_done || a.why != why || (a.stream != NULL) != is_reusable)
            fail_msg("seed %d\n%s\n%d %s %d", (int)seed, text, a.is_done, err_text(a.why),
                a.stream != NULL);
        if (why == ERR_NONE) {
            assert_int_equal(a.length, strlen(body));
            assert_memory_equal(a.body, body, a.length);
        }
        assert_int_equal(a.got_bytes, text[0] != '\0');
        asker_done_with(&a);
        visitor_done(&o.visitor);
        world_free(w);
    }
}

static void answers_of_all_framings_are_read(void **)
{
    check(
        &GET, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, "hello", ERR_NONE, true);
    check(&GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, "", ERR_NONE, true);
    check(&GET,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x\r\nlo\r\n0\r\nA: "
        "b\r\n\r\n",
        false, "hello", ERR_NONE, true);
    check(&GET, "HTTP/1.1 200 OK\r\n\r\nhello", true, "hello", ERR_NONE, false);
    check(&GET, "HTTP/1.0 200 OK\r\n\r\n", true, "", ERR_NONE, false);
    check(&GET, "HTTP/1.1 204 No Content\r\n\r\n", false, "", ERR_NONE, true);
    check(
        &GET, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, "", ERR_NONE, true);
    check(&HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, "", ERR_NONE, true);
}

static void a_stream_is_used_again_only_when_the_answer_allows_it(void **)
{
    check(&GET, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", false, "x",
        ERR_NONE, false);
    check(&GET, "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", false, "x", ERR_NONE, false);
    check(&GET, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", false,
        "x", ERR_NONE, true);
}

static void bytes_behind_the_answer_spoil_the_stream(void **)
{
    static const char *const TEXTS[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n!"
    };

    for (size_t i = 0; i < COUNT_OF(TEXTS); i++) {
        struct world *w = world_new(1);
        struct origin o = { .user = { origin_accept }, .says = slice_text(TEXTS[i]) };
        struct asker a;

        world_listen(w, &o.user);
        asker_start(&a, w, NULL, &GET);
        a.keeps = true;
        run(w, 1000);
        assert_true(a.is_done && a.why == ERR_NONE);
        // Whatever arrived with the answer or after it, it is not taken for the next one's.
        if (a.stream != NULL)
            assert_false(stream_is_idle(a.stream));
        asker_done_with(&a);
        visitor_done(&o.visitor);
        world_free(w);
    }
}

/* Says one word, and that it was the last. */
static size_t word_pull(struct http_source *, struct iovec *iov, size_t most, bool *is_last)
{
    assert_true(most > 0);
    iov[0] = stream_iovec(SLICE("word"));
    *is_last = true;
    return 1;
}

/* The sends of simulated streams are cut short: what is left comes again from the start. */
static void word_sent(struct http_source *, size_t bytes)
{
    assert_in_range(bytes, 0, 4);
}

static void a_101_is_taken_if_it_was_asked_for_and_names_a_protocol(void **)
{
    static const struct http_source_ops WORD = { word_pull, word_sent };
    struct http_source source = { &WORD };
    struct http_client_request request = GET;

    request.upgrade = &source;
    check(&request, "HTTP/1.1 101 Over\r\nUpgrade: x\r\nContent-Length: 2\r\n\r\nhello", true,
        "hello", ERR_NONE, false);
    check(&request, "HTTP/1.1 101 Over\r\n\r\nhello", true, "", ERR_PARSE, false);
    check(&request, "HTTP/1.1 200 No\r\nContent-Length: 2\r\n\r\nno", false, "no", ERR_NONE, true);
    check(&GET, "HTTP/1.1 101 Over\r\nUpgrade: x\r\n\r\nhello", true, "", ERR_PARSE, false);
}

static void behind_a_101_the_source_speaks_and_its_end_is_told(void **)
{
    static const struct http_source_ops WORD = { word_pull, word_sent };
    struct http_source source = { &WORD };
    struct http_client_request request = GET;
    struct world *w = world_new(1);
    struct origin o = { .user = { origin_accept },
        .says = SLICE("HTTP/1.1 101 Over\r\nUpgrade: x\r\n\r\n") };
    struct asker a;

    request.upgrade = &source;
    world_listen(w, &o.user);
    asker_start(&a, w, NULL, &request);
    run(w, 100);
    struct slice heard = slice_from(visitor_heard(&o.visitor), GET.head.length);

    assert_true(slice_starts(heard, SLICE("w")) && slice_ends(heard, SLICE("word")));
    assert_true(o.visitor.has_ended);
    assert_false(a.is_done);
    run(w, 100000); // no time runs out: that is for whoever hands the protocol on
    assert_false(a.is_done);
    asker_done_with(&a);
    visitor_done(&o.visitor);
    world_free(w);
}

static void what_is_not_an_answer_is_told(void **)
{
    static const char *const BAD[] = { "HTTP/2.0 200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n",
        "220 ftp ready\r\n", "HTTP/1.1 200 OK\nContent-Length: 1\n\nx",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n" };

    for (size_t i = 0; i < COUNT_OF(BAD); i++)
        check(&GET, BAD[i], false, "", ERR_PARSE, false);
}

static void an_answer_that_breaks_off_is_told(void **)
{
    check(&GET, "HTTP/1.1 200 OK\r\nContent-Le", true, "", ERR_CLOSED, false);
    check(&GET, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", true, "", ERR_CLOSED, false);
    check(&GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", true,
        "", ERR_CLOSED, false);
    check(&GET, "HTTP/1.1 100 Continue\r\n\r\n", true, "", ERR_CLOSED, false);
    check(&GET, "", true, "", ERR_CLOSED, false);
}

/* RFC 9110 §15.2 */
static void interim_answers_are_passed_over_but_not_for_ever(void **)
{
    check(&GET,
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
        false, "x", ERR_NONE, true);
    check(&GET,
        "HTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\n"
        "HTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\n"
        "HTTP/1.1 100 a\r\n\r\n",
        false, "", ERR_PARSE, false);
}

static void an_endless_head_is_refused(void **)
{
    static char text[100000] = "HTTP/1.1 200 OK\r\nA: ";

    memset(text + strlen(text), 'x', sizeof text - strlen(text) - 1);
    check(&GET, text, false, "", ERR_PARSE, false);
}

/* What is waited for, and how long. */
static void check_time(const char *says, int ms_before, int ms_after, bool got_bytes)
{
    struct world *w = world_new(1);
    struct origin o = { .user = { origin_accept }, .says = slice_text(says == NULL ? "" : says) };
    struct sim_link dark = { .is_dark = true };
    struct asker a;

    world_listen(w, &o.user);
    if (says == NULL)
        sim_link_set(w->sim, NULL, NULL, &dark);
    asker_start(&a, w, NULL, &GET);
    run(w, ms_before);
    assert_false(a.is_done);
    run(w, ms_after - ms_before);
    assert_true(a.is_done);
    assert_int_equal(a.why, ERR_TIMEOUT);
    assert_int_equal(a.got_bytes, got_bytes);
    asker_done_with(&a);
    visitor_done(&o.visitor);
    world_free(w);
}

static void each_step_has_its_time(void **)
{
    check_time(NULL, 950, 1050, false);                   // connecting
    check_time("", 1950, 2050, false);                    // waiting for the head
    check_time("HTTP/1.1 200 OK\r\nA", 1950, 2050, true); // ... to end
    check_time("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", 2950, 3050, true);
}

static void a_connection_that_is_refused_is_told(void **)
{
    struct world *w = world_new(1);
    struct asker a;

    w->at = (struct endpoint){ world_ip(0), 81 };
    asker_start(&a, w, NULL, &GET);
    assert_false(a.is_done);
    run(w, 100);
    assert_true(a.is_done);
    assert_int_equal(a.why, ERR_REFUSED);
    assert_false(a.got_bytes);
    asker_done_with(&a);
    world_free(w);
}

static void an_idle_stream_that_died_is_told_apart(void **)
{
    struct world *w = world_new(1);
    struct origin o = { .user = { origin_accept },
        .says = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx") };
    struct asker a, b;

    world_listen(w, &o.user);
    asker_start(&a, w, NULL, &GET);
    a.keeps = true;
    run(w, 100);
    assert_non_null(a.stream);
    visitor_leave(&o.visitor, false);
    run(w, 100);
    asker_start(&b, w, a.stream, &GET);
    a.stream = NULL;
    run(w, 100);
    assert_true(b.is_done && !b.got_bytes);
    assert_true(b.why == ERR_CLOSED || b.why == ERR_RESET);
    asker_done_with(&a);
    asker_done_with(&b);
    visitor_done(&o.visitor);
    world_free(w);
}

static void an_idle_stream_is_used_again(void **)
{
    struct world *w = world_new(1);
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;
    struct stream *idle = NULL;

    w->server = http_server_new(w->loops[0], &w->script.service, &limits);
    world_listen(w, http_server_listener(w->server));
    for (int i = 0; i < 5; i++) {
        struct asker a;

        asker_start(&a, w, idle, &GET);
        a.keeps = true;
        run(w, 100);
        assert_true(a.is_done && a.why == ERR_NONE && a.stream != NULL);
        idle = a.stream;
        a.stream = NULL;
        asker_done_with(&a);
    }
    assert_int_equal(http_server_counts(w->server)->connections.total, 1);
    assert_int_equal(http_server_counts(w->server)->requests.total, 5);
    stream_discard(idle);
    world_free(w);
}

static void whoever_cancels_hears_no_more(void **)
{
    for (int place = 0; place < 3; place++) {
        struct world *w = world_new(1);
        struct origin o = { .user = { origin_accept },
            .says = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello") };
        struct asker a;

        world_listen(w, &o.user);
        asker_start(&a, w, NULL, &GET);
        a.cancels_in = place;
        if (place == 0)
            asker_leaves(&a, 0);
        run(w, 1000);
        assert_null(a.client);
        assert_false(a.is_done);
        assert_int_equal(a.status, place == 0 ? 0 : 200);
        assert_int_equal(a.length, 0);
        asker_done_with(&a);
        visitor_done(&o.visitor);
        world_free(w);
    }
}

/* A request body for the client: the script's bytes, by the script's source. */
static void request_bodies_are_sent_as_fast_as_they_are_taken(void **)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;
        struct world *w = world_serve(seed, &limits);
        struct script near;
        struct sim_link slow = { .buffer_bytes = 5000, .delay = span_us(100) };
        struct script_task body = { .script = &near,
            .source = { &SCRIPT_SOURCE_OPS },
            .kind = SCRIPT_SOURCE,
            .length = 100000 };
        struct http_client_request request = {
            .head = SLICE("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"),
            .method = HTTP_POST,
            .body = &body.source,
            .times = TIMES
        };
        struct asker a;

        script_init(&near, w->loops[1], seed);
        if (seed % 2 == 0)
            sim_link_set(w->sim, NULL, NULL, &slow);
        w->script.waits = seed % 3 == 0;
        asker_start(&a, w, NULL, &request);
        a.keeps = true;
        a.is_slow = seed % 5 == 0;
        run(w, 3000);
        assert_true(a.is_done);
        assert_int_equal(a.why, ERR_NONE);
        assert_int_equal(a.length, 100000);
        for (size_t i = 0; i < a.length; i++)
            assert_int_equal(a.body[i], script_byte(i));
        assert_non_null(a.stream);
        free(body.piece);
        asker_done_with(&a);
        script_done(&near);
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_of_all_framings_are_read),
        cmocka_unit_test(a_stream_is_used_again_only_when_the_answer_allows_it),
        cmocka_unit_test(bytes_behind_the_answer_spoil_the_stream),
        cmocka_unit_test(a_101_is_taken_if_it_was_asked_for_and_names_a_protocol),
        cmocka_unit_test(behind_a_101_the_source_speaks_and_its_end_is_told),
        cmocka_unit_test(what_is_not_an_answer_is_told),
        cmocka_unit_test(an_answer_that_breaks_off_is_told),
        cmocka_unit_test(interim_answers_are_passed_over_but_not_for_ever),
        cmocka_unit_test(an_endless_head_is_refused),
        cmocka_unit_test(each_step_has_its_time),
        cmocka_unit_test(a_connection_that_is_refused_is_told),
        cmocka_unit_test(an_idle_stream_that_died_is_told_apart),
        cmocka_unit_test(an_idle_stream_is_used_again),
        cmocka_unit_test(whoever_cancels_hears_no_more),
        cmocka_unit_test(request_bodies_are_sent_as_fast_as_they_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
