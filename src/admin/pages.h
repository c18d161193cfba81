// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The dashboard's files: / and /assets/NAME, in the program itself, plain and gzip'd as the build
 * left them (dashboard/embed.py). They tell nothing of the network, and so are for whoever asks;
 * what they show comes from /api, which asks for the token.
 *
 * The Content-Security-Policy lets the page run and load its own files alone, from the address it
 * came from: no script within the page, nothing from other hosts, in nobody's frame.
 *
 * Where the build had no npm, / is one plain page that says what is missing. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct http_exchange;
struct http_head;

struct page {
    struct slice path;
    struct slice type; // media type
    struct slice tag;  // of its bytes: hexadecimal digits
    struct slice plain, gzip;
};

/* Made by the build. */
extern const struct page pages[];
extern const size_t page_count;

/* NULL: there is none of that path. */
const struct page *page_find(const struct page *list, size_t count, struct slice path);

/* RFC 9110 §12.5.3: gzip is among what who asks takes; without the field it is not sent. */
bool page_may_gzip(const struct http_head *request);

/* RFC 9110 §13.1.2: whoever asks has the bytes of that tag, as "TAG" or "TAG-gzip". */
bool page_is_known(const struct http_head *request, struct slice tag);

/* Answers with the file of that path, which the request's query is no part of; false: not one. */
bool pages_serve(struct http_exchange *x, struct slice path);
