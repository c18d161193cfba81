// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * All zones that one node answers for, frozen: each RRset lies ready as the octets of an answer
 * section, its owner a pointer to the question's name. A name is found by its hash in one probe of
 * an open-addressed table. Read by all threads, changed by none; made by dns/builder.h.
 *
 * Names and RRsets lie one behind the other in one block (about 70 octets for a name with one
 * address), so that an answer touches two or three cache lines. A steered RRset holds no octets
 * of its own, but the row of targets (steer/rows.h) and ready octets for each of their members.
 *
 * Names that exist only because there are names below them (empty non-terminals) are in the table
 * too, without RRsets; so a name that is not in it does not exist.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "meter/answers.h"
#include "meter/usage.h"
#include "steer/rows.h"
#include "wire/dns_name.h"

enum {
    DNS_BLOCK_UNIT = 4,      // places in the block are counted in units of so many octets
    DNS_SET_MAX = 65000,     // octets of one RRset in a message
    DNS_OWNER_AT = 12,       // where prepared records say that their owner stands
    DNS_OWNER_BITS = 0xc000, // of a compression pointer
};

struct dns_set {
    uint16_t type;
    uint16_t record_count; // 0 for a steered set
    uint16_t length;       // of body
    uint16_t is_steered;
    char body[]; // records; of a steered set, its index (uint32_t) in dns_zones.steered
};

struct dns_node {
    uint32_t zone; // index in dns_zones.zones
    uint16_t set_count;
    uint8_t name_length;
    char name[]; // in wire form, lower case; the first set follows, at the next whole unit
};

/* What negative answers carry: the SOA record with the TTL that they may be kept for. */
struct dns_zone {
    uint32_t soa_at; // in the block; its owner is yet to be set
    uint16_t soa_length;
    uint8_t name_length;
};

struct dns_body {
    const char *at;
    uint16_t length, record_count;
};

struct dns_steered {
    const struct steer_row *row;
    const struct dns_body *bodies;     // one for each member of the row; length 0: no such address
    uint8_t families;                  // STEER_HAS_V4 or STEER_HAS_V6
    struct usage_line *usage;          // of the row's site; NULL: not counted
    struct answers_line *const *given; // by target of the row; NULL: likewise
};

struct dns_slot {
    uint32_t tag; // upper half of the name's hash
    uint32_t at;  // of its node in the block; 0: free
};

struct dns_zones {
    char *block;
    size_t block_bytes;
    struct dns_slot *slots;
    uint64_t slot_mask;
    uint64_t seed; // of names' hashes
    struct dns_zone *zones;
    size_t zone_count;
    size_t name_count;
    uint8_t label_most; // labels of the longest name: asking for more is in vain
    struct dns_steered *steered;
    size_t steered_count;
    const struct steer_rows *rows; // that steered sets are of; NULL only where there are none
    struct arena arena;            // bodies of steered sets
};

/* Accepts NULL. */
void dns_zones_free(struct dns_zones *zones);

/* Octets in use, the struct's own left out. */
size_t dns_zones_bytes(const struct dns_zones *zones);

/* The name in lower case with its hash (by zones->seed); NULL when it does not exist. */
const struct dns_node *dns_zones_find(
    const struct dns_zones *zones, struct slice name, uint64_t hash);

/* The zone that a name which does not exist would lie in; NULL when none of ours. */
const struct dns_zone *dns_zones_enclosing(
    const struct dns_zones *zones, const struct dns_name *name);

/* NULL when the node has none of this type. */
const struct dns_set *dns_node_set(const struct dns_node *node, uint16_t type);

/* The octets between two things in the block. */
static inline size_t dns_block_size(size_t bytes)
{
    return (bytes + DNS_BLOCK_UNIT - 1) / DNS_BLOCK_UNIT * DNS_BLOCK_UNIT;
}

/* Walks a node's sets, of which there are set_count. */
static inline const struct dns_set *dns_node_sets(const struct dns_node *node)
{
    const char *first =
        (const char *)node + dns_block_size(offsetof(struct dns_node, name) + node->name_length);

    return (const struct dns_set *)(const void *)first;
}

static inline const struct dns_set *dns_set_next(const struct dns_set *set)
{
    const char *next = (const char *)set + dns_block_size(sizeof *set + set->length);

    return (const struct dns_set *)(const void *)next;
}
