// SPDX-License-Identifier: Apache-2.0
#include "conf/network.h"

const struct pop *network_pop(const struct network *network, struct slice name)
{
    for (size_t i = 0; i < network->pop_count; i++)
        if (slice_equal(network->pops[i].name, name))
            return &network->pops[i];
    return NULL;
}

const struct customer *network_customer(const struct network *network, struct slice name)
{
    for (size_t i = 0; i < network->customer_count; i++)
        if (slice_equal(network->customers[i].name, name))
            return &network->customers[i];
    return NULL;
}

const struct node *network_node(const struct network *network, struct slice name)
{
    for (size_t i = 0; i < network->pop_count; i++) {
        const struct pop *pop = &network->pops[i];

        for (size_t j = 0; j < pop->node_count; j++)
            if (slice_equal(pop->nodes[j].name, name))
                return &pop->nodes[j];
    }
    return NULL;
}

/* The order of network.sites. The host of a site is lower case already. */
static int host_order(struct slice asked, struct slice host)
{
    size_t common = asked.length < host.length ? asked.length : host.length;

    for (size_t i = 0; i < common; i++) {
        int difference = (unsigned char)ascii_lower(asked.at[i]) - (int)(unsigned char)host.at[i];

        if (difference != 0)
            return difference;
    }
    return (asked.length > host.length) - (asked.length < host.length);
}

const struct site *network_site(const struct network *network, struct slice host)
{
    size_t low = 0, high = network->site_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = host_order(host, network->sites[middle]->host);

        if (order == 0)
            return network->sites[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool network_has_https(const struct network *network)
{
    for (size_t i = 0; i < network->site_count; i++)
        if (certificate_is_given(&network->sites[i]->https.files))
            return true;
    return certificate_is_given(&network->tls.standard) || network->tls.more_count > 0;
}

void network_free(struct network *network)
{
    if (network == NULL)
        return;
    struct arena arena = network->arena; // the network lies in its own arena

    arena_done(&arena);
}
