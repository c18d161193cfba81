// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Who a token says that asks: the tokens of a release, and that of the file, by their hashes.
 *
 * All hashes are compared to their last byte, wherever they differ and whichever it is, so that the
 * time says nothing. A token has 256 bits drawn at random: there is nothing to guess that a slow
 * hash would protect, and a plain one can be held against all at each request.
 *
 * Constant once made; copies what it needs of the network.
 */

#include "admin/scope.h"
#include "tls/sha256.h"

struct admin_tokens;

/* `token`: of the file, an operator's; NULL: none. */
struct admin_tokens *admin_tokens_new(const struct network *network, const char *token);

/* Accepts NULL. */
void admin_tokens_free(struct admin_tokens *tokens);

/*
 * What whoever shows that token may; its slices are good as long as the tokens are. False: nothing,
 * since it is none of them. NULL has none.
 */
[[nodiscard]] bool admin_tokens_find(
    const struct admin_tokens *tokens, struct slice token, struct admin_scope *scope);

/* Whose token has that hash, in words ("token deploy of customer acme"), in `text`; false:
 * nobody's. */
enum { ADMIN_TOKEN_OWNER_MAX = 160 };
bool admin_tokens_owner(const struct network *network, const unsigned char hash[SHA256_SIZE],
    char text[ADMIN_TOKEN_OWNER_MAX]);
