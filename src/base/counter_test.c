// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/counter.h"

#define SHOP_COUNTERS(X)                                      \
    X(sold, "shop_goods_total", "way=\"sold\"", "Goods sold") \
    X(returned, "shop_goods_total", "way=\"returned\"", "Goods that came back")

struct shop_counts {
    SHOP_COUNTERS(COUNTER_FIELD)
};

#define SHOP_ROW(field, name, labels, help) \
    COUNTER_ROW(struct shop_counts, field, name, labels, help),

static const struct counter_row SHOP_ROWS[] = { SHOP_COUNTERS(SHOP_ROW) };

static void one_table_makes_the_struct_and_its_rows(void **)
{
    assert_int_equal(COUNT_OF(SHOP_ROWS), 2);
    assert_string_equal(SHOP_ROWS[1].name, "shop_goods_total");
    assert_string_equal(SHOP_ROWS[1].labels, "way=\"returned\"");
    assert_int_equal(SHOP_ROWS[1].kind, COUNTER_TOTAL);
    assert_int_equal(SHOP_ROWS[1].offset, offsetof(struct shop_counts, returned));
}

static void a_counter_adds_up(void **)
{
    struct shop_counts counts = { 0 };

    counter_up(&counts.sold);
    counter_add(&counts.sold, 41);
    assert_int_equal(counter_read(&counts.sold), 42);
    assert_int_equal(counter_read(&counts.returned), 0);
}

enum { ROUNDS = 200000 };

static void *count_up(void *counter)
{
    for (int i = 0; i < ROUNDS; i++)
        counter_up(counter);
    return NULL;
}

static void readers_on_other_threads_see_it_only_grow(void **)
{
    struct counter c = { 0 };
    pthread_t writer;
    uint64_t before = 0;

    assert_int_equal(pthread_create(&writer, NULL, count_up, &c), 0);
    while (before < ROUNDS) {
        uint64_t now = counter_read(&c);

        assert_true(now >= before && now <= ROUNDS);
        before = now;
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(one_table_makes_the_struct_and_its_rows),
        cmocka_unit_test(a_counter_adds_up),
        cmocka_unit_test(readers_on_other_threads_see_it_only_grow),
    };

    return cmocka_run_group_tests_name("base/counter", cases, NULL, NULL);
}
