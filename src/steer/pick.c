// SPDX-License-Identifier: Apache-2.0
#include "steer/pick.h"

#include <assert.h>

#include "base/attr.h"
#include "base/hash.h"

enum { LOT_BITS = 32 };

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

/*
 * Weighted rendezvous: target i waits an exponential time of rate weight_i, drawn by hash; the
 * first to come wins. Chances are as the weights, and no target's wait depends on another's.
 */
static size_t draw(const struct steer_row *row, uint64_t client)
{
    size_t best = 0;
    uint64_t best_wait = UINT64_MAX;

    for (size_t i = 0; i < row->count; i++) {
        uint64_t lot = (hash_mix(client ^ row->targets[i].hash) >> (64 - LOT_BITS)) + 1;
        uint32_t weight = row->targets[i].weight;
        uint64_t wait = weight == 0 ? UINT64_MAX : (minus_log2(lot) << 24) / weight;

        if (wait < best_wait) {
            best = i;
            best_wait = wait;
        }
    }
    return best;
}

struct steer_pick steer_pick(const struct steer_row *row, const struct ip *client)
{
    assert(row->count > 0);
    bool draws = row->site->policy == POLICY_WEIGHTED || row->site->policy == POLICY_STICKY;

    if (!draws || row->count == 1 || client->family == IP_NONE)
        return (struct steer_pick){ 0 };
    uint8_t bits = client->family == IP_V4 ? STEER_CELL_BITS_V4 : STEER_CELL_BITS_V6;
    uint64_t network = 0;

    for (size_t i = 0; i < bits / 8; i++)
        network = network << 8 | client->bytes[i];
    uint64_t cell = hash_mix(network ^ row->hash ^ client->family);

    return (struct steer_pick){ .target = draw(row, cell), .scope_bits = bits };
}
