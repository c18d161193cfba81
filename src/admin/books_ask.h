// SPDX-License-Identifier: Apache-2.0
#pragma once

/* The accounts as the command line asks for them, and what it reads of the answers. Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "admin/text.h"
#include "base/slice.h"

/* NULL: not said. */
struct correction_words {
    const char *customer, *site, *pop, *month, *at, *kind, *reason;
    uint64_t take_back;
};

/* The body of a request. */
void books_ask_write(const struct correction_words *words, struct text *out);

enum { BOOKS_KEEPER_MAX = 256 };

/* Of an answer that is an error: who keeps the accounts, terminated. False: it does not say. */
bool books_ask_keeper(struct slice answer, char keeper[BOOKS_KEEPER_MAX]);

/* The answer says that an invoice is what the ledger says. */
bool books_ask_is_verified(struct slice answer);
