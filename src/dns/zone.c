// SPDX-License-Identifier: Apache-2.0
#include "dns/zone.h"

#include "base/attr.h"
#include "base/mem.h"

void dns_zones_free(struct dns_zones *zones)
{
    if (zones == NULL)
        return;
    arena_done(&zones->arena);
    mem_free(zones->block);
    mem_free(zones->slots);
    mem_free(zones->zones);
    mem_free(zones->steered);
    mem_free(zones);
}

size_t dns_zones_bytes(const struct dns_zones *zones)
{
    return zones->block_bytes + (zones->slot_mask + 1) * sizeof *zones->slots +
           zones->zone_count * sizeof *zones->zones +
           zones->steered_count * sizeof *zones->steered + zones->arena.total_bytes;
}

const struct dns_node *dns_zones_find(
    const struct dns_zones *zones, struct slice name, uint64_t hash)
{
    uint32_t tag = (uint32_t)(hash >> 32);

    // The table is never full, so that a free slot ends each search.
    for (uint64_t i = hash & zones->slot_mask;; i = (i + 1) & zones->slot_mask) {
        struct dns_slot slot = zones->slots[i];

        if (slot.at == 0)
            return NULL;
        if (slot.tag != tag)
            continue;
        const struct dns_node *node =
            (const void *)(zones->block + (size_t)slot.at * DNS_BLOCK_UNIT);

        if (LIKELY(slice_equal(slice_of(node->name, node->name_length), name)))
            return node;
    }
}

const struct dns_zone *dns_zones_enclosing(
    const struct dns_zones *zones, const struct dns_name *name)
{
    struct slice rest = dns_name_wire(name);

    for (unsigned labels = name->label_count;; labels--) {
        if (labels <= zones->label_most) {
            const struct dns_node *node =
                dns_zones_find(zones, rest, dns_name_hash(rest, zones->seed));

            if (node != NULL)
                return &zones->zones[node->zone];
        }
        if (labels == 0)
            return NULL;
        rest = dns_name_parent(rest);
    }
}

const struct dns_set *dns_node_set(const struct dns_node *node, uint16_t type)
{
    const struct dns_set *set = dns_node_sets(node);

    for (unsigned left = node->set_count; left > 0; left--, set = dns_set_next(set))
        if (set->type == type)
            return set;
    return NULL;
}
