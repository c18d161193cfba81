// SPDX-License-Identifier: Apache-2.0
/* Any Authorization field: what it shows is within it and could be a token, and lets nobody in. */
#include <stdlib.h>

#include "admin/token.h"
#include "admin/tokens.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const struct token OPERATORS[1] = { { .name = { "anna", 4 }, .hash = { 1 } } };
static const struct token TOKENS[1] = { { .name = { "ci", 2 }, .role = TOKEN_CHANGER } };
static const struct customer CUSTOMERS[1] = {
    { .name = { "acme", 4 }, .tokens = TOKENS, .token_count = 1 }
};
static const struct network NETWORK = {
    .admin = { .tokens = OPERATORS, .token_count = 1 }, .customers = CUSTOMERS, .customer_count = 1
};

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct slice field = slice_of((const char *)data, size), token;
    struct admin_scope scope;

    if (!admin_token_shown(field, &token))
        return 0;
    if (token.at < field.at || token.at + token.length > field.at + field.length ||
        token.length < ADMIN_TOKEN_MIN || token.length > ADMIN_TOKEN_MAX)
        abort();
    for (size_t i = 0; i < token.length; i++)
        if (token.at[i] <= ' ' || token.at[i] > '~')
            abort();
    struct admin_tokens *tokens = admin_tokens_new(&NETWORK, "0123456789abcdef");
    bool is_found = admin_tokens_find(tokens, token, &scope);

    if (is_found != slice_equal(token, SLICE("0123456789abcdef")) ||
        (is_found && !(scope.is_operator && scope.may_change)))
        abort();
    admin_tokens_free(tokens);
    return 0;
}
