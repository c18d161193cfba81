// SPDX-License-Identifier: Apache-2.0
/* Fetches in a simulated world, where three servers answer, fail, stay silent or go away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/mem.h"
#include "http/server.h"
#include "io/epoch.h"
#include "io/kernel.h"
#include "io/loop.h"
#include "io/sim.h"
#include "origin/fetch.h"

enum { SERVERS = 3, SEEDS = 50 };

/* Answers every request with `status` and two bytes; 0: never. */
struct server {
    struct http_service service;
    struct http_server *http;
    struct listener *listener;
    struct endpoint at;
    int status;
    bool stalls; // after the head
    unsigned requests;
    struct slice body;
};

struct scene {
    struct sim *sim;
    struct epoch epoch;
    struct kernel *kernels[2];
    struct loop *ours, *theirs;
    struct origin_pool *pool;
    struct server servers[SERVERS];
    struct fetch_user user;
    struct loop_message start;
    struct fetch_request request;
    struct fetch *fetch;
    int status;
    size_t origin, bytes;
    bool is_done;
    enum err err;
};

static size_t never(struct http_source *, struct iovec *, size_t, bool *)
{
    return 0;
}

static void nothing(struct http_source *, size_t)
{
}

static const struct http_source_ops STALLED_OPS = { .pull = never, .sent = nothing };

static void serve(struct http_service *service, struct http_exchange *x)
{
    struct server *s = container_of(service, struct server, service);

    s->requests++;
    if (s->status == 0)
        return;
    if (s->stalls) {
        struct http_source *source = (struct http_source *)(void *)x->service;

        source->ops = &STALLED_OPS;
        http_reply(x, &(struct http_reply){ .status = s->status, .length = 9, .source = source });
        return;
    }
    http_reply(x, &(struct http_reply){
                      .status = s->status, .length = (int64_t)s->body.length, .body = s->body });
}

static void over(struct http_service *, struct http_exchange *, bool)
{
}

static void server_open(struct scene *s, size_t index)
{
    struct server *server = &s->servers[index];

    server->http = http_server_new(s->theirs, &server->service, &HTTP_SERVER_LIMITS_DEFAULT);
    assert_int_equal(listener_open(s->theirs, &server->at, http_server_listener(server->http),
                         &server->listener),
        ERR_NONE);
}

/* Ends its connections too. */
static void server_close(struct scene *s, size_t index)
{
    listener_close(s->servers[index].listener);
    s->servers[index].listener = NULL;
    http_server_free(s->servers[index].http);
    s->servers[index].http = NULL;
}

static void on_head(struct fetch_user *user, const struct fetch_answer *answer)
{
    struct scene *s = container_of(user, struct scene, user);

    s->status = answer->head->status;
    s->origin = answer->origin;
}

static size_t on_body(struct fetch_user *user, struct slice bytes)
{
    container_of(user, struct scene, user)->bytes += bytes.length;
    return bytes.length;
}

static void on_done(struct fetch_user *user, enum err why)
{
    struct scene *s = container_of(user, struct scene, user);

    s->is_done = true;
    s->err = why;
    s->fetch = NULL;
}

static const struct fetch_ops OPS = { on_head, on_body, on_done };

static struct loop *loop_at(struct scene *s, unsigned index, struct ip address)
{
    s->kernels[index] = sim_kernel(s->sim, &address);
    struct loop *loop = loop_new(s->kernels[index], &s->epoch, index);

    sim_kernel_turns(s->kernels[index], loop);
    return loop;
}

static struct scene *scene_open(uint64_t seed)
{
    struct scene *s = mem_new(struct scene);
    const struct sim_link link = { .delay = span_us((int64_t)(hash_mix(seed) % 20000)),
        .chunk_max = (uint32_t)(hash_mix(seed + 1) % 200) };

    s->sim = sim_new(seed);
    sim_link_set(s->sim, NULL, NULL, &link);
    epoch_init(&s->epoch);
    s->ours = loop_at(s, 0, ip_v4(10, 0, 0, 1));
    s->theirs = loop_at(s, 1, ip_v4(10, 0, 1, 1));
    s->pool = origin_pool_new();
    s->user.ops = &OPS;
    for (size_t i = 0; i < SERVERS; i++) {
        s->servers[i] = (struct server){ .service = { .serve = serve, .over = over },
            .at = { ip_v4(10, 0, 1, 1), (uint16_t)(80 + i) },
            .status = 200,
            .body = SLICE("ok") };
        server_open(s, i);
    }
    return s;
}

static void scene_close(struct scene *s)
{
    if (s->fetch != NULL)
        fetch_cancel(s->fetch);
    for (size_t i = 0; i < SERVERS; i++)
        server_close(s, i);
    origin_pool_free(s->pool);
    for (size_t i = 0; i < COUNT_OF(s->kernels); i++)
        loop_free(i == 0 ? s->ours : s->theirs);
    for (size_t i = 0; i < COUNT_OF(s->kernels); i++)
        kernel_free(s->kernels[i]);
    assert_int_equal(sim_descriptors(s->sim), 0);
    epoch_done(&s->epoch);
    sim_free(s->sim);
    mem_free(s);
}

static void in_many_worlds(void (*story)(struct scene *))
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct scene *s = scene_open(seed);

        story(s);
        scene_close(s);
    }
}

static void start_now(struct loop_message *message)
{
    struct scene *s = container_of(message, struct scene, start);
    struct fetch_origin origins[SERVERS];

    for (size_t i = 0; i < SERVERS; i++)
        origins[i] =
            (struct fetch_origin){ .address = s->servers[i].at, .host = SLICE("site.test") };
    s->request.origins = origins;
    s->request.origin_count = SERVERS;
    s->request.path = SLICE("/");
    s->fetch = fetch_start(s->ours, s->pool, &s->request, &s->user);
}

static void start(struct scene *s, enum http_method method, const char *text)
{
    s->request.method = method;
    s->request.method_text = slice_text(text);
    s->status = 0;
    s->bytes = 0;
    s->is_done = false;
    s->start.run = start_now;
    loop_post(s->ours, &s->start);
}

static void get(struct scene *s)
{
    start(s, HTTP_GET, "GET");
    sim_run_for(s->sim, span_s(100));
    assert_true(s->is_done);
}

static void assert_answered_by(const struct scene *s, size_t origin)
{
    assert_int_equal(s->err, ERR_NONE);
    assert_int_equal(s->status, 200);
    assert_int_equal(s->bytes, 2);
    assert_int_equal(s->origin, origin);
}

static uint64_t reused(const struct scene *s)
{
    struct origin_pool_stats stats;

    origin_pool_stats(s->pool, &stats);
    return stats.reused;
}

static void kept_story(struct scene *s)
{
    start(s, HTTP_GET, "GET");
    sim_run_for(s->sim, span_s(5));
    start(s, HTTP_GET, "GET");
    sim_run_for(s->sim, span_s(5));
    assert_answered_by(s, 0);
    assert_int_equal(reused(s), 1);
    origin_pool_sweep(s->pool, instant_after(sim_now(s->sim), span_s(31)));
    struct origin_pool_stats stats;

    origin_pool_stats(s->pool, &stats);
    assert_int_equal(stats.idle, 0);
}

static void a_connection_is_kept_used_again_and_closed_when_old(void **)
{
    in_many_worlds(kept_story);
}

static void dead_story(struct scene *s)
{
    start(s, HTTP_GET, "GET");
    sim_run_for(s->sim, span_s(5));
    server_close(s, 0);
    server_open(s, 0);
    get(s);
    assert_answered_by(s, 0);
    assert_int_equal(s->servers[0].requests, 2);
    assert_int_equal(reused(s), 1);
}

static void a_kept_connection_that_died_costs_one_more_try_at_the_same_origin(void **)
{
    in_many_worlds(dead_story);
}

static void next_story(struct scene *s)
{
    static const int FAILURES[] = { 500, 502, 503, 504 };

    s->servers[0].status = FAILURES[sim_draw(s->sim, COUNT_OF(FAILURES))];
    server_close(s, 1);
    get(s);
    assert_answered_by(s, 2);
    server_open(s, 1);
    s->servers[0].status = 200;
    get(s); // in the order given, whatever came before
    assert_answered_by(s, 0);
}

static void the_next_origin_is_asked_when_one_fails_or_is_gone(void **)
{
    in_many_worlds(next_story);
}

static void stalled_story(struct scene *s)
{
    s->servers[0].status = 503;
    s->servers[0].stalls = true;
    start(s, HTTP_GET, "GET");
    sim_run_for(s->sim, span_s(5));
    assert_true(s->is_done);
    assert_answered_by(s, 1);
}

static void the_rest_of_an_unwanted_answer_is_not_waited_for_long(void **)
{
    in_many_worlds(stalled_story);
}

static void last_story(struct scene *s)
{
    for (size_t i = 0; i < SERVERS; i++)
        s->servers[i].status = 503;
    get(s);
    assert_int_equal(s->err, ERR_NONE);
    assert_int_equal(s->status, 503);
    assert_int_equal(s->origin, 2);
    for (size_t i = 0; i < SERVERS; i++)
        server_close(s, i);
    get(s);
    assert_int_equal(s->err, ERR_REFUSED);
    assert_int_equal(s->status, 0);
    for (size_t i = 0; i < SERVERS; i++)
        server_open(s, i);
}

static void of_nothing_but_failures_the_last_is_handed_over(void **)
{
    in_many_worlds(last_story);
}

static void missing_story(struct scene *s)
{
    s->servers[0].status = 404;
    s->servers[0].body = SLICE("a page that says so");
    get(s);
    assert_int_equal(s->status, 404);
    s->request.missing_count = s->request.origin_count;
    get(s);
    assert_answered_by(s, 1);
}

static void what_is_missing_is_asked_of_the_next_if_the_site_says_so(void **)
{
    in_many_worlds(missing_story);
}

static void post_story(struct scene *s)
{
    start(s, HTTP_GET, "GET");
    sim_run_for(s->sim, span_s(5));
    s->servers[0].status = 503;
    start(s, HTTP_POST, "POST");
    sim_run_for(s->sim, span_s(5));
    assert_int_equal(s->status, 503);
    assert_int_equal(s->servers[1].requests, 0);
    assert_int_equal(reused(s), 0); // one that may be dead is not risked
    server_close(s, 0);
    start(s, HTTP_POST, "POST"); // refused: nothing was sent
    sim_run_for(s->sim, span_s(5));
    assert_answered_by(s, 1);
    server_open(s, 0);
}

static struct origin_load load(const struct scene *s, size_t origin)
{
    struct origin_load load = { .origin = &s->servers[origin].at };

    origin_pool_loads(s->pool, &load, 1, sim_now(s->sim));
    return load;
}

static void loads_story(struct scene *s)
{
    s->servers[1].status = 0;
    s->servers[0].status = 503;
    start(s, HTTP_GET, "GET");
    sim_run_for(s->sim, span_ms(900));
    assert_int_equal(load(s, 0).in_flight, 0);
    assert_true(load(s, 0).is_avoided && load(s, 0).response_us >= 1000000);
    assert_int_equal(load(s, 1).in_flight, 1);
    assert_int_equal(load(s, 1).response_us, 0);
    sim_run_for(s->sim, span_s(20));
    assert_answered_by(s, 2);
    assert_int_equal(load(s, 1).in_flight, 0);
    assert_int_equal(load(s, 2).in_flight, 0);
    assert_in_range(load(s, 2).response_us, 1, 200000);
    s->servers[0].status = 0;
    start(s, HTTP_GET, "GET");
    sim_run_for(s->sim, span_s(1));
    assert_int_equal(load(s, 0).in_flight, 1);
    fetch_cancel(s->fetch);
    s->fetch = NULL;
    assert_int_equal(load(s, 0).in_flight, 0);
}

static void the_pool_learns_what_is_in_flight_and_how_soon_answers_come(void **)
{
    in_many_worlds(loads_story);
}

static void a_post_is_repeated_only_when_nothing_of_it_was_sent(void **)
{
    in_many_worlds(post_story);
}

static void silent_story(struct scene *s)
{
    s->servers[0].status = 0;
    get(s);
    assert_answered_by(s, 1);
    for (size_t i = 0; i < SERVERS; i++)
        s->servers[i].status = 0;
    get(s);
    assert_int_equal(s->err, ERR_TIMEOUT);
}

static void one_that_stays_silent_costs_a_time_out(void **)
{
    in_many_worlds(silent_story);
}

static void cancelled_story(struct scene *s)
{
    s->servers[0].status = 503;
    start(s, HTTP_GET, "GET");
    sim_run_for(s->sim, span_us((int64_t)sim_draw(s->sim, 250000)));
    if (s->fetch != NULL)
        fetch_cancel(s->fetch);
    s->fetch = NULL;
    bool was_done = s->is_done;

    sim_run_for(s->sim, span_s(40));
    assert_int_equal(s->is_done, was_done); // nothing is heard any more
    for (size_t i = 0; i < SERVERS; i++)
        assert_int_equal(load(s, i).in_flight, 0);
}

static void it_may_be_cancelled_at_any_time(void **)
{
    in_many_worlds(cancelled_story);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_connection_is_kept_used_again_and_closed_when_old),
        cmocka_unit_test(a_kept_connection_that_died_costs_one_more_try_at_the_same_origin),
        cmocka_unit_test(the_next_origin_is_asked_when_one_fails_or_is_gone),
        cmocka_unit_test(the_rest_of_an_unwanted_answer_is_not_waited_for_long),
        cmocka_unit_test(of_nothing_but_failures_the_last_is_handed_over),
        cmocka_unit_test(what_is_missing_is_asked_of_the_next_if_the_site_says_so),
        cmocka_unit_test(a_post_is_repeated_only_when_nothing_of_it_was_sent),
        cmocka_unit_test(one_that_stays_silent_costs_a_time_out),
        cmocka_unit_test(the_pool_learns_what_is_in_flight_and_how_soon_answers_come),
        cmocka_unit_test(it_may_be_cancelled_at_any_time),
    };

    return cmocka_run_group_tests_name("origin/fetch", cases, NULL, NULL);
}
