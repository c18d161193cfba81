// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/build_priv.h"

const struct token *build_tokens(struct builder *b, const struct schema_list *list)
{
    const struct set_token *set = list->items;
    struct token *tokens = arena_array(b->arena, list->count, sizeof *tokens);

    for (size_t i = 0; i < list->count; i++) {
        tokens[i] = (struct token){ .name = build_keep(b, set[i].head.name),
            .role = (enum token_role)set[i].role };
        memcpy(tokens[i].hash, set[i].hash, sizeof tokens[i].hash);
    }
    return tokens;
}

/* A token as written, and how many were before it in the file. */
struct written {
    const struct set_token *token;
    size_t order;
};

static int hash_order(const void *a, const void *b)
{
    const struct written *left = a, *right = b;
    int order = memcmp(left->token->hash, right->token->hash, TOKEN_HASH_SIZE);

    return order != 0 ? order : (left->order > right->order) - (left->order < right->order);
}

/* Those whose hash could be read; the others were told. */
static size_t gather(const struct schema_list *list, struct written *out, size_t count)
{
    static const unsigned char ZERO[TOKEN_HASH_SIZE];
    const struct set_token *tokens = list->items;

    for (size_t i = 0; i < list->count; i++)
        if (tokens[i].head.at != NULL && memcmp(tokens[i].hash, ZERO, sizeof ZERO) != 0) {
            out[count] = (struct written){ &tokens[i], count };
            count++;
        }
    return count;
}

static size_t count_tokens(const struct set_network *set)
{
    const struct set_customer *customers = set->customers.items;
    size_t count = set->admin.tokens.count;

    for (size_t i = 0; i < set->customers.count; i++)
        count += customers[i].tokens.count;
    return count;
}

/* Who shows it would be two at once. */
static void refuse_twice(
    struct conf_errors *errors, const struct set_token *first, const struct set_token *second)
{
    const struct conf_place *at = &first->head.at->key_at;

    conf_errors_add(errors, build_place(&second->head, SLICE("hash")),
        "token \"%.*s\" has the hash of \"%.*s\" at %s:%d:%d; make one for each with "
        "`waypost token`",
        SHOWN(second->head.name), SHOWN(first->head.name), at->file, at->line, at->column);
}

/* The port would be open, and nobody let in. */
static void check_somebody(const struct set_network *set, size_t count, struct conf_errors *errors)
{
    const struct yaml_node *admin = set->admin.head.at;

    if (admin != NULL && count == 0 && yaml_find(admin, SLICE("token")) == NULL)
        conf_errors_add(errors, admin->key_at,
            "admin: expected \"tokens\", or \"token\" with a file, or tokens of a customer: "
            "nobody could ask; `waypost token` makes one");
}

void build_tokens_check(const struct set_network *set, struct conf_errors *errors)
{
    const struct set_customer *customers = set->customers.items;
    size_t most = count_tokens(set), count;
    struct written *list = mem_array(most + 1, sizeof *list);

    check_somebody(set, most, errors);
    if (most > TOKENS_MAX)
        conf_errors_add(errors, set->head.at->at,
            "there are %zu tokens in all; expected at most %d", most, TOKENS_MAX);
    count = gather(&set->admin.tokens, list, 0);
    for (size_t i = 0; i < set->customers.count; i++)
        count = gather(&customers[i].tokens, list, count);
    qsort(list, count, sizeof *list, hash_order);
    for (size_t i = 1; i < count; i++)
        if (memcmp(list[i - 1].token->hash, list[i].token->hash, TOKEN_HASH_SIZE) == 0)
            refuse_twice(errors, list[i - 1].token, list[i].token);
    mem_free(list);
}
