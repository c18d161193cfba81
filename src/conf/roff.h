// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Text for a man page: what means something to troff comes out as itself, and what stands between
 * two backticks in bold.
 */

#include <stdio.h>

/* One line of running text; the caller ends it. */
void roff_write(const char *text, FILE *out);
