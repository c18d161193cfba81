// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For tests of who may ask: a network of two customers, whose names are alike, and their tokens. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "admin/mint.h"
#include "conf/load.h"

/* Each token is drawn from one byte. */
enum { TOKEN_ACME, TOKEN_ACME_VIEWER, TOKEN_ACM, TOKEN_ANNA, TOKEN_ANNA_VIEWER, TOKEN_NOBODY };

static inline const char *token_of(int which, struct mint *mint)
{
    unsigned char random[MINT_RANDOM_SIZE] = { [7] = (unsigned char)(which + 1) };

    *mint = (struct mint){ .role = { "viewer", 6 } };
    mint_make(mint, random);
    return mint->token;
}

/* Freed with network_free. */
static inline struct network *customers_load(void)
{
    struct mint m[TOKEN_NOBODY];
    struct conf_errors errors;
    char text[4096];

    for (int i = 0; i < TOKEN_NOBODY; i++)
        token_of(i, &m[i]);
    snprintf(text, sizeof text,
        "zone: cdn.test\n"
        "pops: {fra: {nodes: {fra1: {address: 192.0.2.10}}}}\n"
        "admin: {tls: {cert: /c, key: /k}, tokens: {\n"
        "  anna: {role: operator, hash: \"%s\"}, look: {hash: \"%s\"}}}\n"
        "customers:\n"
        "  acme: {origins: {ams: {address: \"198.51.100.7:80\"}},\n"
        "    sites: {static.acme.test: {deliver: ams}, www.acme.test: {steer: ams}},\n"
        "    tokens: {deploy: {role: manager, hash: \"%s\"}, see: {hash: \"%s\"}}}\n"
        "  acm: {origins: {ams: {address: \"198.51.100.8:80\"}},\n"
        "    sites: {static.acm.test: {deliver: ams}},\n"
        "    tokens: {deploy: {role: manager, hash: \"%s\"}}}\n",
        m[TOKEN_ANNA].hash, m[TOKEN_ANNA_VIEWER].hash, m[TOKEN_ACME].hash,
        m[TOKEN_ACME_VIEWER].hash, m[TOKEN_ACM].hash);
    conf_errors_init(&errors);
    struct network *network = conf_load_text("net.yaml", slice_text(text), &errors);

    conf_errors_print(&errors, stderr);
    conf_errors_done(&errors);
    assert_non_null(network);
    return network;
}
