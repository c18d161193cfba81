// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

enum { LIMIT = 64 * 1024 };

static bool is_zero(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static void no_memory_is_taken_before_the_first_allocation(void **)
{
    struct arena a;

    arena_init(&a, LIMIT);
    assert_int_equal(a.total_bytes, 0);
    assert_null(a.block);
    arena_done(&a);
}

static void memory_is_zeroed_aligned_and_apart(void **)
{
    struct arena a;
    char *before = NULL;

    arena_init(&a, LIMIT);
    for (size_t size = 1; size < 200; size += 7) {
        char *memory = arena_alloc(&a, size);

        assert_true(is_zero(memory, size));
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        memset(memory, 0xff, size);
        if (before != NULL)
            assert_int_equal((unsigned char)before[0], size - 7);
        memory[0] = (char)size;
        before = memory;
    }
    arena_done(&a);
}

static void memory_used_before_a_reset_is_zeroed_again(void **)
{
    struct arena a;

    arena_init(&a, LIMIT);
    char *first = arena_alloc(&a, 100);

    memset(first, 0xff, 100);
    arena_reset(&a);
    char *second = arena_alloc(&a, 100);

    assert_ptr_equal(first, second);
    assert_true(is_zero(second, 100));
    arena_done(&a);
}

static void a_reset_keeps_one_block_of_the_usual_size(void **)
{
    struct arena a;

    arena_init(&a, LIMIT);
    arena_alloc(&a, 10);
    size_t one = a.total_bytes;

    for (int i = 0; i < 20; i++)
        arena_alloc(&a, 1000);
    assert_true(a.total_bytes > 4 * one);
    arena_reset(&a);
    assert_int_equal(a.total_bytes, one);
    arena_done(&a);
    assert_int_equal(a.total_bytes, 0);
}

static void a_reset_gives_a_large_first_block_back(void **)
{
    struct arena a;

    arena_init(&a, LIMIT);
    arena_alloc(&a, LIMIT / 2);
    arena_reset(&a);
    assert_int_equal(a.total_bytes, 0);
    arena_done(&a);
}

static void passing_the_limit_is_remembered_until_the_reset(void **)
{
    struct arena a;

    arena_init(&a, LIMIT);
    arena_alloc(&a, LIMIT / 2);
    assert_false(a.is_full);
    char *beyond = arena_alloc(&a, LIMIT);

    assert_true(is_zero(beyond, LIMIT));
    memset(beyond, 1, LIMIT);
    assert_true(a.is_full);
    arena_alloc(&a, 1);
    assert_true(a.is_full);
    arena_reset(&a);
    assert_false(a.is_full);
    arena_done(&a);
}

static void all_of_the_limit_can_be_used(void **)
{
    struct arena a;

    arena_init(&a, LIMIT);
    arena_alloc(&a, LIMIT);
    assert_false(a.is_full);
    arena_alloc(&a, 16);
    assert_true(a.is_full);
    arena_done(&a);
}

static void an_array_is_zeroed_whole(void **)
{
    struct arena a;

    arena_init(&a, LIMIT);
    assert_true(is_zero(arena_array(&a, 300, 12), 3600));
    assert_non_null(arena_array(&a, 0, 12));
    arena_done(&a);
}

static void a_copy_is_terminated_and_apart_from_its_source(void **)
{
    struct arena a;
    char source[] = "www.acme.example";

    arena_init(&a, LIMIT);
    struct slice copy = arena_copy(&a, slice_text(source));

    source[0] = 'x';
    assert_string_equal(copy.at, "www.acme.example");
    assert_int_equal(copy.length, 16);
    assert_string_equal(arena_copy(&a, SLICE_NONE).at, "");
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(no_memory_is_taken_before_the_first_allocation),
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(memory_used_before_a_reset_is_zeroed_again),
        cmocka_unit_test(a_reset_keeps_one_block_of_the_usual_size),
        cmocka_unit_test(a_reset_gives_a_large_first_block_back),
        cmocka_unit_test(passing_the_limit_is_remembered_until_the_reset),
        cmocka_unit_test(all_of_the_limit_can_be_used),
        cmocka_unit_test(an_array_is_zeroed_whole),
        cmocka_unit_test(a_copy_is_terminated_and_apart_from_its_source),
    };

    return cmocka_run_group_tests_name("base/arena", cases, NULL, NULL);
}
