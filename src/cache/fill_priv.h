// SPDX-License-Identifier: Apache-2.0
#pragma once

/* A running fill, as its two files see it: fill.c joins and wakes, fill_run.c is the filler's. */

#include "base/list.h"
#include "cache/failure.h"
#include "cache/store_priv.h"
#include "io/loop.h"

/* The watchers of one worker; the list belongs to that worker's thread. */
struct fill_worker {
    struct loop_message message;
    struct store_fill *fill;
    struct loop *loop; // set before the worker's bit of `interested`
    struct list watches;
    _Atomic bool is_posted;
    bool is_telling; // its watchers are being called: some are in no list meanwhile
};

struct store_fill {
    struct list link; // in its shard's table, while it can be joined
    struct store *store;
    struct cache_key key; // changes under the lock, while it is in no table
    _Atomic uint32_t refs;
    _Atomic bool has_moved;
    _Atomic uint64_t interested; // bits of workers that have watchers
    _Atomic(struct cache_object *) object;
    struct cache_object *waiting[2]; // placeholders: of the first key, and of the second
    struct cache_object *before;     // the object that a more compact one replaced
    struct cache_object *stale;
    uint64_t generation; // of purges, when it began
    int64_t total;       // of the body, as announced; -1: not known
    bool is_dropped;     // purged meanwhile: goes on for those who wait, is kept for nobody else
    bool has_ended;
    uint8_t failure; // enum store_failure; set before the object's state says so
    struct fill_worker workers[];
};

/* The running fill of that key that can be joined, or NULL; and putting one there. With the
 * shard's lock. */
struct store_fill *fill_find(struct shard *shard, const struct cache_key *key);
void fill_list(struct shard *shard, struct store_fill *fill);

/* From now on it is for those alone who wait already. With the shard's lock. */
void fill_drop(struct shard *shard, struct store_fill *fill);

/* Stands for the object until its head comes. Freed with mem_free. */
struct cache_object *fill_placeholder(const struct cache_key *key);
