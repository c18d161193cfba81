// SPDX-License-Identifier: Apache-2.0
#include "admin/query.h"

#include <assert.h>

static struct slice unescape(struct arena *arena, struct slice raw)
{
    char *value = arena_alloc(arena, raw.length + 1);
    size_t length = 0;

    for (size_t i = 0; i < raw.length; i++) {
        bool is_escape = raw.at[i] == '%' && raw.length - i > 2 && ascii_hex(raw.at[i + 1]) >= 0 &&
                         ascii_hex(raw.at[i + 2]) >= 0;
        char plain = raw.at[i] == '+' ? ' ' : raw.at[i];

        value[length++] =
            is_escape ? (char)(ascii_hex(raw.at[i + 1]) * 16 + ascii_hex(raw.at[i + 2])) : plain;
        i += is_escape ? 2 : 0;
    }
    return slice_of(value, length);
}

bool query_find(struct slice path, struct slice key, struct arena *arena, struct slice *value)
{
    struct slice rest = slice_from(path, slice_find(path, '?') + 1), part;

    while (slice_cut(&rest, '&', &part)) {
        size_t equals = slice_find(part, '=');

        if (!slice_equal(slice_head(part, equals), key))
            continue;
        *value = unescape(arena, slice_from(part, equals + 1));
        return true;
    }
    return false;
}

uint64_t query_number(struct slice path, const char *key, struct arena *arena, uint64_t otherwise)
{
    struct slice text;
    uint64_t number = otherwise;
    bool is_number =
        !query_find(path, slice_text(key), arena, &text) || slice_number(text, UINT64_MAX, &number);

    assert(is_number);
    return number;
}

void query_escape(struct text *out, struct slice value)
{
    for (size_t i = 0; i < value.length; i++) {
        char c = value.at[i], low = ascii_lower(c);
        bool is_plain = (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                        c == '.' || c == '_' || c == '~';

        if (is_plain)
            text_add(out, slice_of(&value.at[i], 1));
        else
            text_say(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}
