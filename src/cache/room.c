// SPDX-License-Identifier: Apache-2.0
/*
 * Making room before it is needed. What is evicted can be used again only after every loop has
 * turned, so some of the memory is kept free: evicting starts when what lives passes high_bytes,
 * emptying of sparse blocks only when the pool has fewer than drain_blocks: what evictions free is
 * taken up again by objects of like size, and draining spares the wanted less than evicting does.
 */
#include "cache/store_priv.h"

enum {
    REDRAIN_EVERY = 4,
    SQUEEZE_MOST = 4,     // this part of high_bytes, at most
    SQUEEZE_STEP = 8,     // this part of a block at a time
    SQUEEZE_REFUSED = 64, // and this part of high_bytes when somebody got no memory
    SQUEEZE_DECAY = 256,  // this part is given up at a time
};

/* Bytes in use that nobody is about to give back. */
static uint64_t live_bytes(const struct store *store)
{
    uint64_t used = atomic_load_explicit(&store->memory.used_bytes, memory_order_relaxed);
    uint64_t limbo = atomic_load_explicit(&store->limbo_bytes, memory_order_relaxed);

    return used > limbo ? used - limbo : 0;
}

/* Shards take turns; of two neighbours the fuller one gives. */
static bool evict_one(struct store *store, struct epoch_reader *reader)
{
    uint32_t turn = atomic_fetch_add_explicit(&store->turn, 1, memory_order_relaxed);

    for (unsigned i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[(turn + i) & (store->shard_count - 1)];

        pthread_mutex_lock(&shard->lock);
        bool has_gone = queue_evict(shard);

        shard_unlock(shard, reader);
        if (has_gone)
            return true;
    }
    return false;
}

/* The object lay in a block that is being emptied: it moves, or goes where there is no gap for it.
 * It may be gone by now. */
static void clear_out(struct store *store, struct epoch_reader *reader, struct cache_object *object)
{
    // Linked (acquire): the key was written before. What is freed stays as it is in this block,
    // until memory_drain_end.
    if ((atomic_load_explicit(&object->place, memory_order_acquire) & PLACE_LINKED) == 0)
        return;
    uint64_t hash = object_hash(store, object);
    struct shard *shard = shard_of(store, hash);

    pthread_mutex_lock(&shard->lock);
    if ((object->place & (PLACE_SMALL | PLACE_MAIN)) != 0 && !object_move(shard, object, hash)) {
        object_unlink(shard, object, hash);
        shard->evictions++;
    }
    shard_unlock(shard, reader);
}

static bool drain_one(struct store *store, struct epoch_reader *reader, bool again)
{
    void *items[ITEMS_MAX];
    uint32_t cursor = atomic_load_explicit(&store->drain_cursor, memory_order_relaxed);
    size_t count = memory_drain(&store->memory, &cursor, again, items);

    atomic_store_explicit(&store->drain_cursor, cursor, memory_order_relaxed);
    for (size_t i = 0; i < count; i++)
        clear_out(store, reader, items[i]);
    if (count > 0)
        memory_drain_end(&store->memory, items[0]);
    return count > 0;
}

/*
 * How far below high_bytes eviction begins: further each time the pool is found dry, since memory
 * is then free in the wrong sizes, and nearer again while it is not.
 */
static uint64_t squeeze(struct store *store, uint32_t free_blocks)
{
    uint64_t bytes = atomic_load_explicit(&store->squeeze_bytes, memory_order_relaxed);

    if (free_blocks == 0 && bytes < store->high_bytes / SQUEEZE_MOST)
        bytes += store->memory.block_bytes / SQUEEZE_STEP;
    else if (free_blocks > store->drain_blocks)
        bytes -= bytes / SQUEEZE_DECAY;
    atomic_store_explicit(&store->squeeze_bytes, bytes, memory_order_relaxed);
    return bytes;
}

void store_squeeze(struct store *store)
{
    uint64_t bytes = atomic_load_explicit(&store->squeeze_bytes, memory_order_relaxed);

    if (bytes < store->high_bytes / SQUEEZE_MOST)
        atomic_store_explicit(&store->squeeze_bytes, bytes + store->high_bytes / SQUEEZE_REFUSED,
            memory_order_relaxed);
}

void store_make_room(struct store *store, struct epoch_reader *reader, uint64_t bytes)
{
    struct memory *m = &store->memory;
    uint32_t free_blocks = atomic_load_explicit(&m->free_blocks, memory_order_relaxed);

    uint64_t high = store->high_bytes - squeeze(store, free_blocks);

    for (unsigned i = 0; i < EVICTIONS_MAX && live_bytes(store) + bytes > high; i++)
        if (!evict_one(store, reader))
            break;
    if (free_blocks >= store->drain_blocks)
        return;
    while (free_blocks + atomic_load_explicit(&m->draining_blocks, memory_order_relaxed) <
           store->drain_blocks)
        if (!drain_one(store, reader, false))
            break;
    // What was being filled when its block was picked can go by now.
    if (atomic_fetch_add_explicit(&store->redrain, 1, memory_order_relaxed) % REDRAIN_EVERY == 0)
        drain_one(store, reader, true);
}
