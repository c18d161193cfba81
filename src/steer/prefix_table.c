// SPDX-License-Identifier: Apache-2.0
/*
 * Both families are looked up alike, by the first 48 bits of the address (the last 24 of an IPv4
 * key are zero). A table of the first 6, 12 or 18 bits leads to leaves and nodes; a node stands
 * for 64 blocks of the next 6 bits, and so on, so that a /24 is found in two steps and a /48 in
 * six at most.
 *
 *     entry   bit 31 set: a node, by its place in `words`
 *             else a leaf: the number, then 6 bits for how many bits of the address decided
 *     node    64 bits, one for each block that differs from the one before it; then the entries
 *             of these, in order. The entry of a block is found by counting bits up to its own.
 *
 * The entries lie behind their bits, as most nodes have few: so a node is mostly one line of the
 * cache, where a node with its leaves elsewhere takes two. A table of all 2^24 first bits would
 * take one step and 64 MiB, and its one step waits for memory: 200 to 270 ns among random addresses
 * in the world's routing table of 2014, where this shape takes 2.7 MB, stays in the cache and needs
 * 35 to 45 ns. With 12 first bits instead of 18 it is as fast, with over a million prefixes slower.
 */
#include "steer/prefix_table.h"

#include <assert.h>
#include <endian.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"

enum {
    KEY_BITS = 48,
    STRIDE = 6,
    BLOCKS = 1 << STRIDE,
    ROOT_BITS_MAX = 3 * STRIDE,
    ENTRIES_MAX = 1 << 25,
    WORDS_MAX = 1 << 26, // 256 MiB
    HEAD_WORDS = 2,      // of a node
};

static const uint32_t NODE = UINT32_C(1) << 31;

struct half {
    uint32_t *root;
    unsigned shift; // of a key, so that it is a place in `root`
    uint32_t *words;
    size_t word_count;
};

struct prefix_table {
    struct half v4, v6;
};

static uint64_t key_of(const struct ip *ip)
{
    if (ip->family == IP_V4) {
        uint32_t first;

        memcpy(&first, ip->bytes, sizeof first);
        return (uint64_t)(be32toh(first) >> (32 - PREFIX_BITS_V4)) << (KEY_BITS - PREFIX_BITS_V4);
    }
    uint64_t first;

    memcpy(&first, ip->bytes, sizeof first);
    return be64toh(first) >> (64 - KEY_BITS);
}

/* What was given, in the order in which it covers the addresses. */
struct item {
    uint64_t key;
    uint32_t number, order;
    uint8_t length;
};

/* Addresses from `start` to the start of the next. Neighbours differ. */
struct range {
    uint64_t start;
    uint32_t number;
};

struct ranges {
    struct range *list; // the last one is an end mark
    size_t count;
};

static int items_compare(const void *left, const void *right)
{
    const struct item *a = left, *b = right;

    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* Those of one family, sorted. */
static struct item *items_of(
    const struct prefix_entry *entries, size_t count, enum ip_family family, size_t *item_count)
{
    uint8_t most = family == IP_V4 ? PREFIX_BITS_V4 : PREFIX_BITS_V6;
    struct item *items = mem_array(count + 1, sizeof *items);
    bool is_sorted = true;
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        const struct prefix *prefix = &entries[i].prefix;

        assert(prefix->ip.family != IP_NONE && prefix->length <= 8 * ip_size(&prefix->ip));
        assert(entries[i].number <= PREFIX_NUMBER_MAX);
        if (prefix->ip.family != family)
            continue;
        uint8_t length = prefix->length < most ? prefix->length : most;
        struct ip first = prefix_of(&prefix->ip, length).ip;

        items[at] = (struct item){ key_of(&first), entries[i].number, (uint32_t)i, length };
        if (at > 0 && items_compare(&items[at - 1], &items[at]) > 0)
            is_sorted = false;
        at++;
    }
    if (!is_sorted)
        qsort(items, at, sizeof *items, items_compare);
    *item_count = at;
    return items;
}

/* From `start` on the addresses have this number, whatever was said before. */
static void ranges_turn(struct ranges *r, uint64_t start, uint32_t number)
{
    if (r->count > 0 && r->list[r->count - 1].start == start)
        r->count--;
    if (r->count == 0 || r->list[r->count - 1].number != number)
        r->list[r->count++] = (struct range){ start, number };
}

/* Leaves the prefixes that end before `key`: what follows is of those around them. */
static unsigned ranges_leave(
    struct ranges *r, const struct range *open, unsigned depth, uint64_t key)
{
    while (depth > 1 && open[depth - 1].start <= key) {
        depth--;
        ranges_turn(r, open[depth].start, open[depth - 1].number);
    }
    return depth;
}

/* Flattens nested prefixes. */
static struct ranges ranges_of(
    const struct prefix_entry *entries, size_t count, enum ip_family family)
{
    size_t item_count;
    struct item *items = items_of(entries, count, family, &item_count);
    struct ranges r = { .list = mem_array(2 * item_count + 2, sizeof *r.list) };
    uint64_t end = UINT64_C(1) << KEY_BITS;
    struct range *open = mem_array(item_count + 1, sizeof *open); // `start`: where it ends
    unsigned depth = 1;

    open[0] = (struct range){ end + 1, 0 };
    ranges_turn(&r, 0, 0);
    for (size_t i = 0; i < item_count; i++) {
        depth = ranges_leave(&r, open, depth, items[i].key);
        ranges_turn(&r, items[i].key, items[i].number);
        open[depth++] =
            (struct range){ items[i].key + (UINT64_C(1) << (KEY_BITS - items[i].length)),
                items[i].number };
    }
    ranges_leave(&r, open, depth, end);
    if (r.list[r.count - 1].start == end)
        r.count--;
    r.list[r.count] = (struct range){ end, 0 };
    mem_free(open);
    mem_free(items);
    return r;
}

struct builder {
    const struct range *at; // the one in which the block looked at begins
    uint32_t *words;
    size_t count, room;
    bool is_full;
};

/* A leaf for the block at `start`: as wide as its range allows. */
static uint32_t leaf_of(const struct range *range, uint64_t start, unsigned shift)
{
    for (; shift < KEY_BITS; shift++) {
        uint64_t size = UINT64_C(2) << shift;

        start &= ~(size - 1);
        if (start < range[0].start || start + size > range[1].start)
            break;
    }
    return range->number << STRIDE | (KEY_BITS - shift);
}

static uint32_t node_put(struct builder *b, uint64_t starts, const uint32_t *runs, unsigned count)
{
    size_t at = b->count;

    if (at + HEAD_WORDS + count > WORDS_MAX) {
        b->is_full = true;
        return 0;
    }
    if (at + HEAD_WORDS + count > b->room) {
        b->room = 2 * b->room + HEAD_WORDS + BLOCKS;
        b->words = mem_resize(b->words, b->room * sizeof *b->words);
    }
    b->words[at] = (uint32_t)starts;
    b->words[at + 1] = (uint32_t)(starts >> 32);
    memcpy(b->words + at + HEAD_WORDS, runs, count * sizeof *runs);
    b->count += HEAD_WORDS + count;
    return NODE | (uint32_t)at;
}

/* The entry of the block of 2^shift keys at `start`. Blocks are asked for in order. */
static uint32_t entry_build(struct builder *b, uint64_t start, unsigned shift)
{
    while (b->at[1].start <= start)
        b->at++;
    if (b->at[1].start >= start + (UINT64_C(1) << shift))
        return leaf_of(b->at, start, shift);

    uint32_t runs[BLOCKS];
    unsigned count = 0;
    uint64_t starts = 0;

    assert(shift >= STRIDE);
    shift -= STRIDE;
    for (unsigned block = 0; block < BLOCKS; block++) {
        uint32_t entry = entry_build(b, start + ((uint64_t)block << shift), shift);

        if (count > 0 && entry == runs[count - 1])
            continue;
        starts |= UINT64_C(1) << block;
        runs[count++] = entry;
    }
    return node_put(b, starts, runs, count);
}

/* Few ranges need no large table of first bits. */
static unsigned root_bits_for(size_t range_count)
{
    unsigned bits = STRIDE;

    while (bits < ROOT_BITS_MAX && range_count >> bits > 0)
        bits += STRIDE;
    return bits;
}

static enum err half_init(
    struct half *half, const struct prefix_entry *entries, size_t count, enum ip_family family)
{
    struct ranges ranges = ranges_of(entries, count, family);
    unsigned root_bits = root_bits_for(ranges.count);
    struct builder b = { .at = ranges.list };

    half->shift = KEY_BITS - root_bits;
    half->root = mem_array((size_t)1 << root_bits, sizeof *half->root);
    for (uint64_t i = 0; i >> root_bits == 0 && !b.is_full; i++)
        half->root[i] = entry_build(&b, i << half->shift, half->shift);
    half->words = mem_resize(b.words, (b.count + 1) * sizeof *b.words);
    half->word_count = b.count;
    mem_free(ranges.list);
    return b.is_full ? ERR_LIMIT : ERR_NONE;
}

enum err prefix_table_new(
    const struct prefix_entry *entries, size_t count, struct prefix_table **table)
{
    if (count > ENTRIES_MAX)
        return ERR_LIMIT;
    struct prefix_table *made = mem_new(struct prefix_table);
    enum err err = half_init(&made->v4, entries, count, IP_V4);

    if (err == ERR_NONE)
        err = half_init(&made->v6, entries, count, IP_V6);
    if (err == ERR_NONE)
        *table = made;
    else
        prefix_table_free(made);
    return err;
}

void prefix_table_free(struct prefix_table *table)
{
    if (table == NULL)
        return;
    mem_free(table->v4.root);
    mem_free(table->v4.words);
    mem_free(table->v6.root);
    mem_free(table->v6.words);
    mem_free(table);
}

/* By hand, as the compiler may not use the instruction that not every machine has. */
static unsigned bits_count(uint64_t x)
{
    x -= x >> 1 & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)(x * UINT64_C(0x0101010101010101) >> 56);
}

struct prefix_found prefix_table_find(const struct prefix_table *table, const struct ip *ip)
{
    if (UNLIKELY(ip->family == IP_NONE))
        return (struct prefix_found){ 0 };
    const struct half *half = ip->family == IP_V4 ? &table->v4 : &table->v6;
    uint64_t key = key_of(ip);
    unsigned shift = half->shift;
    uint32_t entry = half->root[key >> shift];

    while (entry & NODE) {
        const uint32_t *node = half->words + (entry & ~NODE);
        uint64_t starts = (uint64_t)node[1] << 32 | node[0];

        shift -= STRIDE;
        unsigned block = (unsigned)(key >> shift) % BLOCKS;
        unsigned rank = bits_count(starts << (BLOCKS - 1 - block)); // the first bit is always set

        entry = node[HEAD_WORDS + rank - 1];
    }
    return (struct prefix_found){ entry >> STRIDE, entry % BLOCKS };
}

static size_t half_bytes(const struct half *half)
{
    return (((size_t)1 << (KEY_BITS - half->shift)) + half->word_count) * sizeof *half->words;
}

size_t prefix_table_bytes(const struct prefix_table *table)
{
    return sizeof *table + half_bytes(&table->v4) + half_bytes(&table->v6);
}
