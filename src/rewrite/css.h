// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The tokens of a style sheet, by CSS Syntax 3 §4.3, as far as they tell where a URL is one: what
 * stands in comments, and in names and numbers that merely end in "url(", is none.
 *
 * Pure, no allocation, one pass. A token says where it stands; escapes are left as written.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum css_kind {
    CSS_SPACE, // white space, or a comment
    CSS_IDENT,
    CSS_FUNCTION, // a name, and the parenthesis behind it
    CSS_AT,       // @ and a name
    CSS_STRING,
    CSS_URL,   // url(...) without quotes; with quotes it is a function and a string
    CSS_BAD,   // a string or URL that browsers throw away
    CSS_MARK,  // one byte: a delimiter, bracket, colon, comma or semicolon
    CSS_OTHER, // numbers, hashes
};

struct css_token {
    enum css_kind kind;
    char mark;            // of CSS_MARK
    size_t start, length; // of a name, a string's inside, a URL's inside
};

struct css_reader {
    struct slice sheet;
    size_t at;
};

static inline void css_reader_init(struct css_reader *r, struct slice sheet)
{
    *r = (struct css_reader){ .sheet = sheet };
}

/* False at the end. */
bool css_next(struct css_reader *r, struct css_token *token);

/* The token's name is this one (in lower case), whether or not written with escapes. */
bool css_is(const struct css_reader *r, const struct css_token *token, struct slice name);

/* The token's name is that of a custom property: it begins with two dashes. */
bool css_is_custom(const struct css_reader *r, const struct css_token *token);
