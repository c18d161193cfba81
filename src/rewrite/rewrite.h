// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Points what pages embed at the site that delivers it: the bytes of a page or of a style sheet
 * in, a list of places and of what is to stand there out. Nothing but URLs is touched, and of them
 * only those that name a static file of this site; whatever is not understood stays as it is.
 *
 * A page is read by the tokenizer of the HTML standard, a sheet by that of CSS Syntax 3; neither
 * builds a tree. Pure: which files there are is asked through a function of the caller's.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

enum {
    REWRITE_FILE_BYTES_MAX = 16 << 20,
    REWRITE_ARENA_BYTES = 192 << 20, // for one file; the largest can be one value full of escapes
    REWRITE_EDITS_MAX = 1 << 16,     // in one file
    REWRITE_HOST_MAX = 260,          // host and port
};

/* What became of a URL that a page embeds. */
#define REWRITE_FATE_LIST(X)                                                  \
    X(MOVED, "moved", "now point at the site")                                \
    X(THERE, "there", "did so before")                                        \
    X(FOREIGN, "foreign", "are of other hosts")                               \
    X(DYNAMIC, "dynamic", "name no static file here")                         \
    X(CORS, "cors", "need Access-Control-Allow-Origin (--cors)")              \
    X(BOUND, "bound", "are taken by browsers from the page's own host alone") \
    X(UNCLEAR, "unclear", "are not understood")                               \
    X(NOTHING, "nothing", "name no file at all (data:, #fragment and the like)")

enum rewrite_fate {
#define X(name, word, text) REWRITE_##name,
    REWRITE_FATE_LIST(X)
#undef X
        REWRITE_FATE_COUNT
};

struct rewrite_site;

/* Whether there is such a file that the site delivers; `path` begins with a slash, is decoded and
 * normal, and has no query. */
typedef bool rewrite_has_fn(struct rewrite_site *site, struct slice path);

/* The site that delivers, and the pages that are to embed from it. */
struct rewrite_site {
    struct slice host;           // as it is to stand in URLs: HOST or HOST:PORT
    struct slice scheme;         // "http:", "https:", or empty: that of the page
    const struct slice *aliases; // other names of the same site
    size_t alias_count;
    const struct slice *pages; // names that the pages have themselves
    size_t page_count;
    bool has_cors; // what the site delivers has Access-Control-Allow-Origin
    rewrite_has_fn *has;
};

/* So many bytes from here on are to be replaced by the text. */
struct rewrite_edit {
    size_t at, length;
    struct slice text;
};

struct rewrite_edits {
    struct rewrite_edit *rows; // by place, none within another
    size_t count, room;
    size_t fates[REWRITE_FATE_COUNT]; // how many URLs came to which
};

/* HOST or HOST:PORT as it may stand in a URL without being written otherwise. */
bool rewrite_is_host(struct slice host);

/* A page's or sheet's bytes can be read: ERR_UNSUPPORTED when they are in an encoding in which
 * ASCII does not stand for itself (UTF-16, ISO-2022-JP), ERR_LIMIT when there are too many. */
enum err rewrite_readable(struct slice file);

/*
 * What to change in a page, or in a sheet, that lies at `path` of its site ("/docs/a.html"). The
 * edits are in the arena, and good as long as the file's bytes are. ERR_LIMIT: there are too many,
 * ERR_SPACE: the arena is full; then none may be made.
 */
[[nodiscard]] enum err rewrite_page(struct rewrite_site *site, struct slice path, struct slice file,
    struct arena *arena, struct rewrite_edits *edits);
[[nodiscard]] enum err rewrite_sheet(struct rewrite_site *site, struct slice path,
    struct slice file, struct arena *arena, struct rewrite_edits *edits);

/* The file with all edits made; in the arena. */
struct slice rewrite_apply(
    struct slice file, const struct rewrite_edits *edits, struct arena *arena);
