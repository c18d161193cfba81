// SPDX-License-Identifier: Apache-2.0
/* What one client may say so often and no more, and what honest clients say that must not count. */
#include "http/http2_priv.h"
#include "http/http2_scene_test.h"

#define POST_LINES ":method POST\n:scheme http\n:authority a\n:path /echo\n"

/* Says one frame of a flood; `at` counts them. */
typedef void flood_fn(struct frames *f, unsigned at);

static void goaway(struct frames *f, unsigned at)
{
    (void)at;
    frames_add(f, NGHTTP2_GOAWAY, 0, 0, SLICE("\0\0\0\0\0\0\0\0why"));
}

static void unknown(struct frames *f, unsigned at)
{
    frames_add(f, (uint8_t)(0x20 + at % 0xd0), (uint8_t)at, at % 5, SLICE("anything"));
}

static void pushed(struct frames *f, unsigned at)
{
    (void)at;
    frames_add(f, 10, 0, 0, SLICE("\0\0")); // ALTSVC, which only servers say
}

static void widened(struct frames *f, unsigned at)
{
    (void)at;
    frames_window(f, 0, 1);
}

static void widened_stream(struct frames *f, unsigned at)
{
    (void)at;
    frames_window(f, 1, 1);
}

static void widened_late(struct frames *f, unsigned at)
{
    if (at == 0)
        frames_reset(f, 1);
    frames_window(f, 1, 1);
}

static void empty_late(struct frames *f, unsigned at)
{
    if (at == 0)
        frames_reset(f, 1);
    frames_add(f, NGHTTP2_DATA, 0, 1, SLICE(""));
}

static void padded_late(struct frames *f, unsigned at)
{
    if (at == 0)
        frames_reset(f, 1);
    frames_add(f, NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, SLICE("\003\0\0\0"));
}

static void padded(struct frames *f, unsigned at)
{
    (void)at;
    frames_add(f, NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, SLICE("\003\0\0\0"));
}

static void trailers(struct frames *f, unsigned at)
{
    uint32_t stream = 3 + 2 * at;

    frames_headers(f, stream, 0, POST_LINES);
    frames_headers(f, stream, NGHTTP2_FLAG_END_STREAM, "x y\n");
}

static void unasked_acks(struct frames *f, unsigned at)
{
    (void)at;
    frames_add(f, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, SLICE("12345678"));
}

#define COUNTER(name) offsetof(struct http_server_counts, h2_floods_##name)

struct flood {
    flood_fn *say;
    size_t counter;
    unsigned allowed;
};

static const struct flood FLOODS[] = {
    { goaway, COUNTER(goaway), 10 },
    { unknown, COUNTER(unknown), 50 },
    { pushed, COUNTER(unknown), 50 },
    { widened, COUNTER(window), 500 + HTTP2_WINDOWS_REQUEST },
    { widened_stream, COUNTER(window), 500 + HTTP2_WINDOWS_REQUEST },
    { widened_late, COUNTER(window), 500 + HTTP2_WINDOWS_REQUEST },
    { padded, COUNTER(empty), 100 },
    { padded_late, COUNTER(empty), 100 },
    { empty_late, COUNTER(empty), 100 },
    { trailers, COUNTER(trailers), 500 },
    { unasked_acks, COUNTER(ping), 50 },
};

static const struct counter *counter_of(struct scene *s, const struct flood *flood)
{
    return (const struct counter *)((const char *)counts(s) + flood->counter);
}

static struct scene *flood(const struct flood *flood, unsigned times)
{
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;

    limits.streams = 1000;
    struct scene *s = scene_open(1, &limits);

    frames_headers(&s->f, 1, 0, POST_LINES);
    for (unsigned at = 0; at < times; at++)
        flood->say(&s->f, at);
    hear(s, 100);
    return s;
}

static void one_more_than_the_limit_ends_the_connection(void **)
{
    for (size_t i = 0; i < COUNT_OF(FLOODS); i++) {
        struct scene *s = flood(&FLOODS[i], FLOODS[i].allowed + 1);

        if (s->h.goaways != 1)
            fail_msg("flood %zu is not seen", i);
        assert_calmed(s, counter_of(s, &FLOODS[i]));
        scene_close(s);
    }
}

static void as_many_as_the_limit_are_borne_each_second(void **)
{
    for (size_t i = 0; i < COUNT_OF(FLOODS); i++) {
        if (FLOODS[i].say == trailers)
            continue; // its streams are new each time
        struct scene *s = flood(&FLOODS[i], FLOODS[i].allowed);

        if (s->h.goaways != 0)
            fail_msg("flood %zu is seen too early", i);
        run(s, 1000);
        for (unsigned at = 1; at < FLOODS[i].allowed - HTTP2_WINDOWS_REQUEST; at++)
            FLOODS[i].say(&s->f, at);
        hear(s, 100);
        assert_int_equal(s->h.goaways, 0);
        assert_int_equal(counter_of(s, &FLOODS[i])->total, 0);
        scene_close(s);
    }
}

/* There are clients that widen both windows for every 4 KiB. */
static void who_downloads_much_may_widen_much(void **)
{
    enum { ROUNDS = 40, PIECE = 2048, PIECES = 32 };

    struct scene *s = scene_open(1, NULL);

    frames_get(&s->f, 1, "/source/2600000");
    hear(s, 1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < PIECES; i++) {
            frames_window(&s->f, 0, PIECE);
            frames_window(&s->f, 1, PIECE);
        }
        hear(s, 1);
    }
    assert_int_equal(s->h.goaways, 0);
    assert_answer(s, 1, 200, 2600000);
    scene_close(s);
}

/* Each asks for a frame that is nearly all head. */
static void windows_that_open_by_a_byte_at_a_time_are_a_flood(void **)
{
    struct scene *s = scene_open(1, NULL);

    frames_get(&s->f, 1, "/source/100000");
    frames_get(&s->f, 3, "/source/100000");
    hear(s, 10);
    frames_window(&s->f, 0, 100000);
    for (unsigned i = 0; i < 900; i++) {
        frames_window(&s->f, 3, 1);
        if (i % 10 == 9 && s->h.goaways == 0)
            hear(s, 1);
    }
    assert_calmed(s, &counts(s)->h2_floods_window);
    scene_close(s);
}

static void settings_that_nobody_knows_are_passed_over(void **)
{
    struct scene *s = scene_open(1, NULL);
    char entries[6 * 20];

    for (size_t i = 0; i < sizeof entries; i++)
        entries[i] = (char)(i % 6 == 0 ? 0x7a : i);
    for (unsigned i = 0; i < 10; i++)
        frames_add(&s->f, NGHTTP2_SETTINGS, 0, 0, slice_of(entries, sizeof entries));
    frames_get(&s->f, 1, "/hand/5");
    hear(s, 100);
    assert_int_equal(s->h.settings_acks, 11);
    assert_answer(s, 1, 200, 5);
    scene_close(s);
}

static void more_settings_in_a_frame_than_anybody_has_end_the_connection(void **)
{
    struct scene *s = scene_open(1, NULL);
    char entries[6 * 100];

    for (size_t i = 0; i < sizeof entries; i++)
        entries[i] = (char)(i % 6 == 0 ? 0x7a : i);
    frames_add(&s->f, NGHTTP2_SETTINGS, 0, 0, slice_of(entries, sizeof entries));
    frames_get(&s->f, 1, "/hand/5");
    hear(s, 100);
    assert_int_equal(s->w->script.served, 0);
    assert_int_equal(s->h.goaways, 1);
    assert_true(s->v.has_ended || s->v.is_closed);
    scene_close(s);
}

static void no_more_windows_are_earned_ahead_than_the_limit(void **)
{
    struct http2 h2 = { 0 };

    http2_flood_earn(&h2, HTTP2_WINDOWS_MAX - 1);
    assert_int_equal(h2.floods.windows, HTTP2_WINDOWS_MAX - 1);
    http2_flood_earn(&h2, 2);
    assert_int_equal(h2.floods.windows, HTTP2_WINDOWS_MAX);
    http2_flood_earn(&h2, SIZE_MAX);
    assert_int_equal(h2.floods.windows, HTTP2_WINDOWS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_more_than_the_limit_ends_the_connection),
        cmocka_unit_test(as_many_as_the_limit_are_borne_each_second),
        cmocka_unit_test(who_downloads_much_may_widen_much),
        cmocka_unit_test(windows_that_open_by_a_byte_at_a_time_are_a_flood),
        cmocka_unit_test(settings_that_nobody_knows_are_passed_over),
        cmocka_unit_test(more_settings_in_a_frame_than_anybody_has_end_the_connection),
        cmocka_unit_test(no_more_windows_are_earned_ahead_than_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
