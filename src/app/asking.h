// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Who a command asks: a running node, by its admin socket, which is found by what the command line
 * says of it, by the configuration, or where such sockets usually are. What is amiss is said on
 * stderr with its mend.
 */

#include <stdbool.h>

#include "admin/admin.h"
#include "base/err.h"
#include "base/slice.h"

struct client_answer;
struct text;

struct asking {
    const char *config, *node, *socket; // NULL: not said
    const char *url, *token, *ca;       // likewise: who is asked from afar, and how
    char path[ADMIN_PATH_MAX];          // of the socket, once it was found
};

/* The options that say who is asked, for a table of getopt_long; `c` is a short one too. */
#define ASKING_OPTIONS                                                                       \
    { "config", required_argument, NULL, 'c' }, { "node", required_argument, NULL, 'n' },    \
        { "socket", required_argument, NULL, 's' }, { "url", required_argument, NULL, 'u' }, \
        { "token", required_argument, NULL, 'k' },                                           \
    {                                                                                        \
        "ca", required_argument, NULL, 'a'                                                   \
    }

/* Takes one of them; false: it is another. */
bool asking_option(struct asking *who, int option, const char *value);

struct asking_request {
    const char *method, *path;
    struct slice body; // JSON; empty: none
};

/* Asks, whatever the status of the answer, which is given back with client_answer_done. False:
 * there is none, and stderr has said why. */
bool asking_send(
    struct asking *who, const struct asking_request *request, struct client_answer *answer);

/* An answer's JSON as text for people (admin/table.h). */
typedef enum err asking_table_fn(struct text *out, struct slice json, struct diag *why);

/* Prints an answer as such a text, or with `as_json` as it came. EXIT_FAILED, and stderr has said
 * why, when it is not what the table is of. */
int asking_print(const struct client_answer *answer, bool as_json, asking_table_fn *table);

/* Says on stderr what an answer that is no success says. */
void asking_explain(const struct client_answer *answer);

/* For an answer with status 200 alone; else stderr has said why there is none: EXIT_FAILED. */
int asking_ask(
    struct asking *who, const char *method, const char *path, struct client_answer *answer);
