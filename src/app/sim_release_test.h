// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For tests: what the simulated world is configured to be. */

#include <stdio.h>

#include "app/root.h"
#include "app/sim_body_test.h"
#include "conf/load.h"

static const char WORLD_NETWORK[] = "network: example\n"
                                    "zone: cdn.test\n"
                                    "nameservers: [ns1.cdn.test]\n"
                                    "contact: hostmaster@cdn.test\n"
                                    "pops:\n"
                                    "  fra:\n"
                                    "    nodes:\n"
                                    "      fra1: {address: [10.0.0.1]}\n"
                                    "    cache: {memory: 16 MiB}\n"
                                    "customers:\n"
                                    "  acme:\n"
                                    "    origins:\n"
                                    "      one: {address: \"10.0.1.1:80\"}\n"
                                    "      two: {address: \"10.0.1.2:80\"}\n"
                                    "    sites:\n"
                                    "      static.test: {%s}\n"
                                    "      www.test: {steer: [one, two], policy: ordered}\n";

static inline struct release *world_release(const char *text)
{
    struct conf_errors errors;
    struct diag why = { 0 };

    conf_errors_init(&errors);
    struct network *network = conf_load_text("world", slice_text(text), &errors);

    conf_errors_print(&errors, stderr);
    assert_non_null(network);
    struct release *release = NULL;

    if (release_new(&network, &release, &why) != ERR_NONE)
        fail_msg("%s", why.text);
    conf_errors_done(&errors);
    return release;
}

static inline struct root *world_root_in(struct release *release, struct slice node)
{
    struct root *root = NULL;
    struct diag why = { 0 };

    if (root_build(release, node, NULL, &root, &why) != ERR_NONE)
        fail_msg("%s", why.text);
    return root;
}

/* `site`: the settings of static.test. */
static inline struct root *world_root_of(const char *site)
{
    char text[sizeof WORLD_NETWORK + 200];

    snprintf(text, sizeof text, WORLD_NETWORK, site);
    struct release *release = world_release(text);
    struct root *root = world_root_in(release, SLICE("fra1"));

    release_drop(release);
    return root;
}

/* `more`: settings beside the usual ones, each behind a comma. */
static inline struct root *world_root(const char *more)
{
    char site[200];

    snprintf(site, sizeof site, "deliver: [one, two], fill: ordered, missing: next%s", more);
    return world_root_of(site);
}
