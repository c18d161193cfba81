// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "meter/closing.h"
#include "tls/sha256.h"

#define T0 INT64_C(1700000000000)

enum { BOOT = 7 };

/* What is closed, and the newest entry. */
struct books {
    struct closing *closing;
    char room[USAGE_ENTRY_MAX];
    struct slice bytes;
    struct usage_entry entry;
};

static void books_open(struct books *b)
{
    *b = (struct books){ .closing = closing_new(SLICE("fra1"), SLICE("fra")) };
    closing_begin(b->closing, BOOT, (struct wall){ T0 }, (struct wall){ T0 + 10000 });
}

static struct usage_totals hits(uint64_t hits)
{
    return (struct usage_totals){ .of[USAGE_HIT] = hits };
}

/* True: there was an entry, which is in b->entry. */
static bool closes(struct books *b, const char *site, struct usage_totals totals)
{
    b->bytes = closing_entry(b->closing, SLICE("acme"), slice_text(site), &totals, b->room);
    return b->bytes.length > 0 && usage_entry_parse(b->bytes, &b->entry);
}

static void interval_is(const struct books *b, int64_t begin_ms, int64_t end_ms)
{
    assert_true(b->entry.begin.ms == begin_ms);
    assert_true(b->entry.end.ms == end_ms);
}

static void counts_are(const struct books *b, uint64_t entries, uint64_t clamped, uint64_t shrunk)
{
    const struct closing_counts *counts = closing_counts(b->closing);

    assert_int_equal(counter_read(&counts->entries), entries);
    assert_int_equal(counter_read(&counts->clamped), clamped);
    assert_int_equal(counter_read(&counts->shrunk), shrunk);
    assert_int_equal(counter_read(&counts->no_room), 0);
}

static void an_entry_is_from_what_was_closed_to_what_is(void **)
{
    struct books b;

    books_open(&b);
    assert_true(closes(&b, "www", hits(5)));
    assert_true(slice_equal(b.entry.node, SLICE("fra1")));
    assert_true(slice_equal(b.entry.pop, SLICE("fra")));
    assert_true(slice_equal(b.entry.customer, SLICE("acme")));
    assert_true(slice_equal(b.entry.site, SLICE("www")));
    assert_int_equal(b.entry.boot, BOOT);
    assert_int_equal(b.entry.from.of[USAGE_HIT], 0);
    assert_int_equal(b.entry.to.of[USAGE_HIT], 5);
    interval_is(&b, T0, T0 + 10000);
    closing_begin(b.closing, BOOT, (struct wall){ T0 + 10000 }, (struct wall){ T0 + 20000 });
    assert_true(closes(&b, "www", hits(8)));
    assert_int_equal(b.entry.from.of[USAGE_HIT], 5);
    assert_int_equal(b.entry.to.of[USAGE_HIT], 8);
    interval_is(&b, T0 + 10000, T0 + 20000);
    counts_are(&b, 2, 0, 0);
    closing_free(b.closing);
}

static void what_did_not_change_has_no_entry(void **)
{
    struct books b;

    books_open(&b);
    assert_false(closes(&b, "www", hits(0)));
    assert_true(closes(&b, "www", hits(1)));
    assert_false(closes(&b, "www", hits(1)));
    assert_int_equal(closing_position(b.closing)->sequence, 1);
    counts_are(&b, 1, 0, 0);
    closing_free(b.closing);
}

static void each_entry_has_the_number_and_the_hash_of_its_place_in_the_chain(void **)
{
    unsigned char before[USAGE_HASH_SIZE] = { 0 };
    struct books b;
    char site[20];

    books_open(&b);
    for (uint64_t i = 1; i <= 1000; i++) { // through many sizes of the table
        snprintf(site, sizeof site, "%d", (int)i % 300);
        assert_true(closes(&b, site, hits(i)));
        assert_int_equal(b.entry.sequence, i);
        assert_memory_equal(b.entry.before, before, sizeof before);
        assert_int_equal(b.entry.from.of[USAGE_HIT], i > 300 ? i - 300 : 0);
        sha256(b.bytes, before);
    }
    assert_int_equal(closing_position(b.closing)->sequence, 1000);
    assert_memory_equal(closing_position(b.closing)->hash, before, sizeof before);
    closing_free(b.closing);
}

static void customers_and_sites_of_like_names_are_told_apart(void **)
{
    struct usage_totals totals = hits(1);
    struct books b;

    books_open(&b);
    assert_true(closing_entry(b.closing, SLICE("ab"), SLICE("c"), &totals, b.room).length > 0);
    assert_true(closing_entry(b.closing, SLICE("a"), SLICE("bc"), &totals, b.room).length > 0);
    assert_true(closing_entry(b.closing, SLICE_NONE, SLICE_NONE, &totals, b.room).length > 0);
    assert_true(closing_entry(b.closing, SLICE("ab"), SLICE("c"), &totals, b.room).length == 0);
    assert_true(closing_entry(b.closing, SLICE("a"), SLICE("bc"), &totals, b.room).length == 0);
    assert_true(closing_entry(b.closing, SLICE_NONE, SLICE_NONE, &totals, b.room).length == 0);
    closing_free(b.closing);
}

static void after_a_restart_it_goes_on_where_the_journal_ends(void **)
{
    struct books before, after;

    books_open(&before);
    assert_true(closes(&before, "www", hits(5)));
    after.closing = closing_new(SLICE("fra1"), SLICE("fra"));
    const struct closing_position *p = closing_position(before.closing);

    closing_learn(after.closing, &before.entry, p->hash);
    // The dead boot is closed, though its last tick was before its last entry's end.
    closing_begin(after.closing, BOOT, (struct wall){ T0 + 9000 }, (struct wall){ T0 + 9000 });
    assert_true(closes(&after, "www", hits(6)));
    assert_int_equal(after.entry.sequence, 2);
    assert_memory_equal(after.entry.before, p->hash, USAGE_HASH_SIZE);
    assert_int_equal(after.entry.from.of[USAGE_HIT], 5);
    interval_is(&after, T0 + 10000, T0 + 10000);
    closing_free(before.closing);
    closing_free(after.closing);
}

static void totals_of_another_boot_begin_at_zero(void **)
{
    struct books b;

    books_open(&b);
    assert_true(closes(&b, "www", hits(5)));
    closing_begin(b.closing, BOOT + 1, (struct wall){ T0 + 10000 }, (struct wall){ T0 + 20000 });
    assert_true(closes(&b, "www", hits(3)));
    assert_int_equal(b.entry.boot, BOOT + 1);
    assert_int_equal(b.entry.sequence, 2);
    assert_int_equal(b.entry.from.of[USAGE_HIT], 0);
    assert_int_equal(b.entry.to.of[USAGE_HIT], 3);
    closing_free(b.closing);
}

static void no_entry_begins_before_the_last_one_ended(void **)
{
    struct books b;

    books_open(&b);
    assert_true(closes(&b, "www", hits(1)));
    closing_begin(b.closing, BOOT, (struct wall){ T0 - 3600000 }, (struct wall){ T0 - 3590000 });
    assert_true(closes(&b, "www", hits(2)));
    interval_is(&b, T0 + 10000, T0 + 10000);
    counts_are(&b, 2, 1, 0);
    closing_begin(b.closing, BOOT, (struct wall){ T0 + 5000 }, (struct wall){ T0 + 15000 });
    assert_true(closes(&b, "www", hits(3)));
    interval_is(&b, T0 + 10000, T0 + 15000);
    counts_are(&b, 3, 2, 0);
    closing_begin(b.closing, BOOT, (struct wall){ T0 + 15000 }, (struct wall){ T0 + 20000 });
    assert_true(closes(&b, "www", hits(4)));
    interval_is(&b, T0 + 15000, T0 + 20000);
    counts_are(&b, 4, 2, 0);
    closing_free(b.closing);
}

static void no_entry_ends_before_it_begins(void **)
{
    struct books b;

    books_open(&b);
    closing_begin(b.closing, BOOT, (struct wall){ T0 + 20000 }, (struct wall){ T0 + 10000 });
    assert_true(closes(&b, "www", hits(1)));
    interval_is(&b, T0 + 20000, T0 + 20000);
    counts_are(&b, 1, 1, 0);
    closing_free(b.closing);
}

static void a_clock_out_of_all_bounds_makes_entries_that_can_be_written(void **)
{
    struct books b;

    books_open(&b);
    closing_begin(b.closing, BOOT, (struct wall){ INT64_MIN }, (struct wall){ INT64_MAX });
    assert_true(closes(&b, "www", hits(1)));
    interval_is(&b, 0, USAGE_WALL_MAX.ms);
    closing_begin(b.closing, BOOT, (struct wall){ INT64_MAX }, (struct wall){ INT64_MIN });
    assert_true(closes(&b, "www", hits(2)));
    interval_is(&b, USAGE_WALL_MAX.ms, USAGE_WALL_MAX.ms);
    closing_free(b.closing);
}

static void totals_that_shrink_have_no_entry_until_they_have_grown_again(void **)
{
    struct books b;
    struct usage_totals totals = hits(10);

    books_open(&b);
    assert_true(closes(&b, "www", totals));
    totals.of[USAGE_HIT] = 9;
    totals.of[USAGE_SENT_BYTES] = 100;
    assert_false(closes(&b, "www", totals));
    counts_are(&b, 1, 0, 1);
    totals.of[USAGE_HIT] = 11;
    assert_true(closes(&b, "www", totals));
    assert_int_equal(b.entry.from.of[USAGE_HIT], 10);
    assert_int_equal(b.entry.to.of[USAGE_SENT_BYTES], 100);
    closing_free(b.closing);
}

static void totals_stay_at_the_most_that_the_ledger_holds(void **)
{
    struct books b;

    books_open(&b);
    assert_true(closes(&b, "www", hits(UINT64_MAX)));
    assert_true(b.entry.to.of[USAGE_HIT] == INT64_MAX);
    assert_false(closes(&b, "www", hits(UINT64_MAX)));
    closing_free(b.closing);
}

static void a_chain_that_was_moved_goes_on_from_there(void **)
{
    const unsigned char hash[USAGE_HASH_SIZE] = { 1, 2, 3 };
    struct books b;

    books_open(&b);
    assert_true(closes(&b, "www", hits(5)));
    closing_move(b.closing, 100, hash);
    assert_true(closes(&b, "www", hits(6)));
    assert_int_equal(b.entry.sequence, 101);
    assert_memory_equal(b.entry.before, hash, sizeof hash);
    assert_int_equal(b.entry.from.of[USAGE_HIT], 5);
    closing_free(b.closing);
}

/* Brings what one closing knows to another that knows nothing. */
static void hand_over(const struct closing *from, struct closing *to)
{
    char room[USAGE_ENTRY_MAX];
    struct usage_entry entry;
    struct slice bytes;
    size_t at = 0;

    while (closing_totals(from, &at, room, &bytes)) {
        assert_true(usage_entry_parse(bytes, &entry));
        for (int kind = 0; kind < USAGE_KIND_COUNT; kind++)
            assert_int_equal(usage_entry_added(&entry, (enum usage_kind)kind), 0);
        closing_restore(to, &entry, false);
    }
}

static void what_is_known_of_a_boot_is_restored_without_its_entries(void **)
{
    struct books before, after;
    char site[20];

    books_open(&before);
    for (uint64_t i = 1; i <= 200; i++) {
        snprintf(site, sizeof site, "%d", (int)i);
        assert_true(closes(&before, site, hits(i)));
    }
    assert_false(closes(&before, "idle", hits(0)));
    after.closing = closing_new(SLICE("fra1"), SLICE("fra"));
    hand_over(before.closing, after.closing);
    assert_memory_equal(closing_position(before.closing), closing_position(after.closing),
        sizeof(struct closing_position));
    closing_begin(after.closing, BOOT, (struct wall){ T0 }, (struct wall){ T0 + 20000 });
    for (uint64_t i = 1; i <= 200; i++) {
        snprintf(site, sizeof site, "%d", (int)i);
        assert_false(closes(&after, site, hits(i)));
    }
    assert_true(closes(&after, "7", hits(8)));
    assert_int_equal(after.entry.sequence, 201);
    assert_int_equal(after.entry.from.of[USAGE_HIT], 7);
    interval_is(&after, T0 + 10000, T0 + 20000);
    closing_free(before.closing);
    closing_free(after.closing);
}

static void what_is_restored_only_where_it_is_new_moves_nothing(void **)
{
    struct usage_entry totals = { .node = SLICE("fra1"),
        .pop = SLICE("fra"),
        .customer = SLICE("acme"),
        .site = SLICE("www"),
        .boot = BOOT,
        .sequence = 50,
        .begin = { T0 },
        .end = { T0 } };
    struct books b;

    books_open(&b);
    assert_true(closes(&b, "www", hits(5)));
    totals.from = totals.to = hits(9);
    closing_restore(b.closing, &totals, true);
    totals.site = SLICE("img");
    closing_restore(b.closing, &totals, true);
    assert_int_equal(closing_position(b.closing)->sequence, 1);
    assert_true(closes(&b, "www", hits(6)));
    assert_false(closes(&b, "img", hits(9)));
    assert_true(closes(&b, "img", hits(10)));
    assert_int_equal(b.entry.from.of[USAGE_HIT], 9);
    closing_free(b.closing);
}

/* Chains anew what an entry says; true: it adds something. */
static bool closes_again(struct books *b, const struct usage_entry *entry)
{
    b->bytes = closing_again(b->closing, entry, b->room);
    return b->bytes.length > 0 && usage_entry_parse(b->bytes, &b->entry);
}

static void an_entry_said_again_holds_what_a_lost_one_held_and_nothing_twice(void **)
{
    struct usage_entry entry = { .node = SLICE("fra1"),
        .pop = SLICE("old"),
        .customer = SLICE("acme"),
        .site = SLICE("www"),
        .boot = BOOT,
        .sequence = 10,
        .begin = { T0 },
        .end = { T0 + 5000 } };
    struct books b;

    b.closing = closing_new(SLICE("fra1"), SLICE("fra"));
    entry.from = hits(3);
    entry.to = hits(5);
    assert_true(closes_again(&b, &entry)); // nobody knows what was closed before
    assert_int_equal(b.entry.sequence, 1);
    assert_int_equal(b.entry.from.of[USAGE_HIT], 3);
    interval_is(&b, T0, T0 + 5000);
    assert_true(slice_equal(b.entry.pop, SLICE("old")));
    assert_false(closes_again(&b, &entry)); // that is in the chain already
    entry.from = hits(7);
    entry.to = hits(9);
    assert_true(closes_again(&b, &entry)); // from 5 to 7 is lost
    assert_int_equal(b.entry.sequence, 2);
    assert_int_equal(b.entry.from.of[USAGE_HIT], 5);
    assert_int_equal(b.entry.to.of[USAGE_HIT], 9);
    entry.boot++;
    entry.from = hits(0);
    entry.to = hits(4);
    assert_true(closes_again(&b, &entry));
    assert_int_equal(b.entry.from.of[USAGE_HIT], 0);
    closing_free(b.closing);
}

static void sites_beyond_the_limit_are_counted_and_not_closed(void **)
{
    struct books b;
    char site[20];

    books_open(&b);
    for (int i = 0; i < CLOSING_SITES_MAX; i++) {
        snprintf(site, sizeof site, "%d", i);
        closes(&b, site, hits(i == 0));
    }
    assert_false(closes(&b, "www", hits(1)));
    assert_int_equal(counter_read(&closing_counts(b.closing)->no_room), 1);
    assert_true(closes(&b, "0", hits(2)));
    closing_free(b.closing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_from_what_was_closed_to_what_is),
        cmocka_unit_test(what_did_not_change_has_no_entry),
        cmocka_unit_test(each_entry_has_the_number_and_the_hash_of_its_place_in_the_chain),
        cmocka_unit_test(customers_and_sites_of_like_names_are_told_apart),
        cmocka_unit_test(after_a_restart_it_goes_on_where_the_journal_ends),
        cmocka_unit_test(totals_of_another_boot_begin_at_zero),
        cmocka_unit_test(no_entry_begins_before_the_last_one_ended),
        cmocka_unit_test(no_entry_ends_before_it_begins),
        cmocka_unit_test(a_clock_out_of_all_bounds_makes_entries_that_can_be_written),
        cmocka_unit_test(totals_that_shrink_have_no_entry_until_they_have_grown_again),
        cmocka_unit_test(totals_stay_at_the_most_that_the_ledger_holds),
        cmocka_unit_test(a_chain_that_was_moved_goes_on_from_there),
        cmocka_unit_test(what_is_known_of_a_boot_is_restored_without_its_entries),
        cmocka_unit_test(what_is_restored_only_where_it_is_new_moves_nothing),
        cmocka_unit_test(an_entry_said_again_holds_what_a_lost_one_held_and_nothing_twice),
        cmocka_unit_test(sites_beyond_the_limit_are_counted_and_not_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
