// SPDX-License-Identifier: Apache-2.0
#include "conf/build.h"

#include <stdlib.h>

#include "base/order.h"
#include "conf/build_priv.h"

enum { NETWORK_BYTES_MAX = 1 << 30 };

struct slice build_keep(struct builder *b, struct slice text)
{
    return text.length == 0 ? SLICE_NONE : arena_copy(b->arena, text);
}

/* "a" and "b" to "aSEPARATORb"; empty when `right` is, which has been told then. */
static struct slice keep_joined(
    struct builder *b, struct slice left, char separator, struct slice right)
{
    if (right.length == 0)
        return SLICE_NONE;
    char *text = arena_alloc(b->arena, left.length + 1 + right.length + 1);

    memcpy(text, left.at, left.length);
    text[left.length] = separator;
    memcpy(text + left.length + 1, right.at, right.length);
    return slice_of(text, left.length + 1 + right.length);
}

struct conf_place build_place(const struct schema_head *head, struct slice key)
{
    const struct yaml_node *value = yaml_find(head->at, key);

    struct conf_place nowhere = { 0 };

    if (value != NULL)
        return value->at;
    return head->at == NULL ? nowhere : head->at->key_at;
}

void build_lacks(
    struct builder *b, const struct schema_head *head, const char *key, const char *other)
{
    const struct yaml_node *value = yaml_find(head->at, slice_text(key));

    if (value != NULL)
        conf_errors_add(b->errors, value->key_at,
            "\"%s\" has no meaning without %s; add that, or leave it out", key, other);
}

static void build_node(
    struct builder *b, const struct set_node *set, const struct pop *pop, struct node *node)
{
    struct ip *addresses = arena_array(b->arena, set->address.count, sizeof *addresses);

    for (size_t i = 0; i < set->address.count; i++) {
        static const struct ip ANY_V4 = { .family = IP_V4 }, ANY_V6 = { .family = IP_V6 };

        addresses[i] = ((const struct ip *)set->address.items)[i];
        if (ip_equal(&addresses[i], &ANY_V4) || ip_equal(&addresses[i], &ANY_V6))
            conf_errors_add(b->errors, set->address.nodes[i]->at,
                "address: found %.*s, expected one that visitors can reach: it is given out in "
                "answers",
                SHOWN(set->address.nodes[i]->text));
    }
    *node = (struct node){
        .name = build_keep(b, set->head.name),
        .pop = pop,
        .addresses = addresses,
        .address_count = set->address.count,
        .capacity_bits_per_s = set->capacity_bits_per_s,
        .ports = set->ports.ports,
    };
}

static void build_pop(struct builder *b, const struct set_pop *set, struct pop *pop)
{
    const struct set_node *from = set->nodes.items;
    struct node *nodes = arena_array(b->arena, set->nodes.count, sizeof *nodes);

    for (size_t i = 0; i < set->nodes.count; i++)
        build_node(b, &from[i], pop, &nodes[i]);
    if (set->cache.disk.length > 0 && set->cache.disk_bytes == 0 &&
        yaml_find(set->cache.head.at, SLICE("disk_size")) == NULL)
        conf_errors_add(b->errors, build_place(&set->cache.head, SLICE("disk")),
            "disk: expected \"disk_size\" beside it, such as 200 GiB");
    if (set->cache.disk_bytes > 0 && yaml_find(set->cache.head.at, SLICE("disk")) == NULL)
        conf_errors_add(b->errors, build_place(&set->cache.head, SLICE("disk_size")),
            "disk_size: expected \"disk\" beside it, the folder it is about");
    *pop = (struct pop){
        .name = build_keep(b, set->head.name),
        .place = build_keep(b, set->place),
        .location = set->location,
        .nodes = nodes,
        .node_count = set->nodes.count,
        .memory_bytes = set->cache.memory_bytes,
        .disk = build_keep(b, set->cache.disk),
        .disk_bytes = set->cache.disk_bytes,
        .probe = build_pop_probe(b, &set->probe),
        .is_reserve = set->is_reserve,
    };
}

static struct slice plan_word(const void *words, size_t at)
{
    return ((const struct plan *)words)[at].name;
}

static void build_origin(struct builder *b, const struct set_origin *set,
    const struct customer *customer, struct origin *origin)
{
    *origin = (struct origin){
        .name = build_keep(b, set->head.name),
        .customer = customer,
        .address = set->address,
        .host = build_keep(b, set->host),
        .is_tls = set->is_tls,
        .ca = build_keep(b, set->ca),
        .shown = build_shown(b, set),
        .may_be_private = set->may_be_private,
        .location = set->location,
        .capacity_requests_per_s = set->capacity_requests_per_s,
    };
    if (!set->is_tls)
        build_lacks(b, &set->head, "ca", "`tls: yes`");
    if (!set->is_tls && origin->shown.key.length > 0)
        build_lacks(b, &set->head, "cert", "`tls: yes`");
}

static void find_plan(struct builder *b, const struct network *network,
    const struct set_customer *set, struct customer *customer)
{
    if (set->plan.length == 0)
        return;
    for (size_t i = 0; i < network->plan_count; i++)
        if (slice_equal(network->plans[i].name, set->plan))
            customer->plan_prices = &network->plans[i];
    if (customer->plan_prices == NULL)
        conf_errors_add(b->errors, build_place(&set->head, SLICE("plan")),
            "there is no plan \"%.*s\"%s", SHOWN(set->plan),
            schema_hint(set->plan, plan_word, network->plans, network->plan_count).text);
}

static void build_customer(struct builder *b, const struct network *network,
    const struct set_customer *set, struct customer *customer)
{
    const struct set_origin *from_origins = set->origins.items;
    const struct set_site *from_sites = set->sites.items;
    struct origin *origins = arena_array(b->arena, set->origins.count, sizeof *origins);
    struct site *sites = arena_array(b->arena, set->sites.count, sizeof *sites);

    *customer = (struct customer){
        .name = build_keep(b, set->head.name),
        .plan = build_keep(b, set->plan),
        .access = build_access(b, &set->access),
        .origins = origins,
        .origin_count = set->origins.count,
        .sites = sites,
        .site_count = set->sites.count,
        .tokens = build_tokens(b, &set->tokens),
        .token_count = set->tokens.count,
    };
    find_plan(b, network, set, customer);
    for (size_t i = 0; i < set->origins.count; i++)
        build_origin(b, &from_origins[i], customer, &origins[i]);
    for (size_t i = 0; i < set->sites.count; i++)
        build_site(b, &from_sites[i], customer, &sites[i]);
}

static int site_order(const void *a, const void *b)
{
    struct slice left = (*(const struct site *const *)a)->host;
    struct slice right = (*(const struct site *const *)b)->host;

    return slice_order(left, right);
}

/* All sites of all customers, in the order that network_site searches. */
static void build_index(struct builder *b, struct network *network)
{
    size_t count = 0;

    for (size_t i = 0; i < network->customer_count; i++)
        count += network->customers[i].site_count;
    const struct site **sites = arena_array(b->arena, count, sizeof sites[0]);

    for (size_t i = 0, at = 0; i < network->customer_count; i++)
        for (size_t j = 0; j < network->customers[i].site_count; j++)
            sites[at++] = &network->customers[i].sites[j];
    if (count > 0)
        qsort(sites, count, sizeof sites[0], site_order);
    network->sites = sites;
    network->site_count = count;
}

/* As given; else ns1 in the zone, and ns2 when there is a second node to answer there. */
static void build_nameservers(
    struct builder *b, const struct schema_list *list, struct network *network)
{
    size_t node_count = 0;

    for (size_t i = 0; i < network->pop_count; i++)
        node_count += network->pops[i].node_count;
    size_t count = list->count > 0 ? list->count : (size_t)1 + (node_count > 1);
    struct slice *names = arena_array(b->arena, count, sizeof *names);

    for (size_t i = 0; i < list->count; i++)
        names[i] = build_keep(b, ((const struct slice *)list->items)[i]);
    if (list->count == 0) {
        names[0] = keep_joined(b, SLICE("ns1"), '.', network->zone);
        if (count > 1)
            names[1] = keep_joined(b, SLICE("ns2"), '.', network->zone);
    }
    network->nameservers = names;
    network->nameserver_count = count;
}

static struct network_limits build_limits(const struct set_limits *set)
{
    return (struct network_limits){
        .connections = (uint32_t)set->connections,
        .per_client = (uint32_t)set->per_client,
        .handshake = set->handshake,
        .head = set->head_time,
        .idle = set->idle,
        .stall = set->stall,
        .rate_bytes_per_s = (uint32_t)(set->rate_bits_per_s / 8),
        .upgraded = set->upgraded,
    };
}

struct network *conf_build(const struct set_network *set, struct conf_errors *errors)
{
    struct arena arena;

    arena_init(&arena, NETWORK_BYTES_MAX);
    struct network *network = arena_new(&arena, struct network);
    struct builder b = { &arena, errors };
    struct pop *pops = arena_array(&arena, set->pops.count, sizeof *pops);
    struct customer *customers = arena_array(&arena, set->customers.count, sizeof *customers);

    *network = (struct network){
        .name = build_keep(&b, set->name),
        .zone = build_keep(&b, set->zone),
        .contact = set->contact.length > 0
                       ? build_keep(&b, set->contact)
                       : keep_joined(&b, SLICE("hostmaster"), '@', build_keep(&b, set->zone)),
        .state = build_keep(&b, set->state),
        .bus = build_bus(&b, set),
        .limits = build_limits(&set->limits),
        .tls = build_tls(&b, &set->tls),
        .admin = build_admin(&b, &set->admin),
        .geo = build_keep(&b, set->geo),
        .accounts_node = build_keep(&b, set->accounts.node),
        .accounts_ledger = build_keep(&b, set->accounts.ledger),
        .history = { .keep = set->history.keep, .size_bytes = set->history.size_bytes },
        .pops = pops,
        .pop_count = set->pops.count,
        .customers = customers,
        .customer_count = set->customers.count,
    };
    for (size_t i = 0; i < set->pops.count; i++)
        build_pop(&b, &((const struct set_pop *)set->pops.items)[i], &pops[i]);
    build_nameservers(&b, &set->nameservers, network);
    build_plans(&b, &set->plans, network);
    for (size_t i = 0; i < set->customers.count; i++)
        build_customer(
            &b, network, &((const struct set_customer *)set->customers.items)[i], &customers[i]);
    build_index(&b, network);
    conf_check(network, set, errors);
    build_tokens_check(set, errors);
    if (arena.is_full)
        conf_errors_add(
            errors, set->head.at->at, "the network is too large: over %d bytes", NETWORK_BYTES_MAX);
    network->arena = arena;
    return network;
}
