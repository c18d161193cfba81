// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "base/attr.h"
#include "base/mem.h"
#include "conf/build.h"
#include "conf/units.h"

/* One port of one node, and where it was written. */
struct listening {
    struct endpoint at;
    const struct node *node;
    const char *service;
    struct conf_place place; // of the address
    size_t order;            // in the file
};

struct checker {
    const struct network *network;
    const struct set_network *set;
    struct conf_errors *errors;
    struct listening *list; // sorted by endpoint
    size_t count;
};

static const struct set_pop *set_pop_at(const struct checker *c, size_t at)
{
    return &((const struct set_pop *)c->set->pops.items)[at];
}

static const struct set_customer *set_customer_at(const struct checker *c, size_t at)
{
    return &((const struct set_customer *)c->set->customers.items)[at];
}

static const struct set_node *set_node_at(const struct set_pop *pop, size_t at)
{
    return &((const struct set_node *)pop->nodes.items)[at];
}

static int endpoint_order(const struct endpoint *a, const struct endpoint *b)
{
    int order = memcmp(&a->ip, &b->ip, sizeof a->ip);

    return order != 0 ? order : (int)a->port - (int)b->port;
}

static int listening_order(const void *a, const void *b)
{
    const struct listening *left = a, *right = b;
    int order = endpoint_order(&left->at, &right->at);

    return order != 0 ? order : (left->order > right->order) - (left->order < right->order);
}

static void listen_all(struct checker *c, const struct node *node, const struct set_node *set)
{
    const struct {
        const char *service;
        uint16_t port;
    } services[] = {
        { "dns", node->ports.dns },
        { "http", node->ports.http },
        { "https", node->ports.https },
        { "admin", node->ports.admin },
    };

    for (size_t i = 0; i < node->address_count; i++)
        for (size_t j = 0; j < COUNT_OF(services); j++) {
            if (services[j].port == 0 || node->addresses[i].family == IP_NONE)
                continue;
            c->list[c->count] = (struct listening){ { node->addresses[i], services[j].port }, node,
                services[j].service, set->address.nodes[i]->at, c->count };
            c->count++;
        }
}

/* No two listen at the same address and port: the second could not start. */
static void check_listening(struct checker *c)
{
    size_t most = 0;

    for (size_t i = 0; i < c->network->pop_count; i++)
        for (size_t j = 0; j < c->network->pops[i].node_count; j++)
            most += c->network->pops[i].nodes[j].address_count * 4;
    c->list = mem_array(most + 1, sizeof *c->list);
    for (size_t i = 0; i < c->network->pop_count; i++)
        for (size_t j = 0; j < c->network->pops[i].node_count; j++)
            listen_all(c, &c->network->pops[i].nodes[j], set_node_at(set_pop_at(c, i), j));
    qsort(c->list, c->count, sizeof *c->list, listening_order);
    for (size_t i = 1; i < c->count; i++) {
        const struct listening *first = &c->list[i - 1], *second = &c->list[i];
        char text[ENDPOINT_TEXT_MAX];

        if (endpoint_equal(&first->at, &second->at))
            conf_errors_add(c->errors, second->place,
                "%s is taken twice: for %s of node %.*s and %s of node %.*s; give one of them "
                "another address or other \"ports\"",
                endpoint_text(&second->at, text), first->service, SHOWN(first->node->name),
                second->service, SHOWN(second->node->name));
    }
}

/* Orders keys of maps without case, since pops and nodes have names in the DNS. */
static int name_order(const void *a, const void *b)
{
    const struct yaml_node *left = *(const struct yaml_node *const *)a;
    const struct yaml_node *right = *(const struct yaml_node *const *)b;
    size_t common = left->key.length < right->key.length ? left->key.length : right->key.length;

    for (size_t i = 0; i < common; i++) {
        int difference = ascii_lower(left->key.at[i]) - ascii_lower(right->key.at[i]);

        if (difference != 0)
            return difference;
    }
    if (left->key.length != right->key.length)
        return left->key.length < right->key.length ? -1 : 1;
    if (left->key_at.line != right->key_at.line)
        return left->key_at.line < right->key_at.line ? -1 : 1;
    return (left->key_at.column > right->key_at.column) -
           (left->key_at.column < right->key_at.column);
}

static void check_names(
    struct checker *c, const struct yaml_node **names, size_t count, const char *what)
{
    qsort(names, count, sizeof names[0], name_order);
    for (size_t i = 1; i < count; i++)
        if (slice_same(names[i - 1]->key, names[i]->key))
            conf_errors_add(c->errors, names[i]->key_at,
                "there is a %s \"%.*s\" already, at %s:%d:%d; names of %ss are unique in the "
                "network, without regard to case",
                what, SHOWN(names[i - 1]->key), names[i - 1]->key_at.file,
                names[i - 1]->key_at.line, names[i - 1]->key_at.column, what);
}

static void check_pop_names(struct checker *c)
{
    size_t node_count = 0, at = 0, pop_count = c->set->pops.count;

    for (size_t i = 0; i < pop_count; i++)
        node_count += set_pop_at(c, i)->nodes.count;
    const struct yaml_node **names = mem_array(node_count + pop_count + 1, sizeof names[0]);

    for (size_t i = 0; i < pop_count; i++)
        names[at++] = c->set->pops.nodes[i];
    check_names(c, names, at, "pop");
    at = 0;
    for (size_t i = 0; i < pop_count; i++)
        for (size_t j = 0; j < set_pop_at(c, i)->nodes.count; j++)
            names[at++] = set_pop_at(c, i)->nodes.nodes[j];
    check_names(c, names, at, "node");
    mem_free(names);
}

/* Someone must be there whom the reserves stand in for. */
static void check_reserves(struct checker *c)
{
    size_t count = 0;

    for (size_t i = 0; i < c->network->pop_count; i++)
        count += c->network->pops[i].is_reserve;
    if (count > 0 && count == c->network->pop_count)
        conf_errors_add(c->errors, yaml_find(c->set->pops.nodes[count - 1], SLICE("reserve"))->at,
            "reserve: all pops are reserves, expected at least one that is none");
}

/* The site as written. */
static const struct set_site *set_site_of(const struct checker *c, const struct site *site)
{
    const struct set_customer *set =
        set_customer_at(c, (size_t)(site->customer - c->network->customers));

    return &((const struct set_site *)set->sites.items)[site - site->customer->sites];
}

/* The first node that does not listen for HTTPS; NULL: all do. */
static const struct node *without_https(const struct network *network)
{
    for (size_t i = 0; i < network->pop_count; i++)
        for (size_t j = 0; j < network->pops[i].node_count; j++)
            if (network->pops[i].nodes[j].ports.https == 0)
                return &network->pops[i].nodes[j];
    return NULL;
}

/* Visitors are sent to HTTPS only where somebody answers there. */
static void check_https(struct checker *c)
{
    const struct node *closed = without_https(c->network);

    for (size_t i = 0; i < c->network->site_count; i++) {
        const struct site *site = c->network->sites[i];
        const struct site_https *https = &site->https;
        const struct yaml_node *head = set_site_of(c, site)->head.at;
        const struct yaml_node *value = yaml_find(head, SLICE("https"));

        if (value == NULL || !https->is_only)
            value = yaml_find(head, SLICE("hsts"));
        if (site->kind != SITE_DELIVER || (!https->is_only && !https->has_hsts))
            continue;
        if (!certificate_is_given(&https->files) &&
            !certificate_is_given(&c->network->tls.standard))
            conf_errors_add(c->errors, value->at,
                "%.*s: there is no certificate for this site; give it \"tls\" with \"cert\" and "
                "\"key\", or the network's \"tls\" a \"default\"",
                SHOWN(value->key));
        if (closed != NULL)
            conf_errors_add(c->errors, value->at,
                "%.*s: node %.*s has `https: off` among its \"ports\"; give it one",
                SHOWN(value->key), SHOWN(closed->name));
    }
}

/* Where the site's host was written. Both trees have the same order, so positions lead across. */
static struct conf_place site_place(const struct checker *c, const struct site *site)
{
    const struct set_customer *set =
        set_customer_at(c, (size_t)(site->customer - c->network->customers));

    return set->sites.nodes[site - site->customer->sites]->key_at;
}

static bool is_before(struct conf_place a, struct conf_place b)
{
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

static void check_site_once(struct checker *c, const struct site *a, const struct site *b)
{
    struct conf_place first = site_place(c, a), second = site_place(c, b);
    bool is_turned = is_before(second, first);
    const struct site *kept = is_turned ? b : a;

    if (is_turned) {
        struct conf_place swap = first;

        first = second;
        second = swap;
    }
    conf_errors_add(c->errors, second,
        "host %.*s is a site of customer %.*s already, at %s:%d:%d; a host belongs to one site",
        SHOWN(kept->host), SHOWN(kept->customer->name), first.file, first.line, first.column);
}

/* The host without `.ZONE` at its end; empty when it does not end so. */
static struct slice within_zone(struct slice host, struct slice zone)
{
    size_t tail = zone.length + 1;

    if (host.length <= tail || host.at[host.length - tail] != '.' || !slice_ends(host, zone))
        return SLICE_NONE;
    return slice_head(host, host.length - tail);
}

/* Each site is HOST and HOST.ZONE: neither may be another site or a name server. */
static void check_hosts(struct checker *c)
{
    const struct network *network = c->network;

    for (size_t i = 0; i < network->site_count; i++) {
        const struct site *site = network->sites[i];
        const struct site *twin = network_site(network, within_zone(site->host, network->zone));

        if (site->host.length == 0)
            continue; // was no host name, which has been told
        if (i > 0 && slice_equal(network->sites[i - 1]->host, site->host))
            check_site_once(c, network->sites[i - 1], site);
        if (twin != NULL && twin->host.length > 0)
            conf_errors_add(c->errors, site_place(c, site),
                "host %.*s is taken: it is the shared name of site %.*s, HOST.ZONE",
                SHOWN(site->host), SHOWN(twin->host));
        if (site->host.length + 1 + network->zone.length > UNITS_HOST_MAX)
            conf_errors_add(c->errors, site_place(c, site),
                "host is too long: with the zone, HOST.ZONE, it has more than %d bytes",
                UNITS_HOST_MAX);
    }
    for (size_t i = 0; i < network->nameserver_count; i++) {
        struct slice name = network->nameservers[i];
        const struct site *site = network_site(network, name);

        if (site == NULL)
            site = network_site(network, within_zone(name, network->zone));
        if (name.length > 0 && site != NULL && site->host.length > 0)
            conf_errors_add(c->errors, site_place(c, site),
                "host %.*s collides with the name server %.*s; give one of them another name",
                SHOWN(site->host), SHOWN(name));
    }
}

static void check_origin(struct checker *c, const struct origin *origin, struct conf_place at)
{
    struct listening asked = { .at = origin->address };
    size_t low = 0, high = c->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (endpoint_order(&c->list[middle].at, &asked.at) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < c->count && endpoint_equal(&c->list[low].at, &asked.at))
        conf_errors_add(c->errors, at,
            "origin %.*s has the address of our own node %.*s (%s): fills would go in circles",
            SHOWN(origin->name), SHOWN(c->list[low].node->name), c->list[low].service);
}

static void check_origins(struct checker *c)
{
    for (size_t i = 0; i < c->network->customer_count; i++) {
        const struct customer *customer = &c->network->customers[i];
        const struct schema_list *list = &set_customer_at(c, i)->origins;

        for (size_t j = 0; j < customer->origin_count; j++) {
            const struct yaml_node *address = yaml_find(list->nodes[j], SLICE("address"));

            if (address != NULL && customer->origins[j].address.ip.family != IP_NONE)
                check_origin(c, &customer->origins[j], address->at);
        }
    }
}

static struct slice node_word(const void *words, size_t at)
{
    return ((const struct node *)words)[at].name;
}

/* The node that keeps the ledger is one of ours. */
static void check_accounts(struct checker *c)
{
    static const struct slice SQLITE = { "sqlite:", 7 };
    const struct network *network = c->network;
    const struct yaml_node *ledger = yaml_find(c->set->accounts.head.at, SLICE("ledger"));
    const struct yaml_node *node = yaml_find(c->set->accounts.head.at, SLICE("node"));
    struct schema_hint hint = { "" };

    if (ledger != NULL && (!slice_starts(network->accounts_ledger, SQLITE) ||
                              network->accounts_ledger.length == SQLITE.length))
        conf_errors_add(c->errors, ledger->at,
            "found \"%.*s\", expected a database such as sqlite:ledger.db",
            SHOWN(network->accounts_ledger));
    if (network->accounts_node.length == 0 || network_node(network, network->accounts_node) != NULL)
        return;
    for (size_t i = 0; i < network->pop_count && hint.text[0] == '\0'; i++)
        hint = schema_hint(
            network->accounts_node, node_word, network->pops[i].nodes, network->pops[i].node_count);
    conf_errors_add(c->errors, node->at, "there is no node \"%.*s\"%s",
        SHOWN(network->accounts_node), hint.text);
}

void conf_check(
    const struct network *network, const struct set_network *set, struct conf_errors *errors)
{
    struct checker c = { .network = network, .set = set, .errors = errors };

    check_listening(&c);
    check_pop_names(&c);
    check_reserves(&c);
    check_hosts(&c);
    check_origins(&c);
    check_https(&c);
    check_accounts(&c);
    mem_free(c.list);
}
