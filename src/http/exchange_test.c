// SPDX-License-Identifier: Apache-2.0
/* The bodies of requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/answer_test.h"

enum { SEEDS = 12, BODY = 150000, TEXT_ROOM = 400000 };

/* "POST PATH" with `fields` and a body of the script's bytes, of `length`. */
static struct slice post(const char *path, const char *fields, size_t length)
{
    static char text[TEXT_ROOM];
    size_t at = (size_t)sprintf(
        text, "POST %s HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n%s\r\n", path, length, fields);

    for (size_t i = 0; i < length; i++)
        text[at + i] = script_byte(i);
    return slice_of(text, at + length);
}

/* The same in chunks of up to `most` bytes, with extensions and trailers. */
static struct slice post_chunked(struct script *luck, const char *path, size_t length, size_t most)
{
    static char text[TEXT_ROOM];
    size_t at = (size_t)sprintf(
        text, "POST %s HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", path);

    for (size_t done = 0; done < length;) {
        size_t size = script_draw(luck, most) + 1;

        size = size < length - done ? size : length - done;
        at += (size_t)snprintf(text + at, TEXT_ROOM - at, "%zx;a=b\r\n", size);
        for (size_t i = 0; i < size; i++)
            text[at++] = script_byte(done + i);
        text[at++] = '\r', text[at++] = '\n';
        done += size;
    }
    at += (size_t)snprintf(text + at, TEXT_ROOM - at, "0\r\nTrailer: x\r\n\r\n");
    return slice_of(text, at);
}

static void request_bodies_come_whole_in_both_framings(void **)
{
    static const size_t SIZES[] = { 0, 1, 10, 70000, BODY };

    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        for (size_t i = 0; i < 2 * COUNT_OF(SIZES); i++) {
            struct world *w = open_world(seed);
            struct sim_link slow = { .buffer_bytes = 20000, .chunk_max = 5000 };
            size_t size = SIZES[i / 2];
            struct visitor v;

            w->script.waits = seed % 2 == 0;
            if (seed % 3 == 0)
                sim_link_set(w->sim, NULL, NULL, &slow);
            visitor_come(&v, w,
                i % 2 == 0 ? post("/echo", "", size)
                           : post_chunked(&w->script, "/echo", size, 1 + size / 5));
            run(w, 2000);
            struct slice heard = visitor_heard(&v);

            expect(&heard, 200, size);
            assert_int_equal(heard.length, 0);
            // The framing was right to the byte: another request is understood.
            visitor_say(&v, SLICE("GET /hand/3 HTTP/1.1\r\n" HOST "\r\n"));
            run(w, 100);
            assert_int_equal(w->script.completed, 2);
            visitor_done(&v);
            world_free(w);
        }
}

/* RFC 9110 §10.1.1 */
static void a_client_is_told_to_go_on_when_its_body_is_read(void **)
{
    struct world *w = open_world(1);
    struct visitor v;
    struct slice text = post("/echo", "Expect: 100-continue\r\n", 10);

    visitor_come(&v, w, slice_head(text, text.length - 10));
    run(w, 100);
    assert_text(visitor_heard(&v), "HTTP/1.1 100 Continue\r\n\r\n");
    v.in_length = 0;
    visitor_say(&v, slice_from(text, text.length - 10));
    run(w, 100);
    struct slice heard = visitor_heard(&v);

    expect(&heard, 200, 10);
    assert_false(v.has_ended);
    visitor_done(&v);
    world_free(w);
}

static void a_client_is_told_to_go_on_behind_the_answers_before(void **)
{
    struct world *w = open_world(1);
    struct visitor v;

    visitor_come(&v, w,
        SLICE("GET /later/10 HTTP/1.1\r\n" HOST "\r\nPOST /echo HTTP/1.1\r\n" HOST
              "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"));
    run(w, 100);
    struct slice heard = visitor_heard(&v);

    expect(&heard, 200, 10);
    assert_text(heard, "HTTP/1.1 100 Continue\r\n\r\n");
    visitor_done(&v);
    world_free(w);
}

static void a_client_that_waits_is_not_told_when_nobody_reads(void **)
{
    struct world *w = open_world(1);
    struct visitor v;

    visitor_come(&v, w,
        SLICE("POST /status/403 HTTP/1.1\r\n" HOST
              "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"));
    run(w, 100);
    struct slice heard = visitor_heard(&v);

    expect(&heard, 403, 0);
    assert_true(v.has_ended);
    assert_int_equal(heard.length, 0);
    visitor_done(&v);
    world_free(w);
}

static void a_small_body_that_nobody_reads_is_dropped(void **)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world *w = open_world(seed);
        struct sim_link slow = { .buffer_bytes = 5000, .delay = span_ms(1) };
        struct visitor v;

        if (seed % 2 == 0)
            sim_link_set(w->sim, NULL, NULL, &slow);
        visitor_come(&v, w,
            seed % 3 == 0 ? post_chunked(&w->script, "/status/403", 50000, 9000)
                          : post(seed % 3 == 1 ? "/status/403" : "/later/0", "", 60000));
        run(w, 1000);
        visitor_say(&v, SLICE("GET /hand/3 HTTP/1.1\r\n" HOST "\r\n"));
        run(w, 100);
        struct slice heard = visitor_heard(&v);

        expect(&heard, seed % 3 == 2 ? 200 : 403, 0);
        expect(&heard, 200, 3);
        assert_false(v.has_ended);
        assert_int_equal(w->script.completed, 2);
        visitor_done(&v);
        world_free(w);
    }
}

static void a_large_body_that_nobody_reads_ends_the_connection(void **)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world *w = open_world(seed);
        struct sim_link slow = { .buffer_bytes = 5000, .delay = span_ms(1) };
        struct visitor v;

        if (seed % 2 == 0)
            sim_link_set(w->sim, NULL, NULL, &slow);
        visitor_come(&v, w,
            seed % 3 == 0 ? post_chunked(&w->script, "/status/403", BODY, 9000)
                          : post("/status/403", "", BODY));
        run(w, 1000);
        struct slice heard = visitor_heard(&v);

        expect(&heard, 403, 0);
        assert_true(v.has_ended && !v.is_closed);
        assert_int_equal(w->script.completed, 1);
        run(w, 5000);
        assert_int_equal(http_server_open_count(w->server), 0);
        visitor_done(&v);
        world_free(w);
    }
}

static void a_body_without_end_is_not_dropped_for_ever(void **)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world *w = open_world(seed);
        struct visitor v;

        visitor_come(&v, w, post("/status/403", "", TEXT_ROOM - 1000));
        run(w, 1000);
        struct slice heard = visitor_heard(&v);

        expect(&heard, 403, 0);
        assert_int_equal(http_server_open_count(w->server), 0);
        visitor_done(&v);
        world_free(w);
    }
}

static void nothing_is_read_before_the_service_wants_it(void **)
{
    struct world *w = open_world(1);
    struct visitor v;

    visitor_come(&v, w, post("/never", "", 390000));
    run(w, 1000);
    assert_in_range(loop_counts(w->loops[0])->bytes_in.total, 1, 100000);
    assert_int_equal(w->script.served, 1);
    visitor_done(&v);
    world_free(w);
}

static void a_malformed_body_is_refused(void **)
{
    struct world *w = open_world(1);
    struct visitor v;
    struct slice heard = ask(w, &v,
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
        "5\r\nhelloX");

    expect(&heard, 400, 0);
    assert_true(v.has_ended);
    assert_int_equal(w->script.cut, 1);
    assert_int_equal(http_server_counts(w->server)->bad_heads.total, 1);
    visitor_done(&v);
    world_free(w);
}

static void a_malformed_body_does_not_spoil_an_answer_that_was_given(void **)
{
    struct world *w = open_world(1);
    struct visitor v;
    struct slice heard = ask(w, &v,
        "POST /source/50000 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
        "5\r\nhelloX");

    expect(&heard, 200, 50000);
    assert_true(v.has_ended);
    assert_int_equal(heard.length, 0);
    assert_int_equal(w->script.completed, 1);
    visitor_done(&v);
    world_free(w);
}

/* RFC 9112 §2.2 */
static void a_line_end_behind_a_body_is_no_request(void **)
{
    struct world *w = open_world(1);
    struct visitor v;

    visitor_come(&v, w, SLICE("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n\0\r\n"));
    run(w, 20000);
    struct slice heard = visitor_heard(&v);

    expect(&heard, 200, 1);
    assert_false(v.has_ended); // not even when a head would have had to be complete
    visitor_done(&v);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_bodies_come_whole_in_both_framings),
        cmocka_unit_test(a_client_is_told_to_go_on_when_its_body_is_read),
        cmocka_unit_test(a_client_is_told_to_go_on_behind_the_answers_before),
        cmocka_unit_test(a_client_that_waits_is_not_told_when_nobody_reads),
        cmocka_unit_test(a_small_body_that_nobody_reads_is_dropped),
        cmocka_unit_test(a_large_body_that_nobody_reads_ends_the_connection),
        cmocka_unit_test(a_body_without_end_is_not_dropped_for_ever),
        cmocka_unit_test(nothing_is_read_before_the_service_wants_it),
        cmocka_unit_test(a_malformed_body_is_refused),
        cmocka_unit_test(a_malformed_body_does_not_spoil_an_answer_that_was_given),
        cmocka_unit_test(a_line_end_behind_a_body_is_no_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
