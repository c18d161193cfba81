// SPDX-License-Identifier: Apache-2.0
#include "dns/compile.h"

#include <assert.h>

#include "base/mem.h"
#include "dns/builder.h"
#include "wire/dns_message.h"
#include "wire/dns_writer.h"

enum { SOA_REFRESH = 3600, SOA_RETRY = 600, SOA_EXPIRE = 7 * 86400, TEXT_MAX = 255 };

struct compiler {
    const struct network *network;
    struct dns_builder *builder;
    struct dns_name zone;
    struct dns_name *servers; // one for each of the network's name servers
    struct diag *why;
};

static enum err name_parse(const struct compiler *c, struct slice text, struct dns_name *name)
{
    struct dns_name parsed;

    if (!dns_name_parse(text, &parsed)) {
        diag_say(c->why, "\"%.*s\" is no domain name", SLICE_ARG(slice_head(text, 255)));
        return ERR_CONFIG;
    }
    dns_name_lower(dns_name_wire(&parsed), parsed.label_count, 0, name);
    return ERR_NONE;
}

static bool lies_in(const struct dns_name *name, const struct dns_name *zone)
{
    return dns_name_lies_in(dns_name_wire(name), dns_name_wire(zone));
}

static void addresses_add(
    const struct compiler *c, const struct dns_name *owner, const struct node *node, uint32_t ttl)
{
    for (size_t i = 0; i < node->address_count; i++) {
        const struct ip *ip = &node->addresses[i];

        dns_builder_add(c->builder, owner, ip->family == IP_V4 ? DNS_TYPE_A : DNS_TYPE_AAAA, ttl,
            slice_of(ip->bytes, ip_size(ip)));
    }
}

/* "hostmaster@example.net": what stands before the @ is one label, dots and all. */
static enum err contact_parse(const struct compiler *c, struct dns_name *name)
{
    struct slice contact = c->network->contact;
    size_t at = slice_find(contact, '@');
    struct slice local = slice_head(contact, at);

    if (at == contact.length) {
        local = SLICE("hostmaster");
        *name = c->zone;
    } else {
        TRY(name_parse(c, slice_from(contact, at + 1), name));
    }
    if (dns_name_prepend(name, local))
        return ERR_NONE;
    diag_say(c->why, "contact \"%.*s\" is no mail address", SLICE_ARG(slice_head(contact, 255)));
    return ERR_CONFIG;
}

/* SOA and NS, which make `apex` a zone. */
static enum err apex_add(const struct compiler *c, const struct dns_name *apex)
{
    char data[2 * DNS_NAME_MAX + 20];
    struct dns_writer w = { .out = data, .room = sizeof data };
    struct dns_name contact;

    TRY(contact_parse(c, &contact));
    dns_write_name(&w, &c->servers[0]);
    dns_write_name(&w, &contact);
    dns_write_u32(&w, c->network->serial);
    dns_write_u32(&w, SOA_REFRESH);
    dns_write_u32(&w, SOA_RETRY);
    dns_write_u32(&w, SOA_EXPIRE);
    dns_write_u32(&w, DNS_NEGATIVE_TTL);
    assert(!w.is_full);
    dns_builder_add(c->builder, apex, DNS_TYPE_SOA, DNS_ZONE_TTL, slice_of(data, w.used));
    for (size_t i = 0; i < c->network->nameserver_count; i++)
        dns_builder_add(c->builder, apex, DNS_TYPE_NS, DNS_ZONE_TTL, dns_name_wire(&c->servers[i]));
    return ERR_NONE;
}

static void text_add(const struct compiler *c)
{
    static const char PREFIX[] = "waypost ";
    char data[1 + TEXT_MAX];
    struct slice name = slice_head(c->network->name, TEXT_MAX - (sizeof PREFIX - 1));

    data[0] = (char)(sizeof PREFIX - 1 + name.length);
    memcpy(data + 1, PREFIX, sizeof PREFIX - 1);
    memcpy(data + sizeof PREFIX, name.at, name.length);
    dns_builder_add(c->builder, &c->zone, DNS_TYPE_TXT, DNS_ZONE_TTL,
        slice_of(data, sizeof PREFIX + name.length));
}

/* LABEL.KIND.ZONE */
static enum err place_name(
    const struct compiler *c, struct slice label, struct slice kind, struct dns_name *name)
{
    *name = c->zone;
    if (dns_name_prepend(name, kind) && dns_name_prepend(name, label))
        return ERR_NONE;
    diag_say(
        c->why, "\"%.*s\" is too long for a name in the zone", SLICE_ARG(slice_head(label, 255)));
    return ERR_CONFIG;
}

/* Node number `at` of `count` to the name servers in ZONE that it stands for. With fewer nodes than
 * name servers, a node stands for several. */
static void servers_add(const struct compiler *c, const struct node *node, size_t at, size_t count)
{
    size_t server_count = c->network->nameserver_count;

    for (size_t i = 0; i < server_count; i++) {
        bool is_its = at % server_count == i || (i >= count && i % count == at);

        if (is_its && lies_in(&c->servers[i], &c->zone))
            addresses_add(c, &c->servers[i], node, DNS_ZONE_TTL);
    }
}

/* All nodes in configuration order: as name servers, and under the names of places. */
static enum err nodes_add(const struct compiler *c)
{
    size_t count = 0, at = 0;

    for (size_t p = 0; p < c->network->pop_count; p++)
        count += c->network->pops[p].node_count;
    for (size_t p = 0; p < c->network->pop_count; p++) {
        const struct pop *pop = &c->network->pops[p];
        struct dns_name pop_name, node_name;

        TRY(place_name(c, pop->name, SLICE("pop"), &pop_name));
        for (size_t n = 0; n < pop->node_count; n++) {
            TRY(place_name(c, pop->nodes[n].name, SLICE("node"), &node_name));
            addresses_add(c, &node_name, &pop->nodes[n], DNS_NODE_TTL);
            addresses_add(c, &pop_name, &pop->nodes[n], DNS_NODE_TTL);
            servers_add(c, &pop->nodes[n], at++, count);
        }
    }
    return ERR_NONE;
}

/* The host itself, where it is in a zone of ours or makes one, and HOST.ZONE. */
static enum err site_add(const struct compiler *c, const struct steer_row *row, bool is_apex)
{
    const struct site *site = row->site;
    struct dns_name host, alias;
    int64_t ttl = site->ttl.ns / 1000000000;

    TRY(name_parse(c, site->host, &host));
    if (is_apex)
        TRY(apex_add(c, &host));
    alias = host;
    if (!dns_name_append(&alias, &c->zone)) {
        diag_say(c->why, "site %.*s: too long for a name in the zone", SLICE_ARG(site->host));
        return ERR_CONFIG;
    }
    for (int i = 0; i < 2; i++) {
        uint16_t type = i == 0 ? DNS_TYPE_A : DNS_TYPE_AAAA;

        dns_builder_steer(c->builder, &host, type, (uint32_t)ttl, row);
        dns_builder_steer(c->builder, &alias, type, (uint32_t)ttl, row);
    }
    return ERR_NONE;
}

/* Nothing of ours lies above the host: neither ZONE nor another site. */
static bool is_outermost(const struct compiler *c, const struct site *site)
{
    struct slice up = site->host;

    if (slice_same(up, c->network->zone))
        return false;
    for (size_t dot = slice_find(up, '.'); dot < up.length; dot = slice_find(up, '.')) {
        up = slice_from(up, dot + 1);
        if (slice_same(up, c->network->zone) || network_site(c->network, up) != NULL)
            return false;
    }
    return true;
}

static enum err network_add(struct compiler *c, const struct steer_rows *rows)
{
    const struct network *network = c->network;

    assert(network->nameserver_count > 0);
    TRY(name_parse(c, network->zone, &c->zone));
    for (size_t i = 0; i < network->nameserver_count; i++)
        TRY(name_parse(c, network->nameservers[i], &c->servers[i]));
    TRY(apex_add(c, &c->zone));
    text_add(c);
    TRY(nodes_add(c));
    for (size_t i = 0; i < rows->count; i++)
        TRY(site_add(c, &rows->list[i], is_outermost(c, rows->list[i].site)));
    return ERR_NONE;
}

/* Where what leads to each target of the row is counted. */
static struct answers_line *const *find_pairs(
    struct dns_zones *zones, const struct steer_row *row, struct answers *answers)
{
    struct answers_line **pairs =
        arena_array(&zones->arena, row->count, sizeof(struct answers_line *));

    for (size_t i = 0; i < row->count; i++)
        pairs[i] = answers_pair(answers, row->site->customer->name, row->site->host,
            steer_target_name(&row->targets[i]));
    return pairs;
}

static void find_slots(struct dns_zones *zones, struct usage *usage)
{
    for (size_t i = 0; i < zones->steered_count && usage != NULL; i++) {
        struct dns_steered *steered = &zones->steered[i];
        const struct site *site = steered->row->site;
        bool is_next = i > 0 && zones->steered[i - 1].row == steered->row; // of the other family

        steered->usage = usage_site(usage, site->customer->name, site->host);
        steered->given = is_next ? zones->steered[i - 1].given
                                 : find_pairs(zones, steered->row, usage_answers(usage));
    }
}

enum err dns_zones_compile(const struct steer_rows *rows, struct usage *usage, uint64_t seed,
    struct dns_zones **zones, struct diag *why)
{
    const struct network *network = rows->network;
    struct compiler c = { .network = network,
        .builder = dns_builder_new(seed),
        .servers = mem_array(network->nameserver_count, sizeof *c.servers),
        .why = why };

    enum err err = network_add(&c, rows);

    if (err == ERR_NONE)
        err = dns_builder_finish(&c.builder, zones, why);
    if (err == ERR_NONE) {
        (*zones)->rows = rows;
        find_slots(*zones, usage);
    }
    dns_builder_free(c.builder);
    mem_free(c.servers);
    return err;
}
