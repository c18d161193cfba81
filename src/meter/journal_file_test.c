// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/number.h"
#include "meter/journal_file.h"

enum { WRITE = 0x08 };

/* A window on a file with one record. */
struct page {
    char bytes[2 * JOURNAL_RECORD_MAX];
    struct journal_window window;
    size_t at;
    struct journal_record record;
};

static void page_write(struct page *p, enum journal_record_kind kind, struct slice payload)
{
    const struct journal_record record = { .kind = kind, .write = WRITE, .payload = payload };

    *p = (struct page){ .at = JOURNAL_FILE_HEADER, .window.is_end = true };
    journal_file_begin(p->bytes);
    size_t length = JOURNAL_FILE_HEADER;

    length += journal_record_write(&record, p->bytes + length);
    p->window.bytes = slice_of(p->bytes, length);
}

static enum journal_reading page_read(struct page *p)
{
    p->at = JOURNAL_FILE_HEADER;
    return journal_record_read(&p->window, &p->at, &p->record);
}

static void a_segment_is_the_same_bytes_on_every_machine(void **)
{
    struct page p;
    char check[8];

    page_write(&p, JOURNAL_SETTLED, SLICE("payload"));
    struct slice bytes = p.window.bytes;

    assert_int_equal(bytes.length, 8 + 16 + 7 + 8);
    assert_memory_equal(bytes.at, "wpulog\0\1", 8);
    assert_memory_equal(bytes.at + 12, "\0\7\2\0\0\0\0\0\0\0\0\x08payload", 19);
    number_put(check, hash_bytes(slice_of(bytes.at + 12, 12), 0), 4);
    assert_memory_equal(bytes.at + 8, check, 4);
    number_put(check, hash_bytes(SLICE("payload"), 0), 8);
    assert_memory_equal(bytes.at + 31, check, 8);
    assert_true(journal_file_is_ours(slice_head(bytes, JOURNAL_FILE_HEADER)));
    assert_false(journal_file_is_ours(slice_head(bytes, JOURNAL_FILE_HEADER - 1)));
    assert_false(journal_file_is_ours(SLICE("wpolog\0\1")));
}

static void each_kind_comes_through_at_its_limits(void **)
{
    static char many[USAGE_ENTRY_MAX];
    struct page p;

    memset(many, 'x', sizeof many);
    for (int kind = 0; kind < JOURNAL_RECORD_KIND_COUNT; kind++)
        for (size_t length = 0; length <= USAGE_ENTRY_MAX; length += USAGE_ENTRY_MAX) {
            page_write(&p, (enum journal_record_kind)kind, slice_of(many, length));
            assert_int_equal(page_read(&p), JOURNAL_READ_RECORD);
            assert_int_equal(p.record.kind, kind);
            assert_int_equal(p.record.write, WRITE);
            assert_true(slice_equal(p.record.payload, slice_of(many, length)));
            assert_int_equal(p.at, p.window.bytes.length);
            assert_int_equal(journal_record_read(&p.window, &p.at, &p.record), JOURNAL_READ_END);
        }
}

static void every_changed_bit_is_noticed(void **)
{
    struct page p;

    page_write(&p, JOURNAL_ENTRY, SLICE("payload"));
    for (size_t bit = 8 * JOURNAL_FILE_HEADER; bit < 8 * p.window.bytes.length; bit++) {
        p.bytes[bit / 8] = (char)(p.bytes[bit / 8] ^ 1 << bit % 8);
        assert_int_equal(page_read(&p), JOURNAL_READ_WRONG);
        assert_int_equal(p.at, JOURNAL_FILE_HEADER);
        p.bytes[bit / 8] = (char)(p.bytes[bit / 8] ^ 1 << bit % 8);
    }
    assert_int_equal(page_read(&p), JOURNAL_READ_RECORD);
}

static void a_record_cut_anywhere_goes_on_behind_the_window_or_is_wrong(void **)
{
    struct page p;

    page_write(&p, JOURNAL_ENTRY, SLICE("payload"));
    for (size_t length = p.window.bytes.length; length-- > JOURNAL_FILE_HEADER;) {
        p.window.bytes.length = length;
        p.window.is_end = true;
        assert_int_equal(
            page_read(&p), length == JOURNAL_FILE_HEADER ? JOURNAL_READ_END : JOURNAL_READ_WRONG);
        p.window.is_end = false;
        assert_int_equal(page_read(&p), JOURNAL_READ_MORE);
        assert_int_equal(p.at, JOURNAL_FILE_HEADER);
    }
}

/* As in a file that was copied over another, or in whose middle something was put. */
static void a_record_of_a_write_behind_it_is_none(void **)
{
    struct page p;

    page_write(&p, JOURNAL_ENTRY, SLICE("payload"));
    p.window.bytes = slice_from(p.window.bytes, 1);
    p.at = JOURNAL_FILE_HEADER - 1;
    assert_int_equal(journal_record_read(&p.window, &p.at, &p.record), JOURNAL_READ_WRONG);
    p.window.at = 1; // the same bytes where they belong
    assert_int_equal(journal_record_read(&p.window, &p.at, &p.record), JOURNAL_READ_RECORD);
}

static void what_is_sane_but_out_of_range_is_no_record(void **)
{
    static const char changes[][3] = { { 4, 0x7f }, { 6, JOURNAL_RECORD_KIND_COUNT }, { 7, 1 },
        { 15, 7 } };
    struct page p;

    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        page_write(&p, JOURNAL_ENTRY, SLICE("payload"));
        char *header = p.bytes + JOURNAL_FILE_HEADER;

        header[(int)changes[i][0]] = changes[i][1];
        number_put(header, hash_bytes(slice_of(header + 4, 12), 0), 4);
        assert_int_equal(page_read(&p), JOURNAL_READ_WRONG);
    }
}

static void a_record_is_found_behind_what_is_none(void **)
{
    struct page p;
    size_t at = 0;

    page_write(&p, JOURNAL_ENTRY, SLICE("payload"));
    assert_true(journal_record_find(&p.window, &at));
    assert_int_equal(at, JOURNAL_FILE_HEADER);
    assert_true(journal_record_find(&p.window, &at)); // itself is found again
    at++;
    assert_false(journal_record_find(&p.window, &at));
    assert_int_equal(at, p.window.bytes.length - JOURNAL_RECORD_HEADER + 1);
}

static void the_oldest_that_counts_is_read_again(void **)
{
    const struct journal_oldest oldest = { .number = 0x0102030405060708, .first = 9 };
    char room[JOURNAL_OLDEST_SIZE];
    struct slice bytes = journal_oldest_write(&oldest, room);
    struct journal_oldest read;

    assert_true(slice_equal(bytes, SLICE("\1\2\3\4\5\6\7\10\0\0\0\0\0\0\0\11")));
    assert_true(journal_oldest_parse(bytes, &read));
    assert_true(read.number == oldest.number && read.first == oldest.first);
    assert_false(journal_oldest_parse(slice_from(bytes, 1), &read));
}

static void what_is_settled_is_read_again(void **)
{
    const struct journal_position settled = { .sequence = 0x0102030405060708, .hash = { 9, 8 } };
    char room[JOURNAL_SETTLED_SIZE];
    struct journal_position read;
    struct slice bytes = journal_settled_write(&settled, room);

    assert_true(journal_settled_parse(bytes, &read));
    assert_true(read.sequence == settled.sequence);
    assert_memory_equal(read.hash, settled.hash, sizeof read.hash);
    assert_false(journal_settled_parse(slice_from(bytes, 1), &read));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segment_is_the_same_bytes_on_every_machine),
        cmocka_unit_test(each_kind_comes_through_at_its_limits),
        cmocka_unit_test(every_changed_bit_is_noticed),
        cmocka_unit_test(a_record_cut_anywhere_goes_on_behind_the_window_or_is_wrong),
        cmocka_unit_test(a_record_of_a_write_behind_it_is_none),
        cmocka_unit_test(what_is_sane_but_out_of_range_is_no_record),
        cmocka_unit_test(a_record_is_found_behind_what_is_none),
        cmocka_unit_test(the_oldest_that_counts_is_read_again),
        cmocka_unit_test(what_is_settled_is_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
