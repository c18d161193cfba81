// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conf/yaml.h"

struct reading {
    struct yaml_tree tree;
    struct conf_errors errors;
};

static int reading_open(void **state)
{
    struct reading *r = calloc(1, sizeof *r);

    yaml_tree_init(&r->tree);
    conf_errors_init(&r->errors);
    *state = r;
    return 0;
}

static int reading_close(void **state)
{
    struct reading *r = *state;

    yaml_tree_done(&r->tree);
    conf_errors_done(&r->errors);
    free(r);
    return 0;
}

static struct yaml_node *must_read(struct reading *r, const char *text)
{
    struct yaml_node *root = yaml_read(&r->tree, "f", slice_text(text), &r->errors);

    assert_non_null(root);
    return root;
}

static void check_place(struct conf_place place, int line, int column)
{
    assert_string_equal(place.file, "f");
    assert_int_equal(place.line, line);
    assert_int_equal(place.column, column);
}

static void each_value_and_key_knows_its_place(void **state)
{
    const struct yaml_node *root = must_read(*state, "a:\n  - x\n  - {b: 'y', c: }\n");
    const struct yaml_node *list = yaml_find(root, SLICE("a"));
    const struct yaml_node *b = yaml_find(list->last, SLICE("b"));

    check_place(list->key_at, 1, 1);
    check_place(list->at, 2, 3);
    check_place(list->first->at, 2, 5);
    check_place(b->key_at, 3, 6);
    check_place(b->at, 3, 9);
    assert_int_equal(list->count, 2);
    assert_true(list->first->is_plain);
    assert_false(b->is_plain);
    assert_true(slice_equal(b->text, SLICE("y")));
    assert_int_equal(yaml_find(list->last, SLICE("c"))->text.length, 0);
}

static void columns_count_characters(void **state)
{
    const struct yaml_node *root = must_read(*state, "{\"\xc3\xbc\xc3\xbc\": x}");

    check_place(root->first->at, 1, 8);
}

static void large_maps_keep_order_and_find_all(void **state)
{
    enum { KEYS = 5000 };
    char *text = calloc(KEYS, 16), key[16];
    size_t used = 0;

    for (int i = 0; i < KEYS; i++)
        used += (size_t)sprintf(text + used, "k%d: %d\n", i, i);
    struct yaml_node *root = must_read(*state, text);

    for (int i = 0; i < KEYS; i += 7) {
        snprintf(key, sizeof key, "k%d", i);
        assert_true(slice_equal(yaml_find(root, slice_text(key))->text, slice_text(key + 1)));
    }
    assert_null(yaml_find(root, SLICE("k5000")));
    assert_true(slice_equal(root->last->key, SLICE("k4999")));
    assert_non_null(yaml_take(root, SLICE("k17")));
    assert_null(yaml_find(root, SLICE("k17")));
    assert_null(yaml_take(root, SLICE("k17")));
    assert_non_null(yaml_find(root, SLICE("k4999")));
    assert_int_equal(root->count, KEYS - 1);
    free(text);
}

static void taking_the_first_and_last_leaves_the_rest(void **state)
{
    struct yaml_node *root = must_read(*state, "{a: 1, b: 2, c: 3}");

    assert_non_null(yaml_take(root, SLICE("c")));
    assert_true(slice_equal(root->last->key, SLICE("b")));
    assert_non_null(yaml_take(root, SLICE("a")));
    assert_ptr_equal(root->first, root->last);
    assert_non_null(yaml_take(root, SLICE("b")));
    assert_null(root->first);
    assert_null(root->last);
}

static void a_key_given_twice_is_told_and_reading_goes_on(void **state)
{
    struct reading *r = *state;
    struct yaml_node *root = must_read(r, "a: 1\na: {x: [1, 2]}\nb: 3\n");

    assert_int_equal(r->errors.count, 1);
    assert_int_equal(r->errors.list[0].line, 2);
    assert_true(slice_equal(yaml_find(root, SLICE("a"))->text, SLICE("1")));
    assert_true(slice_equal(yaml_find(root, SLICE("b"))->text, SLICE("3")));
}

static void maps_merge_at_every_depth(void **state)
{
    struct reading *r = *state;
    struct yaml_node *into = must_read(r, "a: {b: {c: 1}}\nl: [1]\n");
    struct yaml_node *from = must_read(r, "a: {b: {d: 2}, e: 3}\nl: [2]\nf: 4\n");

    yaml_merge(&r->tree, into, from, &r->errors);
    const struct yaml_node *b = yaml_find(yaml_find(into, SLICE("a")), SLICE("b"));

    assert_int_equal(b->count, 2);
    assert_non_null(yaml_find(yaml_find(into, SLICE("a")), SLICE("e")));
    assert_non_null(yaml_find(into, SLICE("f")));
    assert_int_equal(r->errors.count, 1);
    assert_string_equal(
        r->errors.list[0].text, "\"l\" is given twice: keep this one or the one at f:2:1");
    assert_int_equal(r->errors.list[0].line, 2);
}

static void values_of_all_files_of_a_tree_are_bounded(void **state)
{
    struct reading *r = *state;

    r->tree.node_count = YAML_NODES_MAX - 5; // as if many files had been read
    must_read(r, "[1, 2]");
    assert_null(yaml_read(&r->tree, "f", SLICE("[1,\n2]"), &r->errors));
    assert_int_equal(r->errors.count, 1);
    assert_int_equal(r->errors.list[0].line, 2);
    assert_string_equal(r->errors.list[0].text,
        "the configuration is too large: at most 1048576 values in all files");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, reading_open, reading_close)
    const struct CMUnitTest tests[] = {
        CASE(each_value_and_key_knows_its_place),
        CASE(columns_count_characters),
        CASE(large_maps_keep_order_and_find_all),
        CASE(taking_the_first_and_last_leaves_the_rest),
        CASE(a_key_given_twice_is_told_and_reading_goes_on),
        CASE(maps_merge_at_every_depth),
        CASE(values_of_all_files_of_a_tree_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
