// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/settle.h"

static void a_batch_comes_through_with_whom_it_is_for(void **)
{
    const struct settle told = {
        .kind = SETTLE_BATCH, .to = SLICE("fra1"), .entries = SLICE("whatever it is")
    };
    char room[SETTLE_HEAD_MAX + 20];
    struct settle read;

    assert_true(settle_parse(settle_write(&told, room), &read));
    assert_int_equal(read.kind, SETTLE_BATCH);
    assert_true(slice_equal(read.to, SLICE("fra1")));
    assert_true(slice_equal(read.entries, told.entries));
}

static void an_empty_batch_is_a_question(void **)
{
    const struct settle told = { .kind = SETTLE_BATCH, .to = SLICE("fra1") };
    char room[SETTLE_HEAD_MAX];
    struct settle read;

    assert_true(settle_parse(settle_write(&told, room), &read));
    assert_int_equal(read.entries.length, 0);
}

static void an_answer_says_how_far_the_chain_is(void **)
{
    struct settle told = { .kind = SETTLE_ANSWER,
        .to = SLICE("nyc1"),
        .answer = SETTLE_FORK,
        .position.sequence = UINT64_C(0x0102030405060708) };
    char room[SETTLE_ANSWER_MAX];
    struct settle read;

    memset(told.position.hash, 0xab, sizeof told.position.hash);
    struct slice bytes = settle_write(&told, room);

    assert_true(slice_starts(bytes, SLICE("wps\1\1\4nyc1\2\1\2\3\4\5\6\7\10")));
    assert_true(settle_parse(bytes, &read));
    assert_int_equal(read.kind, SETTLE_ANSWER);
    assert_int_equal(read.answer, SETTLE_FORK);
    assert_true(read.position.sequence == told.position.sequence);
    assert_memory_equal(read.position.hash, told.position.hash, USAGE_HASH_SIZE);
}

static void what_is_cut_short_longer_or_of_another_version_is_refused(void **)
{
    const struct settle told = { .kind = SETTLE_ANSWER, .to = SLICE("nyc1") };
    char room[SETTLE_ANSWER_MAX + 1];
    struct slice bytes = settle_write(&told, room);
    struct settle read;

    for (size_t length = 0; length < bytes.length; length++)
        assert_false(settle_parse(slice_head(bytes, length), &read));
    room[bytes.length] = 0;
    assert_false(settle_parse(slice_of(room, bytes.length + 1), &read));
    assert_true(settle_parse(bytes, &read));
    for (size_t i = 0; i < 4; i++) {
        room[i]++;
        assert_false(settle_parse(bytes, &read));
        room[i]--;
    }
    room[4] = 2; // a kind that there is not
    assert_false(settle_parse(bytes, &read));
    room[4] = SETTLE_ANSWER;
    room[10] = SETTLE_ANSWER_COUNT;
    assert_false(settle_parse(bytes, &read));
    assert_false(settle_parse(SLICE("wps\1\0\0"), &read)); // for nobody
    assert_false(settle_parse(SLICE("wps\1\0\5nyc1"), &read));
}

/* The node would number its next entries behind it. */
static void a_position_that_no_ledger_holds_is_refused(void **)
{
    struct settle told = {
        .kind = SETTLE_ANSWER, .to = SLICE("nyc1"), .position.sequence = INT64_MAX
    };
    char room[SETTLE_ANSWER_MAX];
    struct settle read;

    assert_true(settle_parse(settle_write(&told, room), &read));
    told.position.sequence++;
    assert_false(settle_parse(settle_write(&told, room), &read));
    told.position.sequence = UINT64_MAX;
    assert_false(settle_parse(settle_write(&told, room), &read));
}

static void the_longest_name_fits(void **)
{
    char name[USAGE_NAME_MAX], room[SETTLE_ANSWER_MAX];
    struct settle read;

    memset(name, 'n', sizeof name);
    const struct settle told = { .kind = SETTLE_ANSWER, .to = slice_of(name, sizeof name) };
    struct slice bytes = settle_write(&told, room);

    assert_int_equal(bytes.length, SETTLE_ANSWER_MAX);
    assert_true(settle_parse(bytes, &read));
    assert_true(slice_equal(read.to, told.to));
}

static void each_answer_has_its_own_word(void **)
{
    for (int a = 0; a < SETTLE_ANSWER_COUNT; a++) {
        assert_string_not_equal(settle_answer_text((enum settle_answer)a), "unknown");
        for (int b = 0; b < a; b++)
            assert_string_not_equal(settle_answer_text((enum settle_answer)a),
                settle_answer_text((enum settle_answer)b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_comes_through_with_whom_it_is_for),
        cmocka_unit_test(an_empty_batch_is_a_question),
        cmocka_unit_test(an_answer_says_how_far_the_chain_is),
        cmocka_unit_test(what_is_cut_short_longer_or_of_another_version_is_refused),
        cmocka_unit_test(a_position_that_no_ledger_holds_is_refused),
        cmocka_unit_test(the_longest_name_fits),
        cmocka_unit_test(each_answer_has_its_own_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
