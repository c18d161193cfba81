// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Entity tags as they stand in fields, with quotes and W/ (RFC 9110 §8.8.3). Pure. */

#include <stdbool.h>

#include "wire/http_head.h"

/* §8.8.3.2 */
bool http_tags_match(struct slice a, struct slice b, bool is_strong);

/* Whether one of the lines of that field (If-Match, If-None-Match) has the tag, or is a star. An
 * empty tag is that of what has none. */
bool http_tag_is_listed(
    const struct http_head *request, enum http_name id, struct slice etag, bool is_strong);
