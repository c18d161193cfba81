// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <sys/mman.h>

#include "base/hash.h"
#include "base/mem.h"
#include "cache/purges.h"
#include "cache/store_priv.h"

enum {
    SLOT_PER_BYTES = 320,  // of memory: a slot of 8 bytes for each
    GHOST_PER_BYTES = 640, // likewise
    SHARD_LEAST = 4 << 20, // bytes a shard is worth having for
    MEMORY_LEAST = 4 << 20,
    SMALL_STORE = 256 << 20, // below it, blocks are small
    RESERVE_SHARE = 64,      // of the blocks are kept free
    RESERVE_LEAST = 16,      // blocks, but no more than an eighth
    DRAIN_SHARE = 16,        // of the reserve: fewer blocks, and sparse ones are drained
    SLACK_SHARE = 32,        // of the bytes are kept free within slabs
};

/* How the memory is shared out. */
struct plan {
    unsigned shards;
    uint64_t buckets, ghosts, blocks; // buckets and ghost sets of each shard
    uint64_t index_bytes, ghost_bytes, body_bytes;
    uint32_t block_bytes;
};

static struct plan plan_for(uint64_t memory_bytes)
{
    struct plan p = { .shards = 1 };

    while (p.shards < SHARDS_MAX && memory_bytes / (p.shards * 2) >= SHARD_LEAST)
        p.shards *= 2;
    p.buckets = memory_bytes / SLOT_PER_BYTES / BUCKET_SLOTS / p.shards + 1;
    p.ghosts = memory_bytes / GHOST_PER_BYTES / GHOST_WAYS / p.shards + 1;
    p.index_bytes = p.shards * p.buckets * BUCKET_SLOTS * sizeof(uint64_t);
    p.ghost_bytes = p.shards * p.ghosts * GHOST_WAYS * sizeof(uint64_t);
    p.block_bytes = memory_bytes < SMALL_STORE ? BLOCK_MIN_BYTES : BLOCK_MAX_BYTES;
    p.blocks =
        (memory_bytes - p.index_bytes - p.ghost_bytes) / (p.block_bytes + sizeof(struct block));
    p.body_bytes = p.blocks * p.block_bytes;
    return p;
}

static void shard_init(
    struct shard *shard, struct store *store, const struct plan *p, char *index, char *ghosts)
{
    shard->store = store;
    shard->slots = (void *)index;
    shard->ghosts = (void *)ghosts;
    shard->bucket_count = (uint32_t)p->buckets;
    shard->ghost_count = (uint32_t)p->ghosts;
    pthread_mutex_init(&shard->lock, NULL);
    for (unsigned i = 0; i < FILL_BUCKETS; i++)
        list_init(&shard->fills[i]);
}

enum err store_new(
    const struct store_limits *limits, uint64_t seed, struct store **store, struct diag *why)
{
    if (limits->memory_bytes < MEMORY_LEAST) {
        diag_say(why, "the store needs at least %d MiB of memory", MEMORY_LEAST >> 20);
        return ERR_RANGE;
    }
    assert(limits->worker_count > 0 && limits->worker_count <= STORE_WORKERS_MAX);
    struct plan p = plan_for(limits->memory_bytes);
    size_t map_bytes =
        p.body_bytes + p.index_bytes + p.ghost_bytes + p.blocks * sizeof(struct block);
    char *map = mmap(NULL, map_bytes, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (map == MAP_FAILED) {
        diag_say(why, "%llu bytes of memory for the store cannot be mapped",
            (unsigned long long)map_bytes);
        return ERR_SPACE;
    }
    // Found objects are scattered: with small pages each look-up would also miss the TLB. It is
    // advice, so that nothing is lost where it is not taken.
    if (limits->memory_bytes >= SMALL_STORE)
        madvise(map, map_bytes, MADV_HUGEPAGE);
    struct store *s = mem_alloc(sizeof *s);
    char *index = map + p.body_bytes;
    char *ghosts = index + p.index_bytes;

    s->limits = *limits;
    s->seed = seed;
    s->purges = purges_new(seed);
    s->map = map;
    s->map_bytes = map_bytes;
    s->shard_count = p.shards;
    memory_init(
        &s->memory, map, p.block_bytes, (uint32_t)p.blocks, (void *)(ghosts + p.ghost_bytes));
    uint64_t reserve = p.blocks / RESERVE_SHARE;

    if (reserve < RESERVE_LEAST)
        reserve = p.blocks / 8 < RESERVE_LEAST ? p.blocks / 8 : RESERVE_LEAST;
    s->drain_blocks = (uint32_t)(reserve / DRAIN_SHARE) + 1;
    s->high_bytes = p.body_bytes - reserve * p.block_bytes - p.body_bytes / SLACK_SHARE;
    for (unsigned i = 0; i < p.shards; i++)
        shard_init(&s->shards[i], s, &p, index + i * (p.index_bytes / p.shards),
            ghosts + i * (p.ghost_bytes / p.shards));
    *store = s;
    return ERR_NONE;
}

void store_free(struct store *store)
{
    if (store == NULL)
        return;
    assert(store->fill_count == 0);
    for (unsigned i = 0; i < store->shard_count; i++)
        pthread_mutex_destroy(&store->shards[i].lock);
    memory_done(&store->memory);
    purges_free(store->purges);
    munmap(store->map, store->map_bytes);
    mem_free(store);
}

void store_stats(struct store *store, struct store_stats *stats)
{
    *stats = (struct store_stats){
        .memory_bytes = store->limits.memory_bytes,
        .used_bytes = store->memory.used_bytes,
        .fills = store->fill_count,
        .refused_space = store->refused_space,
        .refused_large = store->refused_large,
        .found_gone = store->found_gone,
        .found_stale = store->found_stale,
    };
    for (unsigned i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];

        pthread_mutex_lock(&shard->lock);
        stats->objects += shard->objects;
        stats->inserts += shard->inserts;
        stats->evictions += shard->evictions;
        stats->ghost_hits += shard->ghost_hits;
        pthread_mutex_unlock(&shard->lock);
    }
}

uint64_t store_seed(const struct store *store)
{
    return store->seed;
}

struct purges *store_purges(struct store *store)
{
    return store->purges;
}

uint64_t store_salt_new(struct store *store)
{
    return atomic_fetch_add_explicit(&store->salt, 1, memory_order_relaxed) + 1;
}

/* Than the newest purge, of whatever. */
static bool is_older(const struct store *store, const struct cache_object *object)
{
    return object_generation(object) < purges_generation(store->purges);
}

enum purged store_purged(struct store *store, struct cache_object *object)
{
    if (LIKELY(!is_older(store, object)))
        return PURGED_NOT;
    uint64_t generation = purges_generation(store->purges);
    struct slice fields = cache_object_kept_fields(object);
    const struct purge_subject subject = { .key = cache_object_key(object),
        .tags = (object->traits & TRAIT_HAS_TAGS) != 0 ? cache_fields_tags(fields) : SLICE_NONE };
    enum purged purged = purges_judge(store->purges, &subject, object_generation(object));

    // What another worker stores here meanwhile is as true.
    if (purged == PURGED_NOT)
        atomic_store_explicit(&object->birth,
            generation << BIRTH_STATUS_BITS | cache_object_status(object), memory_order_relaxed);
    return purged;
}

/* Counts what is met; false: it is gone. */
static bool outlives(struct store *store, struct cache_object *object)
{
    enum purged purged = store_purged(store, object);

    if (purged != PURGED_NOT)
        atomic_fetch_add_explicit(purged == PURGED_GONE ? &store->found_gone : &store->found_stale,
            1, memory_order_relaxed);
    return purged != PURGED_GONE;
}

struct cache_object *store_find(struct store *store, const struct cache_key *key)
{
    struct cache_object *object = index_find(shard_of(store, key->hash), key);

    if (object == NULL || (UNLIKELY(is_older(store, object)) && !outlives(store, object)))
        return NULL;
    object_visit(object);
    return object;
}
