// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The tables of the settings, printed for those who write them: as a JSON Schema (draft 2020-12),
 * with which editors complete and check a file while it is written, and as the reference page of
 * the manual, and waypost.yaml(5). References between settings, and limits of values with units,
 * are beyond a schema: `waypost check` has the last word.
 */

#include <stdio.h>

void conf_json_schema_write(FILE *out);

/* Markdown: a section for each section of the file, a row for each key. */
void conf_reference_write(FILE *out);

/* waypost.yaml(5), for man. */
void conf_man_write(FILE *out);

struct schema_row;

/* What the row takes, as both pages say it: "map of name to section", "count, at most 16". */
void conf_row_kind_write(const struct schema_row *row, FILE *out);

enum { CONF_PATH_TEXT_MAX = 128 };

/* The key as the path of the section it leads to, `pops.NAME.nodes.NAME`, which is below `above`.
 */
void conf_row_path(char path[CONF_PATH_TEXT_MAX], const char *above, const struct schema_row *row);
