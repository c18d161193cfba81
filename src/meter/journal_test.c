// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "meter/journal_file.h"
#include "meter/journal_ticks_test.h"

#define COUNT(d, field) counter_read(&journal_counts((d)->journal)->field)

static void an_entry_is_told_as_written_when_it_is_on_disk(void **)
{
    struct desk d;

    desk_init(&d);
    d.hits[0] = 5;
    put_all(&d);
    journal_write(d.journal);
    assert_int_equal(d.written, 0);
    assert_false(journal_takes(d.journal));
    rest(&d);
    assert_int_equal(d.written, 1);
    assert_true(journal_takes(d.journal));
    assert_int_equal(journal_state(d.journal).last, 1);
    assert_int_equal(COUNT(&d, written), 1);
    assert_int_equal(count_files(&d, ".entries"), 1);
    desk_done(&d);
}

static void nothing_put_is_nothing_written(void **)
{
    struct desk d;

    desk_init(&d);
    journal_write(d.journal);
    rest(&d);
    assert_true(journal_takes(d.journal));
    assert_int_equal(COUNT(&d, writes), 0);
    assert_int_equal(count_files(&d, ".entries"), 0);
    desk_done(&d);
}

static void what_is_not_settled_is_handed_out_in_turn(void **)
{
    struct desk d;

    desk_init(&d);
    journal_ask(d.journal, ASKED_BYTES);
    rest(&d);
    assert_int_equal(d.asked, 1);
    assert_int_equal(d.pending_first, 0);
    tick(&d, SITES);
    tick(&d, 1);
    journal_ask(d.journal, ASKED_BYTES);
    rest(&d);
    assert_int_equal(d.pending_first, 1);
    assert_int_equal(d.pending_last, 4);
    journal_ask(d.journal, ASKED_BYTES); // nobody said that they arrived
    rest(&d);
    assert_int_equal(d.pending_first, 1);
    assert_int_equal(d.pending_last, 4);
    journal_settled(d.journal, d.ledger.sequence, d.ledger.hash);
    tick(&d, 1);
    journal_ask(d.journal, ASKED_BYTES);
    rest(&d);
    assert_int_equal(d.pending_first, 5);
    assert_int_equal(d.pending_last, 5);
    assert_int_equal(d.ledger.refused, 0);
    books_equal_totals(&d);
    desk_done(&d);
}

static void a_batch_has_as_many_as_there_is_room_for(void **)
{
    struct desk d;

    desk_init(&d);
    for (int i = 0; i < 100; i++)
        tick(&d, SITES);
    journal_ask(d.journal, USAGE_BATCH_ENTRY_MAX);
    rest(&d);
    assert_int_equal(d.pending_first, 1);
    assert_int_equal(d.pending_last, 1);
    journal_settled(d.journal, d.ledger.sequence, d.ledger.hash);
    journal_ask(d.journal, 2 * USAGE_BATCH_ENTRY_MAX);
    rest(&d);
    assert_int_equal(d.pending_first, 2);
    assert_in_range(d.pending_last, 3, 50);
    books_equal_totals(&d);
    assert_int_equal(d.ledger.refused, 0);
    desk_done(&d);
}

static void a_restart_goes_on_with_chain_totals_and_what_is_settled(void **)
{
    struct desk d;

    desk_init(&d);
    tick(&d, SITES);
    settle_all(&d);
    tick(&d, 2); // notes what was settled
    tick(&d, 1);
    desk_restart(&d);
    assert_int_equal(journal_state(d.journal).last, 6);
    assert_int_equal(journal_state(d.journal).settled, 3);
    tick(&d, 0);
    assert_int_equal(journal_state(d.journal).last, 6); // nothing is new
    tick(&d, SITES);
    books_equal_totals(&d);
    assert_int_equal(d.ledger.refused, 0);
    assert_int_equal(COUNT(&d, broken) + COUNT(&d, torn) + COUNT(&d, errors), 0);
    desk_done(&d);
}

/* Else a node that dies would bill again what an idle site delivered long ago. */
static void totals_outlive_the_segment_of_their_last_entry(void **)
{
    struct desk d;

    desk_init(&d);
    tick(&d, SITES);
    settle_all(&d);
    for (int i = 0; i < 3; i++) {
        desk_restart(&d); // each begins a segment
        tick(&d, 1);
        settle_all(&d);
    }
    rest(&d);
    assert_int_equal(count_files(&d, ".entries"), 1);
    assert_int_equal(access(path_of(&d, 1, ".entries"), F_OK), -1);
    desk_restart(&d);
    books_equal_totals(&d);
    assert_int_equal(d.hits[2], 3);
    desk_done(&d);
}

static void segments_go_when_all_of_them_is_settled(void **)
{
    struct desk d;

    desk_init(&d);
    for (int i = 0; i < 3; i++) {
        tick(&d, SITES);
        desk_restart(&d);
    }
    tick(&d, SITES);
    assert_int_equal(count_files(&d, ".entries"), 4);
    journal_ask(d.journal, USAGE_BATCH_ENTRY_MAX + 700);
    rest(&d);
    uint64_t settled = d.pending_last;

    assert_in_range(settled, 5, 11);
    journal_settled(d.journal, d.ledger.sequence, d.ledger.hash);
    rest(&d);
    assert_int_equal(count_files(&d, ".entries"), 4 - settled / SITES);
    settle_all(&d);
    rest(&d);
    assert_int_equal(count_files(&d, ".entries"), 1); // the newest has the totals
    assert_int_equal(journal_state(d.journal).segments, 1);
    desk_done(&d);
}

static void a_segment_that_is_long_enough_is_followed_by_another(void **)
{
    struct desk d;

    desk_init(&d);
    while (count_files(&d, ".entries") < 3) {
        for (int i = 0; i < 3000 && journal_takes(d.journal); i++) {
            d.hits[0]++;
            put_all(&d);
        }
        journal_write(d.journal);
        rest(&d);
    }
    assert_in_range(size_of(path_of(&d, 1, ".entries")), JOURNAL_SEGMENT_BYTES,
        JOURNAL_SEGMENT_BYTES + (1 << 20));
    uint64_t last = journal_state(d.journal).last;

    desk_restart(&d);
    assert_int_equal(journal_state(d.journal).last, last);
    while (journal_state(d.journal).settled < last) {
        journal_ask(d.journal, JOURNAL_PENDING_BYTES);
        rest(&d);
        journal_settled(d.journal, d.ledger.sequence, d.ledger.hash);
    }
    books_equal_totals(&d);
    assert_int_equal(d.ledger.refused, 0);
    desk_done(&d);
}

static void more_than_may_wait_is_not_taken(void **)
{
    struct desk d;

    desk_init(&d);
    while (journal_takes(d.journal)) {
        d.hits[0]++;
        put_all(&d);
    }
    assert_in_range(journal_state(d.journal).unwritten_bytes,
        JOURNAL_UNWRITTEN_BYTES - USAGE_BATCH_ENTRY_MAX, JOURNAL_UNWRITTEN_BYTES);
    journal_write(d.journal);
    rest(&d);
    assert_true(journal_takes(d.journal));
    assert_int_equal(d.written, d.hits[0]);
    desk_done(&d);
}

static void what_a_dead_boot_counted_is_closed_once(void **)
{
    struct desk d;

    desk_init(&d);
    tick(&d, SITES);
    d.hits[1] += 10; // delivered, and then killed before the interval ended
    desk_restart(&d);
    put_all(&d);
    journal_write(d.journal);
    desk_restart(&d); // killed again, with the same dead boot there
    put_all(&d);
    journal_write(d.journal);
    rest(&d);
    assert_int_equal(journal_state(d.journal).last, SITES + 1);
    const uint64_t before[SITES] = { d.hits[0], d.hits[1], d.hits[2] };

    d.boot = 2;
    memset(d.hits, 0, sizeof d.hits);
    tick(&d, SITES);
    settle_all(&d);
    for (int i = 0; i < SITES; i++)
        assert_int_equal(d.ledger.hits[i], before[i] + d.hits[i]);
    desk_done(&d);
}

static void an_entry_that_comes_twice_is_settled_once(void **)
{
    struct desk d;

    desk_init(&d);
    tick(&d, SITES);
    journal_ask(d.journal, ASKED_BYTES);
    rest(&d);
    desk_restart(&d); // the ledger has them, and its word was lost
    assert_int_equal(journal_state(d.journal).settled, 0);
    settle_once(&d);
    assert_int_equal(journal_state(d.journal).settled, 3);
    books_equal_totals(&d);
    assert_int_equal(d.ledger.refused, 0);
    assert_int_equal(COUNT(&d, moves), 0);
    desk_done(&d);
}

static void a_word_of_the_middle_of_a_batch_settles_up_to_there(void **)
{
    unsigned char hash[USAGE_HASH_SIZE];
    struct desk d;

    desk_init(&d);
    tick(&d, SITES);
    memcpy(hash, closing_position(d.closing)->hash, sizeof hash);
    tick(&d, SITES);
    journal_ask(d.journal, ASKED_BYTES);
    rest(&d);
    journal_settled(d.journal, 3, hash);
    rest(&d);
    assert_int_equal(journal_state(d.journal).settled, 0); // not looked into yet
    journal_ask(d.journal, ASKED_BYTES);
    rest(&d);
    assert_int_equal(journal_state(d.journal).settled, 3);
    assert_int_equal(d.pending_first, 4);
    books_equal_totals(&d);
    assert_int_equal(COUNT(&d, moves), 0);
    desk_done(&d);
}

static void the_journal_names_its_counters(void **)
{
    assert_int_equal(journal_counter_row_count, sizeof(struct journal_counts) / 8);
    assert_int_equal(closing_counter_row_count, sizeof(struct closing_counts) / 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_told_as_written_when_it_is_on_disk),
        cmocka_unit_test(nothing_put_is_nothing_written),
        cmocka_unit_test(what_is_not_settled_is_handed_out_in_turn),
        cmocka_unit_test(a_batch_has_as_many_as_there_is_room_for),
        cmocka_unit_test(a_restart_goes_on_with_chain_totals_and_what_is_settled),
        cmocka_unit_test(totals_outlive_the_segment_of_their_last_entry),
        cmocka_unit_test(segments_go_when_all_of_them_is_settled),
        cmocka_unit_test(a_segment_that_is_long_enough_is_followed_by_another),
        cmocka_unit_test(more_than_may_wait_is_not_taken),
        cmocka_unit_test(what_a_dead_boot_counted_is_closed_once),
        cmocka_unit_test(an_entry_that_comes_twice_is_settled_once),
        cmocka_unit_test(a_word_of_the_middle_of_a_batch_settles_up_to_there),
        cmocka_unit_test(the_journal_names_its_counters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
