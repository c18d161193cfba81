// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

enum { BLOCK_BYTES = 4096 - 64 }; // with the allocator's own words still one page

struct arena_block {
    struct arena_block *older;
    size_t size_bytes;
    alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *a, size_t limit_bytes)
{
    *a = (struct arena){ .limit_bytes = limit_bytes };
}

static void drop_blocks(struct arena *a, const struct arena_block *keep)
{
    while (a->block != keep) {
        struct arena_block *block = a->block;

        a->block = block->older;
        a->total_bytes -= block->size_bytes;
        mem_free(block);
    }
    a->used = 0;
}

void arena_done(struct arena *a)
{
    drop_blocks(a, NULL);
}

void arena_reset(struct arena *a)
{
    const struct arena_block *first = a->block;

    while (first != NULL && first->older != NULL)
        first = first->older;
    if (first != NULL && first->size_bytes > BLOCK_BYTES)
        first = NULL; // one task that began large must not keep that much for ever
    drop_blocks(a, first);
    a->is_full = false;
}

static void add_block(struct arena *a, size_t size_bytes)
{
    size_t want = size_bytes > BLOCK_BYTES / 4 ? size_bytes + BLOCK_BYTES : BLOCK_BYTES;

    if (a->total_bytes + want > a->limit_bytes)
        want = size_bytes;
    struct arena_block *block = mem_resize(NULL, sizeof *block + want); // zeroed when handed out

    block->older = a->block;
    block->size_bytes = want;
    a->block = block;
    a->total_bytes += want;
    a->used = 0;
    a->is_full |= a->total_bytes > a->limit_bytes;
}

void *arena_room(struct arena *a, size_t size_bytes)
{
    const size_t align = alignof(max_align_t);

    assert(size_bytes < SIZE_MAX / 4);
    size_t size = (size_bytes + align - 1) & ~(align - 1);

    if (a->block == NULL || size > a->block->size_bytes - a->used)
        add_block(a, size);
    void *memory = a->block->bytes + a->used;

    a->used += size;
    return memory;
}

void *arena_alloc(struct arena *a, size_t size_bytes)
{
    return memset(arena_room(a, size_bytes), 0, size_bytes);
}

void *arena_array(struct arena *a, size_t count, size_t item_bytes)
{
    size_t size;
    bool overflows = __builtin_mul_overflow(count, item_bytes, &size);

    assert(!overflows);
    return arena_alloc(a, size);
}

struct slice arena_copy(struct arena *a, struct slice bytes)
{
    char *copy = arena_room(a, bytes.length + 1);

    if (bytes.length > 0)
        memcpy(copy, bytes.at, bytes.length);
    copy[bytes.length] = '\0';
    return slice_of(copy, bytes.length);
}
