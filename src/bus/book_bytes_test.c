// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "bus/book_bytes.h"

/* A file of three orders, and where each ends. */
struct file {
    char bytes[BOOK_HEAD_SIZE + 3 * 64];
    size_t ends[4];
};

static const char *const TEXTS[] = { "one", "number two", "3" };

static struct file file_of_three(void)
{
    struct file f = { .ends = { BOOK_HEAD_SIZE } };

    book_head_write(f.bytes, 77, 5);
    for (size_t i = 0; i < 3; i++) {
        struct book_order order = { { (unsigned char)(i + 1) }, slice_text(TEXTS[i]) };

        f.ends[i + 1] = f.ends[i] + book_order_write(f.bytes + f.ends[i], 77, 5 + i, &order);
    }
    return f;
}

/* Reads all; returns how many orders there were, and what ended them. */
static size_t read_all(struct slice bytes, enum book_found *end)
{
    struct book_reader reader;
    struct book_order order = { .payload = SLICE_NONE };
    size_t count = 0;

    assert_true(book_reader_open(&reader, bytes));
    assert_int_equal(reader.era, 77);
    assert_int_equal(reader.next, 5);
    while ((*end = book_reader_next(&reader, &order)) == BOOK_ORDER) {
        assert(count < COUNT_OF(TEXTS));
        assert_int_equal(order.id[0], count + 1);
        assert_true(slice_equal(order.payload, slice_text(TEXTS[count])));
        count++;
    }
    return count;
}

static void what_was_written_is_read(void **)
{
    struct file f = file_of_three();
    enum book_found end;

    assert_int_equal(read_all(slice_of(f.bytes, f.ends[3]), &end), 3);
    assert_int_equal(end, BOOK_END);
}

/* How many orders end at or before this byte. */
static size_t whole_before(const struct file *f, size_t at)
{
    size_t whole = 0;

    while (whole < 3 && f->ends[whole + 1] <= at)
        whole++;
    return whole;
}

static void a_file_cut_anywhere_ends_with_the_last_whole_order(void **)
{
    struct file f = file_of_three();

    for (size_t length = BOOK_HEAD_SIZE; length <= f.ends[3]; length++) {
        enum book_found end;
        size_t whole = whole_before(&f, length);

        assert_int_equal(read_all(slice_of(f.bytes, length), &end), whole);
        assert_int_equal(end, length == f.ends[whole] ? BOOK_END : BOOK_TORN);
    }
}

static void room_that_was_never_written_is_a_torn_end(void **)
{
    struct file f = file_of_three();
    enum book_found end;

    memset(f.bytes + f.ends[2], 0, f.ends[3] - f.ends[2]);
    assert_int_equal(read_all(slice_of(f.bytes, f.ends[3]), &end), 2);
    assert_int_equal(end, BOOK_TORN);
    f = file_of_three(); // the head arrived, its payload did not
    memset(f.bytes + f.ends[2] + BOOK_ORDER_HEAD_SIZE, 0, 1);
    assert_int_equal(read_all(slice_of(f.bytes, f.ends[3]), &end), 2);
    assert_int_equal(end, BOOK_TORN);
}

static void any_bit_that_fell_over_is_seen(void **)
{
    struct file good = file_of_three();

    for (size_t bit = 0; bit < 8 * good.ends[3]; bit++) {
        struct file f = good;
        struct book_reader reader;
        enum book_found end;
        size_t at = bit / 8, before = whole_before(&f, at);

        f.bytes[at] = (char)(f.bytes[at] ^ 1 << bit % 8);
        if (at < BOOK_HEAD_SIZE) {
            assert_false(book_reader_open(&reader, slice_of(f.bytes, f.ends[3])));
            continue;
        }
        assert_int_equal(read_all(slice_of(f.bytes, f.ends[3]), &end), before);
        assert_int_equal(end, BOOK_BROKEN);
    }
}

static void an_order_in_anothers_place_is_not_taken(void **)
{
    struct file f = file_of_three();
    enum book_found end;

    memmove(f.bytes + f.ends[0], f.bytes + f.ends[1], f.ends[3] - f.ends[1]);
    assert_int_equal(read_all(slice_of(f.bytes, f.ends[3] - (f.ends[1] - f.ends[0])), &end), 0);
    assert_int_equal(end, BOOK_BROKEN);
}

static void what_is_no_book_is_not_read(void **)
{
    struct book_reader reader;
    struct book_order order;
    char head[BOOK_HEAD_SIZE];

    assert_false(book_reader_open(&reader, SLICE_NONE));
    assert_false(book_reader_open(&reader, SLICE("WPORDER1 and no more")));
    assert_int_equal(book_reader_next(&reader, &order), BOOK_END);
    book_head_write(head, 0, 1); // no era
    assert_false(book_reader_open(&reader, slice_of(head, sizeof head)));
    book_head_write(head, 1, 0);
    assert_false(book_reader_open(&reader, slice_of(head, sizeof head)));
    book_head_write(head, 1, UINT64_MAX);
    assert_false(book_reader_open(&reader, slice_of(head, sizeof head)));
    book_head_write(head, 1, 1);
    assert_false(book_reader_open(&reader, slice_of(head, sizeof head - 1)));
    assert_true(book_reader_open(&reader, slice_of(head, sizeof head)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(a_file_cut_anywhere_ends_with_the_last_whole_order),
        cmocka_unit_test(room_that_was_never_written_is_a_torn_end),
        cmocka_unit_test(any_bit_that_fell_over_is_seen),
        cmocka_unit_test(an_order_in_anothers_place_is_not_taken),
        cmocka_unit_test(what_is_no_book_is_not_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
