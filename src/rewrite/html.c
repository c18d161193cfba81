// SPDX-License-Identifier: Apache-2.0
#include "rewrite/html.h"

#include "rewrite/html_priv.h"

void html_reader_init(struct html_reader *r, struct slice page)
{
    r->page = page;
    r->at = 0;
    r->raw = SLICE_NONE;
    r->depth = 0;
    r->is_lost = false;
}

static void skip_space(struct html_reader *r)
{
    while (r->at < r->page.length && html_is_space(r->page.at[r->at]))
        r->at++;
}

/* The byte that is next; 0 at the end. */
static char peek(const struct html_reader *r)
{
    return r->at < r->page.length ? r->page.at[r->at] : '\0';
}

static bool is_over(const struct html_reader *r)
{
    return r->at >= r->page.length;
}

/* Attribute value states, from behind the equals sign (§13.2.5.35 to 39). */
static struct slice take_value(struct html_reader *r)
{
    skip_space(r);
    char quote = peek(r);
    size_t start = r->at;

    if (is_over(r) || quote == '>')
        return slice_of(r->page.at + start, 0);
    if (quote == '"' || quote == '\'') {
        size_t length = slice_find(slice_from(r->page, start + 1), quote);

        r->at = start + 1 + length + 1; // beyond the page where the quote is missing
        return slice_of(r->page.at + start + 1, length);
    }
    while (!is_over(r) && !html_is_space(peek(r)) && peek(r) != '>')
        r->at++;
    return slice_of(r->page.at + start, r->at - start);
}

/* Attribute name states (§13.2.5.32 to 34). An equals sign may begin a name. */
static void take_attribute(struct html_reader *r, struct html_token *token)
{
    struct html_attribute a = { 0 };
    size_t start = r->at++;

    while (!is_over(r) && !html_is_space(peek(r)) && peek(r) != '/' && peek(r) != '>' &&
           peek(r) != '=')
        r->at++;
    a.name = slice_of(r->page.at + start, r->at - start);
    a.value = slice_of(r->page.at + r->at, 0);
    skip_space(r);
    if (peek(r) == '=') {
        r->at++;
        a.value = take_value(r);
    }
    if (token->attribute_count < HTML_ATTRIBUTES_MAX)
        token->attributes[token->attribute_count++] = a;
    else
        token->is_cut = true;
}

/* From the first letter of a tag's name to behind its ">". False: the page ends in the tag. */
static bool take_tag(struct html_reader *r, struct html_token *token)
{
    size_t start = r->at;

    while (!is_over(r) && !html_is_space(peek(r)) && peek(r) != '/' && peek(r) != '>')
        r->at++;
    token->name = slice_of(r->page.at + start, r->at - start);
    token->attribute_count = 0;
    token->is_cut = token->is_closed = token->is_foreign = false;
    while (!is_over(r)) {
        skip_space(r);
        if (peek(r) == '/') {
            r->at++;
            token->is_closed = peek(r) == '>' && !is_over(r);
        } else if (peek(r) == '>') {
            r->at++;
            return true;
        } else if (!is_over(r)) {
            take_attribute(r, token);
        }
    }
    return false;
}

/* Moves behind the first `end` at or after `from`, or to the page's end. */
static void skip_to(struct html_reader *r, size_t from, struct slice end)
{
    r->at = html_find(r->page, from, end) + end.length;
}

/* Comment states (§13.2.5.43 to 52), from behind "<!--". */
static void skip_comment(struct html_reader *r)
{
    struct slice rest = slice_from(r->page, r->at);

    if (slice_starts(rest, SLICE(">")) || slice_starts(rest, SLICE("->"))) {
        skip_to(r, r->at, SLICE(">"));
        return;
    }
    for (; r->at < r->page.length; r->at++) {
        r->at = html_find(r->page, r->at, SLICE("--"));
        rest = slice_from(r->page, r->at);
        if (slice_starts(rest, SLICE("-->")) || slice_starts(rest, SLICE("--!>"))) {
            skip_to(r, r->at, SLICE(">"));
            return;
        }
    }
}

/* Markup declaration open state (§13.2.5.42), from behind "<!". */
static void skip_declaration(struct html_reader *r)
{
    struct slice rest = slice_from(r->page, r->at);

    if (slice_starts(rest, SLICE("--"))) {
        r->at += 2;
        skip_comment(r);
    } else if (slice_starts(rest, SLICE("[CDATA[")) && html_in_foreign(r)) {
        skip_to(r, r->at, SLICE("]]>"));
    } else { // a doctype, whose quotes hold no ">" either, or a bogus comment
        skip_to(r, r->at, SLICE(">"));
    }
}

/* The inside of the element that was opened last, if anybody wants it. */
static bool take_raw(struct html_reader *r, struct html_token *token)
{
    struct slice name = r->raw;
    size_t end = html_raw_end(r->page, r->at, name);
    bool is_wanted = slice_same(name, SLICE("style")) || slice_same(name, SLICE("noscript"));

    token->kind = HTML_RAW;
    token->name = name;
    token->raw = slice_of(r->page.at + r->at, end - r->at);
    r->at = end;
    r->raw = SLICE_NONE;
    return is_wanted && end < r->page.length; // unclosed it is left as it is
}

/* Data and tag open states (§13.2.5.1, 6, 7). Skips to the next tag and reads it. */
static bool take_next_tag(struct html_reader *r, struct html_token *token)
{
    while (!is_over(r)) {
        r->at += slice_find(slice_from(r->page, r->at), '<') + 1;
        char first = peek(r);

        if (html_is_letter(first)) {
            token->kind = HTML_START;
            return take_tag(r, token);
        }
        if (first == '!') {
            r->at++;
            skip_declaration(r);
        } else if (first == '?') {
            skip_to(r, r->at, SLICE(">"));
        } else if (first == '/') {
            r->at++;
            if (html_is_letter(peek(r))) {
                token->kind = HTML_END;
                return take_tag(r, token);
            }
            if (!is_over(r))
                skip_to(r, r->at, SLICE(">"));
        }
    }
    return false;
}

bool html_next(struct html_reader *r, struct html_token *token)
{
    if (r->is_lost)
        return false;
    if (r->raw.length > 0 && take_raw(r, token))
        return true;
    if (!take_next_tag(r, token))
        return false;
    if (token->kind == HTML_START)
        html_note_start(r, token);
    else
        html_note_end(r, token);
    return !r->is_lost;
}

const struct html_attribute *html_attribute(const struct html_token *token, struct slice name)
{
    for (size_t i = 0; i < token->attribute_count; i++)
        if (slice_same(token->attributes[i].name, name))
            return &token->attributes[i];
    return NULL;
}
