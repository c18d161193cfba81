// SPDX-License-Identifier: Apache-2.0
/*
 * The format (MaxMind DB, version 2.0): a binary tree over the bits of an address, each node two
 * records; sixteen zero bytes; the data the tree leads to; a mark; and what the file is. A record
 * is a node, or the count of nodes for nothing, or that count and 16 and the place of the data.
 */
#include "steer/geo_write.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"

enum {
    TYPE_TEXT = 2,
    TYPE_DOUBLE,
    TYPE_UINT16 = 5,
    TYPE_UINT32,
    TYPE_MAP,
    TYPE_UINT64 = 9,
    TYPE_LIST = 11,
    TYPE_EXTENDED = 7,
    SHORT_MAX = 28
};

enum { ADDRESS_BITS = 128, V4_AT = 96, SEPARATOR_BYTES = 16, PATH_BYTES = 4096 };

static const uint32_t NOTHING = 0; // the root is nobody's child
static const uint32_t DATA = UINT32_C(1) << 31;

struct bytes {
    uint8_t *at;
    size_t count, room;
};

static void put(struct bytes *b, const void *from, size_t count)
{
    if (count > b->room - b->count) {
        b->room = 2 * b->room + count + 256;
        b->at = mem_resize(b->at, b->room);
    }
    if (count > 0)
        memcpy(b->at + b->count, from, count);
    b->count += count;
}

/* What stands before a value: its kind, and its size in bytes or pairs. */
static void put_head(struct bytes *b, unsigned type, size_t size)
{
    uint8_t head[2] = { (uint8_t)size, 0 };

    assert(size <= SHORT_MAX);
    if (type <= TYPE_EXTENDED)
        head[0] |= (uint8_t)(type << 5);
    else
        head[1] = (uint8_t)(type - TYPE_EXTENDED);
    put(b, head, type <= TYPE_EXTENDED ? 1 : 2);
}

static void put_text(struct bytes *b, const char *text)
{
    put_head(b, TYPE_TEXT, strlen(text));
    put(b, text, strlen(text));
}

static void put_double(struct bytes *b, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    bits = htobe64(bits);
    put_head(b, TYPE_DOUBLE, sizeof bits);
    put(b, &bits, sizeof bits);
}

static void put_number(struct bytes *b, unsigned type, size_t size, uint64_t value)
{
    uint64_t bits = htobe64(value << (64 - 8 * size));

    put_head(b, type, size);
    put(b, &bits, size);
}

static void put_place(struct bytes *b, const struct geo_write_entry *entry)
{
    bool has_country = entry->country[0] != '\0';

    put_head(b, TYPE_MAP, (size_t)has_country + entry->location.is_set);
    if (has_country) {
        put_text(b, "country");
        put_head(b, TYPE_MAP, 1);
        put_text(b, "iso_code");
        put_text(b, entry->country);
    }
    if (entry->location.is_set) {
        put_text(b, "location");
        put_head(b, TYPE_MAP, 2);
        put_text(b, "latitude");
        put_double(b, entry->location.latitude);
        put_text(b, "longitude");
        put_double(b, entry->location.longitude);
    }
}

static void put_metadata(struct bytes *b, uint32_t node_count)
{
    put(b, "\xab\xcd\xefMaxMind.com", 14);
    put_head(b, TYPE_MAP, 9);
    put_text(b, "binary_format_major_version");
    put_number(b, TYPE_UINT16, 2, 2);
    put_text(b, "binary_format_minor_version");
    put_number(b, TYPE_UINT16, 2, 0);
    put_text(b, "build_epoch");
    put_number(b, TYPE_UINT64, 8, 1); // no clock: equal entries, equal bytes; 0 is refused
    put_text(b, "database_type");
    put_text(b, "waypost-City");
    put_text(b, "description");
    put_head(b, TYPE_MAP, 1);
    put_text(b, "en");
    put_text(b, "Places of networks");
    put_text(b, "ip_version");
    put_number(b, TYPE_UINT16, 2, 6);
    put_text(b, "languages");
    put_head(b, TYPE_LIST, 0);
    put_text(b, "node_count");
    put_number(b, TYPE_UINT32, 4, node_count);
    put_text(b, "record_size");
    put_number(b, TYPE_UINT16, 2, 32);
}

struct fork {
    uint32_t next[2];
};

struct tree {
    struct fork *nodes;
    size_t count, room;
};

static uint32_t node_new(struct tree *t, uint32_t next)
{
    if (t->count == t->room) {
        t->room = 2 * t->room + 256;
        t->nodes = mem_resize(t->nodes, t->room * sizeof *t->nodes);
    }
    t->nodes[t->count] = (struct fork){ { next, next } };
    return (uint32_t)t->count++;
}

static unsigned bit_of(const uint8_t *address, unsigned at)
{
    return address[at / 8] >> (7 - at % 8) & 1;
}

/* The node at this prefix, made where there is none; what led past it leads to both its sides. */
static uint32_t node_at(struct tree *t, const uint8_t *address, unsigned length)
{
    uint32_t at = 0;

    for (unsigned i = 0; i < length; i++) {
        unsigned side = bit_of(address, i);
        uint32_t next = t->nodes[at].next[side];

        if (next == NOTHING || next & DATA) {
            uint32_t made = node_new(t, next);

            t->nodes[at].next[side] = made;
            next = made;
        }
        at = next;
    }
    return at;
}

/* Shorter prefixes come first, so nothing longer is lost. */
static void tree_put(struct tree *t, const struct prefix *prefix, uint32_t data)
{
    uint8_t address[ADDRESS_BITS / 8] = { 0 };
    bool is_v4 = prefix->ip.family == IP_V4;
    unsigned length = prefix->length + (is_v4 ? V4_AT : 0U);

    memcpy(address + (is_v4 ? V4_AT / 8 : 0), prefix->ip.bytes, ip_size(&prefix->ip));
    if (length == 0) {
        t->nodes[0] = (struct fork){ { data, data } };
        return;
    }
    uint32_t parent = node_at(t, address, length - 1);

    t->nodes[parent].next[bit_of(address, length - 1)] = data;
}

/* Lets another part of the tree lead into that of IPv4, if nothing is there. */
static void tree_alias(struct tree *t, const char *text)
{
    static const uint8_t v4_start[ADDRESS_BITS / 8];
    struct prefix alias;
    bool is_prefix = prefix_parse(slice_text(text), &alias);

    assert(is_prefix);
    uint32_t v4 = node_at(t, v4_start, V4_AT);
    uint32_t parent = node_at(t, alias.ip.bytes, alias.length - 1U);
    uint32_t *next = &t->nodes[parent].next[bit_of(alias.ip.bytes, alias.length - 1U)];

    if (*next == NOTHING)
        *next = v4;
}

struct item {
    const struct geo_write_entry *entry;
    uint32_t data;
};

static int items_compare(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    int a_bits = a->entry->prefix.length + (a->entry->prefix.ip.family == IP_V4 ? V4_AT : 0);
    int b_bits = b->entry->prefix.length + (b->entry->prefix.ip.family == IP_V4 ? V4_AT : 0);

    if (a_bits != b_bits)
        return a_bits - b_bits;
    return a->entry < b->entry ? -1 : a->entry > b->entry;
}

static bool same_place(const struct geo_write_entry *a, const struct geo_write_entry *b)
{
    return strcmp(a->country, b->country) == 0 && a->location.is_set == b->location.is_set &&
           (!a->location.is_set || (a->location.latitude == b->location.latitude &&
                                       a->location.longitude == b->location.longitude));
}

static enum err tree_make(struct tree *t, const struct geo_write_entry *entries, size_t count,
    struct bytes *data, struct diag *why)
{
    struct item *items = mem_array(count, sizeof *items);
    enum err err = ERR_NONE;

    for (size_t i = 0; i < count; i++) {
        // One like the one before it shares its data; that is all that lists of blocks need.
        bool is_like = i > 0 && same_place(&entries[i - 1], &entries[i]);
        uint32_t at = is_like ? items[i - 1].data : (uint32_t)data->count;

        items[i] = (struct item){ &entries[i], at };
        if (!is_like)
            put_place(data, &entries[i]);
    }
    qsort(items, count, sizeof *items, items_compare);
    node_new(t, NOTHING);
    for (size_t i = 0; i < count && err == ERR_NONE; i++) {
        tree_put(t, &items[i].entry->prefix, DATA | items[i].data);
        if (t->count > GEO_WRITE_NODES_MAX || data->count >= DATA) {
            diag_say(why, "%zu places need more than %d nodes", count, GEO_WRITE_NODES_MAX);
            err = ERR_LIMIT;
        }
    }
    mem_free(items);
    tree_alias(t, "::ffff:0:0/96");
    tree_alias(t, "2002::/16");
    tree_alias(t, "2001::/32");
    return err;
}

static uint32_t record_of(const struct tree *t, uint32_t next)
{
    if (next == NOTHING)
        return (uint32_t)t->count;
    return next & DATA ? (uint32_t)t->count + SEPARATOR_BYTES + (next & ~DATA) : next;
}

static enum err save(const char *path, const struct bytes *file, struct diag *why)
{
    char beside[PATH_BYTES];

    if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside) {
        diag_say(why, "%.100s...: the path is too long", path);
        return ERR_LIMIT;
    }
    FILE *out = fopen(beside, "wb");
    bool is_good = out != NULL && fwrite(file->at, 1, file->count, out) == file->count;

    is_good = out != NULL && fclose(out) == 0 && is_good;
    if (is_good && rename(beside, path) == 0)
        return ERR_NONE;
    int number = errno;

    if (out != NULL)
        remove(beside);
    diag_say(why, "%s: %s", path, strerror(number));
    return err_from_errno(number);
}

enum err geo_write(
    const char *path, const struct geo_write_entry *entries, size_t count, struct diag *why)
{
    static const uint8_t zeros[SEPARATOR_BYTES];
    struct tree tree = { 0 };
    struct bytes file = { 0 }, data = { 0 };
    enum err err = tree_make(&tree, entries, count, &data, why);

    if (err == ERR_NONE) {
        for (size_t i = 0; i < tree.count; i++) {
            uint32_t records[2] = { htobe32(record_of(&tree, tree.nodes[i].next[0])),
                htobe32(record_of(&tree, tree.nodes[i].next[1])) };

            put(&file, records, sizeof records);
        }
        put(&file, zeros, sizeof zeros);
        put(&file, data.at, data.count);
        put_metadata(&file, (uint32_t)tree.count);
        err = save(path, &file, why);
    }
    mem_free(tree.nodes);
    mem_free(data.at);
    mem_free(file.at);
    return err;
}
