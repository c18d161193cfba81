// SPDX-License-Identifier: Apache-2.0
#include "cache/policy.h"
#include "wire/http_date.h"
#include "wire/http_tag.h"

/* What the stored response says of its last change; when it says nothing, the time it was made
 * (RFC 9111 §4.3.2). */
static struct wall changed_at(const struct cache_meta *meta)
{
    struct wall changed;

    if (meta->last_modified.length > 0 &&
        http_date_parse(meta->last_modified, meta->received, &changed))
        return changed;
    return (struct wall){ meta->received.ms - meta->age_s * 1000 };
}

/* Whether the date in the request's field is no earlier than the last change; *is_date: it is
 * there, once, and a date (else it is to be ignored). */
static bool unchanged_since(const struct http_head *request, enum http_name id,
    const struct cache_meta *meta, bool *is_date)
{
    const struct http_field *field = http_head_field(request, id);
    struct wall date;

    *is_date = field != NULL && http_head_next(request, id, field) == NULL &&
               http_date_parse(field->value, meta->received, &date);
    return *is_date && wall_s(changed_at(meta)) <= wall_s(date);
}

enum cache_condition cache_condition(
    const struct http_head *request, const struct cache_meta *meta, int status)
{
    bool is_date = false;

    if (status < 200 || status > 299) // §13.2.1: a condition is for what would succeed
        return CACHE_CONDITION_NONE;
    if (http_head_field(request, HTTP_NAME_IF_MATCH) != NULL) {
        if (!http_tag_is_listed(request, HTTP_NAME_IF_MATCH, meta->etag, true))
            return CACHE_CONDITION_412;
    } else {
        bool is_unchanged = unchanged_since(request, HTTP_NAME_IF_UNMODIFIED_SINCE, meta, &is_date);

        if (is_date && !is_unchanged)
            return CACHE_CONDITION_412;
    }
    if (http_head_field(request, HTTP_NAME_IF_NONE_MATCH) != NULL)
        return http_tag_is_listed(request, HTTP_NAME_IF_NONE_MATCH, meta->etag, false)
                   ? CACHE_CONDITION_304
                   : CACHE_CONDITION_NONE;
    return unchanged_since(request, HTTP_NAME_IF_MODIFIED_SINCE, meta, &is_date)
               ? CACHE_CONDITION_304
               : CACHE_CONDITION_NONE;
}

/* §13.1.5: the part is asked for only if the whole did not change; strong comparison. */
static bool if_range_holds(const struct http_head *request, const struct cache_meta *meta)
{
    struct slice value = http_head_value(request, HTTP_NAME_IF_RANGE);

    if (value.at == NULL)
        return true;
    if (value.length > 0 && (value.at[0] == '"' || slice_starts(value, SLICE("W/"))))
        return meta->etag.length > 0 && http_tags_match(value, meta->etag, true);
    return meta->last_modified.length > 0 && slice_equal(value, meta->last_modified);
}

/* Larger numbers than a body can have mean "to the end": they are capped, not refused. */
static bool offset_parse(struct slice text, uint64_t *offset)
{
    uint64_t sum = 0;

    if (text.length == 0)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        if (sum < INT64_MAX / 16)
            sum = sum * 10 + (uint64_t)(text.at[i] - '0');
    }
    *offset = sum;
    return true;
}

/* §14.1.2: one range, "first-last", "first-" or "-suffix". NONE: no grammar. */
static enum cache_range range_parse(
    struct slice spec, uint64_t length, uint64_t *first, uint64_t *last)
{
    size_t dash = slice_find(spec, '-');
    struct slice left = slice_head(spec, dash), right = slice_from(spec, dash + 1);
    uint64_t from = 0, to = INT64_MAX;

    if (dash == spec.length || (right.length > 0 && !offset_parse(right, &to)))
        return CACHE_RANGE_NONE;
    if (left.length == 0) {
        if (right.length == 0)
            return CACHE_RANGE_NONE;
        from = to < length ? length - to : 0;
        if (to == 0)
            return CACHE_RANGE_BAD;
        to = INT64_MAX;
    } else if (!offset_parse(left, &from) || to < from) {
        return CACHE_RANGE_NONE;
    }
    if (from >= length)
        return CACHE_RANGE_BAD;
    *first = from;
    *last = to < length ? to : length - 1;
    return CACHE_RANGE_PART;
}

enum cache_range cache_range(const struct http_head *request, const struct cache_meta *meta,
    uint64_t length, uint64_t *first, uint64_t *last)
{
    const struct http_field *field = http_head_field(request, HTTP_NAME_RANGE);

    if (field == NULL || request->method != HTTP_GET ||
        http_head_next(request, HTTP_NAME_RANGE, field) != NULL)
        return CACHE_RANGE_NONE;
    size_t equals = slice_find(field->value, '=');
    struct slice spec = slice_trim(slice_from(field->value, equals + 1));

    // Of several ranges the whole is a right answer too (§14.2).
    if (!slice_same(slice_head(field->value, equals), SLICE("bytes")) ||
        slice_find(spec, ',') < spec.length || !if_range_holds(request, meta))
        return CACHE_RANGE_NONE;
    return range_parse(spec, length, first, last);
}
