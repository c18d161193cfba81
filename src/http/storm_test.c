// SPDX-License-Identifier: Apache-2.0
/*
 * Clients and server against each other, many at a time: random requests over links of random
 * quality, some of which reset, by clients some of whom read slowly or leave in the midst. What is
 * told to be complete is complete and right, and every exchange has its last word.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/client.h"
#include "http/world_test.h"

enum { SEEDS = 25, CALLERS = 12, CALLS = 10, HEAD_ROOM = 200, LENGTH_MAX = 60000 };

struct storm;

struct caller {
    struct http_client_user user;
    struct http_client *client; // NULL: between calls
    struct storm *storm;
    struct timer pause, leave;
    struct stream *idle;
    struct script_task body; // of the request
    char head[HEAD_ROOM];
    size_t length, at; // of the answer's body: as it should be, and so far
    unsigned calls;
    bool is_slow, is_whole; // is_whole: what comes to an end is right
};

struct storm {
    struct world *world;
    struct script near;
    struct caller callers[CALLERS];
    unsigned whole, broken, left;
};

static void caller_call(struct caller *c);

static uint64_t draw(struct storm *s, uint64_t below)
{
    return sim_draw(s->world->sim, below);
}

static struct instant soon(struct storm *s, uint64_t most_us)
{
    return instant_after(loop_now(s->world->loops[1]), span_us((int64_t)draw(s, most_us)));
}

/* Between two calls: what belonged to the one is given back. */
static void caller_rest(struct caller *c)
{
    struct storm *s = c->storm;

    c->client = NULL;
    timer_clear(s->world->loops[1], &c->leave);
    timer_clear(s->world->loops[1], &c->body.timer);
    free(c->body.piece);
    c->body.piece = NULL;
    timer_set(s->world->loops[1], &c->pause, soon(s, 20000));
}

static void caller_paused(struct timer *timer)
{
    struct caller *c = container_of(timer, struct caller, pause);

    if (c->client != NULL)
        http_client_resume(c->client);
    else if (c->calls < CALLS)
        caller_call(c);
}

static void caller_left(struct timer *timer)
{
    struct caller *c = container_of(timer, struct caller, leave);

    http_client_cancel(c->client);
    c->storm->left++;
    caller_rest(c);
}

static void caller_head(struct http_client_user *user, const struct http_head *head)
{
    struct caller *c = container_of(user, struct caller, user);

    assert_int_equal(head->status, 200);
    assert_non_null(c->client);
}

static size_t caller_body(struct http_client_user *user, struct slice bytes)
{
    struct caller *c = container_of(user, struct caller, user);
    size_t taken = c->is_slow ? draw(c->storm, bytes.length + 1) : bytes.length;

    for (size_t i = 0; i < taken; i++)
        if (bytes.at[i] != script_byte(c->at + i))
            fail_msg("wrong byte at %zu of %zu", c->at + i, c->length);
    c->at += taken;
    if (taken < bytes.length)
        timer_set(c->storm->world->loops[1], &c->pause, soon(c->storm, 3000));
    return taken;
}

static void caller_done(struct http_client_user *user, enum err why, bool got_bytes)
{
    struct caller *c = container_of(user, struct caller, user);

    assert_true(got_bytes || c->at == 0);
    if (why == ERR_NONE) {
        assert_true(c->is_whole);
        assert_int_equal(c->at, c->length);
        c->idle = http_client_take_stream(c->client);
        c->storm->whole++;
    } else {
        c->storm->broken++;
    }
    caller_rest(c);
}

static const struct http_client_ops CALLER_OPS = {
    .head = caller_head, .body = caller_body, .done = caller_done
};

static void caller_wake(struct timer *timer)
{
    struct caller *c = container_of(timer, struct caller, body.timer);

    if (c->client != NULL)
        http_client_wake(c->client);
}

static void caller_call(struct caller *c)
{
    static const char *const KINDS[] = { "hand", "source", "stream", "later", "echo", "cut",
        "short" };
    struct storm *s = c->storm;
    const char *kind = KINDS[draw(s, COUNT_OF(KINDS))];
    bool is_echo = kind == KINDS[4];
    struct http_client_request request = { .times = { span_s(5), span_s(5), span_s(5) } };
    struct stream *idle = c->idle;

    c->idle = NULL;
    c->calls++;
    c->at = 0;
    c->length = draw(s, LENGTH_MAX);
    c->is_slow = draw(s, 3) == 0;
    c->is_whole = kind != KINDS[5] && kind != KINDS[6];
    c->body = (struct script_task){ .script = &s->near,
        .source = { &SCRIPT_SOURCE_OPS },
        .kind = SCRIPT_SOURCE,
        .length = c->length,
        .timer.fire = caller_wake };
    snprintf(c->head, sizeof c->head, "%s /%s/%zu HTTP/1.%d\r\nHost: a\r\n",
        is_echo ? "PUT" : "GET", kind, c->length, draw(s, 5) != 0);
    if (is_echo)
        snprintf(c->head + strlen(c->head), HEAD_ROOM - strlen(c->head), "Content-Length: %zu\r\n",
            c->length);
    strcat(c->head, "\r\n");
    request.head = slice_text(c->head);
    request.method = is_echo ? HTTP_PUT : HTTP_GET;
    request.body = is_echo ? &c->body.source : NULL;
    c->client = http_client_start(s->world->loops[1], &s->world->at, idle, &request, &c->user);
    if (draw(s, 8) == 0)
        timer_set(s->world->loops[1], &c->leave, soon(s, 5000));
}

static void storm_start(struct storm *s, uint64_t seed)
{
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;

    limits.connections = seed % 4 == 0 ? CALLERS / 2 : 100;
    *s = (struct storm){ .world = world_serve(seed, &limits) };
    struct sim_link link = { .delay = span_us((int64_t)(seed % 3 * 50)),
        .jitter = span_us((int64_t)(seed % 2 * 30)),
        .chunk_max = (uint32_t)(seed % 5 * 300),
        .buffer_bytes = (uint32_t)(seed % 4 * 5000),
        .reset_after = seed % 6 == 5 ? 100000 : 0 };

    sim_link_set(s->world->sim, NULL, NULL, &link);
    s->world->script.waits = seed % 2 == 0;
    script_init(&s->near, s->world->loops[1], seed);
    s->near.waits = seed % 3 == 0;
    for (size_t i = 0; i < CALLERS; i++) {
        struct caller *c = &s->callers[i];

        *c = (struct caller){ .user = { &CALLER_OPS }, .storm = s };
        c->pause.fire = caller_paused;
        c->leave.fire = caller_left;
        timer_set(s->world->loops[1], &c->pause, (struct instant){ 1 });
    }
}

static void storm_end(struct storm *s)
{
    struct world *w = s->world;

    for (size_t i = 0; i < CALLERS; i++) {
        struct caller *c = &s->callers[i];

        assert_null(c->client);
        assert_int_equal(c->calls, CALLS);
        timer_clear(w->loops[1], &c->pause);
        if (c->idle != NULL)
            stream_discard(c->idle);
    }
    script_done(&s->near);
    world_free(w);
}

static void whatever_happens_no_answer_is_wrong_or_forgotten(void **)
{
    unsigned whole = 0, broken = 0, left = 0;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        static struct storm s;

        storm_start(&s, seed);
        sim_run_for(s.world->sim, span_s(60));
        assert_int_equal(s.whole + s.broken + s.left, CALLERS * CALLS);
        whole += s.whole;
        broken += s.broken;
        left += s.left;
        storm_end(&s);
    }
    // The weather was as bad as it should be, and no worse.
    assert_true(whole > SEEDS * CALLERS * CALLS / 3);
    assert_true(broken > SEEDS * CALLERS * CALLS / 10 && left > SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_no_answer_is_wrong_or_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
