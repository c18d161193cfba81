// SPDX-License-Identifier: Apache-2.0
/*
 * Whatever strangers write, a line is one line: as combined text, ASCII that can be seen and with
 * the quotes of its fields alone; as JSON, UTF-8 in which every text ends where it should.
 */
#include <assert.h>
#include <stdbool.h>

#include "wire/access_line.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* Quotes that stand for themselves. */
static size_t quotes(struct slice line)
{
    size_t count = 0;

    for (size_t i = 0; i < line.length; i++) {
        if (line.at[i] == '\\')
            i++;
        else
            count += line.at[i] == '"';
    }
    return count;
}

/* Decodes by arithmetic, where the program decides by ranges. */
static bool is_utf8(struct slice text)
{
    for (size_t i = 0; i < text.length;) {
        unsigned char first = (unsigned char)text.at[i++];
        unsigned more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
        uint32_t least[] = { 0, 0x80, 0x800, 0x10000 }, point = first & (0x7fU >> (more + 1));

        if (more == 0) {
            if (first < ' ' || first == 0x7f)
                return false;
            continue;
        }
        if ((first & 0xc0) != 0xc0 || first >= 0xf8)
            return false;
        for (unsigned j = 0; j < more; j++) {
            if (i == text.length || ((unsigned char)text.at[i] & 0xc0) != 0x80)
                return false;
            point = point << 6 | ((unsigned char)text.at[i++] & 0x3f);
        }
        if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000) ||
            point < 0xa0)
            return false;
    }
    return true;
}

static void check(const struct access_line *line)
{
    static char room[ACCESS_LINE_MAX];
    struct slice text = slice_of(room, access_line_write(line, ACCESS_COMBINED, room));

    assert(text.at[text.length - 1] == '\n' && quotes(text) == 6);
    for (size_t i = 0; i + 1 < text.length; i++)
        assert(text.at[i] >= ' ' && text.at[i] < 0x7f);
    text = slice_of(room, access_line_write(line, ACCESS_JSON, room));
    assert(slice_ends(text, SLICE("}\n")) && is_utf8(slice_head(text, text.length - 1)));
    size_t unsaid =
        (size_t)(line->referer.at == NULL) + (line->agent.at == NULL) + (line->tls.at == NULL);

    assert(quotes(text) == 2 * (15 + 12 - unsaid)); // around keys, and texts that there are
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct slice rest = slice_of(data, size), part[4] = { { 0 } };
    struct access_line line = { .site = SLICE("a.example"),
        .pop = SLICE("p"),
        .node = SLICE("n"),
        .client = ip_v4(192, 0, 2, 1),
        .protocol = SLICE("HTTP/2.0"),
        .cache = SLICE("hit"),
        .status = 200,
        .began = { (int64_t)size * 1000003 } };

    for (size_t i = 0; i < 4; i++)
        slice_cut(&rest, '\1', &part[i]);
    line.method = part[0].at == NULL ? SLICE("GET") : part[0];
    line.target = part[1].at == NULL ? SLICE("/") : part[1];
    line.referer = part[2];
    line.agent = part[3];
    check(&line);
    return 0;
}
