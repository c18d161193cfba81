// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The file of a book of orders, as bytes. Numbers have their highest byte first.
 *
 *     head    "WPORDER1"  era 8  number of the first order 8  hash of these 8
 *     order   length of the payload 4  its complement 4  hash of the rest 8  id 16  payload
 *
 * An order's number is its place; its hash is of era and number too, so that one in another place
 * is not taken. The complement tells a length that is damaged from an order that is cut short, as
 * the first would hide all orders that follow. Pure.
 */

#include "bus/book.h"

enum {
    BOOK_HEAD_SIZE = 32,
    BOOK_ORDER_HEAD_SIZE = 32,
    BOOK_ORDER_SIZE_MAX = BOOK_ORDER_HEAD_SIZE + BUS_ORDER_MAX,
};

/* Writes BOOK_HEAD_SIZE bytes. */
void book_head_write(char *out, uint64_t era, uint64_t first);

/* Returns how many bytes, BOOK_ORDER_SIZE_MAX at most. */
size_t book_order_write(char *out, uint64_t era, uint64_t number, const struct book_order *order);

struct book_reader {
    struct slice rest; // what was not read, or not taken
    uint64_t era, next;
};

enum book_found {
    BOOK_ORDER,
    BOOK_END,
    BOOK_TORN,   // the end of one, or nothing but zeros: it was being written
    BOOK_BROKEN, // was written whole, and is no more
};

/* False: no book of ours. Then as a book that holds nothing. */
[[nodiscard]] bool book_reader_open(struct book_reader *reader, struct slice bytes);

/* The order is in the bytes. */
enum book_found book_reader_next(struct book_reader *reader, struct book_order *order);
