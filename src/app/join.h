// SPDX-License-Identifier: Apache-2.0
#pragma once

/* How a node comes to its bus: by what the configuration says at the start of the process. */

#include "base/err.h"
#include "conf/network.h"

struct bus_hub;
struct loop;
struct running_node;
struct steering;

/*
 * Opens the node's end of the bus and hands it to its steering; on the hub where the bus is local.
 * That no server is there is no error; ERR_CONFIG and ERR_SYSTEM, with the reason, are what will
 * not mend itself.
 */
[[nodiscard]] enum err join_bus(const struct running_node *node, struct steering *steering,
    struct loop *control, struct bus_hub *hub, struct diag *why);

/* Of all settings of the bus: a change of them is taken into use at the next start alone. */
uint64_t join_hash(const struct network_bus *bus);
