// SPDX-License-Identifier: Apache-2.0
#include "rewrite/css.h"

/* 0 at the end. A zero of the sheet stands for U+FFFD (§3.3), so for what is beyond ASCII. */
static char byte_at(const struct css_reader *r, size_t at)
{
    if (at >= r->sheet.length)
        return '\0';
    return r->sheet.at[at] == '\0' ? (char)0x80 : r->sheet.at[at];
}

static bool is_over(const struct css_reader *r)
{
    return r->at >= r->sheet.length;
}

static bool is_newline(char c)
{
    return c == '\n' || c == '\r' || c == '\f';
}

static bool is_space(char c)
{
    return is_newline(c) || c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
    char lower = ascii_lower(c);

    return (lower >= 'a' && lower <= 'z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_name(char c)
{
    return is_name_start(c) || is_digit(c) || c == '-';
}

/* A backslash here begins an escape (§4.3.8). */
static bool is_escape(const struct css_reader *r, size_t at)
{
    return byte_at(r, at) == '\\' && !is_newline(byte_at(r, at + 1));
}

/* Three code points would start an ident sequence (§4.3.9). */
static bool starts_name(const struct css_reader *r, size_t at)
{
    if (byte_at(r, at) == '-')
        return is_name_start(byte_at(r, at + 1)) || byte_at(r, at + 1) == '-' ||
               is_escape(r, at + 1);
    return is_name_start(byte_at(r, at)) || is_escape(r, at);
}

/* Would start a number (§4.3.10). */
static bool starts_number(const struct css_reader *r, size_t at)
{
    if (byte_at(r, at) == '+' || byte_at(r, at) == '-')
        at++;
    return is_digit(byte_at(r, at)) || (byte_at(r, at) == '.' && is_digit(byte_at(r, at + 1)));
}

/* Consume an escaped code point (§4.3.7), from its backslash on. */
static void skip_escape(struct css_reader *r)
{
    size_t digits = 0;

    r->at++;
    if (ascii_hex(byte_at(r, r->at)) < 0) {
        r->at += !is_over(r);
        return;
    }
    for (; digits < 6 && ascii_hex(byte_at(r, r->at)) >= 0; digits++)
        r->at++;
    if (byte_at(r, r->at) == '\r' && byte_at(r, r->at + 1) == '\n')
        r->at += 2;
    else if (is_space(byte_at(r, r->at)))
        r->at++;
}

/* Consume an ident sequence (§4.3.11). */
static void skip_name(struct css_reader *r)
{
    while (!is_over(r)) {
        if (is_name(byte_at(r, r->at)))
            r->at++;
        else if (is_escape(r, r->at))
            skip_escape(r);
        else
            return;
    }
}

static void skip_digits(struct css_reader *r)
{
    while (is_digit(byte_at(r, r->at)))
        r->at++;
}

/* Consume a numeric token (§4.3.3, §4.3.12). An exponent is taken for a unit, and one with a plus
 * for a unit and a number: that changes nothing about what follows. */
static void skip_number(struct css_reader *r)
{
    r->at += byte_at(r, r->at) == '+' || byte_at(r, r->at) == '-';
    skip_digits(r);
    if (byte_at(r, r->at) == '.' && is_digit(byte_at(r, r->at + 1))) {
        r->at++;
        skip_digits(r);
    }
    if (starts_name(r, r->at))
        skip_name(r);
}

static void skip_space(struct css_reader *r)
{
    while (is_space(byte_at(r, r->at)))
        r->at++;
}

static void skip_comment(struct css_reader *r)
{
    r->at += 2;
    while (!is_over(r) && !(byte_at(r, r->at) == '*' && byte_at(r, r->at + 1) == '/'))
        r->at++;
    r->at += is_over(r) ? 0 : 2;
}

/* Consume a string token (§4.3.5). One that the sheet's end cuts off is a string. */
static void take_string(struct css_reader *r, struct css_token *token)
{
    char quote = byte_at(r, r->at++);

    token->start = r->at;
    token->kind = CSS_STRING;
    for (; !is_over(r) && byte_at(r, r->at) != quote; r->at++) {
        if (is_newline(byte_at(r, r->at))) {
            token->kind = CSS_BAD;
            return;
        }
        if (byte_at(r, r->at) == '\\' && r->at + 1 < r->sheet.length)
            r->at++; // whatever it is, it ends no string; of CR LF the LF would
        if (byte_at(r, r->at) == '\r' && byte_at(r, r->at + 1) == '\n')
            r->at++;
    }
    token->length = r->at - token->start;
    r->at += !is_over(r);
}

static bool ends_bare_url(char c)
{
    return c == '"' || c == '\'' || c == '(' || ascii_is_control(c);
}

/* Consume a URL token (§4.3.6), from behind its parenthesis and white space. */
static void take_url(struct css_reader *r, struct css_token *token)
{
    token->start = r->at;
    token->kind = CSS_URL;
    while (!is_over(r) && byte_at(r, r->at) != ')' && !is_space(byte_at(r, r->at))) {
        if (is_escape(r, r->at))
            skip_escape(r);
        else if (ends_bare_url(byte_at(r, r->at)) || byte_at(r, r->at) == '\\')
            break;
        else
            r->at++;
    }
    token->length = r->at - token->start;
    skip_space(r);
    if (!is_over(r) && byte_at(r, r->at) != ')')
        token->kind = CSS_BAD;
    while (!is_over(r) && byte_at(r, r->at) != ')') { // remnants of a bad URL (§4.3.14)
        if (is_escape(r, r->at))
            skip_escape(r);
        else
            r->at++;
    }
    r->at += !is_over(r);
}

/* Consume an ident-like token (§4.3.4). */
static void take_name(struct css_reader *r, struct css_token *token)
{
    token->kind = CSS_IDENT;
    token->start = r->at;
    skip_name(r);
    token->length = r->at - token->start;
    if (byte_at(r, r->at) != '(')
        return;
    r->at++;
    token->kind = CSS_FUNCTION;
    if (!css_is(r, token, SLICE("url")))
        return;
    size_t behind = r->at;

    skip_space(r);
    if (byte_at(r, r->at) == '"' || byte_at(r, r->at) == '\'')
        r->at = behind;
    else
        take_url(r, token);
}

/* @media, #fff, and bytes that stand alone. */
static void take_mark(struct css_reader *r, struct css_token *token)
{
    char c = byte_at(r, r->at++);

    if (c == '@' && starts_name(r, r->at)) {
        token->kind = CSS_AT;
        token->start = r->at;
        skip_name(r);
        token->length = r->at - token->start;
    } else if (c == '#' && (is_name(byte_at(r, r->at)) || is_escape(r, r->at))) {
        token->kind = CSS_OTHER;
        skip_name(r);
    } else {
        token->kind = CSS_MARK;
        token->mark = c;
    }
}

bool css_next(struct css_reader *r, struct css_token *token)
{
    char c = byte_at(r, r->at);

    *token = (struct css_token){ .start = r->at };
    if (is_over(r))
        return false;
    if (is_space(c))
        skip_space(r);
    else if (c == '/' && byte_at(r, r->at + 1) == '*')
        skip_comment(r);
    else if (c == '"' || c == '\'')
        take_string(r, token);
    else if (starts_number(r, r->at)) {
        token->kind = CSS_OTHER;
        skip_number(r);
    } else if (starts_name(r, r->at))
        take_name(r, token);
    else
        take_mark(r, token);
    return true;
}

/* The next character of a name with escapes, in lower case; those beyond ASCII are 0x80. */
static char next_of(struct css_reader *r)
{
    unsigned point = 0;
    size_t start = r->at;

    if (byte_at(r, start) != '\\')
        return ascii_lower(byte_at(r, r->at++));
    skip_escape(r);
    if (ascii_hex(byte_at(r, start + 1)) < 0)
        return ascii_lower(byte_at(r, start + 1));
    for (size_t i = start + 1; i < r->at && ascii_hex(byte_at(r, i)) >= 0; i++)
        point = point * 16 + (unsigned)ascii_hex(byte_at(r, i));
    return point < 0x80 ? ascii_lower((char)point) : (char)0x80;
}

/* Moves behind the name's beginning; false: it begins otherwise. */
static bool take_beginning(struct css_reader *name, struct slice beginning)
{
    for (size_t i = 0; i < beginning.length; i++)
        if (is_over(name) || next_of(name) != beginning.at[i])
            return false;
    return true;
}

static struct css_reader reader_of(const struct css_reader *r, const struct css_token *token)
{
    return (struct css_reader){ .sheet = slice_head(r->sheet, token->start + token->length),
        .at = token->start };
}

bool css_is(const struct css_reader *r, const struct css_token *token, struct slice name)
{
    struct css_reader inner = reader_of(r, token);

    return take_beginning(&inner, name) && is_over(&inner);
}

bool css_is_custom(const struct css_reader *r, const struct css_token *token)
{
    struct css_reader inner = reader_of(r, token);

    return take_beginning(&inner, SLICE("--"));
}
