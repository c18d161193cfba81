// SPDX-License-Identifier: Apache-2.0
#include "admin/status.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "admin/json.h"
#include "admin/orders.h"
#include "conf/summary.h"
#include "steer/drains.h"

const char *admin_kind_text(enum site_kind kind)
{
    switch (kind) {
    case SITE_STEER: return "steer";
    case SITE_DELIVER: return "deliver";
    }
    assert(false);
    return "";
}

const char *admin_release_text(uint64_t hash, char text[ADMIN_RELEASE_TEXT_MAX])
{
    snprintf(text, ADMIN_RELEASE_TEXT_MAX, "%016" PRIx64, hash);
    return text;
}

const char *admin_time_text(struct wall wall, char text[ADMIN_TIME_TEXT_MAX])
{
    time_t seconds = (time_t)wall_s(wall);
    struct tm parts;

    gmtime_r(&seconds, &parts);
    strftime(text, ADMIN_TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

/* Nodes that know the same share the shared one; the other is also of what each measures for
 * itself.
 */
static json_t *map_json(const struct steer_map *map)
{
    json_t *object = json_object();
    char hash[ADMIN_RELEASE_TEXT_MAX];

    json_put_text(object, "hash", slice_text(admin_release_text(map->hash, hash)));
    json_put_text(object, "shared", slice_text(admin_release_text(map->shared_hash, hash)));
    json_put_time(object, "epoch", map->epoch);
    return object;
}

static json_t *node_json(const struct admin_node_status *s, const struct network *network)
{
    json_t *object = json_object(), *addresses = json_array(), *ports = json_object(),
           *store = json_object();

    json_put_text(object, "name", s->node->name);
    json_put_text(object, "pop", s->node->pop->name);
    json_put_text(object, "place", s->node->pop->place);
    for (size_t i = 0; i < s->node->address_count; i++) {
        char text[IP_TEXT_MAX];

        json_array_append_new(addresses, json_string(ip_text(&s->node->addresses[i], text)));
    }
    json_object_set_new(object, "addresses", addresses);
    json_put_number(ports, "dns", s->node->ports.dns);
    json_put_number(ports, "http", s->node->ports.http);
    json_put_number(ports, "https", network_has_https(network) ? s->node->ports.https : 0);
    json_put_number(ports, "admin", s->node->ports.admin);
    json_object_set_new(object, "ports", ports);
    json_put_number(object, "dns_queries", s->dns_queries);
    json_put_number(object, "requests", s->requests);
    json_put_number(object, "hits", s->hits);
    json_put_number(object, "sent_bytes", s->sent_bytes);
    json_put_number(object, "connections", s->connections);
    json_put_number(store, "used_bytes", s->store.used_bytes);
    json_put_number(store, "limit_bytes", s->store.limit_bytes);
    json_put_number(store, "objects", s->store.objects);
    json_object_set_new(object, "store", store);
    if (s->map != NULL)
        json_object_set_new(object, "map", map_json(s->map));
    return object;
}

static json_t *origin_json(const struct admin_origin_status *s)
{
    json_t *object = json_object();
    char address[ENDPOINT_TEXT_MAX];

    json_put_text(object, "customer", s->origin->customer->name);
    json_put_text(object, "name", s->origin->name);
    json_put_text(object, "address", slice_text(endpoint_text(&s->origin->address, address)));
    json_put_text(object, "node", s->node);
    json_put_number(object, "fetches", s->fetches);
    json_put_number(object, "failures", s->failures);
    json_put_number(object, "in_flight", s->in_flight);
    if (s->response_us > 0)
        json_put_number(object, "response_us", s->response_us);
    if (s->last_error.length > 0) {
        json_put_text(object, "last_error", s->last_error);
        json_put_time(object, "last_error_at", s->last_error_at);
    }
    return object;
}

static json_t *certificate_json(const struct admin_certificate_status *s)
{
    json_t *object = json_object();

    json_put_text(object, "name", s->name);
    if (s->file.length > 0)
        json_put_text(object, "file", s->file);
    json_put_time(object, "valid_from", s->from);
    json_put_time(object, "valid_till", s->till);
    json_object_set_new(object, "days_left", json_integer(s->days_left));
    if (s->note.length > 0)
        json_put_text(object, "note", s->note);
    return object;
}

static json_t *site_json(const struct site *site)
{
    json_t *object = json_object(), *targets = json_array();

    json_put_text(object, "host", site->host);
    json_put_text(object, "customer", site->customer->name);
    json_put_text(object, "kind", slice_text(admin_kind_text(site->kind)));
    // The word that matters for the kind: who is answered with, or who is asked for a fill.
    json_put_text(object, "policy",
        slice_text(site->kind == SITE_STEER ? site_policy_text(site->policy)
                                            : site_fill_text(site->fill)));
    for (size_t i = 0; i < site->origin_count; i++)
        json_array_append_new(targets, json_of_text(site->origins[i]->name));
    json_object_set_new(object, "origins", targets);
    json_put_number(object, "ttl_s", (uint64_t)(site->ttl.ns / 1000000000));
    return object;
}

json_t *admin_release_json(const struct network *network)
{
    json_t *object = json_object();
    char hash[ADMIN_RELEASE_TEXT_MAX];

    json_put_text(object, "hash", slice_text(admin_release_text(network->hash, hash)));
    json_put_number(object, "serial", network->serial);
    return object;
}

/* What of all lists, one behind the other, is on a page. */
struct page {
    uint64_t after, left; // members before it; room on it
    uint64_t at;          // members of the lists so far
};

struct range {
    size_t first, end;
};

/* Of the next list, which has so many members. */
static struct range page_take(struct page *page, size_t count)
{
    uint64_t before = page->after > page->at ? page->after - page->at : 0;
    size_t first = before < count ? (size_t)before : count;
    size_t told = count - first < page->left ? count - first : (size_t)page->left;

    page->at += count;
    page->left -= told;
    return (struct range){ first, first + told };
}

static void put_nodes(json_t *object, const struct admin_status *status, struct page *page)
{
    json_t *nodes = json_array(), *peers = json_array(), *origins = json_array();

    for (struct range r = page_take(page, status->node_count); r.first < r.end; r.first++)
        json_array_append_new(nodes, node_json(&status->nodes[r.first], status->network));
    for (struct range r = page_take(page, status->peer_count); r.first < r.end; r.first++)
        json_array_append_new(peers, admin_peer_json(&status->peers[r.first]));
    for (struct range r = page_take(page, status->origin_count); r.first < r.end; r.first++)
        json_array_append_new(origins, origin_json(&status->origins[r.first]));
    json_object_set_new(object, "nodes", nodes);
    json_object_set_new(object, "peers", peers);
    json_object_set_new(object, "origins", origins);
}

static void put_sites(json_t *object, const struct admin_status *status, struct page *page)
{
    json_t *sites = json_array(), *certificates = json_array(), *bare = json_array();

    for (struct range r = page_take(page, status->network->site_count); r.first < r.end; r.first++)
        json_array_append_new(sites, site_json(status->network->sites[r.first]));
    for (struct range r = page_take(page, status->certificate_count); r.first < r.end; r.first++)
        json_array_append_new(certificates, certificate_json(&status->certificates[r.first]));
    for (struct range r = page_take(page, status->bare_count); r.first < r.end; r.first++)
        json_array_append_new(bare, json_of_text(status->bare_sites[r.first]));
    json_object_set_new(object, "sites", sites);
    json_object_set_new(object, "certificates", certificates);
    json_object_set_new(object, "sites_without_certificate", bare);
}

static void put_checks(
    json_t *object, const struct admin_status *status, struct page *page, size_t count)
{
    json_t *checks = json_array();

    for (struct range r = page_take(page, count); r.first < r.end; r.first++)
        json_array_append_new(
            checks, admin_check_facts_json(&status->checks[r.first], status->now));
    json_object_set_new(object, "checks", checks);
    json_put_number(object, "checks_left_out", status->check_count - count);
}

void admin_status_write(const struct admin_status *status,
    const struct admin_status_question *question, struct text *out)
{
    const struct network *network = status->network;
    bool is_page = question->limit > 0;
    struct page page = { question->after, is_page ? question->limit : UINT64_MAX, 0 };
    json_t *object = json_object();

    json_put_text(object, "network", network->name);
    if (status->customer.length > 0)
        json_put_text(object, "customer", status->customer);
    json_put_text(object, "version", status->version);
    json_put_time(object, "now", status->now);
    json_put_number(object, "uptime_s", (uint64_t)(status->uptime.ns / 1000000000));
    json_put_number(object, "workers", status->workers);
    json_object_set_new(object, "release", admin_release_json(network));
    put_nodes(object, status, &page);
    put_sites(object, status, &page);
    struct range drains = page_take(&page, status->drain_count);

    json_object_set_new(object, "drains",
        admin_drains_json(drains.first < drains.end ? &status->drains[drains.first] : NULL,
            drains.end - drains.first, network));
    put_checks(object, status, &page,
        is_page || status->check_count < ADMIN_CHECKS_MAX ? status->check_count : ADMIN_CHECKS_MAX);
    if (is_page && question->after + question->limit < page.at)
        json_put_number(object, "after", question->after + question->limit);
    json_write(object, out);
}
