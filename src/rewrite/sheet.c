// SPDX-License-Identifier: Apache-2.0
/*
 * Where URLs are in a style sheet: in url(), behind @import, and among the strings of image-set().
 * Anywhere else a string is text.
 */
#include "base/attr.h"
#include "rewrite/css.h"
#include "rewrite/rewrite_priv.h"

enum { PARENTHESES_MAX = 64 }; // deeper, strings are taken for text

/* What a rule or a function does with the URLs in it. */
enum use { USE_PLAIN, USE_IMPORT, USE_NAME };

struct sheet {
    struct css_reader reader;
    struct decoded text;
    enum use use;      // of the at-rule whose prelude this is
    bool is_beginning; // the next name is that of a property
    enum url_ask ask;  // of the property's URLs
    size_t depth;      // of parentheses
    uint64_t holds;    // a bit for each of them: strings in it are URLs
};

/* Whether a property's URLs are taken from other hosts; SVG's references never are. A custom one's
 * are put into another property later, and are relative to where that stands in some browsers. */
static enum url_ask ask_of(const struct sheet *s, const struct css_token *token)
{
    static const struct {
        const char *name;
        enum url_ask ask;
    } rows[] = { { "filter", ASK_PAGE }, { "-webkit-filter", ASK_PAGE },
        { "backdrop-filter", ASK_PAGE }, { "clip-path", ASK_PAGE },
        { "-webkit-clip-path", ASK_PAGE }, { "fill", ASK_PAGE }, { "stroke", ASK_PAGE },
        { "marker", ASK_PAGE }, { "marker-start", ASK_PAGE }, { "marker-mid", ASK_PAGE },
        { "marker-end", ASK_PAGE }, { "offset-path", ASK_PAGE }, { "mask", ASK_CORS },
        { "mask-image", ASK_CORS }, { "-webkit-mask", ASK_CORS },
        { "-webkit-mask-image", ASK_CORS }, { "mask-border", ASK_CORS },
        { "mask-border-source", ASK_CORS }, { "-webkit-mask-box-image", ASK_CORS },
        { "shape-outside", ASK_CORS } };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (css_is(&s->reader, token, slice_text(rows[i].name)))
            return rows[i].ask;
    return css_is_custom(&s->reader, token) ? ASK_UNKNOWN : ASK_ANYWHERE;
}

static bool holds_url(const struct sheet *s)
{
    return s->depth > 0 && s->depth <= PARENTHESES_MAX && (s->holds >> (s->depth - 1) & 1) != 0;
}

static void open_parenthesis(struct sheet *s, bool holds)
{
    if (s->depth++ < PARENTHESES_MAX) {
        uint64_t bit = UINT64_C(1) << (s->depth - 1);

        s->holds = holds ? s->holds | bit : s->holds & ~bit;
    }
}

static void take(struct rewriting *w, const struct sheet *s, const struct css_token *token)
{
    struct decoded raw = decoded_part(&s->text, token->start, token->start + token->length);

    if (s->use == USE_NAME) // of a namespace, or of pages: nothing is fetched
        return;
    url_take(
        w, decoded_escapes(raw, w->arena), s->use == USE_IMPORT ? KIND_SHEET : KIND_ANY, s->ask);
}

static void begin_rule(struct sheet *s, const struct css_token *token)
{
    s->ask = ASK_ANYWHERE;
    s->is_beginning = false;
    s->use = USE_PLAIN;
    if (css_is(&s->reader, token, SLICE("import")))
        s->use = USE_IMPORT;
    else if (css_is(&s->reader, token, SLICE("namespace")) ||
             css_is(&s->reader, token, SLICE("document")) ||
             css_is(&s->reader, token, SLICE("-moz-document")))
        s->use = USE_NAME;
}

static void take_mark(struct sheet *s, char mark)
{
    if (mark == ';' || mark == '{' || mark == '}') {
        s->use = USE_PLAIN;
        s->ask = ASK_ANYWHERE;
        s->is_beginning = true;
        s->depth = 0;
    } else if (mark == '(') {
        open_parenthesis(s, false);
    } else if (mark == ')') {
        s->depth -= s->depth > 0;
    }
}

static void take_token(struct rewriting *w, struct sheet *s, const struct css_token *token)
{
    switch (token->kind) {
    case CSS_SPACE:
    case CSS_BAD:
    case CSS_OTHER: break;
    case CSS_AT: begin_rule(s, token); break;
    case CSS_MARK: take_mark(s, token->mark); break;
    case CSS_URL: take(w, s, token); break;
    case CSS_IDENT:
        if (s->is_beginning)
            s->ask = ask_of(s, token);
        s->is_beginning = false;
        break;
    case CSS_STRING:
        if (holds_url(s) || (s->use == USE_IMPORT && s->depth == 0))
            take(w, s, token);
        break;
    case CSS_FUNCTION:
        s->is_beginning = false;
        open_parenthesis(s, css_is(&s->reader, token, SLICE("url")) ||
                                css_is(&s->reader, token, SLICE("image-set")) ||
                                css_is(&s->reader, token, SLICE("-webkit-image-set")));
        break;
    }
}

void sheet_take(struct rewriting *w, struct decoded text, bool is_block)
{
    struct sheet s = { .text = text, .is_beginning = is_block };
    struct css_token token;

    if (text.unclear_at < text.length) {
        w->edits->fates[REWRITE_UNCLEAR]++;
        return;
    }
    css_reader_init(&s.reader, slice_of(text.bytes, text.length));
    while (css_next(&s.reader, &token))
        take_token(w, &s, &token);
}
