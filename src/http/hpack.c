// SPDX-License-Identifier: Apache-2.0
#include "http/hpack.h"

#include <assert.h>

#include "base/attr.h"

enum {
    ENTRY_MORE = 32,   // counted for each entry (RFC 7541 §4.1)
    DYNAMIC_FIRST = 62 // the newest entry's index (RFC 7541 §2.3.3)
};

/* How a field goes out that is in no table; the low bits are its name's index. */
enum form {
    FORM_KEPT = 0x40,    // into the table (RFC 7541 §6.2.1)
    FORM_PASSING = 0x00, // not: another answer's will differ (§6.2.2)
    FORM_SECRET = 0x10,  // nor into that of anybody on the way (§6.2.3)
};

struct name {
    struct slice text;
    uint8_t index; // in the static table (RFC 7541 appendix A)
    uint8_t form;
};

/* Those of answers; first what each answer has that has a length of its own. */
static const struct name NAMES[] = {
    { { "content-length", 14 }, 28, FORM_PASSING },
    { { "age", 3 }, 21, FORM_PASSING },
    { { "etag", 4 }, 34, FORM_PASSING },
    { { "content-range", 13 }, 30, FORM_PASSING },
    { { "location", 8 }, 46, FORM_PASSING },
    { { "set-cookie", 10 }, 55, FORM_SECRET },
    { { "date", 4 }, 33, FORM_KEPT },
    { { "content-type", 12 }, 31, FORM_KEPT },
    { { "cache-control", 13 }, 24, FORM_KEPT },
    { { "last-modified", 13 }, 44, FORM_KEPT },
    { { "via", 3 }, 60, FORM_KEPT },
    { { "vary", 4 }, 59, FORM_KEPT },
    { { "server", 6 }, 54, FORM_KEPT },
    { { "expires", 7 }, 36, FORM_KEPT },
    { { "accept-ranges", 13 }, 18, FORM_KEPT },
    { { "content-encoding", 16 }, 26, FORM_KEPT },
    { { "access-control-allow-origin", 27 }, 20, FORM_KEPT },
    { { "strict-transport-security", 25 }, 56, FORM_KEPT },
    { { "allow", 5 }, 22, FORM_KEPT },
    { { "content-disposition", 19 }, 25, FORM_KEPT },
    { { "content-language", 16 }, 27, FORM_KEPT },
    { { "content-location", 16 }, 29, FORM_KEPT },
    { { "link", 4 }, 45, FORM_KEPT },
    { { "retry-after", 11 }, 53, FORM_KEPT },
    { { "www-authenticate", 16 }, 61, FORM_KEPT },
};

static const struct name OTHER_NAME = { .form = FORM_KEPT };

/* The same lines would be other bytes now. */
static void change(struct hpack *h)
{
    h->is_changed = true;
    h->again_length = 0;
}

static void forget(struct hpack *h)
{
    change(h);
    h->size = h->count = h->used = 0;
    memset(h->slots, 0, sizeof h->slots);
}

void hpack_init(struct hpack *h, uint32_t table_bytes)
{
    forget(h);
    h->limit = table_bytes < HPACK_TABLE_MAX ? table_bytes : HPACK_TABLE_MAX;
}

/* RFC 7541 §5.1; `first` holds what stands above the `bits`. */
static uint8_t *number_put(uint8_t *to, uint8_t first, unsigned bits, size_t number)
{
    size_t most = ((size_t)1 << bits) - 1;

    if (number < most) {
        *to++ = (uint8_t)(first | number);
        return to;
    }
    *to++ = (uint8_t)(first | most);
    for (number -= most; number >= 128; number >>= 7)
        *to++ = (uint8_t)(number | 128);
    *to++ = (uint8_t)number;
    return to;
}

static uint8_t *text_put(uint8_t *to, struct slice text)
{
    to = number_put(to, 0, 7, text.length);
    if (text.length > 0)
        memcpy(to, text.at, text.length);
    return to + text.length;
}

static const struct name *name_find(struct slice text)
{
    for (size_t i = 0; i < COUNT_OF(NAMES); i++)
        if (NAMES[i].text.length == text.length && slice_same(NAMES[i].text, text))
            return &NAMES[i];
    return &OTHER_NAME;
}

static uint8_t *literal_put(
    uint8_t *to, const struct name *name, enum form form, struct slice text, struct slice value)
{
    to = number_put(to, (uint8_t)form, form == FORM_KEPT ? 6 : 4, name->index);
    if (name->index == 0) {
        uint8_t *lower = (to = text_put(to, text)) - text.length;

        for (; lower < to; lower++)
            *lower = (uint8_t)ascii_lower((char)*lower);
    }
    return text_put(to, value);
}

/* Of both ends, where lines differ: what is found is compared anyway, and is among a few. */
static uint32_t hash_of(struct slice line)
{
    uint64_t first = 0, last = 0;

    if (line.length >= sizeof first) {
        memcpy(&first, line.at, sizeof first);
        memcpy(&last, line.at + line.length - sizeof last, sizeof last);
    } else {
        memcpy(&first, line.at, line.length);
    }
    uint64_t mixed = (first ^ (last << 7 | last >> 57)) * UINT64_C(0xd6e8feb86659fd93);

    return (uint32_t)(mixed >> 32) + (uint32_t)line.length;
}

/* RFC 7541 §4.4: the newest that fit are still in the other side's table. */
static bool is_there(const struct hpack *h, int number)
{
    return h->size - h->lines[number].before <= h->limit;
}

/* Whether the next of the lines is the one of this number: they come in the order in which they
 * came before, so that most of them need not be looked for. */
static bool is_next(const struct hpack *h, struct slice lines, int number)
{
    if (number >= h->count || !is_there(h, number))
        return false;
    const struct hpack_line *known = &h->lines[number];

    return lines.length > known->length && lines.at[known->length] == '\r' &&
           memcmp(lines.at, h->text + known->at, known->length) == 0;
}

/* Its number, or -1. An entry that the other side has dropped by now ends all remembering. */
static int line_find(struct hpack *h, struct slice line, uint32_t hash)
{
    for (uint32_t slot = hash % HPACK_SLOTS; h->slots[slot] != 0; slot = (slot + 1) % HPACK_SLOTS) {
        int number = h->slots[slot] - 1;
        const struct hpack_line *known = &h->lines[number];

        if (known->hash != hash || !slice_equal(slice_of(h->text + known->at, known->length), line))
            continue;
        if (is_there(h, number))
            return number;
        forget(h);
        return -1;
    }
    return -1;
}

static void line_remember(struct hpack *h, struct slice line, uint32_t hash, size_t size)
{
    if (h->count == HPACK_LINES_MAX || line.length > sizeof h->text - h->used)
        forget(h);
    change(h);
    uint32_t slot = hash % HPACK_SLOTS;

    while (h->slots[slot] != 0) // half of them are free, at least
        slot = (slot + 1) % HPACK_SLOTS;
    memcpy(h->text + h->used, line.at, line.length);
    h->lines[h->count] = (struct hpack_line){ hash, h->size, h->used, (uint16_t)line.length };
    h->used = (uint16_t)(h->used + line.length);
    h->size += (uint32_t)size;
    h->slots[slot] = (uint8_t)++h->count;
}

static uint8_t *known_put(const struct hpack *h, uint8_t *to, int number) // RFC 7541 §6.1
{
    return number_put(to, 0x80, 7, (size_t)(DYNAMIC_FIRST + h->count - 1 - number));
}

/* *next: the number of the line that came behind this one before, if it did. */
static uint8_t *line_pack(struct hpack *h, struct slice line, uint8_t *to, int *next)
{
    uint32_t hash = hash_of(line);
    int known = line_find(h, line, hash);

    if (known >= 0) {
        *next = known + 1;
        return known_put(h, to, known);
    }
    const char *colon = memchr(line.at, ':', line.length);

    assert(colon != NULL);
    struct slice text = slice_of(line.at, (size_t)(colon - line.at));
    struct slice value = slice_trim(slice_from(line, text.length + 1));
    const struct name *name = name_find(text);
    size_t size = text.length + value.length + ENTRY_MORE;

    // What is large would push out all else.
    if (name->form != FORM_KEPT || size > h->limit / 4 || line.length > sizeof h->text / 4)
        return literal_put(
            to, name, name->form == FORM_SECRET ? FORM_SECRET : FORM_PASSING, text, value);
    line_remember(h, line, hash, size);
    return literal_put(to, name, FORM_KEPT, text, value);
}

static size_t lines_pack(struct hpack *h, struct slice lines, uint8_t *room)
{
    uint8_t *to = room;
    int next = 0;

    while (lines.length > 0) {
        size_t length;

        if (is_next(h, lines, next)) {
            length = h->lines[next].length;
            to = known_put(h, to, next++);
        } else {
            const char *end = memchr(lines.at, '\r', lines.length);

            assert(end != NULL);
            length = (size_t)(end - lines.at);
            to = line_pack(h, slice_of(lines.at, length), to, &next);
        }
        lines = slice_from(lines, length + strlen("\r\n"));
    }
    return (size_t)(to - room);
}

static void again_keep(struct hpack *h, struct slice lines, const uint8_t *packed, size_t length)
{
    if (h->is_changed || lines.length > sizeof h->again || length > sizeof h->again_packed)
        return;
    if (lines.length > 0)
        memcpy(h->again, lines.at, lines.length);
    memcpy(h->again_packed, packed, length);
    h->again_length = (uint16_t)lines.length;
    h->again_packed_length = (uint16_t)length;
}

size_t hpack_pack(struct hpack *h, struct slice lines, uint8_t *room)
{
    if (lines.length > 0 && slice_equal(lines, slice_of(h->again, h->again_length))) {
        memcpy(room, h->again_packed, h->again_packed_length);
        return h->again_packed_length;
    }
    h->is_changed = false;
    size_t length = lines_pack(h, lines, room);

    again_keep(h, lines, room, length);
    return length;
}
