// SPDX-License-Identifier: Apache-2.0
#pragma once

/* How the nodes of a network hear of each other. */

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/slice.h"

struct network_bus {
    const struct endpoint *servers;     // of NATS, one cluster
    size_t server_count;                // 0: local, within one process
    struct slice user, password, token; // empty: none
    struct slice ca, cert, key;         // files; empty: none
    bool is_tls;                        // always with ca
};
