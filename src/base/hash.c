// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <assert.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash_bytes(struct slice bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.at, bytes.length, seed);
}

uint64_t hash_seed_random(void)
{
    uint64_t seed = 0;
    ssize_t got = getrandom(&seed, sizeof seed, 0);

    assert(got == (ssize_t)sizeof seed);
    return seed;
}
