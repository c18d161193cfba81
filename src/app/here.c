// SPDX-License-Identifier: Apache-2.0
#include "app/here.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

static bool has_address(const struct ifaddrs *all, const struct ip *ip)
{
    for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next) {
        if (at->ifa_addr == NULL)
            continue;
        if (at->ifa_addr->sa_family == AF_INET && ip->family == IP_V4 &&
            memcmp(&((const struct sockaddr_in *)(const void *)at->ifa_addr)->sin_addr, ip->bytes,
                4) == 0)
            return true;
        if (at->ifa_addr->sa_family == AF_INET6 && ip->family == IP_V6 &&
            memcmp(&((const struct sockaddr_in6 *)(const void *)at->ifa_addr)->sin6_addr, ip->bytes,
                16) == 0)
            return true;
    }
    return false;
}

static bool is_here(const struct ifaddrs *all, const struct node *node)
{
    for (size_t i = 0; i < node->address_count; i++)
        if (has_address(all, &node->addresses[i]))
            return true;
    return false;
}

enum err here_nodes(const struct network *network, bool all, struct slice names[PROCESS_NODES_MAX],
    size_t *count, struct diag *why)
{
    struct ifaddrs *addresses = NULL;

    *count = 0;
    if (!all && getifaddrs(&addresses) != 0) {
        diag_say(why, "the addresses of this machine cannot be read; name the node with --node");
        return ERR_SYSTEM;
    }
    for (size_t i = 0; i < network->pop_count; i++)
        for (size_t j = 0; j < network->pops[i].node_count; j++) {
            const struct node *node = &network->pops[i].nodes[j];

            if ((all || is_here(addresses, node)) && *count < PROCESS_NODES_MAX)
                names[(*count)++] = node->name;
        }
    freeifaddrs(addresses);
    if (*count == 0)
        diag_say(why, "none of the configuration's nodes has an address of this machine; "
                      "name one with --node");
    else if (!all && *count > 1)
        diag_say(why,
            "this machine has the addresses of %zu nodes (%.*s, %.*s, ...); "
            "say which with --node, or --all-nodes",
            *count, SLICE_ARG(names[0]), SLICE_ARG(names[1]));
    return *count == 0 || (!all && *count > 1) ? ERR_MISSING : ERR_NONE;
}
