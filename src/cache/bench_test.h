// SPDX-License-Identifier: Apache-2.0
#pragma once

/* A store and one reader of it, for tests. Objects have a number, which is in their key and in
 * each byte of their body. */

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "cache/store.h"
#include "io/epoch.h"

#define MIB UINT64_C(1048576)

static const struct wall NOW = { INT64_C(1795343400000) };

struct bench {
    struct epoch epoch;
    struct epoch_reader reader;
    struct store *store;
    char text[64];
};

static inline int bench_open(void **state, uint64_t memory_bytes)
{
    struct bench *b = test_calloc(1, sizeof *b);
    struct store_limits limits = { memory_bytes, memory_bytes / 2, 2 };

    epoch_init(&b->epoch);
    epoch_join(&b->epoch, &b->reader);
    epoch_enter(&b->reader);
    assert_int_equal(store_new(&limits, 7, &b->store, NULL), ERR_NONE);
    *state = b;
    return 0;
}

static inline int setup(void **state)
{
    return bench_open(state, 16 * MIB);
}

/* A loop's turn ends and the next begins. */
static inline void turn(struct bench *b)
{
    epoch_rest(&b->reader);
    epoch_collect(&b->reader);
    epoch_enter(&b->reader);
}

static inline int teardown(void **state)
{
    struct bench *b = *state;

    epoch_rest(&b->reader);
    epoch_leave(&b->reader);
    store_free(b->store);
    epoch_done(&b->epoch);
    test_free(b);
    return 0;
}

static inline struct cache_key key_of(struct bench *b, unsigned number)
{
    int length = snprintf(b->text, sizeof b->text, "a.example/%u", number);

    return cache_key_of(slice_of(b->text, (size_t)length), store_seed(b->store));
}

static inline struct cache_object *find(struct bench *b, unsigned number)
{
    struct cache_key key = key_of(b, number);

    return store_find(b->store, &key);
}

static inline struct store_fill *claim(struct bench *b, unsigned number, struct cache_object *stale)
{
    struct cache_key key = key_of(b, number);
    struct store_fill *fill = NULL;

    assert_int_equal(store_claim(b->store, &b->reader, &key, stale, &fill), STORE_CLAIMED);
    return fill;
}

static const struct slice FIELDS = { "X: 1\r\nETag: \"e\"\r\nVary: x\r\n", 27 };
static const struct cache_meta META = { .received = { 5000 },
    .age_s = 1,
    .lifetime_s = INT64_C(2147483648),
    .stale_if_error_s = 3,
    .stale_while_revalidate_s = 4,
    .always_revalidate = true };

/* The byte of a body at an offset. */
static inline char byte_at(unsigned number, uint64_t offset)
{
    return (char)((offset * 31 + (offset >> 12) + number * 7) & 0xff);
}

static inline enum err append(
    struct bench *b, struct store_fill *fill, unsigned number, uint64_t bytes)
{
    static char part[100000];
    uint64_t done = cache_object_length(store_fill_object(fill));

    for (uint64_t end = done + bytes; done < end;) {
        uint64_t length = end - done < sizeof part ? end - done : sizeof part;

        for (uint64_t i = 0; i < length; i++)
            part[i] = byte_at(number, done + i);
        enum err err = store_fill_append(fill, &b->reader, slice_of(part, length));

        if (err != ERR_NONE)
            return err;
        done += length;
    }
    return ERR_NONE;
}

/* Stores an object of that many bytes; with `is_known`, its length is announced. */
static inline enum err try_put(struct bench *b, unsigned number, uint64_t bytes, bool is_known)
{
    struct store_fill *fill = claim(b, number, NULL);
    enum err err =
        store_fill_head(fill, &b->reader, 200, FIELDS, &META, is_known ? (int64_t)bytes : -1);

    if (err == ERR_NONE)
        err = append(b, fill, number, bytes);
    if (err == ERR_NONE)
        err = store_fill_finish(fill, &b->reader);
    store_fill_unref(fill, &b->reader);
    return err;
}

static inline void put(struct bench *b, unsigned number, uint64_t bytes, bool is_known)
{
    assert_int_equal(try_put(b, number, bytes, is_known), ERR_NONE);
}

static inline void check_body(const struct cache_object *object, unsigned number, uint64_t bytes)
{
    struct iovec iov[3];
    uint64_t done = 0;

    assert_int_equal(cache_object_length(object), bytes);
    while (done < bytes) {
        size_t count = cache_object_read(object, done, iov, COUNT_OF(iov));

        assert_in_range(count, 1, COUNT_OF(iov));
        for (size_t i = 0; i < count; i++)
            for (size_t at = 0; at < iov[i].iov_len; at++, done++)
                if (((const char *)iov[i].iov_base)[at] != byte_at(number, done))
                    fail_msg("byte %llu of object %u", (unsigned long long)done, number);
    }
    assert_int_equal(cache_object_read(object, bytes, iov, 1), 0);
}

static inline uint64_t used(struct bench *b)
{
    struct store_stats stats;

    store_stats(b->store, &stats);
    return stats.used_bytes;
}
