// SPDX-License-Identifier: Apache-2.0
#include "bus/book.h"

#include <assert.h>

#include "base/mem.h"

enum { ROOM_MIN = 64 };

void book_init(struct book *book, uint64_t era, uint64_t first)
{
    assert(era > 0 && first > 0);
    *book = (struct book){ .era = era, .first = first };
}

static struct book_order *at(const struct book *book, size_t index)
{
    return &book->orders[(book->first_at + index) % book->room];
}

static void drop_first(struct book *book)
{
    struct book_order *oldest = at(book, 0);

    book->bytes -= oldest->payload.length;
    mem_free((void *)(uintptr_t)oldest->payload.at); // ours: book_add made it
    book->first_at = (book->first_at + 1) % book->room;
    book->first++;
    book->count--;
}

void book_done(struct book *book)
{
    while (book->count > 0)
        drop_first(book);
    mem_free(book->orders);
    *book = (struct book){ .orders = NULL };
}

uint64_t book_next(const struct book *book)
{
    return book->first + book->count;
}

static void grow(struct book *book)
{
    size_t room = book->room == 0 ? ROOM_MIN : 2 * book->room;
    struct book_order *orders = mem_array(room, sizeof *orders);

    for (size_t i = 0; i < book->count; i++)
        orders[i] = *at(book, i);
    mem_free(book->orders);
    book->orders = orders;
    book->room = room;
    book->first_at = 0;
}

uint64_t book_add(struct book *book, const unsigned char *id, struct slice payload)
{
    assert(payload.length <= BUS_ORDER_MAX);
    while (book->count == BUS_LOG_MAX || book->bytes + payload.length > BUS_LOG_BYTES_MAX)
        drop_first(book);
    if (book->count == book->room)
        grow(book);
    struct book_order *order = at(book, book->count++);

    memcpy(order->id, id, sizeof order->id);
    order->payload = slice_of(mem_text(payload.at, payload.length), payload.length);
    book->bytes += payload.length;
    return book_next(book) - 1;
}

uint64_t book_find(const struct book *book, const unsigned char *id)
{
    // From the newest on: what is asked for again was asked for just now.
    for (size_t i = book->count; i-- > 0;) {
        if (memcmp(at(book, i)->id, id, BUS_ORDER_ID_SIZE) == 0)
            return book->first + i;
    }
    return 0;
}

const struct book_order *book_get(const struct book *book, uint64_t number)
{
    if (number < book->first || number >= book_next(book))
        return NULL;
    return at(book, number - book->first);
}
