// SPDX-License-Identifier: Apache-2.0
#include "admin/tokens.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { NAMES_BYTES_MAX = 8 << 20 }; // of TOKENS_MAX tokens, with their customers

static_assert(
    (int)TOKEN_HASH_SIZE == (int)SHA256_SIZE, "the configuration has what is compared here");

struct row {
    struct admin_scope scope;
    unsigned char hash[SHA256_SIZE];
};

struct admin_tokens {
    struct arena arena; // names
    size_t count;
    struct row *rows;
};

static size_t count_tokens(const struct network *network)
{
    size_t count = network->admin.token_count;

    for (size_t i = 0; i < network->customer_count; i++)
        count += network->customers[i].token_count;
    return count;
}

/* Of a customer, or with NULL of the operators. */
static void add(
    struct admin_tokens *tokens, const struct customer *customer, const struct token *from)
{
    struct row *row = &tokens->rows[tokens->count++];

    row->scope = (struct admin_scope){ .is_operator = customer == NULL,
        .customer = customer == NULL ? SLICE_NONE : arena_copy(&tokens->arena, customer->name),
        .may_change = from->role == TOKEN_CHANGER,
        .has_token = true,
        .token = arena_copy(&tokens->arena, from->name) };
    memcpy(row->hash, from->hash, sizeof row->hash);
}

struct admin_tokens *admin_tokens_new(const struct network *network, const char *token)
{
    struct admin_tokens *tokens = mem_new(struct admin_tokens);

    arena_init(&tokens->arena, NAMES_BYTES_MAX);
    tokens->rows = mem_array(count_tokens(network) + 1, sizeof *tokens->rows);
    if (token != NULL) {
        struct row *row = &tokens->rows[tokens->count++];

        row->scope = ADMIN_SCOPE_ALL;
        row->scope.has_token = true;
        sha256(slice_text(token), row->hash);
    }
    for (size_t i = 0; i < network->admin.token_count; i++)
        add(tokens, NULL, &network->admin.tokens[i]);
    for (size_t i = 0; i < network->customer_count; i++)
        for (size_t j = 0; j < network->customers[i].token_count; j++)
            add(tokens, &network->customers[i], &network->customers[i].tokens[j]);
    assert(!tokens->arena.is_full);
    return tokens;
}

void admin_tokens_free(struct admin_tokens *tokens)
{
    if (tokens == NULL)
        return;
    arena_done(&tokens->arena);
    mem_free(tokens->rows);
    mem_free(tokens);
}

/* One when they are the same; the same work in any case. */
static size_t is_same(const unsigned char *a, const unsigned char *b)
{
    unsigned difference = 0;

    for (size_t i = 0; i < SHA256_SIZE; i++)
        difference |= (unsigned)(a[i] ^ b[i]);
    return (size_t)((difference - 1) >> 31);
}

bool admin_tokens_find(
    const struct admin_tokens *tokens, struct slice token, struct admin_scope *scope)
{
    unsigned char hash[SHA256_SIZE];
    size_t found = 0; // position and one

    if (tokens == NULL || token.length == 0)
        return false;
    sha256(token, hash);
    for (size_t i = 0; i < tokens->count; i++)
        found |= (i + 1) & (0 - is_same(tokens->rows[i].hash, hash)); // no two are the same
    if (found == 0)
        return false;
    *scope = tokens->rows[found - 1].scope;
    return true;
}

static const struct token *find(
    const struct token *tokens, size_t count, const unsigned char hash[SHA256_SIZE])
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(tokens[i].hash, hash, SHA256_SIZE) == 0)
            return &tokens[i];
    return NULL;
}

bool admin_tokens_owner(const struct network *network, const unsigned char hash[SHA256_SIZE],
    char text[ADMIN_TOKEN_OWNER_MAX])
{
    const struct token *token = find(network->admin.tokens, network->admin.token_count, hash);

    if (token != NULL) {
        snprintf(text, ADMIN_TOKEN_OWNER_MAX, "token %.*s of `admin`", SLICE_ARG(token->name));
        return true;
    }
    for (size_t i = 0; i < network->customer_count; i++) {
        const struct customer *customer = &network->customers[i];

        token = find(customer->tokens, customer->token_count, hash);
        if (token == NULL)
            continue;
        snprintf(text, ADMIN_TOKEN_OWNER_MAX, "token %.*s of customer %.*s", SLICE_ARG(token->name),
            SLICE_ARG(customer->name));
        return true;
    }
    return false;
}
