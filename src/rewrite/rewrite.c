// SPDX-License-Identifier: Apache-2.0
#include "rewrite/rewrite.h"

#include <assert.h>
#include <string.h>

#include "base/writer.h"

enum { LOOKED_AT_BYTES = 1024 }; // for a byte order mark, and for zeros

bool rewrite_is_host(struct slice host)
{
    size_t end = slice_find(host, ':');
    struct slice port = slice_from(host, end);
    uint64_t number;

    if (end == 0 || host.length > REWRITE_HOST_MAX || host.at[0] == '.' || host.at[end - 1] == '.')
        return false;
    for (size_t i = 0; i < end; i++) {
        char c = ascii_lower(host.at[i]);

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_')
            return false;
    }
    return port.length == 0 ||
           (slice_number(slice_from(port, 1), UINT16_MAX, &number) && number > 0);
}

enum err rewrite_readable(struct slice file)
{
    struct slice first = slice_head(file, LOOKED_AT_BYTES);

    if (file.length > REWRITE_FILE_BYTES_MAX)
        return ERR_LIMIT;
    if (slice_starts(first, SLICE("\xff\xfe")) || slice_starts(first, SLICE("\xfe\xff")) ||
        slice_find(first, '\0') < first.length || slice_find(file, '\x1b') < file.length)
        return ERR_UNSUPPORTED;
    return ERR_NONE;
}

struct slice rewrite_apply(
    struct slice file, const struct rewrite_edits *edits, struct arena *arena)
{
    size_t size = file.length, at = 0;

    for (size_t i = 0; i < edits->count; i++)
        size = size - edits->rows[i].length + edits->rows[i].text.length;
    struct writer out = writer_on(arena_room(arena, size + (size == 0)), size);

    for (size_t i = 0; i < edits->count; i++) {
        const struct rewrite_edit *edit = &edits->rows[i];

        assert(edit->at >= at && edit->at + edit->length <= file.length);
        write_slice(&out, slice_of(file.at + at, edit->at - at));
        write_slice(&out, edit->text);
        at = edit->at + edit->length;
    }
    write_slice(&out, slice_from(file, at));
    assert(!out.is_short && out.length == size);
    return writer_slice(&out);
}
