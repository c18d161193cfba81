// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "admin/query.h"
#include "base/attr.h"

static void values_are_found_by_key_and_read_as_what_they_stand_for(void **)
{
    static const struct {
        const char *path, *value; // NULL: the key `name` is not there
    } CASES[] = {
        { "/why?name=www", "www" },
        { "/why?node=name&name=a&name=b", "a" },
        { "/why?name=", "" },
        { "/why?name", "" },
        { "/why?name=a%2Eb%2eC", "a.b.C" },
        { "/why?name=a+b%20c", "a b c" },
        { "/why?name=%", "%" },
        { "/why?name=%4", "%4" },
        { "/why?name=%4g%41", "%4gA" },
        { "/why?name=a=b", "a=b" },
        { "/why?&&name=x&", "x" },
        { "/why?names=x", NULL },
        { "/why?Name=x", NULL },
        { "/why?", NULL },
        { "/why", NULL },
        { "/why&name=x", NULL },
        { "", NULL },
    };
    struct arena arena;

    arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct slice value = SLICE("untouched");
        bool is_there = query_find(slice_text(CASES[i].path), SLICE("name"), &arena, &value);

        assert_int_equal(is_there, CASES[i].value != NULL);
        assert_true(slice_equal(value, slice_text(is_there ? CASES[i].value : "untouched")));
    }
    arena_done(&arena);
}

static void what_was_escaped_is_found_again(void **)
{
    struct arena arena;
    struct slice value;
    char all[256];
    struct text path;

    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)i;
    arena_init(&arena, 1 << 16);
    text_init(&path, 1 << 16);
    text_say(&path, "/why?name=");
    query_escape(&path, slice_of(all, sizeof all));
    for (size_t i = 0; i < path.length; i++)
        assert_true(path.at[i] > ' ' && path.at[i] < 0x7f && path.at[i] != '#');
    assert_true(query_find(text_slice(&path), SLICE("name"), &arena, &value));
    assert_true(slice_equal(value, slice_of(all, sizeof all)));
    text_done(&path);
    arena_done(&arena);
}

static void host_names_stay_readable(void **)
{
    struct text path;

    text_init(&path, 1 << 16);
    query_escape(&path, SLICE("www-1.Acme_x.example~"));
    query_escape(&path, SLICE("2001:db8::7 \n"));
    assert_string_equal(path.at, "www-1.Acme_x.example~2001%3Adb8%3A%3A7%20%0A");
    text_done(&path);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(values_are_found_by_key_and_read_as_what_they_stand_for),
        cmocka_unit_test(what_was_escaped_is_found_again),
        cmocka_unit_test(host_names_stay_readable),
    };

    return cmocka_run_group_tests_name("admin/query", cases, NULL, NULL);
}
