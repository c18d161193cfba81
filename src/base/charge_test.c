// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/charge.h"

static void an_account_takes_up_to_its_limit(void **)
{
    struct charge c;

    charge_init(&c, NULL, 100);
    assert_true(charge_take(&c, 60));
    assert_true(charge_take(&c, 40));
    assert_int_equal(charge_used(&c), 100);
    assert_int_equal(charge_refusals(&c), 0);
}

static void a_refused_take_takes_nothing_and_is_counted(void **)
{
    struct charge c;

    charge_init(&c, NULL, 100);
    assert_true(charge_take(&c, 60));
    assert_false(charge_take(&c, 41));
    assert_int_equal(charge_used(&c), 60);
    assert_int_equal(charge_refusals(&c), 1);
}

static void what_is_given_back_can_be_taken_again(void **)
{
    struct charge c;

    charge_init(&c, NULL, 100);
    assert_true(charge_take(&c, 100));
    charge_give(&c, 30);
    assert_true(charge_take(&c, 30));
    assert_false(charge_take(&c, 1));
}

static void amounts_beyond_all_bounds_are_refused(void **)
{
    struct charge c, endless;

    charge_init(&c, NULL, 100);
    charge_init(&endless, NULL, INT64_MAX);
    assert_true(charge_take(&c, 1));
    assert_true(charge_take(&endless, 1));
    assert_false(charge_take(&c, INT64_MAX));
    assert_false(charge_take(&endless, INT64_MAX));
    assert_int_equal(charge_used(&c), 1);
    assert_int_equal(charge_used(&endless), 1);
}

static void a_wider_account_refuses_for_all_within_it(void **)
{
    struct charge tier, one, other;

    charge_init(&tier, NULL, 100);
    charge_init(&one, &tier, 80);
    charge_init(&other, &tier, 80);
    assert_true(charge_take(&one, 70));
    assert_false(charge_take(&other, 40));
    assert_int_equal(charge_used(&other), 0);
    assert_int_equal(charge_used(&tier), 70);
    assert_int_equal(charge_refusals(&tier), 1);
    assert_int_equal(charge_refusals(&other), 0);
    charge_give(&one, 70);
    assert_int_equal(charge_used(&tier), 0);
}

enum { THREADS = 4, ROUNDS = 50000 };

static void *take_and_give(void *account)
{
    struct charge *c = account;
    bool passed_limit = false;

    for (int i = 0; i < ROUNDS; i++)
        if (charge_take(c, 3)) {
            passed_limit |= charge_used(c) > c->limit;
            charge_give(c, 3);
        }
    return passed_limit ? account : NULL;
}

static void threads_never_pass_the_limit_together(void **)
{
    struct charge tier, accounts[THREADS];
    pthread_t threads[THREADS];

    charge_init(&tier, NULL, 8); // room for two of the four at a time
    for (size_t i = 0; i < THREADS; i++) {
        charge_init(&accounts[i], &tier, 3);
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &accounts[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *passed_limit;

        assert_int_equal(pthread_join(threads[i], &passed_limit), 0);
        assert_null(passed_limit);
        assert_int_equal(charge_used(&accounts[i]), 0);
    }
    assert_int_equal(charge_used(&tier), 0);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(an_account_takes_up_to_its_limit),
        cmocka_unit_test(a_refused_take_takes_nothing_and_is_counted),
        cmocka_unit_test(what_is_given_back_can_be_taken_again),
        cmocka_unit_test(amounts_beyond_all_bounds_are_refused),
        cmocka_unit_test(a_wider_account_refuses_for_all_within_it),
        cmocka_unit_test(threads_never_pass_the_limit_together),
    };

    return cmocka_run_group_tests_name("base/charge", cases, NULL, NULL);
}
