// SPDX-License-Identifier: Apache-2.0
#include "bus/book_bytes.h"

#include <assert.h>

#include "base/hash.h"

static const char MAGIC[8] = { 'W', 'P', 'O', 'R', 'D', 'E', 'R', '1' };

static void put(char *out, size_t size, uint64_t number)
{
    for (size_t i = size; i-- > 0; number >>= 8)
        out[i] = (char)(number & 0xff);
}

static uint64_t get(const char *in, size_t size)
{
    uint64_t number = 0;

    for (size_t i = 0; i < size; i++)
        number = number << 8 | (unsigned char)in[i];
    return number;
}

void book_head_write(char *out, uint64_t era, uint64_t first)
{
    memcpy(out, MAGIC, sizeof MAGIC);
    put(out + 8, 8, era);
    put(out + 16, 8, first);
    put(out + 24, 8, hash_bytes(slice_of(out, 24), 0));
}

static uint64_t order_hash(struct slice id_and_payload, uint64_t era, uint64_t number)
{
    return hash_bytes(id_and_payload, hash_mix(era) + number);
}

size_t book_order_write(char *out, uint64_t era, uint64_t number, const struct book_order *order)
{
    size_t length = order->payload.length;

    assert(length > 0 && length <= BUS_ORDER_MAX);
    put(out, 4, length);
    put(out + 4, 4, ~(uint32_t)length);
    memcpy(out + 16, order->id, BUS_ORDER_ID_SIZE);
    memcpy(out + BOOK_ORDER_HEAD_SIZE, order->payload.at, length);
    put(out + 8, 8, order_hash(slice_of(out + 16, BUS_ORDER_ID_SIZE + length), era, number));
    return BOOK_ORDER_HEAD_SIZE + length;
}

bool book_reader_open(struct book_reader *reader, struct slice bytes)
{
    *reader = (struct book_reader){ .rest = SLICE_NONE };
    if (bytes.length < BOOK_HEAD_SIZE || memcmp(bytes.at, MAGIC, sizeof MAGIC) != 0 ||
        get(bytes.at + 24, 8) != hash_bytes(slice_head(bytes, 24), 0))
        return false;
    uint64_t era = get(bytes.at + 8, 8), first = get(bytes.at + 16, 8);

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

    if (rest.length == 0)
        return BOOK_END;
    if (rest.length < 8)
        return BOOK_TORN;
    uint64_t length = get(rest.at, 4);

    if (length == 0 || length > BUS_ORDER_MAX || get(rest.at + 4, 4) != (uint32_t)~length)
        return judge(rest);
    if (rest.length < BOOK_ORDER_HEAD_SIZE + length)
        return BOOK_TORN;
    struct slice hashed = slice_of(rest.at + 16, BUS_ORDER_ID_SIZE + length);

    if (get(rest.at + 8, 8) != order_hash(hashed, reader->era, reader->next))
        return judge(slice_from(rest, BOOK_ORDER_HEAD_SIZE));
    memcpy(order->id, hashed.at, BUS_ORDER_ID_SIZE);
    order->payload = slice_from(hashed, BUS_ORDER_ID_SIZE);
    reader->rest = slice_from(rest, BOOK_ORDER_HEAD_SIZE + length);
    reader->next++;
    return BOOK_ORDER;
}
