// SPDX-License-Identifier: Apache-2.0
/* Fetches from origins that speak TLS: which connection serves whom, and what is told. */
#include <assert.h>

#include "http/server.h"
#include "io/both_test.h"
#include "origin/fetch.h"
#include "tls/authority_test.h"

/* One server by two names, and who fetches from it. */
struct scene {
    struct bench *bench;
    struct authority authority;
    struct tls_context *server;
    struct listener_user door;
    struct listener *listener;
    struct http_service service;
    struct http_server *http;
    struct origin_pool *pool;
    struct tls_client *trust;
    struct fetch_user user;
    struct fetch *fetch;
    unsigned connections, requests;
    int status;
    bool is_done;
    enum err err;
    char why[TLS_WHY_MAX];
};

static struct stream_user *greet(struct listener_user *user, struct stream *stream)
{
    struct scene *s = container_of(user, struct scene, door);
    struct listener_user *http = http_server_listener(s->http);

    s->connections++;
    server_filter(s->server, stream);
    return http->accept(http, stream);
}

static void serve(struct http_service *service, struct http_exchange *x)
{
    container_of(service, struct scene, service)->requests++;
    http_reply(x, &(struct http_reply){ .status = 200, .length = 2, .body = SLICE("ok") });
}

static void over(struct http_service *, struct http_exchange *, bool)
{
}

static void on_head(struct fetch_user *user, const struct fetch_answer *answer)
{
    container_of(user, struct scene, user)->status = answer->head->status;
}

static size_t on_body(struct fetch_user *, struct slice bytes)
{
    return bytes.length;
}

static void on_done(struct fetch_user *user, enum err why)
{
    struct scene *s = container_of(user, struct scene, user);

    s->is_done = true;
    s->err = why;
    snprintf(s->why, sizeof s->why, "%s", fetch_why(s->fetch));
}

static const struct fetch_ops OPS = { on_head, on_body, on_done };

static struct scene *scene_open(void *const *state)
{
    static const struct claim NAMES = { .names = "DNS:a.test, DNS:b.test" };
    struct scene *s = mem_new(struct scene);
    struct endpoint at = { bench_ip(1), 0 };

    s->bench = bench_open(state);
    authority_init(&s->authority, "ours", loop_wall(s->bench->loop));
    s->server = server_new(&s->authority, &NAMES);
    s->service = (struct http_service){ .serve = serve, .over = over };
    s->http = http_server_new(s->bench->loops[1], &s->service, &HTTP_SERVER_LIMITS_DEFAULT);
    s->door.accept = greet;
    assert_int_equal(listener_open(s->bench->loops[1], &at, &s->door, &s->listener), ERR_NONE);
    s->pool = origin_pool_new();
    s->user.ops = &OPS;
    assert_int_equal(tls_client_new(&(struct tls_trust){ .ca_file = slice_text(s->authority.file) },
                         &s->trust, NULL),
        ERR_NONE);
    return s;
}

static void scene_close(struct scene *s)
{
    origin_pool_free(s->pool);
    tls_client_unref(s->trust);
    http_server_free(s->http);
    listener_close(s->listener);
    bench_close(s->bench);
    tls_context_unref(s->server);
    authority_done(&s->authority);
    mem_free(s);
}

static bool is_done(void *what)
{
    const struct scene *s = what;

    return s->is_done;
}

static void get(struct scene *s, struct tls_client *tls, const char *name)
{
    const struct fetch_origin origin = {
        .address = listener_at(s->listener), .host = slice_text(name), .tls = tls
    };
    const struct fetch_request request = { .method = HTTP_GET,
        .method_text = SLICE("GET"),
        .path = SLICE("/"),
        .origins = &origin,
        .origin_count = 1 };

    s->is_done = false;
    s->status = 0;
    s->fetch = fetch_start(s->bench->loop, s->pool, &request, &s->user);
    assert_true(bench_until(s->bench, is_done, s, WITHIN));
    bench_settle(s->bench);
}

static void a_kept_connection_serves_its_name_alone(void **state)
{
    static const char *const NAMES[] = { "a.test", "b.test", "a.test", "b.test", "b.test" };
    struct scene *s = scene_open(state);
    struct origin_pool_stats stats;

    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        get(s, s->trust, NAMES[i]);
        assert_int_equal(s->err, ERR_NONE);
        assert_int_equal(s->status, 200);
    }
    origin_pool_stats(s->pool, &stats);
    assert_int_equal(s->requests, 5);
    assert_int_equal(s->connections, 2);
    assert_int_equal(stats.reused, 3);
    assert_int_equal(stats.idle, 2);
    scene_close(s);
}

static void other_trust_makes_its_own_connection_and_may_fail_there(void **state)
{
    struct scene *s = scene_open(state);
    struct tls_client *system;

    assert_int_equal(tls_client_new(&(struct tls_trust){ 0 }, &system, NULL), ERR_NONE);
    get(s, s->trust, "a.test");
    assert_int_equal(s->status, 200);
    get(s, system, "a.test");
    assert_int_equal(s->err, ERR_CERT_AUTHORITY);
    assert_int_equal(s->status, 0);
    assert_non_null(strstr(s->why, "certificate of a.test: unable to get local issuer"));
    get(s, s->trust, "c.test");
    assert_int_equal(s->err, ERR_CERT_NAME);
    assert_int_equal(s->requests, 1);
    tls_client_unref(system);
    scene_close(s);
}

static void plain_and_safe_connections_are_not_mixed(void **state)
{
    struct scene *s = scene_open(state);

    get(s, s->trust, "a.test");
    get(s, NULL, "a.test"); // in plain to a port that wants TLS
    assert_int_equal(s->requests, 1);
    assert_int_equal(s->status, 0);
    assert_true(s->err != ERR_NONE);
    assert_string_equal(s->why, err_text(s->err));
    assert_int_equal(s->connections, 2);
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_kept_connection_serves_its_name_alone),
        ON_BOTH(other_trust_makes_its_own_connection_and_may_fail_there),
        ON_BOTH(plain_and_safe_connections_are_not_mixed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
