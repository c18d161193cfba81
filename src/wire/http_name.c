// SPDX-License-Identifier: Apache-2.0
/*
 * Length, first and last letter tell all known names apart when multiplied into 128 slots; the
 * factors were found by trying. A name added to the list without its place is found by the test,
 * two names in one slot do not compile: then new factors must be sought.
 */
#include "wire/http_name.h"

#include <string.h>

#include "base/attr.h"

enum { NAME_ROOM = 24, SLOTS = 128 };

#define SLOT(length, first, last) (((length)*17U + (first)*1U + (last)*10U) % SLOTS)

#define PLACE(name, length, first, last) [SLOT(length##U, first, last)] = HTTP_NAME_##name

static const uint8_t PLACES[SLOTS] = {
    PLACE(ACCEPT_ENCODING, 15, 'a', 'g'),
    PLACE(AGE, 3, 'a', 'e'),
    PLACE(AUTHORIZATION, 13, 'a', 'n'),
    PLACE(CACHE_CONTROL, 13, 'c', 'l'),
    PLACE(CACHE_STATUS, 12, 'c', 's'),
    PLACE(CDN_CACHE_CONTROL, 17, 'c', 'l'),
    PLACE(CDN_LOOP, 8, 'c', 'p'),
    PLACE(CONNECTION, 10, 'c', 'n'),
    PLACE(CONTENT_ENCODING, 16, 'c', 'g'),
    PLACE(CONTENT_LENGTH, 14, 'c', 'h'),
    PLACE(CONTENT_LOCATION, 16, 'c', 'n'),
    PLACE(CONTENT_RANGE, 13, 'c', 'e'),
    PLACE(CONTENT_TYPE, 12, 'c', 'e'),
    PLACE(COOKIE, 6, 'c', 'e'),
    PLACE(DATE, 4, 'd', 'e'),
    PLACE(ETAG, 4, 'e', 'g'),
    PLACE(EXPECT, 6, 'e', 't'),
    PLACE(EXPIRES, 7, 'e', 's'),
    PLACE(HOST, 4, 'h', 't'),
    PLACE(IF_MATCH, 8, 'i', 'h'),
    PLACE(IF_MODIFIED_SINCE, 17, 'i', 'e'),
    PLACE(IF_NONE_MATCH, 13, 'i', 'h'),
    PLACE(IF_RANGE, 8, 'i', 'e'),
    PLACE(IF_UNMODIFIED_SINCE, 19, 'i', 'e'),
    PLACE(KEEP_ALIVE, 10, 'k', 'e'),
    PLACE(LAST_MODIFIED, 13, 'l', 'd'),
    PLACE(LOCATION, 8, 'l', 'n'),
    PLACE(MAX_FORWARDS, 12, 'm', 's'),
    PLACE(PRAGMA, 6, 'p', 'a'),
    PLACE(PROXY_AUTHENTICATE, 18, 'p', 'e'),
    PLACE(PROXY_AUTHORIZATION, 19, 'p', 'n'),
    PLACE(PROXY_CONNECTION, 16, 'p', 'n'),
    PLACE(RANGE, 5, 'r', 'e'),
    PLACE(SERVER, 6, 's', 'r'),
    PLACE(SET_COOKIE, 10, 's', 'e'),
    PLACE(TE, 2, 't', 'e'),
    PLACE(TRAILER, 7, 't', 'r'),
    PLACE(TRANSFER_ENCODING, 17, 't', 'g'),
    PLACE(UPGRADE, 7, 'u', 'e'),
    PLACE(VARY, 4, 'v', 'y'),
    PLACE(VIA, 3, 'v', 'a'),
    PLACE(X_FORWARDED_FOR, 15, 'x', 'r'),
};

struct known {
    char text[NAME_ROOM]; // zeros behind the name
    uint8_t length;
};

static const struct known KNOWN[HTTP_NAME_COUNT] = {
#define X(name, letters) [HTTP_NAME_##name] = { .text = letters, .length = sizeof(letters) - 1 },
    HTTP_NAME_LIST(X)
#undef X
};

#define X(name, letters) \
    _Static_assert(sizeof(letters) <= NAME_ROOM, "the compare reads " letters " in three words");
HTTP_NAME_LIST(X)
#undef X

// A bit for each byte: !#$%&'*+-.^_`|~, digits and letters.
static const uint64_t TOKEN_BYTES[4] = { UINT64_C(0x3ff6cfa00000000), UINT64_C(0x57ffffffc7fffffe),
    0, 0 };

static uint64_t word_at(const void *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return word;
}

/* Whether the first known->length of NAME_ROOM readable bytes are that name, but for case. */
static bool is_same(const char *name, const struct known *known)
{
    // Sliding a window over it gives masks of any length, in either byte order.
    static const uint8_t WINDOW[2 * NAME_ROOM] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 };
    const uint8_t *mask = WINDOW + NAME_ROOM - known->length;
    uint64_t differs = 0;

    for (size_t i = 0; i < NAME_ROOM; i += sizeof(uint64_t)) {
        uint64_t lower = word_at(known->text + i);
        // Of the bytes in names, letters alone have bit 0x40: only they are folded, so that a
        // control byte never passes for the dash it would become.
        uint64_t fold = (lower & UINT64_C(0x4040404040404040)) >> 1;

        differs |= ((word_at(name + i) | fold) ^ lower) & word_at(mask + i);
    }
    return differs == 0;
}

enum http_name http_name_of_within(struct slice name, size_t readable)
{
    if (name.length == 0)
        return HTTP_NAME_OTHER;
    unsigned first = (unsigned char)name.at[0] | 0x20U;
    unsigned last = (unsigned char)name.at[name.length - 1] | 0x20U;
    enum http_name id = PLACES[SLOT((unsigned)name.length, first, last)];
    const struct known *known = &KNOWN[id];

    if (known->length != name.length)
        return HTTP_NAME_OTHER;
    if (LIKELY(readable >= NAME_ROOM))
        return is_same(name.at, known) ? id : HTTP_NAME_OTHER;

    char copy[NAME_ROOM] = { 0 };

    memcpy(copy, name.at, name.length);
    return is_same(copy, known) ? id : HTTP_NAME_OTHER;
}

enum http_name http_name_of(struct slice name)
{
    return http_name_of_within(name, name.length);
}

struct slice http_name_text(enum http_name id)
{
    return slice_of(KNOWN[id].text, KNOWN[id].length);
}

bool http_is_token(struct slice text)
{
    uint64_t all = 1;

    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.at[i];

        all &= TOKEN_BYTES[byte / 64] >> byte % 64;
    }
    return all != 0 && text.length > 0;
}
