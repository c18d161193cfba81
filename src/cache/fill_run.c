// SPDX-License-Identifier: Apache-2.0
/* What the worker that claimed a fill does with it. */
#include "base/hash.h"
#include "base/mem.h"
#include "cache/fill_priv.h"

enum { COMPACT_SHARE = 8 }; // a copy that saves less than this part is not made

static struct shard *shard_of_fill(const struct store_fill *fill)
{
    return shard_of(fill->store, fill->key.hash);
}

static bool is_stored(const struct store_fill *fill)
{
    const struct cache_object *object = fill->object;

    return object != fill->waiting[0] && object != fill->waiting[1];
}

/* With the lock: whether the object stands in the index. */
static bool is_linked(const struct cache_object *object)
{
    return (object->place & PLACE_LINKED) != 0;
}

/* Puts a marker under the fill's key; false when there is no room for one. */
static bool marker_put(struct store_fill *fill, struct shard *shard, struct cache_object *marker)
{
    bool was_put = !fill->is_dropped && object_put(shard, marker, &fill->key);

    if (was_put)
        queue_enter(shard, marker, fill->key.hash);
    return was_put;
}

static struct cache_object *marker_new(struct store_fill *fill, struct epoch_reader *reader,
    enum cache_kind kind, struct slice fields, int64_t number)
{
    struct object_parts parts = {
        .key = fill->key.text,
        .fields = fields,
        .traits = (uint8_t)kind,
        .number = number,
        .generation = fill->generation,
    };

    store_make_room(fill->store, reader, object_bytes(&parts));
    struct cache_object *marker = object_new(fill->store, &parts);

    if (marker != NULL)
        atomic_init(&marker->state, CACHE_STATE_COMPLETE);
    return marker;
}

/* The fill is over, without (all of) a response. */
static void end_failed(struct store_fill *fill, struct epoch_reader *reader,
    enum store_failure failure, struct cache_object *marker)
{
    struct shard *shard = shard_of_fill(fill);
    struct cache_object *object = fill->object;

    pthread_mutex_lock(&shard->lock);
    list_remove(&fill->link);
    if (!fill->has_ended) {
        fill->failure = (uint8_t)failure;
        atomic_store_explicit(&object->state, CACHE_STATE_FAILED, memory_order_release);
        if (is_stored(fill) && is_linked(object))
            object_unlink(shard, object, fill->key.hash);
    }
    if (marker != NULL)
        marker_put(fill, shard, marker);
    shard_unlock(shard, reader);
    fill->has_ended = true;
    cache_object_unref(fill->store, reader, marker);
}

static enum err refuse(struct store_fill *fill, struct epoch_reader *reader, enum err why)
{
    _Atomic uint64_t *count =
        why == ERR_LIMIT ? &fill->store->refused_large : &fill->store->refused_space;

    if (why == ERR_SPACE)
        store_squeeze(fill->store);
    if (why != ERR_RANGE)
        atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
    end_failed(fill, reader, why == ERR_RANGE ? STORE_FAILURE_ORIGIN : STORE_FAILURE_UNKEPT, NULL);
    return why;
}

void store_fill_fail_for(
    struct store_fill *fill, struct epoch_reader *reader, enum store_failure failure)
{
    end_failed(fill, reader, failure, NULL);
}

void store_fill_fail(struct store_fill *fill, struct epoch_reader *reader, struct wall pass_until)
{
    struct cache_object *marker = NULL;

    if (pass_until.ms > 0)
        marker = marker_new(fill, reader, CACHE_KIND_PASS, SLICE_NONE, pass_until.ms);
    end_failed(
        fill, reader, pass_until.ms > 0 ? STORE_FAILURE_UNKEPT : STORE_FAILURE_ORIGIN, marker);
}

/* How much of the body stands beside the head, and whether that is all (see body.c). */
static uint32_t inline_part(
    const struct memory *m, size_t head_bytes, int64_t total, uint8_t *traits)
{
    uint32_t most = m->block_bytes / BLOCK_MIDDLE;

    if (total < 0) {
        *traits |= TRAIT_HAS_BODY | TRAIT_UNKNOWN_TOTAL;
        return BODY_GUESS_BYTES;
    }
    if (head_bytes + (uint64_t)total <= most)
        return (uint32_t)total;
    *traits |= TRAIT_HAS_BODY;
    return (uint32_t)(total % most);
}

static struct body *body_new(struct store *store, int64_t total)
{
    struct body *body = memory_alloc(&store->memory, sizeof *body, ITEM_PART);

    if (body == NULL)
        return NULL;
    memset(body, 0, sizeof *body);
    atomic_init(&body->refs, 1);
    body->total = total;
    body->memory = memory_item_bytes(&store->memory, body);
    return body;
}

static struct cache_object *object_begin(
    struct store_fill *fill, struct epoch_reader *reader, const struct object_parts *parts)
{
    struct store *store = fill->store;

    store_make_room(store, reader, object_bytes(parts) + sizeof(struct body));
    struct cache_object *object = object_new(store, parts);

    if (object == NULL || (parts->traits & TRAIT_HAS_BODY) == 0)
        return object;
    *object_body(object) = body_new(store, fill->total);
    if (*object_body(object) != NULL)
        return object;
    memory_free(&store->memory, object);
    return NULL;
}

/* Makes `object` the fill's, and puts it under the key; the caller's reference is the fill's. */
static bool publish(struct store_fill *fill, struct shard *shard, struct cache_object *object)
{
    bool is_kept = fill->is_dropped || object_put(shard, object, &fill->key);

    if (is_kept)
        atomic_store_explicit(&fill->object, object, memory_order_release);
    return is_kept;
}

static bool is_too_long(const struct store_fill *fill, struct slice fields)
{
    return fields.length > HTTP_HEAD_MAX ||
           (fill->total >= 0 && (uint64_t)fill->total > fill->store->limits.object_max_bytes);
}

enum err store_fill_head(struct store_fill *fill, struct epoch_reader *reader, uint16_t status,
    struct slice fields, const struct cache_meta *meta, int64_t total_bytes)
{
    struct object_parts parts = { .key = fill->key.text,
        .fields = fields,
        .meta = meta,
        .status = status,
        .generation = fill->generation };

    assert(!fill->has_ended && !is_stored(fill));
    fill->total = total_bytes;
    if (is_too_long(fill, fields))
        return refuse(fill, reader, ERR_LIMIT);
    parts.inline_bytes =
        inline_part(&fill->store->memory, object_bytes(&parts), total_bytes, &parts.traits);
    struct cache_object *object = object_begin(fill, reader, &parts);

    if (object == NULL)
        return refuse(fill, reader, ERR_SPACE);
    struct shard *shard = shard_of_fill(fill);

    pthread_mutex_lock(&shard->lock);
    bool is_published = publish(fill, shard, object);

    shard_unlock(shard, reader);
    if (is_published)
        return ERR_NONE;
    cache_object_unref(fill->store, reader, object);
    return refuse(fill, reader, ERR_SPACE);
}

enum err store_fill_vary(struct store_fill *fill, struct epoch_reader *reader, struct slice vary,
    uint64_t salt, const struct cache_key *second)
{
    struct cache_object *marker = marker_new(fill, reader, CACHE_KIND_VARY, vary, (int64_t)salt);
    struct shard *shard = shard_of_fill(fill);

    assert(!fill->has_ended && !is_stored(fill) && fill->waiting[1] == NULL);
    if (marker == NULL || second->text.length > CACHE_KEY_MAX) {
        cache_object_unref(fill->store, reader, marker);
        return refuse(fill, reader, ERR_SPACE);
    }
    fill->waiting[1] = fill_placeholder(second);
    pthread_mutex_lock(&shard->lock);
    list_remove(&fill->link);
    bool is_kept = fill->is_dropped || marker_put(fill, shard, marker);

    shard_unlock(shard, reader);
    cache_object_unref(fill->store, reader, marker);
    if (!is_kept)
        return refuse(fill, reader, ERR_SPACE);
    fill->key = (struct cache_key){ cache_object_key(fill->waiting[1]), second->hash };
    atomic_store_explicit(&fill->object, fill->waiting[1], memory_order_release);
    shard = shard_of_fill(fill);
    pthread_mutex_lock(&shard->lock);
    if (!fill->is_dropped)
        fill_list(shard, fill);
    pthread_mutex_unlock(&shard->lock);
    atomic_store_explicit(&fill->has_moved, true, memory_order_release);
    return ERR_NONE;
}

/* Completes `object`, which the fill is over with; with the lock. */
static void complete(struct store_fill *fill, struct shard *shard, struct cache_object *object)
{
    atomic_store_explicit(&object->state, CACHE_STATE_COMPLETE, memory_order_release);
    if (is_linked(object))
        queue_enter(shard, object, fill->key.hash);
    list_remove(&fill->link);
    fill->has_ended = true;
}

/* A new object of the same body: shared where it is in pieces, copied where it is beside the
 * head. */
static struct cache_object *with_body_of(struct store *store, struct epoch_reader *reader,
    struct object_parts *parts, const struct cache_object *old)
{
    uint64_t length = cache_object_length(old);
    bool has_body = (old->traits & TRAIT_HAS_BODY) != 0;

    parts->inline_bytes = has_body ? old->inline_bytes : (uint32_t)length;
    parts->traits |= has_body ? TRAIT_HAS_BODY : 0;
    store_make_room(store, reader, object_bytes(parts));
    struct cache_object *object = object_new(store, parts);

    if (object == NULL)
        return NULL;
    body_copy(
        old, object_inline(object), length < parts->inline_bytes ? length : parts->inline_bytes);
    atomic_store_explicit(&object->length, length, memory_order_relaxed);
    if (has_body) {
        struct body *body = *(struct body *const *)(const void *)(old + 1);

        atomic_fetch_add(&body->refs, 1);
        *object_body(object) = body;
    }
    return object;
}

enum err store_fill_refresh(struct store_fill *fill, struct epoch_reader *reader, uint16_t status,
    struct slice fields, const struct cache_meta *meta)
{
    struct object_parts parts = { .key = fill->key.text,
        .fields = fields,
        .meta = meta,
        .status = status,
        .generation = fill->generation };
    struct cache_object *stale = fill->stale;

    assert(!fill->has_ended && !is_stored(fill) && stale != NULL &&
           cache_object_state(stale) == CACHE_STATE_COMPLETE);
    struct cache_object *object =
        fields.length > HTTP_HEAD_MAX ? NULL : with_body_of(fill->store, reader, &parts, stale);

    if (object == NULL)
        return refuse(fill, reader, ERR_SPACE);
    struct shard *shard = shard_of_fill(fill);

    atomic_init(&object->state, CACHE_STATE_COMPLETE);
    pthread_mutex_lock(&shard->lock);
    bool is_published = publish(fill, shard, object);

    if (is_published)
        complete(fill, shard, object);
    shard_unlock(shard, reader);
    if (is_published)
        return ERR_NONE;
    cache_object_unref(fill->store, reader, object);
    return refuse(fill, reader, ERR_SPACE);
}

enum err store_fill_append(struct store_fill *fill, struct epoch_reader *reader, struct slice bytes)
{
    struct cache_object *object = fill->object;
    uint64_t length = cache_object_length(object) + bytes.length;

    assert(!fill->has_ended && is_stored(fill));
    if (fill->total >= 0 && length > (uint64_t)fill->total)
        return refuse(fill, reader, ERR_RANGE);
    if (length > fill->store->limits.object_max_bytes)
        return refuse(fill, reader, ERR_LIMIT);
    if (length > object->inline_bytes)
        store_make_room(fill->store, reader, bytes.length);
    if (body_append(fill->store, object, bytes) != ERR_NONE)
        return refuse(fill, reader, ERR_SPACE);
    return ERR_NONE;
}

/* The same object without unused room; NULL where that would not save an eighth. */
static struct cache_object *compact(
    struct store_fill *fill, struct epoch_reader *reader, const struct cache_object *object)
{
    struct memory *m = &fill->store->memory;
    uint64_t length = cache_object_length(object);
    struct cache_meta meta;
    struct object_parts parts = { .key = cache_object_key(object),
        .fields = cache_object_kept_fields(object),
        .meta = &meta,
        .status = cache_object_status(object),
        .generation = object_generation(object),
        .inline_bytes = (uint32_t)length };

    if ((object->traits & TRAIT_UNKNOWN_TOTAL) == 0 || length > m->block_bytes / BLOCK_MIDDLE)
        return NULL;
    uint64_t now = object_memory(m, object);
    uint64_t then = memory_class_bytes(m, object_bytes(&parts), ITEM_OBJECT);

    if (then == 0 || now - now / COMPACT_SHARE < then)
        return NULL;
    cache_object_meta(object, &meta);
    store_make_room(fill->store, reader, then);
    struct cache_object *small = object_new(fill->store, &parts);

    if (small == NULL)
        return NULL;
    body_copy(object, object_inline(small), length);
    atomic_store_explicit(&small->length, length, memory_order_relaxed);
    atomic_store_explicit(&small->state, CACHE_STATE_COMPLETE, memory_order_relaxed);
    return small;
}

enum err store_fill_finish(struct store_fill *fill, struct epoch_reader *reader)
{
    struct cache_object *object = fill->object;
    struct shard *shard = shard_of_fill(fill);

    assert(!fill->has_ended && is_stored(fill));
    if (fill->total >= 0 && cache_object_length(object) != (uint64_t)fill->total)
        return refuse(fill, reader, ERR_RANGE);
    struct cache_object *small = compact(fill, reader, object);

    pthread_mutex_lock(&shard->lock);
    if (small != NULL && (!is_linked(object) || object_put(shard, small, &fill->key))) {
        atomic_store_explicit(&object->state, CACHE_STATE_COMPLETE, memory_order_release);
        fill->before = object;
        atomic_store_explicit(&fill->object, small, memory_order_release);
        object = small;
        small = NULL;
    }
    complete(fill, shard, object);
    shard_unlock(shard, reader);
    cache_object_unref(fill->store, reader, small);
    return ERR_NONE;
}

void store_drop(struct store *store, struct epoch_reader *reader, const struct cache_key *key)
{
    struct shard *shard = shard_of(store, key->hash);

    pthread_mutex_lock(&shard->lock);
    for (struct store_fill *fill; (fill = fill_find(shard, key)) != NULL;)
        fill_drop(shard, fill);
    struct cache_object *object = index_find(shard, key);

    if (object != NULL)
        object_unlink(shard, object, key->hash);
    shard_unlock(shard, reader);
}
