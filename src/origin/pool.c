// SPDX-License-Identifier: Apache-2.0
#include "origin/pool.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"
#include "io/filter.h"
#include "io/stream.h"
#include "tls/client.h"

enum { BUCKETS = 1024, DOUBLINGS_MAX = 3 };

#define IDLE_MOST    span_s(30)
#define AVOID_FIRST  span_s(1)
#define TRIAL        span_s(2) // for this long one request tries a failed origin alone
#define FAILURE_TOOK span_s(1) // at least
#define FADES_IN     span_s(4) // of silence: then a new response time counts as much as the old

/* What the newest response time counts at least. */
static const double NEWEST_SHARE = 0.125;

struct idle {
    struct stream *stream;
    struct instant since;
};

struct known {
    struct endpoint address;
    struct list bucket;
    struct list by_use;                     // most lately used last
    struct idle idle[ORIGIN_POOL_IDLE_MAX]; // oldest first
    size_t idle_count;
    struct origin_record record;
    unsigned failures; // in a row
    struct instant avoid_until;
    uint32_t in_flight;
    double response_us;     // smoothed, at least 1; 0: not known
    struct instant learned; // when
};

struct origin_pool {
    pthread_mutex_t lock; // of all below
    struct list buckets[BUCKETS];
    struct list by_use;
    size_t known_count;
    struct origin_pool_stats stats;
};

struct origin_pool *origin_pool_new(void)
{
    struct origin_pool *pool = mem_new(struct origin_pool);

    pthread_mutex_init(&pool->lock, NULL);
    list_init(&pool->by_use);
    for (size_t i = 0; i < BUCKETS; i++)
        list_init(&pool->buckets[i]);
    return pool;
}

static void discard_all(const struct idle *idle, size_t count)
{
    for (size_t i = 0; i < count; i++)
        stream_discard(idle[i].stream);
}

static void forget(struct origin_pool *pool, struct known *known)
{
    list_remove(&known->bucket);
    list_remove(&known->by_use);
    pool->known_count--;
    pool->stats.idle -= known->idle_count;
}

/* Accepts NULL. Not under the lock: closing is a system call. */
static void drop(struct known *known)
{
    if (known != NULL)
        discard_all(known->idle, known->idle_count);
    mem_free(known);
}

void origin_pool_free(struct origin_pool *pool)
{
    if (pool == NULL)
        return;
    list_each_safe (link, &pool->by_use) {
        struct known *known = container_of(link, struct known, by_use);

        forget(pool, known);
        drop(known);
    }
    pthread_mutex_destroy(&pool->lock);
    mem_free(pool);
}

static struct list *bucket_of(struct origin_pool *pool, const struct endpoint *origin)
{
    uint64_t hash = hash_bytes(slice_of(&origin->ip, sizeof origin->ip), origin->port);

    return &pool->buckets[hash % BUCKETS];
}

/* Under the lock. */
static struct known *find(struct origin_pool *pool, const struct endpoint *origin)
{
    list_each (link, bucket_of(pool, origin)) {
        struct known *known = container_of(link, struct known, bucket);

        if (endpoint_equal(&known->address, origin))
            return known;
    }
    return NULL;
}

/*
 * Under the lock. *dropped is the longest unused origin when a new one took its place, for the
 * caller to drop after unlocking.
 */
static struct known *find_or_add(
    struct origin_pool *pool, const struct endpoint *origin, struct known **dropped)
{
    struct known *known = find(pool, origin);

    if (known == NULL) {
        if (pool->known_count == ORIGIN_POOL_ORIGINS_MAX) {
            *dropped = container_of(pool->by_use.next, struct known, by_use);
            forget(pool, *dropped);
            pool->stats.forgotten++;
        }
        known = mem_new(struct known);
        known->address = *origin;
        list_init(&known->by_use);
        list_append(bucket_of(pool, origin), &known->bucket);
        pool->known_count++;
    }
    list_remove(&known->by_use);
    list_append(&pool->by_use, &known->by_use);
    return known;
}

/* The newest stands last; from the first that is too old on all are, and the sweep closes them. */
static struct stream *take_idle(
    struct known *known, struct instant now, const struct tls_name *reuses)
{
    for (size_t i = known->idle_count; i-- > 0;) {
        struct stream *stream = known->idle[i].stream;

        if (instant_since(known->idle[i].since, now).ns >= IDLE_MOST.ns)
            return NULL;
        if (!tls_client_fits(stream_filter(stream), reuses))
            continue;
        known->idle_count--;
        memmove(
            known->idle + i, known->idle + i + 1, (known->idle_count - i) * sizeof *known->idle);
        return stream;
    }
    return NULL;
}

struct stream *origin_pool_begin(struct origin_pool *pool, const struct endpoint *origin,
    struct instant now, const struct tls_name *reuses)
{
    struct known *dropped = NULL;
    struct stream *stream = NULL;

    pthread_mutex_lock(&pool->lock);
    struct known *known = find_or_add(pool, origin, &dropped);

    known->in_flight++;
    if (known->failures > 0 && known->avoid_until.ns <= now.ns)
        known->avoid_until = instant_after(now, TRIAL);
    if (reuses != NULL)
        stream = take_idle(known, now, reuses);
    if (stream != NULL) {
        pool->stats.idle--;
        pool->stats.reused++;
    }
    pthread_mutex_unlock(&pool->lock);
    drop(dropped);
    return stream;
}

/* Under the lock. Returns what there was no room for. */
static struct stream *keep_idle(
    struct origin_pool *pool, struct known *known, struct instant now, struct stream *stream)
{
    pool->stats.given++;
    if (known->idle_count == ORIGIN_POOL_IDLE_MAX) {
        pool->stats.full++;
        return stream;
    }
    known->idle[known->idle_count++] = (struct idle){ .stream = stream, .since = now };
    pool->stats.idle++;
    return NULL;
}

void origin_pool_end(struct origin_pool *pool, const struct endpoint *origin, struct instant now,
    struct stream **stream)
{
    struct known *dropped = NULL;
    struct stream *rest = *stream;

    pthread_mutex_lock(&pool->lock);
    struct known *known = find_or_add(pool, origin, &dropped);

    if (known->in_flight > 0) // else it was forgotten meanwhile
        known->in_flight--;
    if (rest != NULL)
        rest = keep_idle(pool, known, now, rest);
    pthread_mutex_unlock(&pool->lock);
    *stream = NULL;
    if (rest != NULL)
        stream_discard(rest);
    drop(dropped);
}

bool origin_status_is_failure(int status)
{
    return status == 500 || status == 502 || status == 503 || status == 504;
}

/* Evidence fades with the clock: after a long silence the newest counts nearly alone. */
static void learn(struct known *known, bool failed, const struct origin_outcome *outcome)
{
    double took_ns = (double)instant_since(outcome->began, outcome->now).ns;
    double took_us = fmax(took_ns, failed ? (double)FAILURE_TOOK.ns : 1000) / 1000;
    double silence_ns = (double)instant_since(known->learned, outcome->now).ns;
    double share = fmax(silence_ns / (silence_ns + (double)FADES_IN.ns), NEWEST_SHARE);

    if (known->response_us == 0)
        known->response_us = took_us;
    else
        known->response_us += (took_us - known->response_us) * share;
    known->learned = outcome->now;
}

/* One that began before the last failure was known is part of that. */
static void avoid(struct known *known, const struct origin_outcome *outcome)
{
    unsigned doublings = known->failures < DOUBLINGS_MAX ? known->failures : DOUBLINGS_MAX;

    if (known->failures > 0 && outcome->began.ns < known->record.last_failure.now.ns)
        return;
    known->failures++;
    known->avoid_until = instant_after(outcome->now, (struct span){ AVOID_FIRST.ns << doublings });
}

void origin_pool_note(
    struct origin_pool *pool, const struct endpoint *origin, const struct origin_outcome *outcome)
{
    struct known *dropped = NULL;
    bool failed = outcome->err != ERR_NONE || origin_status_is_failure(outcome->status);

    pthread_mutex_lock(&pool->lock);
    struct known *known = find_or_add(pool, origin, &dropped);

    known->record.asked++;
    if (!outcome->had_body)
        learn(known, failed, outcome);
    if (failed) {
        avoid(known, outcome);
        known->record.failed++;
        known->record.last_failure = *outcome;
        pool->stats.failed++;
    } else {
        known->failures = 0;
        known->avoid_until = (struct instant){ 0 };
    }
    pthread_mutex_unlock(&pool->lock);
    drop(dropped);
}

void origin_pool_record(
    struct origin_pool *pool, const struct endpoint *origin, struct origin_record *record)
{
    pthread_mutex_lock(&pool->lock);
    const struct known *known = find(pool, origin);

    *record = (struct origin_record){ 0 };
    if (known != NULL)
        *record = known->record;
    pthread_mutex_unlock(&pool->lock);
}

void origin_pool_loads(
    struct origin_pool *pool, struct origin_load *loads, size_t count, struct instant now)
{
    pthread_mutex_lock(&pool->lock);
    for (size_t i = 0; i < count; i++) {
        const struct known *known = find(pool, loads[i].origin);

        loads[i] = (struct origin_load){ .origin = loads[i].origin };
        if (known == NULL)
            continue;
        loads[i].in_flight = known->in_flight;
        loads[i].response_us = (int64_t)known->response_us;
        loads[i].is_avoided = known->avoid_until.ns > now.ns;
    }
    pthread_mutex_unlock(&pool->lock);
}

/* Moves what is too old out of the list, oldest first; returns how many. */
static size_t take_old(struct known *known, struct instant now, struct idle *old)
{
    size_t count = 0;

    while (count < known->idle_count &&
           instant_since(known->idle[count].since, now).ns >= IDLE_MOST.ns) {
        old[count] = known->idle[count];
        count++;
    }
    known->idle_count -= count;
    memmove(known->idle, known->idle + count, known->idle_count * sizeof *known->idle);
    return count;
}

void origin_pool_sweep(struct origin_pool *pool, struct instant now)
{
    struct idle old[ORIGIN_POOL_IDLE_MAX];
    size_t count;

    // One origin a hold of the lock, until a whole round finds nothing.
    do {
        count = 0;
        pthread_mutex_lock(&pool->lock);
        list_each (link, &pool->by_use) {
            count = take_old(container_of(link, struct known, by_use), now, old);
            if (count > 0)
                break;
        }
        pool->stats.idle -= count;
        pthread_mutex_unlock(&pool->lock);
        discard_all(old, count);
    } while (count > 0);
}

void origin_pool_close_idle(struct origin_pool *pool, const struct endpoint *origin)
{
    struct idle idle[ORIGIN_POOL_IDLE_MAX];
    size_t count = 0;

    pthread_mutex_lock(&pool->lock);
    struct known *known = find(pool, origin);

    if (known != NULL) {
        count = known->idle_count;
        memcpy(idle, known->idle, count * sizeof idle[0]);
        known->idle_count = 0;
        pool->stats.idle -= count;
    }
    pthread_mutex_unlock(&pool->lock);
    discard_all(idle, count);
}

void origin_pool_stats(struct origin_pool *pool, struct origin_pool_stats *stats)
{
    pthread_mutex_lock(&pool->lock);
    *stats = pool->stats;
    stats->origins = pool->known_count;
    pthread_mutex_unlock(&pool->lock);
}
