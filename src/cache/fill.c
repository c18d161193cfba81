// SPDX-License-Identifier: Apache-2.0
/*
 * Fills: one worker gets an object, all may watch.
 *
 * A running fill is listed with its shard by its key; until its head comes nothing of it stands in
 * the index. Its object is a placeholder first, which lies with the fill, then the stored one, and
 * maybe a more compact one at the end; all of them live as long as the fill does.
 *
 * Nobody sleeps through a change. A watcher is woken by a message to its loop; there is one for
 * each worker, and is_posted says that it is on its way. (1) The filler publishes, then reads the
 * worker's bit of `interested`; the watcher sets the bit, then posts to itself once. Both touch the
 * bits by read-modify-write, so one comes first: either the filler sees the bit and posts, or the
 * watcher's own message runs after the filler's change and sees it. (2) The message clears
 * is_posted before it calls anybody; who posts sets it by exchange. Either the exchange found it
 * clear and a message was sent, or it found it set and the message, which clears it later, sees
 * what was published before.
 */
#include "base/mem.h"
#include "cache/fill_priv.h"
#include "io/loop.h"

static struct list *fill_bucket(struct shard *shard, uint64_t hash)
{
    return &shard->fills[hash % FILL_BUCKETS];
}

/* With the shard's lock. */
struct store_fill *fill_find(struct shard *shard, const struct cache_key *key)
{
    list_each (link, fill_bucket(shard, key->hash)) {
        struct store_fill *fill = container_of(link, struct store_fill, link);

        if (fill->key.hash == key->hash && slice_equal(fill->key.text, key->text))
            return fill;
    }
    return NULL;
}

void fill_list(struct shard *shard, struct store_fill *fill)
{
    list_append(fill_bucket(shard, fill->key.hash), &fill->link);
}

void fill_drop(struct shard *shard, struct store_fill *fill)
{
    struct cache_object *object = fill->object;

    list_remove(&fill->link);
    fill->is_dropped = true;
    if ((object->place & PLACE_LINKED) != 0)
        object_unlink(shard, object, fill->key.hash);
}

/* Whether a purge came since it began that what it gets may match; with the shard's lock. */
static bool fill_is_purged(const struct store_fill *fill)
{
    const struct purges *purges = fill->store->purges;
    const struct cache_object *object = fill->object;
    bool has_head = cache_object_state(object) != CACHE_STATE_WAITING;
    const struct purge_subject subject = { .key = fill->key.text,
        .tags = has_head ? cache_fields_tags(cache_object_kept_fields(object)) : SLICE_NONE,
        .has_unknown_tags = !has_head };

    return fill->generation < purges_generation(purges) &&
           purges_judge(purges, &subject, fill->generation) != PURGED_NOT;
}

/* A placeholder until the head comes; the key's text lies behind it. */
struct cache_object *fill_placeholder(const struct cache_key *key)
{
    struct cache_object *object = mem_alloc(sizeof *object + key->text.length);

    object->key_bytes = (uint16_t)key->text.length;
    memcpy(object + 1, key->text.at, key->text.length);
    atomic_init(&object->refs, 1);
    atomic_init(&object->state, CACHE_STATE_WAITING);
    return object;
}

static void run(struct loop_message *message);

static struct store_fill *fill_new(struct store *store, const struct cache_key *key)
{
    unsigned workers = store->limits.worker_count;
    struct store_fill *fill = mem_alloc(sizeof *fill + workers * sizeof fill->workers[0]);

    fill->store = store;
    fill->waiting[0] = fill_placeholder(key);
    fill->key = (struct cache_key){ cache_object_key(fill->waiting[0]), key->hash };
    fill->generation = purges_generation(store->purges);
    fill->total = -1;
    atomic_init(&fill->refs, 1);
    atomic_init(&fill->object, fill->waiting[0]);
    list_init(&fill->link);
    for (unsigned i = 0; i < workers; i++) {
        fill->workers[i].fill = fill;
        fill->workers[i].message.run = run;
        list_init(&fill->workers[i].watches);
    }
    return fill;
}

static void fill_free(struct store_fill *fill, struct epoch_reader *reader)
{
    struct store *store = fill->store;
    struct cache_object *object = fill->object;

    if (object != fill->waiting[0] && object != fill->waiting[1])
        cache_object_unref(store, reader, object);
    cache_object_unref(store, reader, fill->before);
    cache_object_unref(store, reader, fill->stale);
    mem_free(fill->waiting[0]);
    mem_free(fill->waiting[1]);
    mem_free(fill);
    atomic_fetch_sub(&store->fill_count, 1);
}

/* Joins what runs, or says that there is something to use; with the shard's lock. */
static bool claim_known(struct shard *shard, const struct cache_key *key,
    const struct cache_object *stale, struct store_fill **fill, enum store_claim *claim)
{
    struct store_fill *running = fill_find(shard, key);

    if (running != NULL && fill_is_purged(running)) {
        fill_drop(shard, running);
        running = NULL;
    }
    if (running != NULL) {
        store_fill_ref(running);
        *fill = running;
        *claim = STORE_JOINED;
        return true;
    }
    struct cache_object *found = index_find(shard, key);

    if (found != NULL && store_purged(shard->store, found) == PURGED_GONE) {
        object_unlink(shard, found, key->hash);
        found = NULL;
    }
    *claim = STORE_FOUND;
    return found != NULL && found != stale;
}

enum store_claim store_claim(struct store *store, struct epoch_reader *reader,
    const struct cache_key *key, struct cache_object *stale, struct store_fill **fill)
{
    struct shard *shard = shard_of(store, key->hash);
    enum store_claim claim = STORE_FULL;

    pthread_mutex_lock(&shard->lock);
    bool is_known = claim_known(shard, key, stale, fill, &claim);

    shard_unlock(shard, reader);
    if (is_known)
        return claim;
    if (key->text.length > CACHE_KEY_MAX || atomic_fetch_add(&store->fill_count, 1) >= FILLS_MAX) {
        if (key->text.length <= CACHE_KEY_MAX)
            atomic_fetch_sub(&store->fill_count, 1);
        atomic_fetch_add_explicit(&store->refused_space, 1, memory_order_relaxed);
        return STORE_FULL;
    }
    // Made before the lock is taken again, since memory may have to come from the system.
    struct store_fill *ours = fill_new(store, key);

    pthread_mutex_lock(&shard->lock);
    if (!claim_known(shard, key, stale, fill, &claim)) {
        claim = STORE_CLAIMED;
        fill_list(shard, ours);
    }
    shard_unlock(shard, reader);
    if (claim != STORE_CLAIMED) {
        fill_free(ours, reader);
        return claim;
    }
    // What its own fill gave up, or was purged since it was found, is of no use to anybody.
    if (stale != NULL && cache_object_state(stale) == CACHE_STATE_COMPLETE &&
        store_purged(store, stale) != PURGED_GONE) {
        cache_object_ref(stale);
        ours->stale = stale;
    }
    *fill = ours;
    return STORE_CLAIMED;
}

struct cache_object *store_fill_object(struct store_fill *fill)
{
    return atomic_load_explicit(&fill->object, memory_order_acquire);
}

struct cache_object *store_fill_stale(struct store_fill *fill)
{
    return fill->stale;
}

enum store_failure store_fill_failure(const struct store_fill *fill)
{
    return (enum store_failure)fill->failure;
}

bool store_fill_has_moved(const struct store_fill *fill)
{
    return atomic_load_explicit(&fill->has_moved, memory_order_acquire);
}

void store_fill_ref(struct store_fill *fill)
{
    atomic_fetch_add_explicit(&fill->refs, 1, memory_order_relaxed);
}

void store_fill_unref(struct store_fill *fill, struct epoch_reader *reader)
{
    if (fill == NULL || atomic_fetch_sub(&fill->refs, 1) > 1)
        return;
    assert(fill->has_ended);
    fill_free(fill, reader);
}

static void post(struct fill_worker *worker)
{
    if (atomic_exchange(&worker->is_posted, true))
        return;
    store_fill_ref(worker->fill);
    loop_post(worker->loop, &worker->message);
}

/* Nobody of this worker watches any more. */
static void lose_interest(struct fill_worker *worker)
{
    atomic_fetch_and(&worker->fill->interested, ~(UINT64_C(1) << loop_index(worker->loop)));
}

static void run(struct loop_message *message)
{
    struct fill_worker *worker = container_of(message, struct fill_worker, message);
    struct store_fill *fill = worker->fill;
    struct loop *loop = worker->loop;
    struct list due;

    atomic_exchange(&worker->is_posted, false);
    // Those who are called may end their own watch or others', or begin new ones.
    list_init(&due);
    list_move_all(&due, &worker->watches);
    worker->is_telling = true;
    for (struct list *link; (link = list_pop(&due)) != NULL;) {
        struct store_watch *watch = container_of(link, struct store_watch, link);

        list_append(&worker->watches, link);
        watch->progress(watch);
    }
    worker->is_telling = false;
    if (list_empty(&worker->watches))
        lose_interest(worker);
    store_fill_unref(fill, loop_epoch_reader(loop));
}

void store_fill_wake(struct store_fill *fill)
{
    uint64_t interested = atomic_fetch_or(&fill->interested, 0);

    for (; interested != 0; interested &= interested - 1)
        post(&fill->workers[__builtin_ctzll(interested)]);
}

void store_fill_watch(struct store_fill *fill, struct loop *loop, struct store_watch *watch)
{
    unsigned index = loop_index(loop);

    assert(index < fill->store->limits.worker_count);
    struct fill_worker *worker = &fill->workers[index];

    store_fill_ref(fill);
    watch->fill = fill;
    worker->loop = loop;
    list_append(&worker->watches, &watch->link);
    atomic_fetch_or(&fill->interested, UINT64_C(1) << index);
    post(worker);
}

void store_watch_end(struct store_watch *watch, struct loop *loop)
{
    struct store_fill *fill = watch->fill;

    if (fill == NULL)
        return;
    struct fill_worker *worker = &fill->workers[loop_index(loop)];

    list_remove(&watch->link);
    watch->fill = NULL;
    if (list_empty(&worker->watches) && !worker->is_telling)
        lose_interest(worker);
    store_fill_unref(fill, loop_epoch_reader(loop));
}
