// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/attr.h"
#include "wire/digest.h"

static const struct digest HEAD = { .observer = UINT64_C(0x0102030405060708),
    .boot = UINT64_C(0x1112131415161718),
    .sequence = UINT64_C(0x2122232425262728),
    .at = { INT64_C(0x0000018000000000) } };

static const struct report REPORT = { .check = UINT64_C(0xf1f2f3f4f5f6f7f8),
    .kind = REPORT_CPU,
    .value = 0x0a0b0c,
    .spread = 0x0d,
    .evidence = 0x01020304,
    .at = { INT64_C(0x0000018000000000) - 0x0506 } };

/* What REPORT and HEAD are on the wire. */
static const unsigned char BYTES[DIGEST_HEADER_SIZE + DIGEST_REPORT_SIZE] = { 'w', 'p', 'd', 1, //
    1, 2, 3, 4, 5, 6, 7, 8,                         // observer
    0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, // boot
    0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, // sequence
    0, 0, 1, 0x80, 0, 0, 0, 0,                      // at
    0, 0, 0, 1,                                     // count
    0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, // check
    REPORT_CPU,                                     //
    0, 0, 0, 0, 0, 0x0a, 0x0b, 0x0c,                // value
    0, 0, 0, 0, 0, 0, 0, 0x0d,                      // spread
    1, 2, 3, 4,                                     // evidence
    0, 0, 5, 6 };                                   // age

/* With one report in it; in `out`, which has room for BYTES. */
static struct slice digest_of(const struct digest *head, const struct report *report, char *out)
{
    struct digest_writer writer;

    digest_begin(&writer, out, sizeof BYTES, head);
    assert_true(digest_add(&writer, report));
    return digest_end(&writer);
}

static void a_digest_is_the_same_bytes_on_every_machine(void **)
{
    char out[sizeof BYTES];
    struct slice bytes = digest_of(&HEAD, &REPORT, out);

    assert_int_equal(bytes.length, sizeof BYTES);
    assert_memory_equal(bytes.at, BYTES, sizeof BYTES);
}

static void what_was_written_is_read_again(void **)
{
    struct digest digest;
    struct report report;
    size_t at = 0;

    assert_true(digest_parse(slice_of(BYTES, sizeof BYTES), &digest));
    assert_true(digest.observer == HEAD.observer);
    assert_true(digest.boot == HEAD.boot);
    assert_true(digest.sequence == HEAD.sequence);
    assert_true(digest.at.ms == HEAD.at.ms);
    assert_int_equal(digest.count, 1);
    assert_true(digest_next(&digest, &at, &report));
    assert_true(report.observer == HEAD.observer);
    assert_true(report.check == REPORT.check);
    assert_int_equal(report.kind, REPORT.kind);
    assert_true(report.value == REPORT.value);
    assert_true(report.spread == REPORT.spread);
    assert_int_equal(report.evidence, REPORT.evidence);
    assert_true(report.at.ms == REPORT.at.ms);
    assert_false(digest_next(&digest, &at, &report));
}

static void every_kind_at_its_limits_comes_through(void **)
{
    for (int kind = 0; kind < REPORT_KIND_COUNT; kind++) {
        struct report report = REPORT, read;
        struct digest digest;
        char out[sizeof BYTES];
        size_t at = 0;

        report.kind = (enum report_kind)kind;
        report.value = report.spread = report_most(report.kind);
        report.evidence = REPORT_EVIDENCE_MOST;
        assert_true(digest_parse(digest_of(&HEAD, &report, out), &digest));
        assert_true(digest_next(&digest, &at, &read));
        assert_true(report_is_sane(&read));
        assert_int_equal(read.kind, kind);
        assert_true(read.value == report.value && read.spread == report.spread);
        assert_int_equal(read.evidence, REPORT_EVIDENCE_MOST);
    }
}

static void a_report_is_never_younger_than_its_digest(void **)
{
    const int64_t oldest_ms = -(int64_t)UINT32_MAX;
    const struct {
        int64_t ahead_ms, read_ms;
    } ages[] = { { 0, 0 }, { 1, 0 }, { 5000, 0 }, { -1, -1 }, { oldest_ms, oldest_ms },
        { oldest_ms - 1, oldest_ms } };

    for (size_t i = 0; i < COUNT_OF(ages); i++) {
        struct digest head = HEAD, digest;
        struct report report = REPORT, read;
        char out[sizeof BYTES];
        size_t at = 0;

        report.at.ms = head.at.ms + ages[i].ahead_ms;
        assert_true(digest_parse(digest_of(&head, &report, out), &digest));
        assert_true(digest_next(&digest, &at, &read));
        assert_true(read.at.ms == head.at.ms + ages[i].read_ms);
    }
}

static void a_digest_of_nothing_is_one(void **)
{
    char out[DIGEST_HEADER_SIZE];
    struct digest_writer writer;
    struct digest digest;
    struct report report;
    size_t at = 0;

    digest_begin(&writer, out, sizeof out, &HEAD);
    assert_false(digest_add(&writer, &REPORT));
    assert_true(digest_parse(digest_end(&writer), &digest));
    assert_int_equal(digest.count, 0);
    assert_false(digest_next(&digest, &at, &report));
}

static void what_finds_no_room_is_left_out_and_said(void **)
{
    char out[sizeof BYTES + DIGEST_REPORT_SIZE - 1];
    struct digest_writer writer;
    struct digest digest;

    digest_begin(&writer, out, sizeof out, &HEAD);
    assert_true(digest_add(&writer, &REPORT));
    assert_false(digest_add(&writer, &REPORT));
    struct slice bytes = digest_end(&writer);

    assert_memory_equal(bytes.at, BYTES, sizeof BYTES);
    assert_int_equal(bytes.length, sizeof BYTES);
    assert_true(digest_parse(bytes, &digest));
}

static void no_digest_is_above_its_most_reports(void **)
{
    enum { ROOM = DIGEST_HEADER_SIZE + (DIGEST_REPORTS_MAX + 1) * DIGEST_REPORT_SIZE };
    char *out = calloc(1, ROOM);
    struct digest_writer writer;
    struct digest digest;

    assert_non_null(out);
    digest_begin(&writer, out, ROOM, &HEAD);
    for (size_t i = 0; i < DIGEST_REPORTS_MAX; i++)
        assert_true(digest_add(&writer, &REPORT));
    assert_false(digest_add(&writer, &REPORT));
    struct slice bytes = digest_end(&writer);

    assert_true(digest_parse(bytes, &digest));
    assert_int_equal(digest.count, DIGEST_REPORTS_MAX);

    // One more, and it says so truly: refused all the same.
    out[DIGEST_HEADER_SIZE - 1] = (char)(out[DIGEST_HEADER_SIZE - 1] + 1);
    assert_false(digest_parse(slice_of(out, ROOM), &digest));
    free(out);
}

static void what_is_cut_anywhere_or_longer_than_it_says_is_no_digest(void **)
{
    char longer[sizeof BYTES + 1] = { 0 };
    struct digest digest;

    for (size_t length = 0; length < sizeof BYTES; length++)
        assert_false(digest_parse(slice_of(BYTES, length), &digest));
    memcpy(longer, BYTES, sizeof BYTES);
    assert_true(digest_parse(slice_of(longer, sizeof BYTES), &digest));
    assert_false(digest_parse(slice_of(longer, sizeof longer), &digest));
}

static void another_mark_version_or_a_time_out_of_range_is_refused(void **)
{
    char bytes[sizeof BYTES];
    struct digest digest;

    for (size_t i = 0; i < 4; i++) {
        memcpy(bytes, BYTES, sizeof bytes);
        bytes[i]++;
        assert_false(digest_parse(slice_of(bytes, sizeof bytes), &digest));
    }
    memcpy(bytes, BYTES, sizeof bytes);
    bytes[28] = (char)0x80; // the sign of its time
    assert_false(digest_parse(slice_of(bytes, sizeof bytes), &digest));
    bytes[28] = 0x7f;
    assert_true(digest_parse(slice_of(bytes, sizeof bytes), &digest));
}

static void kinds_of_a_later_version_are_passed_over(void **)
{
    char out[DIGEST_HEADER_SIZE + 3 * DIGEST_REPORT_SIZE];
    struct report report = REPORT;
    struct digest_writer writer;
    struct digest digest;
    size_t at = 0;

    digest_begin(&writer, out, sizeof out, &HEAD);
    for (int64_t i = 0; i < 3; i++) {
        report.value = i;
        assert_true(digest_add(&writer, &report));
    }
    struct slice bytes = digest_end(&writer);

    out[DIGEST_HEADER_SIZE + 8] = REPORT_KIND_COUNT;
    out[DIGEST_HEADER_SIZE + 2 * DIGEST_REPORT_SIZE + 8] = (char)0xff;
    assert_true(digest_parse(bytes, &digest));
    assert_true(digest_next(&digest, &at, &report));
    assert_int_equal(report.value, 1);
    assert_false(digest_next(&digest, &at, &report));
}

static void ranges_are_left_to_the_receiver(void **)
{
    char bytes[sizeof BYTES];
    struct digest digest;
    struct report report;
    size_t at = 0;

    memcpy(bytes, BYTES, sizeof bytes);
    bytes[DIGEST_HEADER_SIZE + 9] = (char)0xff; // the sign of its value
    assert_true(digest_parse(slice_of(bytes, sizeof bytes), &digest));
    assert_true(digest_next(&digest, &at, &report));
    assert_true(report.value < 0);
    assert_false(report_is_sane(&report));
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_digest_is_the_same_bytes_on_every_machine),
        cmocka_unit_test(what_was_written_is_read_again),
        cmocka_unit_test(every_kind_at_its_limits_comes_through),
        cmocka_unit_test(a_report_is_never_younger_than_its_digest),
        cmocka_unit_test(a_digest_of_nothing_is_one),
        cmocka_unit_test(what_finds_no_room_is_left_out_and_said),
        cmocka_unit_test(no_digest_is_above_its_most_reports),
        cmocka_unit_test(what_is_cut_anywhere_or_longer_than_it_says_is_no_digest),
        cmocka_unit_test(another_mark_version_or_a_time_out_of_range_is_refused),
        cmocka_unit_test(kinds_of_a_later_version_are_passed_over),
        cmocka_unit_test(ranges_are_left_to_the_receiver),
    };

    return cmocka_run_group_tests_name("wire/digest", cases, NULL, NULL);
}
