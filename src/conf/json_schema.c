// SPDX-License-Identifier: Apache-2.0
#include "conf/json_schema.h"

#include <stdbool.h>

#include "conf/kinds.h"
#include "conf/schema.h"
#include "conf/settings.h"

struct writer {
    FILE *out;
    int depth;
};

/* A JSON string. The tables hold ASCII without control characters. */
static void write_text(struct writer *w, const char *text)
{
    fputc('"', w->out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', w->out);
        fputc(*text, w->out);
    }
    fputc('"', w->out);
}

static void new_line(struct writer *w)
{
    fprintf(w->out, "\n%*s", w->depth * 2, "");
}

/* "key": with the comma before it where one is due. */
static void write_key(struct writer *w, const char *key, bool is_first)
{
    if (!is_first)
        fputc(',', w->out);
    new_line(w);
    write_text(w, key);
    fputs(": ", w->out);
}

static void open_object(struct writer *w)
{
    fputc('{', w->out);
    w->depth++;
}

static void close_object(struct writer *w)
{
    w->depth--;
    new_line(w);
    fputc('}', w->out);
}

static void write_section(struct writer *w, const struct schema_section *section);

static void write_words(struct writer *w, const char *const *words)
{
    fputs("\"enum\": [", w->out);
    for (size_t i = 0; words[i] != NULL; i++) {
        fputs(i > 0 ? ", " : "", w->out);
        write_text(w, words[i]);
        // What YAML 1.1 readers make of `no`, before a schema sees it.
        if (words[i][0] == 'n' && words[i][1] == 'o' && words[i][2] == '\0')
            fputs(", false", w->out);
        if (words[i][0] >= '0' && words[i][0] <= '9') // likewise: a number
            fprintf(w->out, ", %s", words[i]);
    }
    fputc(']', w->out);
}

/* The members that say what one value is, without braces. */
static void write_value(struct writer *w, const struct schema_row *row)
{
    const struct kind *kind = kind_of(row->kind);

    if (row->kind == KIND_WORD) {
        write_words(w, row->words);
    } else if (row->kind == KIND_YES_NO) {
        fputs("\"enum\": [true, false, \"yes\", \"no\"]", w->out);
    } else if (row->kind == KIND_LOCATION) {
        fputs("\"type\": \"array\", \"minItems\": 2, \"maxItems\": 2, \"items\": "
              "{\"type\": \"number\", \"minimum\": -180, \"maximum\": 180}",
            w->out);
    } else {
        const char *type = kind->is_number ? "[\"number\", \"string\"]" : "\"string\"";

        // A key with nothing behind it is null to YAML.
        fprintf(w->out, "\"type\": %s",
            row->kind == KIND_PATH_OR_NONE ? "[\"string\", \"null\"]" : type);
        if (kind->is_number)
            fputs(", \"minimum\": 0", w->out);
        if (kind->pattern != NULL) {
            fputs(", \"pattern\": ", w->out);
            write_text(w, kind->pattern);
        }
    }
}

static void write_map(struct writer *w, const struct schema_row *row)
{
    const char *pattern = kind_of(row->key_kind)->pattern;

    fputs("\"type\": \"object\"", w->out);
    if (row->is_required)
        fputs(", \"minProperties\": 1", w->out);
    if (pattern != NULL) {
        fputs(", \"propertyNames\": {\"pattern\": ", w->out);
        write_text(w, pattern);
        fputc('}', w->out);
    }
    fputs(", \"additionalProperties\": ", w->out);
    if (row->kind == KIND_SECTION) {
        open_object(w);
        write_section(w, row->section);
        close_object(w);
    } else {
        fputc('{', w->out);
        write_value(w, row);
        fputc('}', w->out);
    }
}

static void write_row(struct writer *w, const struct schema_row *row)
{
    open_object(w);
    write_key(w, "description", true);
    write_text(w, row->help);
    if (row->standard != NULL) {
        write_key(w, "default", false);
        write_text(w, row->standard);
    }
    fputc(',', w->out);
    new_line(w);
    if (row->shape == SHAPE_MAP) {
        write_map(w, row);
    } else if (row->kind == KIND_SECTION && row->shape == SHAPE_LIST) {
        fputs("\"type\": \"array\", \"minItems\": 1, \"items\": ", w->out);
        open_object(w);
        write_section(w, row->section);
        close_object(w);
    } else if (row->kind == KIND_SECTION) {
        write_section(w, row->section);
    } else if (row->shape == SHAPE_LIST) {
        fputs("\"anyOf\": [{", w->out);
        write_value(w, row);
        fputs("}, {\"type\": \"array\", \"minItems\": 1, \"items\": {", w->out);
        write_value(w, row);
        fputs("}}]", w->out);
    } else {
        write_value(w, row);
    }
    close_object(w);
}

/* The members that say what a section is, without braces. */
static void write_section(struct writer *w, const struct schema_section *section)
{
    bool is_first = true;

    fputs("\"type\": \"object\", \"additionalProperties\": false", w->out);
    for (size_t i = 0; i < section->row_count; i++) {
        if (!section->rows[i].is_required)
            continue;
        fputs(is_first ? ", \"required\": [" : ", ", w->out);
        write_text(w, section->rows[i].key);
        is_first = false;
    }
    if (!is_first)
        fputc(']', w->out);
    write_key(w, "properties", false);
    open_object(w);
    for (size_t i = 0; i < section->row_count; i++) {
        write_key(w, section->rows[i].key, i == 0);
        write_row(w, &section->rows[i]);
    }
    close_object(w);
}

void conf_json_schema_write(FILE *out)
{
    struct writer w = { out, 0 };

    open_object(&w);
    write_key(&w, "$schema", true);
    write_text(&w, "https://json-schema.org/draft/2020-12/schema");
    write_key(&w, "title", false);
    write_text(&w, "waypost network");
    write_key(&w, "description", false);
    write_text(&w, settings_network.help);
    fputc(',', out);
    new_line(&w);
    write_section(&w, &settings_network);
    close_object(&w);
    fputc('\n', out);
}
