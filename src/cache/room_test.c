// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "cache/bench_test.h"

static uint64_t next(uint64_t *luck)
{
    *luck = *luck * UINT64_C(6364136223846793005) + 1442695040888963407;
    return *luck >> 33;
}

static void the_store_never_outgrows_its_memory(void **state)
{
    struct bench *b = *state;
    struct store_stats stats;
    uint64_t luck = 1;

    for (unsigned i = 0; i < 20000; i++) {
        try_put(b, i, next(&luck) % 8 == 0 ? next(&luck) % 200000 : next(&luck) % 2000, i % 2);
        turn(b);
        assert_true(used(b) <= 16 * MIB);
    }
    store_stats(b->store, &stats);
    assert_true(stats.used_bytes > 13 * MIB);
    assert_true(stats.evictions > 1000 && stats.objects > 100);
    // Memory may be free in the wrong sizes for a moment; for one in a hundred it is.
    assert_in_range(stats.refused_space, 0, 200);
}

static void sizes_that_change_find_room_again(void **state)
{
    struct bench *b = *state;
    struct store_stats stats;

    for (unsigned i = 0; i < 30000; i++) { // fills all with small ones
        try_put(b, i, 300, true);
        turn(b);
    }
    for (unsigned i = 0; i < 300; i++) { // then all with large ones
        try_put(b, 100000 + i, 200000, true);
        turn(b);
    }
    for (unsigned i = 0; i < 5000; i++) { // then with others
        try_put(b, 200000 + i, 5000, true);
        turn(b);
    }
    store_stats(b->store, &stats);
    // Memory may be free in the wrong sizes for a moment; for one in a hundred it is.
    assert_in_range(stats.refused_space, 0, 350);
    assert_true(stats.used_bytes > 12 * MIB);
    unsigned found = 0;

    for (unsigned i = 0; i < 5000; i++)
        found += find(b, 200000 + i) != NULL;
    assert_in_range(found, 2000, 5000);
}

static void what_is_asked_for_again_outlives_what_is_not(void **state)
{
    struct bench *b = *state;
    unsigned hot = 0;

    for (unsigned i = 0; i < 1000; i++) {
        put(b, i, 1000, true);
        for (unsigned visit = 0; visit < 3; visit++)
            find(b, i);
        turn(b);
    }
    for (unsigned i = 0; i < 50000; i++) { // a scan, three times the memory
        put(b, 10000 + i, 1000, true);
        if (i % 10 == 0)
            find(b, i / 10 % 1000);
        turn(b);
    }
    for (unsigned i = 0; i < 1000; i++)
        hot += find(b, i) != NULL;
    assert_true(hot > 900);
}

static uint64_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long long all, resident;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%llu %llu", &all, &resident), 2);
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int setup_large(void **state)
{
    return bench_open(state, 64 * MIB);
}

static void a_full_store_resides_in_what_was_set(void **state)
{
    struct bench *b = *state;
    uint64_t before = resident_bytes();

    put(b, 0, 1000, true);
    assert_true(resident_bytes() - before < MIB); // memory is touched as it is used
    for (unsigned i = 1; i < 120000; i++) {
        put(b, i, 1000, true);
        turn(b);
    }
    uint64_t grown = resident_bytes() - before;

    print_message("# resident: %.1f MiB of 64\n", (double)grown / (double)MIB);
    if (IS_SANITIZED) // shadow memory grows with what is touched
        return;
    assert_true(grown < 64 * MIB + 64 * MIB / 20);
    assert_true(grown > 64 * MIB - 64 * MIB / 20);
}

static void a_turn_that_never_ends_is_refused_memory_not_given_it(void **state)
{
    struct bench *b = *state;
    struct store_stats stats;
    unsigned number = 0;

    do { // what is evicted cannot be used again before the turn's end
        struct store_fill *fill = claim(b, number, NULL);

        if (store_fill_head(fill, &b->reader, 200, FIELDS, &META, 60000) == ERR_NONE &&
            append(b, fill, number, 60000) == ERR_NONE)
            assert_int_equal(store_fill_finish(fill, &b->reader), ERR_NONE);
        store_fill_unref(fill, &b->reader);
        store_stats(b->store, &stats);
    } while (stats.refused_space == 0 && ++number < 10000);
    assert_true(number < 10000);
    for (unsigned i = 0; i < 3; i++)
        turn(b);
    put(b, 20000, 60000, true);
    check_body(find(b, 20000), 20000, 60000);
}

static void too_little_memory_for_a_store_is_said(void **state)
{
    struct store_limits limits = { MIB, MIB, 1 };
    struct store *store;
    struct diag why;

    (void)state;
    assert_int_equal(store_new(&limits, 1, &store, &why), ERR_RANGE);
    assert_non_null(strstr(why.text, "4 MiB"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_store_never_outgrows_its_memory),
        CASE(sizes_that_change_find_room_again),
        CASE(what_is_asked_for_again_outlives_what_is_not),
        cmocka_unit_test_setup_teardown(
            a_full_store_resides_in_what_was_set, setup_large, teardown),
        CASE(a_turn_that_never_ends_is_refused_memory_not_given_it),
        cmocka_unit_test(too_little_memory_for_a_store_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
