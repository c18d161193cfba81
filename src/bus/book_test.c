// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bus/book.h"

static struct book BOOK;

static int begin(void **)
{
    book_init(&BOOK, 9, 1);
    return 0;
}

static int end(void **)
{
    book_done(&BOOK);
    return 0;
}

static uint64_t add(unsigned id, struct slice payload)
{
    unsigned char bytes[BUS_ORDER_ID_SIZE] = { 0 };

    memcpy(bytes, &id, sizeof id);
    return book_add(&BOOK, bytes, payload);
}

static uint64_t find(unsigned id)
{
    unsigned char bytes[BUS_ORDER_ID_SIZE] = { 0 };

    memcpy(bytes, &id, sizeof id);
    return book_find(&BOOK, bytes);
}

static void orders_are_numbered_as_they_come(void **)
{
    assert_int_equal(book_next(&BOOK), 1);
    assert_int_equal(add(5, SLICE("five")), 1);
    assert_int_equal(add(6, SLICE("six")), 2);
    assert_int_equal(book_next(&BOOK), 3);
    assert_null(book_get(&BOOK, 0));
    assert_null(book_get(&BOOK, 3));
    assert_true(slice_equal(book_get(&BOOK, 1)->payload, SLICE("five")));
    assert_true(slice_equal(book_get(&BOOK, 2)->payload, SLICE("six")));
    assert_int_equal(find(5), 1);
    assert_int_equal(find(6), 2);
    assert_int_equal(find(7), 0);
}

static void numbers_go_on_from_where_the_book_begins(void **)
{
    book_done(&BOOK);
    book_init(&BOOK, 9, 41);
    assert_null(book_get(&BOOK, 41));
    assert_int_equal(add(1, SLICE("x")), 41);
    assert_int_equal(find(1), 41);
    assert_null(book_get(&BOOK, 40));
}

static void beyond_the_count_the_oldest_go(void **)
{
    for (unsigned i = 0; i < BUS_LOG_MAX + 10; i++)
        add(i, SLICE("x"));
    assert_int_equal(BOOK.first, 11);
    assert_int_equal(BOOK.count, BUS_LOG_MAX);
    assert_int_equal(BOOK.bytes, BUS_LOG_MAX);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(find(i), 0);
    for (unsigned i = 10; i < BUS_LOG_MAX + 10; i++)
        assert_int_equal(find(i), i + 1);
    assert_null(book_get(&BOOK, 10));
}

static void beyond_the_bytes_the_oldest_go(void **)
{
    static char large[BUS_ORDER_MAX];
    unsigned fit = BUS_LOG_BYTES_MAX / BUS_ORDER_MAX;

    for (unsigned i = 0; i < fit; i++)
        add(i, slice_of(large, sizeof large));
    assert_int_equal(BOOK.first, 1);
    add(fit, SLICE("x"));
    assert_int_equal(BOOK.first, 2);
    assert_int_equal(BOOK.bytes, BUS_LOG_BYTES_MAX - BUS_ORDER_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(orders_are_numbered_as_they_come, begin, end),
        cmocka_unit_test_setup_teardown(numbers_go_on_from_where_the_book_begins, begin, end),
        cmocka_unit_test_setup_teardown(beyond_the_count_the_oldest_go, begin, end),
        cmocka_unit_test_setup_teardown(beyond_the_bytes_the_oldest_go, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
