// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "app/commands.h"
#include "app/manual.h"
#include "app/version.h"

void command_list(FILE *out)
{
    fputs("waypost: content delivery network and global traffic manager\n\n", out);
    for (const struct command *c = commands; c->name != NULL; c++)
        fprintf(out, "  waypost %s%s%s\n      %s\n", c->name, c->arguments[0] == '\0' ? "" : " ",
            c->arguments, c->help);
    fprintf(out, "\nFROM: %s\n", MANUAL_FROM);
}

int command_help(int argc, char **argv)
{
    if (argc == 1)
        command_list(stdout);
    else if (argc == 2 && strcmp(argv[1], "--man") == 0)
        manual_page_write(commands, stdout);
    else if (argc == 2 && strcmp(argv[1], "--markdown") == 0)
        manual_reference_write(commands, stdout);
    else if (argc == 2 && strcmp(argv[1], "--completion") == 0)
        manual_completion_write(commands, stdout);
    else
        return command_usage(argv[0]);
    return EXIT_DONE;
}

int command_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("waypost " WAYPOST_VERSION);
    return EXIT_DONE;
}
