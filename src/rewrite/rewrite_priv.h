// SPDX-License-Identifier: Apache-2.0
#pragma once

/* One file on its way through: what page.c and sheet.c find, url.c decides on. */

#include "rewrite/decoded.h"
#include "rewrite/rewrite.h"

/* What URLs that do not say it themselves are relative to. */
enum url_host { URL_PAGE, URL_SITE, URL_ELSEWHERE };

struct url_base {
    enum url_host host;
    struct slice folder; // of a path, as it stands in URLs; begins and ends with a slash
};

/* Kinds of static file, as bits: what is to be found behind an attribute. */
enum url_kind {
    KIND_RASTER = 1,
    KIND_SVG = 2,
    KIND_SHEET = 4,
    KIND_SCRIPT = 8,
    KIND_MEDIA = 16,
    KIND_FONT = 32,
    KIND_IMAGE = KIND_RASTER | KIND_SVG,
    KIND_ANY = 63,
};

/* Where browsers are willing to take it from. */
enum url_ask { ASK_ANYWHERE, ASK_CORS, ASK_PAGE, ASK_UNKNOWN };

struct rewriting {
    struct rewrite_site *site;
    struct slice file;
    struct arena *arena;
    struct url_base base;
    struct rewrite_edits *edits;
    bool has_too_many;
};

/* Decides on a URL: counts it, and notes the edit if there is to be one. */
void url_take(struct rewriting *w, struct decoded text, unsigned kinds, enum url_ask ask);

/* The base of a file at this path of the site's pages. */
struct url_base url_base_of(struct slice path, struct arena *arena);

/* The base that <base href> makes of it. */
struct url_base url_base_told(struct rewriting *w, struct decoded href);

/* All URLs of a sheet, or with `is_block` of a style attribute's declarations. */
void sheet_take(struct rewriting *w, struct decoded text, bool is_block);

/* All URLs of a srcset (HTML §4.8.4.2.1). */
void srcset_take(struct rewriting *w, struct decoded set, enum url_ask ask);
