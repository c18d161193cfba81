// SPDX-License-Identifier: Apache-2.0
/* What HTTP/2's strangers may do, how long they may take, and how connections end. */
#include "base/mem.h"
#include "http/http2_priv.h"
#include "http/http2_scene_test.h"

enum { STALL_MS = 30000, IDLE_MS = 60000 };

#define POST_LINES ":method POST\n:scheme http\n:authority a\n:path /echo\n"

static void requests_that_are_reset_at_once_end_the_connection(void **)
{
    struct scene *s = scene_open(1, NULL);

    for (uint32_t stream = 1; stream < 800; stream += 2) {
        frames_get(&s->f, stream, "/never");
        frames_reset(&s->f, stream);
    }
    hear(s, 100);
    assert_calmed(s, &counts(s)->h2_floods_reset);
    assert_int_equal(s->w->script.completed, 0);
    scene_close(s);
}

static void a_browser_may_leave_a_page(void **)
{
    struct scene *s = scene_open(1, NULL);

    for (uint32_t stream = 1; stream <= 399; stream += 2) {
        frames_get(&s->f, stream, "/never");
        frames_reset(&s->f, stream);
    }
    frames_get(&s->f, 401, "/hand/5");
    hear(s, 100);
    assert_int_equal(s->h.goaways, 0);
    assert_answer(s, 401, 200, 5);
    assert_int_equal(s->w->script.cut, 200);
    scene_close(s);
}

/* However slowly they come. */
static void more_resets_than_answers_end_the_connection(void **)
{
    struct scene *s = scene_open(1, NULL);
    uint32_t stream = 1;

    for (unsigned second = 0; second < 6; second++) {
        for (unsigned i = 0; i < 200; i++, stream += 2) {
            frames_get(&s->f, stream, "/never");
            frames_reset(&s->f, stream);
        }
        if (second == 0)
            visitor_come(&s->v, s->w, slice_of(s->f.text, s->f.length));
        else if (s->v.stream != NULL)
            visitor_say(&s->v, slice_of(s->f.text, s->f.length));
        run(s, 1100);
        s->f.length = 0;
    }
    assert_int_equal(heard_read(&s->h, visitor_heard(&s->v), true).length, 0);
    assert_calmed(s, &counts(s)->h2_floods_reset);
    scene_close(s);
}

static void resets_are_counted_by_the_second(void **)
{
    struct scene *s = scene_open(1, NULL);
    uint32_t stream = 1;

    for (unsigned burst = 0; burst < 8; burst++) {
        for (unsigned i = 0; i < 90; i++, stream += 4) {
            frames_get(&s->f, stream, "/hand/5");
            frames_get(&s->f, stream + 2, "/never");
            frames_reset(&s->f, stream + 2);
        }
        if (burst == 0)
            visitor_come(&s->v, s->w, slice_of(s->f.text, s->f.length));
        else
            visitor_say(&s->v, slice_of(s->f.text, s->f.length));
        run(s, 550);
        s->f.length = 0;
    }
    assert_false(s->v.has_ended);
    assert_int_equal(counts(s)->h2_floods_reset.total, 0);
    assert_int_equal(s->w->script.cut, 8 * 90);
    assert_int_equal(s->w->script.completed, 8 * 90);
    scene_close(s);
}

static void what_provokes_resets_counts_as_resets(void **)
{
    struct scene *s = scene_open(1, NULL);

    for (uint32_t stream = 1; stream < 800; stream += 2) {
        frames_get(&s->f, stream, "/never");
        frames_window(&s->f, stream, INT32_MAX); // more than a window may have
    }
    hear(s, 100);
    assert_calmed(s, &counts(s)->h2_floods_reset);
    scene_close(s);
}

static void pings_settings_priorities_and_empty_frames_have_limits(void **)
{
    for (unsigned kind = 0; kind < 4; kind++) {
        struct scene *s = scene_open(1, NULL);
        const struct counter *const counters[] = { &counts(s)->h2_floods_ping,
            &counts(s)->h2_floods_settings, &counts(s)->h2_floods_empty,
            &counts(s)->h2_floods_priority };

        frames_headers(&s->f, 1, 0, POST_LINES);
        for (unsigned i = 0; i < 1000; i++)
            switch (kind) {
            case 0: frames_add(&s->f, NGHTTP2_PING, 0, 0, SLICE("12345678")); break;
            case 1: frames_setting(&s->f, NGHTTP2_SETTINGS_ENABLE_PUSH, 0); break;
            case 2: frames_add(&s->f, NGHTTP2_DATA, 0, 1, SLICE("")); break;
            default:
                frames_add(&s->f, NGHTTP2_PRIORITY_UPDATE, 0, 0, SLICE("\0\0\0\001u=1"));
                break;
            }
        hear(s, 100);
        assert_calmed(s, counters[kind]);
        scene_close(s);
    }
}

static void a_few_of_each_are_answered(void **)
{
    struct scene *s = scene_open(1, NULL);

    for (unsigned i = 0; i < 10; i++) {
        frames_add(&s->f, NGHTTP2_PING, 0, 0, SLICE("12345678"));
        frames_setting(&s->f, NGHTTP2_SETTINGS_ENABLE_PUSH, 0);
    }
    frames_get(&s->f, 1, "/hand/5");
    hear(s, 100);
    assert_int_equal(s->h.pings, 10);
    assert_int_equal(s->h.settings_acks, 11);
    assert_answer(s, 1, 200, 5);
    scene_close(s);
}

/* RFC 7541 lets a byte stand for a field of 4 KiB. */
static void a_small_block_that_unpacks_to_a_large_one_ends_the_connection(void **)
{
    struct scene *s = scene_open(1, NULL);
    static char value[3000];

    memset(value, 'a', sizeof value);
    frames_head(&s->f, 0, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1);
    size_t at = s->f.length;

    // :method GET, :scheme http, :path /, :authority a
    frames_bytes(&s->f,
        "\x82\x86\x84\x41\x01"
        "a",
        6);
    frames_number(&s->f, 0x40, 1); // kept in the table
    frames_string(&s->f, SLICE("x"));
    frames_string(&s->f, slice_of(value, sizeof value));
    for (unsigned i = 0; i < 40; i++)
        frames_number(&s->f, 0xbe, 1); // and asked for from there
    size_t length = s->f.length - at;

    s->f.text[at - 8] = (char)(length >> 8);
    s->f.text[at - 7] = (char)length;
    hear(s, 100);
    assert_calmed(s, &counts(s)->h2_floods_headers);
    assert_int_equal(s->w->script.served, 0);
    scene_close(s);
}

static void a_connection_has_no_more_than_its_part_of_memory(void **)
{
    struct http_server server = { .h2 = mem_new(struct http2_shared) };
    struct http_connection c = { .server = &server };
    struct http2 h2 = { .tag = HTTP2_TAG, .connection = &c };
    nghttp2_mem mem = http2_rooms(&h2);
    void *most = mem.malloc(HTTP2_MEMORY_MAX - 100, &h2);

    assert_non_null(most);
    assert_null(mem.malloc(101, &h2));
    assert_null(mem.calloc(2, 51, &h2));
    assert_int_equal(server.counts.h2_memory.total, 2);
    void *rest = mem.malloc(100, &h2);

    assert_non_null(rest);
    mem.free(most, &h2);
    mem.free(rest, &h2);
    assert_int_equal(h2.memory, 0);
    http2_rooms_free(&server.h2->rooms);
    mem_free(server.h2);
}

static void streams_beyond_the_limit_are_refused(void **)
{
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;

    limits.streams = 3;
    struct scene *s = scene_open(1, &limits);

    for (uint32_t stream = 1; stream <= 9; stream += 2)
        frames_get(&s->f, stream, "/later/5");
    hear(s, 100);
    for (uint32_t stream = 1; stream <= 5; stream += 2)
        assert_answer(s, stream, 200, 5);
    assert_int_equal(heard_stream(&s->h, 7)->code, NGHTTP2_REFUSED_STREAM);
    assert_int_equal(heard_stream(&s->h, 9)->code, NGHTTP2_REFUSED_STREAM);
    assert_int_equal(counts(s)->h2_refused.total, 2);
    scene_close(s);
}

/* Nobody reads it; what came is held. */
static void a_body_beyond_its_window_ends_its_stream_and_bodies_beyond_ours_the_connection(void **)
{
    struct scene *s = scene_open(1, NULL);

    frames_headers(&s->f, 1, 0, ":method POST\n:scheme http\n:authority a\n:path /never\n");
    frames_data(&s->f, 1, HTTP2_HELD_MAX + 1, 16000);
    hear(s, 100);
    assert_int_equal(heard_stream(&s->h, 1)->code, NGHTTP2_FLOW_CONTROL_ERROR);
    assert_int_equal(s->h.goaways, 0);
    for (uint32_t stream = 3; stream <= 11; stream += 2) {
        frames_headers(
            &s->f, stream, 0, ":method POST\n:scheme http\n:authority a\n:path /never\n");
        frames_data(&s->f, stream, 60000, 16000);
    }
    hear(s, 100);
    assert_int_equal(s->h.goaway_code, NGHTTP2_FLOW_CONTROL_ERROR);
    assert_true(s->v.has_ended);
    scene_close(s);
}

static void a_body_of_another_length_than_was_said_is_counted(void **)
{
    struct scene *s = scene_open(1, NULL);

    for (uint32_t stream = 1; stream <= 3; stream += 2) {
        frames_headers(&s->f, stream, 0, POST_LINES "content-length 4\n");
        frames_data(&s->f, stream, 1 + 2 * stream, 10);
    }
    hear(s, 100);
    for (uint32_t stream = 1; stream <= 3; stream += 2)
        assert_int_equal(heard_stream(&s->h, stream)->code, NGHTTP2_PROTOCOL_ERROR);
    assert_int_equal(counts(s)->bad_heads.total, 2);
    scene_close(s);
}

static void bodies_of_other_lengths_than_were_said_count_as_resets(void **)
{
    struct scene *s = scene_open(1, NULL);

    for (uint32_t stream = 1; stream < 800; stream += 2) {
        frames_headers(&s->f, stream, 0, POST_LINES "content-length 4\n");
        frames_data(&s->f, stream, 1, 1);
        if (stream % 100 == 99)
            hear(s, 1);
    }
    hear(s, 100);
    assert_calmed(s, &counts(s)->h2_floods_reset);
    scene_close(s);
}

static void a_stream_whose_window_stays_shut_is_ended_and_the_others_are_not(void **)
{
    struct scene *s = scene_open(1, NULL);

    frames_get(&s->f, 1, "/source/100000");
    frames_window(&s->f, 0, 1000000);
    frames_get(&s->f, 3, "/never");
    hear(s, STALL_MS / 2);
    assert_int_equal(heard_stream(&s->h, 1)->length, 65535);
    assert_false(heard_stream(&s->h, 1)->is_reset);
    hear(s, 2 * STALL_MS);
    assert_int_equal(heard_stream(&s->h, 1)->code, NGHTTP2_CANCEL);
    assert_false(heard_stream(&s->h, 3)->is_reset);
    assert_int_equal(counts(s)->timeouts_stall.total, 1);
    frames_get(&s->f, 5, "/hand/5");
    hear(s, 100);
    assert_answer(s, 5, 200, 5);
    scene_close(s);
}

static void a_stream_that_gets_on_is_waited_for(void **)
{
    struct scene *s = scene_open(1, NULL);

    frames_get(&s->f, 1, "/source/100000");
    hear(s, 100);
    for (unsigned i = 0; i < 8; i++) {
        frames_window(&s->f, 1, 16000);
        frames_window(&s->f, 0, 16000);
        hear(s, STALL_MS - 1000);
    }
    assert_answer(s, 1, 200, 100000);
    scene_close(s);
}

static void a_body_that_stops_coming_ends_its_stream(void **)
{
    struct scene *s = scene_open(1, NULL);

    frames_headers(&s->f, 1, 0, POST_LINES);
    frames_add(&s->f, NGHTTP2_DATA, 0, 1, SLICE("\000"));
    hear(s, 3 * STALL_MS);
    assert_int_equal(heard_stream(&s->h, 1)->code, NGHTTP2_CANCEL);
    assert_int_equal(s->w->script.cut, 1);
    scene_close(s);
}

static void a_reader_that_takes_nothing_is_cut_off(void **)
{
    struct scene *s = scene_open(1, NULL);
    struct sim_link narrow = { .buffer_bytes = 20000 };

    sim_link_set(s->w->sim, NULL, NULL, &narrow);
    frames_begin_wide(&s->f);
    frames_get(&s->f, 1, "/source/400000");
    visitor_come(&s->v, s->w, slice_of(s->f.text, s->f.length));
    stream_pause(s->v.stream);
    run(s, 3 * STALL_MS);
    assert_int_equal(s->w->script.cut, 1);
    assert_int_equal(counts(s)->timeouts_stall.total, 1);
    assert_int_equal(http_server_open_count(s->w->server), 0);
    visitor_done(&s->v);
    world_free(s->w);
}

static void a_header_block_has_its_time(void **)
{
    struct scene *s = scene_open(1, NULL);

    frames_head(&s->f, 5, NGHTTP2_HEADERS, 0, 1);
    frames_bytes(&s->f, "\x82\x86\x84\x41\x01", 5);
    visitor_come(&s->v, s->w, slice_of(s->f.text, s->f.length));
    run(s, 20000);
    assert_int_equal(counts(s)->timeouts_head.total, 1);
    assert_int_equal(http_server_open_count(s->w->server), 0);
    visitor_done(&s->v);
    world_free(s->w);
}

static void an_idle_connection_is_told_goodbye(void **)
{
    struct scene *s = scene_open(1, NULL);

    frames_get(&s->f, 1, "/hand/5");
    hear(s, IDLE_MS - 1000);
    assert_int_equal(s->h.goaways, 0);
    hear(s, 2000);
    assert_int_equal(s->h.goaways, 1);
    assert_int_equal(s->h.goaway_code, NGHTTP2_NO_ERROR);
    assert_int_equal(s->h.goaway_last, 1);
    assert_int_equal(counts(s)->timeouts_idle.total, 1);
    run(s, 5000);
    assert_int_equal(http_server_open_count(s->w->server), 0);
    scene_close(s);
}

/* RFC 9113 §6.8 */
static void a_drain_is_told_twice_and_answers_what_crossed_it(void **)
{
    struct scene *s = scene_open(1, NULL);

    frames_get(&s->f, 1, "/source/100000");
    hear(s, 100);
    http_server_drain(s->w->server);
    hear(s, 100);
    assert_int_equal(s->h.goaways, 1);
    assert_int_equal(s->h.goaway_last, INT32_MAX);
    frames_get(&s->f, 3, "/hand/5");
    hear(s, 2000);
    assert_int_equal(s->h.goaways, 2);
    assert_int_equal(s->h.goaway_last, 3);
    assert_int_equal(s->h.goaway_code, NGHTTP2_NO_ERROR);
    assert_false(s->v.has_ended);
    frames_window(&s->f, 1, 100000);
    frames_window(&s->f, 0, 100000);
    hear(s, 3000);
    assert_answer(s, 1, 200, 100000);
    assert_answer(s, 3, 200, 5);
    assert_true(s->v.has_ended);
    scene_close(s);
}

static void the_longest_idle_connection_makes_room(void **)
{
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;

    limits.connections = 1;
    struct scene *s = scene_open(1, &limits);
    struct visitor second;

    frames_get(&s->f, 1, "/hand/5");
    hear(s, 100);
    visitor_come(&second, s->w, SLICE("GET /hand/1 HTTP/1.1\r\nHost: a\r\n\r\n"));
    run(s, 100);
    assert_int_equal(counts(s)->evicted.total, 1);
    assert_true(s->v.has_ended || s->v.is_closed);
    visitor_done(&second);
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_that_are_reset_at_once_end_the_connection),
        cmocka_unit_test(a_browser_may_leave_a_page),
        cmocka_unit_test(more_resets_than_answers_end_the_connection),
        cmocka_unit_test(resets_are_counted_by_the_second),
        cmocka_unit_test(what_provokes_resets_counts_as_resets),
        cmocka_unit_test(a_connection_has_no_more_than_its_part_of_memory),
        cmocka_unit_test(pings_settings_priorities_and_empty_frames_have_limits),
        cmocka_unit_test(a_few_of_each_are_answered),
        cmocka_unit_test(a_small_block_that_unpacks_to_a_large_one_ends_the_connection),
        cmocka_unit_test(streams_beyond_the_limit_are_refused),
        cmocka_unit_test(
            a_body_beyond_its_window_ends_its_stream_and_bodies_beyond_ours_the_connection),
        cmocka_unit_test(a_body_of_another_length_than_was_said_is_counted),
        cmocka_unit_test(bodies_of_other_lengths_than_were_said_count_as_resets),
        cmocka_unit_test(a_stream_whose_window_stays_shut_is_ended_and_the_others_are_not),
        cmocka_unit_test(a_stream_that_gets_on_is_waited_for),
        cmocka_unit_test(a_body_that_stops_coming_ends_its_stream),
        cmocka_unit_test(a_reader_that_takes_nothing_is_cut_off),
        cmocka_unit_test(a_header_block_has_its_time),
        cmocka_unit_test(an_idle_connection_is_told_goodbye),
        cmocka_unit_test(a_drain_is_told_twice_and_answers_what_crossed_it),
        cmocka_unit_test(the_longest_idle_connection_makes_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
