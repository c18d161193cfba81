// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A site with a few files, www.acme.test, whose static content static.acme.test delivers. What a
 * file becomes is compared as a whole, and every result is read again: the second time there must
 * be nothing to change.
 */

#include <string.h>

#include "base/attr.h"
#include "rewrite/rewrite.h"

typedef enum err scene_rewrite_fn(struct rewrite_site *, struct slice path, struct slice file,
    struct arena *, struct rewrite_edits *);

static inline bool scene_has(struct rewrite_site *site, struct slice path)
{
    static const char *const files[] = { "/a.png", "/b.jpg", "/docs/a.png", "/docs/c d.gif",
        "/site.css", "/docs/site.css", "/app.js", "/font.woff2", "/logo.svg", "/film.mp4",
        "/r&d.png", "/caf\xc3\xa9.png", "/page.html", "/list.php", "/x,y.png", "/1x.png" };

    (void)site;
    for (size_t i = 0; i < COUNT_OF(files); i++)
        if (slice_equal(path, slice_text(files[i])))
            return true;
    return false;
}

static inline struct rewrite_site scene_site(void)
{
    static const struct slice pages[] = { { "www.acme.test", 13 } };
    static const struct slice aliases[] = { { "static.acme.test.cdn.test", 25 } };

    return (struct rewrite_site){ .host = SLICE("static.acme.test"),
        .aliases = aliases,
        .alias_count = 1,
        .pages = pages,
        .page_count = 1,
        .has = scene_has };
}

/* What the text becomes; it must be fit to be changed, and a second time nothing changes. */
static inline struct slice scene_after(struct arena *arena, scene_rewrite_fn *rewrite,
    struct rewrite_site *site, const char *text, struct rewrite_edits *edits)
{
    struct rewrite_edits again;
    struct slice after;

    assert_int_equal(
        rewrite(site, SLICE("/docs/index.html"), slice_text(text), arena, edits), ERR_NONE);
    after = rewrite_apply(slice_text(text), edits, arena);
    assert_int_equal(rewrite(site, SLICE("/docs/index.html"), after, arena, &again), ERR_NONE);
    assert_int_equal(again.count, 0);
    assert_int_equal(
        again.fates[REWRITE_THERE], edits->fates[REWRITE_THERE] + edits->fates[REWRITE_MOVED]);
    return after;
}

static inline void scene_check(
    scene_rewrite_fn *rewrite, struct rewrite_site *site, const char *before, const char *expected)
{
    struct rewrite_edits edits;
    struct arena arena;

    arena_init(&arena, 1 << 20);
    struct slice after = scene_after(&arena, rewrite, site, before, &edits);

    assert_string_equal(arena_copy(&arena, after).at, expected);
    arena_done(&arena);
}

/* How many URLs of a text come to that. */
static inline size_t scene_count(
    scene_rewrite_fn *rewrite, const char *text, enum rewrite_fate fate)
{
    struct rewrite_site site = scene_site();
    struct rewrite_edits edits;
    struct arena arena;

    arena_init(&arena, 1 << 20);
    scene_after(&arena, rewrite, &site, text, &edits);
    arena_done(&arena);
    return edits.fates[fate];
}
