// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "base/slice.h"
#include "conf/json_schema.h"
#include "conf/kinds.h"
#include "conf/schema.h"
#include "conf/settings.h"

void conf_row_kind_write(const struct schema_row *row, FILE *out)
{
    if (row->shape == SHAPE_MAP)
        fprintf(out, "map of %s to ", kind_of(row->key_kind)->name);
    else if (row->shape == SHAPE_LIST)
        fputs(row->kind == KIND_SECTION ? "a list of: " : "one or a list of: ", out);
    if (row->kind == KIND_WORD) {
        for (size_t i = 0; row->words[i] != NULL; i++)
            fprintf(out, "%s`%s`", i > 0 ? ", " : "", row->words[i]);
        return;
    }
    fputs(kind_of(row->kind)->name, out);
    if (row->least != NULL && row->most != NULL)
        fprintf(out, ", %s to %s", row->least, row->most);
    else if (row->least != NULL)
        fprintf(out, ", at least %s", row->least);
    else if (row->most != NULL)
        fprintf(out, ", at most %s", row->most);
}

static void write_default(const struct schema_row *row, FILE *out)
{
    if (row->is_required)
        fputs("required", out);
    else if (row->standard != NULL)
        fprintf(out, "`%s`", row->standard);
    else
        fputs(row->standard_text != NULL ? row->standard_text : "", out);
}

void conf_row_path(char path[CONF_PATH_TEXT_MAX], const char *above, const struct schema_row *row)
{
    const char *name = row->key_kind == KIND_HOST ? "HOST" : "NAME";

    if (row->key_kind == KIND_PATTERN)
        name = "PATTERN";
    int length =
        snprintf(path, CONF_PATH_TEXT_MAX, "%s%s%s%s%s", above, above[0] == '\0' ? "" : ".",
            row->key, row->shape == SHAPE_MAP ? "." : "", row->shape == SHAPE_MAP ? name : "");

    assert(length < CONF_PATH_TEXT_MAX);
}

/* The section's table, then those of the sections in it, as deep as the tables are. */
static void write_section(const struct schema_section *section, const char *path, FILE *out)
{
    fprintf(out, "\n## %s\n\n%s\n\n", path[0] == '\0' ? "Top of the file" : path, section->help);
    fputs("| key | value | default | meaning |\n|---|---|---|---|\n", out);
    for (size_t i = 0; i < section->row_count; i++) {
        const struct schema_row *row = &section->rows[i];

        fprintf(out, "| `%s` | ", row->key);
        conf_row_kind_write(row, out);
        fputs(" | ", out);
        write_default(row, out);
        fprintf(out, " | %s |\n", row->help);
    }
    for (size_t i = 0; i < section->row_count; i++) {
        char inner[CONF_PATH_TEXT_MAX];

        if (section->rows[i].kind != KIND_SECTION)
            continue;
        conf_row_path(inner, path, &section->rows[i]);
        write_section(section->rows[i].section, inner, out);
    }
}

static void write_kinds(FILE *out)
{
    fputs("\n## Kinds of value\n\n| kind | what is expected |\n|---|---|\n", out);
    for (enum schema_kind kind = 0; kind < SCHEMA_KIND_COUNT; kind++)
        fprintf(out, "| %s | %s |\n", kind_of(kind)->name, kind_of(kind)->expects);
}

void conf_reference_write(FILE *out)
{
    fputs("# Settings\n\n"
          "<!-- Printed from the tables in src/conf/settings.c; a test holds it current. -->\n\n"
          "One YAML file (JSON is YAML too) describes the whole network, the same on every node.\n"
          "`waypost check` reads it and tells all that is wrong at once, with places and mends;\n"
          "`waypost schema` prints a JSON Schema of it for editors. Unknown keys, keys that come\n"
          "twice, and quantities without a unit are errors. Anchors, aliases and tags are not\n"
          "supported; `include` spreads a network over several files.\n",
        out);
    write_section(&settings_network, "", out);
    write_kinds(out);
}
