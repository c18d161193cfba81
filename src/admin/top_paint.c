// SPDX-License-Identifier: Apache-2.0
/* Text on a terminal by the sequences of ECMA-48 that all of them know. */
#include <string.h>

#include "admin/top.h"
#include "base/attr.h"

static size_t count_lines(struct slice text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.length; i++)
        count += text.at[i] == '\n';
    return count;
}

/* Lines of text that have room above the foot. */
static size_t room_of(unsigned height)
{
    return height < 2 ? 0 : height > TOP_HEIGHT_MAX ? TOP_HEIGHT_MAX - 1 : height - 1;
}

size_t top_offset_max(struct slice text, unsigned height)
{
    size_t lines = count_lines(text), room = room_of(height);

    return lines > room ? lines - room : 0;
}

/* The beginning of a line that so many columns hold; a character is never cut. */
static struct slice clip(struct slice line, unsigned width)
{
    size_t at = 0;

    for (unsigned columns = 0; at < line.length; at++) {
        bool continues = ((unsigned char)line.at[at] & 0xc0) == 0x80;

        if (!continues && columns++ == (width > TOP_WIDTH_MAX ? TOP_WIDTH_MAX : width))
            break;
    }
    return slice_head(line, at);
}

/* What is to be seen at once. Titles are all capitals, which no row begins with. */
static struct slice color_of(struct slice line)
{
    if (slice_starts(line, SLICE("down ")))
        return SLICE("\x1b[31m");
    if (slice_starts(line, SLICE("drained ")) || slice_starts(line, SLICE("unknown ")))
        return SLICE("\x1b[33m");
    if (slice_starts(line, SLICE("STATE ")) || slice_starts(line, SLICE("SITE ")) ||
        slice_equal(line, SLICE("CHANGES")))
        return SLICE("\x1b[1m");
    return SLICE("");
}

static void paint_line(struct text *out, struct slice line, unsigned width)
{
    struct slice color = color_of(line);

    text_add(out, color);
    text_add(out, clip(line, width));
    text_add(out, color.length > 0 ? SLICE("\x1b[0m") : SLICE(""));
    text_add(out, SLICE("\x1b[K")); // what was there before, to the end of the line
}

void top_paint(struct text *out, struct slice text, const struct top_screen *screen)
{
    size_t room = room_of(screen->height), at = 0;
    struct slice line;

    text_add(out, SLICE("\x1b[H"));
    for (size_t i = 0; i < screen->offset && at < text.length; i++)
        at += slice_find(slice_from(text, at), '\n') + 1;
    for (size_t i = 0; i < room; i++) {
        line = slice_head(slice_from(text, at), slice_find(slice_from(text, at), '\n'));
        at += line.length + 1;
        paint_line(out, line, screen->width);
        text_add(out, SLICE("\r\n"));
    }
    text_add(out, SLICE("\x1b[7m")); // reversed
    text_add(out, clip(screen->foot, screen->width));
    text_add(out, SLICE("\x1b[0m\x1b[K"));
}

enum top_key top_key_take(struct slice *bytes)
{
    static const struct {
        const char *bytes;
        enum top_key key;
    } rows[] = { { "\x1b[A", TOP_KEY_UP }, { "\x1bOA", TOP_KEY_UP }, { "\x1b[B", TOP_KEY_DOWN },
        { "\x1bOB", TOP_KEY_DOWN }, { "\x1b[5~", TOP_KEY_PAGE_UP },
        { "\x1b[6~", TOP_KEY_PAGE_DOWN }, { "k", TOP_KEY_UP }, { "j", TOP_KEY_DOWN },
        { "q", TOP_KEY_QUIT }, { "\x03", TOP_KEY_QUIT }, { "s", TOP_KEY_SORT },
        { "?", TOP_KEY_HELP }, { "h", TOP_KEY_HELP }, { " ", TOP_KEY_PAGE_DOWN } };

    if (bytes->length == 0)
        return TOP_KEY_NONE;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (slice_starts(*bytes, slice_text(rows[i].bytes))) {
            *bytes = slice_from(*bytes, strlen(rows[i].bytes));
            return rows[i].key;
        }
    // Of a sequence that is not known here all goes: its letters are no keys.
    *bytes = slice_from(*bytes, bytes->at[0] == '\x1b' ? bytes->length : 1);
    return TOP_KEY_OTHER;
}
