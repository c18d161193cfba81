// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What the command line asks a running process through: one blocking request over the admin's Unix
 * socket, or its port, from afar by TLS and with a token. Every error says what to do about it.
 *
 * Limits: CLIENT_ANSWER_MAX bytes of answer, and the patience given, for all of it.
 */

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

struct text;

enum { CLIENT_ANSWER_MAX = 64 << 20 };

struct client_ask {
    const char *url;          // https://HOST:PORT, from afar; NULL: `socket` is asked
    const char *token;        // file of the token; NULL: none, which takes `socket`
    const char *ca;           // with url: file of who vouches for it; NULL: the system's
    const char *socket;       // path of a Unix socket; NULL: `endpoint` is asked
    struct endpoint endpoint; // loopback, where admin listens
    const char *method;       // GET or POST
    const char *path;         // with its query
    struct slice body;        // JSON; empty: none
    struct span patience;
};

struct client_answer {
    int status;
    struct slice body; // within memory
    char *memory;
};

/* On ERR_NONE the answer is given back with client_answer_done, whatever its status. */
[[nodiscard]] enum err client_ask(
    const struct client_ask *ask, struct client_answer *answer, struct diag *why);

void client_answer_done(struct client_answer *answer);

enum { CLIENT_EVENT_MAX = 16 << 20 };

/* Who listens to server-sent events. */
struct client_listener {
    bool (*heard)(struct client_listener *listener, struct slice data); // false: enough
};

/*
 * Asks for a stream of events (/api/v1/live) and hands over the data of each as it comes; the
 * patience is for the next byte. ERR_NONE: the listener had enough. ERR_CLOSED: the node ended it.
 * ERR_REFUSED: it answered something else, which `answer` then holds (client_answer_done).
 */
[[nodiscard]] enum err client_listen(const struct client_ask *ask, struct client_listener *listener,
    struct client_answer *answer, struct diag *why);

/*
 * What an answer that is no success says, for people: message and mend, and before them the
 * errors of the configuration, one a line, where they are the reason.
 */
void client_explain(const struct client_answer *answer, struct text *out);
