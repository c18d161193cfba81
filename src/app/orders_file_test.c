// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/orders_file.h"
#include "base/mem.h"

enum { RECORDS = 3 };

static const struct orders_record RECORD[RECORDS] = {
    { ORDERS_DRAIN, 7, 2, { 0 }, { "drain", 5 } },
    { ORDERS_APPLIED, 7, 8, { 1700000000000 }, { "order", 5 } },
    { ORDERS_PASSED, UINT64_MAX, UINT64_MAX, { INT64_MAX }, { NULL, 0 } },
};

/* A file of RECORDS; ends[i] is where record i ends. */
struct text {
    char bytes[ORDERS_FILE_HEADER + RECORDS * ORDERS_RECORD_MAX];
    size_t length, ends[RECORDS];
};

static void write_text(struct text *t)
{
    orders_file_begin(t->bytes);
    t->length = ORDERS_FILE_HEADER;
    for (size_t i = 0; i < RECORDS; i++) {
        t->length += orders_record_write(&RECORD[i], t->bytes + t->length);
        t->ends[i] = t->length;
    }
}

/* Reads to the end; how many records that were, and where they ended. */
static enum orders_reading read_all(struct slice file, size_t *count, size_t *at)
{
    enum orders_reading reading;
    struct orders_record record;

    *count = *at = 0;
    while ((reading = orders_record_read(file, at, &record)) == ORDERS_READ_RECORD)
        ++*count;
    return reading;
}

static void what_was_written_is_read_again(void **)
{
    static struct text t;
    struct orders_record record;
    size_t at = 0;

    write_text(&t);
    for (size_t i = 0; i < RECORDS; i++) {
        assert_int_equal(
            orders_record_read(slice_of(t.bytes, t.length), &at, &record), ORDERS_READ_RECORD);
        assert_int_equal(at, t.ends[i]);
        assert_int_equal(record.kind, RECORD[i].kind);
        assert_true(record.era == RECORD[i].era && record.number == RECORD[i].number);
        assert_true(record.applied.ms == RECORD[i].applied.ms);
        assert_true(slice_equal(record.payload, RECORD[i].payload));
    }
    assert_int_equal(
        orders_record_read(slice_of(t.bytes, t.length), &at, &record), ORDERS_READ_END);
}

static void the_longest_payload_comes_through(void **)
{
    static char payload[ORDERS_PAYLOAD_MAX], room[ORDERS_FILE_HEADER + ORDERS_RECORD_MAX];
    struct orders_record record = { .era = 1, .payload = { payload, sizeof payload } };
    size_t at = 0;

    memset(payload, 'x', sizeof payload);
    orders_file_begin(room);
    assert_int_equal(orders_record_write(&record, room + ORDERS_FILE_HEADER), ORDERS_RECORD_MAX);
    record.payload = SLICE_NONE;
    assert_int_equal(
        orders_record_read(slice_of(room, sizeof room), &at, &record), ORDERS_READ_RECORD);
    assert_true(slice_equal(record.payload, slice_of(payload, sizeof payload)));
}

static void a_file_that_ends_anywhere_is_good_up_to_its_last_whole_record(void **)
{
    static struct text t;
    size_t count, at;

    write_text(&t);
    for (size_t length = 0; length <= t.length; length++) {
        size_t whole = 0;

        while (whole < RECORDS && t.ends[whole] <= length)
            whole++;
        size_t end = whole > 0                     ? t.ends[whole - 1]
                     : length < ORDERS_FILE_HEADER ? 0
                                                   : ORDERS_FILE_HEADER;

        assert_int_equal(read_all(slice_of(t.bytes, length), &count, &at),
            length == end ? ORDERS_READ_END : ORDERS_READ_TORN);
        assert_int_equal(count, whole);
        assert_int_equal(at, end);
    }
}

/* As a power cut leaves a file whose size was written before its bytes. */
static void a_tail_of_zeros_is_torn(void **)
{
    static struct text t;
    size_t count, at;

    write_text(&t);
    memset(t.bytes + t.length, 0, 1000);
    assert_int_equal(read_all(slice_of(t.bytes, t.length + 1000), &count, &at), ORDERS_READ_TORN);
    assert_int_equal(count, RECORDS);
    assert_int_equal(at, t.length);
    for (size_t from = t.ends[0] + 1; from < t.ends[1]; from++) {
        write_text(&t);
        memset(t.bytes + from, 0, t.length - from);
        assert_int_equal(read_all(slice_of(t.bytes, t.length), &count, &at), ORDERS_READ_TORN);
        assert_int_equal(count, 1);
        assert_int_equal(at, t.ends[0]);
    }
}

static void any_other_byte_before_the_last_record_breaks_it(void **)
{
    static struct text t;
    size_t count, at;

    for (size_t wrong = 0; wrong < t.ends[1] || wrong == 0; wrong++) {
        write_text(&t);
        t.bytes[wrong] = (char)(t.bytes[wrong] ^ 0x10);
        assert_int_equal(read_all(slice_of(t.bytes, t.length), &count, &at), ORDERS_READ_BROKEN);
        assert_true(at <= wrong);
    }
    // Of the last record it may be a write that was not finished.
    for (size_t wrong = t.ends[1]; wrong < t.length; wrong++) {
        write_text(&t);
        t.bytes[wrong] = (char)(t.bytes[wrong] ^ 0x10);
        assert_int_equal(read_all(slice_of(t.bytes, t.length), &count, &at), ORDERS_READ_TORN);
        assert_int_equal(at, t.ends[1]);
    }
}

static void an_empty_file_has_no_records(void **)
{
    size_t count, at;

    assert_int_equal(read_all(SLICE_NONE, &count, &at), ORDERS_READ_END);
    assert_int_equal(count, 0);
}

/* A folder of its own, and the path of a file in it. */
struct place {
    char folder[64], path[80];
    struct orders_file file;
};

static void place_init(struct place *p)
{
    snprintf(p->folder, sizeof p->folder, "/tmp/waypost-orders-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->path, sizeof p->path, "%s/orders", p->folder);
    orders_file_init(&p->file, p->path);
}

static void place_done(struct place *p)
{
    static const char *const ENDS[] = { "", ".new", ".broken" };
    char path[100];

    orders_file_done(&p->file);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", p->path, ENDS[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(p->folder), 0);
}

static void file_has(struct place *p, const char *expected)
{
    char *bytes = NULL;
    size_t length = 0;

    orders_file_done(&p->file);
    orders_file_init(&p->file, p->path);
    assert_int_equal(orders_file_load(&p->file, &bytes, &length), ERR_NONE);
    assert_true(slice_equal(slice_of(bytes, length), slice_text(expected)));
    mem_free(bytes);
}

static void what_is_appended_stands_behind_what_was_kept(void **)
{
    char *bytes;
    size_t length;
    struct place p;

    place_init(&p);
    assert_int_equal(orders_file_load(&p.file, &bytes, &length), ERR_MISSING);
    assert_int_equal(orders_file_replace(&p.file, SLICE("one, two")), ERR_NONE);
    assert_int_equal(orders_file_append(&p.file, SLICE(", three")), ERR_NONE);
    file_has(&p, "one, two, three");
    assert_int_equal(orders_file_keep(&p.file, 3), ERR_NONE);
    assert_int_equal(orders_file_append(&p.file, SLICE("...")), ERR_NONE);
    file_has(&p, "one...");
    assert_int_equal(orders_file_replace(&p.file, SLICE("four")), ERR_NONE);
    file_has(&p, "four");
    place_done(&p);
}

static void only_its_owner_may_read_it(void **)
{
    struct stat facts;
    struct place p;

    place_init(&p);
    assert_int_equal(orders_file_replace(&p.file, SLICE("one")), ERR_NONE);
    assert_int_equal(stat(p.path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    place_done(&p);
}

static void what_is_set_aside_is_still_there(void **)
{
    char path[100];
    struct place p;

    place_init(&p);
    assert_int_equal(orders_file_set_aside(&p.file), ERR_MISSING);
    assert_int_equal(orders_file_replace(&p.file, SLICE("one")), ERR_NONE);
    assert_int_equal(orders_file_set_aside(&p.file), ERR_NONE);
    assert_int_equal(access(p.path, F_OK), -1);
    snprintf(path, sizeof path, "%s.broken", p.path);
    assert_int_equal(access(path, F_OK), 0);
    place_done(&p);
}

static void a_folder_that_is_gone_is_an_error_and_can_be_mended(void **)
{
    struct place p;

    place_init(&p);
    assert_int_equal(rmdir(p.folder), 0);
    assert_int_equal(orders_file_replace(&p.file, SLICE("one")), ERR_MISSING);
    assert_int_equal(mkdir(p.folder, 0700), 0);
    assert_int_equal(orders_file_replace(&p.file, SLICE("two")), ERR_NONE);
    file_has(&p, "two");
    place_done(&p);
}

static void a_file_that_is_too_large_to_be_ours_is_not_read(void **)
{
    char *bytes = NULL;
    size_t length;
    struct place p;

    place_init(&p);
    assert_int_equal(orders_file_replace(&p.file, SLICE("one")), ERR_NONE);
    assert_int_equal(truncate(p.path, (off_t)ORDERS_FILE_MAX + 1), 0);
    orders_file_done(&p.file);
    orders_file_init(&p.file, p.path);
    assert_int_equal(orders_file_load(&p.file, &bytes, &length), ERR_LIMIT);
    assert_null(bytes);
    place_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_again),
        cmocka_unit_test(the_longest_payload_comes_through),
        cmocka_unit_test(a_file_that_ends_anywhere_is_good_up_to_its_last_whole_record),
        cmocka_unit_test(a_tail_of_zeros_is_torn),
        cmocka_unit_test(any_other_byte_before_the_last_record_breaks_it),
        cmocka_unit_test(an_empty_file_has_no_records),
        cmocka_unit_test(what_is_appended_stands_behind_what_was_kept),
        cmocka_unit_test(only_its_owner_may_read_it),
        cmocka_unit_test(what_is_set_aside_is_still_there),
        cmocka_unit_test(a_folder_that_is_gone_is_an_error_and_can_be_mended),
        cmocka_unit_test(a_file_that_is_too_large_to_be_ours_is_not_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
