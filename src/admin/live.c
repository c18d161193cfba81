// SPDX-License-Identifier: Apache-2.0
#include "admin/live.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "admin/json.h"
#include "admin/scope.h"
#include "base/order.h"

/* A site with what it had before, and how busy it was. */
struct busy {
    const struct admin_live_site *from, *to;
    uint64_t rank;
};

static const struct admin_live_node NO_NODE;
static const struct admin_live_site NO_SITE;

static uint64_t grown(uint64_t from, uint64_t to)
{
    return to > from ? to - from : 0;
}

/* Two digits behind the point are as much as anybody reads. */
static void put_rate(json_t *object, const char *key, uint64_t count, double seconds)
{
    json_put_real(object, key, round((double)count / seconds * 100) / 100);
}

static const struct admin_live_node *node_before(
    const struct admin_live *live, const struct admin_live_node *node)
{
    for (size_t i = 0; i < live->node_count; i++)
        if (slice_equal(live->nodes[i].node, node->node))
            return &live->nodes[i];
    return &NO_NODE;
}

static json_t *node_json(
    const struct admin_live_node *from, const struct admin_live_node *to, double seconds)
{
    json_t *object = json_object();

    json_put_text(object, "node", to->node);
    json_put_text(object, "pop", to->pop);
    put_rate(object, "dns_queries_per_s", grown(from->dns_queries, to->dns_queries), seconds);
    put_rate(object, "requests_per_s", grown(from->requests, to->requests), seconds);
    put_rate(object, "hits_per_s", grown(from->hits, to->hits), seconds);
    put_rate(object, "sent_bytes_per_s", grown(from->sent_bytes, to->sent_bytes), seconds);
    json_put_number(object, "connections", to->connections);
    if (to->cpu >= 0)
        json_put_real(object, "cpu", to->cpu);
    if (to->memory >= 0)
        json_put_real(object, "memory", to->memory);
    return object;
}

static json_t *site_json(const struct busy *busy, double seconds)
{
    const struct admin_live_site *from = busy->from, *to = busy->to;
    json_t *object = json_object();

    json_put_text(object, "site", to->site);
    json_put_text(object, "customer", to->customer);
    put_rate(object, "requests_per_s", grown(from->requests, to->requests), seconds);
    put_rate(object, "hits_per_s", grown(from->hits, to->hits), seconds);
    put_rate(object, "sent_bytes_per_s", grown(from->sent_bytes, to->sent_bytes), seconds);
    put_rate(object, "dns_answers_per_s", grown(from->dns_answers, to->dns_answers), seconds);
    return object;
}

/* The busiest first, and of those that are alike by name. */
static int by_rank(const void *left, const void *right)
{
    const struct busy *a = left, *b = right;

    if (a->rank != b->rank)
        return a->rank < b->rank ? 1 : -1;
    return slice_order(a->to->site, b->to->site);
}

/* Those of the scope, each beside what it had before; both lists are in order. */
static size_t pair_sites(const struct admin_live *from, const struct admin_live *to,
    const struct admin_scope *scope, struct busy *list)
{
    size_t count = 0, before = 0;

    for (size_t i = 0; i < to->site_count; i++) {
        const struct admin_live_site *site = &to->sites[i], *old = &NO_SITE;

        while (before < from->site_count && slice_order(from->sites[before].site, site->site) < 0)
            before++;
        if (before < from->site_count && slice_equal(from->sites[before].site, site->site) &&
            slice_equal(from->sites[before].customer, site->customer))
            old = &from->sites[before];
        if (!scope->is_operator && !slice_equal(scope->customer, site->customer))
            continue;
        list[count++] = (struct busy){ old, site,
            grown(old->requests, site->requests) + grown(old->dns_answers, site->dns_answers) };
    }
    return count;
}

void admin_live_write(const struct admin_live *from, const struct admin_live *to, double seconds,
    const struct admin_scope *scope, struct arena *arena, struct text *out)
{
    struct busy *list = arena_array(arena, to->site_count, sizeof *list);
    size_t count = pair_sites(from, to, scope, list);
    json_t *object = json_object(), *nodes = json_array(), *sites = json_array();

    assert(seconds > 0);
    json_put_time(object, "now", to->now);
    json_put_number(object, "uptime_s", (uint64_t)(to->uptime.ns / 1000000000));
    for (size_t i = 0; scope->is_operator && i < to->node_count; i++) {
        const struct admin_live_node *node = &to->nodes[i];

        json_array_append_new(nodes, node_json(node_before(from, node), node, seconds));
    }
    if (count > LIVE_SITES_TOLD_MAX)
        qsort(list, count, sizeof *list, by_rank);
    for (size_t i = 0; i < count && i < LIVE_SITES_TOLD_MAX; i++)
        json_array_append_new(sites, site_json(&list[i], seconds));
    json_object_set_new(object, "nodes", nodes);
    json_object_set_new(object, "sites", sites);
    if (count > LIVE_SITES_TOLD_MAX)
        json_put_number(object, "sites_left_out", count - LIVE_SITES_TOLD_MAX);
    json_write_line(object, out);
}
