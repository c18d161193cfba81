// SPDX-License-Identifier: Apache-2.0
/*
 * Objects: how they are packed, read, linked and given back.
 *
 * The link in the index is a reference. Who found an object without a lock may take one up to the
 * end of its turn, also when the last was given up meanwhile: an object without references waits
 * in limbo until every loop has turned, and if it was taken up there, it leaves limbo or begins to
 * wait anew. Each shard has one token that it retires: all that came to limbo before the token
 * was retired goes when the token comes back, so limbo costs no memory of its own.
 */
#include "base/hash.h"
#include "cache/store_priv.h"

static char *tail_of(const struct cache_object *object)
{
    char *tail = (char *)(uintptr_t)(object + 1);

    return tail + ((object->traits & TRAIT_HAS_BODY) != 0 ? sizeof(struct body *) : 0);
}

struct body **object_body(struct cache_object *object)
{
    assert((object->traits & TRAIT_HAS_BODY) != 0);
    return (struct body **)(void *)(object + 1);
}

char *object_inline(const struct cache_object *object)
{
    return tail_of(object) + object->key_bytes + object->fields_bytes;
}

enum cache_kind cache_object_kind(const struct cache_object *object)
{
    return (enum cache_kind)(object->traits & TRAIT_KIND);
}

struct slice cache_object_key(const struct cache_object *object)
{
    return slice_of(tail_of(object), object->key_bytes);
}

struct wall cache_object_until(const struct cache_object *object)
{
    assert(cache_object_kind(object) == CACHE_KIND_PASS);
    return (struct wall){ object->number };
}

uint64_t cache_object_salt(const struct cache_object *object)
{
    assert(cache_object_kind(object) == CACHE_KIND_VARY);
    return (uint64_t)object->number;
}

enum cache_state cache_object_state(const struct cache_object *object)
{
    return (enum cache_state)atomic_load_explicit(&object->state, memory_order_acquire);
}

uint16_t cache_object_status(const struct cache_object *object)
{
    return (uint16_t)atomic_load_explicit(&object->birth, memory_order_relaxed);
}

uint64_t object_generation(const struct cache_object *object)
{
    return atomic_load_explicit(&object->birth, memory_order_relaxed) >> BIRTH_STATUS_BITS;
}

struct slice cache_object_kept_fields(const struct cache_object *object)
{
    return slice_of(tail_of(object) + object->key_bytes, object->fields_bytes);
}

struct slice cache_object_fields(const struct cache_object *object)
{
    struct slice fields = cache_object_kept_fields(object);

    return (object->traits & TRAIT_HAS_TAGS) == 0 ? fields : cache_fields_sent(fields);
}

/* The value that begins there, to the end of its line. */
static struct slice value_at(struct slice fields, uint16_t at)
{
    struct slice rest = slice_from(fields, at);

    return at == FIELD_NONE ? SLICE_NONE : slice_head(rest, slice_find(rest, '\r'));
}

static uint32_t seconds_kept(int64_t s)
{
    assert(s >= 0);
    return s > UINT32_MAX / 2 + 1 ? UINT32_MAX / 2 + 1 : (uint32_t)s;
}

/*
 * Seconds of grace in 16 bits: eleven of them, and in the lowest five how often to double that.
 * Exact up to half an hour, then less by a thousandth at most.
 */
static uint16_t grace_kept(int64_t s)
{
    uint32_t left = seconds_kept(s), doubled = 0;

    for (; left >> 11 != 0; left >>= 1)
        doubled++;
    return (uint16_t)(left << 5 | doubled);
}

static int64_t grace_s(uint16_t kept)
{
    return (int64_t)(kept >> 5) << (kept & 31);
}

void cache_object_freshness(const struct cache_object *object, struct cache_meta *meta)
{
    *meta = (struct cache_meta){
        .received = { object->number },
        .age_s = object->age_s,
        .lifetime_s = object->lifetime_s,
        .stale_if_error_s = grace_s(object->stale_if_error),
        .stale_while_revalidate_s = grace_s(object->stale_while_revalidate),
        .must_revalidate = (object->traits & TRAIT_MUST_REVALIDATE) != 0,
        .always_revalidate = (object->traits & TRAIT_ALWAYS_REVALIDATE) != 0,
        .serves_authorized = (object->traits & TRAIT_SERVES_AUTHORIZED) != 0,
    };
}

void cache_object_meta(const struct cache_object *object, struct cache_meta *meta)
{
    struct slice fields = cache_object_fields(object);

    cache_object_freshness(object, meta);
    meta->etag = value_at(fields, object->etag_at);
    meta->last_modified = value_at(fields, object->last_modified_at);
}

uint64_t cache_object_length(const struct cache_object *object)
{
    return atomic_load_explicit(&object->length, memory_order_acquire);
}

int64_t cache_object_total(const struct cache_object *object)
{
    if (cache_object_state(object) == CACHE_STATE_COMPLETE)
        return (int64_t)cache_object_length(object);
    if ((object->traits & TRAIT_UNKNOWN_TOTAL) != 0)
        return -1;
    if ((object->traits & TRAIT_HAS_BODY) == 0)
        return object->inline_bytes;
    return (*(struct body *const *)(const void *)(object + 1))->total;
}

size_t object_bytes(const struct object_parts *parts)
{
    return sizeof(struct cache_object) +
           ((parts->traits & TRAIT_HAS_BODY) != 0 ? sizeof(struct body *) : 0) + parts->key.length +
           parts->fields.length + parts->inline_bytes;
}

static uint16_t field_kept(struct slice fields, struct slice value)
{
    return value.length == 0 ? FIELD_NONE : (uint16_t)(value.at - fields.at);
}

static void meta_keep(struct cache_object *object, const struct cache_meta *meta)
{
    struct slice fields = cache_object_fields(object);
    struct cache_meta bound = *meta;

    cache_meta_bind(&bound, fields);
    object->number = meta->received.ms;
    object->age_s = seconds_kept(meta->age_s);
    object->lifetime_s = seconds_kept(meta->lifetime_s);
    object->stale_if_error = grace_kept(meta->stale_if_error_s);
    object->stale_while_revalidate = grace_kept(meta->stale_while_revalidate_s);
    object->traits |= (uint8_t)((meta->must_revalidate ? TRAIT_MUST_REVALIDATE : 0) |
                                (meta->always_revalidate ? TRAIT_ALWAYS_REVALIDATE : 0) |
                                (meta->serves_authorized ? TRAIT_SERVES_AUTHORIZED : 0));
    object->etag_at = field_kept(fields, bound.etag);
    object->last_modified_at = field_kept(fields, bound.last_modified);
}

/* One reference, the caller's; not in the index yet. */
struct cache_object *object_new(struct store *store, const struct object_parts *parts)
{
    struct cache_object *object = memory_alloc(&store->memory, object_bytes(parts), ITEM_OBJECT);

    if (object == NULL)
        return NULL;
    assert(parts->key.length <= UINT16_MAX && parts->fields.length < FIELD_NONE);
    // The head came zeroed, and a drain may be looking at its place: it is not written here.
    atomic_init(&object->refs, 1);
    atomic_init(&object->state, CACHE_STATE_READING);
    object->number = parts->number;
    object->inline_bytes = parts->inline_bytes;
    atomic_init(&object->birth, parts->generation << BIRTH_STATUS_BITS | parts->status);
    object->key_bytes = (uint16_t)parts->key.length;
    object->fields_bytes = (uint16_t)parts->fields.length;
    object->traits = parts->traits;
    if ((parts->traits & TRAIT_HAS_BODY) != 0)
        *object_body(object) = NULL;
    memcpy(tail_of(object), parts->key.at, parts->key.length);
    if (parts->fields.length > 0)
        memcpy(tail_of(object) + parts->key.length, parts->fields.at, parts->fields.length);
    if (parts->meta != NULL && cache_fields_tags(parts->fields).length > 0)
        object->traits |= TRAIT_HAS_TAGS;
    if (parts->meta != NULL)
        meta_keep(object, parts->meta);
    return object;
}

/* All that is freed with it. */
uint64_t object_memory(const struct memory *m, const struct cache_object *object)
{
    uint64_t bytes = memory_item_bytes(m, object);

    if ((object->traits & TRAIT_HAS_BODY) != 0)
        bytes += (*(struct body *const *)(const void *)(object + 1))->memory;
    return bytes;
}

uint64_t object_hash(const struct store *store, const struct cache_object *object)
{
    return hash_bytes(cache_object_key(object), store->seed);
}

static void object_free(struct store *store, struct cache_object *object)
{
    if ((object->traits & TRAIT_HAS_BODY) != 0)
        body_unref(&store->memory, *object_body(object));
    assert(object->place == 0);
    memory_free(&store->memory, object);
}

static void limbo_add(struct shard *shard, struct cache_object *object)
{
    object->next = shard->waiting;
    shard->waiting = memory_number(&shard->store->memory, object);
    atomic_fetch_add_explicit(&shard->store->limbo_bytes,
        object_memory(&shard->store->memory, object), memory_order_relaxed);
}

/* What becomes of an object whose time in limbo is over. */
enum limbo_end { LIMBO_FREE, LIMBO_LEAVE, LIMBO_AGAIN };

static enum limbo_end limbo_end(struct cache_object *object)
{
    uint32_t refs = atomic_load(&object->refs);

    for (;;) {
        uint32_t next = (refs & REFS_COUNT) > 0 ? refs & REFS_COUNT : REFS_LIMBO;

        if (refs == REFS_LIMBO)
            return LIMBO_FREE;
        if (atomic_compare_exchange_weak(&object->refs, &refs, next))
            return next == REFS_LIMBO ? LIMBO_AGAIN : LIMBO_LEAVE;
    }
}

static void token_back(struct retired *retired);

/* With the lock: sends the token when there is something to wait for and it is at home. */
static void token_send(struct shard *shard, struct epoch_reader *reader)
{
    if (shard->token_reader != NULL || shard->waiting == 0)
        return;
    shard->in_flight = shard->waiting;
    shard->waiting = 0;
    shard->token_reader = reader;
    epoch_retire(reader, &shard->token, token_back);
}

static void token_back(struct retired *retired)
{
    struct shard *shard = container_of(retired, struct shard, token);
    struct store *store = shard->store;

    pthread_mutex_lock(&shard->lock);
    uint32_t number = shard->in_flight;
    struct epoch_reader *reader = shard->token_reader;

    shard->in_flight = 0;
    shard->token_reader = NULL;
    while (number != 0) {
        struct cache_object *object = memory_item(&store->memory, number);
        uint64_t bytes = object_memory(&store->memory, object);

        number = object->next;
        atomic_fetch_sub_explicit(&store->limbo_bytes, bytes, memory_order_relaxed);
        switch (limbo_end(object)) {
        case LIMBO_FREE: object_free(store, object); break;
        case LIMBO_AGAIN: limbo_add(shard, object); break;
        case LIMBO_LEAVE: break;
        }
    }
    token_send(shard, reader);
    pthread_mutex_unlock(&shard->lock);
}

void shard_unlock(struct shard *shard, struct epoch_reader *reader)
{
    token_send(shard, reader);
    pthread_mutex_unlock(&shard->lock);
}

void cache_object_ref(struct cache_object *object)
{
    uint32_t refs = atomic_load_explicit(&object->refs, memory_order_relaxed);
    uint32_t next;

    do {
        assert((refs & REFS_COUNT) < REFS_COUNT);
        next = (refs + 1) | ((refs & REFS_LIMBO) != 0 ? REFS_TOUCHED : 0);
    } while (!atomic_compare_exchange_weak(&object->refs, &refs, next));
}

/* True when that was the last reference and the object is to be put into limbo. */
static bool release(struct cache_object *object)
{
    uint32_t refs = atomic_load_explicit(&object->refs, memory_order_relaxed);
    uint32_t next;

    do {
        assert((refs & REFS_COUNT) > 0);
        next = refs == 1 ? REFS_LIMBO : refs - 1;
    } while (!atomic_compare_exchange_weak(&object->refs, &refs, next));
    return refs == 1;
}

void cache_object_unref(
    struct store *store, struct epoch_reader *reader, struct cache_object *object)
{
    if (object == NULL || !release(object))
        return;
    struct shard *shard = shard_of(store, object_hash(store, object));

    pthread_mutex_lock(&shard->lock);
    limbo_add(shard, object);
    shard_unlock(shard, reader);
}

/* Readers keep what they hold: the old item is given back as any object that was replaced. */
static void leave_index(struct shard *shard, struct cache_object *object)
{
    atomic_store_explicit(&object->place, 0, memory_order_release);
    if (release(object))
        limbo_add(shard, object);
}

void object_unlink(struct shard *shard, struct cache_object *object, uint64_t hash)
{
    _Atomic uint64_t *slot = index_slot(shard, hash, object);

    assert(slot != NULL);
    index_set(slot, hash, NULL);
    queue_leave(shard, object);
    shard->objects--;
    leave_index(shard, object);
}

/* A complete object, which is in a queue, gets another item among the blocks in use; false: there
 * is none that is free. */
bool object_move(struct shard *shard, struct cache_object *object, uint64_t hash)
{
    struct memory *m = &shard->store->memory;
    bool has_body = (object->traits & TRAIT_HAS_BODY) != 0;
    uint64_t length = atomic_load_explicit(&object->length, memory_order_relaxed);
    size_t head_bytes = (size_t)(object_inline(object) - (const char *)object);
    size_t bytes = head_bytes + (length < object->inline_bytes ? length : object->inline_bytes);
    struct cache_object *moved = memory_alloc_within(m, head_bytes + object->inline_bytes);

    if (moved == NULL)
        return false;
    moved->number = object->number;
    moved->age_s = object->age_s;
    moved->lifetime_s = object->lifetime_s;
    moved->stale_if_error = object->stale_if_error;
    moved->stale_while_revalidate = object->stale_while_revalidate;
    moved->inline_bytes = object->inline_bytes;
    moved->etag_at = object->etag_at;
    moved->last_modified_at = object->last_modified_at;
    atomic_init(&moved->birth, atomic_load_explicit(&object->birth, memory_order_relaxed));
    moved->key_bytes = object->key_bytes;
    moved->fields_bytes = object->fields_bytes;
    moved->traits = object->traits;
    atomic_init(&moved->length, length);
    atomic_init(&moved->refs, 1); // the link
    atomic_init(&moved->state, CACHE_STATE_COMPLETE);
    atomic_init(&moved->visits, object->visits);
    memcpy(moved + 1, object + 1, bytes - sizeof *object);
    if (has_body)
        atomic_fetch_add(&(*object_body(moved))->refs, 1);
    atomic_store_explicit(&moved->place, PLACE_LINKED, memory_order_release);
    queue_replace(shard, object, moved);
    index_set(index_slot(shard, hash, object), hash, moved);
    leave_index(shard, object);
    return true;
}

/*
 * Puts the object under the key, in place of what stands there; the link is a reference. False:
 * the table has no slot that may be taken.
 */
bool object_put(struct shard *shard, struct cache_object *object, const struct cache_key *key)
{
    struct cache_object *old = index_find(shard, key);
    _Atomic uint64_t *slot =
        old != NULL ? index_slot(shard, key->hash, old) : index_free_slot(shard, key->hash);

    if (slot == NULL) {
        old = index_crowd(shard, key->hash);
        if (old == NULL)
            return false;
        object_unlink(shard, old, object_hash(shard->store, old));
        shard->evictions++;
        slot = index_free_slot(shard, key->hash);
        old = NULL;
    }
    cache_object_ref(object);
    if (old != NULL) // what the old one had earned counts for the new one
        atomic_store_explicit(&object->visits, old->visits, memory_order_relaxed);
    shard->objects++;
    atomic_store_explicit(&object->place, PLACE_LINKED, memory_order_release);
    index_set(slot, key->hash, object);
    if (old == NULL)
        return true;
    // Its slot is the new one's now; the rest of unlinking is left.
    queue_leave(shard, old);
    shard->objects--;
    leave_index(shard, old);
    return true;
}
