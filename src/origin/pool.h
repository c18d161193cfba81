// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What a node knows of each origin's connections, shared by its workers: idle connections to use
 * again, and whether the origin has just failed. Idle connections lie outside all loops, so that
 * whichever worker misses next finds them. The lock is never held across a system call.
 *
 * An origin is named by its address; the pool outlives configurations. A failed one is tried last
 * for a while, longer with each failure in a row, so that a dead origin does not cost every miss
 * a time-out.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"

struct origin_pool;
struct stream;

enum {
    ORIGIN_POOL_ORIGINS_MAX = 4096, // known at a time; of more, the longest unused is forgotten
    ORIGIN_POOL_IDLE_MAX = 64,      // idle connections of one origin
};

struct origin_pool_stats {
    uint64_t idle, origins;               // now
    uint64_t reused, given, full, failed; // totals; full: closed since the list was
};

struct origin_pool *origin_pool_new(void);

/* Closes what is idle. Accepts NULL. */
void origin_pool_free(struct origin_pool *pool);

/* The connection that was given last and is not older than the idle time; NULL when none is. */
struct stream *origin_pool_take(
    struct origin_pool *pool, const struct endpoint *origin, struct instant now);

/* Hands a detached stream over (*stream becomes NULL); closes it when the list is full. */
void origin_pool_give(struct origin_pool *pool, const struct endpoint *origin, struct instant now,
    struct stream **stream);

/* What came of asking an origin. */
struct origin_outcome {
    enum err err; // ERR_NONE: it answered
    int status;   // with ERR_NONE
    struct instant now;
    struct wall at;
};

/* An error, or an answer that origin_status_is_failure, counts as a failure. */
void origin_pool_note(
    struct origin_pool *pool, const struct endpoint *origin, const struct origin_outcome *outcome);

/* 500, 502, 503, 504: the origin itself says that it cannot. */
bool origin_status_is_failure(int status);

/* What is known of one origin. */
struct origin_record {
    uint64_t asked, failed;
    struct origin_outcome last_failure; // good when failed is above 0
};

/* Zeroed for one that was never asked. */
void origin_pool_record(
    struct origin_pool *pool, const struct endpoint *origin, struct origin_record *record);

/* It failed lately and is to be tried after the others. */
bool origin_pool_avoids(
    struct origin_pool *pool, const struct endpoint *origin, struct instant now);

/* Closes connections that were idle for too long; once a second or so. */
void origin_pool_sweep(struct origin_pool *pool, struct instant now);

void origin_pool_stats(struct origin_pool *pool, struct origin_pool_stats *stats);
