// SPDX-License-Identifier: Apache-2.0
#include "meter/answers.h"

#include <assert.h>
#include <stdatomic.h>

#include "base/hash.h"
#include "base/mem.h"

enum {
    CHUNK_PAIRS = ANSWERS_LINES_APART / sizeof(struct answers_line),
    CHUNKS_MAX = (ANSWERS_PAIRS_MAX + 1 + CHUNK_PAIRS - 1) / CHUNK_PAIRS,
    TABLE_FIRST = 256, // a power of two
};

struct pair {
    char *names;                // the three, one behind the other
    struct answers_given given; // its names alone
    uint64_t hash;
};

/* So many pairs: the lines of the first worker, of the second, and so on. */
struct chunk {
    struct pair pairs[CHUNK_PAIRS];
    struct answers_line *lines; // within `memory`, where cache lines begin
    void *memory;
};

struct answers {
    unsigned workers;
    _Atomic size_t count;
    struct counter homeless;
    struct chunk *chunks[CHUNKS_MAX]; // NULL behind the last
    uint32_t *table;                  // pairs by their names' hash; 0: free. At most half full
    size_t table_room;
};

static struct pair *pair_of(const struct answers *a, size_t at)
{
    return &a->chunks[at / CHUNK_PAIRS]->pairs[at % CHUNK_PAIRS];
}

static struct answers_line *lines_of(const struct answers *a, size_t at)
{
    return &a->chunks[at / CHUNK_PAIRS]->lines[at % CHUNK_PAIRS];
}

static void chunk_add(struct answers *a, size_t at)
{
    struct chunk *chunk = mem_new(struct chunk);

    chunk->memory = mem_alloc((size_t)a->workers * ANSWERS_LINES_APART + CACHE_LINE_BYTES);
    uintptr_t past = (uintptr_t)chunk->memory % CACHE_LINE_BYTES;

    chunk->lines = (struct answers_line *)(void *)((char *)chunk->memory +
                                                   (past == 0 ? 0 : CACHE_LINE_BYTES - past));
    a->chunks[at] = chunk;
}

/* Adds the pair behind the last; readers see it once it is whole. */
static void pair_add(struct answers *a, const struct answers_given *names, uint64_t hash)
{
    size_t at = atomic_load_explicit(&a->count, memory_order_relaxed);
    const struct slice parts[] = { names->customer, names->site, names->target };
    size_t used = 0;

    if (at % CHUNK_PAIRS == 0)
        chunk_add(a, at / CHUNK_PAIRS);
    struct pair *pair = pair_of(a, at);
    struct slice *const own[] = { &pair->given.customer, &pair->given.site, &pair->given.target };

    pair->names = mem_alloc(parts[0].length + parts[1].length + parts[2].length + 1);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (parts[i].length > 0)
            memcpy(pair->names + used, parts[i].at, parts[i].length);
        *own[i] = slice_of(pair->names + used, parts[i].length);
        used += parts[i].length;
    }
    pair->hash = hash;
    atomic_store_explicit(&a->count, at + 1, memory_order_release);
}

struct answers *answers_new(unsigned workers)
{
    struct answers *a = mem_new(struct answers);

    assert(workers > 0);
    a->workers = workers;
    a->table_room = TABLE_FIRST;
    a->table = mem_array(a->table_room, sizeof *a->table);
    pair_add(a, &(struct answers_given){ .customer = SLICE_NONE }, 0);
    return a;
}

void answers_free(struct answers *answers)
{
    if (answers == NULL)
        return;
    for (size_t i = 0; i < answers->count; i++)
        mem_free(pair_of(answers, i)->names);
    for (size_t i = 0; i < CHUNKS_MAX && answers->chunks[i] != NULL; i++) {
        mem_free(answers->chunks[i]->memory);
        mem_free(answers->chunks[i]);
    }
    mem_free(answers->table);
    mem_free(answers);
}

static bool is_pair(const struct pair *pair, const struct answers_given *names, uint64_t hash)
{
    return pair->hash == hash && slice_equal(pair->given.customer, names->customer) &&
           slice_equal(pair->given.site, names->site) &&
           slice_equal(pair->given.target, names->target);
}

/* Where the pair stands in the table, or the free place where it would. */
static uint32_t *table_find(
    const struct answers *a, const struct answers_given *names, uint64_t hash)
{
    size_t at = hash & (a->table_room - 1);

    while (a->table[at] != 0 && !is_pair(pair_of(a, a->table[at]), names, hash))
        at = (at + 1) & (a->table_room - 1);
    return &a->table[at];
}

static void table_grow(struct answers *a)
{
    mem_free(a->table);
    a->table_room *= 2;
    a->table = mem_array(a->table_room, sizeof *a->table);
    for (size_t i = 1; i < a->count; i++) {
        const struct pair *pair = pair_of(a, i);

        *table_find(a, &pair->given, pair->hash) = (uint32_t)i;
    }
}

struct answers_line *answers_pair(
    struct answers *answers, struct slice customer, struct slice site, struct slice target)
{
    const struct answers_given names = { .customer = customer, .site = site, .target = target };
    uint64_t hash = hash_bytes(customer, hash_bytes(site, hash_bytes(target, 0)));
    uint32_t *place = table_find(answers, &names, hash);
    size_t count = answers->count;

    if (*place != 0)
        return lines_of(answers, *place);
    if (count > ANSWERS_PAIRS_MAX) {
        counter_up(&answers->homeless);
        return lines_of(answers, 0);
    }
    pair_add(answers, &names, hash);
    *place = (uint32_t)count;
    if (count * 2 >= answers->table_room)
        table_grow(answers);
    return lines_of(answers, count);
}

size_t answers_count(const struct answers *answers)
{
    return atomic_load_explicit(&answers->count, memory_order_acquire);
}

void answers_read(const struct answers *answers, size_t at, struct answers_given *given)
{
    assert(at < answers_count(answers));
    *given = pair_of(answers, at)->given;
    for (unsigned i = 0; i < answers->workers; i++) {
        const struct answers_line *line = answers_line(lines_of(answers, at), i);

        for (size_t reason = 0; reason < ANSWERS_REASONS_MAX; reason++)
            given->addresses[reason] += counter_read(&line->of[reason]);
    }
}

uint64_t answers_homeless(const struct answers *answers)
{
    return counter_read(&answers->homeless);
}
