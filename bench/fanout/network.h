// SPDX-License-Identifier: Apache-2.0
#pragma once

/* A network of any size, for measurements: pops p0, p1, ... of one node each, n0, n1, ..., and
 * origins that are measured by HTTP. */

#include <stdio.h>
#include <stdlib.h>

#include "admin/text.h"
#include "conf/checks.h"
#include "conf/load.h"

enum { SITE_ORIGINS = 10, NODE_NAME_ROOM = 12, CONFIG_MAX = 1 << 22 };

static inline struct slice node_name(unsigned at, char room[NODE_NAME_ROOM])
{
    return slice_of(room, (size_t)snprintf(room, NODE_NAME_ROOM, "n%u", at));
}

static inline void write_origins(struct text *out, unsigned origins)
{
    text_add(out, SLICE("    origins:\n"));
    for (unsigned i = 0; i < origins; i++)
        text_say(out, "      o%u: {address: \"10.1.%u.%u:80\"}\n", i, i / 250, i % 250 + 1);
    text_add(out, SLICE("    sites:\n"));
    for (unsigned i = 0; i < origins; i++) {
        bool is_last = i % SITE_ORIGINS == SITE_ORIGINS - 1 || i + 1 == origins;

        if (i % SITE_ORIGINS == 0)
            text_say(out, "      www%u.acme.test: {steer: [", i);
        text_say(out, "o%u%s", i, is_last ? "], probe: {http: /health}}\n" : ", ");
    }
}

/* Ends the process, with the reason, where the network is wrong. */
static inline struct network *network_make(unsigned nodes, unsigned origins)
{
    struct conf_errors errors;
    struct text text;

    text_init(&text, CONFIG_MAX);
    text_add(&text, SLICE("network: bench\nzone: cdn.bench.test\n"
                          "nameservers: [ns1.cdn.bench.test]\npops:\n"));
    for (unsigned i = 0; i < nodes; i++)
        text_say(&text, "  p%u: {nodes: {n%u: {address: \"10.0.%u.%u\"}}, location: [%u, %u]}\n", i,
            i, i / 250, i % 250 + 1, i % 60, i / 2);
    text_add(&text, SLICE("customers:\n  acme:\n"));
    write_origins(&text, origins);
    conf_errors_init(&errors);
    struct network *network = conf_load_text("network.yaml", text_slice(&text), &errors);

    conf_errors_print(&errors, stderr);
    conf_errors_done(&errors);
    text_done(&text);
    if (network == NULL)
        exit(1);
    return network;
}
