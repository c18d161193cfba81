// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Hashes. `hash_bytes` is for tables and for naming things by hash; it is keyed where strangers
 * choose the bytes (`seed` drawn at start), so that nobody can aim at one bucket.
 */

#include <stdint.h>

#include "base/slice.h"

uint64_t hash_bytes(struct slice bytes, uint64_t seed);

/* Spreads a number over all 64 bits; never used where strangers choose both input and use. */
static inline uint64_t hash_mix(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    return x ^ (x >> 32);
}

/* From the kernel; different at each start. */
uint64_t hash_seed_random(void);
