// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Everything that is wrong with a configuration, told at once: reading goes on after an error, so
 * that one look at the list mends the whole file. Each error names its place and the mend.
 *
 * Limits: CONF_ERRORS_MAX are kept, the rest are counted. One thread.
 */

#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/slice.h"
#include "conf/place.h"

enum { CONF_ERRORS_MAX = 100, CONF_SHOWN_MAX = 60 };

struct conf_errors {
    struct diag *list;
    size_t count;
    size_t more; // errors beyond CONF_ERRORS_MAX
};

/* What was found in a file, cut to a length that leaves room for the mend. */
#define SHOWN(s) SLICE_ARG(slice_head((s), CONF_SHOWN_MAX))

/* Empty, no memory taken; the same as all zero. */
void conf_errors_init(struct conf_errors *errors);

/* Gives the memory back. */
void conf_errors_done(struct conf_errors *errors);

/* Notes one more. Bytes that a terminal would obey are shown as '?'. */
void conf_errors_add(struct conf_errors *errors, struct conf_place at, const char *fmt, ...)
    PRINTS(3, 4);

/* In order of files, lines and columns; errors at one place stay in the order they were found. */
void conf_errors_sort(struct conf_errors *errors);

/* One line each, `file:line:column: text`, and last "and N more" where the list was cut. */
void conf_errors_print(const struct conf_errors *errors, FILE *out);
