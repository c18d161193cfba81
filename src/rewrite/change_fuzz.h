// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What holds of every file: edits stand in order and within it, each puts a URL of the site's in
 * the place of one that ends likewise, and what comes out is read as it was before, but that what
 * moved is there now: nothing else was opened, closed or hidden by the change.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "rewrite/rewrite.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

typedef enum err change_rewrite_fn(struct rewrite_site *, struct slice path, struct slice file,
    struct arena *, struct rewrite_edits *);

/* Every file is there, so that as much as possible moves. */
static inline bool change_has(struct rewrite_site *site, struct slice path)
{
    (void)site;
    assert(slice_starts(path, SLICE("/")));
    assert(slice_find(path, '\0') == path.length);
    return true;
}

static inline void change_check_edits(struct slice file, const struct rewrite_edits *edits)
{
    size_t at = 0;

    for (size_t i = 0; i < edits->count; i++) {
        const struct rewrite_edit *edit = &edits->rows[i];

        assert(edit->length > 0 && edit->at >= at && edit->length <= file.length - edit->at);
        assert(slice_starts(edit->text, SLICE("//s.test/")));
        assert(edit->text.at[edit->text.length - 1] == file.at[edit->at + edit->length - 1]);
        at = edit->at + edit->length;
    }
    assert(edits->count == edits->fates[REWRITE_MOVED]);
}

static inline void change_check(change_rewrite_fn *rewrite, struct slice file)
{
    static const struct slice pages[] = { { "p.test", 6 } };
    struct rewrite_site site = { .host = SLICE("s.test"),
        .pages = pages,
        .page_count = 1,
        .has_cors = file.length % 2 == 0,
        .has = change_has };
    struct rewrite_edits edits, again;
    struct arena arena;

    arena_init(&arena, 16 << 20);
    if (rewrite(&site, SLICE("/d\"/e<'&)/x.html"), file, &arena, &edits) == ERR_NONE) {
        change_check_edits(file, &edits);
        struct slice after = rewrite_apply(file, &edits, &arena);

        assert(rewrite(&site, SLICE("/d\"/e<'&)/x.html"), after, &arena, &again) == ERR_NONE);
        assert(again.count == 0);
        for (int fate = 0; fate < REWRITE_FATE_COUNT; fate++)
            if (fate != REWRITE_MOVED && fate != REWRITE_THERE)
                assert(again.fates[fate] == edits.fates[fate]);
        assert(again.fates[REWRITE_THERE] == edits.fates[REWRITE_THERE] + edits.count);
    }
    arena_done(&arena);
}
