// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/hash.h"
#include "steer/id_table.h"

static void an_empty_table_finds_nothing_and_takes_nothing_out(void **)
{
    struct id_table table = { 0 };

    assert_null(id_table_find(&table, 0));
    id_table_remove(&table, 0);
    assert_int_equal(table.count, 0);
    id_table_done(&table);
}

static void what_was_put_is_found_by_its_id_zero_included(void **)
{
    struct id_table table = { 0 };
    struct id_link links[] = { { 0 }, { 1 }, { UINT64_MAX } };

    for (size_t i = 0; i < COUNT_OF(links); i++)
        id_table_put(&table, &links[i]);
    for (size_t i = 0; i < COUNT_OF(links); i++)
        assert_ptr_equal(id_table_find(&table, links[i].id), &links[i]);
    assert_null(id_table_find(&table, 2));
    assert_int_equal(table.count, COUNT_OF(links));
    id_table_done(&table);
}

/* Against a plain array: few ids and many turns, so that searches run into each other. */
static void random_puts_and_removals_lose_nothing(void **)
{
    enum { IDS = 200, TURNS = 50000 };
    struct id_table table = { 0 };
    struct id_link links[IDS];
    bool is_in[IDS] = { false };
    size_t count = 0;

    for (uint64_t turn = 0; turn < TURNS; turn++) {
        size_t which = (size_t)(hash_mix(turn) % IDS);

        if (is_in[which]) {
            id_table_remove(&table, which);
            count--;
        } else {
            links[which].id = which;
            id_table_put(&table, &links[which]);
            count++;
        }
        is_in[which] = !is_in[which];
        assert_int_equal(table.count, count);
        for (size_t i = turn % 16; i < IDS; i += 16)
            assert_ptr_equal(id_table_find(&table, i), is_in[i] ? &links[i] : NULL);
    }
    id_table_done(&table);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(an_empty_table_finds_nothing_and_takes_nothing_out),
        cmocka_unit_test(what_was_put_is_found_by_its_id_zero_included),
        cmocka_unit_test(random_puts_and_removals_lose_nothing),
    };

    return cmocka_run_group_tests_name("steer/id_table", cases, NULL, NULL);
}
