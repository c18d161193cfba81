// SPDX-License-Identifier: Apache-2.0
/* A text is found in pieces wherever it would be found in the whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/hash.h"
#include "probe/needle.h"

/* Cut into pieces of `piece` bytes. */
static bool found(struct slice text, struct slice bytes, size_t piece)
{
    struct needle needle;

    needle_init(&needle, text);
    for (; bytes.length > 0; bytes = slice_from(bytes, piece))
        needle_read(&needle, text, slice_head(bytes, piece));
    needle_done(&needle);
    return needle.is_found;
}

static void nothing_is_found_everywhere(void **)
{
    assert_true(found(SLICE_NONE, SLICE_NONE, 1));
    assert_true(found(SLICE_NONE, SLICE("abc"), 1));
    assert_false(found(SLICE("a"), SLICE_NONE, 1));
}

static void texts_across_borders_are_found(void **)
{
    for (size_t piece = 1; piece < 10; piece++) {
        assert_true(found(SLICE("all well"), SLICE("<p>all well</p>"), piece));
        assert_true(found(SLICE("well"), SLICE("well"), piece));
        assert_false(found(SLICE("all well"), SLICE("<p>all wel</p>"), piece));
        assert_false(found(SLICE("all well"), SLICE("all wel"), piece));
    }
}

static void a_beginning_within_a_beginning_is_not_missed(void **)
{
    assert_true(found(SLICE("aab"), SLICE("aaab"), 1));
    assert_true(found(SLICE("abacabad"), SLICE("abacabacabad"), 3));
}

static void pieces_and_the_whole_agree(void **)
{
    for (uint64_t i = 0; i < 20000; i++) {
        char text[4], bytes[16];
        uint64_t luck = hash_mix(i + 1);
        size_t length = 1 + luck % sizeof text;

        // Of two letters, so that beginnings repeat.
        for (size_t at = 0; at < sizeof bytes; at++)
            bytes[at] = (char)('a' + (luck >> (at + 8) & 1));
        for (size_t at = 0; at < length; at++)
            text[at] = (char)('a' + (luck >> (at + 40) & 1));
        bool is_there = memmem(bytes, sizeof bytes, text, length) != NULL;

        assert_int_equal(
            found(slice_of(text, length), slice_of(bytes, sizeof bytes), 1 + (luck >> 50) % 5),
            is_there);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_found_everywhere),
        cmocka_unit_test(texts_across_borders_are_found),
        cmocka_unit_test(a_beginning_within_a_beginning_is_not_missed),
        cmocka_unit_test(pieces_and_the_whole_agree),
    };

    return cmocka_run_group_tests_name("needle", tests, NULL, NULL);
}
