// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/http_chunk.h"

enum { ROOM = 64 * 1024 };

struct decoded {
    enum http_chunk_step last;
    size_t taken; // bytes of the input
    size_t length;
    char body[ROOM];
};

/* Decodes `bytes` handed over in pieces of `piece` bytes, taking at most `bite` bytes of data at
 * a time. */
static void decode(struct decoded *d, struct slice bytes, size_t piece, size_t bite)
{
    struct http_chunk c;

    http_chunk_init(&c);
    d->length = d->taken = 0;
    d->last = HTTP_CHUNK_MORE;
    while (d->taken < bytes.length && d->last != HTTP_CHUNK_DONE && d->last != HTTP_CHUNK_BAD) {
        struct slice part = slice_head(slice_from(bytes, d->taken), piece), data;
        size_t before = part.length;

        while ((d->last = http_chunk_next(&c, &part, &data)) == HTTP_CHUNK_DATA) {
            size_t count = data.length < bite ? data.length : bite;

            memcpy(d->body + d->length, data.at, count);
            d->length += count;
            http_chunk_take(&c, &part, count);
        }
        d->taken += before - part.length;
    }
}

/* Decoded whole and in all pieces, `bytes` end in `last`, with `body` before it. */
static void check(struct slice bytes, enum http_chunk_step last, const char *body)
{
    static struct decoded d;

    for (size_t piece = 1; piece <= bytes.length; piece++) {
        decode(&d, bytes, piece, piece % 3 + 1);
        assert_int_equal(d.last, last);
        if (last == HTTP_CHUNK_BAD)
            continue;
        assert_int_equal(d.length, strlen(body));
        assert_memory_equal(d.body, body, d.length);
        assert_int_equal(d.taken, bytes.length);
    }
}

static void chunks_are_joined_to_the_body(void **)
{
    check(SLICE("5\r\nhello\r\n1\r\n \r\nA\r\n0123456789\r\n0\r\n\r\n"), HTTP_CHUNK_DONE,
        "hello 0123456789");
    check(SLICE("0\r\n\r\n"), HTTP_CHUNK_DONE, "");
    check(SLICE("0000\r\n\r\n"), HTTP_CHUNK_DONE, "");
    check(SLICE("00005\r\nhello\r\n0\r\n\r\n"), HTTP_CHUNK_DONE, "hello");
    check(SLICE("aB\r\n"), HTTP_CHUNK_MORE, "");
    check(SLICE("2\r\nab"), HTTP_CHUNK_MORE, "ab");
}

static void the_end_leaves_what_follows(void **)
{
    static struct decoded d;

    decode(&d, SLICE("1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n"), 1000, 1000);
    assert_int_equal(d.last, HTTP_CHUNK_DONE);
    assert_int_equal(d.taken, 11);
}

static void the_end_and_errors_are_told_again_when_asked_again(void **)
{
    struct http_chunk c;
    struct slice done = SLICE("0\r\n\r\n1"), bad = SLICE("x1"), data;

    http_chunk_init(&c);
    assert_int_equal(http_chunk_next(&c, &done, &data), HTTP_CHUNK_DONE);
    assert_int_equal(http_chunk_next(&c, &done, &data), HTTP_CHUNK_DONE);
    assert_int_equal(done.length, 1);
    http_chunk_init(&c);
    assert_int_equal(http_chunk_next(&c, &bad, &data), HTTP_CHUNK_BAD);
    assert_int_equal(http_chunk_next(&c, &bad, &data), HTTP_CHUNK_BAD);
}

static void data_is_told_again_until_it_is_taken(void **)
{
    struct http_chunk c;
    struct slice bytes = SLICE("3\r\nabcX"), data;

    http_chunk_init(&c);
    assert_int_equal(http_chunk_next(&c, &bytes, &data), HTTP_CHUNK_DATA);
    assert_int_equal(http_chunk_next(&c, &bytes, &data), HTTP_CHUNK_DATA);
    assert_true(slice_equal(data, SLICE("abc")));
    http_chunk_take(&c, &bytes, 2);
    assert_int_equal(http_chunk_next(&c, &bytes, &data), HTTP_CHUNK_DATA);
    assert_true(slice_equal(data, SLICE("c")));
}

/* RFC 9112 §7.1 */
static void sizes_are_hexadecimal_digits_alone(void **)
{
    static const char *const BAD[] = { "\r\n", " 5\r\n", "+5\r\n", "-5\r\n", "0x5\r\n", "5h\r\n",
        "g\r\n", "5 5\r\n", "5 \r\n", "5\t\r\n", "5,\r\n", "\n", "_5\r\n", ":5\r\n", "@5\r\n",
        "`5\r\n", "/5\r\n" };

    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        check(slice_text(BAD[i]), HTTP_CHUNK_BAD, "");
    check(SLICE("fffffffffffffff\r\n"), HTTP_CHUNK_MORE, "");
    check(SLICE("1000000000000000\r\n"), HTTP_CHUNK_BAD, "");
    check(SLICE("0000000000000001\r\n"), HTTP_CHUNK_BAD, "");
}

static void only_crlf_ends_a_line_or_a_chunk(void **)
{
    static const char *const BAD[] = { "5\nhello", "5\rhello", "5\r\rhello", "5\r\nhelloX\r\n",
        "5\r\nhello\n0\r\n\r\n", "5\r\nhello\rX", "0\r\n\n", "0\r\n\r\r", "0\r\nA: b\n\r\n",
        "0\r\nA: b\r\r\n" };

    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        check(slice_text(BAD[i]), HTTP_CHUNK_BAD, "");
}

/* RFC 9112 §7.1.1 */
static void extensions_are_read_and_dropped(void **)
{
    check(SLICE("5;a=b;c=\"d \t;\"\r\nhello\r\n0 ;x\r\n\r\n"), HTTP_CHUNK_DONE, "hello");
    check(SLICE("5 \t;a\r\nhello\r\n0;\r\n\r\n"), HTTP_CHUNK_DONE, "hello");
    check(SLICE("5;a\nhello\r\n0\r\n\r\n"), HTTP_CHUNK_BAD, "");
    check(SLICE("5;a\r\r\n"), HTTP_CHUNK_BAD, "");
    check(SLICE("5;a\0\r\n"), HTTP_CHUNK_BAD, "");
    check(SLICE("5;a\x7f\r\n"), HTTP_CHUNK_BAD, "");
}

static size_t fill(char *room, const char *front, char filler, size_t count, const char *back)
{
    size_t length = strlen(front);

    memcpy(room, front, length);
    memset(room + length, filler, count);
    memcpy(room + length + count, back, strlen(back));
    return length + count + strlen(back);
}

static void a_line_of_extensions_has_a_limit(void **)
{
    static char room[ROOM];
    static struct decoded d;
    size_t fits = HTTP_CHUNK_LINE_MAX - strlen("0;\r");

    decode(&d, slice_of(room, fill(room, "0;", 'x', fits, "\r\n\r\n")), 7, 1);
    assert_int_equal(d.last, HTTP_CHUNK_DONE);
    decode(&d, slice_of(room, fill(room, "0;", 'x', fits + 1, "\r\n\r\n")), 7, 1);
    assert_int_equal(d.last, HTTP_CHUNK_BAD);
    decode(&d, slice_of(room, fill(room, "0", ' ', fits + 2, ";\r\n\r\n")), 7, 1);
    assert_int_equal(d.last, HTTP_CHUNK_BAD);
}

/* `count` chunks of one byte, each with `extra` bytes of extensions or blanks. */
static struct slice many(char *room, unsigned count, const char *extra)
{
    size_t length = 0;

    for (unsigned i = 0; i < count; i++)
        length += (size_t)sprintf(room + length, "1%s\r\nx\r\n", extra);
    return slice_of(room, length);
}

static void extensions_may_not_outgrow_the_data(void **)
{
    static char room[8 * ROOM];
    static struct decoded d;

    decode(&d, many(room, 4000, ""), 1000, 1);
    assert_int_equal(d.last, HTTP_CHUNK_MORE);
    assert_int_equal(d.length, 4000);
    decode(&d, many(room, 4000, ";extension"), 1000, 1);
    assert_int_equal(d.last, HTTP_CHUNK_BAD);
    assert_in_range(d.length, 1600, 2000);
    decode(&d, many(room, 4000, "             ;"), 1000, 1);
    assert_int_equal(d.last, HTTP_CHUNK_BAD);
}

/* RFC 9112 §7.1.2 */
static void trailers_are_checked_and_dropped(void **)
{
    check(SLICE("1\r\nx\r\n0\r\nA: b\r\nC:\t\377\r\n\r\n"), HTTP_CHUNK_DONE, "x");
    check(SLICE("0\r\nA : b\r\n\r\n"), HTTP_CHUNK_BAD, "");
    check(SLICE("0\r\n: b\r\n\r\n"), HTTP_CHUNK_BAD, "");
    check(SLICE("0\r\nA\r\n\r\n"), HTTP_CHUNK_BAD, "");
    check(SLICE("0\r\nA: b\r\n c\r\n\r\n"), HTTP_CHUNK_BAD, "");
    check(SLICE("0\r\nA: \1\r\n\r\n"), HTTP_CHUNK_BAD, "");
}

static void trailers_have_a_limit(void **)
{
    static char room[ROOM];
    static struct decoded d;
    size_t fits = HTTP_CHUNK_TRAILERS_MAX - strlen("A:\r") - strlen("\r");

    decode(&d, slice_of(room, fill(room, "0\r\nA:", 'x', fits, "\r\n\r\n")), 100, 1);
    assert_int_equal(d.last, HTTP_CHUNK_DONE);
    decode(&d, slice_of(room, fill(room, "0\r\nA:", 'x', fits + 1, "\r\n\r\n")), 100, 1);
    assert_int_equal(d.last, HTTP_CHUNK_BAD);
    decode(&d, slice_of(room, fill(room, "0\r\n", 'x', ROOM / 2, "")), 100, 1);
    assert_int_equal(d.last, HTTP_CHUNK_BAD);
}

static void written_sizes_are_read_again(void **)
{
    char room[HTTP_CHUNK_HEAD_BYTES], expected[HTTP_CHUNK_HEAD_BYTES + 1];

    for (int shift = 0; shift < 64; shift++)
        for (uint64_t less = 0; less < 2; less++) {
            uint64_t size = (UINT64_C(1) << shift) - less;

            if (size == 0)
                continue;
            int length = snprintf(expected, sizeof expected, "%llx\r\n", (unsigned long long)size);

            assert_int_equal(http_chunk_head_write(room, size), length);
            assert_memory_equal(room, expected, (size_t)length);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_are_joined_to_the_body),
        cmocka_unit_test(the_end_leaves_what_follows),
        cmocka_unit_test(the_end_and_errors_are_told_again_when_asked_again),
        cmocka_unit_test(data_is_told_again_until_it_is_taken),
        cmocka_unit_test(sizes_are_hexadecimal_digits_alone),
        cmocka_unit_test(only_crlf_ends_a_line_or_a_chunk),
        cmocka_unit_test(extensions_are_read_and_dropped),
        cmocka_unit_test(a_line_of_extensions_has_a_limit),
        cmocka_unit_test(extensions_may_not_outgrow_the_data),
        cmocka_unit_test(trailers_are_checked_and_dropped),
        cmocka_unit_test(trailers_have_a_limit),
        cmocka_unit_test(written_sizes_are_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
