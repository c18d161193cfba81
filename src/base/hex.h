// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Bytes as hexadecimal digits in lower case. To read one: ascii_hex. */

#include "base/slice.h"

/* Two digits a byte, in `room`, with no terminating zero; good as long as it is. */
static inline struct slice hex_write(const void *bytes, size_t count, char *room)
{
    static const char DIGITS[] = "0123456789abcdef";
    const unsigned char *byte = bytes;

    for (size_t i = 0; i < count; i++) {
        room[2 * i] = DIGITS[byte[i] >> 4];
        room[2 * i + 1] = DIGITS[byte[i] & 15];
    }
    return slice_of(room, 2 * count);
}
