// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Bytes of someone else's: pointer and length, by value, never freed, good as long as its owner
 * is. Not terminated. All case folding is ASCII alone, as DNS and HTTP both demand.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *at;
    size_t length;
};

#define SLICE(literal) ((struct slice){ "" literal, sizeof(literal) - 1 })
#define SLICE_NONE     ((struct slice){ NULL, 0 })

/* For printf: "%.*s", SLICE_ARG(s). */
#define SLICE_ARG(s) (int)(s).length, (s).at

static inline struct slice slice_of(const void *at, size_t length)
{
    return (struct slice){ at, length };
}

static inline struct slice slice_text(const char *text)
{
    return (struct slice){ text, strlen(text) };
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

static inline bool ascii_is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

static inline char ascii_lower(char c)
{
    return (char)(c | ((unsigned char)(c - 'A') < 26) << 5); // without a branch to mispredict
}

/* What a hexadecimal digit in either case stands for; -1 for any other byte. */
static inline int ascii_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A set of bytes, a bit for each. */
struct byte_set {
    uint64_t words[4];
};

static inline bool byte_set_has(const struct byte_set *set, char c)
{
    unsigned char byte = (unsigned char)c;

    return (set->words[byte / 64] >> byte % 64 & 1) != 0;
}

/* From `start` to the end; empty where start lies beyond it. */
static inline struct slice slice_from(struct slice s, size_t start)
{
    // Adding even zero to NULL is undefined, so nothing is added where there is nothing.
    if (start < s.length)
        return (struct slice){ s.at + start, s.length - start };
    return (struct slice){ s.length == 0 ? s.at : s.at + s.length, 0 };
}

/* The first `length` bytes, or all there are. */
static inline struct slice slice_head(struct slice s, size_t length)
{
    return (struct slice){ s.at, length < s.length ? length : s.length };
}

/* Control bytes of ASCII. */
bool slice_has_control(struct slice s);

static inline bool slice_starts(struct slice s, struct slice prefix)
{
    return s.length >= prefix.length && slice_equal(slice_head(s, prefix.length), prefix);
}

/* Equal but for ASCII case. */
bool slice_same(struct slice a, struct slice b);

bool slice_ends(struct slice s, struct slice suffix);

/* Where the byte stands first; s.length where it does not. */
size_t slice_find(struct slice s, char byte);

/* Without blanks and tabs at either end (OWS of RFC 9110 §5.6.3). */
struct slice slice_trim(struct slice s);

/*
 * The part before the first `byte`, while *rest moves behind it. Returns false when nothing is
 * left; "a,,b" gives "a", "", "b".
 */
bool slice_cut(struct slice *rest, char byte, struct slice *part);

/* Decimal digits alone, no sign; false for an empty slice, another byte, or a value above most. */
bool slice_number(struct slice s, uint64_t most, uint64_t *number);

/* Edit distance, for "did you mean"; ASCII case is ignored. Slices over 63 bytes count as far. */
size_t slice_distance(struct slice a, struct slice b);
