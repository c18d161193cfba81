// SPDX-License-Identifier: Apache-2.0
#include "conf/roff.h"

#include <stdbool.h>

void roff_write(const char *text, FILE *out)
{
    bool is_bold = false;

    if (*text == '.' || *text == '\'')
        fputs("\\&", out); // else a request
    for (const char *at = text; *at != '\0'; at++)
        switch (*at) {
        case '`':
            is_bold = !is_bold;
            fputs(is_bold ? "\\fB" : "\\fR", out);
            break;
        case '\\': fputs("\\e", out); break;
        case '-': fputs("\\-", out); break; // one that can be copied into a shell
        case '~': fputs("\\(ti", out); break;
        case '^': fputs("\\(ha", out); break;
        default: fputc(*at, out); break;
        }
    if (is_bold)
        fputs("\\fR", out);
}
