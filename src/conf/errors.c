// SPDX-License-Identifier: Apache-2.0
#include "conf/errors.h"

#include <stdarg.h>
#include <string.h>

#include "base/mem.h"

void conf_errors_init(struct conf_errors *errors)
{
    *errors = (struct conf_errors){ 0 };
}

void conf_errors_done(struct conf_errors *errors)
{
    mem_free(errors->list);
    conf_errors_init(errors);
}

void conf_errors_add(struct conf_errors *errors, struct conf_place at, const char *fmt, ...)
{
    if (errors->count == CONF_ERRORS_MAX) {
        errors->more++;
        return;
    }
    if ((errors->count & (errors->count - 1)) == 0) // room is the next power of two
        errors->list = mem_resize(errors->list, (errors->count * 2 + 1) * sizeof errors->list[0]);
    struct diag *diag = &errors->list[errors->count++];
    va_list args;

    memset(diag, 0, sizeof *diag);
    diag->line = at.line;
    diag->column = at.column;
    if (at.file != NULL)
        snprintf(diag->file, sizeof diag->file, "%s", at.file);
    va_start(args, fmt);
    vsnprintf(diag->text, sizeof diag->text, fmt, args);
    va_end(args);
    for (char *c = diag->text; *c != '\0'; c++)
        if (ascii_is_control(*c))
            *c = '?';
}

static int compare(const struct diag *left, const struct diag *right)
{
    int order = strcmp(left->file, right->file);

    if (order == 0)
        order = (left->line > right->line) - (left->line < right->line);
    return order != 0 ? order : (left->column > right->column) - (left->column < right->column);
}

void conf_errors_sort(struct conf_errors *errors)
{
    // By insertion: there are few, most in order already, and equal places must not change seats.
    for (size_t i = 1; i < errors->count; i++) {
        struct diag moving = errors->list[i];
        size_t to = i;

        for (; to > 0 && compare(&errors->list[to - 1], &moving) > 0; to--)
            errors->list[to] = errors->list[to - 1];
        errors->list[to] = moving;
    }
}

void conf_errors_print(const struct conf_errors *errors, FILE *out)
{
    for (size_t i = 0; i < errors->count; i++) {
        const struct diag *diag = &errors->list[i];

        if (diag->line == 0)
            fprintf(out, "%s: %s\n", diag->file, diag->text);
        else
            fprintf(out, "%s:%d:%d: %s\n", diag->file, diag->line, diag->column, diag->text);
    }
    if (errors->more > 0)
        fprintf(out, "and %zu more\n", errors->more);
}
