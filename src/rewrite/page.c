// SPDX-License-Identifier: Apache-2.0
/*
 * Where URLs are in a page: which attributes of which elements embed something. What leads
 * elsewhere (links, forms, frames) embeds nothing, and stays.
 */
#include "base/attr.h"
#include "rewrite/html.h"
#include "rewrite/html_priv.h"
#include "rewrite/rewrite_priv.h"

enum form { FORM_URL, FORM_SET };

struct embedding {
    const char *element, *attribute;
    unsigned kinds;
    enum form form;
};

/* Of elements whose meaning depends on nothing else. */
static const struct embedding EMBEDDINGS[] = {
    { "img", "src", KIND_IMAGE, FORM_URL },
    { "img", "srcset", KIND_IMAGE, FORM_SET },
    { "image", "src", KIND_IMAGE, FORM_URL }, // taken for img
    { "image", "srcset", KIND_IMAGE, FORM_SET },
    { "source", "src", KIND_MEDIA, FORM_URL },
    { "source", "srcset", KIND_IMAGE, FORM_SET },
    { "video", "src", KIND_MEDIA, FORM_URL },
    { "video", "poster", KIND_IMAGE, FORM_URL },
    { "audio", "src", KIND_MEDIA, FORM_URL },
    { "script", "src", KIND_SCRIPT, FORM_URL },
    // A picture by these is a picture; anything else is a page of its own, with its own rights.
    { "object", "data", KIND_RASTER | KIND_MEDIA, FORM_URL },
    { "embed", "src", KIND_RASTER | KIND_MEDIA, FORM_URL },
    { "body", "background", KIND_IMAGE, FORM_URL },
    { "table", "background", KIND_IMAGE, FORM_URL },
    { "tr", "background", KIND_IMAGE, FORM_URL },
    { "td", "background", KIND_IMAGE, FORM_URL },
    { "th", "background", KIND_IMAGE, FORM_URL },
};

static const struct embedding OF_SVG[] = {
    { "image", "href", KIND_IMAGE, FORM_URL },
    { "image", "xlink:href", KIND_IMAGE, FORM_URL },
    { "script", "href", KIND_SCRIPT, FORM_URL },
    { "script", "xlink:href", KIND_SCRIPT, FORM_URL },
};

static struct slice value_of(const struct html_token *token, struct slice name)
{
    const struct html_attribute *a = html_attribute(token, name);

    return a == NULL ? SLICE_NONE : a->value;
}

/* One of the words of a value. */
static bool has_word(struct slice value, struct slice word)
{
    for (size_t at = 0, start; at < value.length;) {
        while (at < value.length && html_is_space(value.at[at]))
            at++;
        start = at;
        while (at < value.length && !html_is_space(value.at[at]))
            at++;
        if (slice_same(slice_of(value.at + start, at - start), word))
            return true;
    }
    return false;
}

/* What a link embeds; 0: nothing, it leads somewhere. */
static unsigned kinds_of_link(struct slice rel)
{
    if (has_word(rel, SLICE("stylesheet")))
        return KIND_SHEET;
    if (has_word(rel, SLICE("icon")) || has_word(rel, SLICE("apple-touch-icon")) ||
        has_word(rel, SLICE("apple-touch-icon-precomposed")) || has_word(rel, SLICE("mask-icon")))
        return KIND_IMAGE;
    if (has_word(rel, SLICE("preload")) || has_word(rel, SLICE("modulepreload")) ||
        has_word(rel, SLICE("prefetch")))
        return KIND_ANY;
    return 0;
}

/* Which row of the table this attribute is; with links and buttons one is made up. */
static bool find_embedding(
    const struct html_token *token, struct slice attribute, struct embedding *row)
{
    const struct embedding *rows = token->is_foreign ? OF_SVG : EMBEDDINGS;
    size_t count = token->is_foreign ? COUNT_OF(OF_SVG) : COUNT_OF(EMBEDDINGS);

    for (size_t i = 0; i < count; i++)
        if (slice_same(slice_text(rows[i].element), token->name) &&
            slice_same(slice_text(rows[i].attribute), attribute)) {
            *row = rows[i];
            return true;
        }
    *row = (struct embedding){ .form = FORM_URL };
    if (token->is_foreign)
        return false;
    if (slice_same(token->name, SLICE("link"))) {
        row->kinds = kinds_of_link(value_of(token, SLICE("rel")));
        if (slice_same(attribute, SLICE("imagesrcset")))
            row->form = FORM_SET;
        return row->kinds != 0 && (row->form == FORM_SET || slice_same(attribute, SLICE("href")));
    }
    row->kinds = KIND_IMAGE;
    return slice_same(token->name, SLICE("input")) && slice_same(attribute, SLICE("src")) &&
           slice_same(value_of(token, SLICE("type")), SLICE("image"));
}

/* What browsers ask of another host before they take it from there; for a source element,
 * `of_owner` is what they ask for the element that it is for. */
static enum url_ask ask_of(const struct html_token *token, enum url_ask of_owner)
{
    struct slice rel = value_of(token, SLICE("rel")), as = value_of(token, SLICE("as"));
    bool has_cross = html_attribute(token, SLICE("crossorigin")) != NULL;
    bool is_link = slice_same(token->name, SLICE("link"));
    bool is_script = slice_same(token->name, SLICE("script"));

    if (html_attribute(token, SLICE("integrity")) != NULL && !has_cross)
        return ASK_PAGE; // what cannot be read cannot be compared
    if (slice_same(token->name, SLICE("source")))
        return of_owner;
    if (has_cross || (is_script && slice_same(value_of(token, SLICE("type")), SLICE("module"))))
        return ASK_CORS;
    if (is_link && (has_word(rel, SLICE("modulepreload")) || has_word(rel, SLICE("mask-icon")) ||
                       slice_same(as, SLICE("fetch")) || slice_same(as, SLICE("font"))))
        return ASK_CORS;
    return ASK_ANYWHERE;
}

/* A name that came before is the one that counts. */
static bool is_first(const struct html_token *token, const struct html_attribute *a)
{
    return html_attribute(token, a->name) == a;
}

static void take_tag(struct rewriting *w, const struct html_token *token, enum url_ask of_owner)
{
    enum url_ask ask = ask_of(token, of_owner);

    for (size_t i = 0; i < token->attribute_count; i++) {
        const struct html_attribute *a = &token->attributes[i];
        bool is_style = slice_same(a->name, SLICE("style"));
        struct embedding row;

        if ((!is_style && !find_embedding(token, a->name, &row)) || !is_first(token, a))
            continue;
        struct decoded value = decoded_attribute(w->file, a->value, w->arena);

        if (is_style)
            sheet_take(w, value, true);
        else if (row.form == FORM_SET)
            srcset_take(w, value, ask);
        else
            url_take(w, value, row.kinds, ask);
    }
}

static bool is_named(const struct html_token *token, enum html_kind kind, const char *name)
{
    return token->kind == kind && slice_same(token->name, slice_text(name));
}

static enum url_ask ask_with(const struct html_token *token)
{
    return html_attribute(token, SLICE("crossorigin")) != NULL ? ASK_CORS : ASK_ANYWHERE;
}

/* What is asked for the img of the picture that `reader` is in. Each picture looks no further than
 * to the next, so all of them read the page once. */
static enum url_ask ask_of_picture(struct html_reader reader)
{
    struct html_token token UNSET;

    while (html_next(&reader, &token) && !is_named(&token, HTML_END, "picture") &&
           !is_named(&token, HTML_START, "picture"))
        if (is_named(&token, HTML_START, "img"))
            return ask_with(&token);
    return ASK_ANYWHERE;
}

/* Takes note of what source elements from here on are for. */
static void note_owner(
    const struct html_reader *reader, const struct html_token *token, enum url_ask *of_owner)
{
    if (is_named(token, HTML_START, "video") || is_named(token, HTML_START, "audio"))
        *of_owner = ask_with(token);
    else if (is_named(token, HTML_START, "picture"))
        *of_owner = ask_of_picture(*reader);
    else if (is_named(token, HTML_END, "video") || is_named(token, HTML_END, "audio") ||
             is_named(token, HTML_END, "picture"))
        *of_owner = ASK_ANYWHERE;
}

static void take_part(struct rewriting *w, struct slice part);

/* Whether the element's inside is CSS. */
static bool is_css(const struct html_token *start)
{
    struct slice type = value_of(start, SLICE("type"));

    return type.length == 0 || slice_same(type, SLICE("text/css"));
}

static void take_raw(struct rewriting *w, const struct html_token *token, bool has_css)
{
    if (slice_same(token->name, SLICE("noscript")))
        take_part(w, token->raw);
    else if (has_css)
        sheet_take(w, decoded_plain(w->file, token->raw), false);
}

/* All tags of the page, or of what a noscript element holds, which holds no other. */
static void take_part(struct rewriting *w, struct slice part)
{
    struct html_reader reader;
    struct html_token token UNSET;
    bool has_css = true; // of the style element that is open
    enum url_ask of_owner = ASK_ANYWHERE;

    html_reader_init(&reader, part);
    while (html_next(&reader, &token)) {
        note_owner(&reader, &token, &of_owner);
        if (token.kind == HTML_RAW)
            take_raw(w, &token, has_css);
        else if (token.kind == HTML_START && token.is_cut)
            w->edits->fates[REWRITE_UNCLEAR]++;
        else if (token.kind == HTML_START) {
            has_css = is_css(&token);
            take_tag(w, &token, of_owner);
        }
    }
    if (reader.is_lost)
        w->edits->fates[REWRITE_UNCLEAR]++;
}

/* The first <base href> counts for the whole page, wherever it stands. */
static void find_base(struct rewriting *w)
{
    struct html_reader reader;
    struct html_token token UNSET;

    html_reader_init(&reader, w->file);
    while (html_next(&reader, &token)) {
        const struct html_attribute *href = html_attribute(&token, SLICE("href"));

        if (token.kind == HTML_START && !token.is_foreign && href != NULL &&
            slice_same(token.name, SLICE("base"))) {
            w->base = url_base_told(w, decoded_attribute(w->file, href->value, w->arena));
            return;
        }
    }
}

static enum err finish(const struct rewriting *w)
{
    if (w->has_too_many)
        return ERR_LIMIT;
    return w->arena->is_full ? ERR_SPACE : ERR_NONE;
}

static struct rewriting begin(struct rewrite_site *site, struct slice path, struct slice file,
    struct arena *arena, struct rewrite_edits *edits)
{
    *edits = (struct rewrite_edits){ .count = 0 };
    return (struct rewriting){
        .site = site, .file = file, .arena = arena, .base = url_base_of(path, arena), .edits = edits
    };
}

enum err rewrite_page(struct rewrite_site *site, struct slice path, struct slice file,
    struct arena *arena, struct rewrite_edits *edits)
{
    struct rewriting w = begin(site, path, file, arena, edits);

    find_base(&w);
    take_part(&w, file);
    return finish(&w);
}

enum err rewrite_sheet(struct rewrite_site *site, struct slice path, struct slice file,
    struct arena *arena, struct rewrite_edits *edits)
{
    struct rewriting w = begin(site, path, file, arena, edits);

    sheet_take(&w, decoded_plain(file, file), false);
    return finish(&w);
}
