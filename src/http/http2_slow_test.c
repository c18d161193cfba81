// SPDX-License-Identifier: Apache-2.0
/* What is kept for one who asks for much by HTTP/2 and TLS, and takes nothing: limited in sum. */
#include <assert.h>

#include "http/http2_frames_test.h"
#include "http/http2_priv.h"
#include "http/script_test.h"
#include "tls/visitor_test.h"

enum {
    STREAMS = 50,
    BODY = 400000,
    RECORDS = 32 * 1024, // a frame that is begun within the limit, and what sealing adds
};

/* A server behind TLS, on the second loop, and its one visitor. */
struct scene {
    struct visit *visit;
    struct listener_user user;
    struct script script;
    struct http_server *server;
    struct http_connection *connection;
    struct frames frames;
};

static struct stream_user *come_in(struct listener_user *user, struct stream *stream)
{
    struct scene *s = container_of(user, struct scene, user);
    const struct tls_accept how = { &s->visit->counts, s->visit->at, true };
    struct stream_filter *filter = tls_server_filter(s->visit->server, &how);
    struct listener_user *http = http_server_listener(s->server);

    stream_filter_set(stream, &filter);
    struct stream_user *mine = http->accept(http, stream);

    s->connection = container_of(mine, struct http_connection, user);
    return mine;
}

static struct scene *scene_open(void *const *state)
{
    struct scene *s = mem_new(struct scene);
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;
    struct endpoint at = { bench_ip(1), 0 };

    limits.http2 = true;
    s->visit = visit_open(state);
    struct loop *loop = s->visit->pair.bench->loops[1];

    script_init(&s->script, loop, 1);
    s->server = http_server_new(loop, &s->script.service, &limits);
    s->user.accept = come_in;
    listener_close(s->visit->pair.host.listener);
    assert_int_equal(listener_open(loop, &at, &s->user, &s->visit->pair.host.listener), ERR_NONE);
    visit_start(s->visit, "good.test");
    SSL_set_alpn_protos(s->visit->near, (const unsigned char *)"\x02h2", 3);
    return s;
}

static void scene_close(struct scene *s)
{
    http_server_free(s->server);
    script_done(&s->script);
    visit_close(s->visit);
    mem_free(s);
}

static void fall_silent(struct talker *t)
{
    stream_pause(t->stream);
}

/* Bytes that were made of answers and that the kernel did not take. */
static size_t kept_of(const struct scene *s)
{
    const struct http2 *h2 = s->connection->h2;
    size_t sealed = tls_filter_sealed(stream_filter(s->connection->stream));

    return sealed + (h2->kept == NULL ? 0 : h2->kept_length);
}

static bool all_is_answered(void *what)
{
    const struct scene *s = what;

    return s->script.completed == STREAMS;
}

static bool has_all_bodies(void *what)
{
    const struct scene *s = what;

    return s->visit->pair.near.in_length >= (size_t)STREAMS * BODY;
}

static void many_streams_of_a_silent_reader_pin_no_more_than_one(void **state)
{
    struct scene *s = scene_open(state);
    struct talker *visitor = &s->visit->pair.near;

    frames_begin_wide(&s->frames);
    for (uint32_t i = 0; i < STREAMS; i++)
        frames_get(&s->frames, 2 * i + 1, "/source/400000");
    visitor->heard = fall_silent;
    talker_say(visitor, s->frames.text, s->frames.length);
    size_t most = 0;

    for (unsigned i = 0; i < 20; i++) {
        bench_settle(s->visit->pair.bench);
        size_t kept = s->connection == NULL || s->connection->h2 == NULL ? 0 : kept_of(s);

        most = kept > most ? kept : most;
    }
    assert_false(all_is_answered(s));
    assert_in_range(most, 1, STREAM_SEALED_MAX + RECORDS);
    visitor->heard = NULL;
    stream_resume(visitor->stream);
    assert_true(bench_until(s->visit->pair.bench, all_is_answered, s, WITHIN));
    // A busy kernel may hold the last of it for a while.
    assert_true(bench_until(s->visit->pair.bench, has_all_bodies, s, WITHIN));
    bench_settle(s->visit->pair.bench);
    assert_int_equal(kept_of(s), 0);
    scene_close(s);
}

static bool holds_the_last_bytes(void *what)
{
    const struct scene *s = what;
    const struct http_connection *c = s->connection;

    return c != NULL && c->is_finishing && stream_holds_output(c->stream);
}

static bool holds_all_that_was_pulled(void *what)
{
    const struct scene *s = what;

    return s->script.completed == 1 && stream_holds_output(s->connection->stream);
}

static void what_is_answered_while_the_socket_is_full_outlives_its_turn(void **state)
{
    struct scene *s = scene_open(state);
    struct bench *bench = s->visit->pair.bench;
    struct talker *visitor = &s->visit->pair.near;
    struct sim_link narrow = { .buffer_bytes = BODY - 100000 };

    sim_link_set(bench->sim, NULL, NULL, &narrow);
    frames_begin_wide(&s->frames);
    frames_get(&s->frames, 1, "/source/400000");
    size_t first = s->frames.length;

    visitor->heard = fall_silent;
    talker_say(visitor, s->frames.text, first);
    assert_true(bench_until(bench, holds_all_that_was_pulled, s, WITHIN));
    bench_settle(bench);
    frames_get(&s->frames, 3, "/hand/1000");
    talker_say(visitor, s->frames.text + first, s->frames.length - first);
    bench_settle(bench);
    assert_true(holds_all_that_was_pulled(s));
    assert_int_equal(s->connection->h2->task_count, 1); // answered, in memory of its own
    assert_true(list_empty(&s->connection->h2->fleeting));
    scene_close(s);
}

static bool is_over(void *what)
{
    const struct talker *t = what;

    return t->has_ended || t->is_closed;
}

/* A visitor asks for one thing and no more, and reads so little that its last bytes wait. */
static struct scene *scene_that_holds_the_last_bytes(void *const *state)
{
    struct scene *s = scene_open(state);
    struct bench *bench = s->visit->pair.bench;
    struct talker *visitor = &s->visit->pair.near;
    struct sim_link narrow = { .buffer_bytes = BODY - 100000 };

    sim_link_set(bench->sim, NULL, NULL, &narrow);
    frames_begin_wide(&s->frames);
    frames_get(&s->frames, 1, "/source/400000");
    frames_add(&s->frames, NGHTTP2_GOAWAY, 0, 0, slice_of("\0\0\0\0\0\0\0\0", 8));
    visitor->heard = fall_silent;
    talker_say(visitor, s->frames.text, s->frames.length);
    assert_true(bench_until(bench, holds_the_last_bytes, s, WITHIN));
    bench_settle(bench);
    assert_true(holds_the_last_bytes(s));
    return s;
}

static void read_to_the_end(struct scene *s)
{
    struct talker *visitor = &s->visit->pair.near;

    visitor->heard = NULL;
    stream_resume(visitor->stream);
    assert_true(bench_until(s->visit->pair.bench, is_over, visitor, WITHIN));
    assert_true(visitor->has_ended && visitor->in_length >= BODY);
}

static void who_closes_its_half_before_the_last_bytes_gets_them_and_is_done_with(void **state)
{
    struct scene *s = scene_that_holds_the_last_bytes(state);

    stream_finish(s->visit->pair.near.stream);
    bench_settle(s->visit->pair.bench);
    read_to_the_end(s);
    bench_settle(s->visit->pair.bench);
    assert_int_equal(http_server_open_count(s->server), 0);
    scene_close(s);
}

static void who_has_the_last_bytes_is_waited_for_from_then_on_and_not_for_long(void **state)
{
    struct scene *s = scene_that_holds_the_last_bytes(state);
    struct bench *bench = s->visit->pair.bench;

    bench_until(bench, bench_never, NULL, span_s(5)); // longer than for a reader who has all
    read_to_the_end(s);
    assert_int_equal(http_server_open_count(s->server), 1);
    bench_until(bench, bench_never, NULL, span_ms(HTTP_LINGER_MS - 100));
    assert_int_equal(http_server_open_count(s->server), 1);
    bench_until(bench, bench_never, NULL, span_ms(200));
    assert_int_equal(http_server_open_count(s->server), 0);
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(many_streams_of_a_silent_reader_pin_no_more_than_one),
        cmocka_unit_test_prestate(
            what_is_answered_while_the_socket_is_full_outlives_its_turn, SIMULATED),
        cmocka_unit_test_prestate(
            who_closes_its_half_before_the_last_bytes_gets_them_and_is_done_with, SIMULATED),
        cmocka_unit_test_prestate(
            who_has_the_last_bytes_is_waited_for_from_then_on_and_not_for_long, SIMULATED),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
