// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * New tokens, and what is said of one when it is made: itself, once, and the lines that let it in.
 * Pure: what is random comes from outside.
 */

#include "admin/text.h"
#include "base/slice.h"

enum {
    MINT_RANDOM_SIZE = 32,                // bytes drawn for one
    MINT_TOKEN_SIZE = 4 + 2 * 32 + 1,     // "wpt_", digits, terminating zero
    MINT_HASH_TEXT_SIZE = 7 + 2 * 32 + 1, // "sha256:", likewise
};

struct mint {
    struct slice name;
    struct slice customer; // empty: of operators
    struct slice role;     // as in the configuration
    char token[MINT_TOKEN_SIZE];
    char hash[MINT_HASH_TEXT_SIZE];
};

/* Fills token and hash. The letters in front let those who search for leaked secrets know one. */
void mint_make(struct mint *mint, const unsigned char random[MINT_RANDOM_SIZE]);

void mint_say(const struct mint *mint, struct text *out);
void mint_write(const struct mint *mint, struct text *out);
