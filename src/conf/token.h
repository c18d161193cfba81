// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Tokens of the configuration: who may ask the admin face, and for what. The file has their hashes
 * alone, so that who reads it cannot ask.
 */

#include "base/slice.h"

enum {
    TOKEN_HASH_SIZE = 32, // SHA-256
    TOKENS_MAX = 10000,   // of a network; each request that shows one is held against all
};

/* A viewer changes nothing; the other is a customer's manager, or an operator. */
enum token_role { TOKEN_VIEWER, TOKEN_CHANGER };

struct token {
    struct slice name; // unique within the customer, or among the operators'
    enum token_role role;
    unsigned char hash[TOKEN_HASH_SIZE]; // of its text; unique in the network
};
