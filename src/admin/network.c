// SPDX-License-Identifier: Apache-2.0
#include "admin/network.h"

#include <assert.h>
#include <stdio.h>

#include "admin/json.h"
#include "admin/scope.h"
#include "admin/status.h"
#include "conf/summary.h"

enum { NAME_MAX = 512 };

const char *admin_state_text(enum admin_state state)
{
    switch (state) {
    case ADMIN_UNKNOWN: return "unknown";
    case ADMIN_UP: return "up";
    case ADMIN_DOWN: return "down";
    case ADMIN_DRAINED: return "drained";
    }
    assert(false);
    return "";
}

enum admin_state admin_state_join(enum admin_state a, enum admin_state b)
{
    static const unsigned char WEIGHT[] = {
        [ADMIN_UNKNOWN] = 0, [ADMIN_UP] = 1, [ADMIN_DOWN] = 2, [ADMIN_DRAINED] = 3
    };

    return WEIGHT[a] >= WEIGHT[b] ? a : b;
}

void admin_seen_learn(struct admin_seen *seen, const struct fact facts[REPORT_KIND_COUNT])
{
    const struct {
        enum report_kind kind;
        double per; // as many of the report's unit are one of ours
        double *to;
    } measures[] = {
        { REPORT_LATENCY, 1e3, &seen->latency_ms },
        { REPORT_RESPONSE, 1e3, &seen->response_ms },
        { REPORT_LOAD, 1e6, &seen->load },
        { REPORT_CPU, 1e6, &seen->cpu },
        { REPORT_MEMORY, 1e6, &seen->memory },
        { REPORT_RATE, 1e3, &seen->requests_per_s },
    };

    for (size_t i = 0; i < COUNT_OF(measures); i++)
        if (facts[measures[i].kind].sources > 0)
            *measures[i].to = (double)facts[measures[i].kind].measured / measures[i].per;
}

static void put_location(json_t *object, const struct location *location)
{
    json_t *pair;

    if (!location->is_set) {
        json_object_set_new(object, "location", json_null());
        return;
    }
    pair = json_array();
    json_array_append_new(pair, json_real(location->latitude));
    json_array_append_new(pair, json_real(location->longitude));
    json_object_set_new(object, "location", pair);
}

static void put_known(json_t *object, const char *key, double value)
{
    if (value >= 0)
        json_put_real(object, key, value);
}

static void put_seen(json_t *object, const struct admin_seen *seen, bool is_all)
{
    json_put_text(object, "state", slice_text(admin_state_text(seen->state)));
    put_known(object, "latency_ms", seen->latency_ms);
    put_known(object, "response_ms", seen->response_ms);
    if (!is_all)
        return;
    put_known(object, "load", seen->load);
    put_known(object, "cpu", seen->cpu);
    put_known(object, "memory", seen->memory);
    put_known(object, "requests_per_s", seen->requests_per_s);
}

static json_t *node_json(const struct node *node, const struct admin_seen *seen, bool is_all)
{
    json_t *object = json_object(), *addresses = json_array();

    json_put_text(object, "node", node->name);
    for (size_t i = 0; i < node->address_count; i++) {
        char text[IP_TEXT_MAX];

        json_array_append_new(addresses, json_string(ip_text(&node->addresses[i], text)));
    }
    json_object_set_new(object, "addresses", addresses);
    if (is_all && node->capacity_bits_per_s > 0)
        json_put_number(object, "capacity_bits_per_s", node->capacity_bits_per_s);
    put_seen(object, seen, is_all);
    return object;
}

struct admin_seen admin_seen_of_pop(const struct admin_seen *nodes, size_t count)
{
    struct admin_seen pop = ADMIN_SEEN_NOTHING;
    size_t drained = 0, up = 0, down = 0;

    for (size_t i = 0; i < count; i++) {
        const struct admin_seen *node = &nodes[i];

        up += node->state == ADMIN_UP;
        down += node->state == ADMIN_DOWN;
        drained += node->state == ADMIN_DRAINED;
        if (node->load > pop.load)
            pop.load = node->load;
        if (node->latency_ms >= 0 && (pop.latency_ms < 0 || node->latency_ms < pop.latency_ms))
            pop.latency_ms = node->latency_ms;
        if (node->requests_per_s >= 0)
            pop.requests_per_s =
                (pop.requests_per_s < 0 ? 0 : pop.requests_per_s) + node->requests_per_s;
    }
    pop.state = up > 0                   ? ADMIN_UP
                : drained == count       ? ADMIN_DRAINED
                : down + drained < count ? ADMIN_UNKNOWN
                                         : ADMIN_DOWN;
    return pop;
}

static json_t *pop_json(const struct pop *pop, const struct admin_seen *seen, bool is_all)
{
    json_t *object = json_object(), *nodes = json_array();
    const struct admin_seen all = admin_seen_of_pop(seen, pop->node_count);
    uint64_t capacity = 0;

    json_put_text(object, "pop", pop->name);
    json_put_text(object, "place", pop->place);
    put_location(object, &pop->location);
    for (size_t i = 0; i < pop->node_count; i++) {
        json_array_append_new(nodes, node_json(&pop->nodes[i], &seen[i], is_all));
        capacity += pop->nodes[i].capacity_bits_per_s;
    }
    if (is_all && capacity > 0)
        json_put_number(object, "capacity_bits_per_s", capacity);
    json_object_set_new(object, "nodes", nodes);
    put_seen(object, &all, is_all);
    return object;
}

static json_t *origin_json(const struct origin *origin, const struct admin_seen *seen)
{
    json_t *object = json_object();
    char address[ENDPOINT_TEXT_MAX];

    json_put_text(object, "origin", origin->name);
    json_put_text(object, "address", slice_text(endpoint_text(&origin->address, address)));
    put_location(object, &origin->location);
    if (origin->capacity_requests_per_s > 0)
        json_put_real(object, "capacity_requests_per_s", origin->capacity_requests_per_s);
    put_seen(object, seen, true);
    return object;
}

/* Targets are what its answers may lead to: origins of a page, pops of what is delivered. */
static json_t *site_json(const struct site *site, const struct network *network)
{
    json_t *object = json_object(), *targets = json_array(), *origins = json_array();
    char name[NAME_MAX];

    snprintf(name, sizeof name, "%.*s.%.*s", SLICE_ARG(site->host), SLICE_ARG(network->zone));
    json_put_text(object, "site", site->host);
    json_put_text(object, "name", slice_text(name));
    json_put_text(object, "kind", slice_text(admin_kind_text(site->kind)));
    json_put_text(object, "policy",
        slice_text(site->kind == SITE_STEER ? site_policy_text(site->policy)
                                            : site_fill_text(site->fill)));
    for (size_t i = 0; i < site->origin_count; i++)
        json_array_append_new(origins, json_of_text(site->origins[i]->name));
    for (size_t i = 0; site->kind == SITE_DELIVER && i < network->pop_count; i++)
        json_array_append_new(targets, json_of_text(network->pops[i].name));
    if (site->kind == SITE_STEER)
        json_array_extend(targets, origins);
    json_object_set_new(object, "targets", targets);
    json_object_set_new(object, "origins", origins);
    return object;
}

static json_t *customer_json(
    const struct customer *customer, const struct admin_seen *seen, const struct network *network)
{
    json_t *object = json_object(), *origins = json_array(), *sites = json_array();

    json_put_text(object, "customer", customer->name);
    for (size_t i = 0; i < customer->origin_count; i++)
        json_array_append_new(origins, origin_json(&customer->origins[i], &seen[i]));
    for (size_t i = 0; i < customer->site_count; i++)
        json_array_append_new(sites, site_json(&customer->sites[i], network));
    json_object_set_new(object, "origins", origins);
    json_object_set_new(object, "sites", sites);
    return object;
}

void admin_network_write(
    const struct admin_network *told, const struct admin_scope *scope, struct text *out)
{
    const struct network *network = told->network;
    const struct admin_seen *nodes = told->nodes, *origins = told->origins;
    json_t *object = json_object(), *pops = json_array(), *customers = json_array();

    json_put_text(object, "network", network->name);
    json_put_text(object, "zone", network->zone);
    json_object_set_new(object, "release", admin_release_json(network));
    for (size_t i = 0; i < network->pop_count; i++) {
        json_array_append_new(pops, pop_json(&network->pops[i], nodes, scope->is_operator));
        nodes += network->pops[i].node_count;
    }
    for (size_t i = 0; i < network->customer_count; i++) {
        const struct customer *customer = &network->customers[i];

        if (scope->is_operator || slice_equal(customer->name, scope->customer))
            json_array_append_new(customers, customer_json(customer, origins, network));
        origins += customer->origin_count;
    }
    json_object_set_new(object, "pops", pops);
    json_object_set_new(object, "customers", customers);
    json_write(object, out);
}
