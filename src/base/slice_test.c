// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/hex.h"
#include "base/order.h"
#include "base/slice.h"

static void assert_slice(struct slice s, const char *text)
{
    assert_int_equal(s.length, strlen(text));
    assert_true(slice_equal(s, slice_text(text)));
}

static void slices_are_equal_by_their_bytes(void **)
{
    assert_true(slice_equal(SLICE("abc"), slice_of("abcd", 3)));
    assert_false(slice_equal(SLICE("abc"), SLICE("abd")));
    assert_false(slice_equal(SLICE("abc"), SLICE("ab")));
    assert_true(slice_equal(SLICE_NONE, SLICE("")));
}

static void same_ignores_the_case_of_ascii_alone(void **)
{
    assert_true(slice_same(SLICE("WWW.Acme.EXAMPLE"), SLICE("www.acme.example")));
    assert_false(slice_same(SLICE("www.acme.example"), SLICE("www.acme.exampl")));
    // '[' and '{' differ by the same bit as 'A' and 'a', as do the two letters of Latin-1.
    assert_false(slice_same(SLICE("["), SLICE("{")));
    assert_false(slice_same(SLICE("@"), SLICE("`")));
    assert_false(slice_same(SLICE("\xc4"), SLICE("\xe4")));
    assert_true(slice_same(SLICE_NONE, SLICE("")));
}

static void same_is_as_lower_has_it_at_each_place(void **)
{
    enum { LONGEST = 18 };
    char a[LONGEST], b[LONGEST];

    memset(a, 'x', sizeof a);
    memset(b, 'X', sizeof b);
    for (size_t length = 1; length <= LONGEST; length++) {
        for (size_t pair = 0; pair < (size_t)256 * 256; pair++) {
            char *left = &a[pair % length], *right = &b[pair % length], one = (char)pair,
                 other = (char)(pair / 256);

            *left = one;
            *right = other;
            assert_int_equal(slice_same(slice_of(a, length), slice_of(b, length)),
                ascii_lower(one) == ascii_lower(other));
            *left = 'x';
            *right = 'X';
        }
    }
}

static void lower_changes_letters_only(void **)
{
    assert_int_equal(ascii_lower('A'), 'a');
    assert_int_equal(ascii_lower('Z'), 'z');
    assert_int_equal(ascii_lower('a'), 'a');
    assert_int_equal(ascii_lower('@'), '@');
    assert_int_equal(ascii_lower('['), '[');
    assert_int_equal(ascii_lower('9'), '9');
}

static void hexadecimal_digits_are_read_in_either_case(void **)
{
    static const char DIGITS[] = "0123456789abcdefABCDEF";

    for (int i = 0; i < 256; i++) {
        const char *at = i == 0 ? NULL : strchr(DIGITS, (char)i);
        int place = at == NULL ? -1 : (int)(at - DIGITS);

        assert_int_equal(ascii_hex((char)i), place > 15 ? place - 6 : place);
    }
}

static void cutting_off_more_than_there_is_leaves_nothing(void **)
{
    assert_slice(slice_from(SLICE("abc"), 1), "bc");
    assert_slice(slice_from(SLICE("abc"), 3), "");
    assert_slice(slice_from(SLICE("abc"), SIZE_MAX), "");
    assert_slice(slice_from(SLICE_NONE, 4), "");
    assert_slice(slice_head(SLICE("abc"), 2), "ab");
    assert_slice(slice_head(SLICE("abc"), SIZE_MAX), "abc");
}

static void starts_and_ends_are_compared_whole(void **)
{
    assert_true(slice_starts(SLICE("/img/a.png"), SLICE("/img/")));
    assert_false(slice_starts(SLICE("/im"), SLICE("/img/")));
    assert_true(slice_ends(SLICE("/img/a.png"), SLICE(".png")));
    assert_false(slice_ends(SLICE("png"), SLICE(".png")));
    assert_true(slice_starts(SLICE("a"), SLICE("")));
    assert_true(slice_ends(SLICE_NONE, SLICE("")));
}

static void finding_gives_the_first_place_or_the_length(void **)
{
    assert_int_equal(slice_find(SLICE("a=b=c"), '='), 1);
    assert_int_equal(slice_find(SLICE("abc"), '='), 3);
    assert_int_equal(slice_find(SLICE_NONE, '='), 0);
    assert_int_equal(slice_find(slice_of("ab=", 2), '='), 2);
}

static void trimming_takes_blanks_and_tabs_at_both_ends(void **)
{
    assert_slice(slice_trim(SLICE(" \t a b\t ")), "a b");
    assert_slice(slice_trim(SLICE(" \t ")), "");
    assert_slice(slice_trim(SLICE("a\r")), "a\r");
}

static void cutting_gives_each_part_also_empty_ones(void **)
{
    struct slice rest = SLICE("a,,b,"), part;
    char all[32] = "";

    while (slice_cut(&rest, ',', &part))
        snprintf(all + strlen(all), sizeof all - strlen(all), "<%.*s>", SLICE_ARG(part));
    assert_string_equal(all, "<a><><b><>");
    assert_false(slice_cut(&rest, ',', &part));

    rest = SLICE("one");
    assert_true(slice_cut(&rest, ',', &part));
    assert_slice(part, "one");
    assert_false(slice_cut(&rest, ',', &part));
}

static void numbers_are_digits_up_to_a_limit(void **)
{
    uint64_t number = 7;

    assert_true(slice_number(SLICE("0"), 0, &number));
    assert_int_equal(number, 0);
    assert_true(slice_number(SLICE("65535"), 65535, &number));
    assert_int_equal(number, 65535);
    assert_true(slice_number(SLICE("18446744073709551615"), UINT64_MAX, &number));
    assert_true(number == UINT64_MAX);
    assert_true(slice_number(SLICE("007"), 7, &number));
    assert_int_equal(number, 7);
}

static void other_numbers_are_refused_and_change_nothing(void **)
{
    const struct slice wrong[] = { SLICE(""), SLICE("-1"), SLICE("+1"), SLICE(" 1"), SLICE("1 "),
        SLICE("0x1"), SLICE("1e3"), SLICE("65536"), SLICE("99999999999999999999999"),
        SLICE("18446744073709551616"), SLICE("1\0"), SLICE_NONE };
    uint64_t number = 7;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(slice_number(wrong[i], 65535, &number));
    assert_false(slice_number(SLICE("18446744073709551616"), UINT64_MAX, &number));
    assert_false(slice_number(SLICE("5"), 3, &number));
    assert_int_equal(number, 7);
}

static void distance_counts_single_edits(void **)
{
    assert_int_equal(slice_distance(SLICE("weighted"), SLICE("Weighted")), 0);
    assert_int_equal(slice_distance(SLICE("wieghted"), SLICE("weighted")), 2);
    assert_int_equal(slice_distance(SLICE("origin"), SLICE("origins")), 1);
    assert_int_equal(slice_distance(SLICE(""), SLICE("ttl")), 3);
    assert_int_equal(slice_distance(SLICE("kitten"), SLICE("sitting")), 3);
}

static void long_slices_are_far_from_everything(void **)
{
    char text[100];

    memset(text, 'a', sizeof text);
    assert_int_equal(slice_distance(slice_of(text, 63), slice_of(text, 63)), 0);
    assert_int_equal(slice_distance(slice_of(text, 64), slice_of(text, 64)), 64);
    assert_int_equal(slice_distance(slice_of(text, 1), slice_of(text, 100)), 64);
}

static void control_bytes_are_those_below_the_blank_and_the_last(void **)
{
    char text[3] = "a\0b";

    for (int byte = 0; byte < 256; byte++) {
        text[1] = (char)byte;
        assert_int_equal(slice_has_control(slice_of(text, 3)), byte < ' ' || byte == 127);
    }
    assert_false(slice_has_control(SLICE_NONE));
}

static void names_are_in_the_order_of_their_bytes(void **)
{
    static const char *const NAMES[] = { "", "B", "a", "a.b", "aa", "b", "\xc3" };

    for (size_t i = 0; i < COUNT_OF(NAMES); i++)
        for (size_t j = 0; j < COUNT_OF(NAMES); j++) {
            int order = slice_order(slice_text(NAMES[i]), slice_text(NAMES[j]));

            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    assert_int_equal(slice_order(SLICE_NONE, SLICE_NONE), 0);
}

static void bytes_are_two_digits_each(void **)
{
    char room[9] = "--------";

    assert_true(slice_equal(hex_write("\x00\x9f\xab", 3, room), SLICE("009fab")));
    assert_string_equal(room, "009fab--"); // and no more than that
    assert_int_equal(hex_write("", 0, room).length, 0);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(slices_are_equal_by_their_bytes),
        cmocka_unit_test(same_ignores_the_case_of_ascii_alone),
        cmocka_unit_test(same_is_as_lower_has_it_at_each_place),
        cmocka_unit_test(lower_changes_letters_only),
        cmocka_unit_test(hexadecimal_digits_are_read_in_either_case),
        cmocka_unit_test(cutting_off_more_than_there_is_leaves_nothing),
        cmocka_unit_test(starts_and_ends_are_compared_whole),
        cmocka_unit_test(finding_gives_the_first_place_or_the_length),
        cmocka_unit_test(trimming_takes_blanks_and_tabs_at_both_ends),
        cmocka_unit_test(cutting_gives_each_part_also_empty_ones),
        cmocka_unit_test(numbers_are_digits_up_to_a_limit),
        cmocka_unit_test(other_numbers_are_refused_and_change_nothing),
        cmocka_unit_test(distance_counts_single_edits),
        cmocka_unit_test(long_slices_are_far_from_everything),
        cmocka_unit_test(names_are_in_the_order_of_their_bytes),
        cmocka_unit_test(bytes_are_two_digits_each),
        cmocka_unit_test(control_bytes_are_those_below_the_blank_and_the_last),
    };

    return cmocka_run_group_tests_name("base/slice", cases, NULL, NULL);
}
