// SPDX-License-Identifier: Apache-2.0
#include "admin/books_ask.h"

#include <stdio.h>

#include "admin/json.h"

static void put(json_t *object, const char *key, const char *value)
{
    if (value != NULL)
        json_put_text(object, key, slice_text(value));
}

void books_ask_write(const struct correction_words *words, struct text *out)
{
    json_t *object = json_object();

    put(object, "customer", words->customer);
    put(object, "site", words->site);
    put(object, "pop", words->pop);
    put(object, "month", words->month);
    put(object, "at", words->at);
    put(object, "kind", words->kind);
    json_put_number(object, "take_back", words->take_back);
    put(object, "reason", words->reason);
    json_write(object, out);
}

bool books_ask_keeper(struct slice answer, char keeper[BOOKS_KEEPER_MAX])
{
    json_t *json = json_read(answer);
    struct slice node = json_get_text(json, "node");
    bool is_there =
        slice_equal(json_get_text(json_object_get(json, "error"), "code"), SLICE("accounts")) &&
        node.length > 0 && node.length < BOOKS_KEEPER_MAX && slice_find(node, '/') == node.length &&
        node.at[0] != '.';

    if (is_there)
        snprintf(keeper, BOOKS_KEEPER_MAX, "%.*s", SLICE_ARG(node));
    json_decref(json);
    return is_there;
}

bool books_ask_is_verified(struct slice answer)
{
    json_t *json = json_read(answer);
    bool is_verified = json_get_flag(json, "verified");

    json_decref(json);
    return is_verified;
}
