// SPDX-License-Identifier: Apache-2.0
#include "steer/rows.h"

#include <assert.h>
#include <math.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/order.h"

/* The targets of a row with their members, before they are any row's. */
struct targets {
    struct steer_target *list;
    size_t count;
    struct steer_member *members;
    size_t member_count;
    uint64_t hash; // of all that a plan depends on
    bool is_placed;
};

struct place {
    struct location at;
    const uint32_t *round_trips_us;
};

struct maker {
    struct steer_rows *rows;
    struct place *places; // those seen so far
    size_t place_count;
    uint32_t *class_slots; // class + 1, by hash; 0: free
    size_t slot_mask;
};

static uint64_t hash_with(uint64_t hash, uint64_t value)
{
    return hash_mix(hash_mix(value) + hash * 3);
}

static uint64_t hash_of_double(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* From each cell to the place, computed once for each place; NULL when there is none, or too many.
 * A cell without a place of its own is planned without geography, and has 0. */
static const uint32_t *round_trips(struct maker *m, const struct location *at)
{
    const struct geo *geo = m->rows->geo;

    if (!at->is_set)
        return NULL;
    for (size_t i = 0; i < m->place_count; i++) {
        const struct location *seen = &m->places[i].at;

        if (seen->latitude == at->latitude && seen->longitude == at->longitude)
            return m->places[i].round_trips_us;
    }
    if (m->place_count == STEER_PLACES_MAX)
        return NULL;
    uint32_t *trips = arena_array(&m->rows->arena, geo->cell_count, sizeof *trips);

    for (size_t i = 0; i < geo->cell_count; i++)
        if (geo->cells[i].location.is_set)
            trips[i] = (uint32_t)lround(
                geo_round_trip_ms(geo_distance_km(&geo->cells[i].location, at)) * 1000);
    m->places[m->place_count++] = (struct place){ *at, trips };
    return trips;
}

static uint8_t families_of(const struct ip *addresses, size_t count)
{
    uint8_t families = 0;

    for (size_t i = 0; i < count; i++)
        families |= addresses[i].family == IP_V4 ? STEER_HAS_V4 : STEER_HAS_V6;
    return families;
}

/* Notes what a plan depends on, once the targets are in order. */
static void targets_seal(struct targets *t)
{
    t->is_placed = true;
    for (size_t i = 0; i < t->count; i++) {
        const struct steer_target *target = &t->list[i];
        const struct location *at =
            target->origin != NULL ? &target->origin->location : &target->pop->location;

        t->is_placed = t->is_placed && target->round_trips_us != NULL;
        t->hash = hash_with(t->hash, target->hash);
        t->hash = hash_with(t->hash, target->is_reserve);
        t->hash = hash_with(t->hash, target->round_trips_us == NULL ? 0 : 1);
        t->hash = hash_with(t->hash, hash_of_double(at->latitude));
        t->hash = hash_with(t->hash, hash_of_double(at->longitude));
        if (target->origin != NULL)
            t->hash = hash_with(t->hash, hash_of_double(target->origin->capacity_requests_per_s));
        t->hash = hash_with(t->hash, target->member_count);
    }
}

/* Positions of checks change from release to release, their ids do not. */
static uint64_t hash_with_check(const struct maker *m, uint64_t hash, uint32_t check)
{
    return hash_with(hash, check == CHECK_NONE ? 0 : m->rows->checks->list[check].id);
}

static struct targets origins_of(struct maker *m, const struct site *site)
{
    const struct checks *checks = m->rows->checks;
    struct arena *arena = &m->rows->arena;
    size_t count = site->origin_count < STEER_TARGETS_MAX ? site->origin_count : STEER_TARGETS_MAX;
    struct targets t = { .count = count, .member_count = count };

    t.list = arena_array(arena, count, sizeof *t.list);
    t.members = arena_array(arena, count, sizeof *t.members);
    for (size_t i = 0; i < count; i++) {
        const struct origin *origin = site->origins[i];
        uint64_t hash = hash_bytes(origin->name, 0);

        t.members[i] = (struct steer_member){
            .hash = hash,
            .check = checks_of_origin(checks, site, i),
            .load_check = checks_load_of_origin(checks, site, i),
            .families = families_of(&origin->address.ip, 1),
        };
        t.list[i] = (struct steer_target){
            .origin = origin,
            .hash = hash,
            .weight = site->weights[i],
            .first_member = (uint32_t)i,
            .member_count = 1,
            .ftp_check = CHECK_NONE,
            .round_trips_us = round_trips(m, &origin->location),
            .is_reserve = i >= site->first_reserve,
        };
        t.hash = hash_with_check(m, t.hash, t.members[i].check);
        t.hash = hash_with_check(m, t.hash, t.members[i].load_check);
    }
    targets_seal(&t);
    return t;
}

/* Own pop first, then by distance from it, then as listed. Stable insertion: few pops, once a
 * reload. */
static void pops_order(const struct node *self, const struct pop **order, size_t count)
{
    double *far_km = mem_array(count, sizeof *far_km);

    for (size_t i = 0; i < count; i++) {
        const struct pop *pop = order[i];
        double km = HUGE_VAL;
        size_t at = i;

        if (pop == self->pop)
            km = -1;
        else if (pop->location.is_set && self->pop->location.is_set)
            km = geo_distance_km(&self->pop->location, &pop->location);
        for (; at > 0 && far_km[at - 1] > km; at--) {
            far_km[at] = far_km[at - 1];
            order[at] = order[at - 1];
        }
        far_km[at] = km;
        order[at] = pop;
    }
    mem_free(far_km);
}

static void pop_add(struct maker *m, struct targets *t, const struct pop *pop)
{
    const struct checks *checks = m->rows->checks;
    struct steer_target *target = &t->list[t->count++];

    *target = (struct steer_target){
        .pop = pop,
        .hash = hash_bytes(pop->name, 0),
        .weight = 1,
        .first_member = (uint32_t)t->member_count,
        .member_count = (uint32_t)pop->node_count,
        .ftp_check = checks_ftp_of_pop(checks, pop),
        .round_trips_us = round_trips(m, &pop->location),
        .is_reserve = pop->is_reserve,
    };
    t->hash = hash_with_check(m, t->hash, target->ftp_check);
    for (size_t i = 0; i < pop->node_count; i++) {
        const struct node *node = &pop->nodes[i];
        struct steer_member *member = &t->members[t->member_count++];

        *member = (struct steer_member){
            .node = node,
            .hash = hash_bytes(node->name, 0),
            .check = checks_of_node(checks, node),
            .load_check = CHECK_NONE,
            .families = families_of(node->addresses, node->address_count),
        };
        t->hash = hash_with_check(m, t->hash, member->check);
    }
}

/* Of as many pops as have no more than STEER_TARGETS_MAX nodes together: as many fit a pick. */
static struct targets pops_of(struct maker *m)
{
    const struct network *network = m->rows->network;
    const struct pop **order = mem_array(network->pop_count, sizeof(const struct pop *));
    struct targets t = { 0 };
    size_t nodes = 0;

    for (size_t i = 0; i < network->pop_count; i++) {
        order[i] = &network->pops[i];
        nodes += network->pops[i].node_count;
    }
    pops_order(m->rows->self, order, network->pop_count);
    t.list = arena_array(&m->rows->arena, network->pop_count, sizeof *t.list);
    t.members = arena_array(&m->rows->arena, nodes, sizeof *t.members);
    for (size_t i = 0; i < network->pop_count; i++)
        if (t.member_count + order[i]->node_count <= STEER_TARGETS_MAX)
            pop_add(m, &t, order[i]);
    mem_free(order);
    targets_seal(&t);
    return t;
}

static uint32_t class_of(struct maker *m, const struct steer_row *row, uint64_t hash)
{
    struct steer_rows *rows = m->rows;
    size_t at = hash & m->slot_mask;

    for (; m->class_slots[at] != 0; at = (at + 1) & m->slot_mask)
        if (rows->class_hashes[m->class_slots[at] - 1] == hash)
            return m->class_slots[at] - 1;
    rows->classes[rows->class_count] = row;
    rows->class_hashes[rows->class_count] = hash;
    m->class_slots[at] = (uint32_t)++rows->class_count;
    return m->class_slots[at] - 1;
}

static void row_make(
    struct maker *m, struct steer_row *row, const struct site *site, const struct targets *t)
{
    uint64_t hash = hash_with(t->hash, site->kind);

    hash = hash_with(hash, site->policy);
    hash = hash_with(hash, (uint64_t)site->ttl.ns);
    for (size_t i = 0; i < TERM_COUNT; i++)
        hash = hash_with(hash, site->weigh[i]);
    *row = (struct steer_row){
        .site = site,
        .hash = hash_bytes(site->host, 0),
        .targets = t->list,
        .count = t->count,
        .members = t->members,
        .member_count = t->member_count,
        .is_placed = t->is_placed,
    };
    assert(row->count > 0);
    row->class = class_of(m, row, hash);
}

static void maker_init(struct maker *m, struct steer_rows *rows)
{
    size_t slots = 16;

    while (slots < rows->count * 2)
        slots *= 2;
    *m = (struct maker){ .rows = rows, .slot_mask = slots - 1 };
    m->places = mem_array(STEER_PLACES_MAX, sizeof *m->places);
    m->class_slots = mem_array(slots, sizeof *m->class_slots);
}

struct steer_rows *steer_rows_new(const struct network *network, const struct node *self,
    const struct checks *checks, const struct geo *geo)
{
    struct steer_rows *rows = mem_new(struct steer_rows);
    struct maker maker;

    *rows = (struct steer_rows){ .id = hash_seed_random(),
        .network = network,
        .self = self,
        .checks = checks,
        .geo = geo,
        .count = network->site_count };
    arena_init(&rows->arena, SIZE_MAX);
    rows->list = arena_array(&rows->arena, rows->count, sizeof *rows->list);
    rows->classes = arena_array(&rows->arena, rows->count, sizeof(const struct steer_row *));
    rows->class_hashes = arena_array(&rows->arena, rows->count, sizeof *rows->class_hashes);
    rows->health = arena_array(&rows->arena, checks->count, sizeof *rows->health);
    maker_init(&maker, rows);
    struct targets pops = pops_of(&maker);

    for (size_t i = 0; i < rows->count; i++) {
        const struct site *site = network->sites[i];
        struct targets t = site->kind == SITE_STEER ? origins_of(&maker, site) : pops;

        row_make(&maker, &rows->list[i], site, &t);
    }
    mem_free(maker.places);
    mem_free(maker.class_slots);
    return rows;
}

void steer_rows_free(struct steer_rows *rows)
{
    if (rows == NULL)
        return;
    arena_done(&rows->arena);
    mem_free(rows);
}

void steer_health_set(struct steer_rows *rows, uint32_t check, uint8_t bit, bool is_set)
{
    assert(check < rows->checks->count);
    uint8_t before = atomic_load_explicit(&rows->health[check], memory_order_relaxed);
    uint8_t health = is_set ? before | bit : (uint8_t)(before & ~bit);

    atomic_store_explicit(&rows->health[check], health, memory_order_relaxed);
    if (rows->watch != NULL && health != before)
        rows->watch->changed(rows->watch, check, health);
}

const struct steer_row *steer_row_of(const struct steer_rows *rows, const struct site *site)
{
    size_t low = 0, high = rows->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct steer_row *row = &rows->list[middle];

        if (row->site == site)
            return row;
        // The order of network.sites; hosts are in lower case.
        if (slice_order(site->host, row->site->host) < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

struct slice steer_target_name(const struct steer_target *target)
{
    return target->origin != NULL ? target->origin->name : target->pop->name;
}
