// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/attr.h"
#include "rewrite/html_priv.h"

size_t html_find(struct slice page, size_t at, struct slice needle)
{
    struct slice rest = slice_from(page, at);
    const char *found =
        rest.length == 0 ? NULL : memmem(rest.at, rest.length, needle.at, needle.length);

    return found == NULL ? page.length : (size_t)(found - page.at);
}

static bool ends_name(struct slice page, size_t at)
{
    return at < page.length &&
           (html_is_space(page.at[at]) || page.at[at] == '/' || page.at[at] == '>');
}

bool html_stands(struct slice page, size_t at, struct slice letters)
{
    return slice_same(slice_head(slice_from(page, at), letters.length), letters) &&
           ends_name(page, at + letters.length);
}

/*
 * Script data states (§13.2.5.4, 15 to 31): within "<!--" a script may hold "<script>" and its end
 * tag as text. The dashes that open the comment may close it.
 */
static size_t script_end(struct slice page, size_t at)
{
    bool is_escaped = false, is_twice = false;

    for (; at < page.length; at++) {
        struct slice rest = slice_from(page, at);

        if (is_escaped && slice_starts(rest, SLICE("-->"))) {
            is_escaped = is_twice = false;
        } else if (rest.at[0] != '<') {
            continue;
        } else if (!is_escaped && slice_starts(rest, SLICE("<!--"))) {
            is_escaped = true;
            at++; // so that the loop stands at the dashes next
        } else if (html_stands(page, at, SLICE("</script"))) {
            if (!is_twice)
                return at;
            is_twice = false;
        } else if (is_escaped && html_stands(page, at, SLICE("<script"))) {
            is_twice = true;
        }
    }
    return page.length;
}

size_t html_raw_end(struct slice page, size_t at, struct slice name)
{
    if (slice_same(name, SLICE("plaintext")))
        return page.length;
    if (slice_same(name, SLICE("script")))
        return script_end(page, at);
    for (;; at++) {
        at = html_find(page, at, SLICE("</"));
        if (at == page.length || html_stands(page, at + 2, name))
            return at;
    }
}

static bool is_one_of(struct slice name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_same(name, slice_text(names[i])))
            return true;
    return false;
}

/* Elements whose inside is text to the tokenizer. Of noscript that holds where scripts run, which
 * is where its end is sought; what is in it is read as a page of its own. */
static bool has_raw_text(struct slice name)
{
    static const char *const names[] = { "script", "style", "textarea", "title", "xmp", "iframe",
        "noembed", "noframes", "noscript", "plaintext" };

    return is_one_of(name, names, COUNT_OF(names));
}

/* Tags of HTML that end all foreign content they stand in (§13.2.6.5). */
static bool breaks_out(const struct html_token *token)
{
    static const char *const names[] = { "b", "big", "blockquote", "body", "br", "center", "code",
        "dd", "div", "dl", "dt", "em", "embed", "h1", "h2", "h3", "h4", "h5", "h6", "head", "hr",
        "i", "img", "li", "listing", "menu", "meta", "nobr", "ol", "p", "pre", "ruby", "s", "small",
        "span", "strong", "strike", "sub", "sup", "table", "tt", "u", "ul", "var" };

    if (slice_same(token->name, SLICE("font")))
        return html_attribute(token, SLICE("color")) != NULL ||
               html_attribute(token, SLICE("face")) != NULL ||
               html_attribute(token, SLICE("size")) != NULL;
    return is_one_of(token->name, names, COUNT_OF(names));
}

static bool holds_html(const struct html_token *token, bool is_math)
{
    static const char *const of_svg[] = { "foreignobject", "desc", "title" };
    static const char *const of_math[] = { "mi", "mo", "mn", "ms", "mtext" };
    const struct html_attribute *encoding = html_attribute(token, SLICE("encoding"));

    if (!is_math)
        return is_one_of(token->name, of_svg, COUNT_OF(of_svg));
    if (slice_same(token->name, SLICE("annotation-xml")))
        return encoding != NULL && (slice_same(encoding->value, SLICE("text/html")) ||
                                       slice_same(encoding->value, SLICE("application/xhtml+xml")));
    return is_one_of(token->name, of_math, COUNT_OF(of_math));
}

bool html_in_foreign(const struct html_reader *r)
{
    return r->depth > 0 && !r->foreign[r->depth - 1].holds_html;
}

static void leave_foreign(struct html_reader *r)
{
    while (html_in_foreign(r))
        r->depth--;
}

static void push(struct html_reader *r, const struct html_token *token, bool is_math, bool holds)
{
    if (r->depth == HTML_FOREIGN_MAX) {
        r->is_lost = true;
        return;
    }
    r->foreign[r->depth++] = (struct html_foreign){ token->name, is_math, holds };
}

void html_note_start(struct html_reader *r, struct html_token *token)
{
    bool is_math = slice_same(token->name, SLICE("math"));

    if (html_in_foreign(r) && breaks_out(token))
        leave_foreign(r);
    if (html_in_foreign(r)) {
        is_math = r->foreign[r->depth - 1].is_math;
        token->is_foreign = true;
        if (!token->is_closed)
            push(r, token, is_math, holds_html(token, is_math));
    } else if (is_math || slice_same(token->name, SLICE("svg"))) {
        token->is_foreign = true;
        if (!token->is_closed)
            push(r, token, is_math, false);
    } else if (has_raw_text(token->name)) {
        r->raw = token->name;
    }
}

void html_note_end(struct html_reader *r, struct html_token *token)
{
    size_t depth = r->depth;

    token->is_foreign = html_in_foreign(r);
    if (token->is_foreign &&
        (slice_same(token->name, SLICE("p")) || slice_same(token->name, SLICE("br")))) {
        leave_foreign(r);
        return;
    }
    // The innermost element of that name, up to the integration point that holds HTML with it.
    while (depth > 0 && !slice_same(r->foreign[depth - 1].name, token->name)) {
        if (r->foreign[depth - 1].holds_html)
            return;
        depth--;
    }
    if (depth > 0)
        r->depth = depth - 1;
}
