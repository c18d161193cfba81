// SPDX-License-Identifier: Apache-2.0
#include "admin/mint.h"

#include "admin/json.h"
#include "base/hex.h"
#include "tls/sha256.h"

void mint_make(struct mint *mint, const unsigned char random[MINT_RANDOM_SIZE])
{
    unsigned char hash[SHA256_SIZE];

    memcpy(mint->token, "wpt_", 4);
    hex_write(random, MINT_RANDOM_SIZE, mint->token + 4);
    mint->token[MINT_TOKEN_SIZE - 1] = '\0';
    sha256(slice_text(mint->token), hash);
    memcpy(mint->hash, "sha256:", 7);
    hex_write(hash, sizeof hash, mint->hash + 7);
    mint->hash[MINT_HASH_TEXT_SIZE - 1] = '\0';
}

void mint_say(const struct mint *mint, struct text *out)
{
    bool is_customers = mint->customer.length > 0;
    const char *indent = is_customers ? "    " : "  ";

    text_say(out, "The token, shown this once:\n\n    %s\n\n", mint->token);
    text_say(out, "It is let in by these lines of the configuration, at the next reload:\n\n");
    if (is_customers)
        text_say(out, "customers:\n  %.*s:\n", SLICE_ARG(mint->customer));
    else
        text_say(out, "admin:\n");
    text_say(out, "%stokens:\n%s  %.*s:\n", indent, indent, SLICE_ARG(mint->name));
    text_say(out, "%s    role: %.*s\n%s    hash: \"%s\"\n", indent, SLICE_ARG(mint->role), indent,
        mint->hash);
}

void mint_write(const struct mint *mint, struct text *out)
{
    json_t *object = json_object();

    json_put_text(object, "name", mint->name);
    if (mint->customer.length > 0)
        json_put_text(object, "customer", mint->customer);
    json_put_text(object, "role", mint->role);
    json_put_text(object, "token", slice_text(mint->token));
    json_put_text(object, "hash", slice_text(mint->hash));
    json_write(object, out);
}
