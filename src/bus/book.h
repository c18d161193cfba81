// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The book of orders: the log of a process's hub, in memory. Orders are numbered from 1 and kept up
 * to BUS_LOG_MAX of them and BUS_LOG_BYTES_MAX bytes of payload; the oldest go first. Ids are found
 * by hash: each bucket names its newest order, and each order the one before it, until one is named
 * that went; so nothing is to be done when one goes. A plain value, not locked.
 */

#include "bus/bus.h"

struct book_order {
    unsigned char id[BUS_ORDER_ID_SIZE];
    struct slice payload; // the book's
};

struct book_place {
    struct book_order order;
    uint64_t before; // number of the order before it in its bucket, kept or not; 0: none
};

struct book {
    uint64_t era;
    uint64_t first;            // the number of the oldest that is kept, or of the next
    struct book_place *places; // a ring
    uint64_t *buckets;         // `room` of them: the number of the newest, kept or not; 0: none
    size_t room, first_at, count;
    size_t bytes; // of payload
};

/* Empty; numbers go on from `first`. */
void book_init(struct book *book, uint64_t era, uint64_t first);
void book_done(struct book *book); // accepts a zeroed one

/* The number that the next one has. */
uint64_t book_next(const struct book *book);

/* Copied. Returns its number. */
uint64_t book_add(struct book *book, const unsigned char *id, struct slice payload);

/* Its number; 0: not here. */
uint64_t book_find(const struct book *book, const unsigned char *id);

/* NULL: not kept any more, or not yet there. */
const struct book_order *book_get(const struct book *book, uint64_t number);
