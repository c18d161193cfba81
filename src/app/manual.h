// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The table of commands, printed for those who read about them: so that no list of commands is kept
 * by hand.
 */

#include <stdio.h>

#include "app/commands.h"

/* What FROM stands for in the commands' arguments. */
extern const char MANUAL_FROM[];

/* waypost(1), for man. */
void manual_page_write(const struct command *table, FILE *out);

/* Markdown: a page of the manual. */
void manual_reference_write(const struct command *table, FILE *out);

/* Completion of commands and their options, for bash. */
void manual_completion_write(const struct command *table, FILE *out);
