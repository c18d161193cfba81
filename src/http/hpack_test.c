// SPDX-License-Identifier: Apache-2.0
/* What is packed is unpacked again by nghttp2, as a client would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "http/hpack.h"

enum { TEXT_MAX = 16 * 1024 };

struct scene {
    struct hpack h;
    nghttp2_hd_inflater *client;
    size_t packed_length;
    uint8_t packed[2 * TEXT_MAX];
    char heard[TEXT_MAX]; // lines again
};

static int open_scene(void **state)
{
    static struct scene scene;

    hpack_init(&scene.h, HPACK_TABLE_MAX);
    assert_int_equal(nghttp2_hd_inflate_new(&scene.client), 0);
    *state = &scene;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *s = *state;

    nghttp2_hd_inflate_del(s->client);
    return 0;
}

/* Unpacks what was packed last; the names and values are in s->heard. True when one of the fields
 * asked not to be kept by anybody. */
static bool unpack(struct scene *s)
{
    const uint8_t *at = s->packed, *end = s->packed + s->packed_length;
    size_t used = 0;
    int flags = 0;
    bool is_secret = false;

    s->heard[0] = '\0';
    while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
        nghttp2_nv field;
        ssize_t taken =
            nghttp2_hd_inflate_hd2(s->client, &field, &flags, at, (size_t)(end - at), 1);

        assert_true(taken >= 0);
        at += taken;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0)
            continue;
        is_secret |= (field.flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0;
        used += (size_t)snprintf(s->heard + used, sizeof s->heard - used, "%s: %s\r\n",
            (const char *)field.name, (const char *)field.value);
    }
    assert_ptr_equal(at, end);
    nghttp2_hd_inflate_end_headers(s->client);
    return is_secret;
}

static size_t pack(struct scene *s, const char *lines)
{
    struct slice text = slice_text(lines);

    s->packed_length = hpack_pack(&s->h, text, s->packed);
    assert_true(s->packed_length <= hpack_most(text.length));
    return s->packed_length;
}

/* Packs lines whose names are in lower case, and hears the same. Returns the bytes it took. */
static size_t say(struct scene *s, const char *lines)
{
    size_t length = pack(s, lines);

    unpack(s);
    assert_string_equal(s->heard, lines);
    return length;
}

static void names_are_in_lower_case_and_values_are_as_they_were(void **state)
{
    struct scene *s = *state;

    pack(s, "Content-Type: Text/HTML\r\nX-Other-Name:  A B \r\nX-Empty:\r\nETag: \"A\"\r\n");
    unpack(s);
    assert_string_equal(
        s->heard, "content-type: Text/HTML\r\nx-other-name: A B\r\nx-empty: \r\netag: \"A\"\r\n");
}

static void nothing_is_packed_as_nothing(void **state)
{
    assert_int_equal(pack(*state, ""), 0);
}

static void a_line_that_was_sent_before_is_one_byte(void **state)
{
    struct scene *s = *state;

    assert_true(say(s, "content-type: text/html\r\nvia: 1.1 here\r\nx-y: z\r\n") > 3);
    assert_int_equal(say(s, "content-type: text/html\r\nvia: 1.1 here\r\nx-y: z\r\n"), 3);
    assert_int_equal(say(s, "x-y: z\r\n"), 1);
}

static void a_head_that_is_said_again_is_the_same_bytes(void **state)
{
    struct scene *s = *state;
    const char *lines = "content-length: 10\r\nvia: 1.1 here\r\nage: 1\r\nset-cookie: a=b\r\n";
    uint8_t before[64];

    say(s, lines);
    size_t length = say(s, lines);

    assert_true(length <= sizeof before);
    memcpy(before, s->packed, length);
    memset(s->packed, 0, length);
    assert_int_equal(say(s, lines), length);
    assert_memory_equal(s->packed, before, length);
    say(s, "content-length: 10\r\nvia: 1.1 here\r\nage: 2\r\nset-cookie: a=b\r\n");
    say(s, lines);
}

static void a_head_is_said_anew_when_the_table_has_changed(void **state)
{
    struct scene *s = *state;
    const char *lines = "age: 1\r\nvia: 1.1 here\r\n";

    say(s, lines);
    for (int i = 0; i < 100; i++) { // until the table here has been forgotten a few times
        char other[40];

        snprintf(other, sizeof other, "x-other: %d\r\n", i);
        say(s, lines);
        say(s, other);
        say(s, lines);
    }
    nghttp2_hd_inflater *other_client;

    assert_int_equal(nghttp2_hd_inflate_new(&other_client), 0);
    nghttp2_hd_inflate_del(s->client);
    s->client = other_client; // whose table is empty
    hpack_init(&s->h, HPACK_TABLE_MAX);
    say(s, lines);
}

static void lines_are_found_in_any_order_and_among_new_ones(void **state)
{
    struct scene *s = *state;

    say(s, "date: 1\r\nvia: 1.1 here\r\nx-y: z\r\nx-yy: z\r\n");
    assert_int_equal(say(s, "x-yy: z\r\nx-y: z\r\nvia: 1.1 here\r\ndate: 1\r\n"), 4);
    assert_int_equal(say(s, "date: 1\r\ndate: 1\r\nx-y: z\r\nx-yy: z\r\nx-yy: z\r\n"), 5);
    say(s, "date: 2\r\nage: 1\r\nvia: 1.1 here\r\nx-y: zz\r\nx-yy: z\r\n");
    assert_int_equal(say(s, "date: 2\r\nvia: 1.1 here\r\nx-y: zz\r\nx-yy: z\r\n"), 4);
    say(s, "date: 22\r\nvia: 1.1 her\r\nx-y: \r\n"); // each a part of one, or longer
}

static void what_differs_from_answer_to_answer_takes_no_place_in_the_table(void **state)
{
    struct scene *s = *state;

    say(s, "x-y: z\r\n");
    for (int i = 100; i < 200; i++) {
        char lines[100];

        snprintf(lines, sizeof lines, "content-length: %d\r\nage: %d\r\netag: \"%d\"\r\n", i, i, i);
        assert_true(say(s, lines) > 10);
    }
    assert_int_equal(s->h.count, 1);
    assert_int_equal(say(s, "x-y: z\r\n"), 1);
}

static void cookies_are_kept_by_nobody(void **state)
{
    struct scene *s = *state;

    for (int i = 0; i < 2; i++) {
        pack(s, "set-cookie: id=1\r\n");
        assert_true(unpack(s));
        assert_string_equal(s->heard, "set-cookie: id=1\r\n");
    }
    pack(s, "x-y: z\r\nage: 1\r\n");
    assert_false(unpack(s));
}

static void more_lines_than_are_remembered_are_heard_all_the_same(void **state)
{
    struct scene *s = *state;

    for (int turn = 0; turn < 3; turn++)
        for (int i = 0; i < 3 * HPACK_LINES_MAX; i++) {
            char lines[200];

            snprintf(lines, sizeof lines, "x-%d: %0*d\r\nx-always: 1\r\n", i, 1 + i, i);
            say(s, lines);
        }
}

/* Entries that the client has dropped are not spoken of. */
static void a_table_may_be_of_any_size(void **state)
{
    struct scene *s = *state;
    static const uint32_t SIZES[] = { 0, 40, 100, 300, 1000, 4096 };

    for (size_t size = 0; size < sizeof SIZES / sizeof SIZES[0]; size++) {
        close_scene(state);
        assert_int_equal(nghttp2_hd_inflate_new(&s->client), 0);
        assert_int_equal(nghttp2_hd_inflate_change_table_size(s->client, SIZES[size]), 0);
        // Whoever lowers its table is told in the next block that we know.
        uint8_t told[8] = { 0x20 };
        size_t length = 1, left = SIZES[size] - 31;

        if (SIZES[size] < 31) {
            told[0] |= (uint8_t)SIZES[size];
        } else {
            told[0] |= 31;
            for (; left >= 128; left >>= 7)
                told[length++] = (uint8_t)(left | 128);
            told[length++] = (uint8_t)left;
        }
        memcpy(s->packed, told, length);
        s->packed_length = length;
        unpack(s);
        hpack_init(&s->h, SIZES[size]);
        for (int i = 0; i < 100; i++) {
            char lines[200];

            snprintf(lines, sizeof lines, "x-always: 1\r\nx-some: %d\r\nx-any: %0*d\r\n", i % 3,
                1 + i % 60, i);
            say(s, lines);
        }
    }
}

static void a_larger_table_than_ours_is_used_in_part(void **state)
{
    struct scene *s = *state;

    hpack_init(&s->h, UINT32_MAX);
    assert_int_equal(s->h.limit, HPACK_TABLE_MAX);
}

static void a_long_line_goes_out_in_full_and_pushes_nothing_out(void **state)
{
    struct scene *s = *state;
    char line[6000];

    say(s, "x-y: z\r\n");
    snprintf(line, sizeof line, "x-long: %0*d\r\n", 5000, 7);
    for (int i = 0; i < 2; i++)
        assert_true(say(s, line) > 5000);
    snprintf(line, sizeof line, "x-%0*d: 1\r\n", 300, 7);
    say(s, line);
    assert_int_equal(say(s, "x-y: z\r\n"), 1);
}

static void lines_that_are_equal_but_for_case_are_heard_as_equal(void **state)
{
    struct scene *s = *state;

    pack(s, "X-Y: z\r\nx-y: z\r\n");
    unpack(s);
    assert_string_equal(s->heard, "x-y: z\r\nx-y: z\r\n");
    assert_int_equal(pack(s, "X-Y: z\r\nx-y: z\r\n"), 2);
    unpack(s);
    assert_string_equal(s->heard, "x-y: z\r\nx-y: z\r\n");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(names_are_in_lower_case_and_values_are_as_they_were),
        CASE(nothing_is_packed_as_nothing),
        CASE(a_line_that_was_sent_before_is_one_byte),
        CASE(a_head_that_is_said_again_is_the_same_bytes),
        CASE(a_head_is_said_anew_when_the_table_has_changed),
        CASE(lines_are_found_in_any_order_and_among_new_ones),
        CASE(what_differs_from_answer_to_answer_takes_no_place_in_the_table),
        CASE(cookies_are_kept_by_nobody),
        CASE(more_lines_than_are_remembered_are_heard_all_the_same),
        CASE(a_table_may_be_of_any_size),
        CASE(a_larger_table_than_ours_is_used_in_part),
        CASE(a_long_line_goes_out_in_full_and_pushes_nothing_out),
        CASE(lines_that_are_equal_but_for_case_are_heard_as_equal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
