// SPDX-License-Identifier: Apache-2.0
#include "admin/json.h"

#include <math.h>

#include "admin/status.h"
#include "base/mem.h"

enum { REAL_DIGITS = 12 };

json_t *json_of_text(struct slice text)
{
    json_t *json = json_stringn(text.length == 0 ? "" : text.at, text.length);

    if (json != NULL)
        return json;
    char *ascii = mem_text(text.at, text.length);

    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)ascii[i] >= 0x80)
            ascii[i] = '?';
    json = json_stringn(ascii, text.length);
    mem_free(ascii);
    return json;
}

void json_put_text(json_t *object, const char *key, struct slice text)
{
    json_object_set_new(object, key, json_of_text(text));
}

void json_put_number(json_t *object, const char *key, uint64_t number)
{
    if (number > INT64_MAX)
        number = INT64_MAX;
    json_object_set_new(object, key, json_integer((json_int_t)number));
}

void json_put_real(json_t *object, const char *key, double real)
{
    json_object_set_new(object, key, isfinite(real) ? json_real(real) : json_null());
}

void json_put_flag(json_t *object, const char *key, bool is_set)
{
    json_object_set_new(object, key, json_boolean(is_set));
}

void json_put_time(json_t *object, const char *key, struct wall wall)
{
    char text[ADMIN_TIME_TEXT_MAX];

    json_put_text(object, key, slice_text(admin_time_text(wall, text)));
}

static int add(const char *bytes, size_t length, void *out)
{
    text_add(out, slice_of(bytes, length));
    return 0;
}

void json_write(json_t *object, struct text *out)
{
    const size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(REAL_DIGITS);

    if (json_dump_callback(object, add, out, flags) == 0)
        text_add(out, SLICE("\n"));
    json_decref(object);
}

void json_write_line(json_t *object, struct text *out)
{
    const size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS);
    int failed = json_dump_callback(object, add, out, flags);

    (void)failed; // where memory runs out there is nothing, which is what is promised
    json_decref(object);
}

json_t *json_read(struct slice text)
{
    return json_loadb(text.at == NULL ? "" : text.at, text.length, JSON_REJECT_DUPLICATES, NULL);
}

struct slice json_get_text(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_string(value) ? slice_of(json_string_value(value), json_string_length(value))
                                 : SLICE_NONE;
}

uint64_t json_get_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) && json_integer_value(value) > 0
               ? (uint64_t)json_integer_value(value)
               : 0;
}

double json_get_real(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

bool json_get_flag(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}
