// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "cache/memory_priv.h"

enum { BLOCKS = 3, OBJECT_BYTES = 2000, OTHER_BYTES = 200 };

struct bench {
    struct memory memory;
    struct block blocks[BLOCKS];
    char *base;
};

static void bench_init(struct bench *b)
{
    *b = (struct bench){ .base = aligned_alloc(BLOCK_MIN_BYTES, BLOCKS * BLOCK_MIN_BYTES) };
    assert_non_null(b->base);
    memory_init(&b->memory, b->base, BLOCK_MIN_BYTES, BLOCKS, b->blocks);
}

static void bench_done(struct bench *b)
{
    memory_done(&b->memory);
    free(b->base);
}

static uint32_t free_blocks(const struct bench *b)
{
    return b->memory.free_blocks;
}

static void an_item_holds_what_was_asked_and_is_counted(void **)
{
    struct bench b;

    bench_init(&b);
    for (size_t bytes = 1; bytes <= BLOCK_MIN_BYTES / 2; bytes = bytes * 3 / 2 + 1) {
        void *item = memory_alloc(&b.memory, bytes, ITEM_OBJECT);

        assert_non_null(item);
        assert_true(memory_item_bytes(&b.memory, item) >= bytes);
        assert_int_equal(b.memory.used_bytes, memory_item_bytes(&b.memory, item));
        memset(item, 0xff, bytes);
        memory_free(&b.memory, item);
        assert_int_equal(b.memory.used_bytes, 0);
    }
    assert_null(memory_alloc(&b.memory, BLOCK_MIN_BYTES, ITEM_OBJECT));
    bench_done(&b);
}

static void a_block_whose_items_are_free_serves_any_size(void **)
{
    struct bench b;
    void *blocks[BLOCKS];

    bench_init(&b);
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = memory_alloc_block(&b.memory);
    assert_null(memory_alloc(&b.memory, OBJECT_BYTES, ITEM_OBJECT));
    memory_free(&b.memory, blocks[1]);
    void *item = memory_alloc(&b.memory, OBJECT_BYTES, ITEM_OBJECT);

    assert_non_null(item);
    assert_null(memory_alloc_block(&b.memory));
    memory_free(&b.memory, item);
    blocks[1] = memory_alloc_block(&b.memory);
    assert_non_null(blocks[1]);
    for (size_t i = 0; i < BLOCKS; i++)
        memory_free(&b.memory, blocks[i]);
    assert_int_equal(free_blocks(&b), BLOCKS);
    bench_done(&b);
}

static void nothing_new_is_put_into_a_block_that_is_drained(void **)
{
    struct bench b;
    void *items[ITEMS_MAX];
    uint32_t cursor = 0;

    bench_init(&b);
    char *old = memory_alloc(&b.memory, OBJECT_BYTES, ITEM_OBJECT);

    assert_int_equal(memory_drain(&b.memory, &cursor, false, items), 1);
    assert_ptr_equal(items[0], old);
    memory_drain_end(&b.memory, old);
    char *fresh = memory_alloc(&b.memory, OBJECT_BYTES, ITEM_OBJECT);

    assert_true(
        (size_t)(fresh - b.base) / BLOCK_MIN_BYTES != (size_t)(old - b.base) / BLOCK_MIN_BYTES);
    memory_free(&b.memory, old);
    memory_free(&b.memory, fresh);
    assert_int_equal(free_blocks(&b), BLOCKS);
    bench_done(&b);
}

/* Else who drains would read the bytes of somebody's body as an object. */
static void a_block_stays_what_it_is_while_somebody_drains_it(void **)
{
    struct bench b;
    void *items[ITEMS_MAX], *again[ITEMS_MAX];
    uint32_t cursor = 0;

    bench_init(&b);
    void *one = memory_alloc(&b.memory, OBJECT_BYTES, ITEM_OBJECT);
    void *two = memory_alloc(&b.memory, OBJECT_BYTES, ITEM_OBJECT);

    assert_int_equal(memory_drain(&b.memory, &cursor, false, items), 2);
    assert_int_equal(memory_drain(&b.memory, &cursor, true, again), 2);
    memory_free(&b.memory, one);
    memory_free(&b.memory, two);
    assert_int_equal(free_blocks(&b), BLOCKS - 1);
    memory_drain_end(&b.memory, items[0]);
    assert_int_equal(free_blocks(&b), BLOCKS - 1);
    memory_drain_end(&b.memory, again[0]);
    assert_int_equal(free_blocks(&b), BLOCKS);
    assert_int_equal(b.memory.draining_blocks, 0);
    bench_done(&b);
}

static void the_emptiest_block_is_drained_first(void **)
{
    struct bench b;
    void *items[ITEMS_MAX];
    uint32_t cursor = 0;

    bench_init(&b);
    void *full[2] = { memory_alloc(&b.memory, OBJECT_BYTES, ITEM_OBJECT),
        memory_alloc(&b.memory, OBJECT_BYTES, ITEM_OBJECT) };
    void *sparse = memory_alloc(&b.memory, OTHER_BYTES, ITEM_OBJECT);

    assert_int_equal(memory_drain(&b.memory, &cursor, false, items), 1);
    assert_ptr_equal(items[0], sparse);
    memory_drain_end(&b.memory, sparse);
    memory_free(&b.memory, sparse);
    memory_free(&b.memory, full[0]);
    memory_free(&b.memory, full[1]);
    bench_done(&b);
}

static void bodies_are_never_drained(void **)
{
    struct bench b;
    void *items[ITEMS_MAX];
    uint32_t cursor = 0;

    bench_init(&b);
    void *part = memory_alloc(&b.memory, OBJECT_BYTES, ITEM_PART);
    void *block = memory_alloc_block(&b.memory);

    assert_int_equal(memory_drain(&b.memory, &cursor, false, items), 0);
    memory_free(&b.memory, part);
    memory_free(&b.memory, block);
    bench_done(&b);
}

static void an_item_has_a_number_and_nothing_has_nought(void **)
{
    struct bench b;

    bench_init(&b);
    void *item = memory_alloc(&b.memory, OBJECT_BYTES, ITEM_OBJECT);

    assert_int_equal(memory_number(&b.memory, NULL), 0);
    assert_null(memory_item(&b.memory, 0));
    assert_int_not_equal(memory_number(&b.memory, item), 0);
    assert_ptr_equal(memory_item(&b.memory, memory_number(&b.memory, item)), item);
    memory_free(&b.memory, item);
    bench_done(&b);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(an_item_holds_what_was_asked_and_is_counted),
        cmocka_unit_test(a_block_whose_items_are_free_serves_any_size),
        cmocka_unit_test(nothing_new_is_put_into_a_block_that_is_drained),
        cmocka_unit_test(a_block_stays_what_it_is_while_somebody_drains_it),
        cmocka_unit_test(the_emptiest_block_is_drained_first),
        cmocka_unit_test(bodies_are_never_drained),
        cmocka_unit_test(an_item_has_a_number_and_nothing_has_nought),
    };

    return cmocka_run_group_tests_name("cache/memory", cases, NULL, NULL);
}
