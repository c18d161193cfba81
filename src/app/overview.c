// SPDX-License-Identifier: Apache-2.0
#include "app/overview.h"

#include <assert.h>
#include <stdlib.h>

#include "admin/live.h"
#include "admin/network.h"
#include "app/load.h"
#include "app/orders.h"
#include "app/process.h"
#include "app/status.h"
#include "app/verdicts.h"
#include "base/order.h"
#include "io/loop.h"
#include "meter/usage.h"
#include "steer/rows.h"

/* What the first node of the process knows of its checks. */
struct sight {
    const struct steer_rows *rows;
    const struct facts *facts; // NULL: no map was made of these rows yet
    const struct verdicts *verdicts;
    const struct drains *drains;
};

static struct sight sight_of(const struct process *p)
{
    const struct root *root = node_root(p->nodes[0]);
    const struct steer_map *map = root_map(root);

    return (struct sight){ .rows = root->rows,
        .facts = steer_map_fits(map, root->rows) ? map->facts : NULL,
        .verdicts = steering_verdicts(p->steering[0]),
        .drains = orders_drained(p->orders[0]) };
}

/* What one check says of the thing it measures. */
static void look_at(const struct sight *sight, uint32_t at, struct admin_seen *seen)
{
    const struct votes_tally tally = verdicts_tally(sight->verdicts, at);
    uint8_t health = steer_health(sight->rows, at);
    enum admin_state state = (health & (STEER_DOWN | STEER_LEAVING)) != 0 ? ADMIN_DOWN
                             : tally.by == VOTES_BY_NOBODY                ? ADMIN_UNKNOWN
                                                                          : ADMIN_UP;

    if (sight->rows->checks->list[at].kind != CHECK_LOAD)
        seen->state = admin_state_join(seen->state, state);
    if (sight->facts != NULL)
        admin_seen_learn(seen, sight->facts->checks[at].own);
}

static struct admin_seen *see_nodes(
    const struct sight *sight, const struct network *network, struct arena *arena)
{
    size_t count = 0, filled = 0;

    for (size_t i = 0; i < network->pop_count; i++)
        count += network->pops[i].node_count;
    struct admin_seen *list = arena_array(arena, count, sizeof *list);

    for (size_t i = 0; i < network->pop_count; i++)
        for (size_t j = 0; j < network->pops[i].node_count; j++) {
            const struct node *node = &network->pops[i].nodes[j];
            struct admin_seen *seen = &list[filled++];
            uint32_t check = checks_of_node(sight->rows->checks, node);

            *seen = ADMIN_SEEN_NOTHING;
            if (check != CHECK_NONE)
                look_at(sight, check, seen);
            if (drains_has_node(sight->drains, node))
                seen->state = ADMIN_DRAINED;
        }
    return list;
}

/* Where the origins of a customer begin in the list of all. */
static size_t first_origin(const struct network *network, const struct customer *customer)
{
    size_t first = 0;

    for (const struct customer *c = network->customers; c < customer; c++)
        first += c->origin_count;
    return first;
}

static struct admin_seen *see_origins(
    const struct sight *sight, const struct network *network, struct arena *arena)
{
    const struct checks *checks = sight->rows->checks;
    size_t count = first_origin(network, network->customers + network->customer_count);
    struct admin_seen *list = arena_array(arena, count, sizeof *list);
    const struct customer *last = NULL;
    size_t first = 0;

    for (size_t i = 0; i < count; i++)
        list[i] = ADMIN_SEEN_NOTHING;
    for (uint32_t i = 0; i < checks->count; i++) {
        const struct origin *origin = checks->list[i].origin;

        if (origin == NULL)
            continue;
        assert(origin->customer != NULL);
        if (origin->customer != last)
            first = first_origin(network, origin->customer);
        last = origin->customer;
        look_at(sight, i, &list[first + (size_t)(origin - origin->customer->origins)]);
    }
    for (size_t i = 0, at = 0; i < network->customer_count; i++)
        for (size_t j = 0; j < network->customers[i].origin_count; j++, at++) {
            const struct origin *origin = &network->customers[i].origins[j];
            struct admin_seen *seen = &list[at];

            if (seen->load < 0 && origin->capacity_requests_per_s > 0 && seen->requests_per_s >= 0)
                seen->load = seen->requests_per_s / origin->capacity_requests_per_s;
            if (drains_has_origin(sight->drains, origin))
                seen->state = ADMIN_DRAINED;
        }
    return list;
}

void overview_network(
    const struct process *process, struct arena *arena, struct admin_network *network)
{
    const struct sight sight = sight_of(process);

    network->network = node_root(process->nodes[0])->network; // which the checks are of
    network->nodes = see_nodes(&sight, network->network, arena);
    network->origins = see_origins(&sight, network->network, arena);
}

static void fill_node(
    struct admin_live_node *live, const struct running_node *node, struct arena *arena)
{
    struct admin_node_status status;

    status_of_node(&status, node);
    *live = (struct admin_live_node){ .node = arena_copy(arena, status.node->name),
        .pop = arena_copy(arena, status.node->pop->name),
        .dns_queries = status.dns_queries,
        // The requests are counted before they are known to be probes.
        .requests = status.requests > status.probes ? status.requests - status.probes : 0,
        .hits = status.hits,
        .sent_bytes = status.sent_bytes,
        .connections = status.connections,
        .cpu = load_share(&node->load.cpu),
        .memory = load_share(&node->load.memory) };
}

static int by_site(const void *left, const void *right)
{
    const struct admin_live_site *a = left, *b = right;

    return slice_order(a->site, b->site);
}

/* What one node's usage says, to the sites that are in use. */
static void add_usage(const struct usage *usage, struct admin_live *live)
{
    struct usage_boot boot;

    usage_live(usage, &boot);
    for (size_t i = 0; i < boot.slots; i++) {
        struct usage_slot slot;

        usage_live_slot(usage, i, &slot);
        const struct admin_live_site asked = { .site = slot.site };
        struct admin_live_site *site =
            live->site_count == 0
                ? NULL
                : bsearch(&asked, live->sites, live->site_count, sizeof asked, by_site);

        if (site == NULL || !slice_equal(site->customer, slot.customer))
            continue;
        site->requests += usage_requests(&slot.totals);
        site->hits += slot.totals.of[USAGE_HIT] + slot.totals.of[USAGE_STALE];
        site->sent_bytes += slot.totals.of[USAGE_SENT_BYTES];
        site->dns_answers += slot.totals.of[USAGE_DNS_ANSWERS];
    }
}

void overview_live(const struct process *process, struct arena *arena, struct admin_live *live)
{
    const struct network *network = process->release->network;
    struct loop *loop = process_control(process);

    live->now = loop_wall(loop);
    live->uptime = instant_since(process->started, loop_now(loop));
    live->node_count = process->node_count;
    live->nodes = arena_array(arena, process->node_count, sizeof live->nodes[0]);
    live->site_count = network->site_count;
    live->sites = arena_array(arena, network->site_count, sizeof live->sites[0]);
    for (size_t i = 0; i < network->site_count; i++) { // they are in order
        live->sites[i].site = arena_copy(arena, network->sites[i]->host);
        live->sites[i].customer = arena_copy(arena, network->sites[i]->customer->name);
    }
    for (size_t i = 0; i < process->node_count; i++) {
        fill_node(&live->nodes[i], process->nodes[i], arena);
        if (process->usage[i] != NULL)
            add_usage(process->usage[i], live);
    }
}
