// SPDX-License-Identifier: Apache-2.0
/* Whole nodes in a simulated world, and visitors who leave, repeat, pipeline, upload or mislead. */
#include "app/sim_raw_test.h"

enum { CROWD = 24 };

#define SIZED                                                         \
    "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nETag: \"k\"\r\n" \
    "Content-Length: 26\r\n\r\nabcdefghijklmnopqrstuvwxyz"

static struct raw_script slowly(struct sim *sim)
{
    return (struct raw_script){ .answer = SLICE(SIZED),
        .cut_at = SIZE_MAX,
        .wait = span_ms(400),
        .drip = span_ms(40 + (int64_t)sim_draw(sim, 40)),
        .step = 4 };
}

static void assert_alphabet(const struct ask *a)
{
    assert_int_equal(a->err, ERR_NONE);
    assert_int_equal(a->status, 200);
    assert_int_equal(a->body_bytes, 26);
    assert_string_equal(a->start, "abcdefghijklmnopqrstuvwxyz");
}

/* The leader's wish is over, one of those who joined may not have the answer, others may. */
static void deserted_story(struct world *w)
{
    struct raw_script script = slowly(w->sim);
    struct raw_pair *pair = raw_pair_open(w, &script);
    struct ask first, asks[12];

    ask_start(w, &first, "/x", "");
    sim_run_for(w->sim, span_ms(100));
    for (size_t i = 0; i < COUNT_OF(asks); i++)
        ask_start(w, &asks[i], "/x", i % 3 == 0 ? "Authorization: Basic eDp5\r\n" : "");
    sim_run_for(w->sim, span_ms(110));
    http_client_cancel(first.client);
    world_wait(w, asks, COUNT_OF(asks));
    for (size_t i = 0; i < COUNT_OF(asks); i++)
        assert_alphabet(&asks[i]);
    raw_pair_close(pair);
}

static void who_stays_is_woken_when_others_of_the_same_fill_go(void **)
{
    in_many_worlds(deserted_story);
}

/* Two requests in one: the answer to the second has to wait for the first. */
static void pipelined_story(struct world *w)
{
    struct raw_script script = slowly(w->sim);
    struct raw_pair *pair = raw_pair_open(w, &script);
    struct ask first, blocked[4];
    char head[512];

    ask_start(w, &first, "/x", "");
    sim_run_for(w->sim, span_ms(520));
    for (size_t i = 0; i < COUNT_OF(blocked); i++) {
        ask_start(w, &blocked[i], "/hang", "");
        snprintf(head, sizeof head, "%sGET /x HTTP/1.1\r\nHost: static.test\r\n%s\r\n",
            blocked[i].head, i % 2 == 0 ? "If-None-Match: \"k\"\r\n" : "Range: bytes=99-\r\n");
        memcpy(blocked[i].head, head, sizeof head);
    }
    world_wait(w, &first, 1);
    assert_alphabet(&first);
    sim_run_for(w->sim, span_s(1));
    for (size_t i = 0; i < COUNT_OF(blocked); i++) {
        assert_false(blocked[i].is_done);
        http_client_cancel(blocked[i].client);
    }
    raw_pair_close(pair);
}

static void an_answer_behind_another_is_given_once_though_its_fill_goes_on(void **)
{
    in_many_worlds(pipelined_story);
}

static void misleading_story(struct world *w)
{
    static const char *const MISLEADING[] = { "Cache-Control: no-store\r\n",
        "Authorization: Basic eDp5\r\n" };
    char path[32];
    struct ask a;

    for (size_t i = 0; i < COUNT_OF(MISLEADING); i++) {
        snprintf(path, sizeof path, "/kept/10%zu", i);
        ask_and_wait(w, &a, path, MISLEADING[i]);
        assert_whole(&a, 100 + i);
        ask_and_wait(w, &a, path, "");
        assert_true(ask_has(&a, "fwd=uri-miss; stored"));
        ask_and_wait(w, &a, path, "");
        assert_true(ask_has(&a, "hit;"));
    }
}

static void no_request_makes_a_page_uncacheable_for_others(void **)
{
    in_many_worlds(misleading_story);
}

static void directive_story(struct world *w)
{
    struct ask a;
    unsigned before;

    ask_and_wait(w, &a, "/private/100", "");
    before = origin_requests(w);
    ask_and_wait(w, &a, "/private/100", "Cache-Control: only-if-cached\r\n");
    assert_int_equal(a.status, 504);
    assert_int_equal(origin_requests(w), before);
    ask_and_wait(w, &a, "/kept/100", "");
    ask_and_wait(w, &a, "/kept/100", "Cache-Control: no-cache\r\n");
    assert_whole(&a, 100);
    assert_true(ask_has(&a, "fwd=request; stored"));
    assert_int_equal(w->origins[0].not_modified, 1);
    ask_and_wait(w, &a, "/kept/100", "CDN-Loop: other, CDN.test;x=y\r\n");
    assert_int_equal(a.status, 508);
    assert_true(ask_has(&a, "Date: "));
}

static void what_visitors_may_say_is_obeyed_and_told(void **)
{
    in_many_worlds(directive_story);
}

/* Another method than GET, without a body. */
static void ask_method(struct world *w, struct ask *a, const char *method, const char *path)
{
    ask_start(w, a, path, "");
    snprintf(a->head, sizeof a->head,
        "%s %s HTTP/1.1\r\nHost: static.test\r\nMax-Forwards: 0\r\n\r\n", method, path);
    world_wait(w, a, 1);
}

static void unsafe_story(struct world *w)
{
    struct raw_script script = { .answer = SLICE("HTTP/1.1 201 Created\r\n"
                                                 "Location: http://static.test/a\r\n"
                                                 "Content-Location: /b/../c\r\n"
                                                 "Content-Length: 0\r\n\r\n"),
        .cut_at = SIZE_MAX };
    const struct raw_script get = { .answer = SLICE(SIZED), .cut_at = SIZE_MAX };
    static const char *const PATHS[] = { "/x", "/a", "/c", "/other" };
    struct raw_pair *pair = raw_pair_open(w, &get);
    struct ask a;

    for (size_t i = 0; i < COUNT_OF(PATHS); i++)
        ask_and_wait(w, &a, PATHS[i], "");
    raw_pair_say(pair, &script);
    ask_method(w, &a, "POST", "/x");
    assert_int_equal(a.status, 201);
    raw_pair_say(pair, &get);
    for (size_t i = 0; i < COUNT_OF(PATHS); i++) {
        ask_and_wait(w, &a, PATHS[i], "");
        assert_true(ask_has(&a, strcmp(PATHS[i], "/other") == 0 ? "hit;" : "fwd=uri-miss"));
    }
    unsigned before = pair->each[0].requests + pair->each[1].requests;

    ask_method(w, &a, "OPTIONS", "/x");
    assert_int_equal(a.status, 204);
    assert_int_equal(pair->each[0].requests + pair->each[1].requests, before);
    raw_pair_close(pair);
}

static void unsafe_methods_invalidate_what_they_say_they_changed(void **)
{
    in_many_worlds(unsafe_story);
}

static void asks_cancel(struct ask *asks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!asks[i].is_done && asks[i].client != NULL)
            http_client_cancel(asks[i].client);
}

/* Ends with the world: whatever is under way then must not outlive it. */
static void abandoned_story(struct world *w)
{
    static const char *const PATHS[] = { "/grows/60000", "/kept/50000", "/private/50000",
        "/vary/20000" };
    struct ask *asks = mem_array(CROWD, sizeof *asks);

    for (size_t i = 0; i < CROWD; i++)
        ask_start(w, &asks[i], PATHS[i % COUNT_OF(PATHS)],
            i % 8 > 3 ? "Accept-Language: de\r\n" : "Accept-Language: fr\r\n");
    sim_run_for(w->sim, span_us((int64_t)sim_draw(w->sim, 150000)));
    asks_cancel(asks, CROWD);
    mem_free(asks);
}

static void a_node_ends_amid_requests_and_leaves_nothing_behind(void **)
{
    in_many_worlds(abandoned_story);
}

static void reloads_story(struct world *w)
{
    static const char *const PATHS[] = { "/grows/30000", "/vary/5000", "/private/5000",
        "/kept/9000" };
    struct ask *asks = mem_array(CROWD, sizeof *asks);

    for (int round = 0; round < 100; round++) {
        struct root *root = world_root(round % 2 == 0 ? "" : ", object_max: 1 MiB");
        struct ask *a = &asks[round % CROWD];

        if (round >= CROWD)
            world_wait(w, a, 1);
        ask_start(w, a, PATHS[sim_draw(w->sim, COUNT_OF(PATHS))],
            sim_draw(w->sim, 2) == 0 ? "Accept-Language: de\r\n" : "Accept-Language: fr\r\n");
        sim_run_for(w->sim, span_us((int64_t)sim_draw(w->sim, 20000)));
        node_publish(w->node, &root);
    }
    world_wait(w, asks, CROWD);
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(asks[i].err, ERR_NONE);
        assert_int_equal(asks[i].status, 200);
    }
    mem_free(asks);
}

static void a_hundred_reloads_disturb_nobody(void **)
{
    in_many_worlds(reloads_story);
}

/* The body of a request, given a part at a time. */
struct upload {
    struct http_source source;
    struct timer timer;
    struct ask ask;
    struct slice left;
    size_t ready, step; // bytes of `left`
    struct span pause;
};

static size_t upload_pull(struct http_source *source, struct iovec *iov, size_t, bool *is_last)
{
    struct upload *u = container_of(source, struct upload, source);

    *iov = stream_iovec(slice_head(u->left, u->ready));
    *is_last = u->ready >= u->left.length;
    return iov->iov_len > 0;
}

static void upload_sent(struct http_source *source, size_t bytes)
{
    struct upload *u = container_of(source, struct upload, source);

    u->left = slice_from(u->left, bytes);
    u->ready -= bytes;
}

static void upload_more(struct timer *timer)
{
    struct upload *u = container_of(timer, struct upload, timer);

    u->ready = u->left.length - u->ready > u->step ? u->ready + u->step : u->left.length;
    if (u->ask.is_done)
        return;
    http_client_wake(u->ask.client);
    if (u->ready < u->left.length)
        timer_set(u->ask.loop, timer, instant_after(loop_now(u->ask.loop), u->pause));
}

static const struct http_source_ops UPLOAD_OPS = { .pull = upload_pull, .sent = upload_sent };

static void upload_start(struct loop_message *message)
{
    struct upload *u = container_of(message, struct upload, ask.start_message);
    struct endpoint node = { ip_v4(10, 0, 0, 1), 80 };
    const struct http_client_request request = {
        .head = slice_text(u->ask.head), .method = HTTP_POST, .body = &u->source, .times = ASK_TIMES
    };

    u->source.ops = &UPLOAD_OPS;
    u->timer.fire = upload_more;
    u->ask.client = http_client_start(u->ask.loop, &node, NULL, &request, &u->ask.user);
    timer_set(u->ask.loop, &u->timer, loop_now(u->ask.loop));
}

/* The body's framing is the visitor's: one byte of each chunk in `chunked` is data. */
static void upload_story(struct world *w, bool is_chunked)
{
    size_t bytes = is_chunked && sim_draw(w->sim, 3) == 0 ? 0 : 1 + sim_draw(w->sim, 60000);
    struct upload *u = mem_new(struct upload);
    char *text = mem_alloc(bytes * 6 + 6), expected[32];
    size_t length = 0;

    ask_start(w, &u->ask, "/echo", "");
    u->ask.start_message.run = upload_start;
    for (size_t i = 0; i < bytes; i++)
        length += (size_t)sprintf(text + length, is_chunked ? "1\r\nx\r\n" : "x");
    if (is_chunked)
        length += (size_t)sprintf(text + length, "0\r\n\r\n");
    if (is_chunked)
        snprintf(u->ask.head, sizeof u->ask.head,
            "POST /echo HTTP/1.1\r\nHost: static.test\r\nTransfer-Encoding: chunked\r\n\r\n");
    else
        snprintf(u->ask.head, sizeof u->ask.head,
            "POST /echo HTTP/1.1\r\nHost: static.test\r\nContent-Length: %zu\r\n\r\n", length);
    u->left = slice_of(text, length);
    u->step = 1 + sim_draw(w->sim, 20000);
    u->pause = span_us((int64_t)sim_draw(w->sim, 2000));
    if (u->step < 500)
        u->step += 500;
    world_wait(w, &u->ask, 1);
    snprintf(expected, sizeof expected, "%zu", bytes);
    assert_int_equal(u->ask.err, ERR_NONE);
    assert_int_equal(u->ask.status, 200);
    assert_string_equal(u->ask.start, expected);
    timer_clear(u->ask.loop, &u->timer);
    mem_free(text);
    mem_free(u);
}

static void sized_upload_story(struct world *w)
{
    upload_story(w, false);
}

static void chunked_upload_story(struct world *w)
{
    upload_story(w, true);
}

static void a_body_of_known_length_reaches_the_origin_whole(void **)
{
    in_many_worlds(sized_upload_story);
}

static void so_does_one_in_chunks(void **)
{
    in_many_worlds(chunked_upload_story);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(who_stays_is_woken_when_others_of_the_same_fill_go),
        cmocka_unit_test(an_answer_behind_another_is_given_once_though_its_fill_goes_on),
        cmocka_unit_test(no_request_makes_a_page_uncacheable_for_others),
        cmocka_unit_test(what_visitors_may_say_is_obeyed_and_told),
        cmocka_unit_test(unsafe_methods_invalidate_what_they_say_they_changed),
        cmocka_unit_test(a_node_ends_amid_requests_and_leaves_nothing_behind),
        cmocka_unit_test(a_hundred_reloads_disturb_nobody),
        cmocka_unit_test(a_body_of_known_length_reaches_the_origin_whole),
        cmocka_unit_test(so_does_one_in_chunks),
    };

    return cmocka_run_group_tests_name("app/sim_visitor", cases, NULL, NULL);
}
