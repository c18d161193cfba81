// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The tags of a page, by the tokenizer of the HTML standard (§13.2.5): what stands in comments,
 * scripts and other raw text is no tag, however much it looks like one, and a tag that the page's
 * end cuts off is none either.
 *
 * The tokenizer is told by the tree builder where raw text and foreign content (SVG, MathML)
 * begin. There is no tree here: foreign elements alone are kept on a stack, by name, which is what
 * browsers do too for all pages that close what they open. What scripts write is not seen.
 *
 * Pure, no allocation, one pass. Names and values are slices of the page, as written.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum {
    HTML_ATTRIBUTES_MAX = 64, // of one tag
    HTML_FOREIGN_MAX = 64,    // foreign elements within each other; deeper, the page is given up
};

enum html_kind {
    HTML_START, // a start tag
    HTML_END,   // an end tag
    HTML_RAW,   // the inside of a style or noscript element
};

struct html_attribute {
    struct slice name, value; // the value without its quotes, character references as written
};

struct html_token {
    enum html_kind kind;
    struct slice name; // of the tag, in any case
    struct slice raw;  // of HTML_RAW
    struct html_attribute attributes[HTML_ATTRIBUTES_MAX];
    size_t attribute_count;
    bool is_cut;     // it has more attributes than that
    bool is_closed;  // "/>"
    bool is_foreign; // of SVG or MathML
};

struct html_foreign {
    struct slice name;
    bool is_math;
    bool holds_html; // an integration point: what is in it is HTML again
};

struct html_reader {
    struct slice page;
    size_t at;
    struct slice raw; // name of the raw text element that is open; empty: none
    struct html_foreign foreign[HTML_FOREIGN_MAX];
    size_t depth;
    bool is_lost; // foreign content lies too deep; nothing more is read
};

void html_reader_init(struct html_reader *r, struct slice page);

/* The next tag or raw text; false at the end of the page. */
bool html_next(struct html_reader *r, struct html_token *token);

/* The attribute of that name (in lower case), the first of several; NULL: there is none. */
const struct html_attribute *html_attribute(const struct html_token *token, struct slice name);
