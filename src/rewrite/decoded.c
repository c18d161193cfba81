// SPDX-License-Identifier: Apache-2.0
#include "rewrite/decoded.h"

#include <assert.h>
#include <stdbool.h>

#include "base/attr.h"

enum { POINT_MAX = 0x10ffff, NAME_MAX_BYTES = 32 };

/* Text under way: at most one byte for each of the source, since every reference and escape is
 * at least as long as the UTF-8 of what it stands for. */
struct decoding {
    char *bytes;
    uint32_t *places;
    size_t length, room, unclear_at;
};

struct decoded decoded_part(const struct decoded *d, size_t from, size_t to)
{
    assert(from <= to && to <= d->length);
    return (struct decoded){ .bytes = d->bytes + from,
        .places = d->places == NULL ? NULL : d->places + from,
        .start = d->start + from,
        .length = to - from,
        .unclear_at = d->unclear_at < from ? 0
                      : d->unclear_at < to ? d->unclear_at - from
                                           : to - from };
}

struct decoded decoded_plain(struct slice file, struct slice part)
{
    size_t start = part.length == 0 ? 0 : (size_t)(part.at - file.at);

    assert(start + part.length <= file.length);
    return (struct decoded){
        .bytes = part.at, .start = start, .length = part.length, .unclear_at = part.length
    };
}

static struct decoding decoding_of(size_t length, struct arena *arena)
{
    return (struct decoding){ .bytes = arena_room(arena, length + 1),
        .places = arena_room(arena, (length + 1) * sizeof(uint32_t)),
        .room = length,
        .unclear_at = SIZE_MAX };
}

static void put(struct decoding *d, char byte, size_t place)
{
    assert(d->length < d->room);
    d->places[d->length] = (uint32_t)place;
    d->bytes[d->length++] = byte;
}

/* A code point as UTF-8, all of it from one place; one that is none is unclear. */
static void put_point(struct decoding *d, uint32_t point, size_t place)
{
    if (point == 0 || point > POINT_MAX || (point >= 0xd800 && point < 0xe000) ||
        (point >= 0x80 && point < 0xa0)) {
        d->unclear_at = d->unclear_at < d->length ? d->unclear_at : d->length;
        put(d, '&', place);
    } else if (point < 0x80) {
        put(d, (char)point, place);
    } else if (point < 0x800) {
        put(d, (char)(0xc0 | point >> 6), place);
        put(d, (char)(0x80 | (point & 0x3f)), place);
    } else if (point < 0x10000) {
        put(d, (char)(0xe0 | point >> 12), place);
        put(d, (char)(0x80 | (point >> 6 & 0x3f)), place);
        put(d, (char)(0x80 | (point & 0x3f)), place);
    } else {
        put(d, (char)(0xf0 | point >> 18), place);
        put(d, (char)(0x80 | (point >> 12 & 0x3f)), place);
        put(d, (char)(0x80 | (point >> 6 & 0x3f)), place);
        put(d, (char)(0x80 | (point & 0x3f)), place);
    }
}

static struct decoded finish(struct decoding *d, size_t end)
{
    d->places[d->length] = (uint32_t)end;
    return (struct decoded){ .bytes = d->bytes,
        .places = d->places,
        .length = d->length,
        .unclear_at = d->unclear_at < d->length ? d->unclear_at : d->length };
}

static bool is_alphanumeric(char c)
{
    char lower = ascii_lower(c);

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

/* A reference that stands for ASCII; 0 for any other. The first eight need no semicolon. */
static char named(struct slice name, bool is_ended)
{
    static const struct {
        const char *name;
        char byte;
    } rows[] = {
        { "amp", '&' },
        { "lt", '<' },
        { "gt", '>' },
        { "quot", '"' },
        { "AMP", '&' },
        { "LT", '<' },
        { "GT", '>' },
        { "QUOT", '"' },
        { "apos", '\'' },
        { "sol", '/' },
        { "colon", ':' },
        { "period", '.' },
        { "quest", '?' },
        { "num", '#' },
        { "percnt", '%' },
        { "lowbar", '_' },
        { "comma", ',' },
        { "semi", ';' },
        { "equals", '=' },
        { "commat", '@' },
        { "excl", '!' },
        { "lpar", '(' },
        { "rpar", ')' },
        { "bsol", '\\' },
        { "plus", '+' },
        { "ast", '*' },
        { "dollar", '$' },
        { "Tab", '\t' },
        { "NewLine", '\n' },
    };

    for (size_t i = 0; i < (is_ended ? COUNT_OF(rows) : 8); i++)
        if (slice_equal(slice_text(rows[i].name), name))
            return rows[i].byte;
    return 0;
}

/* &#47; or &#x2f; at `at`; moves it behind. False: the ampersand is one. */
static bool take_number(struct decoding *d, struct slice value, size_t *at, size_t place)
{
    size_t next = *at + 2, first;
    bool is_hex = next < value.length && ascii_lower(value.at[next]) == 'x';
    uint32_t point = 0;

    first = next += is_hex;
    for (; next < value.length; next++) {
        int digit = ascii_hex(value.at[next]);

        if (digit < 0 || (!is_hex && digit > 9))
            break;
        if (point <= POINT_MAX)
            point = point * (is_hex ? 16 : 10) + (uint32_t)digit;
    }
    if (next == first)
        return false;
    next += next < value.length && value.at[next] == ';';
    put_point(d, point, place);
    *at = next;
    return true;
}

/* &amp; at `at`; moves it behind. False: the ampersand is one, or it is not known what it is. */
static bool take_name(struct decoding *d, struct slice value, size_t *at, size_t place)
{
    size_t end = *at + 1;

    while (end < value.length && is_alphanumeric(value.at[end]) && end - *at <= NAME_MAX_BYTES)
        end++;
    if (end == *at + 1)
        return false;
    struct slice name = slice_of(value.at + *at + 1, end - *at - 1);
    bool is_ended = end < value.length && value.at[end] == ';';
    char byte = named(name, is_ended);

    // Without a semicolon, in an attribute, what goes on with "=" is text: ?a=1&lt=2.
    if (!is_ended && end < value.length && value.at[end] == '=')
        return false;
    if (byte == 0) {
        d->unclear_at = d->unclear_at < d->length ? d->unclear_at : d->length;
        return false;
    }
    put(d, byte, place);
    *at = end + is_ended;
    return true;
}

struct decoded decoded_attribute(struct slice file, struct slice value, struct arena *arena)
{
    struct decoded plain = decoded_plain(file, value);

    if (slice_find(value, '&') == value.length)
        return plain;
    struct decoding d = decoding_of(value.length, arena);

    for (size_t at = 0; at < value.length;) {
        size_t place = plain.start + at;
        bool is_number = value.at[at] == '&' && at + 1 < value.length && value.at[at + 1] == '#';

        if (is_number && take_number(&d, value, &at, place))
            continue;
        if (!is_number && value.at[at] == '&' && take_name(&d, value, &at, place))
            continue;
        put(&d, value.at[at++], place);
    }
    return finish(&d, plain.start + value.length);
}

static bool is_newline(char c)
{
    return c == '\n' || c == '\r' || c == '\f';
}

/* The escape at `at`; moves it behind. */
static void take_escape(struct decoding *d, const struct decoded *raw, size_t *at)
{
    size_t next = *at + 1, place = decoded_place(raw, *at), digits = 0;
    uint32_t point = 0;

    if (next == raw->length) {
        *at = next;
        return;
    }
    if (is_newline(raw->bytes[next])) { // a line that goes on
        next += raw->bytes[next] == '\r' && next + 1 < raw->length && raw->bytes[next + 1] == '\n';
        *at = next + 1;
        return;
    }
    if (ascii_hex(raw->bytes[next]) < 0) {
        put(d, raw->bytes[next], place);
        *at = next + 1;
        return;
    }
    for (; next < raw->length && digits < 6 && ascii_hex(raw->bytes[next]) >= 0; next++, digits++)
        point = point * 16 + (uint32_t)ascii_hex(raw->bytes[next]);
    if (next + 1 < raw->length && raw->bytes[next] == '\r' && raw->bytes[next + 1] == '\n')
        next += 2;
    else if (next < raw->length &&
             (is_newline(raw->bytes[next]) || raw->bytes[next] == ' ' || raw->bytes[next] == '\t'))
        next++;
    put_point(d, point, place);
    *at = next;
}

struct decoded decoded_escapes(struct decoded raw, struct arena *arena)
{
    assert(raw.unclear_at == raw.length);
    if (slice_find(slice_of(raw.bytes, raw.length), '\\') == raw.length)
        return raw;
    struct decoding d = decoding_of(raw.length, arena);

    for (size_t at = 0; at < raw.length;) {
        if (raw.bytes[at] == '\\')
            take_escape(&d, &raw, &at);
        else {
            put(&d, raw.bytes[at], decoded_place(&raw, at));
            at++;
        }
    }
    return finish(&d, decoded_place(&raw, raw.length));
}
