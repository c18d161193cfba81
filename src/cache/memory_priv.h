// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The store's memory: one mapping, cut into blocks of 256 KiB (of 64 KiB in a small store). A block
 * is either part of a large body as it is, or cut into items of one size (a slab). Sizes grow by an
 * eighth at most and divide a block with nothing left over, so that an item wastes 6 % on average.
 *
 * A block whose items are all free goes back to the pool, for any size to take. When the pool runs
 * dry although memory is free in the slabs, a sparse block is drained: nothing new is put there,
 * what lives there is evicted, and so no size keeps what another needs.
 *
 * Shared by threads; one lock, held for some tens of nanoseconds. Memory is touched only when it
 * is first used.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    BLOCK_MAX_BYTES = 256 * 1024,
    BLOCK_MIN_BYTES = 64 * 1024, // of a small store, so that it too has blocks for all sizes
    BLOCK_MIDDLE = 4,            // parts of bodies are a 4th, or a 16th, of a block
    BLOCK_SMALL = 16,
    ITEM_MIN_BYTES = 96,
    ITEMS_MAX = BLOCK_MAX_BYTES / ITEM_MIN_BYTES,
    ITEM_HEAD_BYTES = 64, // of an object, zeroed before anybody can see it
    DRAINING_MAX = 16,    // blocks being emptied at a time
    CLASSES_MAX = 96,
};

#define BLOCK_NONE UINT32_MAX

/* What lies in an item: objects can be evicted to empty a block, parts of bodies cannot. */
enum item_kind { ITEM_OBJECT, ITEM_PART };

struct slab_class {
    uint32_t item_bytes, items; // of a block
    uint32_t partial;           // blocks that have free items: first, by block.next
    enum item_kind kind;
};

struct block {
    uint32_t next, prev; // in its class's list of partial blocks, or in the pool
    uint16_t class_at;
    uint16_t used_count;
    uint16_t drainers; // who look at its items: as long as there are any it stays what it is
    bool is_draining;
    uint64_t used[(ITEMS_MAX + 63) / 64]; // bits of items
};

struct memory {
    char *base;
    uint32_t block_bytes, block_count, fresh; // fresh: the first block that was never used
    unsigned unit_shift; // items are numbered by units of this size, to fit 32 bits
    unsigned class_count, part_first;
    struct block *blocks;
    pthread_mutex_t lock;
    uint32_t pool;                                 // freed blocks
    _Atomic uint32_t free_blocks, draining_blocks; // written with the lock
    uint32_t draining[DRAINING_MAX];
    _Atomic uint64_t used_bytes; // of items and whole blocks, those that wait to be freed included
    struct slab_class classes[CLASSES_MAX];
};

/* `base`: block_count blocks of block_bytes; `blocks`: as many, zeroed. All good as long as the
 * memory is used. */
void memory_init(
    struct memory *m, char *base, uint32_t block_bytes, uint32_t block_count, struct block *blocks);
void memory_done(struct memory *m);

/* At least so many bytes, at most half a block; zeroed is but the head of an object. NULL when
 * there are none. */
void *memory_alloc(struct memory *m, size_t bytes, enum item_kind kind);
void *memory_alloc_block(struct memory *m);

/* For an object, within the blocks that are cut already. */
void *memory_alloc_within(struct memory *m, size_t bytes);

void memory_free(struct memory *m, void *item);

/* What an item of so many bytes takes; 0: too large for an item. */
size_t memory_class_bytes(const struct memory *m, size_t bytes, enum item_kind kind);

/* What this item takes. */
size_t memory_item_bytes(const struct memory *m, const void *item);

/*
 * Picks the emptiest of some blocks of objects, counted on from *cursor, to drain; or, `again`, one
 * that is being drained already, for what could not go before. Returns how many items it holds,
 * their addresses in `items` (ITEMS_MAX of them), or 0 when there is none to pick. Items may be
 * freed meanwhile, all of them even, but the block is put to no other use before memory_drain_end,
 * which is owed, with any of the items, where the count is not 0.
 */
size_t memory_drain(struct memory *m, uint32_t *cursor, bool again, void **items);
void memory_drain_end(struct memory *m, const void *item);

/* Items as numbers of 32 bits; 0 stands for none. */
static inline uint32_t memory_number(const struct memory *m, const void *item)
{
    if (item == NULL)
        return 0;
    return (uint32_t)((uint64_t)((const char *)item - m->base) >> m->unit_shift) + 1;
}

static inline void *memory_item(const struct memory *m, uint32_t number)
{
    return number == 0 ? NULL : m->base + ((uint64_t)(number - 1) << m->unit_shift);
}
