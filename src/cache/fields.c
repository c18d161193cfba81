// SPDX-License-Identifier: Apache-2.0
#include "cache/key.h"
#include "cache/policy.h"
#include "wire/http_date.h"

static void add_line(struct cache_text *text, struct slice name, struct slice value)
{
    cache_text_add(text, name);
    cache_text_add(text, SLICE(": "));
    cache_text_add(text, value);
    cache_text_add(text, SLICE("\r\n"));
}

static void add_date(struct cache_text *text, struct wall now)
{
    char date[HTTP_DATE_BYTES];

    http_date_write(now, date);
    add_line(text, SLICE("Date"), slice_of(date, sizeof date));
}

/* All lines of Vary as one, so that a slice can hold them. */
static void add_vary(struct cache_text *text, const struct http_head *head)
{
    const struct http_field *field = NULL;
    struct slice comma = SLICE_NONE;

    cache_text_add(text, SLICE("Vary: "));
    while ((field = http_head_next(head, HTTP_NAME_VARY, field)) != NULL) {
        if (field->value.length == 0)
            continue;
        cache_text_add(text, comma);
        cache_text_add(text, field->value);
        comma = SLICE(", ");
    }
    cache_text_add(text, SLICE("\r\n"));
}

/* Speaks of one connection or one transfer, or is written anew with each answer. */
static bool is_left_out(const struct http_head *head, const struct http_field *field)
{
    if (http_field_is_hop(head, field))
        return true;
    return field->id == HTTP_NAME_AGE || field->id == HTTP_NAME_CONTENT_LENGTH ||
           field->id == HTTP_NAME_TRANSFER_ENCODING || field->id == HTTP_NAME_PROXY_AUTHENTICATE ||
           slice_same(field->name, SLICE("proxy-authentication-info"));
}

/* Names tags by which it can be purged; is not for visitors. */
static bool is_tags(struct slice name)
{
    return slice_same(name, SLICE("surrogate-key")) || slice_same(name, SLICE("cache-tag"));
}

/* Which fields stand before which: the first kinds are left out of some answers. */
enum kind { KIND_TAGS, KIND_HSTS, KIND_OTHER, KIND_COUNT };

static enum kind kind_of(struct slice name)
{
    if (is_tags(name))
        return KIND_TAGS;
    return slice_same(name, SLICE("strict-transport-security")) ? KIND_HSTS : KIND_OTHER;
}

static bool has_date(const struct http_head *head, struct wall now)
{
    const struct http_field *field = http_head_field(head, HTTP_NAME_DATE);
    struct wall date;

    return field != NULL && http_head_next(head, HTTP_NAME_DATE, field) == NULL &&
           http_date_parse(field->value, now, &date);
}

/* Vary as one line at the place of its first. */
static void add_field(
    struct cache_text *text, const struct http_head *head, const struct http_field *field)
{
    if (field->id != HTTP_NAME_VARY)
        add_line(text, field->name, field->value);
    else if (field == http_head_field(head, HTTP_NAME_VARY))
        add_vary(text, head);
}

size_t cache_fields_write(
    const struct http_head *response, struct wall now, char *room, size_t room_bytes)
{
    struct cache_text text = { .at = room, .room = room_bytes };
    bool keeps_date = has_date(response, now);

    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        for (size_t i = 0; i < response->field_count; i++) {
            const struct http_field *field = &response->fields[i];

            if (kind_of(field->name) == kind && !is_left_out(response, field) &&
                (field->id != HTTP_NAME_DATE || keeps_date))
                add_field(&text, response, field);
        }
    if (!keeps_date)
        add_date(&text, now);
    return text.is_cut ? 0 : text.length;
}

/* A line of stored fields; false at the end. */
static bool take_line(struct slice *fields, struct slice *name, struct slice *value)
{
    size_t end = slice_find(*fields, '\r');
    struct slice line = slice_head(*fields, end);

    if (fields->length == 0)
        return false;
    *fields = slice_from(*fields, end + 2);
    *name = slice_head(line, slice_find(line, ':'));
    *value = slice_trim(slice_from(line, name->length + 1));
    return true;
}

/* What a 304 says nothing about, whatever it holds (RFC 9111 §3.2). */
static bool is_of_body(const struct http_field *field)
{
    return field->id == HTTP_NAME_CONTENT_ENCODING || field->id == HTTP_NAME_CONTENT_RANGE ||
           field->id == HTTP_NAME_ETAG || slice_same(field->name, SLICE("content-md5"));
}

static bool is_updated(const struct http_head *update, const struct http_field *field, bool dated)
{
    return !is_left_out(update, field) && !is_of_body(field) &&
           (field->id != HTTP_NAME_DATE || dated);
}

static bool updates(const struct http_head *update, struct slice name, bool dated)
{
    for (size_t i = 0; i < update->field_count; i++)
        if (slice_same(update->fields[i].name, name) &&
            is_updated(update, &update->fields[i], dated))
            return true;
    return false;
}

/* The lines of that kind that stay, and those of the update. */
static void add_updated(struct cache_text *text, struct slice stored,
    const struct http_head *update, enum kind kind, bool dated)
{
    struct slice name, value;

    // The new Date goes with the new freshness: a kept old one would make it look aged.
    while (take_line(&stored, &name, &value))
        if (kind_of(name) == kind && !updates(update, name, dated) &&
            !slice_same(name, SLICE("date")))
            add_line(text, name, value);
    for (size_t i = 0; i < update->field_count; i++)
        if (kind_of(update->fields[i].name) == kind &&
            is_updated(update, &update->fields[i], dated))
            add_field(text, update, &update->fields[i]);
}

struct slice cache_fields_tags(struct slice stored)
{
    struct slice rest = stored, name, value;
    size_t length = 0;

    while (take_line(&rest, &name, &value) && is_tags(name))
        length = stored.length - rest.length;
    return slice_head(stored, length);
}

struct slice cache_fields_sent(struct slice stored)
{
    return slice_from(stored, cache_fields_tags(stored).length);
}

struct slice cache_fields_without_hsts(struct slice sent)
{
    static const struct slice START = { "strict-transport-security:", 26 };

    while (slice_same(slice_head(sent, START.length), START))
        sent = slice_from(sent, slice_find(sent, '\n') + 1);
    return sent;
}

size_t cache_fields_update(struct slice stored, const struct http_head *update, struct wall now,
    char *room, size_t room_bytes)
{
    struct cache_text text = { .at = room, .room = room_bytes };
    bool dated = has_date(update, now);

    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        add_updated(&text, stored, update, kind, dated);
    if (!dated)
        add_date(&text, now);
    return text.is_cut ? 0 : text.length;
}

void cache_meta_bind(struct cache_meta *meta, struct slice fields)
{
    struct slice name, value;
    bool has_changed = meta->last_modified.length > 0;

    meta->etag = meta->last_modified = meta->vary = SLICE_NONE;
    while (take_line(&fields, &name, &value)) {
        if (slice_same(name, SLICE("etag")) && meta->etag.length == 0)
            meta->etag = value;
        else if (slice_same(name, SLICE("last-modified")) && has_changed)
            meta->last_modified = value;
        else if (slice_same(name, SLICE("vary")))
            meta->vary = value;
    }
}
