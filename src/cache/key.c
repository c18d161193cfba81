// SPDX-License-Identifier: Apache-2.0
#include "cache/key.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"

struct cache_key cache_key_of(struct slice text, uint64_t seed)
{
    return (struct cache_key){ text, hash_bytes(text, seed) };
}

void cache_text_add(struct cache_text *text, struct slice bytes)
{
    if (text->is_cut || bytes.length > text->room - text->length) {
        text->is_cut = true;
        return;
    }
    if (bytes.length > 0)
        memcpy(text->at + text->length, bytes.at, bytes.length);
    text->length += bytes.length;
}

static void add_byte(struct cache_text *text, char byte)
{
    cache_text_add(text, slice_of(&byte, 1));
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

/* RFC 3986 §2.3: means the same with and without an escape. */
static bool is_unreserved(char c)
{
    return is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/* May stand in a path as it is (§3.3): what is unreserved, and !$&'()*+,;=:@/ */
static bool is_path_byte(char c)
{
    static const struct byte_set BYTES = { { UINT64_C(0x2fffffd200000000),
        UINT64_C(0x47fffffe87ffffff), 0, 0 } };

    return byte_set_has(&BYTES, c);
}

static void add_escaped(struct cache_text *text, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";
    const char escape[3] = { '%', digits[byte >> 4], digits[byte & 15] };

    cache_text_add(text, slice_of(escape, 3));
}

/*
 * The segment that began at `start`, behind its slash, ends: `.` and `..` are resolved, the slash
 * before them stays the last byte. *is_dots tells. False: above the root.
 */
static bool segment_end(struct cache_text *text, size_t start, bool *is_dots)
{
    struct slice segment = slice_from(cache_text_slice(text), start);
    bool goes_up = slice_equal(segment, SLICE(".."));

    *is_dots = goes_up || slice_equal(segment, SLICE("."));
    if (goes_up && start == 1)
        return false;
    if (*is_dots)
        text->length = goes_up ? start - 1 : start;
    while (goes_up && text->at[text->length - 1] != '/')
        text->length--;
    return true;
}

/* Takes one byte or escape off the path; false: it is malformed. */
static bool add_path_byte(struct cache_text *text, struct slice *path)
{
    char c = path->at[0];
    size_t taken = 1;
    bool was_escaped = c == '%';

    if (was_escaped) {
        int high = path->length > 2 ? ascii_hex(path->at[1]) : -1;
        int low = path->length > 2 ? ascii_hex(path->at[2]) : -1;

        if (high < 0 || low < 0)
            return false;
        c = (char)(high * 16 + low);
        taken = 3;
    }
    if (c == '\0') // as an escape, or raw
        return false;
    if (was_escaped ? is_unreserved(c) : is_path_byte(c))
        add_byte(text, c);
    else
        add_escaped(text, (unsigned char)c);
    *path = slice_from(*path, taken);
    return true;
}

/* Nothing is to be changed, as nearly always: path bytes alone, no segment begins with a dot. */
static bool is_normal(struct slice path)
{
    char before = '\0';

    for (size_t i = 0; i < path.length; i++) {
        if (!is_path_byte(path.at[i]) || (before == '/' && path.at[i] == '.'))
            return false;
        before = path.at[i];
    }
    return true;
}

bool cache_path_normalise(struct slice path, char *room, size_t room_bytes, struct slice *result)
{
    struct cache_text text = { .at = room, .room = room_bytes };
    size_t question = slice_find(path, '?');
    struct slice query = slice_from(path, question);

    path = slice_head(path, question);
    if (path.length == 0 || path.at[0] != '/' || room_bytes == 0)
        return false;
    size_t start = 1;
    bool is_dots = false;
    bool was_normal = is_normal(path);

    cache_text_add(&text, was_normal ? path : SLICE("/"));
    path = slice_from(path, text.length);
    while (path.length > 0 && !text.is_cut) {
        if (path.at[0] != '/') {
            if (!add_path_byte(&text, &path))
                return false;
            continue;
        }
        if (!segment_end(&text, start, &is_dots))
            return false;
        if (!is_dots)
            add_byte(&text, '/');
        path = slice_from(path, 1);
        start = text.length;
    }
    if (!was_normal && !segment_end(&text, start, &is_dots))
        return false;
    cache_text_add(&text, query);
    *result = cache_text_slice(&text);
    return !text.is_cut;
}

bool cache_key_write(struct slice site, struct slice path, struct cache_text *text)
{
    text->length = 0;
    text->is_cut = false;
    cache_text_add(text, site);
    cache_text_add(text, path);
    return !text->is_cut;
}

/* "q=0", with any number of noughts behind the point. */
static bool is_weightless(struct slice part)
{
    if (!slice_starts(part, SLICE("q=0")) && !slice_starts(part, SLICE("Q=0")))
        return false;
    for (size_t i = 3; i < part.length; i++)
        if (part.at[i] != '0' && part.at[i] != '.')
            return false;
    return true;
}

/* Which of the codings that are kept apart a request accepts; bits in order of their names. */
static unsigned codings_of(struct slice value, bool *takes_all)
{
    static const struct slice names[] = { { "br", 2 }, { "gzip", 4 }, { "zstd", 4 } };
    unsigned accepted = 0, refused = 0;
    struct slice member;

    while (slice_cut(&value, ',', &member)) {
        struct slice name;
        bool is_refused = false;
        struct slice part;

        slice_cut(&member, ';', &name);
        name = slice_trim(name);
        while (slice_cut(&member, ';', &part))
            is_refused |= is_weightless(slice_trim(part));
        for (unsigned i = 0; i < 3; i++)
            if (slice_same(name, names[i]) || (i == 1 && slice_same(name, SLICE("x-gzip"))))
                *(is_refused ? &refused : &accepted) |= 1U << i;
        if (slice_equal(name, SLICE("*")))
            *takes_all = !is_refused;
    }
    return (accepted | (*takes_all ? 7U & ~refused : 0)) & 7U;
}

static void add_codings(struct cache_text *text, const struct http_head *request)
{
    const struct http_field *field = NULL;
    bool takes_all = false;
    unsigned accepted = 0;

    while ((field = http_head_next(request, HTTP_NAME_ACCEPT_ENCODING, field)) != NULL)
        accepted |= codings_of(field->value, &takes_all);
    add_byte(text, (char)('0' + accepted));
}

/* The value with each run of blanks as one. */
static void add_folded(struct cache_text *text, struct slice value)
{
    for (size_t i = 0; i < value.length; i++) {
        bool is_blank = value.at[i] == ' ' || value.at[i] == '\t';

        if (!is_blank)
            add_byte(text, value.at[i]);
        else if (i + 1 < value.length && value.at[i + 1] != ' ' && value.at[i + 1] != '\t')
            add_byte(text, ' ');
    }
}

/* All lines of that name; one that is not there differs from one that is empty. */
static void add_field(struct cache_text *text, const struct http_head *request, struct slice name)
{
    bool is_first = true;

    for (size_t i = 0; i < request->field_count; i++) {
        if (!slice_same(request->fields[i].name, name))
            continue;
        add_byte(text, is_first ? ':' : ',');
        add_folded(text, slice_trim(request->fields[i].value));
        is_first = false;
    }
}

bool cache_key_vary_write(struct slice first, uint64_t salt, struct slice vary,
    const struct http_head *request, struct cache_text *text)
{
    struct slice name;

    text->length = 0;
    text->is_cut = false;
    cache_text_add(text, first);
    add_byte(text, '\n'); // cannot stand in a site, a path or a value
    for (unsigned shift = 0; shift < 64; shift += 6)
        add_byte(text, (char)('0' + ((salt >> shift) & 63)));
    while (slice_cut(&vary, ',', &name)) {
        name = slice_trim(name);
        if (name.length == 0)
            continue;
        add_byte(text, '\n');
        if (slice_same(name, SLICE("accept-encoding")))
            add_codings(text, request);
        else
            add_field(text, request, name);
    }
    return !text->is_cut;
}
