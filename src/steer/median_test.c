// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/hash.h"
#include "steer/median.h"

enum { VALUES_MAX = 1024 };

static int by_value(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* Found the slow way. */
static int64_t expected(const int64_t *values, size_t count)
{
    int64_t sorted[VALUES_MAX] = { 0 };

    for (size_t i = 0; i < count; i++)
        sorted[i] = values[i];
    qsort(sorted, count, sizeof *sorted, by_value);
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

static void of_one_value_it_is_the_value(void **)
{
    int64_t values[] = { 7 };

    assert_int_equal(median(values, 1), 7);
}

static void of_an_odd_number_it_is_the_middle_one(void **)
{
    int64_t values[] = { 9, 1, 5 };

    assert_int_equal(median(values, COUNT_OF(values)), 5);
}

static void of_an_even_number_it_is_the_mean_of_the_middle_two_rounded_down(void **)
{
    int64_t two[] = { 6, 3 }, verdicts[] = { 1, 0 }, four[] = { 100, 3, 0, 5 };

    assert_int_equal(median(two, COUNT_OF(two)), 4);
    assert_int_equal(median(verdicts, COUNT_OF(verdicts)), 0);
    assert_int_equal(median(four, COUNT_OF(four)), 4);
}

static void any_number_of_values_in_any_order_has_the_median_of_the_sorted(void **)
{
    uint64_t seed = 1;
    int64_t values[VALUES_MAX] = { 0 };

    for (int run = 0; run < 3000; run++) {
        size_t count = (size_t)(hash_mix(seed++) % (run % 10 == 0 ? VALUES_MAX : 40)) + 1;
        uint64_t distinct = hash_mix(seed++) % 3 == 0 ? 3 : UINT64_C(1) << 40;

        for (size_t i = 0; i < count; i++)
            values[i] = (int64_t)(hash_mix(seed++) % distinct);
        int64_t right = expected(values, count);

        assert_int_equal(median(values, count), right);
    }
}

static void values_in_order_in_reverse_or_all_alike_are_no_trap(void **)
{
    int64_t values[VALUES_MAX] = { 0 };

    for (int shape = 0; shape < 4; shape++)
        for (size_t count = 1; count <= VALUES_MAX; count += 31) {
            for (size_t i = 0; i < count; i++)
                values[i] = (int64_t[]){ (int64_t)i, (int64_t)(count - i), 5,
                    (int64_t)(i < count / 2 ? i : count - i) }[shape];
            int64_t right = expected(values, count);

            assert_int_equal(median(values, count), right);
        }
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(of_one_value_it_is_the_value),
        cmocka_unit_test(of_an_odd_number_it_is_the_middle_one),
        cmocka_unit_test(of_an_even_number_it_is_the_mean_of_the_middle_two_rounded_down),
        cmocka_unit_test(any_number_of_values_in_any_order_has_the_median_of_the_sorted),
        cmocka_unit_test(values_in_order_in_reverse_or_all_alike_are_no_trap),
    };

    return cmocka_run_group_tests_name("steer/median", cases, NULL, NULL);
}
