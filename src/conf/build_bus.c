// SPDX-License-Identifier: Apache-2.0
#include "base/attr.h"
#include "conf/build_priv.h"
#include "conf/kinds.h"

/* `local`, or nats:// and addresses, as its kind has checked. */
static void build_servers(struct builder *b, struct slice text, struct network_bus *bus)
{
    struct endpoint *servers = arena_array(b->arena, KIND_BUS_SERVERS_MAX, sizeof *servers);
    struct slice part;

    bus->servers = servers;
    if (slice_equal(text, SLICE("local")))
        return;
    for (struct slice rest = slice_from(text, strlen("nats://")); slice_cut(&rest, ',', &part);)
        bus->server_count += endpoint_parse(part, 0, &servers[bus->server_count]);
}

struct network_bus build_bus(struct builder *b, const struct set_network *set)
{
    static const char *const OF_NATS[] = { "user", "password", "token", "tls", "ca", "cert",
        "key" };
    static const struct {
        const char *key, *other;
    } PAIRS[] = { { "user", "password" }, { "password", "user" }, { "cert", "key" },
        { "key", "cert" } };
    const struct set_bus_access *access = &set->bus_access;
    const struct yaml_node *token = yaml_find(access->head.at, SLICE("token"));
    struct network_bus bus = {
        .user = build_keep(b, access->user),
        .password = build_keep(b, access->password),
        .token = build_keep(b, access->token),
        .ca = build_keep(b, access->ca),
        .cert = build_keep(b, access->cert),
        .key = build_keep(b, access->key),
        .is_tls = access->is_tls || access->ca.length > 0,
    };

    if (set->bus.length > 0)
        build_servers(b, set->bus, &bus);
    for (size_t i = 0; i < COUNT_OF(OF_NATS) && bus.server_count == 0; i++)
        build_lacks(b, &access->head, OF_NATS[i], "servers: `bus: nats://ADDRESS:PORT`");
    for (size_t i = 0; i < COUNT_OF(PAIRS) && bus.server_count > 0; i++)
        if (yaml_find(access->head.at, slice_text(PAIRS[i].other)) == NULL)
            build_lacks(b, &access->head, PAIRS[i].key, PAIRS[i].other);
    if (bus.server_count > 0 && !bus.is_tls)
        build_lacks(b, &access->head, "cert", "`ca` or `tls: yes`");
    if (token != NULL && access->user.length > 0)
        conf_errors_add(b->errors, token->key_at,
            "nodes sign in by \"user\" and \"password\" or by \"token\", not both; leave one out");
    return bus;
}
