// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

#include "base/attr.h"
#include "cache/memory_priv.h"

enum {
    CLASS_POOL = UINT16_MAX, // class_at of a block in the pool
    CLASS_WHOLE = UINT16_MAX - 1,
    PART_BYTES = 512, // of a body's table
    DRAIN_CHOICES = 32,
    SCARCE_SHARE = 16, // fewer blocks than this part of all: no size gets one lightly
};

/* The largest size of which as many fit into a block as of this one. */
static uint32_t stretch(uint32_t block_bytes, uint32_t bytes, uint32_t unit)
{
    uint32_t items = block_bytes / bytes;

    return block_bytes / items / unit * unit;
}

static void add_class(struct memory *m, uint32_t bytes, enum item_kind kind)
{
    assert(m->class_count < CLASSES_MAX);
    m->classes[m->class_count++] =
        (struct slab_class){ bytes, m->block_bytes / bytes, BLOCK_NONE, kind };
}

void memory_init(
    struct memory *m, char *base, uint32_t block_bytes, uint32_t block_count, struct block *blocks)
{
    const uint32_t part_bytes[] = { PART_BYTES, block_bytes / BLOCK_SMALL,
        block_bytes / BLOCK_MIDDLE };
    const uint32_t most = block_bytes / 2;

    *m = (struct memory){
        .base = base, .block_bytes = block_bytes, .block_count = block_count, .blocks = blocks
    };
    m->unit_shift = 4;
    while (((uint64_t)block_count * block_bytes) >> m->unit_shift >= UINT32_MAX)
        m->unit_shift++;
    uint32_t unit = 1U << m->unit_shift;

    for (uint32_t bytes = ITEM_MIN_BYTES; bytes <= most;) {
        uint32_t size = stretch(block_bytes, bytes, unit);

        add_class(m, size, ITEM_OBJECT);
        uint32_t step = size / 8 / unit * unit;

        bytes = size + (step < unit ? unit : step);
        if (size < most && bytes > most)
            bytes = most;
    }
    m->part_first = m->class_count;
    for (size_t i = 0; i < COUNT_OF(part_bytes); i++)
        add_class(m, part_bytes[i], ITEM_PART);
    m->pool = BLOCK_NONE;
    atomic_init(&m->free_blocks, block_count);
    pthread_mutex_init(&m->lock, NULL);
}

void memory_done(struct memory *m)
{
    pthread_mutex_destroy(&m->lock);
}

static unsigned class_of(const struct memory *m, size_t bytes, enum item_kind kind)
{
    unsigned low = kind == ITEM_OBJECT ? 0 : m->part_first;
    unsigned high = kind == ITEM_OBJECT ? m->part_first : m->class_count; // the answer is below

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (m->classes[middle].item_bytes < bytes)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t memory_class_bytes(const struct memory *m, size_t bytes, enum item_kind kind)
{
    unsigned at = class_of(m, bytes, kind);

    if (at == (kind == ITEM_OBJECT ? m->part_first : m->class_count))
        return 0;
    return m->classes[at].item_bytes;
}

static struct block *block_of(const struct memory *m, const void *item)
{
    return &m->blocks[(size_t)((const char *)item - m->base) / m->block_bytes];
}

size_t memory_item_bytes(const struct memory *m, const void *item)
{
    uint16_t class_at = block_of(m, item)->class_at;

    return class_at == CLASS_WHOLE ? m->block_bytes : m->classes[class_at].item_bytes;
}

static uint32_t number_of(const struct memory *m, const struct block *block)
{
    return (uint32_t)(block - m->blocks);
}

/* With the lock, like all that follows up to the next blank comment. */
static struct block *pool_take(struct memory *m, uint16_t class_at)
{
    struct block *block;

    if (m->pool != BLOCK_NONE) {
        block = &m->blocks[m->pool];
        m->pool = block->next;
    } else if (m->fresh < m->block_count) {
        block = &m->blocks[m->fresh++];
    } else {
        return NULL;
    }
    atomic_fetch_sub_explicit(&m->free_blocks, 1, memory_order_relaxed);
    block->class_at = class_at;
    block->used_count = 0;
    block->is_draining = false;
    block->drainers = 0;
    block->next = block->prev = BLOCK_NONE;
    return block;
}

static void draining_remove(struct memory *m, uint32_t number)
{
    uint32_t last = m->draining_blocks - 1;

    for (uint32_t i = 0; i <= last; i++)
        if (m->draining[i] == number)
            m->draining[i] = m->draining[last];
    atomic_store_explicit(&m->draining_blocks, last, memory_order_relaxed);
}

static void pool_give(struct memory *m, struct block *block)
{
    if (block->is_draining)
        draining_remove(m, number_of(m, block));
    block->is_draining = false;
    block->class_at = CLASS_POOL;
    block->next = m->pool;
    m->pool = number_of(m, block);
    atomic_fetch_add_explicit(&m->free_blocks, 1, memory_order_relaxed);
}

static void partial_add(struct memory *m, struct slab_class *class, struct block *block)
{
    block->prev = BLOCK_NONE;
    block->next = class->partial;
    if (block->next != BLOCK_NONE)
        m->blocks[block->next].prev = number_of(m, block);
    class->partial = number_of(m, block);
}

static void partial_remove(struct memory *m, struct slab_class *class, struct block *block)
{
    if (block->prev != BLOCK_NONE)
        m->blocks[block->prev].next = block->next;
    else
        class->partial = block->next;
    if (block->next != BLOCK_NONE)
        m->blocks[block->next].prev = block->prev;
}

static uint32_t first_free(const struct block *block)
{
    for (uint32_t word = 0;; word++)
        if (~block->used[word] != 0)
            return word * 64 + (uint32_t)__builtin_ctzll(~block->used[word]);
}

/* When blocks are few, an object rather takes a larger item (up to twice its size) that is free
 * than a block for a size of its own. */
static unsigned class_with_room(const struct memory *m, unsigned class_at)
{
    uint32_t most = m->classes[class_at].item_bytes * 2;

    if (m->classes[class_at].kind != ITEM_OBJECT || m->free_blocks > m->block_count / SCARCE_SHARE)
        return class_at;
    for (unsigned at = class_at; at < m->part_first && m->classes[at].item_bytes <= most; at++)
        if (m->classes[at].partial != BLOCK_NONE)
            return at;
    return class_at;
}

static void *item_take(struct memory *m, unsigned class_at, bool may_grow)
{
    if (m->classes[class_at].partial == BLOCK_NONE)
        class_at = class_with_room(m, class_at);
    struct slab_class *class = &m->classes[class_at];
    struct block *block;

    if (class->partial == BLOCK_NONE && !may_grow)
        return NULL;
    if (class->partial != BLOCK_NONE) {
        block = &m->blocks[class->partial];
    } else {
        block = pool_take(m, (uint16_t)class_at);
        if (block == NULL)
            return NULL;
        partial_add(m, class, block);
    }
    uint32_t at = first_free(block);

    assert(at < class->items);
    block->used[at / 64] |= UINT64_C(1) << at % 64;
    if (++block->used_count == class->items)
        partial_remove(m, class, block);
    return m->base + (uint64_t)number_of(m, block) * m->block_bytes +
           (uint64_t)at * class->item_bytes;
}

static void item_give(struct memory *m, struct block *block, const void *item)
{
    struct slab_class *class = &m->classes[block->class_at];
    size_t offset = (size_t)((const char *)item - m->base) % m->block_bytes;
    uint32_t at = (uint32_t)offset / class->item_bytes;
    uint64_t bit = UINT64_C(1) << at % 64;

    assert(offset % class->item_bytes == 0 && (block->used[at / 64] & bit) != 0);
    block->used[at / 64] &= ~bit;
    bool was_full = block->used_count-- == class->items;

    if (was_full && !block->is_draining)
        partial_add(m, class, block);
    if (block->used_count > 0 || block->drainers > 0)
        return;
    if (!block->is_draining)
        partial_remove(m, class, block);
    pool_give(m, block);
}

/* Without the lock again. */
static void *alloc(struct memory *m, size_t bytes, enum item_kind kind, bool may_grow)
{
    unsigned at = class_of(m, bytes, kind);

    if (at == (kind == ITEM_OBJECT ? m->part_first : m->class_count))
        return NULL;
    pthread_mutex_lock(&m->lock);
    void *item = item_take(m, at, may_grow);

    if (item != NULL && kind == ITEM_OBJECT)
        memset(item, 0, ITEM_HEAD_BYTES); // here, since a drain may look at it from now on
    pthread_mutex_unlock(&m->lock);
    if (item != NULL)
        atomic_fetch_add_explicit(&m->used_bytes, memory_item_bytes(m, item), memory_order_relaxed);
    return item;
}

void *memory_alloc(struct memory *m, size_t bytes, enum item_kind kind)
{
    return alloc(m, bytes, kind, true);
}

void *memory_alloc_within(struct memory *m, size_t bytes)
{
    return alloc(m, bytes, ITEM_OBJECT, false);
}

void *memory_alloc_block(struct memory *m)
{
    pthread_mutex_lock(&m->lock);
    struct block *block = pool_take(m, CLASS_WHOLE);

    pthread_mutex_unlock(&m->lock);
    if (block == NULL)
        return NULL;
    atomic_fetch_add_explicit(&m->used_bytes, m->block_bytes, memory_order_relaxed);
    return m->base + (uint64_t)number_of(m, block) * m->block_bytes;
}

void memory_free(struct memory *m, void *item)
{
    struct block *block = block_of(m, item);
    size_t bytes = memory_item_bytes(m, item);

    pthread_mutex_lock(&m->lock);
    if (block->class_at == CLASS_WHOLE)
        pool_give(m, block);
    else
        item_give(m, block, item);
    pthread_mutex_unlock(&m->lock);
    atomic_fetch_sub_explicit(&m->used_bytes, bytes, memory_order_relaxed);
}

static bool may_drain(const struct memory *m, const struct block *block)
{
    return block->class_at < m->part_first && !block->is_draining && block->used_count > 0;
}

/* The bytes in use of the block, as a share of 65536. */
static uint32_t fullness(const struct memory *m, const struct block *block)
{
    return block->used_count * 65536U / m->classes[block->class_at].items;
}

static struct block *emptiest(const struct memory *m, uint32_t *cursor)
{
    struct block *best = NULL;

    for (unsigned i = 0, chosen = 0; i < m->fresh && chosen < DRAIN_CHOICES; i++) {
        struct block *block = &m->blocks[*cursor % m->fresh];

        *cursor = (*cursor + 1) % m->fresh;
        if (!may_drain(m, block))
            continue;
        chosen++;
        if (best == NULL || fullness(m, block) < fullness(m, best))
            best = block;
    }
    return best;
}

static void drain_begin(struct memory *m, struct block *block)
{
    struct slab_class *class = &m->classes[block->class_at];

    if (block->used_count < class->items)
        partial_remove(m, class, block);
    block->is_draining = true;
    m->draining[m->draining_blocks] = number_of(m, block);
    atomic_fetch_add_explicit(&m->draining_blocks, 1, memory_order_relaxed);
}

static size_t items_of(struct memory *m, const struct block *block, void **items)
{
    const struct slab_class *class = &m->classes[block->class_at];
    char *start = m->base + (uint64_t)number_of(m, block) * m->block_bytes;
    size_t count = 0;

    for (uint32_t at = 0; at < class->items; at++)
        if (block->used[at / 64] >> at % 64 & 1)
            items[count++] = start + (size_t)at * class->item_bytes;
    return count;
}

size_t memory_drain(struct memory *m, uint32_t *cursor, bool again, void **items)
{
    struct block *block = NULL;

    pthread_mutex_lock(&m->lock);
    if (again && m->draining_blocks > 0) {
        block = &m->blocks[m->draining[(*cursor)++ % m->draining_blocks]];
    } else if (!again && m->draining_blocks < DRAINING_MAX) {
        block = emptiest(m, cursor);
        if (block != NULL)
            drain_begin(m, block);
    }
    size_t count = block == NULL ? 0 : items_of(m, block, items);

    if (count > 0)
        block->drainers++;
    pthread_mutex_unlock(&m->lock);
    return count;
}

void memory_drain_end(struct memory *m, const void *item)
{
    struct block *block = block_of(m, item);

    pthread_mutex_lock(&m->lock);
    assert(block->is_draining && block->drainers > 0);
    if (--block->drainers == 0 && block->used_count == 0)
        pool_give(m, block);
    pthread_mutex_unlock(&m->lock);
}
