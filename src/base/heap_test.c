// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/hash.h"
#include "base/heap.h"

/* The least due of those queued, found the slow way. */
static int64_t least_due(const struct heap_link *links, size_t count)
{
    int64_t least = INT64_MAX;

    for (size_t i = 0; i < count; i++)
        if (links[i].at != 0 && links[i].due < least)
            least = links[i].due;
    return least;
}

static int64_t top_due(const struct heap *h)
{
    const struct heap_link *top = heap_top(h);

    return top == NULL ? INT64_MAX : top->due;
}

static void an_empty_heap_has_no_top(void **)
{
    struct heap h;
    struct heap_link link = { 0 };

    heap_init(&h);
    assert_null(heap_top(&h));
    heap_remove(&h, &link);
    assert_null(heap_top(&h));
    heap_done(&h);
}

static void what_is_due_first_is_on_top(void **)
{
    struct heap h;
    struct heap_link links[100] = { 0 };

    heap_init(&h);
    for (size_t i = 0; i < COUNT_OF(links); i++)
        heap_put(&h, &links[i], (int64_t)(i * 37 % 100));
    for (int64_t due = 0; due < 100; due++) {
        assert_int_equal(top_due(&h), due);
        heap_remove(&h, heap_top(&h));
    }
    assert_null(heap_top(&h));
    heap_done(&h);
}

static void putting_again_moves_either_way(void **)
{
    struct heap h;
    struct heap_link links[5] = { 0 };

    heap_init(&h);
    for (size_t i = 0; i < COUNT_OF(links); i++)
        heap_put(&h, &links[i], (int64_t)(i + 1) * 10);
    heap_put(&h, &links[4], 5);
    assert_ptr_equal(heap_top(&h), &links[4]);
    heap_put(&h, &links[4], 100);
    assert_ptr_equal(heap_top(&h), &links[0]);
    assert_int_equal(h.count, 5);
    heap_done(&h);
}

static void times_before_the_start_of_the_clock_are_in_order_too(void **)
{
    struct heap h;
    struct heap_link early = { 0 }, late = { 0 };

    heap_init(&h);
    heap_put(&h, &late, INT64_MAX);
    heap_put(&h, &early, INT64_MIN);
    assert_ptr_equal(heap_top(&h), &early);
    heap_done(&h);
}

static void a_link_taken_out_may_be_put_back(void **)
{
    struct heap h;
    struct heap_link link = { 0 };

    heap_init(&h);
    heap_put(&h, &link, 1);
    heap_remove(&h, &link);
    heap_remove(&h, &link);
    assert_int_equal(h.count, 0);
    heap_put(&h, &link, 2);
    assert_ptr_equal(heap_top(&h), &link);
    heap_done(&h);
}

/* Removing from the middle can break the order upwards as well as downwards; chance finds both. */
static void random_puts_moves_and_removals_keep_the_order(void **)
{
    struct heap h;
    struct heap_link links[64] = { 0 };

    heap_init(&h);
    for (uint64_t step = 1; step < 20000; step++) {
        uint64_t chance = hash_mix(step);
        struct heap_link *link = &links[chance % COUNT_OF(links)];

        if (chance >> 32 & 1)
            heap_put(&h, link, (int64_t)(chance >> 40 & 0xff));
        else
            heap_remove(&h, link);
        assert_int_equal(top_due(&h), least_due(links, COUNT_OF(links)));
    }
    heap_done(&h);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(an_empty_heap_has_no_top),
        cmocka_unit_test(what_is_due_first_is_on_top),
        cmocka_unit_test(putting_again_moves_either_way),
        cmocka_unit_test(times_before_the_start_of_the_clock_are_in_order_too),
        cmocka_unit_test(a_link_taken_out_may_be_put_back),
        cmocka_unit_test(random_puts_moves_and_removals_keep_the_order),
    };

    return cmocka_run_group_tests_name("base/heap", cases, NULL, NULL);
}
