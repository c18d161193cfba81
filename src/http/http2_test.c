// SPDX-License-Identifier: Apache-2.0
#include "http/http2_scene_test.h"

enum { SEEDS = 6 };

static void a_request_is_answered_on_its_stream(void **)
{
    struct scene *s = scene_open(1, NULL);

    frames_get(&s->f, 1, "/status/404");
    frames_get(&s->f, 3, "/hand/1000");
    frames_headers(&s->f, 5, NGHTTP2_FLAG_END_STREAM,
        ":method HEAD\n:scheme http\n:authority a\n:path /hand/70\n");
    hear(s, 100);
    assert_answer(s, 1, 404, 14);
    assert_string_equal(
        heard_stream(&s->h, 1)->fields, "content-length: 14\ncontent-type: text/plain\n");
    assert_answer(s, 3, 200, 1000);
    assert_answer(s, 5, 200, 0);
    assert_string_equal(
        heard_stream(&s->h, 5)->fields, "content-length: 70\nx-test: hand\nage: 0\n");
    assert_int_equal(s->h.settings, 1);
    assert_int_equal(s->h.settings_acks, 1);
    assert_int_equal(counts(s)->requests.total, 3);
    assert_int_equal(counts(s)->h2_connections.total, 1);
    assert_int_equal(s->w->script.completed, 3);
    scene_close(s);
}

static void assert_fields(struct scene *s, uint32_t stream, const char *fields)
{
    assert_answer(s, stream, 200, 10);
    assert_string_equal(heard_stream(&s->h, stream)->fields, fields);
}

static void a_client_may_change_how_many_fields_it_keeps(void **)
{
    static const uint32_t SIZES[] = { 4096, 0, 4096, 40, 65536, 100 };
    struct scene *s = scene_open(1, NULL);
    uint32_t stream = 1;

    for (size_t i = 0; i < COUNT_OF(SIZES); i++) {
        frames_setting(&s->f, NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, SIZES[i]);
        for (int answer = 0; answer < 3; answer++, stream += 2)
            frames_get(&s->f, stream, "/hand/10");
        hear(s, 100);
    }
    frames_setting(&s->f, NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 0);
    frames_setting(&s->f, NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 4096);
    frames_get(&s->f, stream, "/hand/10");
    hear(s, 100);
    for (; stream != UINT32_MAX; stream -= 2)
        assert_fields(s, stream, "content-length: 10\nx-test: hand\nage: 0\n");
    scene_close(s);
}

/* The large one is nghttp2's to pack, and may not bring the tables out of step. */
static void large_heads_and_small_ones_may_take_turns(void **)
{
    struct scene *s = scene_open(1, NULL);
    static char more[9000];
    struct slice lines = slice_of(more, sizeof more);

    memset(more, 'a', sizeof more);
    memcpy(more, "X-Long: ", strlen("X-Long: "));
    memcpy(more + sizeof more - 2, "\r\n", 2);
    for (uint32_t stream = 1; stream < 13; stream += 2) {
        s->w->script.more = stream % 4 == 1 ? lines : SLICE_NONE;
        frames_get(&s->f, stream, stream < 9 ? "/hand/10" : "/hand/0");
        hear(s, 100);
    }
    for (uint32_t stream = 3; stream < 9; stream += 4)
        assert_fields(s, stream, "content-length: 10\nx-test: hand\nage: 0\n");
    for (uint32_t stream = 1; stream < 13; stream += 4) {
        assert_answer(s, stream, 200, stream < 9 ? 10 : 0);
        assert_non_null(strstr(heard_stream(&s->h, stream)->fields, "\nx-long: aaaaa"));
    }
    scene_close(s);
}

static void bodies_come_whole_however_they_are_made(void **)
{
    static const char *const KINDS[] = { "hand", "source", "stream", "later" };
    static const size_t SIZES[] = { 0, 1, 1000, 16384, 16385, 300000 };
    struct sim_link slow = { .buffer_bytes = 20000, .delay = span_us(50) };

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct scene *s = scene_open(seed, NULL);
        char path[40];

        s->w->script.waits = seed % 2 == 0;
        if (seed % 3 != 0)
            sim_link_set(s->w->sim, NULL, NULL, &slow);
        frames_begin_wide(&s->f);
        for (uint32_t i = 0; i < COUNT_OF(KINDS) * COUNT_OF(SIZES); i++) {
            snprintf(path, sizeof path, "/%s/%zu", KINDS[i / COUNT_OF(SIZES)],
                SIZES[i % COUNT_OF(SIZES)]);
            frames_get(&s->f, 2 * i + 1, path);
        }
        hear(s, 4000);
        for (uint32_t i = 0; i < COUNT_OF(KINDS) * COUNT_OF(SIZES); i++)
            assert_answer(s, 2 * i + 1, 200, SIZES[i % COUNT_OF(SIZES)]);
        assert_int_equal(s->w->script.completed, COUNT_OF(KINDS) * COUNT_OF(SIZES));
        scene_close(s);
    }
}

static void an_answer_waits_for_the_windows_of_both_kinds(void **)
{
    struct scene *s = scene_open(1, NULL);

    frames_get(&s->f, 1, "/source/100000");
    hear(s, 100);
    assert_int_equal(heard_stream(&s->h, 1)->length, 65535);
    frames_window(&s->f, 1, 100000);
    hear(s, 100);
    assert_int_equal(heard_stream(&s->h, 1)->length, 65535);
    frames_window(&s->f, 0, 10);
    hear(s, 100);
    assert_int_equal(heard_stream(&s->h, 1)->length, 65545);
    frames_window(&s->f, 0, 100000);
    hear(s, 100);
    assert_answer(s, 1, 200, 100000);
    scene_close(s);
}

/* What is asked wrongly, and the status that tells so; or the code of the stream's reset. */
static void what_http1_refuses_is_refused(void **)
{
    static const struct {
        const char *lines;
        int status;
        uint32_t code;
    } CASES[] = {
        { GET_LINES("/hand/1") "X-Upper 1\n", 0, NGHTTP2_PROTOCOL_ERROR },
        { GET_LINES("/hand/1") "connection close\n", 0, NGHTTP2_PROTOCOL_ERROR },
        { GET_LINES("/hand/1") "transfer-encoding chunked\n", 0, NGHTTP2_PROTOCOL_ERROR },
        { GET_LINES("/hand/1") "te gzip\n", 0, NGHTTP2_PROTOCOL_ERROR },
        { GET_LINES("/hand/1") "te trailers\n", 200, 0 },
        { GET_LINES("/hand/1") ":path /hand/1\n", 0, NGHTTP2_PROTOCOL_ERROR },
        { GET_LINES("/hand/1") "x 1\n:unknown 2\n", 0, NGHTTP2_PROTOCOL_ERROR },
        { ":method GET\n:scheme http\n:authority a\n", 0, NGHTTP2_PROTOCOL_ERROR },
        { ":method GET\n:scheme http\n:path /hand/1\n", 0, NGHTTP2_PROTOCOL_ERROR },
        { ":method GET\n:scheme http\n:path /hand/1\nhost a\n", 200, 0 },
        { GET_LINES("/hand/1") "host A\n", 200, 0 },
        { GET_LINES("/hand/1") "host b\n", 400, 0 },
        { ":method GET\n:scheme http\n:authority a b\n:path /hand/1\n", 0, NGHTTP2_PROTOCOL_ERROR },
        { ":method GET\n:scheme http\n:authority u@a\n:path /hand/1\n", 400, 0 },
        { GET_LINES("hand/1"), 0, NGHTTP2_PROTOCOL_ERROR },
        { GET_LINES("/hand /1"), 0, NGHTTP2_PROTOCOL_ERROR },
        { GET_LINES("/hand/1#a"), 400, 0 },
        { GET_LINES("*"), 0, NGHTTP2_PROTOCOL_ERROR },
        { ":method CONNECT\n:authority a:1\n", 501, 0 },
        { GET_LINES("/hand/1") "content-length 5\n", 0, NGHTTP2_PROTOCOL_ERROR },
        { GET_LINES("/hand/1") "content-length 0\ncontent-length 0\n", 0, NGHTTP2_PROTOCOL_ERROR },
        { GET_LINES("/hand/1") "content-length x\n", 0, NGHTTP2_PROTOCOL_ERROR },
        { GET_LINES("/hand/1") "x a\001b\n", 400, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct scene *s = scene_open(1, NULL);

        frames_headers(&s->f, 1, NGHTTP2_FLAG_END_STREAM, CASES[i].lines);
        frames_get(&s->f, 3, "/hand/2");
        say(s, 100, false);
        const struct heard_stream *h = heard_stream(&s->h, 1);

        if (h->status != CASES[i].status || h->is_reset != (CASES[i].code != 0) ||
            h->code != CASES[i].code)
            fail_msg("case %zu: status %d, code %u", i, h->status, h->code);
        assert_int_equal(counts(s)->bad_heads.total, CASES[i].status != 200);
        assert_answer(s, 3, 200, 2); // whatever was wrong concerned the one stream
        scene_close(s);
    }
}

static void a_head_has_the_limits_that_it_has_in_http1(void **)
{
    struct scene *s = scene_open(1, NULL);
    static char lines[16000];
    size_t at = (size_t)sprintf(lines, GET_LINES("/hand/1"));

    memset(lines + at - 1, 'x', HTTP_TARGET_MAX);
    sprintf(lines + at - 1 + HTTP_TARGET_MAX, "\n");
    frames_headers(&s->f, 1, NGHTTP2_FLAG_END_STREAM, lines);
    at = (size_t)sprintf(lines, GET_LINES("/hand/1"));
    for (unsigned i = 0; i < HTTP_FIELDS_MAX; i++)
        at += (size_t)sprintf(lines + at, "x%u 1\n", i);
    frames_headers(&s->f, 3, NGHTTP2_FLAG_END_STREAM, lines);
    hear(s, 100);
    assert_int_equal(heard_stream(&s->h, 1)->status, 414);
    assert_int_equal(heard_stream(&s->h, 3)->status, 431);
    scene_close(s);
}

static void a_cookie_in_pieces_is_one_field_again(void **)
{
    struct scene *s = scene_open(1, NULL);

    frames_headers(&s->f, 1, NGHTTP2_FLAG_END_STREAM,
        GET_LINES("/kept") "cookie a=1\nx-between 1\ncookie b=2\ncookie c=3\n");
    say(s, 100, false);
    assert_string_equal(heard_stream(&s->h, 1)->body, "GET a /kept a=1; b=2; c=3");
    scene_close(s);
}

static void request_bodies_come_whole(void **)
{
    static const size_t SIZES[] = { 1, 1000, 20000, 60000 };

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct scene *s = scene_open(seed, NULL);

        s->w->script.waits = seed % 2 == 0;
        for (uint32_t i = 0; i < COUNT_OF(SIZES); i++) {
            frames_headers(
                &s->f, 2 * i + 1, 0, ":method POST\n:scheme http\n:authority a\n:path /echo\n");
            frames_data(&s->f, 2 * i + 1, SIZES[i], 1 + SIZES[i] / 7 % 16000);
        }
        frames_window(&s->f, 0, 1000000);
        hear(s, 2000);
        for (uint32_t i = 0; i < COUNT_OF(SIZES); i++)
            assert_answer(s, 2 * i + 1, 200, SIZES[i]);
        assert_true(s->h.widened >= 60000);
        scene_close(s);
    }
}

static void a_body_must_be_as_long_as_was_said(void **)
{
    struct scene *s = scene_open(1, NULL);
    static const char POST[] = ":method POST\n:scheme http\n:authority a\n:path /echo\n"
                               "content-length 10\n";

    frames_headers(&s->f, 1, 0, POST);
    frames_data(&s->f, 1, 10, 4);
    frames_headers(&s->f, 3, 0, POST);
    frames_data(&s->f, 3, 9, 4);
    frames_headers(&s->f, 5, 0, POST);
    frames_data(&s->f, 5, 11, 4);
    hear(s, 1000);
    assert_answer(s, 1, 200, 10);
    assert_int_equal(heard_stream(&s->h, 3)->code, NGHTTP2_PROTOCOL_ERROR);
    assert_int_equal(heard_stream(&s->h, 5)->code, NGHTTP2_PROTOCOL_ERROR);
    assert_int_equal(s->w->script.completed, 1);
    assert_int_equal(s->w->script.cut, 2);
    scene_close(s);
}

static void trailers_end_a_body_and_are_dropped(void **)
{
    struct scene *s = scene_open(1, NULL);

    frames_headers(&s->f, 1, 0, ":method POST\n:scheme http\n:authority a\n:path /echo\n");
    frames_add(&s->f, NGHTTP2_DATA, 0, 1, SLICE("\000"));
    frames_headers(&s->f, 1, NGHTTP2_FLAG_END_STREAM, "x-late 1\n");
    frames_headers(&s->f, 3, 0, ":method POST\n:scheme http\n:authority a\n:path /echo\n");
    frames_headers(&s->f, 3, NGHTTP2_FLAG_END_STREAM, ":path /other\n");
    hear(s, 1000);
    assert_answer(s, 1, 200, 1);
    assert_int_equal(heard_stream(&s->h, 3)->code, NGHTTP2_PROTOCOL_ERROR);
    scene_close(s);
}

static void a_client_is_told_to_go_on_when_its_body_is_read(void **)
{
    struct scene *s = scene_open(1, NULL);

    frames_headers(&s->f, 1, 0,
        ":method POST\n:scheme http\n:authority a\n:path /echo\nexpect 100-continue\n");
    hear(s, 100);
    assert_int_equal(heard_stream(&s->h, 1)->interim, 100);
    assert_int_equal(heard_stream(&s->h, 1)->status, 0);
    frames_data(&s->f, 1, 10, 10);
    hear(s, 100);
    assert_answer(s, 1, 200, 10);
    scene_close(s);
}

static void a_body_that_nobody_reads_does_not_close_the_others_window(void **)
{
    struct scene *s = scene_open(1, NULL);

    for (uint32_t stream = 1; stream < 40; stream += 2) {
        frames_headers(
            &s->f, stream, 0, ":method POST\n:scheme http\n:authority a\n:path /later/5\n");
        frames_data(&s->f, stream, 60000, 16000);
        hear(s, 100);
        assert_answer(s, stream, 200, 5);
    }
    assert_true(s->h.widened >= 20 * 60000 - 256 * 1024);
    scene_close(s);
}

static void an_answer_that_comes_first_ends_the_upload(void **)
{
    struct scene *s = scene_open(1, NULL);

    frames_headers(&s->f, 1, 0, ":method POST\n:scheme http\n:authority a\n:path /hand/5\n");
    hear(s, 100);
    assert_answer(s, 1, 200, 5);
    assert_true(heard_stream(&s->h, 1)->is_reset);
    assert_int_equal(heard_stream(&s->h, 1)->code, NGHTTP2_NO_ERROR);
    scene_close(s);
}

static void what_fails_concerns_its_stream_alone(void **)
{
    struct scene *s = scene_open(1, NULL);

    frames_get(&s->f, 1, "/cut/1000");
    frames_get(&s->f, 3, "/short/1000");
    frames_get(&s->f, 5, "/later/1000");
    frames_get(&s->f, 7, "/never");
    frames_get(&s->f, 9, "/source/100000");
    frames_reset(&s->f, 7);
    frames_reset(&s->f, 9);
    hear(s, 1000);
    assert_int_equal(heard_stream(&s->h, 1)->code, NGHTTP2_INTERNAL_ERROR);
    assert_int_equal(heard_stream(&s->h, 3)->code, NGHTTP2_INTERNAL_ERROR);
    assert_false(heard_stream(&s->h, 3)->has_ended);
    assert_answer(s, 5, 200, 1000);
    assert_int_equal(s->w->script.completed, 1);
    assert_int_equal(s->w->script.cut, 4);
    assert_int_equal(counts(s)->aborted.total, 4);
    assert_false(s->v.has_ended);
    scene_close(s);
}

/* RFC 9218 §4.1 and §7.1 */
static void what_is_more_urgent_goes_first(void **)
{
    struct scene *s = scene_open(1, NULL);

    s->f.length = 0;
    frames_bytes(&s->f, PREFACE, strlen(PREFACE));
    frames_setting(&s->f, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1000000);
    frames_headers(&s->f, 1, NGHTTP2_FLAG_END_STREAM, GET_LINES("/source/70000") "priority u=5\n");
    frames_headers(&s->f, 3, NGHTTP2_FLAG_END_STREAM, GET_LINES("/source/70000") "priority u=1\n");
    frames_headers(&s->f, 5, NGHTTP2_FLAG_END_STREAM, GET_LINES("/source/70000") "priority u=6\n");
    frames_add(&s->f, NGHTTP2_PRIORITY_UPDATE, 0, 0, SLICE("\0\0\0\005u=0"));
    frames_window(&s->f, 0, 1000000);
    hear(s, 1000);
    static const uint32_t ORDER[] = { 5, 3, 1 };

    for (size_t i = 0, at = 0; i < COUNT_OF(ORDER); i++)
        for (size_t bytes = 0; bytes < 70000; bytes += 16384, at++)
            assert_int_equal(s->h.order[at], ORDER[i]);
    scene_close(s);
}

/* RFC 9218 §4.2 */
static void incremental_answers_share(void **)
{
    struct scene *s = scene_open(1, NULL);

    frames_begin_wide(&s->f);
    frames_headers(&s->f, 1, NGHTTP2_FLAG_END_STREAM, GET_LINES("/hand/70000") "priority i\n");
    frames_headers(&s->f, 3, NGHTTP2_FLAG_END_STREAM, GET_LINES("/hand/70000") "priority i\n");
    hear(s, 1000);
    assert_int_equal(s->h.order[0], 1);
    assert_int_equal(s->h.order[1], 3);
    assert_int_equal(s->h.order[2], 1);
    scene_close(s);
}

static void http2_is_spoken_only_where_it_may_be(void **)
{
    struct scene *s = scene_open(1, NULL);
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;

    http_server_limit(s->w->server, &limits);
    visitor_come(&s->v, s->w, SLICE(PREFACE));
    run(s, 100);
    assert_true(slice_starts(visitor_heard(&s->v), SLICE("HTTP/1.1 505 ")));
    visitor_done(&s->v);
    limits.http2_plain = true;
    http_server_limit(s->w->server, &limits);
    visitor_come(&s->v, s->w, SLICE("GET /hand/1 HTTP/1.1\r\nHost: a\r\n\r\n" PREFACE));
    run(s, 100);
    assert_int_equal(counts(s)->h2_connections.total, 0);
    visitor_done(&s->v);
    visitor_come(&s->v, s->w, SLICE("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"));
    run(s, 100);
    assert_true(s->v.is_closed || s->v.has_ended);
    visitor_done(&s->v);
    world_free(s->w);
}

static void a_preface_may_come_byte_by_byte(void **)
{
    struct scene *s = scene_open(1, NULL);
    struct sim_link slow = { .chunk_max = 1 };

    sim_link_set(s->w->sim, NULL, NULL, &slow);
    frames_get(&s->f, 1, "/hand/10");
    hear(s, 1000);
    assert_answer(s, 1, 200, 10);
    scene_close(s);
}

#define POST_LINES ":method POST\n:scheme http\n:authority a\n:path /echo\n"

/* Says what was written, then that no more comes, and hears all. */
static void leave_half(struct scene *s, int ms)
{
    visitor_init(&s->v);
    s->v.leaves_half = true;
    s->v.stream = stream_connect(s->w->loops[1], &s->w->at, &s->v.user);
    visitor_say(&s->v, slice_of(s->f.text, s->f.length));
    run(s, ms);
    assert_int_equal(heard_read(&s->h, visitor_heard(&s->v), true).length, 0);
    assert_true(s->v.has_ended);
    assert_int_equal(http_server_open_count(s->w->server), 0);
}

static void what_was_asked_is_answered_to_a_client_that_closed_its_half(void **)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct scene *s = scene_open(seed, NULL);

        s->w->script.waits = true;
        frames_begin_wide(&s->f);
        frames_get(&s->f, 1, "/later/5");
        frames_get(&s->f, 3, "/stream/100000");
        frames_headers(&s->f, 5, 0, POST_LINES);
        frames_data(&s->f, 5, 3000, 1000);
        frames_get(&s->f, 7, "/source/700000");
        leave_half(s, 5000);
        assert_answer(s, 1, 200, 5);
        assert_answer(s, 3, 200, 100000);
        assert_answer(s, 5, 200, 3000);
        assert_answer(s, 7, 200, 700000);
        scene_close(s);
    }
}

/* Only its reader could open them. */
static void who_closed_its_half_is_answered_as_far_as_its_windows_go(void **)
{
    struct scene *s = scene_open(1, NULL);

    frames_get(&s->f, 1, "/source/60000");
    frames_get(&s->f, 3, "/source/60000");
    frames_get(&s->f, 5, "/later/0");
    leave_half(s, 1000);
    assert_answer(s, 1, 200, 60000);
    assert_int_equal(heard_stream(&s->h, 3)->length, 65535 - 60000);
    assert_int_equal(heard_stream(&s->h, 3)->code, NGHTTP2_CANCEL);
    assert_answer(s, 5, 200, 0);
    assert_int_equal(s->w->script.cut, 1);
    scene_close(s);
}

static void a_body_that_can_not_come_any_more_ends_its_stream_alone(void **)
{
    struct scene *s = scene_open(1, NULL);

    frames_headers(&s->f, 1, 0, POST_LINES);
    frames_get(&s->f, 3, "/later/5");
    frames_head(&s->f, 100, NGHTTP2_HEADERS, 0, 5); // half a block
    frames_bytes(&s->f, "\x82\x86", 2);
    leave_half(s, 1000);
    assert_int_equal(heard_stream(&s->h, 1)->code, NGHTTP2_CANCEL);
    assert_answer(s, 3, 200, 5);
    assert_int_equal(s->w->script.served, 2);
    assert_int_equal(s->w->script.cut, 1);
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_answered_on_its_stream),
        cmocka_unit_test(a_client_may_change_how_many_fields_it_keeps),
        cmocka_unit_test(large_heads_and_small_ones_may_take_turns),
        cmocka_unit_test(bodies_come_whole_however_they_are_made),
        cmocka_unit_test(an_answer_waits_for_the_windows_of_both_kinds),
        cmocka_unit_test(what_http1_refuses_is_refused),
        cmocka_unit_test(a_head_has_the_limits_that_it_has_in_http1),
        cmocka_unit_test(a_cookie_in_pieces_is_one_field_again),
        cmocka_unit_test(request_bodies_come_whole),
        cmocka_unit_test(a_body_must_be_as_long_as_was_said),
        cmocka_unit_test(trailers_end_a_body_and_are_dropped),
        cmocka_unit_test(a_client_is_told_to_go_on_when_its_body_is_read),
        cmocka_unit_test(a_body_that_nobody_reads_does_not_close_the_others_window),
        cmocka_unit_test(an_answer_that_comes_first_ends_the_upload),
        cmocka_unit_test(what_fails_concerns_its_stream_alone),
        cmocka_unit_test(what_is_more_urgent_goes_first),
        cmocka_unit_test(incremental_answers_share),
        cmocka_unit_test(http2_is_spoken_only_where_it_may_be),
        cmocka_unit_test(a_preface_may_come_byte_by_byte),
        cmocka_unit_test(what_was_asked_is_answered_to_a_client_that_closed_its_half),
        cmocka_unit_test(who_closed_its_half_is_answered_as_far_as_its_windows_go),
        cmocka_unit_test(a_body_that_can_not_come_any_more_ends_its_stream_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
