// SPDX-License-Identifier: Apache-2.0
/* The client against an origin that speaks TLS; what TLS itself promises is in tls/client_test.c.
 */
#include <assert.h>

#include "http/client.h"
#include "io/pair_test.h"
#include "tls/authority_test.h"

static const struct claim GOOD = { .names = "DNS:good.test" };

static const struct http_client_times TIMES = {
    .connect = { INT64_C(2000000000) },
    .first = { INT64_C(2000000000) },
    .stall = { INT64_C(2000000000) },
};

/* One client on the first loop, one origin on the second: a talker that says `says` when asked. */
struct place {
    struct bench *bench;
    struct host host;
    struct talker origin;
    struct authority authority;
    struct tls_context *server; // NULL: accepts, and is silent
    struct tls_client *trust;
    SSL *far;
    const char *says;
    unsigned connections;

    struct http_client_user user;
    struct http_client *client;
    struct stream *kept;
    char body[64];
    size_t body_length, requests;
    int status;
    bool is_open, is_done, got_bytes;
    enum err why;
    char words[TLS_WHY_MAX];
};

static struct place *place_of_origin(struct talker *t)
{
    return container_of(t, struct place, origin);
}

static void answer(struct talker *t)
{
    struct place *p = place_of_origin(t);

    if (!slice_ends(slice_of(t->in, t->in_length), SLICE("\r\n\r\n")))
        return;
    p->requests++;
    talker_say(t, p->says, strlen(p->says));
}

static struct stream_user *accept_tls(struct listener_user *user, struct stream *stream)
{
    struct place *p = container_of(user, struct place, host.user);

    p->connections++;
    if (p->server != NULL)
        p->far = server_filter(p->server, stream);
    return host_accept(user, stream);
}

static void on_open(struct http_client_user *user)
{
    container_of(user, struct place, user)->is_open = true;
}

static void on_head(struct http_client_user *user, const struct http_head *head)
{
    container_of(user, struct place, user)->status = head->status;
}

static size_t on_body(struct http_client_user *user, struct slice bytes)
{
    struct place *p = container_of(user, struct place, user);

    assert_in_range(bytes.length, 1, sizeof p->body - p->body_length);
    memcpy(p->body + p->body_length, bytes.at, bytes.length);
    p->body_length += bytes.length;
    return bytes.length;
}

static void on_done(struct http_client_user *user, enum err why, bool got_bytes)
{
    struct place *p = container_of(user, struct place, user);

    p->is_done = true;
    p->why = why;
    p->got_bytes = got_bytes;
    snprintf(p->words, sizeof p->words, "%s", http_client_why(p->client));
    p->kept = http_client_take_stream(p->client);
    p->client = NULL;
}

static const struct http_client_ops OPS = {
    .open = on_open, .head = on_head, .body = on_body, .done = on_done
};

static struct place *place_open(void *const *state, bool has_tls, const char *says)
{
    struct place *p = mem_new(struct place);

    p->bench = bench_open(state);
    p->user.ops = &OPS;
    p->says = says;
    talker_init(&p->origin);
    p->origin.heard = answer;
    host_open(&p->host, p->bench->loops[1], 1, &p->origin, 1);
    p->host.user.accept = accept_tls;
    authority_init(&p->authority, "ours", loop_wall(p->bench->loop));
    if (has_tls)
        p->server = server_new(&p->authority, &GOOD);
    assert_int_equal(tls_client_new(&(struct tls_trust){ .ca_file = slice_text(p->authority.file) },
                         &p->trust, NULL),
        ERR_NONE);
    return p;
}

static void place_close(struct place *p)
{
    if (p->kept != NULL)
        stream_discard(p->kept);
    tls_client_unref(p->trust);
    if (p->server != NULL)
        tls_context_unref(p->server);
    authority_done(&p->authority);
    bench_close(p->bench);
    talker_done(&p->origin);
    mem_free(p);
}

static bool is_done(void *what)
{
    const struct place *p = what;

    return p->is_done;
}

static void start(struct place *p, const char *name)
{
    struct endpoint at = listener_at(p->host.listener);
    const struct http_client_request request = {
        .head = SLICE("GET / HTTP/1.1\r\nHost: good.test\r\n\r\n"),
        .method = HTTP_GET,
        .times = TIMES,
        .tls = { p->trust, slice_text(name) },
    };

    p->is_done = false;
    p->body_length = 0;
    p->client = http_client_start(p->bench->loop, &at, p->kept, &request, &p->user);
    p->kept = NULL;
}

static void ask(struct place *p, const char *name)
{
    start(p, name);
    assert_true(bench_until(p->bench, is_done, p, WITHIN));
}

static void an_answer_comes_and_its_connection_serves_the_next(void **state)
{
    struct place *p = place_open(state, true, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");

    for (unsigned i = 0; i < 3; i++) {
        ask(p, "good.test");
        assert_int_equal(p->why, ERR_NONE);
        assert_int_equal(p->status, 200);
        assert_int_equal(p->body_length, 5);
        assert_memory_equal(p->body, "hello", 5);
        assert_non_null(p->kept);
    }
    assert_int_equal(p->connections, 1);
    assert_int_equal(p->requests, 3);
    place_close(p);
}

static void a_body_till_the_end_is_whole_only_when_that_end_was_said(void **state)
{
    for (int is_cut = 0; is_cut < 2; is_cut++) {
        struct place *p = place_open(state, true, "HTTP/1.1 200 OK\r\n\r\nhello");

        start(p, "good.test");
        while (p->body_length < 5)
            bench_settle(p->bench);
        SSL_set_quiet_shutdown(p->far, is_cut);
        stream_finish(p->origin.stream);
        assert_true(bench_until(p->bench, is_done, p, WITHIN));
        assert_int_equal(p->why, is_cut ? ERR_CLOSED : ERR_NONE);
        assert_string_equal(p->words, is_cut ? "closed without a TLS end" : "");
        assert_null(p->kept);
        place_close(p);
    }
}

static void an_origin_that_cannot_prove_its_name_is_asked_nothing(void **state)
{
    struct place *p = place_open(state, true, "");

    ask(p, "other.test");
    assert_int_equal(p->why, ERR_CERT_NAME);
    assert_string_equal(p->words, "certificate of other.test: hostname mismatch");
    assert_false(p->got_bytes);
    assert_true(p->is_open); // the connection was
    bench_settle(p->bench);
    assert_int_equal(p->requests, 0);
    place_close(p);
}

static void a_greeting_that_takes_too_long_is_no_connection(void **state)
{
    struct place *p = place_open(state, false, "");

    ask(p, "good.test");
    assert_true(p->is_open);
    assert_int_equal(p->why, ERR_TIMEOUT);
    assert_true(p->origin.in_length > 0);
    place_close(p);
}

static void a_kept_connection_that_was_closed_is_told_apart(void **state)
{
    struct place *p = place_open(state, true, "HTTP/1.1 204 No Content\r\n\r\n");

    for (int is_cut = 0; is_cut < 2; is_cut++) {
        p->host.count = 0; // the talker is taken anew
        ask(p, "good.test");
        assert_non_null(p->kept);
        SSL_set_quiet_shutdown(p->far, is_cut);
        stream_close(p->origin.stream, false);
        bench_settle(p->bench);
        ask(p, "good.test");
        assert_int_equal(p->why, ERR_CLOSED);
        assert_false(p->got_bytes);
        p->origin.in_length = 0;
    }
    place_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(an_answer_comes_and_its_connection_serves_the_next),
        ON_BOTH(a_body_till_the_end_is_whole_only_when_that_end_was_said),
        ON_BOTH(an_origin_that_cannot_prove_its_name_is_asked_nothing),
        ON_BOTH(a_greeting_that_takes_too_long_is_no_connection),
        ON_BOTH(a_kept_connection_that_was_closed_is_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
