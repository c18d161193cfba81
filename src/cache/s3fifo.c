// SPDX-License-Identifier: Apache-2.0
/*
 * Who goes when room is needed: S3-FIFO (Yang et al., SOSP 2023). New objects queue in a small
 * queue of a tenth of the bytes. Who was asked for again there moves on to the main queue, who was
 * not goes, and only a ghost (some bits of the hash) stays for a while; who comes back as a ghost
 * enters the main queue at once. In the main queue, visits buy another round. A hit marks the
 * object and moves nothing, so readers need no lock.
 *
 * Ghosts stand in sets of four, with the number of their coming. They are known for as many later
 * ghosts as there are objects.
 */
#include <assert.h>

#include "cache/store_priv.h"

enum { SMALL_SHARE = 10, VISITS_TO_STAY = 1 };

static void queue_append(struct shard *shard, struct queue *q, struct cache_object *object)
{
    const struct memory *m = &shard->store->memory;
    uint32_t number = memory_number(m, object);
    struct cache_object *last = memory_item(m, q->last);

    object->prev = q->last;
    object->next = 0;
    if (last != NULL)
        last->next = number;
    else
        q->first = number;
    q->last = number;
    q->bytes += object_memory(m, object);
    q->count++;
}

static void queue_remove(struct shard *shard, struct queue *q, struct cache_object *object)
{
    const struct memory *m = &shard->store->memory;
    struct cache_object *prev = memory_item(m, object->prev);
    struct cache_object *next = memory_item(m, object->next);

    if (prev != NULL)
        prev->next = object->next;
    else
        q->first = object->next;
    if (next != NULL)
        next->prev = object->prev;
    else
        q->last = object->prev;
    q->bytes -= object_memory(m, object);
    q->count--;
}

static uint64_t *ghost_set(struct shard *shard, uint64_t hash)
{
    return &shard->ghosts[((hash >> 16 & UINT32_MAX) * shard->ghost_count >> 32) * GHOST_WAYS];
}

static uint32_t fingerprint(uint64_t hash)
{
    return (uint32_t)hash_mix(hash) | 1; // 0 is no ghost
}

static uint32_t ghost_age(const struct shard *shard, uint64_t ghost)
{
    return shard->ghost_stamp - (uint32_t)ghost;
}

/* Whether it went not long ago; the ghost is gone then. */
static bool ghost_take(struct shard *shard, uint64_t hash)
{
    uint64_t *set = ghost_set(shard, hash);

    for (unsigned i = 0; i < GHOST_WAYS; i++) {
        if (set[i] >> 32 != fingerprint(hash))
            continue;
        bool is_young = ghost_age(shard, set[i]) <= shard->small.count + shard->main.count;

        set[i] = 0;
        return is_young;
    }
    return false;
}

static void ghost_add(struct shard *shard, uint64_t hash)
{
    uint64_t *set = ghost_set(shard, hash);
    unsigned oldest = 0;

    for (unsigned i = 0; i < GHOST_WAYS; i++) {
        if (set[i] == 0) {
            oldest = i;
            break;
        }
        if (ghost_age(shard, set[i]) > ghost_age(shard, set[oldest]))
            oldest = i;
    }
    set[oldest] = (uint64_t)fingerprint(hash) << 32 | ++shard->ghost_stamp;
}

static struct queue *queue_of(struct shard *shard, unsigned place)
{
    return (place & PLACE_MAIN) != 0 ? &shard->main : &shard->small;
}

static void place_set(struct cache_object *object, unsigned queue)
{
    unsigned place = object->place & ~(unsigned)(PLACE_SMALL | PLACE_MAIN);

    atomic_store_explicit(&object->place, (uint8_t)(place | queue), memory_order_release);
}

void queue_enter(struct shard *shard, struct cache_object *object, uint64_t hash)
{
    unsigned place = PLACE_SMALL;

    if (ghost_take(shard, hash)) {
        shard->ghost_hits++;
        place = PLACE_MAIN;
    }
    place_set(object, place);
    queue_append(shard, queue_of(shard, place), object);
    shard->inserts++;
}

void queue_leave(struct shard *shard, struct cache_object *object)
{
    unsigned place = object->place;

    if ((place & (PLACE_SMALL | PLACE_MAIN)) == 0)
        return;
    queue_remove(shard, queue_of(shard, place), object);
    place_set(object, 0);
}

/* `to`, which takes as much memory or more, takes the place of `from`. */
void queue_replace(struct shard *shard, struct cache_object *from, struct cache_object *to)
{
    const struct memory *m = &shard->store->memory;
    struct queue *q = queue_of(shard, from->place);
    struct cache_object *prev = memory_item(m, from->prev);
    struct cache_object *next = memory_item(m, from->next);
    uint32_t number = memory_number(m, to);

    to->prev = from->prev;
    to->next = from->next;
    *(prev != NULL ? &prev->next : &q->first) = number;
    *(next != NULL ? &next->prev : &q->last) = number;
    q->bytes += object_memory(m, to) - object_memory(m, from);
    place_set(to, from->place & (PLACE_SMALL | PLACE_MAIN));
}

/* The first of the small queue moves on or goes; true when it went. */
static bool small_step(struct shard *shard)
{
    struct cache_object *object = memory_item(&shard->store->memory, shard->small.first);

    assert(object != NULL);
    uint64_t hash = object_hash(shard->store, object);

    if (atomic_load_explicit(&object->visits, memory_order_relaxed) >= VISITS_TO_STAY) {
        queue_leave(shard, object);
        atomic_store_explicit(&object->visits, 0, memory_order_relaxed);
        place_set(object, PLACE_MAIN);
        queue_append(shard, &shard->main, object);
        return false;
    }
    ghost_add(shard, hash);
    object_unlink(shard, object, hash);
    return true;
}

/* The first of the main queue queues again or goes; true when it went. */
static bool main_step(struct shard *shard)
{
    struct cache_object *object = memory_item(&shard->store->memory, shard->main.first);

    assert(object != NULL);
    uint8_t visits = atomic_load_explicit(&object->visits, memory_order_relaxed);

    if (visits > 0) {
        atomic_store_explicit(&object->visits, (uint8_t)(visits - 1), memory_order_relaxed);
        queue_remove(shard, &shard->main, object);
        queue_append(shard, &shard->main, object);
        return false;
    }
    object_unlink(shard, object, object_hash(shard->store, object));
    return true;
}

/* Evicts one object; false when there is none, or too many wanted to stay. */
bool queue_evict(struct shard *shard)
{
    for (unsigned i = 0; i < REQUEUES_MAX; i++) {
        uint64_t all = shard->small.bytes + shard->main.bytes;
        bool has_gone;

        if (shard->small.count + shard->main.count == 0)
            return false;
        if (shard->main.count == 0 ||
            (shard->small.count > 0 && shard->small.bytes * SMALL_SHARE >= all))
            has_gone = small_step(shard);
        else
            has_gone = main_step(shard);
        if (has_gone) {
            shard->evictions++;
            return true;
        }
    }
    return false;
}
