// SPDX-License-Identifier: Apache-2.0
/*
 * Measures the store alone: a trace of requests replayed through it beside an LRU of the same
 * bytes, the time of a look-up, and the memory of an object.
 *
 *   cache-replay trace MIB < TRACE.csv      first line names the columns: object, and maybe size
 *   cache-replay zipf MIB OBJECTS REQUESTS SKEW
 *   cache-replay lookup OBJECTS
 *   cache-replay memory MIB BODY_BYTES
 *
 * The LRU is charged with body, head and key alone, nothing for its index or lost to fragments:
 * what the store must make up for by choosing better.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "cache/purges.h"
#include "cache/store.h"
#include "io/epoch.h"

enum { FIELD_BYTES = 200, HEAD_BYTES = 64, KEY_BYTES = 40, SIZE_UNKNOWN = 8192, TURN_EVERY = 16 };

struct bench {
    struct epoch epoch;
    struct epoch_reader reader;
    struct store *store;
    char fields[FIELD_BYTES];
};

struct ratio {
    uint64_t requests, misses, bytes, missed_bytes;
};

/* An LRU over numbered objects: links by number, in arrays that grow. */
struct lru {
    uint64_t capacity, used;
    uint32_t *next, *prev; // 0 is the head of the circle; object n is n + 1
    uint64_t *size;        // 0: not there
    size_t room;
};

static void lru_unlink(struct lru *l, uint32_t at)
{
    l->next[l->prev[at]] = l->next[at];
    l->prev[l->next[at]] = l->prev[at];
    l->used -= l->size[at];
    l->size[at] = 0;
}

static void lru_push(struct lru *l, uint32_t at, uint64_t size)
{
    l->next[at] = l->next[0];
    l->prev[at] = 0;
    l->prev[l->next[0]] = at;
    l->next[0] = at;
    l->size[at] = size;
    l->used += size;
}

static void lru_grow(struct lru *l, size_t room)
{
    size_t old = l->room;

    if (room <= old)
        return;
    l->room = room * 2;
    l->next = mem_resize(l->next, l->room * sizeof *l->next);
    l->prev = mem_resize(l->prev, l->room * sizeof *l->prev);
    l->size = mem_resize(l->size, l->room * sizeof *l->size);
    memset(l->size + old, 0, (l->room - old) * sizeof *l->size);
    if (old == 0)
        l->next[0] = l->prev[0] = 0;
}

/* True for a hit. */
static bool lru_ask(struct lru *l, uint32_t object, uint64_t size)
{
    uint32_t at = object + 1;

    lru_grow(l, (size_t)at + 1);
    bool is_hit = l->size[at] > 0;

    if (is_hit)
        lru_unlink(l, at);
    if (size > l->capacity)
        return false;
    lru_push(l, at, size);
    while (l->used > l->capacity)
        lru_unlink(l, l->prev[0]);
    return is_hit;
}

static void bench_open(struct bench *b, uint64_t memory_bytes)
{
    struct store_limits limits = { memory_bytes, memory_bytes / 2, 1 };
    struct diag why;

    epoch_init(&b->epoch);
    epoch_join(&b->epoch, &b->reader);
    epoch_enter(&b->reader);
    memset(b->fields, 'x', sizeof b->fields);
    memcpy(b->fields, "X: ", 3);
    memcpy(b->fields + FIELD_BYTES - 2, "\r\n", 2);
    if (store_new(&limits, 1, &b->store, &why) != ERR_NONE) {
        fprintf(stderr, "%s\n", why.text);
        exit(1);
    }
}

static void turn(struct bench *b)
{
    epoch_rest(&b->reader);
    epoch_collect(&b->reader);
    epoch_enter(&b->reader);
}

static struct cache_key key_of(const struct bench *b, uint32_t object, char text[static 64])
{
    int length = snprintf(text, 64, "static.example.net/objects/%013u", object);

    return cache_key_of(slice_of(text, (size_t)length), store_seed(b->store));
}

static void put(struct bench *b, const struct cache_key *key, uint64_t size)
{
    static const char zeros[65536];
    struct cache_meta meta = { .lifetime_s = 1 << 30 };
    struct store_fill *fill;

    if (store_claim(b->store, &b->reader, key, NULL, &fill) != STORE_CLAIMED)
        return;
    enum err err = store_fill_head(
        fill, &b->reader, 200, slice_of(b->fields, FIELD_BYTES), &meta, (int64_t)size);

    while (err == ERR_NONE && size > 0) {
        uint64_t part = size < sizeof zeros ? size : sizeof zeros;

        err = store_fill_append(fill, &b->reader, slice_of(zeros, part));
        size -= part;
    }
    if (err == ERR_NONE)
        err = store_fill_finish(fill, &b->reader);
    store_fill_unref(fill, &b->reader);
}

/* True for a hit. */
static bool store_ask(struct bench *b, uint32_t object, uint64_t size)
{
    char text[64];
    struct cache_key key = key_of(b, object, text);
    bool is_hit = store_find(b->store, &key) != NULL;
    static unsigned since;

    if (!is_hit)
        put(b, &key, size);
    if (++since % TURN_EVERY == 0)
        turn(b);
    return is_hit;
}

static void count(struct ratio *r, bool is_hit, uint64_t size)
{
    r->requests++;
    r->bytes += size;
    r->misses += is_hit ? 0 : 1;
    r->missed_bytes += is_hit ? 0 : size;
}

static void show(const char *name, const struct ratio *r)
{
    printf("%-8s %9llu requests  object misses %6.2f %%  byte misses %6.2f %%\n", name,
        (unsigned long long)r->requests, 100.0 * (double)r->misses / (double)r->requests,
        100.0 * (double)r->missed_bytes / (double)r->bytes);
}

struct race {
    struct bench bench;
    struct lru lru;
    struct ratio ours, theirs;
};

static void race_ask(struct race *r, uint32_t object, uint64_t size)
{
    count(&r->ours, store_ask(&r->bench, object, size), size);
    count(&r->theirs, lru_ask(&r->lru, object, size + FIELD_BYTES + HEAD_BYTES + KEY_BYTES), size);
}

static void race_show(struct race *r)
{
    struct store_stats s;

    store_stats(r->bench.store, &s);
    show("store", &r->ours);
    show("lru", &r->theirs);
    printf("objects %llu  used %.1f MiB of %.1f  evictions %llu  ghost hits %llu  refused %llu\n",
        (unsigned long long)s.objects, (double)s.used_bytes / 1048576,
        (double)s.memory_bytes / 1048576, (unsigned long long)s.evictions,
        (unsigned long long)s.ghost_hits, (unsigned long long)(s.refused_space + s.refused_large));
}

/* Which column of the first line has the name; -1: none. */
static int column_of(const char *line, const char *name)
{
    struct slice rest = slice_trim(slice_head(slice_text(line), strcspn(line, "\r\n"))), part;

    for (int at = 0; slice_cut(&rest, ',', &part); at++)
        if (slice_same(part, slice_text(name)))
            return at;
    return -1;
}

static uint64_t number_in(const char *line, int column)
{
    for (; column > 0 && *line != '\0'; line++)
        if (*line == ',')
            column--;
    return strtoull(line, NULL, 10);
}

static int replay(struct race *r)
{
    char line[256];

    if (fgets(line, sizeof line, stdin) == NULL)
        return 1;
    int object = column_of(line, "object"), size = column_of(line, "size");

    if (object < 0) {
        fprintf(stderr, "the first line names no column \"object\"\n");
        return 1;
    }
    while (fgets(line, sizeof line, stdin) != NULL)
        race_ask(
            r, (uint32_t)number_in(line, object), size < 0 ? SIZE_UNKNOWN : number_in(line, size));
    return 0;
}

/* Ranks by the inverse of a power law's integral; sizes from 300 B up, most of them small. */
static void zipf(struct race *r, uint32_t objects, uint64_t requests, double skew)
{
    uint64_t luck = 88172645463325252;
    double last = pow(objects, 1 - skew) - 1;

    for (uint64_t i = 0; i < requests; i++) {
        luck ^= luck << 13;
        luck ^= luck >> 7;
        luck ^= luck << 17;
        double u = (double)(luck >> 11) / (double)(UINT64_C(1) << 53);
        uint32_t rank = (uint32_t)(pow(u * last + 1, 1 / (1 - skew)) - 1);
        uint64_t dice = hash_mix(rank + 1);

        race_ask(r, rank, 300 + (dice & 4095) * (dice >> 60 == 0 ? 50 : 4));
    }
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); // others share the machine
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long long all = 0, in = 0;

    if (file == NULL || fscanf(file, "%llu %llu", &all, &in) != 2)
        in = 0;
    if (file != NULL)
        fclose(file);
    return in * (uint64_t)sysconf(_SC_PAGESIZE);
}

enum { ASKED_MAX = 1 << 16, LOOKUPS = 20000000, PURGED_LOOKUPS = LOOKUPS / 10 };

/* Purges of something else before each time that all are looked up. */
static void lookup_purged(struct bench *b, const struct cache_key *keys, uint32_t asked,
    struct slice site, const char *where)
{
    struct purges *purges = store_purges(b->store);
    uint32_t found = 0;
    double start = seconds();

    for (uint32_t i = 0; i < PURGED_LOOKUPS; i++) {
        if (i % asked == 0) {
            purges_add(purges, PURGE_URL, site, SLICE("/other"), false);
            purges_add(purges, PURGE_PREFIX, site, SLICE("/other/"), false);
            purges_add(purges, PURGE_TAG, site, SLICE("other"), false);
        }
        found += store_find(b->store, &keys[i % asked]) != NULL;
    }
    printf("  %.1f ns the first after purges in %s (%u of %u found)\n",
        (seconds() - start) / PURGED_LOOKUPS * 1e9, where, found, PURGED_LOOKUPS);
}

static void lookup(struct bench *b, uint32_t objects)
{
    static char texts[ASKED_MAX][64];
    static struct cache_key keys[ASKED_MAX];
    uint32_t asked = objects < ASKED_MAX ? objects : ASKED_MAX, found = 0;
    char text[64];

    for (uint32_t i = 0; i < objects; i++) {
        struct cache_key key = key_of(b, i, text);

        put(b, &key, 128);
        if (i % TURN_EVERY == 0)
            turn(b);
    }
    for (uint32_t i = 0; i < asked; i++) // scattered over all of them
        keys[i] = key_of(b, (uint32_t)(hash_mix(i + 1) % objects), texts[i]);
    double start = seconds();

    for (uint32_t i = 0; i < LOOKUPS; i++)
        found += store_find(b->store, &keys[i % asked]) != NULL;
    double taken = seconds() - start;

    printf("%u objects: %.1f ns a look-up (%u of %u found)\n", objects, taken / LOOKUPS * 1e9,
        found, LOOKUPS);
    lookup_purged(b, keys, asked, SLICE("elsewhere.example"), "another site");
    lookup_purged(
        b, keys, asked, slice_head(keys[0].text, slice_find(keys[0].text, '/')), "its site");
}

static void memory(struct bench *b, uint64_t memory_bytes, uint64_t body_bytes)
{
    uint64_t before = resident(), count_max = memory_bytes / body_bytes * 2;
    struct store_stats s;
    char text[64];

    for (uint64_t i = 0; i < count_max; i++) {
        struct cache_key key = key_of(b, (uint32_t)i, text);

        put(b, &key, body_bytes);
        if (i % TURN_EVERY == 0)
            turn(b);
    }
    store_stats(b->store, &s);
    uint64_t grown = resident() - before;

    printf("%llu objects of %llu B body, %d B fields, %d B key: %.0f B each of %.1f MiB resident "
           "(%.1f %% of what was set)\n",
        (unsigned long long)s.objects, (unsigned long long)body_bytes, FIELD_BYTES, KEY_BYTES,
        (double)grown / (double)s.objects, (double)grown / 1048576,
        100.0 * (double)grown / (double)memory_bytes);
}

static void race_open(struct race *r, uint64_t memory_bytes)
{
    bench_open(&r->bench, memory_bytes);
    r->lru.capacity = memory_bytes;
}

int main(int argc, char **argv)
{
    static struct race r;
    uint64_t number = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;

    if (argc == 3 && strcmp(argv[1], "trace") == 0) {
        race_open(&r, number << 20);
        if (replay(&r) != 0)
            return 1;
        race_show(&r);
    } else if (argc == 6 && strcmp(argv[1], "zipf") == 0) {
        race_open(&r, number << 20);
        zipf(&r, (uint32_t)atol(argv[3]), strtoull(argv[4], NULL, 10), atof(argv[5]));
        race_show(&r);
    } else if (argc == 3 && strcmp(argv[1], "lookup") == 0) {
        bench_open(&r.bench, (number * 640) + (UINT64_C(64) << 20));
        lookup(&r.bench, (uint32_t)number);
    } else if (argc == 4 && strcmp(argv[1], "memory") == 0) {
        bench_open(&r.bench, number << 20);
        memory(&r.bench, number << 20, strtoull(argv[3], NULL, 10));
    } else {
        fprintf(stderr, "usage: cache-replay trace MIB < CSV | zipf MIB OBJECTS REQUESTS SKEW | "
                        "lookup OBJECTS | memory MIB BODY_BYTES\n");
        return 2;
    }
    return 0;
}
