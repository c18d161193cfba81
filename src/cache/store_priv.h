// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What the files of the store share. Locks are taken in this order: a shard's, then the memory's.
 * Nobody holds two shards.
 */

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/attr.h"
#include "base/hash.h"
#include "cache/memory_priv.h"
#include "cache/store.h"
#include "io/epoch.h"

enum {
    SHARDS_MAX = 16,
    BUCKET_SLOTS = 8,     // one cache line
    GHOST_WAYS = 4,       // places a ghost may stand in
    FILL_BUCKETS = 256,   // of each shard's table of running fills
    FILLS_MAX = 16384,    // running at a time; above that: STORE_FULL
    EVICTIONS_MAX = 4096, // one call makes, at most
    REQUEUES_MAX = 256,   // objects one eviction may pass over
    STORE_WORKERS_MAX = 64,
    BODY_GUESS_BYTES = 4096, // room beside the head for a body of unknown length
    CHUNK_PIECES = 30,
};

/* Constant traits of an object; the kind is in the lowest two bits. */
enum {
    TRAIT_KIND = 3,
    TRAIT_MUST_REVALIDATE = 4,
    TRAIT_ALWAYS_REVALIDATE = 8,
    TRAIT_SERVES_AUTHORIZED = 16,
    TRAIT_HAS_BODY = 32,      // a pointer to struct body follows the object
    TRAIT_UNKNOWN_TOTAL = 64, // when it began
    TRAIT_HAS_TAGS = 128,     // its fields begin with lines of them
};

/* Where an object is; changes under the shard's lock. */
enum { PLACE_LINKED = 1, PLACE_SMALL = 2, PLACE_MAIN = 4 };

/* Bits of cache_object.refs above the count. */
#define REFS_LIMBO   (UINT32_C(1) << 31) // waits until no turn can have seen it
#define REFS_TOUCHED (UINT32_C(1) << 30) // was taken up again meanwhile
#define REFS_COUNT   (REFS_TOUCHED - 1)

enum { FIELD_NONE = UINT16_MAX };

enum { BIRTH_STATUS_BITS = 16 };

/* Followed by [struct body *], key, fields, inline body. */
struct cache_object {
    _Atomic uint64_t length; // body bytes that are there
    int64_t number;          // ms: received, or until (PASS); or the salt (VARY)
    // The generation of purges it has stood, above BIRTH_STATUS_BITS of status, which is constant:
    // so raising it is one store. 48 bits last nine years at a million purges a second.
    _Atomic uint64_t birth;
    uint32_t age_s, lifetime_s;
    uint32_t inline_bytes; // room for the body's first bytes
    _Atomic uint32_t refs;
    uint32_t next, prev;                             // in its queue, or (next alone) in limbo
    uint16_t stale_if_error, stale_while_revalidate; // see grace_kept in object.c
    uint16_t etag_at, last_modified_at;              // of the values, in the fields that are sent
    uint16_t key_bytes, fields_bytes;
    uint8_t traits;
    _Atomic uint8_t state, visits, place;
};

static_assert(sizeof(struct cache_object) == 64, "an object's head is one cache line");

struct piece {
    char *at;
    _Atomic uint64_t end; // offset in the body behind it; 0: not there yet
};

struct chunk {
    _Atomic(struct chunk *) next;
    struct piece pieces[CHUNK_PIECES];
};

/* The part of a body that is not beside the head. Shared by an object and its refreshed self. */
struct body {
    _Atomic uint32_t refs;
    uint32_t piece_count;
    int64_t total;   // -1: not known
    uint64_t memory; // bytes of all pieces and chunks
    struct chunk first;
};

struct queue {
    uint32_t first, last;
    uint64_t bytes, count;
};

struct shard {
    ALIGNED(CACHE_LINE_BYTES) pthread_mutex_t lock;
    struct store *store;
    _Atomic uint64_t *slots; // buckets of BUCKET_SLOTS
    uint32_t bucket_count;
    uint32_t ghost_count; // sets of GHOST_WAYS
    uint64_t *ghosts;     // fingerprint and stamp
    uint32_t ghost_stamp;
    struct queue small, main;
    uint32_t waiting, in_flight; // limbo: to be stamped; stamped with the token
    struct retired token;
    struct epoch_reader *token_reader; // NULL: no token on its way
    struct list fills[FILL_BUCKETS];
    uint64_t objects, inserts, evictions, ghost_hits;
};

struct store {
    struct memory memory;
    struct store_limits limits;
    struct purges *purges;
    uint64_t seed;
    char *map;
    size_t map_bytes;
    uint64_t high_bytes;   // evict above this
    uint32_t drain_blocks; // drain when the pool has fewer
    unsigned shard_count;
    _Atomic uint64_t limbo_bytes, squeeze_bytes, salt, refused_space, refused_large;
    _Atomic uint64_t found_gone, found_stale;
    _Atomic uint32_t turn, redrain, fill_count, drain_cursor;
    struct shard shards[SHARDS_MAX];
};

static inline struct shard *shard_of(struct store *store, uint64_t hash)
{
    return &store->shards[(hash >> 60) & (store->shard_count - 1)];
}

/* index.c; the changing ones with the lock. */
struct cache_object *index_find(const struct shard *shard, const struct cache_key *key);
_Atomic uint64_t *index_slot(struct shard *shard, uint64_t hash, const struct cache_object *object);
_Atomic uint64_t *index_free_slot(struct shard *shard, uint64_t hash);
void index_set(_Atomic uint64_t *slot, uint64_t hash, struct cache_object *object);
struct cache_object *index_crowd(struct shard *shard, uint64_t hash);

/* s3fifo.c; with the lock. */
void queue_enter(struct shard *shard, struct cache_object *object, uint64_t hash);
void queue_leave(struct shard *shard, struct cache_object *object);
bool queue_evict(struct shard *shard);
void queue_replace(struct shard *shard, struct cache_object *from, struct cache_object *to);
static inline void object_visit(struct cache_object *object)
{
    uint8_t visits = atomic_load_explicit(&object->visits, memory_order_relaxed);

    if (visits < 3)
        atomic_store_explicit(&object->visits, (uint8_t)(visits + 1), memory_order_relaxed);
}

/* object.c */
struct object_parts {
    struct slice key, fields;
    const struct cache_meta *meta; // NULL: a marker
    uint32_t inline_bytes;
    uint16_t status;
    uint8_t traits;
    int64_t number; // of a marker
    uint64_t generation;
};
size_t object_bytes(const struct object_parts *parts); // of its item
struct cache_object *object_new(struct store *store, const struct object_parts *parts);
uint64_t object_memory(const struct memory *m, const struct cache_object *object);
struct body **object_body(struct cache_object *object);
char *object_inline(const struct cache_object *object);
uint64_t object_hash(const struct store *store, const struct cache_object *object);
bool object_put(struct shard *shard, struct cache_object *object, const struct cache_key *key);
bool object_move(struct shard *shard, struct cache_object *object, uint64_t hash);
void object_unlink(struct shard *shard, struct cache_object *object, uint64_t hash);
uint64_t object_generation(const struct cache_object *object);
void shard_unlock(struct shard *shard, struct epoch_reader *reader);

/* body.c */
[[nodiscard]] enum err body_append(
    struct store *store, struct cache_object *object, struct slice bytes);
void body_unref(struct memory *m, struct body *body);
void body_copy(const struct cache_object *from, char *to, uint64_t bytes);

/* room.c: evicts until `bytes` more fit, as far as one call may; and takes note that somebody got
 * no memory, to evict earlier. */
void store_make_room(struct store *store, struct epoch_reader *reader, uint64_t bytes);
void store_squeeze(struct store *store);
