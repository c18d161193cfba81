// SPDX-License-Identifier: Apache-2.0
#include "dns/builder.h"

#include <assert.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/order.h"
#include "wire/dns_message.h"
#include "wire/dns_writer.h"

enum {
    RECORD_HEAD = 12, // pointer to the owner, type, class, TTL, length
    BLOCK_FIRST = 4096,
    SOA_DATA_LEAST = 22, // two root names, five numbers
};

static const size_t ARENA_MAX = (size_t)64 << 30;
static const size_t BLOCK_MAX = (size_t)UINT32_MAX * DNS_BLOCK_UNIT;

struct record {
    struct slice owner; // lower case
    struct slice data;  // empty for a steered set
    uint32_t ttl;
    uint32_t order;
    uint32_t steered; // index + 1; 0: plain
    uint16_t type;
    uint8_t label_count;
};

struct dns_builder {
    struct arena arena; // owners and data, until frozen
    struct record *records;
    size_t record_count, record_room;
    size_t block_room, steered_room, zone_room, node_room;
    struct dns_steered last[2]; // the newest of A and of AAAA
    uint32_t last_ttl[2];
    bool has_oversized; // a steered set
    uint32_t *nodes;    // places of all nodes, name_count of them
    struct dns_zones *zones;
};

/* Room for one more in a growing array. */
static void *room_for(void *array, size_t count, size_t *room, size_t item_bytes)
{
    if (count < *room)
        return array;
    *room = *room == 0 ? 16 : *room * 2;
    return mem_resize(array, *room * item_bytes);
}

struct dns_builder *dns_builder_new(uint64_t seed)
{
    struct dns_builder *b = mem_new(struct dns_builder);

    arena_init(&b->arena, ARENA_MAX);
    b->zones = mem_new(struct dns_zones);
    b->zones->seed = seed;
    arena_init(&b->zones->arena, ARENA_MAX);
    return b;
}

void dns_builder_free(struct dns_builder *builder)
{
    if (builder == NULL)
        return;
    dns_zones_free(builder->zones);
    arena_done(&builder->arena);
    mem_free(builder->records);
    mem_free(builder->nodes);
    mem_free(builder);
}

static struct record *record_new(
    struct dns_builder *b, const struct dns_name *owner, uint16_t type, uint32_t ttl)
{
    struct dns_name lower;

    dns_name_lower(dns_name_wire(owner), owner->label_count, 0, &lower);
    b->records = room_for(b->records, b->record_count, &b->record_room, sizeof *b->records);
    struct record *record = &b->records[b->record_count];

    *record = (struct record){
        .owner = arena_copy(&b->arena, dns_name_wire(&lower)),
        .ttl = ttl > INT32_MAX ? 0 : ttl,
        .order = (uint32_t)b->record_count++,
        .type = type,
        .label_count = owner->label_count,
    };
    return record;
}

void dns_builder_add(struct dns_builder *builder, const struct dns_name *owner, uint16_t type,
    uint32_t ttl, struct slice data)
{
    assert(data.length <= UINT16_MAX && (type != DNS_TYPE_SOA || data.length >= SOA_DATA_LEAST));
    uint8_t labels;

    assert(type != DNS_TYPE_CNAME || dns_name_measure(data, 0, &labels) == data.length);
    record_new(builder, owner, type, ttl)->data = arena_copy(&builder->arena, data);
}

/* Writes one prepared record and returns the place behind it. */
static char *record_put(char *to, uint16_t type, uint32_t ttl, struct slice data)
{
    dns_u16_put(to, DNS_OWNER_BITS | DNS_OWNER_AT);
    dns_u16_put(to + 2, type);
    dns_u16_put(to + 4, DNS_CLASS_IN);
    dns_u32_put(to + 6, ttl);
    dns_u16_put(to + 10, (uint16_t)data.length);
    memcpy(to + RECORD_HEAD, data.at, data.length);
    return to + RECORD_HEAD + data.length;
}

/* Puts an A or AAAA record for each address of its family, and returns how many octets that is.
 * With `to` NULL they are only measured. */
static size_t addresses_put(
    char *to, const struct ip *addresses, size_t count, const struct record *record)
{
    size_t length = 0;

    for (size_t i = 0; i < count; i++) {
        if (addresses[i].family != (record->type == DNS_TYPE_A ? IP_V4 : IP_V6))
            continue;
        struct slice data = slice_of(addresses[i].bytes, ip_size(&addresses[i]));

        if (to != NULL)
            record_put(to + length, record->type, record->ttl, data);
        length += RECORD_HEAD + data.length;
    }
    return length;
}

static size_t member_put(char *to, const struct steer_target *target,
    const struct steer_member *member, const struct record *record)
{
    if (member->node == NULL)
        return addresses_put(to, &target->origin->address.ip, 1, record);
    return addresses_put(to, member->node->addresses, member->node->address_count, record);
}

static enum err body_build(struct arena *arena, const struct steer_target *target,
    const struct steer_member *member, const struct record *record, struct dns_body *body)
{
    size_t length = member_put(NULL, target, member, record);
    size_t address_bytes = record->type == DNS_TYPE_AAAA ? 16 : 4;

    if (length > DNS_SET_MAX)
        return ERR_LIMIT;
    if (length == 0)
        return ERR_NONE;
    char *at = arena_alloc(arena, length);

    member_put(at, target, member, record);
    *body = (struct dns_body){ at, (uint16_t)length,
        (uint16_t)(length / (RECORD_HEAD + address_bytes)) };
    return ERR_NONE;
}

/* One body for each member of the row. Neighbours mostly are sites delivered by the same pops,
 * whose rows share their members: they share the bodies. */
static enum err bodies_build(
    struct dns_builder *b, struct dns_steered *steered, const struct record *record)
{
    bool is_v6 = record->type == DNS_TYPE_AAAA;
    const struct dns_steered *last = &b->last[is_v6];
    const struct steer_row *row = steered->row;

    if (last->row != NULL && last->row->members == row->members &&
        b->last_ttl[is_v6] == record->ttl) {
        steered->bodies = last->bodies;
        return ERR_NONE;
    }
    struct dns_body *bodies = arena_array(&b->zones->arena, row->member_count, sizeof *bodies);

    for (size_t i = 0; i < row->count; i++) {
        const struct steer_target *target = &row->targets[i];

        for (uint32_t at = 0; at < target->member_count; at++) {
            size_t member = target->first_member + at;

            TRY(body_build(
                &b->zones->arena, target, &row->members[member], record, &bodies[member]));
        }
    }
    steered->bodies = bodies;
    b->last[is_v6] = *steered;
    b->last_ttl[is_v6] = record->ttl;
    return ERR_NONE;
}

void dns_builder_steer(struct dns_builder *builder, const struct dns_name *owner, uint16_t type,
    uint32_t ttl, const struct steer_row *row)
{
    assert(type == DNS_TYPE_A || type == DNS_TYPE_AAAA);
    struct dns_zones *zones = builder->zones;
    struct record shape = { .type = type, .ttl = ttl > INT32_MAX ? 0 : ttl };
    struct dns_steered steered = { .row = row,
        .families = type == DNS_TYPE_A ? STEER_HAS_V4 : STEER_HAS_V6 };
    uint8_t families = 0;

    for (size_t i = 0; i < row->member_count; i++)
        families |= row->members[i].families;
    if ((families & steered.families) == 0)
        return;
    if (bodies_build(builder, &steered, &shape) != ERR_NONE)
        builder->has_oversized = true;
    zones->steered = room_for(
        zones->steered, zones->steered_count, &builder->steered_room, sizeof *zones->steered);
    zones->steered[zones->steered_count++] = steered;
    record_new(builder, owner, type, shape.ttl)->steered = (uint32_t)zones->steered_count;
}

/* By owner, type, and order of coming. */
static int record_order(const void *one, const void *other)
{
    const struct record *a = one, *b = other;
    int by_owner = slice_order(a->owner, b->owner);

    if (by_owner != 0)
        return by_owner;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

static enum err refuse(struct diag *why, struct slice owner, const char *reason)
{
    struct dns_name name;
    char text[DNS_NAME_TEXT_MAX];

    dns_name_lower(owner, 0, 0, &name);
    diag_say(why, "%.253s: %s", dns_name_text(&name, text), reason);
    return ERR_CONFIG;
}

/* Room for `bytes` more in the block, zeroed; whole units. What was handed out before may move. */
static char *block_add(struct dns_builder *b, size_t bytes)
{
    struct dns_zones *zones = b->zones;
    size_t size = dns_block_size(bytes);

    if (zones->block_bytes + size > b->block_room) {
        size_t room = b->block_room * 2 + BLOCK_FIRST;

        b->block_room = room > zones->block_bytes + size ? room : zones->block_bytes + size;
        zones->block = mem_resize(zones->block, b->block_room);
    }
    char *at = zones->block + zones->block_bytes;

    memset(at, 0, size);
    zones->block_bytes += size;
    return at;
}

static struct dns_node *node_at(const struct dns_builder *b, uint32_t place)
{
    return (void *)(b->zones->block + (size_t)place * DNS_BLOCK_UNIT);
}

static uint32_t node_add(struct dns_builder *b, struct slice name)
{
    uint32_t place = (uint32_t)(b->zones->block_bytes / DNS_BLOCK_UNIT);
    struct dns_node *node = (void *)block_add(b, offsetof(struct dns_node, name) + name.length);

    node->zone = UINT32_MAX;
    node->name_length = (uint8_t)name.length;
    memcpy(node->name, name.at, name.length);
    b->nodes = room_for(b->nodes, b->zones->name_count, &b->node_room, sizeof *b->nodes);
    b->nodes[b->zones->name_count++] = place;
    return place;
}

/* How many of the records, from the first, are of its RRset. */
static size_t set_measure(const struct record *first, size_t most)
{
    size_t count = 1;

    while (count < most && first[count].type == first->type &&
           slice_equal(first[count].owner, first->owner))
        count++;
    return count;
}

/* Drops equal records and gives the lowest TTL to all; returns how many are left. */
static size_t set_tidy(struct record *first, size_t count, size_t *length)
{
    size_t kept = 0;

    *length = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_known = false;

        first->ttl = first[i].ttl < first->ttl ? first[i].ttl : first->ttl;
        for (size_t k = 0; k < kept && !is_known; k++)
            is_known = slice_equal(first[k].data, first[i].data);
        if (is_known)
            continue;
        *length += RECORD_HEAD + first[i].data.length;
        first[kept].data = first[i].data;
        kept++;
    }
    return kept;
}

static enum err set_add(
    struct dns_builder *b, uint32_t node, struct record *first, size_t count, struct diag *why)
{
    size_t length = sizeof first->steered;
    bool is_single = first->type == DNS_TYPE_SOA || first->type == DNS_TYPE_CNAME;

    for (size_t i = 0; i < count && count > 1; i++)
        if (first[i].steered != 0)
            return refuse(why, first->owner, "a steered address beside others of its type");
    if (first->steered == 0)
        count = set_tidy(first, count, &length);
    if (is_single && count > 1)
        return refuse(why, first->owner, "two SOA or two CNAME records");
    if (length > DNS_SET_MAX) {
        diag_say(why, "records of one name and type pass %d octets", DNS_SET_MAX);
        return ERR_LIMIT;
    }
    struct dns_set *set = (void *)block_add(b, sizeof *set + length);
    uint32_t steered = first->steered - 1;
    char *to = set->body;

    set->type = first->type;
    set->length = (uint16_t)length;
    set->is_steered = first->steered != 0;
    if (set->is_steered) {
        memcpy(set->body, &steered, sizeof steered);
    } else {
        set->record_count = (uint16_t)count;
        for (size_t i = 0; i < count; i++)
            to = record_put(to, first->type, first->ttl, first[i].data);
    }
    node_at(b, node)->set_count++;
    return ERR_NONE;
}

/* The negative answers' SOA; RFC 2308 §5: its TTL is the lesser of its own and MINIMUM. */
static void zone_add(struct dns_builder *b, uint32_t apex)
{
    struct dns_zones *zones = b->zones;
    const struct dns_set *soa = dns_node_set(node_at(b, apex), DNS_TYPE_SOA);
    uint16_t length = soa->length;
    uint32_t ttl = dns_u32(soa->body + 6), minimum = dns_u32(soa->body + length - 4);
    size_t from = (size_t)(soa->body - zones->block);
    uint32_t place = (uint32_t)(zones->block_bytes / DNS_BLOCK_UNIT);
    char *copy = block_add(b, length);

    memcpy(copy, zones->block + from, length);
    dns_u32_put(copy + 6, ttl < minimum ? ttl : minimum);
    zones->zones = room_for(zones->zones, zones->zone_count, &b->zone_room, sizeof *zones->zones);
    zones->zones[zones->zone_count] = (struct dns_zone){
        .soa_at = place, .soa_length = length, .name_length = node_at(b, apex)->name_length
    };
    node_at(b, apex)->zone = (uint32_t)zones->zone_count++;
}

/* A node with all its sets; *used says how many records they took. */
static enum err owner_add(
    struct dns_builder *b, struct record *first, size_t most, size_t *used, struct diag *why)
{
    uint32_t place = node_add(b, first->owner);
    size_t at = 0;

    while (at < most && slice_equal(first[at].owner, first->owner)) {
        size_t count = set_measure(first + at, most - at);

        TRY(set_add(b, place, first + at, count, why));
        at += count;
    }
    *used = at;
    const struct dns_node *node = node_at(b, place);

    if (dns_node_set(node, DNS_TYPE_CNAME) != NULL && node->set_count > 1)
        return refuse(why, first->owner, "a CNAME beside other records");
    if (dns_node_set(node, DNS_TYPE_SOA) == NULL)
        return ERR_NONE;
    if (dns_node_set(node, DNS_TYPE_NS) == NULL)
        return refuse(why, first->owner, "a zone without name servers");
    zone_add(b, place);
    return ERR_NONE;
}

static void slot_put(struct dns_zones *zones, uint64_t hash, uint32_t place)
{
    uint64_t i = hash & zones->slot_mask;

    while (zones->slots[i].at != 0)
        i = (i + 1) & zones->slot_mask;
    zones->slots[i] = (struct dns_slot){ (uint32_t)(hash >> 32), place };
}

static struct slice node_name(const struct dns_node *node)
{
    return slice_of(node->name, node->name_length);
}

/* A table of all nodes, at most two thirds full when `extra` more come. */
static void slots_build(struct dns_builder *b, size_t extra)
{
    struct dns_zones *zones = b->zones;
    uint64_t count = 8;

    while (count * 2 < (zones->name_count + extra) * 3)
        count *= 2;
    mem_free(zones->slots);
    zones->slots = mem_array(count, sizeof *zones->slots);
    zones->slot_mask = count - 1;
    for (size_t i = 0; i < zones->name_count; i++)
        slot_put(
            zones, dns_name_hash(node_name(node_at(b, b->nodes[i])), zones->seed), b->nodes[i]);
}

static const struct dns_node *find(const struct dns_builder *b, struct slice name)
{
    return dns_zones_find(b->zones, name, dns_name_hash(name, b->zones->seed));
}

/* The zone whose apex is `name` or the nearest name above it; false when there is none. */
static bool zone_find(const struct dns_builder *b, struct slice name, uint32_t *zone)
{
    for (;; name = dns_name_parent(name)) {
        const struct dns_node *node = find(b, name);

        if (node != NULL && dns_node_set(node, DNS_TYPE_SOA) != NULL) {
            *zone = node->zone;
            return true;
        }
        if (name.length == 1)
            return false;
    }
}

/* Adds the names from `name` up to the zone's apex that are not there yet. */
static void between_add(struct dns_builder *b, struct slice name, uint32_t zone)
{
    struct dns_zones *zones = b->zones;

    for (; name.length > zones->zones[zone].name_length; name = dns_name_parent(name)) {
        if (find(b, name) != NULL)
            continue;
        if ((zones->name_count + 1) * 3 > (zones->slot_mask + 1) * 2)
            slots_build(b, zones->name_count);
        uint32_t place = node_add(b, name);

        node_at(b, place)->zone = zone;
        slot_put(zones, dns_name_hash(name, zones->seed), place);
    }
}

/* Says which zone the node is in, and fills the gap to its apex; for an apex, the gap to the zone
 * that it lies in, so that the outer one does not deny what is below. */
static enum err node_place(struct dns_builder *b, uint32_t place, struct diag *why)
{
    struct dns_name copy; // since adding nodes moves the block
    bool is_apex = dns_node_set(node_at(b, place), DNS_TYPE_SOA) != NULL;
    uint32_t zone = 0;

    dns_name_lower(node_name(node_at(b, place)), 0, 0, &copy);
    struct slice name = dns_name_wire(&copy);

    if (is_apex && name.length == 1)
        return ERR_NONE;
    struct slice above = name.length == 1 ? name : dns_name_parent(name);

    if (!zone_find(b, is_apex ? above : name, &zone))
        return is_apex ? ERR_NONE : refuse(why, name, "lies outside all zones");
    if (!is_apex)
        node_at(b, place)->zone = zone;
    between_add(b, above, zone);
    return ERR_NONE;
}

static enum err freeze(struct dns_builder *b, struct diag *why)
{
    struct dns_zones *zones = b->zones;

    if (b->has_oversized) {
        diag_say(why, "a steered set passes %d octets", DNS_SET_MAX);
        return ERR_LIMIT;
    }
    block_add(b, DNS_BLOCK_UNIT); // place 0 means none
    if (b->record_count > 0)
        qsort(b->records, b->record_count, sizeof *b->records, record_order);
    for (size_t at = 0, used = 0; at < b->record_count; at += used) {
        TRY(owner_add(b, b->records + at, b->record_count - at, &used, why));
        zones->label_most = b->records[at].label_count > zones->label_most
                                ? b->records[at].label_count
                                : zones->label_most;
        if (zones->block_bytes > BLOCK_MAX / 2)
            return ERR_LIMIT;
    }
    slots_build(b, 0);
    for (size_t i = 0, count = zones->name_count; i < count; i++)
        TRY(node_place(b, b->nodes[i], why));
    zones->block = mem_resize(zones->block, zones->block_bytes);
    return ERR_NONE;
}

enum err dns_builder_finish(
    struct dns_builder **builder, struct dns_zones **zones, struct diag *why)
{
    struct dns_builder *b = *builder;
    enum err err = freeze(b, why);

    if (err == ERR_NONE) {
        *zones = b->zones;
        b->zones = NULL;
    }
    dns_builder_free(b);
    *builder = NULL;
    return err;
}
