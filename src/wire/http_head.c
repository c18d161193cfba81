// SPDX-License-Identifier: Apache-2.0
/*
 * A head is parsed line by line, and a line is looked at only when it has ended. So what an
 * incomplete head leads to depends on its last line in two ways alone: whether a control byte
 * stands in it, and how long it is. That makes it cheap to wait for the rest: as long as no
 * control byte arrives and no limit is passed, the verdict stays HTTP_PARSE_MORE, and parsing in
 * pieces says what parsing at once says.
 */
#include "wire/http_head.h"

#include <assert.h>
#include <string.h>

#include "base/attr.h"
#include "wire/http_scan_priv.h"

enum {
    EMPTY_LINES_MAX = 4, // before a request
    METHOD_MAX = 32,
    VERSION_LENGTH = 8, // "HTTP/1.1"
    LINE_ROOM =
        METHOD_MAX + 1 + HTTP_TARGET_MAX + 1 + VERSION_LENGTH + 2, // of a request, with CRLF
};

struct cursor {
    const char *at, *end;
};

/* Whether `bytes` could lead to another verdict than its first `seen` did. */
static bool has_news(struct slice bytes, size_t seen)
{
    const char *end = bytes.at + bytes.length;

    assert(seen <= bytes.length);
    if (seen == 0)
        return true;
    if (seen < LINE_ROOM + 2 * EMPTY_LINES_MAX && bytes.length >= LINE_ROOM)
        return true;
    // From the byte before: a CR that came last waits for its LF.
    return scan_text(bytes.at + seen - 1, end) != end;
}

/* The line at the cursor, without its CRLF; the cursor moves behind it. */
static enum http_parse line_take(struct cursor *c, struct slice *line)
{
    const char *start = c->at;
    const char *stop = scan_text(start, c->end);

    if (stop == c->end)
        return HTTP_PARSE_MORE;
    if (*stop != '\r')
        return HTTP_PARSE_BAD;
    if (stop + 1 == c->end)
        return HTTP_PARSE_MORE;
    if (stop[1] != '\n')
        return HTTP_PARSE_BAD;
    *line = slice_of(start, (size_t)(stop - start));
    c->at = stop + 2;
    return HTTP_PARSE_DONE;
}

static enum http_method method_of(struct slice text)
{
    static const struct {
        enum http_method method;
        struct slice text;
    } METHODS[] = {
        { HTTP_GET, { "GET", 3 } },
        { HTTP_HEAD, { "HEAD", 4 } },
        { HTTP_POST, { "POST", 4 } },
        { HTTP_PUT, { "PUT", 3 } },
        { HTTP_DELETE, { "DELETE", 6 } },
        { HTTP_CONNECT, { "CONNECT", 7 } },
        { HTTP_OPTIONS, { "OPTIONS", 7 } },
        { HTTP_TRACE, { "TRACE", 5 } },
        { HTTP_PATCH, { "PATCH", 5 } },
    };

    for (size_t i = 0; i < COUNT_OF(METHODS); i++)
        if (slice_equal(METHODS[i].text, text))
            return METHODS[i].method;
    return HTTP_METHOD_OTHER;
}

/* "HTTP/1.0" gives 0, any later HTTP/1 is spoken to as 1.1 (RFC 9110 §2.5). */
static enum http_parse version_parse(struct slice text, uint8_t *minor)
{
    if (text.length != VERSION_LENGTH || memcmp(text.at, "HTTP/", 5) != 0 || text.at[6] != '.' ||
        text.at[5] < '0' || text.at[5] > '9' || text.at[7] < '0' || text.at[7] > '9')
        return HTTP_PARSE_BAD;
    if (text.at[5] != '1')
        return HTTP_PARSE_VERSION;
    *minor = text.at[7] != '0';
    return HTTP_PARSE_DONE;
}

/* RFC 9112 §3: method, one space, target, one space, version. */
static enum http_parse request_line_parse(struct slice line, struct http_head *head)
{
    struct slice method = slice_head(line, slice_find(slice_head(line, METHOD_MAX + 1), ' '));
    struct slice target = slice_from(line, method.length + 1);
    const char *end = target.at + target.length;
    const char *stop = scan_target(target.at, end);

    if (!http_is_token(method) || method.length > METHOD_MAX || stop == end || *stop != ' ')
        return HTTP_PARSE_BAD;
    target.length = (size_t)(stop - target.at);
    if (target.length == 0)
        return HTTP_PARSE_BAD;
    if (target.length > HTTP_TARGET_MAX)
        return HTTP_PARSE_LONG_TARGET;
    head->method = method_of(method);
    head->method_text = method;
    head->target = target;
    return version_parse(slice_of(stop + 1, (size_t)(end - stop - 1)), &head->minor);
}

/* RFC 9112 §4. The space behind the status is not asked for where no reason follows: many
 * servers leave it out, and nothing can be hidden in its absence. */
static enum http_parse status_line_parse(struct slice line, struct http_head *head)
{
    struct slice version = slice_head(line, VERSION_LENGTH);
    struct slice status = slice_head(slice_from(line, VERSION_LENGTH + 1), 3);
    struct slice rest = slice_from(line, VERSION_LENGTH + 1 + 3);
    uint64_t number = 0;
    enum http_parse parsed = version_parse(version, &head->minor);

    if (parsed != HTTP_PARSE_DONE)
        return parsed;
    if (line.length < VERSION_LENGTH + 1 + 3 || line.at[VERSION_LENGTH] != ' ' ||
        !slice_number(status, 999, &number) || number < 100)
        return HTTP_PARSE_BAD;
    if (rest.length > 0 && rest.at[0] != ' ')
        return HTTP_PARSE_BAD;
    head->status = (uint16_t)number;
    head->reason = slice_from(rest, 1);
    return HTTP_PARSE_DONE;
}

static struct slice value_of(const char *start, const char *end)
{
    // Nearly always one blank in front and none behind.
    if (start < end && *start == ' ')
        start++;
    struct slice value = slice_of(start, (size_t)(end - start));

    if (value.length > 0 &&
        ((unsigned char)value.at[0] <= ' ' || end[-1] == ' ' || end[-1] == '\t'))
        return slice_trim(value);
    return value;
}

/*
 * One line "name: value" (RFC 9112 §5), not the blank one. A continued line begins with a blank
 * and so has no token for a name; a blank before the colon is refused in the same way.
 */
static enum http_parse field_parse(struct cursor *c, struct http_head *head)
{
    const char *start = c->at;
    const char *colon = scan_name(start, c->end);

    if (colon == c->end)
        return HTTP_PARSE_MORE;
    if (UNLIKELY(*colon != ':'))
        return *colon == '\r' && colon + 1 == c->end ? HTTP_PARSE_MORE : HTTP_PARSE_BAD;
    struct slice line;

    c->at = colon + 1;
    enum http_parse parsed = line_take(c, &line);

    if (UNLIKELY(parsed != HTTP_PARSE_DONE))
        return parsed;
    struct slice name = slice_of(start, (size_t)(colon - start));
    size_t readable = (size_t)(c->end - start);
    enum http_name id = http_name_of_within(name, readable);

    if (id == HTTP_NAME_OTHER && !scan_is_plain(start, name.length, readable) &&
        UNLIKELY(!http_is_token(name)))
        return HTTP_PARSE_BAD;
    if (UNLIKELY(head->field_count == HTTP_FIELDS_MAX))
        return HTTP_PARSE_LARGE;
    struct http_field *field = &head->fields[head->field_count++];

    *field = (struct http_field){ name, value_of(line.at, line.at + line.length), id };
    if (head->first[id] == 0)
        head->first[id] = (uint8_t)head->field_count;
    return HTTP_PARSE_DONE;
}

/* All lines of fields up to the blank one. */
static enum http_parse fields_parse(struct cursor *c, struct http_head *head)
{
    head->field_count = 0;
    memset(head->first, 0, sizeof head->first);
    for (;;) {
        if (c->at < c->end && *c->at == '\r') {
            if (c->at + 1 == c->end)
                return HTTP_PARSE_MORE;
            if (c->at[1] != '\n')
                return HTTP_PARSE_BAD;
            c->at += 2;
            return HTTP_PARSE_DONE;
        }
        enum http_parse parsed = field_parse(c, head);

        if (parsed != HTTP_PARSE_DONE)
            return parsed;
    }
}

static enum http_parse request_parse(struct cursor *c, struct http_head *head)
{
    struct slice line;

    for (unsigned empty = 0;; empty++) {
        const char *start = c->at;
        struct cursor first = { start, c->end - start > LINE_ROOM ? start + LINE_ROOM : c->end };
        enum http_parse parsed = line_take(&first, &line);

        if (parsed == HTTP_PARSE_MORE && first.end - start == LINE_ROOM)
            return HTTP_PARSE_LONG_TARGET;
        if (parsed != HTTP_PARSE_DONE)
            return parsed;
        c->at = first.at;
        if (line.length > 0)
            break;
        if (empty == EMPTY_LINES_MAX)
            return HTTP_PARSE_BAD;
    }
    enum http_parse parsed = request_line_parse(line, head);

    return parsed == HTTP_PARSE_DONE ? fields_parse(c, head) : parsed;
}

static enum http_parse response_parse(struct cursor *c, struct http_head *head)
{
    struct slice line;
    enum http_parse parsed = line_take(c, &line);

    if (parsed == HTTP_PARSE_DONE)
        parsed = status_line_parse(line, head);
    return parsed == HTTP_PARSE_DONE ? fields_parse(c, head) : parsed;
}

typedef enum http_parse parse_fn(struct cursor *c, struct http_head *head);

static inline enum http_parse head_parse(
    struct slice bytes, size_t seen, struct http_head *head, parse_fn *parse)
{
    size_t length = bytes.length < HTTP_HEAD_MAX ? bytes.length : HTTP_HEAD_MAX;
    struct cursor c = { bytes.at, bytes.at + length };
    enum http_parse parsed = has_news(bytes, seen) ? parse(&c, head) : HTTP_PARSE_MORE;

    head->length = (size_t)(c.at - bytes.at);
    return parsed == HTTP_PARSE_MORE && length == HTTP_HEAD_MAX ? HTTP_PARSE_LARGE : parsed;
}

enum http_parse http_request_parse(struct slice bytes, size_t seen, struct http_head *head)
{
    return head_parse(bytes, seen, head, request_parse);
}

enum http_parse http_response_parse(struct slice bytes, size_t seen, struct http_head *head)
{
    return head_parse(bytes, seen, head, response_parse);
}

struct slice http_head_value(const struct http_head *head, enum http_name id)
{
    return head->first[id] == 0 ? SLICE_NONE : head->fields[head->first[id] - 1].value;
}

const struct http_field *http_head_next(
    const struct http_head *head, enum http_name id, const struct http_field *after)
{
    if (after == NULL)
        return http_head_field(head, id);
    for (const struct http_field *f = after + 1; f < head->fields + head->field_count; f++)
        if (f->id == id)
            return f;
    return NULL;
}

bool http_head_has_token(const struct http_head *head, enum http_name id, struct slice token)
{
    for (const struct http_field *f = http_head_field(head, id); f != NULL;
         f = http_head_next(head, id, f)) {
        struct slice rest = f->value, part;

        while (slice_cut(&rest, ',', &part))
            if (slice_same(slice_trim(part), token))
                return true;
    }
    return false;
}
