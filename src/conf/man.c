// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "conf/json_schema.h"
#include "conf/kinds.h"
#include "conf/roff.h"
#include "conf/schema.h"
#include "conf/settings.h"

/* The key, what it takes, what it means, and what holds where it is not given. */
static void write_row(const struct schema_row *row, FILE *out)
{
    char *kind = NULL;
    size_t size;
    FILE *memory = open_memstream(&kind, &size);

    if (memory == NULL)
        return;
    conf_row_kind_write(row, memory);
    fclose(memory);
    fprintf(out, ".TP\n\\fB%s\\fR (", row->key);
    roff_write(kind, out);
    fputs(row->is_required ? "; required)\n" : ")\n", out);
    free(kind);
    roff_write(row->help, out);
    fputc('\n', out);
    if (row->is_required || (row->standard == NULL && row->standard_text == NULL))
        return;
    fputs("Default: ", out);
    roff_write(row->standard != NULL ? row->standard : row->standard_text, out);
    fputs(".\n", out);
}

static void write_section(const struct schema_section *section, const char *path, FILE *out)
{
    fputs(".SS \"", out);
    roff_write(path[0] == '\0' ? "Top of the file" : path, out);
    fputs("\"\n", out);
    roff_write(section->help, out);
    fputc('\n', out);
    for (size_t i = 0; i < section->row_count; i++)
        write_row(&section->rows[i], out);
    for (size_t i = 0; i < section->row_count; i++) {
        char inner[CONF_PATH_TEXT_MAX];

        if (section->rows[i].kind != KIND_SECTION)
            continue;
        conf_row_path(inner, path, &section->rows[i]);
        write_section(section->rows[i].section, inner, out);
    }
}

void conf_man_write(FILE *out)
{
    fputs(".TH WAYPOST.YAML 5 \"\" \"waypost\" \"File Formats\"\n"
          ".SH NAME\nwaypost.yaml \\- configuration of a network of waypost(1)\n"
          ".SH DESCRIPTION\n"
          "One YAML file (JSON is YAML too) describes the whole network, the same on every node.\n"
          "\\fBwaypost check\\fR reads it and tells all that is wrong at once. Unknown keys, keys\n"
          "that come twice, and quantities without a unit are errors.\n"
          ".SH SETTINGS\n",
        out);
    write_section(&settings_network, "", out);
    fputs(".SH KINDS OF VALUE\n", out);
    for (enum schema_kind kind = 0; kind < SCHEMA_KIND_COUNT; kind++) {
        fprintf(out, ".TP\n\\fB%s\\fR\n", kind_of(kind)->name);
        roff_write(kind_of(kind)->expects, out);
        fputc('\n', out);
    }
    fputs(".SH SEE ALSO\nwaypost(1)\n", out);
}
