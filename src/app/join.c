// SPDX-License-Identifier: Apache-2.0
#include "app/join.h"

#include "app/node.h"
#include "app/steering.h"
#include "base/hash.h"
#include "bus/bus.h"

static enum err open_nats(const struct running_node *node, struct loop *control,
    struct bus_user *user, struct bus **bus, struct diag *why)
{
    const struct network *network = node_root(node)->network;
    const struct network_bus *set = &network->bus;
    const struct bus_nats_plan plan = {
        .network = network->name,
        .node = node->name,
        .servers = set->servers,
        .server_count = set->server_count,
        .user = set->user,
        .password = set->password,
        .token = set->token,
        .ca = set->ca,
        .cert = set->cert,
        .key = set->key,
        .is_tls = set->is_tls,
    };

    return bus_nats_open(&plan, control, user, bus, why);
}

enum err join_bus(const struct running_node *node, struct steering *steering, struct loop *control,
    struct bus_hub *hub, struct diag *why)
{
    struct bus_user *user = steering_bus_user(steering);
    struct bus *bus = NULL;

    if (node_root(node)->network->bus.server_count > 0)
        TRY(open_nats(node, control, user, &bus, why));
    else
        bus = bus_local_open(hub, control, node->name, user);
    steering_join(steering, &bus);
    return ERR_NONE;
}

uint64_t join_hash(const struct network_bus *bus)
{
    const struct slice texts[] = { bus->user, bus->password, bus->token, bus->ca, bus->cert,
        bus->key };
    uint64_t hash = bus->is_tls;

    for (size_t i = 0; i < bus->server_count; i++) {
        hash =
            hash_bytes(slice_of(bus->servers[i].ip.bytes, sizeof bus->servers[i].ip.bytes), hash);
        hash = hash_mix(hash + bus->servers[i].port);
    }
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        hash = hash_bytes(texts[i], hash);
    return hash;
}
