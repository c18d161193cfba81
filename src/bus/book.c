// SPDX-License-Identifier: Apache-2.0
#include "bus/book.h"

#include <assert.h>

#include "base/hash.h"
#include "base/mem.h"

enum { ROOM_MIN = 64 };

void book_init(struct book *book, uint64_t era, uint64_t first)
{
    assert(era > 0 && first > 0);
    *book = (struct book){ .era = era, .first = first };
}

static struct book_place *at(const struct book *book, size_t index)
{
    return &book->places[(book->first_at + index) % book->room];
}

static uint64_t *bucket_of(const struct book *book, const unsigned char *id)
{
    struct slice bytes = slice_of((const char *)id, BUS_ORDER_ID_SIZE);

    return &book->buckets[hash_bytes(bytes, 0) % book->room];
}

/* Makes it the newest of its bucket. */
static void enter(struct book *book, size_t index)
{
    struct book_place *place = at(book, index);
    uint64_t *bucket = bucket_of(book, place->order.id);

    place->before = *bucket;
    *bucket = book->first + index;
}

static void drop_first(struct book *book)
{
    struct book_order *oldest = &at(book, 0)->order;

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
    mem_free(book->places);
    mem_free(book->buckets);
    *book = (struct book){ .places = NULL };
}

uint64_t book_next(const struct book *book)
{
    return book->first + book->count;
}

static void grow(struct book *book)
{
    size_t room = book->room == 0 ? ROOM_MIN : 2 * book->room;
    struct book_place *places = mem_array(room, sizeof *places);

    for (size_t i = 0; i < book->count; i++)
        places[i] = *at(book, i);
    mem_free(book->places);
    mem_free(book->buckets);
    book->places = places;
    book->buckets = mem_array(room, sizeof *book->buckets);
    book->room = room;
    book->first_at = 0;
    for (size_t i = 0; i < book->count; i++)
        enter(book, i);
}

uint64_t book_add(struct book *book, const unsigned char *id, struct slice payload)
{
    assert(payload.length <= BUS_ORDER_MAX);
    while (book->count == BUS_LOG_MAX || book->bytes + payload.length > BUS_LOG_BYTES_MAX)
        drop_first(book);
    if (book->count == book->room)
        grow(book);
    struct book_order *order = &at(book, book->count)->order;

    memcpy(order->id, id, sizeof order->id);
    order->payload = slice_of(mem_text(payload.at, payload.length), payload.length);
    enter(book, book->count++);
    book->bytes += payload.length;
    return book_next(book) - 1;
}

uint64_t book_find(const struct book *book, const unsigned char *id)
{
    uint64_t number = book->count == 0 ? 0 : *bucket_of(book, id);

    while (number >= book->first) {
        const struct book_place *place = at(book, number - book->first);

        if (memcmp(place->order.id, id, BUS_ORDER_ID_SIZE) == 0)
            return number;
        number = place->before;
    }
    return 0;
}

const struct book_order *book_get(const struct book *book, uint64_t number)
{
    if (number < book->first || number >= book_next(book))
        return NULL;
    return &at(book, number - book->first)->order;
}
