// SPDX-License-Identifier: Apache-2.0
/*
 * The index of a shard: buckets of eight slots, one cache line each. A key may stand in either of
 * two buckets, so a look-up reads two lines at most, and taking something out is writing a zero:
 * readers need no lock and never meet a table in between. A slot is 16 bits of the hash above the
 * 48 bits of an address; the key that stands with the object settles it.
 */
#include "cache/store_priv.h"

enum { TAG_SHIFT = 48 };

#define ADDRESS ((UINT64_C(1) << TAG_SHIFT) - 1)

static uint64_t tag_of(uint64_t hash)
{
    return hash << TAG_SHIFT;
}

static _Atomic uint64_t *bucket(const struct shard *shard, uint64_t hash, unsigned choice)
{
    uint64_t part = choice == 0 ? hash >> 16 : hash_mix(hash);

    return &shard->slots[((part & UINT32_MAX) * shard->bucket_count >> 32) * BUCKET_SLOTS];
}

static struct cache_object *object_at(uint64_t slot)
{
    return (struct cache_object *)(uintptr_t)(slot & ADDRESS); // NOLINT: the tag shares the word
}

struct cache_object *index_find(const struct shard *shard, const struct cache_key *key)
{
    for (unsigned choice = 0; choice < 2; choice++) {
        _Atomic uint64_t *slots = bucket(shard, key->hash, choice);

        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            uint64_t slot = atomic_load_explicit(&slots[i], memory_order_acquire);

            if (slot == 0 || (slot ^ tag_of(key->hash)) >> TAG_SHIFT != 0)
                continue;
            if (slice_equal(cache_object_key(object_at(slot)), key->text))
                return object_at(slot);
        }
    }
    return NULL;
}

_Atomic uint64_t *index_slot(struct shard *shard, uint64_t hash, const struct cache_object *object)
{
    for (unsigned choice = 0; choice < 2; choice++) {
        _Atomic uint64_t *slots = bucket(shard, hash, choice);

        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            uint64_t slot = atomic_load_explicit(&slots[i], memory_order_relaxed);

            if (slot != 0 && object_at(slot) == object)
                return &slots[i];
        }
    }
    return NULL;
}

/* A free slot in the emptier of the two buckets; NULL when both are full. */
_Atomic uint64_t *index_free_slot(struct shard *shard, uint64_t hash)
{
    _Atomic uint64_t *found[2] = { NULL, NULL };
    unsigned free_count[2] = { 0, 0 };

    for (unsigned choice = 0; choice < 2; choice++) {
        _Atomic uint64_t *slots = bucket(shard, hash, choice);

        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            if (atomic_load_explicit(&slots[i], memory_order_relaxed) != 0)
                continue;
            found[choice] = &slots[i];
            free_count[choice]++;
        }
    }
    return free_count[1] > free_count[0] ? found[1] : found[0];
}

void index_set(_Atomic uint64_t *slot, uint64_t hash, struct cache_object *object)
{
    uint64_t address = (uint64_t)(uintptr_t)object;

    assert((address & ~ADDRESS) == 0);
    atomic_store_explicit(slot, object == NULL ? 0 : address | tag_of(hash), memory_order_release);
}

/* Who goes when both buckets are full: the least visited that may go; NULL: none may. */
struct cache_object *index_crowd(struct shard *shard, uint64_t hash)
{
    struct cache_object *least = NULL;
    unsigned least_visits = UINT8_MAX;

    for (unsigned choice = 0; choice < 2; choice++) {
        _Atomic uint64_t *slots = bucket(shard, hash, choice);

        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            struct cache_object *object =
                object_at(atomic_load_explicit(&slots[i], memory_order_relaxed));
            unsigned visits = atomic_load_explicit(&object->visits, memory_order_relaxed);

            if ((object->place & (PLACE_SMALL | PLACE_MAIN)) != 0 && visits < least_visits) {
                least = object;
                least_visits = visits;
            }
        }
    }
    return least;
}
