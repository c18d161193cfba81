// SPDX-License-Identifier: Apache-2.0
#include "bus/book_bytes.h"

#include <assert.h>

#include "base/hash.h"
#include "base/number.h"

static const char MAGIC[8] = { 'W', 'P', 'O', 'R', 'D', 'E', 'R', '1' };

void book_head_write(char *out, uint64_t era, uint64_t first)
{
    char *at = out + sizeof MAGIC;

    memcpy(out, MAGIC, sizeof MAGIC);
    at = number_put(at, era, 8);
    at = number_put(at, first, 8);
    number_put(at, hash_bytes(slice_of(out, (size_t)(at - out)), 0), 8);
}

static uint64_t order_hash(struct slice id_and_payload, uint64_t era, uint64_t number)
{
    return hash_bytes(id_and_payload, hash_mix(era) + number);
}

size_t book_order_write(char *out, uint64_t era, uint64_t number, const struct book_order *order)
{
    size_t length = order->payload.length;
    char *at = out, *hashed = out + 16;

    assert(length > 0 && length <= BUS_ORDER_MAX);
    memcpy(hashed, order->id, BUS_ORDER_ID_SIZE);
    memcpy(hashed + BUS_ORDER_ID_SIZE, order->payload.at, length);
    at = number_put(at, length, 4);
    at = number_put(at, ~length, 4);
    number_put(at, order_hash(slice_of(hashed, BUS_ORDER_ID_SIZE + length), era, number), 8);
    return BOOK_ORDER_HEAD_SIZE + length;
}

bool book_reader_open(struct book_reader *reader, struct slice bytes)
{
    *reader = (struct book_reader){ .rest = SLICE_NONE };
    if (bytes.length < BOOK_HEAD_SIZE || memcmp(bytes.at, MAGIC, sizeof MAGIC) != 0)
        return false;
    const char *in = bytes.at + sizeof MAGIC;
    uint64_t era = number_get(&in, 8), first = number_get(&in, 8), hash = number_get(&in, 8);

    if (hash != hash_bytes(slice_head(bytes, 24), 0))
        return false;
    // Nobody can have given so many: room enough to count on.
    if (era == 0 || first == 0 || first > INT64_MAX || era > INT64_MAX)
        return false;
    *reader = (struct book_reader){ slice_from(bytes, BOOK_HEAD_SIZE), era, first };
    return true;
}

static bool is_zero(struct slice bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        if (bytes.at[i] != 0)
            return false;
    }
    return true;
}

/* What is short at the end was being written, and so was what has its length but not its bytes. */
static enum book_found judge(struct slice rest)
{
    return is_zero(rest) ? BOOK_TORN : BOOK_BROKEN;
}

enum book_found book_reader_next(struct book_reader *reader, struct book_order *order)
{
    struct slice rest = reader->rest;
    const char *in = rest.at;

    if (rest.length == 0)
        return BOOK_END;
    if (rest.length < 8)
        return BOOK_TORN;
    uint64_t length = number_get(&in, 4), complement = number_get(&in, 4);

    if (length == 0 || length > BUS_ORDER_MAX || complement != (uint32_t)~length)
        return judge(rest);
    if (rest.length < BOOK_ORDER_HEAD_SIZE + length)
        return BOOK_TORN;
    uint64_t hash = number_get(&in, 8);
    struct slice hashed = slice_of(in, BUS_ORDER_ID_SIZE + length);

    if (hash != order_hash(hashed, reader->era, reader->next))
        return judge(slice_from(rest, BOOK_ORDER_HEAD_SIZE));
    memcpy(order->id, hashed.at, BUS_ORDER_ID_SIZE);
    order->payload = slice_from(hashed, BUS_ORDER_ID_SIZE);
    reader->rest = slice_from(rest, BOOK_ORDER_HEAD_SIZE + length);
    reader->next++;
    return BOOK_ORDER;
}
