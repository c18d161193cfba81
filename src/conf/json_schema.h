// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The tables of the settings, printed for those who write them: as a JSON Schema (draft 2020-12),
 * with which editors complete and check a file while it is written, and as the reference page of
 * the manual. References between settings, and limits of values with units, are beyond a schema:
 * `waypost check` has the last word.
 */

#include <stdio.h>

void conf_json_schema_write(FILE *out);

/* Markdown: a section for each section of the file, a row for each key. */
void conf_reference_write(FILE *out);
