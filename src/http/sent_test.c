// SPDX-License-Identifier: Apache-2.0
/* What is counted of answers: what left, to the byte, for whom it left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/http2_scene_test.h"

enum { SEEDS = 20, KINDS = SCRIPT_KEPT + 1 };

static const char *const KIND_NAMES[] = { "hand", "source", "stream", "later" };
static const size_t SIZES[] = { 0, 1, 1000, 5000, 70000, 300000 };

static const struct sim_link SLOW = { .buffer_bytes = 20000, .chunk_max = 7000 };

static uint64_t total(const struct counter sent[KINDS])
{
    uint64_t sum = 0;

    for (int kind = 0; kind < KINDS; kind++)
        sum += counter_read(&sent[kind]);
    return sum;
}

static struct world *open_counting(uint64_t seed, struct counter sent[KINDS])
{
    struct world *w = world_serve(seed, &HTTP_SERVER_LIMITS_DEFAULT);

    memset(sent, 0, KINDS * sizeof *sent);
    w->script.sent = sent;
    w->script.waits = seed % 2 == 0;
    if (seed % 3 != 0)
        sim_link_set(w->sim, NULL, NULL, &SLOW);
    return w;
}

/* Asks for all kinds and sizes, each behind the other; returns the text's length. */
static size_t ask_for_all(char *text, size_t room)
{
    size_t length = 0;

    for (size_t i = 0; i < COUNT_OF(KIND_NAMES) * COUNT_OF(SIZES); i++)
        length += (size_t)snprintf(text + length, room - length,
            "%s /%s/%zu HTTP/1.1\r\nHost: a.test\r\n\r\n", i % 7 == 0 ? "HEAD" : "GET",
            KIND_NAMES[i % COUNT_OF(KIND_NAMES)], SIZES[i / COUNT_OF(KIND_NAMES)]);
    return length;
}

static void what_http1_clients_hear_is_what_is_counted(void **)
{
    struct counter sent[KINDS];
    static char text[4000];
    size_t length = ask_for_all(text, sizeof text);

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world *w = open_counting(seed, sent);
        struct visitor v;

        visitor_come(&v, w, slice_of(text, length));
        sim_run_for(w->sim, span_s(20));
        assert_int_equal(w->script.completed, COUNT_OF(KIND_NAMES) * COUNT_OF(SIZES));
        assert_int_equal(total(sent), v.in_length);
        visitor_done(&v);
        world_free(w);
    }
}

static void each_http1_answer_counts_for_its_own(void **)
{
    struct counter alone[KINDS], together[KINDS] = { 0 };
    static const char *const PATHS[] = { "/hand/6000", "/later/80000", "/status/404",
        "/source/3000" };
    static char text[400];
    size_t heard = 0, length = 0;

    for (size_t i = 0; i < COUNT_OF(PATHS); i++) {
        struct world *w = open_counting(2, alone);
        char one[100];
        struct visitor v;

        snprintf(one, sizeof one, "GET %s HTTP/1.1\r\nHost: a.test\r\n\r\n", PATHS[i]);
        length += (size_t)snprintf(text + length, sizeof text - length, "%s", one);
        visitor_come(&v, w, slice_text(one));
        sim_run_for(w->sim, span_s(5));
        heard += v.in_length;
        for (int kind = 0; kind < KINDS; kind++)
            together[kind].total += alone[kind].total;
        visitor_done(&v);
        world_free(w);
    }
    struct world *w = open_counting(2, alone);
    struct visitor v;

    visitor_come(&v, w, slice_of(text, length));
    sim_run_for(w->sim, span_s(5));
    assert_int_equal(v.in_length, heard);
    assert_memory_equal(alone, together, sizeof alone);
    visitor_done(&v);
    world_free(w);
}

/* The simulated kernel holds what it took and was not read: so much more may be counted. */
static void who_leaves_early_is_counted_what_the_kernel_took(void **)
{
    struct counter sent[KINDS];

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world *w = open_counting(seed, sent);
        struct visitor v;

        sim_link_set(w->sim, NULL, NULL, &SLOW);
        visitor_come(&v, w, SLICE("GET /source/3000000 HTTP/1.1\r\nHost: a.test\r\n\r\n"));
        for (int ms = 0; ms < 5000 && v.in_length < 100000; ms++)
            sim_run_for(w->sim, span_ms(1));
        size_t heard = v.in_length;

        visitor_leave(&v, true);
        sim_run_for(w->sim, span_s(1));
        assert_int_equal(w->script.cut, 1);
        assert_in_range(total(sent), heard, heard + SLOW.buffer_bytes);
        visitor_done(&v);
        world_free(w);
    }
}

/* Bytes of frames that were heard: heads and data of all streams. */
static uint64_t stream_bytes(struct slice heard)
{
    uint64_t sum = 0;

    while (heard.length >= 9) {
        const unsigned char *at = (const unsigned char *)heard.at;
        size_t length = 9 + ((size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2]);

        if (at[3] <= NGHTTP2_HEADERS || at[3] == NGHTTP2_CONTINUATION)
            sum += length < heard.length ? length : heard.length;
        heard = slice_from(heard, length);
    }
    return sum;
}

static struct scene *open_http2(uint64_t seed, struct counter sent[KINDS])
{
    struct scene *s = scene_open(seed, NULL);

    memset(sent, 0, KINDS * sizeof *sent);
    s->w->script.sent = sent;
    s->w->script.waits = seed % 2 == 0;
    if (seed % 3 != 0)
        sim_link_set(s->w->sim, NULL, NULL, &SLOW);
    return s;
}

static void what_http2_clients_hear_is_what_is_counted(void **)
{
    struct counter sent[KINDS];
    char path[40];

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct scene *s = open_http2(seed, sent);
        uint32_t count = COUNT_OF(KIND_NAMES) * COUNT_OF(SIZES);

        frames_begin_wide(&s->f);
        for (uint32_t i = 0; i < count; i++) {
            snprintf(path, sizeof path, "/%s/%zu", KIND_NAMES[i % COUNT_OF(KIND_NAMES)],
                SIZES[i / COUNT_OF(KIND_NAMES)]);
            frames_get(&s->f, 2 * i + 1, path);
        }
        hear(s, 20000);
        assert_int_equal(s->w->script.completed, count);
        assert_int_equal(total(sent), stream_bytes(visitor_heard(&s->v)));
        assert_true(total(sent) < s->v.in_length); // SETTINGS are nobody's
        scene_close(s);
    }
}

/* Packed by nghttp2, in HEADERS and CONTINUATION. */
static void heads_of_several_frames_are_counted_whole(void **)
{
    struct scene *s;
    struct counter sent[KINDS];
    static char more[24000];

    memset(more, 'a', sizeof more);
    memcpy(more, "X-Long: ", strlen("X-Long: "));
    memcpy(more + sizeof more - 2, "\r\n", 2);
    s = open_http2(3, sent);
    s->w->script.more = slice_of(more, sizeof more);
    frames_get(&s->f, 1, "/hand/10");
    frames_get(&s->f, 3, "/hand/0");
    visitor_come(&s->v, s->w, slice_of(s->f.text, s->f.length));
    run(s, 1000);
    assert_int_equal(s->w->script.completed, 2);
    assert_int_equal(total(sent), stream_bytes(visitor_heard(&s->v)));
    assert_true(total(sent) > 2 * 10000);
    scene_close(s);
}

static void what_is_cut_out_of_http2_is_counted_as_far_as_it_left(void **)
{
    struct counter sent[KINDS];

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct scene *s = open_http2(seed, sent);

        sim_link_set(s->w->sim, NULL, NULL, &SLOW);
        frames_begin_wide(&s->f);
        for (uint32_t stream = 1; stream < 20; stream += 2)
            frames_get(&s->f, stream, stream % 4 == 1 ? "/source/500000" : "/hand/60000");
        visitor_come(&s->v, s->w, slice_of(s->f.text, s->f.length));
        for (int ms = 0; ms < 5000 && s->v.in_length < 150000; ms++)
            run(s, 1);
        uint64_t heard = stream_bytes(visitor_heard(&s->v));

        visitor_leave(&s->v, true);
        run(s, 1000);
        assert_true(s->w->script.cut > 0);
        assert_in_range(total(sent), heard, heard + SLOW.buffer_bytes);
        scene_close(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_http1_clients_hear_is_what_is_counted),
        cmocka_unit_test(each_http1_answer_counts_for_its_own),
        cmocka_unit_test(who_leaves_early_is_counted_what_the_kernel_took),
        cmocka_unit_test(what_http2_clients_hear_is_what_is_counted),
        cmocka_unit_test(heads_of_several_frames_are_counted_whole),
        cmocka_unit_test(what_is_cut_out_of_http2_is_counted_as_far_as_it_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
