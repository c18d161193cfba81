// SPDX-License-Identifier: Apache-2.0
#include "meter/journal_file.h"

#include <assert.h>

#include "base/hash.h"
#include "base/number.h"

enum { CHECK_SIZE = 8, HEADER_CHECK_SIZE = 4 };

static const char MARK[JOURNAL_FILE_HEADER] = { 'w', 'p', 'u', 'l', 'o', 'g', 0, 1 };

static_assert(USAGE_ENTRY_MAX <= UINT16_MAX, "two bytes tell the length");

static uint32_t header_check(const char *header)
{
    return (uint32_t)hash_bytes(
        slice_of(header + HEADER_CHECK_SIZE, JOURNAL_RECORD_HEADER - HEADER_CHECK_SIZE), 0);
}

void journal_file_begin(char room[JOURNAL_FILE_HEADER])
{
    memcpy(room, MARK, sizeof MARK);
}

bool journal_file_is_ours(struct slice header)
{
    return slice_equal(header, slice_of(MARK, sizeof MARK));
}

size_t journal_record_write(const struct journal_record *record, char *room)
{
    struct slice payload = record->payload;

    assert(payload.length <= USAGE_ENTRY_MAX && record->kind < JOURNAL_RECORD_KIND_COUNT);
    char *out = number_put(room + HEADER_CHECK_SIZE, payload.length, 2);

    out = number_put(out, (uint64_t)record->kind, 1);
    out = number_put(out, 0, 1);
    out = number_put(out, record->write, 8);
    number_put(room, header_check(room), HEADER_CHECK_SIZE);
    if (payload.length > 0)
        memcpy(out, payload.at, payload.length);
    out = number_put(out + payload.length, hash_bytes(payload, 0), CHECK_SIZE);
    return (size_t)(out - room);
}

/* False: it is not one of ours, or not of this place, `at` in the file. */
static bool read_header(const char *in, uint64_t at, struct journal_record *record)
{
    const char *start = in;

    if (number_get(&in, HEADER_CHECK_SIZE) != header_check(start))
        return false;
    size_t length = (size_t)number_get(&in, 2);
    uint64_t kind = number_get(&in, 1);

    if (number_get(&in, 1) != 0 || length > USAGE_ENTRY_MAX || kind >= JOURNAL_RECORD_KIND_COUNT)
        return false;
    *record = (struct journal_record){ .kind = (enum journal_record_kind)kind,
        .write = number_get(&in, 8),
        .payload.length = length };
    return record->write <= at && (record->write == 0 || record->write >= JOURNAL_FILE_HEADER);
}

enum journal_reading journal_record_read(
    const struct journal_window *window, size_t *at, struct journal_record *record)
{
    const enum journal_reading cut = window->is_end ? JOURNAL_READ_WRONG : JOURNAL_READ_MORE;
    struct slice rest = slice_from(window->bytes, *at);
    struct journal_record read;

    if (rest.length == 0)
        return window->is_end ? JOURNAL_READ_END : JOURNAL_READ_MORE;
    if (rest.length < JOURNAL_RECORD_HEADER)
        return cut;
    if (!read_header(rest.at, window->at + *at, &read))
        return JOURNAL_READ_WRONG;
    size_t size = read.payload.length + JOURNAL_RECORD_EXTRA;

    if (rest.length < size)
        return cut;
    const char *check = rest.at + size - CHECK_SIZE;

    read.payload.at = rest.at + JOURNAL_RECORD_HEADER;
    if (number_get(&check, CHECK_SIZE) != hash_bytes(read.payload, 0))
        return JOURNAL_READ_WRONG;
    *record = read;
    *at += size;
    return JOURNAL_READ_RECORD;
}

bool journal_record_find(const struct journal_window *window, size_t *at)
{
    struct journal_record record;
    size_t i = *at;

    for (; i + JOURNAL_RECORD_HEADER <= window->bytes.length; i++)
        if (read_header(window->bytes.at + i, window->at + i, &record)) {
            *at = i;
            return true;
        }
    *at = i;
    return false;
}

struct slice journal_oldest_write(
    const struct journal_oldest *oldest, char room[JOURNAL_OLDEST_SIZE])
{
    number_put(number_put(room, oldest->number, 8), oldest->first, 8);
    return slice_of(room, JOURNAL_OLDEST_SIZE);
}

bool journal_oldest_parse(struct slice payload, struct journal_oldest *oldest)
{
    const char *in = payload.at;

    if (payload.length != JOURNAL_OLDEST_SIZE)
        return false;
    oldest->number = number_get(&in, 8);
    oldest->first = number_get(&in, 8);
    return true;
}

struct slice journal_settled_write(const struct journal_position *settled, char *room)
{
    char *out = number_put(room, settled->sequence, 8);

    memcpy(out, settled->hash, USAGE_HASH_SIZE);
    return slice_of(room, JOURNAL_SETTLED_SIZE);
}

bool journal_settled_parse(struct slice payload, struct journal_position *settled)
{
    const char *in = payload.at;

    if (payload.length != JOURNAL_SETTLED_SIZE)
        return false;
    settled->sequence = number_get(&in, 8);
    memcpy(settled->hash, in, USAGE_HASH_SIZE);
    return true;
}
