// SPDX-License-Identifier: Apache-2.0
#include "base/slice.h"

enum { DISTANCE_MAX = 64 };

/* Eight bytes with their capitals made small. Bytes beyond ASCII stay as they are. */
static uint64_t lower_eight(const char *at)
{
    static const uint64_t EACH = UINT64_C(0x0101010101010101), HIGH = EACH << 7;
    uint64_t bytes;

    memcpy(&bytes, at, sizeof bytes);
    uint64_t low = bytes & ~HIGH; // so that no sum reaches the next byte
    uint64_t from_a = low + EACH * (0x80 - 'A'), beyond_z = low + EACH * (0x7f - 'Z');

    return bytes | (((from_a ^ beyond_z) & ~bytes & HIGH) >> 2);
}

bool slice_same(struct slice a, struct slice b)
{
    size_t length = a.length;

    if (length != b.length)
        return false;
    if (length < 8) {
        for (size_t i = 0; i < length; i++)
            if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
                return false;
        return true;
    }
    for (size_t at = 0; at < length - 8; at += 8)
        if (lower_eight(a.at + at) != lower_eight(b.at + at))
            return false;
    return lower_eight(a.at + length - 8) == lower_eight(b.at + length - 8);
}

bool slice_ends(struct slice s, struct slice suffix)
{
    return s.length >= suffix.length &&
           slice_equal(slice_from(s, s.length - suffix.length), suffix);
}

size_t slice_find(struct slice s, char byte)
{
    const char *found = s.length == 0 ? NULL : memchr(s.at, byte, s.length);

    return found == NULL ? s.length : (size_t)(found - s.at);
}

struct slice slice_trim(struct slice s)
{
    while (s.length > 0 && (s.at[0] == ' ' || s.at[0] == '\t'))
        s = slice_from(s, 1);
    while (s.length > 0 && (s.at[s.length - 1] == ' ' || s.at[s.length - 1] == '\t'))
        s.length--;
    return s;
}

bool slice_cut(struct slice *rest, char byte, struct slice *part)
{
    if (rest->at == NULL)
        return false;
    size_t at = slice_find(*rest, byte);

    *part = slice_head(*rest, at);
    *rest = at == rest->length ? SLICE_NONE : slice_from(*rest, at + 1);
    return true;
}

bool slice_number(struct slice s, uint64_t most, uint64_t *number)
{
    uint64_t value = 0;

    if (s.length == 0)
        return false;
    for (size_t i = 0; i < s.length; i++) {
        unsigned digit = (unsigned char)s.at[i] - (unsigned)'0';

        if (digit > 9 || value > most / 10 || value * 10 > most - digit || most < digit)
            return false;
        value = value * 10 + digit;
    }
    *number = value;
    return true;
}

size_t slice_distance(struct slice a, struct slice b)
{
    size_t row[DISTANCE_MAX];

    if (a.length >= DISTANCE_MAX || b.length >= DISTANCE_MAX)
        return DISTANCE_MAX;
    for (size_t j = 0; j <= b.length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.length; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.length; j++) {
            size_t above = row[j];
            size_t best = diagonal + (ascii_lower(a.at[i - 1]) != ascii_lower(b.at[j - 1]));

            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            row[j] = above + 1 < best ? above + 1 : best;
            diagonal = above;
        }
    }
    return row[b.length];
}

bool slice_has_control(struct slice s)
{
    for (size_t i = 0; i < s.length; i++)
        if (ascii_is_control(s.at[i]))
            return true;
    return false;
}
