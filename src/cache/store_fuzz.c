// SPDX-License-Identifier: Apache-2.0
/*
 * The store as a state machine: random operations on a few keys, against a model that knows what
 * each key may show. Objects may vanish (eviction), but what is found must be the newest version
 * that was stored, whole, and never one that was dropped.
 */
#include <assert.h>
#include <stdio.h>

#include "cache/store.h"
#include "io/epoch.h"

enum { KEYS = 8, RUNNING = 4, STEPS_MAX = 2000 };

struct running {
    struct store_fill *fill;
    unsigned key, version;
    bool has_head, is_dropped, replaces_nothing;
};

struct model {
    struct epoch epoch;
    struct epoch_reader reader;
    struct store *store;
    struct running running[RUNNING];
    unsigned version[KEYS]; // of what stands there; 0: nothing may
    unsigned next_version;
    struct cache_object *held;
    unsigned held_key;
};

struct input {
    const unsigned char *at;
    size_t left;
};

static unsigned take(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static struct cache_key key_of(const struct model *m, unsigned number, char text[static 16])
{
    int length = snprintf(text, 16, "c/%u", number);

    return cache_key_of(slice_of(text, (size_t)length), store_seed(m->store));
}

static char byte_at(unsigned key, unsigned version, uint64_t offset)
{
    return (char)(key * 17 + version * 5 + offset + (offset >> 9));
}

static void check_object(const struct cache_object *object, unsigned key)
{
    unsigned version = cache_object_status(object);
    uint64_t length = cache_object_length(object), at = 0;
    struct iovec iov[4];

    while (at < length) {
        size_t count = cache_object_read(object, at, iov, 4);

        assert(count > 0);
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < iov[i].iov_len; j++, at++)
                assert(((const char *)iov[i].iov_base)[j] == byte_at(key, version, at));
    }
}

static struct cache_object *find(struct model *m, unsigned key)
{
    char text[16];
    struct cache_key k = key_of(m, key, text);
    struct cache_object *object = store_find(m->store, &k);

    if (object == NULL || cache_object_kind(object) != CACHE_KIND_OBJECT)
        return NULL;
    assert(cache_object_status(object) == m->version[key]);
    check_object(object, key);
    return object;
}

static void begin(struct model *m, struct running *r, unsigned key)
{
    char text[16];
    struct cache_key k = key_of(m, key, text);
    struct cache_object *found = store_find(m->store, &k);
    struct store_fill *fill;

    if (found != NULL && cache_object_state(found) != CACHE_STATE_COMPLETE)
        found = NULL;
    switch (store_claim(m->store, &m->reader, &k, found, &fill)) {
    case STORE_CLAIMED:
        *r = (struct running){ fill, key, ++m->next_version % 60000 + 1, false, false, false };
        break;
    case STORE_JOINED: store_fill_unref(fill, &m->reader); break;
    case STORE_FOUND: assert(found == NULL); break;
    case STORE_FULL: break;
    }
}

static void over(struct model *m, struct running *r)
{
    store_fill_unref(r->fill, &m->reader);
    r->fill = NULL;
}

static void head(struct model *m, struct running *r, struct input *in)
{
    struct cache_meta meta = { .lifetime_s = 9 };
    unsigned kind = take(in);
    int64_t total = kind % 2 == 0 ? -1 : (int64_t)(kind % 16 * take(in) * 40);

    if (store_fill_head(r->fill, &m->reader, (uint16_t)r->version, SLICE("A: b\r\n"), &meta,
            total) != ERR_NONE) {
        over(m, r); // what stood there stays
        return;
    }
    r->has_head = true;
    if (!r->is_dropped)
        m->version[r->key] = r->version;
}

static void gone(struct model *m, const struct running *r)
{
    if (m->version[r->key] == r->version)
        m->version[r->key] = 0;
}

static void append(struct model *m, struct running *r, struct input *in)
{
    static char bytes[64 * 1024];
    uint64_t done = cache_object_length(store_fill_object(r->fill));
    size_t length = take(in) * (1 + take(in) % 200);

    for (size_t i = 0; i < length; i++)
        bytes[i] = byte_at(r->key, r->version, done + i);
    if (store_fill_append(r->fill, &m->reader, slice_of(bytes, length)) != ERR_NONE) {
        gone(m, r);
        over(m, r);
    }
}

static void finish(struct model *m, struct running *r)
{
    if (store_fill_finish(r->fill, &m->reader) != ERR_NONE)
        gone(m, r);
    else
        check_object(store_fill_object(r->fill), r->key);
    over(m, r);
}

static void refresh(struct model *m, struct running *r)
{
    struct cache_object *stale = store_fill_stale(r->fill);
    struct cache_meta meta = { .lifetime_s = 9 };

    if (stale == NULL || cache_object_kind(stale) != CACHE_KIND_OBJECT)
        return;
    uint16_t version = cache_object_status(stale);

    if (store_fill_refresh(r->fill, &m->reader, version, SLICE("C: d\r\n"), &meta) == ERR_NONE) {
        check_object(store_fill_object(r->fill), r->key);
        if (!r->is_dropped)
            m->version[r->key] = version;
    }
    over(m, r);
}

static void fail(struct model *m, struct running *r, unsigned luck)
{
    store_fill_fail(r->fill, &m->reader, (struct wall){ luck % 2 });
    if (r->has_head)
        gone(m, r);
    over(m, r);
}

static void drop(struct model *m, unsigned key)
{
    char text[16];
    struct cache_key k = key_of(m, key, text);

    store_drop(m->store, &m->reader, &k);
    m->version[key] = 0;
    for (unsigned i = 0; i < RUNNING; i++)
        if (m->running[i].fill != NULL && m->running[i].key == key)
            m->running[i].is_dropped = true;
    assert(store_find(m->store, &k) == NULL);
}

static void hold(struct model *m, unsigned key)
{
    if (m->held != NULL)
        check_object(m->held, m->held_key);
    cache_object_unref(m->store, &m->reader, m->held);
    m->held = find(m, key);
    m->held_key = key;
    if (m->held != NULL)
        cache_object_ref(m->held);
}

static void turn(struct model *m)
{
    epoch_rest(&m->reader);
    epoch_collect(&m->reader);
    epoch_enter(&m->reader);
}

static void step(struct model *m, struct input *in)
{
    unsigned what = take(in), key = what / 16 % KEYS;
    struct running *r = &m->running[take(in) % RUNNING];

    switch (what % 16) {
    case 0:
    case 1:
    case 2: find(m, key); break;
    case 3: drop(m, key); break;
    case 4: hold(m, key); break;
    case 5:
    case 6: turn(m); break;
    default:
        if (r->fill == NULL)
            begin(m, r, key);
        else if (what % 16 == 15)
            fail(m, r, key);
        else if (!r->has_head && what % 16 == 7)
            refresh(m, r);
        else if (!r->has_head)
            head(m, r, in);
        else if (what % 16 < 12)
            append(m, r, in);
        else
            finish(m, r);
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    const struct store_limits limits = { 4 << 20, 1 << 20, 1 };
    struct input in = { data, size };
    struct model m = { .version = { 0 } };
    struct store_stats stats;

    epoch_init(&m.epoch);
    epoch_join(&m.epoch, &m.reader);
    epoch_enter(&m.reader);
    enum err err = store_new(&limits, 3, &m.store, NULL);

    assert(err == ERR_NONE);
    for (unsigned i = 0; in.left > 0 && i < STEPS_MAX; i++)
        step(&m, &in);
    for (unsigned i = 0; i < RUNNING; i++)
        if (m.running[i].fill != NULL)
            fail(&m, &m.running[i], 0);
    cache_object_unref(m.store, &m.reader, m.held);
    for (unsigned i = 0; i < KEYS; i++)
        drop(&m, i);
    for (unsigned i = 0; i < 4; i++)
        turn(&m);
    store_stats(m.store, &stats);
    assert(stats.used_bytes == 0 && stats.objects == 0 && stats.fills == 0);
    epoch_rest(&m.reader);
    epoch_leave(&m.reader);
    store_free(m.store);
    epoch_done(&m.epoch);
    return 0;
}
