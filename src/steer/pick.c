// SPDX-License-Identifier: Apache-2.0
#include "steer/pick.h"

#include <assert.h>

#include "base/attr.h"
#include "base/hash.h"

enum { LOT_BITS = 32, NOBODY = -1 };

/* Makes the lots for shedding others than those of the draw: who was drawn is not who is shed. */
#define SHED_LOTS UINT64_C(0x5851f42d4c957f2d)

/* One client on its way to a target. */
struct chooser {
    const struct steer_rows *rows;
    const struct steer_row *row;
    const struct steer_cell *cell; // NULL: the row's own order
    const struct ip *client;
    uint64_t leaf; // the client's network and the site, once has_hashed
    bool has_hashed;
    bool has_drawn; // a hash decided between targets
    bool may_shed;  // those over capacity are still passed over
    uint8_t families;
    uint8_t unfit; // bits of health that count
};

/*
 * -log2 of a lot in (0, 1], the lot given as 1 to 2^32 over 2^32, in units of 2^-32. In integers,
 * so that every machine computes the same. For a mantissa 1 + x,
 *
 *     log2(1 + x) = x + x (1 - x) q(x)
 *
 * where q is a polynomial with coefficients of alternating sign, through Chebyshev's points. Its
 * error of 2^-17 vanishes with the factor before it: small waits, which decide, are as exact as
 * others.
 */
static uint64_t minus_log2(uint64_t lot)
{
    static const uint64_t Q[] = { 1901334148, 1194867088, 844652575, 564558587, 275191181,
        64963300 };
    const uint64_t one = UINT64_C(1) << 32;

    assert(lot >= 1 && lot <= UINT64_C(1) << LOT_BITS);
    unsigned top = 63 - (unsigned)__builtin_clzll(lot);
    uint64_t x = (lot << (LOT_BITS - top)) - one;
    uint64_t q = Q[COUNT_OF(Q) - 1];

    for (size_t i = COUNT_OF(Q) - 1; i-- > 0;)
        q = Q[i] - (q * x >> 32); // each is above the next, so it stays above zero
    uint64_t fraction = x + ((x * (one - x) >> 32) * q >> 32);

    return (LOT_BITS - top) * one - fraction;
}

static uint8_t leaf_bits(const struct ip *client)
{
    switch (client->family) {
    case IP_V4: return STEER_LEAF_BITS_V4;
    case IP_V6: return STEER_LEAF_BITS_V6;
    default: return 0;
    }
}

static uint64_t leaf_hash(const struct steer_row *row, const struct ip *client)
{
    uint64_t network = 0;

    for (size_t i = 0; i < leaf_bits(client) / 8; i++)
        network = network << 8 | client->bytes[i];
    return hash_mix(network ^ row->hash ^ client->family);
}

static uint64_t leaf_of(struct chooser *c)
{
    if (!c->has_hashed) {
        c->leaf = leaf_hash(c->row, c->client);
        c->has_hashed = true;
    }
    return c->leaf;
}

static bool lot_is_shed(uint64_t leaf, const struct steer_target *target, uint16_t shed)
{
    uint64_t lot = (hash_mix((leaf ^ target->hash) + SHED_LOTS) >> 32) * STEER_SHED_ALL >> 32;

    return lot < shed;
}

/* Whether the choice at `at` of the cell passes this client on. */
static bool sheds(struct chooser *c, size_t at)
{
    uint16_t shed = c->cell->shed[at];

    if (!c->may_shed || shed < STEER_SHED_LEAST)
        return false;
    return shed == STEER_SHED_ALL ||
           lot_is_shed(leaf_of(c), &c->row->targets[c->cell->targets[at]], shed);
}

static bool member_is_fit(const struct chooser *c, const struct steer_member *member)
{
    return (member->families & c->families) != 0 &&
           (steer_health(c->rows, member->check) & c->unfit) == 0;
}

static bool target_is_fit(const struct chooser *c, const struct steer_target *target)
{
    const struct steer_member *member = &c->row->members[target->first_member];

    for (uint32_t left = target->member_count; left > 0; left--, member++)
        if (member_is_fit(c, member))
            return true;
    return false;
}

/*
 * Weighted rendezvous: a target waits an exponential time of rate weight, drawn by hash; the
 * first to come wins. Chances are as the weights, and no target's wait depends on another's.
 */
static uint64_t wait_of(struct chooser *c, const struct steer_target *target)
{
    uint64_t lot = (hash_mix(leaf_of(c) ^ target->hash) >> (64 - LOT_BITS)) + 1;

    return (minus_log2(lot) << 24) / target->weight;
}

/* Of the cell's band, or of all targets of the row. A lone one that is fit needs no lot. */
static int draw(struct chooser *c, bool is_reserve)
{
    size_t count = c->cell != NULL ? c->cell->band : c->row->count;
    uint64_t best_wait = 0;
    size_t found = 0;
    int best = NOBODY;

    for (size_t i = 0; i < count; i++) {
        size_t at = c->cell != NULL ? c->cell->targets[i] : i;
        const struct steer_target *target = &c->row->targets[at];

        if (target->weight == 0 || target->is_reserve != is_reserve || !target_is_fit(c, target) ||
            (c->cell != NULL && sheds(c, i)))
            continue;
        if (found++ == 0) {
            best = (int)at;
            continue;
        }
        if (found == 2)
            best_wait = wait_of(c, &c->row->targets[best]);
        uint64_t wait = wait_of(c, target);

        if (wait < best_wait) {
            best = (int)at;
            best_wait = wait;
        }
    }
    c->has_drawn |= found > 1;
    return best;
}

static bool is_listed(const struct steer_cell *cell, size_t target)
{
    for (size_t i = 0; cell != NULL && i < cell->count; i++)
        if (cell->targets[i] == target)
            return true;
    return false;
}

/* As listed: the cell's choices, then the row's order. */
static int first(struct chooser *c, bool is_reserve)
{
    for (size_t i = 0; c->cell != NULL && i < c->cell->count; i++) {
        const struct steer_target *target = &c->row->targets[c->cell->targets[i]];

        if (target->is_reserve == is_reserve && target_is_fit(c, target) && !sheds(c, i))
            return c->cell->targets[i];
    }
    for (size_t i = 0; i < c->row->count; i++) {
        const struct steer_target *target = &c->row->targets[i];

        if (target->is_reserve == is_reserve && target_is_fit(c, target) && !is_listed(c->cell, i))
            return (int)i;
    }
    return NOBODY;
}

static int draw_or_first(struct chooser *c, bool is_reserve)
{
    bool draws = c->cell != NULL ? c->cell->band > 1 : c->row->site->policy == POLICY_WEIGHTED;
    int target = draws ? draw(c, is_reserve) : NOBODY;

    return target != NOBODY ? target : first(c, is_reserve);
}

/* The first in order, were all fit and idle. */
static bool is_foremost(const struct chooser *c, size_t target)
{
    if (target == (c->cell != NULL ? c->cell->targets[0] : 0))
        return true;
    struct chooser all = *c;

    all.unfit = 0;
    for (size_t i = 0; i < (c->cell != NULL ? c->cell->count : c->row->count); i++) {
        size_t at = c->cell != NULL ? c->cell->targets[i] : i;

        if (at == target)
            return true;
        if (target_is_fit(&all, &c->row->targets[at]))
            return false;
    }
    return true;
}

/* NOBODY when none is fit. */
static int choose(struct chooser *c, enum steer_reason *reason)
{
    int target;

    c->may_shed = true;
    target = draw_or_first(c, false);
    if (target != NOBODY) {
        *reason = is_foremost(c, (size_t)target) ? STEER_BEST : STEER_NEXT;
        if (c->has_drawn)
            *reason = STEER_DRAWN;
        return target;
    }
    c->may_shed = false;
    *reason = STEER_OVER_CAPACITY;
    target = c->cell != NULL ? draw_or_first(c, false) : NOBODY;
    if (target != NOBODY)
        return target;
    *reason = STEER_RESERVE;
    return draw_or_first(c, true);
}

/* Of several members that are fit, by rendezvous. One is. */
static uint16_t member_draw(struct chooser *c, const struct steer_target *target)
{
    uint32_t best = CHECK_NONE;
    uint64_t best_lot = 0;

    for (uint32_t i = target->first_member; i < target->first_member + target->member_count; i++) {
        if (!member_is_fit(c, &c->row->members[i]))
            continue;
        if (target->member_count == 1)
            return (uint16_t)i;
        uint64_t lot = hash_mix(leaf_of(c) ^ c->row->members[i].hash);

        if (best == CHECK_NONE || lot > best_lot) {
            best = i;
            best_lot = lot;
        }
    }
    assert(best != CHECK_NONE);
    return (uint16_t)best;
}

static bool is_by_cell(const struct steer_row *row)
{
    enum site_policy policy = row->site->policy;

    return row->count > 1 && policy != POLICY_ORDERED && policy != POLICY_WEIGHTED;
}

/* Most sites, most of the time: the first of the row is the first choice of everybody, it has one
 * address, and it is fit. */
static bool first_is_it(
    const struct steer_rows *rows, const struct steer_row *row, uint8_t families)
{
    const struct steer_target *target = &row->targets[0];
    const struct steer_member *member = &row->members[target->first_member];

    return (row->count == 1 || row->site->policy == POLICY_ORDERED) && target->member_count == 1 &&
           !target->is_reserve && (member->families & families) != 0 &&
           (steer_health(rows, member->check) & STEER_OUT) == 0;
}

static struct steer_pick pick_by_all(const struct steer_rows *rows, const struct steer_row *row,
    const struct steer_map *map, uint8_t families, const struct ip *client)
{
    static const uint8_t UNFIT[] = { STEER_OUT, STEER_GOING, 0 };
    struct chooser c = { .rows = rows, .row = row, .client = client, .families = families };
    enum steer_reason reason = STEER_BEST;
    struct geo_found found = { 0 };
    int target = NOBODY;

    if (is_by_cell(row) && steer_map_fits(map, rows)) {
        if (!map->class_is_narrow[row->class])
            found = geo_find(rows->geo, client);
        c.cell = steer_map_cell(map, row, found.cell);
    }
    for (size_t i = 0; target == NOBODY; i++) {
        if (i == 1 && row->site->all_down == ALL_DOWN_NODATA)
            return (struct steer_pick){ .reason = STEER_NOTHING };
        assert(i < COUNT_OF(UNFIT));
        c.unfit = UNFIT[i];
        target = choose(&c, &reason);
        reason = i > 0 ? STEER_ALL_DOWN : reason;
    }
    uint16_t member = member_draw(&c, &row->targets[target]);

    return (struct steer_pick){
        .target = (uint16_t)target,
        .member = member,
        .scope_bits = c.has_hashed ? leaf_bits(client) : found.scope_bits,
        .reason = (uint8_t)reason,
    };
}

struct steer_pick steer_pick(const struct steer_rows *rows, const struct steer_row *row,
    const struct steer_map *map, uint8_t families, const struct ip *client)
{
    if (LIKELY(first_is_it(rows, row, families)))
        return (struct steer_pick){ .member = (uint16_t)row->targets[0].first_member };
    return pick_by_all(rows, row, map, families, client);
}

bool steer_sheds(
    const struct steer_row *row, const struct steer_cell *cell, size_t at, const struct ip *client)
{
    assert(at < cell->count);
    struct chooser c = { .row = row, .cell = cell, .client = client, .may_shed = true };

    return sheds(&c, at);
}

const char *steer_reason_text(enum steer_reason reason)
{
    static const char *const TEXTS[] = {
        [STEER_BEST] = "best",
        [STEER_DRAWN] = "drawn",
        [STEER_NEXT] = "next",
        [STEER_OVER_CAPACITY] = "over_capacity",
        [STEER_RESERVE] = "reserve",
        [STEER_ALL_DOWN] = "all_down",
        [STEER_NOTHING] = "nothing",
    };

    assert(reason < COUNT_OF(TEXTS));
    return TEXTS[reason];
}
