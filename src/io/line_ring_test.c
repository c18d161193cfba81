// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "io/line_ring.h"

enum { RACE_LINES = 200000 };

static char us[1], them[1];

static void check_next(struct line_ring *ring, const char *whom, const char *expected)
{
    void *found = NULL;
    struct slice line;

    assert_true(line_ring_next(ring, &found, &line));
    assert_ptr_equal(found, whom);
    assert_true(slice_equal(line, slice_text(expected)));
    line_ring_taken(ring);
}

static void lines_come_out_in_order_for_whom_they_are(void **)
{
    struct line_ring *ring = line_ring_new(256);
    void *whom;
    struct slice line;

    assert_true(line_ring_put(ring, us, SLICE("one")));
    assert_true(line_ring_put(ring, them, SLICE("two, and a little longer")));
    check_next(ring, us, "one");
    check_next(ring, them, "two, and a little longer");
    assert_false(line_ring_next(ring, &whom, &line));
    assert_int_equal(line_ring_count(ring), 2);
    line_ring_free(ring);
}

static void a_line_without_room_is_dropped_and_counted(void **)
{
    struct line_ring *ring = line_ring_new(128);

    while (line_ring_put(ring, us, SLICE("0123456789abcdef")))
        ;
    assert_int_equal(line_ring_count(ring), 4); // of 32 bytes each
    assert_int_equal(line_ring_dropped(ring), 1);
    check_next(ring, us, "0123456789abcdef");
    assert_true(line_ring_put(ring, us, SLICE("there is room")));
    assert_int_equal(line_ring_dropped(ring), 1);
    line_ring_free(ring);
}

static void a_line_longer_than_the_ring_is_dropped(void **)
{
    struct line_ring *ring = line_ring_new(64);
    char text[64] = { 0 };

    assert_false(line_ring_put(ring, us, slice_of(text, sizeof text)));
    assert_true(line_ring_put(ring, us, slice_of(text, 48)));
    assert_int_equal(line_ring_dropped(ring), 1);
    line_ring_free(ring);
}

/* Of all lengths, so that every place of the ring's end is met. */
static void lines_stay_whole_where_the_ring_ends(void **)
{
    struct line_ring *ring = line_ring_new(512);
    char text[200];

    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < 2000; i++) {
        size_t length = 1 + i * 7 % 199;
        void *whom;
        struct slice line;

        text[0] = (char)i;
        assert_true(line_ring_put(ring, us, slice_of(text, length)));
        assert_true(line_ring_next(ring, &whom, &line));
        assert_true(slice_equal(line, slice_of(text, length)));
        line_ring_taken(ring);
    }
    assert_int_equal(line_ring_dropped(ring), 0);
    line_ring_free(ring);
}

static void *put_all(void *argument)
{
    struct line_ring *ring = argument;

    for (unsigned i = 0; i < RACE_LINES; i++) {
        char text[64];
        int length = snprintf(text, sizeof text, "%u %.*s", i, (int)(i % 40),
            "........................................");

        while (!line_ring_put(ring, us, slice_of(text, (size_t)length)))
            sched_yield();
    }
    return NULL;
}

static void two_threads_hand_over_every_line(void **)
{
    struct line_ring *ring = line_ring_new(4096);
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, put_all, ring), 0);
    for (unsigned i = 0; i < RACE_LINES;) {
        void *whom;
        struct slice line;
        uint64_t number;

        if (!line_ring_next(ring, &whom, &line)) {
            sched_yield();
            continue;
        }
        size_t digits = slice_find(line, ' ');

        assert_true(slice_number(slice_head(line, digits), RACE_LINES, &number));
        assert_int_equal(number, i);
        assert_int_equal(line.length, digits + 1 + i % 40);
        line_ring_taken(ring);
        i++;
    }
    pthread_join(thread, NULL);
    assert_int_equal(line_ring_count(ring), RACE_LINES);
    line_ring_free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_out_in_order_for_whom_they_are),
        cmocka_unit_test(a_line_without_room_is_dropped_and_counted),
        cmocka_unit_test(a_line_longer_than_the_ring_is_dropped),
        cmocka_unit_test(lines_stay_whole_where_the_ring_ends),
        cmocka_unit_test(two_threads_hand_over_every_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
