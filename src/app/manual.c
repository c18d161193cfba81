// SPDX-License-Identifier: Apache-2.0
#include "app/manual.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "app/version.h"
#include "conf/roff.h"

const char MANUAL_FROM[] = "a node here by --socket PATH, or one elsewhere by\n"
                           "--url https://HOST:PORT --token FILE [--ca FILE];\n"
                           "here --token FILE asks as who has that token, and not as an operator";

static const char ABOUT[] =
    "One program that answers DNS for the names of its customers, leads each visitor to the place "
    "that serves it best as measured, delivers and keeps static content, counts what it delivered "
    "and bills it. All nodes of a network have the same configuration file, waypost.yaml(5).";

void manual_page_write(const struct command *table, FILE *out)
{
    fputs(".TH WAYPOST 1 \"\" \"waypost " WAYPOST_VERSION "\" \"User Commands\"\n"
          ".SH NAME\nwaypost \\- content delivery network and global traffic manager\n"
          ".SH SYNOPSIS\n.B waypost\n.I COMMAND\n[\\fIARGUMENTS\\fR]\n.SH DESCRIPTION\n",
        out);
    roff_write(ABOUT, out);
    fputs("\n.SH COMMANDS\n", out);
    for (const struct command *c = table; c->name != NULL; c++) {
        fprintf(out, ".TP\n\\fBwaypost %s\\fR ", c->name);
        roff_write(c->arguments, out);
        fputc('\n', out);
        roff_write(c->help, out);
        fputs(".\n", out);
    }
    fputs(".PP\nFROM: ", out);
    roff_write(MANUAL_FROM, out);
    fputs(".\n.SH EXIT STATUS\n"
          "0: it was done. 1: it could not be done. 2: the command line was wrong.\n"
          ".SH FILES\n.TP\n\\fB",
        out);
    roff_write(COMMAND_CONFIG_DEFAULT, out);
    fputs("\\fR\nThe configuration, where a command is given no other by \\-c FILE.\n"
          ".TP\n\\fB/var/lib/waypost\\fR\n"
          "What outlives a restart, where the setting \\fBstate\\fR names no other folder.\n"
          ".SH SIGNALS\n"
          "SIGTERM and SIGINT: others are told, open requests end, and then the program does.\n"
          ".SH SEE ALSO\nwaypost.yaml(5); the manual in /usr/share/doc/waypost/manual.\n",
        out);
}

void manual_reference_write(const struct command *table, FILE *out)
{
    fputs("# Commands\n\n"
          "<!-- Printed by `waypost help --markdown`; a test holds it current. -->\n\n"
          "Results go to stdout, errors with their mend to stderr. The status is 0 when it was\n"
          "done, 1 when it could not be done, 2 when the command line was wrong. Without `-c` the\n"
          "configuration is `" COMMAND_CONFIG_DEFAULT "`.\n",
        out);
    for (const struct command *c = table; c->name != NULL; c++)
        fprintf(out, "\n## waypost %s\n\n```\nwaypost %s%s%s\n```\n\n%c%s.\n", c->name, c->name,
            c->arguments[0] == '\0' ? "" : " ", c->arguments, toupper((unsigned char)c->help[0]),
            c->help + 1);
    fprintf(out, "\n## FROM\n\nWho is asked:\n\n```\n%s\n```\n", MANUAL_FROM);
}

static bool is_word(char c)
{
    return islower((unsigned char)c) || c == '-';
}

/* The options in a usage line: all that begins with a hyphen, once. */
static void write_options(const char *arguments, FILE *out)
{
    const char *separator = "";

    for (const char *at = strchr(arguments, '-'); at != NULL;) {
        size_t length = 0;

        while (is_word(at[length]))
            length++;
        bool is_option = length > 1 && (at == arguments || !isalnum((unsigned char)at[-1]));

        if (is_option) {
            fprintf(out, "%s%.*s", separator, (int)length, at);
            separator = " ";
        }
        at = strchr(at + length, '-');
    }
}

void manual_completion_write(const struct command *table, FILE *out)
{
    fputs("# bash completion of waypost\n_waypost()\n{\n"
          "    local words='' now=${COMP_WORDS[COMP_CWORD]}\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words='",
        out);
    for (const struct command *c = table; c->name != NULL; c++)
        fprintf(out, "%s%s", c == table ? "" : " ", c->name);
    fputs("'\n    else\n        case ${COMP_WORDS[1]} in\n", out);
    for (const struct command *c = table; c->name != NULL; c++)
        if (strchr(c->arguments, '-') != NULL) {
            fprintf(out, "        %s) words='", c->name);
            write_options(c->arguments, out);
            fputs("' ;;\n", out);
        }
    fputs("        esac\n    fi\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$now\")\n}\n"
          "complete -o default -F _waypost waypost\n",
        out);
}
