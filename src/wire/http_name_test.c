// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/http_name.h"

enum { ROOM = 32 };

static void every_listed_name_is_known_in_any_case(void **)
{
    for (int id = HTTP_NAME_OTHER + 1; id < HTTP_NAME_COUNT; id++) {
        struct slice text = http_name_text((enum http_name)id);
        char upper[ROOM] = { 0 };

        assert_true(text.length > 0);
        assert_int_equal(http_name_of(text), id);
        for (size_t i = 0; i < text.length; i++)
            upper[i] = text.at[i] == '-' ? '-' : (char)(text.at[i] - 0x20);
        assert_int_equal(http_name_of(slice_of(upper, text.length)), id);
        assert_int_equal(http_name_of_within(slice_of(upper, text.length), ROOM), id);
    }
}

static void a_name_with_any_other_byte_is_another_name(void **)
{
    for (int id = HTTP_NAME_OTHER + 1; id < HTTP_NAME_COUNT; id++) {
        struct slice text = http_name_text((enum http_name)id);

        for (size_t at = 0; at < text.length; at++)
            for (int byte = 0; byte < 256; byte++) {
                char changed[ROOM] = { 0 };

                memcpy(changed, text.at, text.length);
                changed[at] = (char)byte;
                bool is_same = slice_same(slice_of(changed, text.length), text);

                assert_int_equal(
                    http_name_of(slice_of(changed, text.length)) == (enum http_name)id, is_same);
                assert_int_equal(
                    http_name_of_within(slice_of(changed, text.length), ROOM) == (enum http_name)id,
                    is_same);
            }
    }
}

static void a_longer_or_shorter_name_is_another_name(void **)
{
    assert_int_equal(http_name_of(SLICE("hos")), HTTP_NAME_OTHER);
    assert_int_equal(http_name_of(SLICE("hostt")), HTTP_NAME_OTHER);
    assert_int_equal(http_name_of(SLICE("")), HTTP_NAME_OTHER);
    assert_int_equal(http_name_of(SLICE_NONE), HTTP_NAME_OTHER);
    assert_int_equal(http_name_text(HTTP_NAME_OTHER).length, 0);
}

static void what_lies_behind_a_name_does_not_matter(void **)
{
    const char bytes[] =
        "Host: \377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377";

    assert_int_equal(http_name_of_within(slice_of(bytes, 4), sizeof bytes), HTTP_NAME_HOST);
}

static void tokens_are_the_bytes_of_rfc_9110_5_6_2(void **)
{
    const char *allowed = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    for (int byte = 1; byte < 256; byte++) {
        char text[] = { 'a', (char)byte };

        assert_int_equal(http_is_token(slice_of(text, sizeof text)), strchr(allowed, byte) != NULL);
    }
    assert_false(http_is_token(SLICE("a\0b")));
    assert_false(http_is_token(SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_listed_name_is_known_in_any_case),
        cmocka_unit_test(a_name_with_any_other_byte_is_another_name),
        cmocka_unit_test(a_longer_or_shorter_name_is_another_name),
        cmocka_unit_test(what_lies_behind_a_name_does_not_matter),
        cmocka_unit_test(tokens_are_the_bytes_of_rfc_9110_5_6_2),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
