// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The nodes of the network as this process hears them: one struct for each, which app fills, and
 * its JSON in the status. Nodes that run here say of themselves what they tell the others.
 *
 * Names in the JSON are never changed or taken away within /api/v1.
 */

#include <stdbool.h>

#include <jansson.h>

#include "base/clock.h"
#include "conf/network.h"
#include "wire/heartbeat.h"

struct admin_peer_status {
    const struct node *node;
    bool is_self; // it runs here
    bool is_heard, is_present;
    struct span age;                   // of its newest word, with is_heard
    const struct heartbeat *heartbeat; // the newest; NULL: none
};

json_t *admin_peer_json(const struct admin_peer_status *status);
