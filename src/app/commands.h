// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The command line: a table of commands, each a function of its own arguments. Results go to
 * stdout, errors with their mend to stderr.
 */

#include <stdio.h>

enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1, // it could not be done; stderr says why
    EXIT_USAGE = 2,  // the command line was wrong; stderr says how it goes
};

struct command {
    const char *name;
    const char *arguments;             // as in the usage line
    const char *help;                  // one line
    int (*run)(int argc, char **argv); // argv[0] is the command's name
};

extern const struct command commands[]; // ends with a row without name

#define COMMAND_CONFIG_DEFAULT "/etc/waypost/waypost.yaml"

/* Where `waypost demo` puts its state; commands without -c find it there. */
#define COMMAND_DEMO_STATE "/tmp/waypost-demo"

/* The command's usage on stderr; returns EXIT_USAGE. */
int command_usage(const char *name);

/* commands_help.c */
void command_list(FILE *out); // all of them, with their arguments
int command_help(int argc, char **argv);
int command_version(int argc, char **argv);

/* commands_serve.c */
int command_run(int argc, char **argv);

/* commands_config.c */
int command_check(int argc, char **argv);
int command_schema(int argc, char **argv);
int command_settings(int argc, char **argv);

/* commands_ask.c: what is asked of a running node */
int command_status(int argc, char **argv);
int command_why(int argc, char **argv);
int command_reload(int argc, char **argv);

/* commands_orders.c: what all nodes are told */
int command_purge(int argc, char **argv);
int command_drain(int argc, char **argv);
int command_undrain(int argc, char **argv);
int command_orders(int argc, char **argv);

/* commands_books.c: what the accounts are asked */
int command_usage_of(int argc, char **argv);
int command_invoice(int argc, char **argv);
int command_correct(int argc, char **argv);

/* commands_token.c: who may ask */
int command_token(int argc, char **argv);

/* commands_top.c: a running node, watched */
int command_top(int argc, char **argv);

/* commands_rewrite.c */
int command_rewrite(int argc, char **argv);

/* demo.c */
int command_demo(int argc, char **argv);
