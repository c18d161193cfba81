// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Finds the end of a run of bytes, sixteen at a time where the machine has SSE2 (all of x86-64),
 * byte by byte elsewhere and in the last few bytes of the input: nothing behind `end` is read.
 * Each returns the first byte that does not belong to the run, or `end`.
 */

#include <stdbool.h>
#include <stddef.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/attr.h"

/* Control bytes (RFC 5234) but for the tab, which may stand in a value. */
static inline bool scan_is_control(char c)
{
    unsigned char byte = (unsigned char)c;

    return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

/* What may stand in a request target: visible ASCII without '#', as fragments stay at home. */
static inline bool scan_is_target(char c)
{
    return c > 0x20 && c < 0x7f && c != '#';
}

#ifdef __SSE2__
enum { SCAN_STEP = 16 };

static inline __m128i scan_load(const char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

static inline unsigned scan_controls(__m128i bytes)
{
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
    __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, low), del));
}

static inline unsigned scan_colons(__m128i bytes)
{
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(':')));
}

static inline unsigned scan_not_targets(__m128i bytes)
{
    __m128i above = _mm_cmpgt_epi8(bytes, _mm_set1_epi8(0x20)); // signed: 0x80 and up fail too
    __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
    __m128i hash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('#'));

    return (unsigned)_mm_movemask_epi8(_mm_andnot_si128(_mm_or_si128(del, hash), above)) ^ 0xffff;
}

/* Letters, digits and dashes, of which nearly all names consist. */
static inline unsigned scan_plain(__m128i bytes)
{
    __m128i letter = _mm_sub_epi8(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
    __m128i digit = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
    __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter);
    __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
    __m128i is_dash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(is_letter, is_digit), is_dash));
}

#define SCAN_WIDE(at, end, stops_of)                \
    while ((end) - (at) >= SCAN_STEP) {             \
        unsigned stops = (stops_of(scan_load(at))); \
        if (stops != 0)                             \
            return (at) + __builtin_ctz(stops);     \
        (at) += SCAN_STEP;                          \
    }
#else
#define SCAN_WIDE(at, end, stops_of)
#endif

#define SCAN_STOPS_OF_NAME(bytes) (scan_colons(bytes) | scan_controls(bytes))

/* Up to a control byte: the end of a line or value, if it is a good one. */
static inline const char *scan_text(const char *at, const char *end)
{
    SCAN_WIDE(at, end, scan_controls)
    while (at < end && !scan_is_control(*at))
        at++;
    return at;
}

/* Up to a colon or a control byte. */
static inline const char *scan_name(const char *at, const char *end)
{
    SCAN_WIDE(at, end, SCAN_STOPS_OF_NAME)
    while (at < end && *at != ':' && !scan_is_control(*at))
        at++;
    return at;
}

/* Over what may stand in a request target. */
static inline const char *scan_target(const char *at, const char *end)
{
    SCAN_WIDE(at, end, scan_not_targets)
    while (at < end && scan_is_target(*at))
        at++;
    return at;
}

/* True for a name of letters, digits and dashes; false when it has other bytes, or is not told
 * quickly. `readable` bytes may be read, at least its length. */
static inline bool scan_is_plain(const char *name, size_t length, size_t readable)
{
#ifdef __SSE2__
    if (length - 1 < SCAN_STEP && readable >= SCAN_STEP)
        return (~scan_plain(scan_load(name)) & ((1U << length) - 1)) == 0;
#endif
    (void)name, (void)length, (void)readable;
    return false;
}
