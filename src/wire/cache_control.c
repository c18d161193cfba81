// SPDX-License-Identifier: Apache-2.0
#include "wire/cache_control.h"

#include "base/attr.h"

/* Where a directive's value goes: either `seconds` or `flag` is above 0, as an offset. */
struct directive {
    struct slice name;
    size_t seconds, flag;
    int64_t without; // the seconds of a directive without a value
};

#define NAMED(text) .name.at = "" text, .name.length = sizeof(text) - 1
#define SECONDS(text, field, none) \
    NAMED(text), .seconds = offsetof(struct cache_control, field) + 1, .without = none
#define FLAG(text, field) NAMED(text), .flag = offsetof(struct cache_control, field) + 1

void cache_control_init(struct cache_control *control)
{
    *control = (struct cache_control){
        .max_age = CACHE_SECONDS_NONE,
        .s_maxage = CACHE_SECONDS_NONE,
        .stale_if_error = CACHE_SECONDS_NONE,
        .stale_while_revalidate = CACHE_SECONDS_NONE,
        .max_stale = CACHE_SECONDS_NONE,
        .min_fresh = CACHE_SECONDS_NONE,
    };
}

bool cache_seconds_parse(struct slice text, int64_t *seconds)
{
    int64_t sum = 0;

    if (text.length == 0)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        sum = sum * 10 + (text.at[i] - '0');
        if (sum > CACHE_SECONDS_MAX)
            sum = CACHE_SECONDS_MAX;
    }
    *seconds = sum;
    return true;
}

static void set(
    struct cache_control *control, const struct directive *d, bool has_value, struct slice value)
{
    if (d->flag > 0) {
        *((bool *)(void *)((char *)control + d->flag - 1)) = true;
        return;
    }
    int64_t *seconds = (int64_t *)(void *)((char *)control + d->seconds - 1);

    if (*seconds != CACHE_SECONDS_NONE)
        return;
    if (!has_value)
        *seconds = d->without;
    else if (!cache_seconds_parse(value, seconds))
        *seconds = 0;
}

static void add(
    struct cache_control *control, struct slice name, bool has_value, struct slice value)
{
    static const struct directive directives[] = {
        { SECONDS("max-age", max_age, 0) },
        { SECONDS("s-maxage", s_maxage, 0) },
        { SECONDS("stale-if-error", stale_if_error, 0) },
        { SECONDS("stale-while-revalidate", stale_while_revalidate, 0) },
        { SECONDS("max-stale", max_stale, CACHE_SECONDS_MAX) },
        { SECONDS("min-fresh", min_fresh, 0) },
        { FLAG("no-cache", no_cache) },
        { FLAG("no-store", no_store) },
        { FLAG("no-transform", no_transform) },
        { FLAG("only-if-cached", only_if_cached) },
        { FLAG("must-revalidate", must_revalidate) },
        { FLAG("proxy-revalidate", proxy_revalidate) },
        { FLAG("must-understand", must_understand) },
        { FLAG("private", is_private) },
        { FLAG("public", is_public) },
        { FLAG("immutable", immutable) },
    };

    for (size_t i = 0; i < COUNT_OF(directives); i++) {
        if (slice_same(name, directives[i].name)) {
            set(control, &directives[i], has_value, value);
            return;
        }
    }
}

/* Takes one list member off *rest: up to a comma that does not stand within quotes. */
static struct slice take_member(struct slice *rest)
{
    bool is_quoted = false;
    size_t i = 0;

    for (; i < rest->length; i++) {
        char c = rest->at[i];

        if (c == '"')
            is_quoted = !is_quoted;
        else if (is_quoted && c == '\\')
            i++;
        else if (c == ',' && !is_quoted)
            break;
    }
    struct slice member = slice_head(*rest, i);

    *rest = slice_from(*rest, i + 1);
    return slice_trim(member);
}

void cache_control_add(struct cache_control *control, struct slice line)
{
    while (line.length > 0) {
        struct slice member = take_member(&line);
        size_t equals = slice_find(member, '=');
        struct slice value = slice_from(member, equals + 1);

        // An escape within the quotes makes no number; it need not be undone to see that.
        if (value.length >= 2 && value.at[0] == '"' && value.at[value.length - 1] == '"')
            value = slice_of(value.at + 1, value.length - 2);
        // A blank before '=' is no grammar: the name is known, the value is not a number.
        struct slice name = slice_head(member, equals);
        struct slice bare = slice_trim(name);

        if (bare.length != name.length)
            value = SLICE("?");
        add(control, bare, equals < member.length, value);
    }
}

void cache_control_read(const struct http_head *head, struct cache_control *control)
{
    const struct http_field *field = NULL;

    cache_control_init(control);
    while ((field = http_head_next(head, HTTP_NAME_CACHE_CONTROL, field)) != NULL)
        cache_control_add(control, field->value);
}

int64_t cache_age_read(const struct http_head *head)
{
    const struct http_field *field = http_head_field(head, HTTP_NAME_AGE);
    int64_t age = 0;

    if (field == NULL)
        return 0;
    if (http_head_next(head, HTTP_NAME_AGE, field) != NULL ||
        !cache_seconds_parse(field->value, &age))
        return CACHE_SECONDS_MAX;
    return age;
}
