// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The node's store in RAM: stored responses, found by key, shared by all workers.
 *
 *   A hit reads the index without a lock. What store_find returns is good until the end of the
 *   turn (io/epoch.h gives memory back only after every loop has turned); who needs it longer
 *   takes a reference. A change takes its shard's lock, never across a system call.
 *
 *   A fill stands in the index from its start: whoever misses second finds it and joins. One
 *   worker runs it, appending bytes and publishing their count; readers on all workers read the
 *   same bytes in place and are woken once a turn.
 *
 *   All object memory, index included, comes from one mapping made at the start: the store cannot
 *   outgrow what was set. S3-FIFO chooses who goes when room is needed.
 *
 * A key names an object; what a response varies by (Vary) is a second key: the first then holds a
 * marker that tells which request fields make it. Purges: cache/purges.h.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/slice.h"
#include "cache/key.h"
#include "cache/policy.h"
#include "io/loop.h"

struct store;

struct store_limits {
    uint64_t memory_bytes;     // all of it: index, heads, bodies
    uint64_t object_max_bytes; // a larger body is not kept
    unsigned worker_count;
};

/* Gauges and totals, for /metrics. */
struct store_stats {
    uint64_t memory_bytes, used_bytes, objects, fills;
    uint64_t inserts, evictions, ghost_hits, refused_space, refused_large;
    uint64_t found_gone, found_stale; // look-ups that met something purged, or in doubt
};

enum cache_kind {
    CACHE_KIND_OBJECT,
    CACHE_KIND_VARY, // `fields` is the list of request fields that make the second key
    CACHE_KIND_PASS, // not cacheable, known for a while: do not wait for each other
};

enum cache_state {
    CACHE_STATE_WAITING, // a fill runs, no head yet
    CACHE_STATE_READING, // head is good, body grows
    CACHE_STATE_COMPLETE,
    CACHE_STATE_FAILED, // the fill ended without (all of) a response; out of the index
};

/* A stored response: one packed item of the store's memory, read through the functions below.
 * Constant once complete but for the marks of use. */
struct cache_object;
struct store_fill;

/* NULL `*store`, with a reason, when the memory cannot be mapped or is too small. */
[[nodiscard]] enum err store_new(
    const struct store_limits *limits, uint64_t seed, struct store **store, struct diag *why);

/* After all loops that used it ended; references must be gone. */
void store_free(struct store *store);

void store_stats(struct store *store, struct store_stats *stats);

uint64_t store_seed(const struct store *store); // for cache_key_of

/* What stands under the key: an object that is complete or being read, or a marker; NULL when
 * nothing does that is not PURGED_GONE (a fill that waits for its head is met by store_claim).
 * Marks it as used. Lock free; good until the turn's end. */
struct cache_object *store_find(struct store *store, const struct cache_key *key);

enum cache_kind cache_object_kind(const struct cache_object *object);
struct slice cache_object_key(const struct cache_object *object);       // its text
struct wall cache_object_until(const struct cache_object *object);      // of a PASS marker
uint64_t cache_object_salt(const struct cache_object *object);          // of a VARY marker
enum cache_state cache_object_state(const struct cache_object *object); // acquire

/* Good from CACHE_STATE_READING on (read the state first); fields also of a VARY marker. They are
 * what is sent; kept_fields have tags before them. Freshness is meta less its slices, which stay
 * empty: all that a plain hit asks for; `vary` stays so in either. */
uint16_t cache_object_status(const struct cache_object *object);
struct slice cache_object_fields(const struct cache_object *object);
struct slice cache_object_kept_fields(const struct cache_object *object);
void cache_object_meta(const struct cache_object *object, struct cache_meta *meta);
void cache_object_freshness(const struct cache_object *object, struct cache_meta *meta);
int64_t cache_object_total(const struct cache_object *object); // of the body; -1: not known yet

/* Body bytes that can be read now; acquire. */
uint64_t cache_object_length(const struct cache_object *object);

/* At most `most` iovecs over the body from `offset` on, as far as it is there. */
size_t cache_object_read(
    const struct cache_object *object, uint64_t offset, struct iovec *iov, size_t most);

/* Shared by threads. The last unref of an object that left the index gives it back after every
 * loop has turned. */
void cache_object_ref(struct cache_object *object);
void cache_object_unref(
    struct store *store, struct epoch_reader *reader, struct cache_object *object);

enum store_claim {
    STORE_CLAIMED, // nothing fit to use, nobody gets it yet: *fill is ours to run
    STORE_JOINED,  // someone fills already: *fill may be watched; what it gets is not purged
    STORE_FOUND,   // meanwhile there is something to use: look again
    STORE_FULL,    // no memory: go without
};

/*
 * Starts, or joins, the fill of a key. `stale` is what the caller found and cannot use as it is,
 * or NULL: a claimed fill then stands beside it, and what is in the index stays until the fill's
 * head replaces it. A fill that began before a purge which matches it is not joined: it goes on for
 * those who wait for it, and is kept for nobody else. Each claim or join is one reference to the
 * fill, given up by store_fill_unref.
 */
enum store_claim store_claim(struct store *store, struct epoch_reader *reader,
    const struct cache_key *key, struct cache_object *stale, struct store_fill **fill);

/*
 * The object being filled; good as long as the fill is referenced. Ask again after each progress:
 * the head's arrival, a refresh and the end may put another in its place (the old one's bytes are
 * the same, and stay as long as the fill).
 */
struct cache_object *store_fill_object(struct store_fill *fill);

/* What it is to replace, complete, or NULL; good likewise (a failed fill's watchers may serve it
 * stale). */
struct cache_object *store_fill_stale(struct store_fill *fill);

/*
 * By the worker that claimed, from here on. Head: copies status, fields and meta (its slices are
 * bound to the copy) into the store and publishes the object under its key. total_bytes: -1 when
 * not known. ERR_SPACE: cannot be kept; the fill has failed.
 */
[[nodiscard]] enum err store_fill_head(struct store_fill *fill, struct epoch_reader *reader,
    uint16_t status, struct slice fields, const struct cache_meta *meta, int64_t total_bytes);

/*
 * The response varies: puts a marker with `vary` under the fill's key and moves the fill to
 * `second`, which was made with a `salt` of store_salt_new: so a purge of the marker leaves no
 * way to what it led to. Those who watch look again (store_fill_has_moved). Before
 * store_fill_head.
 */
[[nodiscard]] enum err store_fill_vary(struct store_fill *fill, struct epoch_reader *reader,
    struct slice vary, uint64_t salt, const struct cache_key *second);

bool store_fill_has_moved(const struct store_fill *fill);

/* A number no marker has had yet. */
uint64_t store_salt_new(struct store *store);

/* A 304: the stale object's body with this head and meta takes its place and is complete. */
[[nodiscard]] enum err store_fill_refresh(struct store_fill *fill, struct epoch_reader *reader,
    uint16_t status, struct slice fields, const struct cache_meta *meta);

/* Appends to the body and publishes. ERR_LIMIT: over the object size, nothing appended; ERR_SPACE:
 * over the memory, appended as far as it went. What came so far stays readable for those who read,
 * and the fill has failed. */
[[nodiscard]] enum err store_fill_append(
    struct store_fill *fill, struct epoch_reader *reader, struct slice bytes);

/* The body is all there. ERR_RANGE: its length is not the announced one; the fill has failed. */
[[nodiscard]] enum err store_fill_finish(struct store_fill *fill, struct epoch_reader *reader);

/* Ends it (cache/failure.h); with pass_until above 0, UNKEPT, and a PASS marker stays till then. */
void store_fill_fail(struct store_fill *fill, struct epoch_reader *reader, struct wall pass_until);

/* Wakes the watchers of all workers; once a turn, after the changes above. */
void store_fill_wake(struct store_fill *fill);

void store_fill_ref(struct store_fill *fill);
void store_fill_unref(struct store_fill *fill, struct epoch_reader *reader);

/*
 * One who waits for a fill on some worker: `progress` runs on that worker's loop, at most once a
 * turn, after state or length changed. Watching holds a reference to the fill. Embedded.
 */
struct store_watch {
    struct list link;
    struct store_fill *fill; // NULL: watches nothing
    void (*progress)(struct store_watch *watch);
};

void store_fill_watch(struct store_fill *fill, struct loop *loop, struct store_watch *watch);

/* On the same loop; nothing happens when it watches nothing. May be called within progress. */
void store_watch_end(struct store_watch *watch, struct loop *loop);

/* Takes what stands under the key out (unsafe methods, purges); readers keep what they hold. */
void store_drop(struct store *store, struct epoch_reader *reader, const struct cache_key *key);
