// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
    int number;
    struct list link;
};

static int number_of(struct list *link)
{
    return link == NULL ? -1 : container_of(link, struct item, link)->number;
}

/* The numbers of the items in order, as digits of one number. */
static int digits(struct list *head)
{
    int all = 0;

    list_each (link, head)
        all = all * 10 + number_of(link);
    return all;
}

static void fill(struct list *head, struct item *items, int first, int count)
{
    list_init(head);
    for (int i = 0; i < count; i++) {
        items[i].number = first + i;
        list_append(head, &items[i].link);
    }
}

static void a_new_list_is_empty(void **)
{
    struct list head;

    list_init(&head);
    assert_true(list_empty(&head));
    assert_null(list_pop(&head));
}

static void what_is_appended_comes_out_in_order(void **)
{
    struct list head;
    struct item items[3];

    fill(&head, items, 1, 3);
    assert_int_equal(digits(&head), 123);
    assert_int_equal(number_of(list_pop(&head)), 1);
    assert_int_equal(number_of(list_take(&head)), 2);
    assert_int_equal(number_of(list_pop(&head)), 3);
    assert_true(list_empty(&head));
}

static void a_link_goes_before_the_place_named(void **)
{
    struct list head;
    struct item items[3];
    struct item more = { .number = 9 };

    fill(&head, items, 1, 3);
    list_insert(&items[1].link, &more.link);
    assert_int_equal(digits(&head), 1923);
    list_remove(&more.link);
    list_insert(head.next, &more.link);
    assert_int_equal(digits(&head), 9123);
}

static void a_link_may_be_taken_out_twice(void **)
{
    struct list head;
    struct item items[3];

    fill(&head, items, 1, 3);
    list_remove(&items[1].link);
    list_remove(&items[1].link);
    assert_true(list_empty(&items[1].link));
    assert_int_equal(digits(&head), 13);
}

static void popped_links_are_in_no_list(void **)
{
    struct list head;
    struct item items[2];

    fill(&head, items, 1, 2);
    struct list *first = list_pop(&head);

    list_remove(first);
    assert_int_equal(digits(&head), 2);
}

static void moving_all_keeps_the_order_and_empties_the_source(void **)
{
    struct list to, from;
    struct item some[2], others[2];

    fill(&to, some, 1, 2);
    fill(&from, others, 3, 2);
    list_move_all(&to, &from);
    assert_int_equal(digits(&to), 1234);
    assert_true(list_empty(&from));
    list_move_all(&to, &from);
    assert_int_equal(digits(&to), 1234);
    list_move_all(&from, &to);
    assert_int_equal(digits(&from), 1234);
    assert_int_equal(from.prev == &others[1].link, 1);
}

static void a_safe_walk_may_take_each_link_out(void **)
{
    struct list head;
    struct item items[4];
    int seen = 0;

    fill(&head, items, 1, 4);
    list_each_safe (link, &head) {
        seen = seen * 10 + number_of(link);
        list_remove(link);
        link->next = link->prev = NULL; // as when its memory is gone
    }
    assert_int_equal(seen, 1234);
    assert_true(list_empty(&head));
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_new_list_is_empty),
        cmocka_unit_test(what_is_appended_comes_out_in_order),
        cmocka_unit_test(a_link_goes_before_the_place_named),
        cmocka_unit_test(a_link_may_be_taken_out_twice),
        cmocka_unit_test(popped_links_are_in_no_list),
        cmocka_unit_test(moving_all_keeps_the_order_and_empties_the_source),
        cmocka_unit_test(a_safe_walk_may_take_each_link_out),
    };

    return cmocka_run_group_tests_name("base/list", cases, NULL, NULL);
}
