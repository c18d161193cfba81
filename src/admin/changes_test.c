// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "admin/changes.h"
#include "admin/json.h"
#include "admin/orders_test.h"
#include "admin/scope.h"

static const struct admin_scope OPERATOR = { .is_operator = true };
static const struct admin_scope ACME = { .customer = { "acme", 4 } };
static const struct admin_scope OTHER = { .customer = { "other", 5 } };

/* What is told, to be given back. */
static json_t *told(
    const struct changes *changes, const struct admin_scope *scope, size_t limit, uint64_t after)
{
    const struct changes_question question = {
        .limit = limit, .after = after, .scope = scope, .network = &orders_network, .now = { 5000 }
    };
    struct text out;

    text_init(&out, 1 << 20);
    changes_write(changes, &question, &out);
    json_t *json = json_read(text_slice(&out));

    assert_non_null(json);
    text_done(&out);
    return json;
}

static size_t count_told(const struct changes *changes, const struct admin_scope *scope)
{
    json_t *json = told(changes, scope, CHANGES_MAX, 0);
    size_t count = json_array_size(json_object_get(json, "changes"));

    json_decref(json);
    return count;
}

static const json_t *at(const json_t *json, size_t index)
{
    return json_array_get(json_object_get(json, "changes"), index);
}

static void add(struct changes *changes, enum change_kind kind, const char *what)
{
    changes_add(changes,
        &(struct change){
            .at = { 1000 }, .kind = kind, .what = slice_text(what), .text = SLICE("came up") });
}

static void the_newest_are_told_first_and_numbered_from_one(void **)
{
    struct changes *changes = changes_new();

    add(changes, CHANGE_TARGET, "node fra1");
    add(changes, CHANGE_NODE, "node nyc1");
    json_t *json = told(changes, &OPERATOR, 10, 0);

    assert_int_equal(json_get_number(at(json, 0), "number"), 2);
    assert_true(slice_equal(json_get_text(at(json, 0), "kind"), SLICE("node")));
    assert_true(slice_equal(json_get_text(at(json, 0), "what"), SLICE("node nyc1")));
    assert_true(slice_equal(json_get_text(at(json, 1), "at"), SLICE("1970-01-01T00:00:01Z")));
    assert_null(at(json, 2));
    assert_null(json_object_get(json, "after"));
    json_decref(json);
    changes_free(changes);
}

static void pages_meet_without_a_gap_and_the_last_says_no_more(void **)
{
    struct changes *changes = changes_new();
    uint64_t after = 0, expected = 7;

    for (int i = 0; i < 7; i++)
        add(changes, CHANGE_TARGET, "node fra1");
    for (int page = 0; page < 3; page++) {
        json_t *json = told(changes, &OPERATOR, 3, after);
        const json_t *list = json_object_get(json, "changes");

        for (size_t i = 0; i < json_array_size(list); i++)
            assert_int_equal(json_get_number(json_array_get(list, i), "number"), expected--);
        after = json_get_number(json, "after");
        assert_true((after == 0) == (page == 2));
        json_decref(json);
    }
    assert_int_equal(expected, 0);
    changes_free(changes);
}

static void a_page_that_ends_with_the_oldest_says_no_more(void **)
{
    struct changes *changes = changes_new();

    add(changes, CHANGE_TARGET, "node fra1");
    add(changes, CHANGE_TARGET, "node fra1");
    json_t *json = told(changes, &OPERATOR, 2, 0);

    assert_null(json_object_get(json, "after"));
    json_decref(json);
    changes_free(changes);
}

static void the_oldest_make_room(void **)
{
    struct changes *changes = changes_new();

    for (int i = 0; i < CHANGES_MAX + 5; i++)
        add(changes, CHANGE_TARGET, "node fra1");
    assert_int_equal(count_told(changes, &OPERATOR), CHANGES_MAX);
    json_t *json = told(changes, &OPERATOR, CHANGES_MAX, 7);

    assert_int_equal(json_get_number(at(json, 0), "number"), 6);
    assert_null(at(json, 1));
    json_decref(json);
    changes_free(changes);
}

static void purge(struct changes *changes, int64_t at_ms, struct slice site)
{
    changes_add(changes, &(struct change){ .at = { at_ms },
                             .kind = CHANGE_ORDER,
                             .what = SLICE("purge url"),
                             .text = SLICE("/a"),
                             .by = SLICE("acme/deploy"),
                             .site = site });
}

static void a_flood_of_purges_is_one_change_with_a_count(void **)
{
    struct changes *changes = changes_new();

    for (int i = 0; i < 1000; i++)
        purge(changes, 1000 + i / 10, SLICE("static.acme.test"));
    purge(changes, 1000, SLICE("www.acme.test"));
    purge(changes, 2000, SLICE("www.acme.test"));
    json_t *json = told(changes, &OPERATOR, 10, 0);

    assert_null(json_object_get(at(json, 0), "more"));
    assert_null(json_object_get(at(json, 1), "more"));
    assert_int_equal(json_get_number(at(json, 2), "more"), 999);
    assert_null(at(json, 3));
    json_decref(json);
    changes_free(changes);
}

static void customers_are_told_their_own_and_no_name_of_an_operator(void **)
{
    struct changes *changes = changes_new();

    add(changes, CHANGE_RELEASE, "release 1");
    purge(changes, 1000, SLICE("static.acme.test"));
    changes_add(changes, &(struct change){ .kind = CHANGE_ORDER,
                             .what = SLICE("drain origin acme/ams"),
                             .by = SLICE("token anna"),
                             .customer = SLICE("acme") });
    assert_int_equal(count_told(changes, &OPERATOR), 3);
    assert_int_equal(count_told(changes, &OTHER), 0);
    json_t *json = told(changes, &ACME, 10, 0);

    assert_int_equal(json_array_size(json_object_get(json, "changes")), 2);
    assert_true(slice_equal(json_get_text(at(json, 0), "by"), SLICE("operator")));
    assert_true(slice_equal(json_get_text(at(json, 1), "by"), SLICE("acme/deploy")));
    json_decref(json);
    changes_free(changes);
}

static void what_another_did_is_not_counted_as_the_same(void **)
{
    struct changes *changes = changes_new();
    struct change one = { .at = { 1000 },
        .kind = CHANGE_ORDER,
        .what = SLICE("purge url"),
        .by = SLICE("acme/deploy"),
        .site = SLICE("www.acme.test") };

    changes_add(changes, &one);
    one.by = SLICE("anna");
    changes_add(changes, &one);
    json_t *json = told(changes, &OPERATOR, 10, 0);

    assert_true(slice_equal(json_get_text(at(json, 0), "by"), SLICE("anna")));
    assert_true(slice_equal(json_get_text(at(json, 1), "by"), SLICE("acme/deploy")));
    json_decref(json);
    changes_free(changes);
}

static void texts_that_are_too_long_are_cut_between_characters(void **)
{
    struct changes *changes = changes_new();
    char what[CHANGES_TEXT_MAX + 64] = "x";

    for (size_t i = 1; i + 2 < sizeof what; i += 2)
        memcpy(what + i, "\xc3\xa9", 3); // so that a character lies across the limit
    add(changes, CHANGE_TARGET, what);
    json_t *json = told(changes, &OPERATOR, 1, 0);

    assert_int_equal(json_get_text(at(json, 0), "what").length, CHANGES_TEXT_MAX - 1);
    json_decref(json);
    changes_free(changes);
}

static void nobody_need_listen(void **)
{
    add(NULL, CHANGE_TARGET, "node fra1");
    changes_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_are_told_first_and_numbered_from_one),
        cmocka_unit_test(pages_meet_without_a_gap_and_the_last_says_no_more),
        cmocka_unit_test(a_page_that_ends_with_the_oldest_says_no_more),
        cmocka_unit_test(the_oldest_make_room),
        cmocka_unit_test(a_flood_of_purges_is_one_change_with_a_count),
        cmocka_unit_test(customers_are_told_their_own_and_no_name_of_an_operator),
        cmocka_unit_test(what_another_did_is_not_counted_as_the_same),
        cmocka_unit_test(texts_that_are_too_long_are_cut_between_characters),
        cmocka_unit_test(nobody_need_listen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
