// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Whole numbers as big-endian bytes, and texts between them, for messages between nodes and for
 * files. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"

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

/* Returns what comes behind them. */
static inline char *bytes_put(char *out, const void *bytes, size_t length)
{
    if (length > 0)
        memcpy(out, bytes, length);
    return out + length;
}

/* Those of *in, which moves behind them. */
static inline struct slice bytes_get(const char **in, size_t length)
{
    struct slice bytes = slice_of(*in, length);

    *in += length;
    return bytes;
}
