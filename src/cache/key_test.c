// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "cache/heads_test.h"
#include "cache/key.h"

static void paths_that_mean_the_same_are_one(void **state)
{
    static const char *const pairs[][2] = {
        { "/", "/" },
        { "/a/b", "/a/b" },
        { "/a/b/", "/a/b/" },
        { "/%61%7e%2D", "/a~-" },
        { "/%2f%3f%20", "/%2F%3F%20" },
        { "/a//b", "/a//b" },
        { "/./a/./b/.", "/a/b/" },
        { "/a/b/../c", "/a/c" },
        { "/a/b/..", "/a/" },
        { "/a/%2E%2e/c", "/c" },
        { "/a//../c", "/a/c" },
        { "/...", "/..." },
        { "/a/..b", "/a/..b" },
        { "/\"<\xff>", "/%22%3C%FF%3E" },
        { "/a?x=%7e&/../", "/a?x=%7e&/../" },
        { "/a?", "/a?" },
        { "/a/..?q", "/?q" },
    };
    char room[256];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        struct slice result;

        assert_true(cache_path_normalise(slice_text(pairs[i][0]), room, sizeof room, &result));
        if (!slice_equal(result, slice_text(pairs[i][1])))
            print_message("%s: %.*s\n", pairs[i][0], SLICE_ARG(result));
        assert_true(slice_equal(result, slice_text(pairs[i][1])));
    }
}

static void paths_that_lead_out_or_astray_are_refused(void **state)
{
    static const char *const paths[] = { "", "a", "*", "?", "/..", "/../a", "/a/../..", "/%2e%2e/",
        "/a%", "/a%2", "/a%zz", "/a%00", "/a/./../../b" };
    char room[256];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        struct slice result;

        assert_false(cache_path_normalise(slice_text(paths[i]), room, sizeof room, &result));
    }
    struct slice result;

    assert_false(cache_path_normalise(SLICE("/a\0b"), room, sizeof room, &result));
}

static void a_path_that_does_not_fit_is_refused(void **state)
{
    char room[16];
    struct slice result;

    (void)state;
    for (size_t bytes = 0; bytes < 9; bytes++)
        assert_false(cache_path_normalise(SLICE("/abc/%ff?"), room, bytes, &result));
    assert_true(cache_path_normalise(SLICE("/abc/%ff?"), room, 9, &result));
}

static struct slice second_key(
    const char *vary, uint64_t salt, const char *fields, char room[static 512])
{
    struct test_head request;
    struct cache_text text = { .at = room, .room = 512 };

    request_of(&request, "GET", fields);
    assert_true(
        cache_key_vary_write(SLICE("a.example/x"), salt, slice_text(vary), &request.head, &text));
    return cache_text_slice(&text);
}

static bool are_same(const char *vary, const char *fields, const char *others)
{
    char a[512], b[512];

    return slice_equal(second_key(vary, 1, fields, a), second_key(vary, 1, others, b));
}

static void variants_differ_by_the_fields_named(void **state)
{
    (void)state;
    assert_false(are_same("x", "X: 1\r\n", "X: 2\r\n"));
    assert_false(are_same("x", "X: 1\r\n", ""));
    assert_false(are_same("x", "X:\r\n", ""));
    assert_false(are_same("x, y", "X: 1\r\n", "Y: 1\r\n"));
    assert_true(are_same("x", "X: 1\r\nY: 1\r\n", "X: 1\r\nY: 2\r\n"));
    assert_true(are_same("X", "x: a  b\r\n", "X: a \t b\r\n"));
    assert_true(are_same("X", "x: a\r\nx: b\r\n", "X: a,b\r\n"));
    assert_true(are_same(" , ", "X: 1\r\n", "X: 2\r\n"));
}

static void accepted_codings_are_a_set(void **state)
{
    (void)state;
    assert_true(are_same("accept-encoding", "Accept-Encoding: gzip, br\r\n",
        "Accept-Encoding: br;q=0.5,GZIP;q=1,deflate\r\n"));
    assert_true(are_same("Accept-Encoding", "Accept-Encoding: deflate\r\n", ""));
    assert_true(are_same("Accept-Encoding", "Accept-Encoding: gzip;q=0.0, identity\r\n", ""));
    assert_true(are_same(
        "Accept-Encoding", "Accept-Encoding: *, br;q=0\r\n", "Accept-Encoding: gzip, zstd\r\n"));
    assert_false(
        are_same("Accept-Encoding", "Accept-Encoding: gzip;q=0.01\r\n", "Accept-Encoding: br\r\n"));
    assert_false(are_same("Accept-Encoding", "Accept-Encoding: zstd\r\n", ""));
}

static void a_new_salt_leads_elsewhere(void **state)
{
    char a[512], b[512];

    (void)state;
    assert_false(slice_equal(second_key("x", 1, "", a), second_key("x", 2, "", b)));
    assert_false(
        slice_equal(second_key("x", 1, "", a), second_key("x", 1 | UINT64_C(1) << 63, "", b)));
}

static void keys_that_do_not_fit_are_refused(void **state)
{
    char room[8];
    struct cache_text text = { .at = room, .room = sizeof room };

    (void)state;
    assert_true(cache_key_write(SLICE("a.b"), SLICE("/2345"), &text));
    assert_true(slice_equal(cache_text_slice(&text), SLICE("a.b/2345")));
    assert_false(cache_key_write(SLICE("a.b"), SLICE("/23456"), &text));
}

static void the_hash_depends_on_the_seed(void **state)
{
    (void)state;
    assert_true(cache_key_of(SLICE("a/"), 1).hash == cache_key_of(SLICE("a/"), 1).hash);
    assert_true(cache_key_of(SLICE("a/"), 1).hash != cache_key_of(SLICE("a/"), 2).hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_that_mean_the_same_are_one),
        cmocka_unit_test(paths_that_lead_out_or_astray_are_refused),
        cmocka_unit_test(a_path_that_does_not_fit_is_refused),
        cmocka_unit_test(variants_differ_by_the_fields_named),
        cmocka_unit_test(accepted_codings_are_a_set),
        cmocka_unit_test(a_new_salt_leads_elsewhere),
        cmocka_unit_test(keys_that_do_not_fit_are_refused),
        cmocka_unit_test(the_hash_depends_on_the_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
