// SPDX-License-Identifier: Apache-2.0
#include "wire/http_tag.h"

static struct slice without_weakness(struct slice tag)
{
    return slice_starts(tag, SLICE("W/")) ? slice_from(tag, 2) : tag;
}

bool http_tags_match(struct slice a, struct slice b, bool is_strong)
{
    if (is_strong)
        return !slice_starts(a, SLICE("W/")) && slice_equal(a, b);
    return slice_equal(without_weakness(a), without_weakness(b));
}

/* Takes one tag off the list; it may hold commas within its quotes. */
static bool take_tag(struct slice *list, struct slice *tag)
{
    while (list->length > 0 && (list->at[0] == ',' || list->at[0] == ' ' || list->at[0] == '\t'))
        *list = slice_from(*list, 1);
    if (list->length == 0)
        return false;
    size_t start = slice_starts(*list, SLICE("W/")) ? 2 : 0;
    size_t length = slice_find(*list, ',');

    if (start < list->length && list->at[start] == '"')
        length = start + 2 + slice_find(slice_from(*list, start + 1), '"');
    *tag = slice_trim(slice_head(*list, length));
    *list = slice_from(*list, length);
    return true;
}

bool http_tag_is_listed(
    const struct http_head *request, enum http_name id, struct slice etag, bool is_strong)
{
    const struct http_field *field = NULL;

    while ((field = http_head_next(request, id, field)) != NULL) {
        struct slice list = field->value, tag;

        if (slice_equal(list, SLICE("*")))
            return true;
        while (take_tag(&list, &tag))
            if (etag.length > 0 && http_tags_match(tag, etag, is_strong))
                return true;
    }
    return false;
}
