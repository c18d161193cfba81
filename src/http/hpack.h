// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Fields of answers, packed for HTTP/2 (RFC 7541): the encoder's half.
 *
 * An answer from a store is made of lines that most answers of a connection have in common. So what
 * is remembered of the other side's table are whole lines, as they lie in the store: one that was
 * sent before is one look and one byte, and no name is put into lower case again.
 *
 * Who asks for the same again is told the same: as long as nothing goes into the table, the same
 * lines are the same bytes, so those of the last head are kept.
 *
 * The table here may know less than the other side's does, never more: when its own room is used
 * up it forgets all, and lines go out in full once more. Nothing is Huffman coded: what is sent
 * often is an index anyway.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum {
    HPACK_LINES_MAX = 32,       // that are remembered
    HPACK_SLOTS = 64,           // to find them in
    HPACK_TEXT_MAX = 2 * 1024,  // of them all
    HPACK_TABLE_MAX = 4 * 1024, // that we make use of, whatever the other side offers
    HPACK_AGAIN_MAX = 384,      // of a head that may be said again
    HPACK_AGAIN_PACKED_MAX = 128
};

struct hpack_line {
    uint32_t hash;
    uint32_t before; // size of all entries that went in before it
    uint16_t at, length;
};

struct hpack {
    uint32_t limit; // of the other side's table, in its sizes (RFC 7541 §4.1)
    uint32_t size;  // of what went into it since all was forgotten
    uint16_t count, used;
    bool is_changed;       // by the packing that is going on
    uint16_t again_length; // of the last head that changed nothing; 0: there is none
    uint16_t again_packed_length;
    uint8_t slots[HPACK_SLOTS]; // a line's number and one; 0: free
    struct hpack_line lines[HPACK_LINES_MAX];
    char text[HPACK_TEXT_MAX];
    char again[HPACK_AGAIN_MAX];
    uint8_t again_packed[HPACK_AGAIN_PACKED_MAX];
};

/* Forgets everything. The other side keeps `table_bytes` from the next packing on, which somebody
 * else has told it (RFC 7541 §4.2). */
void hpack_init(struct hpack *h, uint32_t table_bytes);

/* What packing makes of so many bytes of lines, at most. */
static inline size_t hpack_most(size_t bytes)
{
    return 2 * bytes; // four bytes more a line, and none is shorter than four
}

/*
 * Packs "Name: value\r\n"... as the next fields of the block that is being sent; names go out in
 * lower case. `room` has hpack_most(lines.length) bytes. Returns how many were written. What is
 * packed has to be sent, in this order, or the two tables differ.
 */
size_t hpack_pack(struct hpack *h, struct slice lines, uint8_t *room);
