// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For tests of what becomes of a configuration: texts that load, and those that must not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conf/load.h"

/* A network that loads; tests add to it. Its last section is the customer's. */
#define BASE                                          \
    "zone: cdn.example.net\n"                         \
    "pops:\n"                                         \
    "  fra: {nodes: {fra1: {address: 192.0.2.10}}}\n" \
    "plans: {standard: {currency: EUR}}\n"            \
    "customers:\n"                                    \
    "  acme:\n"                                       \
    "    origins:\n"                                  \
    "      ams: {address: \"198.51.100.7:80\"}\n"     \
    "      nyc: {address: \"203.0.113.9:80\"}\n"

/* The errors as printed; freed by the caller. Fails when the text loads. */
static inline char *errors_of(const char *text)
{
    struct conf_errors errors;
    char *printed = NULL;
    size_t length;
    FILE *out = open_memstream(&printed, &length);

    conf_errors_init(&errors);
    struct network *network = conf_load_text("net.yaml", slice_text(text), &errors);

    assert_null(network);
    conf_errors_print(&errors, out);
    fclose(out);
    conf_errors_done(&errors);
    return printed;
}

static inline void check_errors(const char *text, const char *expected)
{
    char *printed = errors_of(text);

    assert_string_equal(printed, expected);
    free(printed);
}

/* Fails, and shows why, when the text does not load. */
static inline struct network *load(const char *text)
{
    struct conf_errors errors;

    conf_errors_init(&errors);
    struct network *network = conf_load_text("net.yaml", slice_text(text), &errors);

    conf_errors_print(&errors, stderr);
    conf_errors_done(&errors);
    assert_non_null(network);
    return network;
}

static inline const struct site *site_of(const struct network *network, const char *host)
{
    const struct site *site = network_site(network, slice_text(host));

    assert_non_null(site);
    return site;
}

static inline void check_text(struct slice found, const char *expected)
{
    assert_true(slice_equal(found, slice_text(expected)));
}
