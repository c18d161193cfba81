// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "app/receipts.h"

enum { FRA = 11, NYC = 12, ERA = 5 };

static void take(struct receipts *r, uint64_t node, uint64_t number, int64_t at_ms)
{
    receipts_take(r, node, ERA, number, (struct wall){ at_ms });
}

static int64_t found(const struct receipts *r, uint64_t node, uint64_t number)
{
    return receipts_find(r, node, ERA, number).ms;
}

static void a_step_answers_for_all_orders_up_to_it(void **)
{
    struct receipts *r = receipts_new();

    assert_int_equal(found(r, FRA, 1), 0);
    take(r, FRA, 3, 1000);
    take(r, FRA, 5, 2000);
    take(r, NYC, 4, 3000);
    assert_int_equal(found(r, FRA, 1), 1000);
    assert_int_equal(found(r, FRA, 3), 1000);
    assert_int_equal(found(r, FRA, 4), 2000);
    assert_int_equal(found(r, FRA, 5), 2000);
    assert_int_equal(found(r, FRA, 6), 0);
    assert_int_equal(found(r, NYC, 4), 3000);
    assert_int_equal(found(r, NYC, 5), 0);
    receipts_free(r);
}

static void what_is_said_again_keeps_its_first_time(void **)
{
    struct receipts *r = receipts_new();

    for (int64_t at_ms = 1000; at_ms < 100000; at_ms += 250)
        take(r, FRA, 3, at_ms);
    assert_int_equal(found(r, FRA, 3), 1000);
    receipts_free(r);
}

static void old_orders_stay_receipted_when_steps_are_many(void **)
{
    struct receipts *r = receipts_new();

    for (uint64_t number = 1; number <= 3 * RECEIPT_STEPS; number++)
        take(r, FRA, number, (int64_t)number * 10);
    assert_int_equal(found(r, FRA, 3 * RECEIPT_STEPS), 3 * RECEIPT_STEPS * 10);
    assert_int_equal(found(r, FRA, 2 * RECEIPT_STEPS + 1), (2 * RECEIPT_STEPS + 1) * 10);
    assert_int_equal(found(r, FRA, 1), (2 * RECEIPT_STEPS + 1) * 10);
    assert_int_equal(found(r, FRA, 3 * RECEIPT_STEPS + 1), 0);
    receipts_free(r);
}

static void a_node_that_fell_back_has_no_receipt_for_what_it_lost(void **)
{
    struct receipts *r = receipts_new();

    take(r, FRA, 3, 1000);
    take(r, FRA, 5, 2000);
    take(r, FRA, 4, 3000);
    assert_int_equal(found(r, FRA, 3), 1000);
    assert_int_equal(found(r, FRA, 4), 3000);
    assert_int_equal(found(r, FRA, 5), 0);
    receipts_free(r);
}

static void another_log_knows_nothing_of_the_first(void **)
{
    struct receipts *r = receipts_new();

    take(r, FRA, 9, 1000);
    receipts_take(r, FRA, ERA + 1, 2, (struct wall){ 2000 });
    assert_int_equal(found(r, FRA, 9), 0);
    assert_int_equal(found(r, FRA, 2), 0);
    assert_int_equal(receipts_find(r, FRA, ERA + 1, 2).ms, 2000);
    assert_int_equal(receipts_find(r, FRA, ERA + 1, 3).ms, 0);
    receipts_free(r);
}

static void a_new_node_takes_the_place_of_the_one_silent_for_longest(void **)
{
    struct receipts *r = receipts_new();

    for (uint64_t node = 0; node < RECEIPT_NODES_MAX; node++)
        take(r, node, 1, 1000);
    take(r, 0, 1, 2000); // no step, but a word
    take(r, RECEIPT_NODES_MAX, 1, 3000);
    assert_int_equal(found(r, RECEIPT_NODES_MAX, 1), 3000);
    assert_int_equal(found(r, RECEIPT_NODES_MAX, 2), 0);
    assert_int_equal(found(r, 0, 1), 1000);
    assert_int_equal(found(r, 1, 1), 0);
    assert_int_equal(found(r, 2, 1), 1000);
    receipts_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_answers_for_all_orders_up_to_it),
        cmocka_unit_test(what_is_said_again_keeps_its_first_time),
        cmocka_unit_test(old_orders_stay_receipted_when_steps_are_many),
        cmocka_unit_test(a_node_that_fell_back_has_no_receipt_for_what_it_lost),
        cmocka_unit_test(another_log_knows_nothing_of_the_first),
        cmocka_unit_test(a_new_node_takes_the_place_of_the_one_silent_for_longest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
