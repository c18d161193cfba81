// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/usage.h"

static const struct usage_entry ENTRY = { .node = { "fra1", 4 },
    .pop = { "fra", 3 },
    .customer = { "acme", 4 },
    .site = { "www.acme.test", 13 },
    .boot = 0x0102030405060708,
    .sequence = 2,
    .begin = { 1700000000000 },
    .end = { 1700000010000 },
    .from.of = { [USAGE_HIT] = 7, [USAGE_SENT_BYTES] = 1000 },
    .to.of = { [USAGE_HIT] = 9, [USAGE_SENT_BYTES] = 0x123456, [USAGE_DNS_ADDRESSES] = 1 },
    .before = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
        24, 25, 26, 27, 28, 29, 30, 31, 32 } };

/* With a kind more than the others has bytes: hit, sent bytes, DNS addresses. */
#define BYTES                                                          \
    "wpu\x01\x00\x00\x12\x01"                                          \
    "\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x00\x00\x00\x00\x00\x02" \
    "\x00\x00\x01\x8b\xcf\xe5\x68\x00\x00\x00\x01\x8b\xcf\xe5\x8f\x10" \
    "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10" \
    "\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x20" \
    "\x04\x03\x04\x0d\x00\x00"                                         \
    "\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x09" \
    "\x00\x00\x00\x00\x00\x00\x03\xe8\x00\x00\x00\x00\x00\x12\x34\x56" \
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" \
    "fra1"                                                             \
    "fra"                                                              \
    "acme"                                                             \
    "www.acme.test"

enum { KINDS_AT = 4, SEQUENCE_AT = 16, BEGIN_AT = 24, END_AT = 32, NODE_LENGTH_AT = 72 };

static char many[USAGE_REASON_MAX + 1];

static void are_equal(const struct usage_entry *a, const struct usage_entry *b)
{
    assert_true(slice_equal(a->node, b->node));
    assert_true(slice_equal(a->pop, b->pop));
    assert_true(slice_equal(a->customer, b->customer));
    assert_true(slice_equal(a->site, b->site));
    assert_true(slice_equal(a->reason, b->reason));
    assert_true(a->boot == b->boot && a->sequence == b->sequence);
    assert_true(a->begin.ms == b->begin.ms && a->end.ms == b->end.ms);
    assert_memory_equal(&a->from, &b->from, sizeof a->from);
    assert_memory_equal(&a->to, &b->to, sizeof a->to);
    assert_memory_equal(a->before, b->before, sizeof a->before);
}

static void comes_through(const struct usage_entry *entry)
{
    char room[USAGE_ENTRY_MAX];
    struct usage_entry read;

    assert_true(usage_entry_is_sane(entry));
    assert_true(usage_entry_parse(usage_entry_write(entry, room), &read));
    are_equal(entry, &read);
}

static void an_entry_is_the_same_bytes_on_every_machine(void **)
{
    char room[USAGE_ENTRY_MAX];

    assert_true(slice_equal(usage_entry_write(&ENTRY, room), SLICE(BYTES)));
}

static void what_was_written_is_read_again(void **)
{
    comes_through(&ENTRY);
}

static void an_entry_at_its_limits_comes_through(void **)
{
    struct usage_entry entry = ENTRY;
    char room[USAGE_ENTRY_MAX];

    memset(many, 'x', sizeof many);
    entry.node = entry.pop = entry.customer = entry.site = slice_of(many, USAGE_NAME_MAX);
    entry.reason = slice_of(many, USAGE_REASON_MAX);
    entry.sequence = entry.boot = UINT64_MAX;
    entry.begin = entry.end = USAGE_WALL_MAX;
    for (int kind = 0; kind < USAGE_KIND_COUNT; kind++) {
        entry.from.of[kind] = INT64_MAX;
        entry.to.of[kind] = (uint64_t)kind;
    }
    comes_through(&entry);
    assert_int_equal(usage_entry_write(&entry, room).length, USAGE_ENTRY_MAX);
}

static void what_found_no_place_of_its_own_has_no_names(void **)
{
    struct usage_entry entry = ENTRY;

    entry.customer = entry.site = SLICE_NONE;
    comes_through(&entry);
    entry.customer = SLICE("acme");
    assert_false(usage_entry_is_sane(&entry));
    entry = ENTRY;
    entry.customer = SLICE_NONE;
    assert_false(usage_entry_is_sane(&entry));
}

static void what_is_cut_short_or_too_long_is_no_entry(void **)
{
    struct slice bytes = SLICE(BYTES "x");
    struct usage_entry entry;

    for (size_t length = 0; length < bytes.length - 1; length++)
        assert_false(usage_entry_parse(slice_head(bytes, length), &entry));
    assert_false(usage_entry_parse(bytes, &entry));
    assert_true(usage_entry_parse(slice_head(bytes, bytes.length - 1), &entry));
}

/* BYTES with one of them changed. */
static bool is_read_with(size_t at, unsigned char byte)
{
    char bytes[sizeof BYTES] = BYTES;
    struct usage_entry entry;

    bytes[at] = (char)byte;
    return usage_entry_parse(slice_of(bytes, sizeof BYTES - 1), &entry);
}

static void what_a_later_version_wrote_is_no_entry_here(void **)
{
    char bytes[sizeof BYTES + 16] = BYTES;
    struct usage_entry entry;

    assert_true(is_read_with(3, 1));
    assert_false(is_read_with(3, 2));
    // The first kind that there is not, with its totals behind those of the others.
    const size_t totals_end = USAGE_ENTRY_HEADER_SIZE + 48;

    memmove(bytes + totals_end + 16, bytes + totals_end, sizeof BYTES - totals_end);
    memset(bytes + totals_end, 0, 15);
    bytes[totals_end + 15] = 1;
    assert_int_equal(USAGE_KIND_COUNT, 13);
    bytes[KINDS_AT + 2] = 0x32;
    assert_false(usage_entry_parse(slice_of(bytes, sizeof BYTES - 1 + 16), &entry));
    bytes[KINDS_AT + 2] = 0x12;
    bytes[KINDS_AT + 3] = 0x03; // the same bytes with a kind that there is
    assert_true(usage_entry_parse(slice_of(bytes, sizeof BYTES - 1 + 16), &entry));
}

static void there_is_one_way_to_write_an_entry(void **)
{
    char bytes[sizeof BYTES + 16] = BYTES;
    struct usage_entry entry;

    // A kind that is named and has nothing to say.
    memmove(bytes + USAGE_ENTRY_HEADER_SIZE + 16, bytes + USAGE_ENTRY_HEADER_SIZE,
        sizeof BYTES - USAGE_ENTRY_HEADER_SIZE);
    memset(bytes + USAGE_ENTRY_HEADER_SIZE + 16, 0, 16);
    memcpy(bytes + USAGE_ENTRY_HEADER_SIZE, &BYTES[USAGE_ENTRY_HEADER_SIZE], 16);
    bytes[KINDS_AT + 3] = 0x03;
    assert_false(usage_entry_parse(slice_of(bytes, sizeof BYTES - 1 + 16), &entry));
}

static void totals_shrink_in_corrections_alone(void **)
{
    struct usage_entry entry = ENTRY;

    entry.to.of[USAGE_HIT] = 6;
    assert_false(usage_entry_is_sane(&entry));
    entry.to.of[USAGE_HIT] = 7;
    comes_through(&entry);
    entry.to.of[USAGE_HIT] = 6;
    entry.reason = SLICE("counted twice");
    comes_through(&entry);
    assert_true(usage_entry_added(&entry, USAGE_HIT) == -1);
    assert_true(usage_entry_added(&ENTRY, USAGE_HIT) == 2);
}

static void totals_that_the_ledger_cannot_hold_are_not_sane(void **)
{
    struct usage_entry entry = ENTRY;

    entry.to.of[USAGE_DNS_ADDRESSES] = INT64_MAX;
    comes_through(&entry);
    entry.to.of[USAGE_DNS_ADDRESSES]++;
    assert_false(usage_entry_is_sane(&entry));
    entry = ENTRY;
    entry.reason = SLICE("x");
    entry.from.of[USAGE_HIT] = UINT64_MAX;
    assert_false(usage_entry_is_sane(&entry));
}

static void an_interval_does_not_end_before_it_begins(void **)
{
    struct usage_entry entry = ENTRY;

    entry.end = entry.begin;
    comes_through(&entry);
    entry.end.ms--;
    assert_false(usage_entry_is_sane(&entry));
    entry.begin.ms = entry.end.ms = 0;
    comes_through(&entry);
    entry.begin.ms = -1;
    assert_false(usage_entry_is_sane(&entry));
    entry = ENTRY;
    entry.end.ms = USAGE_WALL_MAX.ms + 1;
    assert_false(usage_entry_is_sane(&entry));
    assert_false(is_read_with(END_AT, 0x80));
    assert_false(is_read_with(BEGIN_AT, 0x80));
}

static void the_first_entry_has_none_before_it(void **)
{
    struct usage_entry entry = ENTRY;

    entry.sequence = 1;
    assert_false(usage_entry_is_sane(&entry));
    assert_false(is_read_with(SEQUENCE_AT + 7, 1));
    memset(entry.before, 0, sizeof entry.before);
    comes_through(&entry);
    entry.sequence = 0;
    assert_false(usage_entry_is_sane(&entry));
}

static void an_entry_names_node_and_pop(void **)
{
    struct usage_entry entry = ENTRY;

    entry.node = SLICE_NONE;
    assert_false(usage_entry_is_sane(&entry));
    entry = ENTRY;
    entry.pop = SLICE_NONE;
    assert_false(usage_entry_is_sane(&entry));
}

static void control_bytes_and_what_is_too_long_are_in_no_entry(void **)
{
    struct usage_entry entry;
    struct slice *const texts[] = { &entry.node, &entry.pop, &entry.customer, &entry.site,
        &entry.reason };

    memset(many, 'x', sizeof many);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const struct slice too_long =
            slice_of(many, i < 4 ? USAGE_NAME_MAX + 1 : USAGE_REASON_MAX + 1);

        entry = ENTRY;
        *texts[i] = too_long;
        assert_false(usage_entry_is_sane(&entry));
        *texts[i] = SLICE("a\nb");
        assert_false(usage_entry_is_sane(&entry));
        *texts[i] = SLICE("a\x7f");
        assert_false(usage_entry_is_sane(&entry));
        *texts[i] = SLICE("a b\xc3\xa4");
        assert_true(usage_entry_is_sane(&entry));
    }
}

static void requests_are_all_outcomes_and_nothing_else(void **)
{
    struct usage_totals totals;

    for (int kind = 0; kind < USAGE_KIND_COUNT; kind++)
        totals.of[kind] = UINT64_C(1) << (2 * kind);
    assert_true(usage_requests(&totals) == 0x15555);
}

static void a_batch_gives_its_entries_in_turn(void **)
{
    char room[2 * USAGE_BATCH_ENTRY_MAX];
    size_t length = usage_batch_put(SLICE(BYTES), room);
    struct slice batch, entry;

    length += usage_batch_put(SLICE("second"), room + length);
    assert_int_equal(length, 2 + sizeof BYTES - 1 + 2 + 6);
    batch = slice_of(room, length);
    assert_true(usage_batch_next(&batch, &entry));
    assert_true(slice_equal(entry, SLICE(BYTES)));
    assert_true(usage_batch_next(&batch, &entry));
    assert_true(slice_equal(entry, SLICE("second")));
    assert_int_equal(batch.length, 0);
    assert_false(usage_batch_next(&batch, &entry));
}

static void a_batch_that_is_cut_ends_before_the_cut_and_is_not_empty(void **)
{
    char room[USAGE_BATCH_ENTRY_MAX];
    size_t length = usage_batch_put(SLICE("entry"), room);
    struct slice entry;

    for (size_t cut = 1; cut < length; cut++) {
        struct slice batch = slice_of(room, cut);

        assert_false(usage_batch_next(&batch, &entry));
        assert_int_equal(batch.length, cut);
    }
}

static void each_kind_has_a_name_of_its_own(void **)
{
    for (int a = 0; a < USAGE_KIND_COUNT; a++)
        for (int b = a + 1; b <= USAGE_KIND_COUNT; b++)
            assert_string_not_equal(
                usage_kind_text((enum usage_kind)a), usage_kind_text((enum usage_kind)b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_the_same_bytes_on_every_machine),
        cmocka_unit_test(what_was_written_is_read_again),
        cmocka_unit_test(an_entry_at_its_limits_comes_through),
        cmocka_unit_test(what_found_no_place_of_its_own_has_no_names),
        cmocka_unit_test(what_is_cut_short_or_too_long_is_no_entry),
        cmocka_unit_test(what_a_later_version_wrote_is_no_entry_here),
        cmocka_unit_test(there_is_one_way_to_write_an_entry),
        cmocka_unit_test(totals_shrink_in_corrections_alone),
        cmocka_unit_test(totals_that_the_ledger_cannot_hold_are_not_sane),
        cmocka_unit_test(an_interval_does_not_end_before_it_begins),
        cmocka_unit_test(the_first_entry_has_none_before_it),
        cmocka_unit_test(an_entry_names_node_and_pop),
        cmocka_unit_test(control_bytes_and_what_is_too_long_are_in_no_entry),
        cmocka_unit_test(requests_are_all_outcomes_and_nothing_else),
        cmocka_unit_test(a_batch_gives_its_entries_in_turn),
        cmocka_unit_test(a_batch_that_is_cut_ends_before_the_cut_and_is_not_empty),
        cmocka_unit_test(each_kind_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
