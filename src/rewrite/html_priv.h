// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Where raw text ends, and which content is foreign: what html.c asks between tags. */

#include "rewrite/html.h"

/* White space of HTML. */
static inline bool html_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static inline bool html_is_letter(char c)
{
    c = ascii_lower(c);
    return c >= 'a' && c <= 'z';
}

/* Where the needle stands first at or after `at`; the page's length where it does not. */
size_t html_find(struct slice page, size_t at, struct slice needle);

/* At `at` stand these letters, in any case, and after them what ends a tag's name. */
bool html_stands(struct slice page, size_t at, struct slice letters);

/* Where the end tag of the raw text element begins that is open at `at` (§13.2.5.2 to 32); the
 * page's length when there is none. */
size_t html_raw_end(struct slice page, size_t at, struct slice name);

/* The innermost open element is foreign, so that CDATA sections are (§13.2.5.42). */
bool html_in_foreign(const struct html_reader *r);

/* Takes note of a tag and says in it whether it is foreign; opens raw text (§13.2.6.2, .5). */
void html_note_start(struct html_reader *r, struct html_token *token);
void html_note_end(struct html_reader *r, struct html_token *token);
