// SPDX-License-Identifier: Apache-2.0
/* What people are shown live, whoever wrote the JSON: three parts, cut by a zero; and keys. */
#include <assert.h>

#include "admin/plain_fuzz.h"
#include "admin/top.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* Each line is cleared to its end, none is longer than the screen, and there are as many as it has
 * room for. */
static void check_paint(struct slice text, const struct top_screen *screen)
{
    struct text out;
    size_t lines = 1, columns = 0;
    bool is_within = false; // a sequence

    text_init(&out, 64 << 20);
    top_paint(&out, text, screen);
    for (size_t i = 0; i < out.length; i++) {
        char c = out.at[i];

        if (c == '\n') {
            lines++;
            columns = 0;
        } else if (c == '\x1b') {
            is_within = true;
        } else if (is_within) {
            is_within = c == '[' || c == '?' || (c >= '0' && c <= '9');
        } else if (c != '\r' && ((unsigned char)c & 0xc0) != 0x80) {
            columns++;
        }
        assert(columns <= screen->width);
    }
    assert(lines == (screen->height < 2 ? 1 : screen->height));
    text_done(&out);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct slice rest = slice_of(data, size), part[3] = { { 0 } }, keys = rest;
    struct text out;

    for (size_t i = 0; i < 3; i++)
        slice_cut(&rest, '\0', &part[i]);
    const struct top_look look = { part[0], part[1], part[2] };
    enum top_sort sort = (enum top_sort)(size % TOP_SORT_COUNT);

    text_init(&out, 8 << 20);
    if (top_write(&out, &look, sort, NULL) == ERR_NONE) {
        const struct top_screen screen = { (unsigned)(size % 90), (unsigned)(size % 37),
            top_offset_max(text_slice(&out), (unsigned)(size % 37)), SLICE(" foot") };

        must_be_plain(&out);
        check_paint(text_slice(&out), &screen);
    }
    text_done(&out);
    while (top_key_take(&keys) != TOP_KEY_NONE)
        assert(keys.length < size);
    return 0;
}
