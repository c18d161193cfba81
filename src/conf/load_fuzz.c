// SPDX-License-Identifier: Apache-2.0
/* Any bytes either load or are told why not; what loads keeps the promises of conf/network.h. */
#include <stdint.h>
#include <stdlib.h>

#include "conf/load.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void require(bool claim)
{
    if (!claim)
        abort();
}

static void check_site(const struct site *site)
{
    uint64_t sum = 0;

    require(site->host.length > 0 && site->origin_count > 0 && site->path_count > 0);
    require(slice_equal(site->paths[site->path_count - 1].pattern, SLICE("*")));
    require((site->pinned != NULL) == (site->kind == SITE_DELIVER && site->fill == FILL_PINNED));
    require(site->first_reserve > 0 && site->first_reserve <= site->origin_count);
    for (size_t i = 0; i < site->origin_count; i++) {
        require(site->origins[i]->customer == site->customer);
        if (i < site->first_reserve)
            sum += site->weights[i];
    }
    require(sum > 0);
    require(site->probe.every.ns > 0 && site->probe.timeout.ns > 0);
    require(site->probe.rise > 0 && site->probe.fall > 0);
    require(site->probe.kind != SITE_PROBE_HTTP || site->probe.path.length > 0);
    require(site->probe.password.length == 0 || site->probe.user.length > 0);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct conf_errors errors;

    conf_errors_init(&errors);
    struct network *network = conf_load_text("fuzz.yaml", slice_of(data, size), &errors);

    require((network == NULL) == (errors.count > 0));
    if (network != NULL) {
        require(network->zone.length > 0 && network->pop_count > 0);
        require(network->nameserver_count > 0 && network->contact.length > 0);
        for (size_t i = 0; i < network->pop_count; i++) {
            require(network->pops[i].node_count > 0);
            for (size_t j = 0; j < network->pops[i].node_count; j++)
                require(network->pops[i].nodes[j].address_count > 0);
        }
        for (size_t i = 0; i < network->site_count; i++) {
            check_site(network->sites[i]);
            require(network_site(network, network->sites[i]->host) == network->sites[i]);
        }
    }
    network_free(network);
    conf_errors_done(&errors);
    return 0;
}
