// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Whole numbers as big-endian bytes, for messages between nodes and for files. */

#include <stddef.h>
#include <stdint.h>

/* Writes the lowest `size` bytes of it; returns what comes behind them. */
static inline char *number_put(char *out, uint64_t number, size_t size)
{
    for (size_t i = size; i-- > 0; number >>= 8)
        out[i] = (char)(number & 0xff);
    return out + size;
}

/* Reads `size` bytes, at most 8, and moves *in behind them. */
static inline uint64_t number_get(const char **in, size_t size)
{
    uint64_t number = 0;

    for (size_t i = 0; i < size; i++)
        number = number << 8 | (unsigned char)(*in)[i];
    *in += size;
    return number;
}
