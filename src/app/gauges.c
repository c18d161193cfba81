// SPDX-License-Identifier: Apache-2.0
#include "app/gauges.h"

#include "admin/metrics.h"
#include "admin/network.h"
#include "admin/status.h"
#include "app/load.h"
#include "app/overview.h"
#include "app/process.h"
#include "app/status.h"
#include "app/version.h"
#include "io/loop.h"

/* Whose value it is. */
struct owner {
    const struct metrics_label *labels;
    size_t count;
};

#define OWNER(list) ((struct owner){ (list), COUNT_OF(list) })

static void add(
    struct metrics *m, struct owner owner, const char *name, const char *help, double value)
{
    bool is_total = slice_ends(slice_text(name), SLICE("_total"));

    metrics_add_value(m, &(struct metrics_value){ .name = name,
                             .help = help,
                             .kind = is_total ? COUNTER_TOTAL : COUNTER_GAUGE,
                             .labels = owner.labels,
                             .label_count = owner.count,
                             .value = value });
}

/* What is not known has no row. */
static void add_known(struct metrics *m, struct owner owner, const char *name, const char *help,
    double value, double per)
{
    if (value >= 0)
        add(m, owner, name, help, value / per);
}

static void show_release(const struct process *p, struct metrics *m)
{
    const struct network *network = p->release->network;
    char hash[ADMIN_RELEASE_TEXT_MAX];
    const struct metrics_label build[] = { { SLICE("version"), SLICE(WAYPOST_VERSION) } };
    const struct metrics_label release[] = { { SLICE("release"),
        slice_text(admin_release_text(network->hash, hash)) } };

    add(m, OWNER(build), "build_info", "1, of the version that runs", 1);
    add(m, OWNER(release), "release_info", "1, of the configuration in use", 1);
    add(m, (struct owner){ 0 }, "release_sites", "Sites of the configuration in use",
        (double)network->site_count);
    add(m, (struct owner){ 0 }, "workers", "Threads that answer visitors and resolvers",
        workers_count(p->workers));
}

static void show_node(const struct process *p, const struct running_node *node, struct metrics *m)
{
    const struct metrics_label labels[] = { { SLICE("node"), node->name } };
    const struct owner owner = OWNER(labels);
    const struct steer_map *map = root_map(node_root(node));
    struct admin_node_status status;

    status_of_node(&status, node);
    add(m, owner, "http_connections_open", "Connections of visitors that are open",
        (double)status.connections);
    add_known(m, owner, "node_cpu_ratio", "Share of the machine's processors in use",
        load_share(&node->load.cpu), 1);
    add_known(m, owner, "node_memory_ratio", "Share of the machine's memory in use",
        load_share(&node->load.memory), 1);
    add_known(m, owner, "node_load_ratio", "Share of the node's capacity that it sends",
        load_share(&node->load.application), 1);
    if (map != NULL) {
        int64_t age_ms = loop_wall(process_control(p)).ms - map->epoch.ms;

        add(m, owner, "steer_map_age_seconds", "Since the epoch that the map in use is of",
            age_ms < 0 ? 0 : (double)age_ms / 1000);
    }
}

static void show_pops(struct slice node, const struct admin_network *told, struct metrics *m)
{
    const struct admin_seen *seen = told->nodes;

    for (size_t i = 0; i < told->network->pop_count; i++) {
        const struct pop *pop = &told->network->pops[i];
        const struct admin_seen all = admin_seen_of_pop(seen, pop->node_count);
        const struct metrics_label labels[] = { { SLICE("node"), node },
            { SLICE("pop"), pop->name } };
        const struct owner owner = OWNER(labels);

        seen += pop->node_count;
        if (all.state != ADMIN_UNKNOWN)
            add(m, owner, "pop_up", "1: some node of the pop is up and not drained",
                all.state == ADMIN_UP);
        add(m, owner, "pop_drained", "1: an operator has drained all of it",
            all.state == ADMIN_DRAINED);
        add_known(m, owner, "pop_latency_seconds", "Round trip to the nearest node of the pop",
            all.latency_ms, 1e3);
        add_known(m, owner, "pop_load_ratio", "Share of its capacity that the fullest node sends",
            all.load, 1);
        add_known(m, owner, "pop_requests_per_second", "Requests that its nodes say they answer",
            all.requests_per_s, 1);
    }
}

static void show_origin(struct owner owner, const struct admin_seen *seen, struct metrics *m)
{
    if (seen->state != ADMIN_UNKNOWN)
        add(m, owner, "origin_up", "1: the origin is up and not drained", seen->state == ADMIN_UP);
    add(m, owner, "origin_drained", "1: the origin is drained", seen->state == ADMIN_DRAINED);
    add_known(m, owner, "origin_latency_seconds", "Round trip to the origin, smoothed",
        seen->latency_ms, 1e3);
    add_known(m, owner, "origin_response_seconds", "Time to its whole answer to a probe, smoothed",
        seen->response_ms, 1e3);
    add_known(m, owner, "origin_load_ratio", "Share of its capacity that is in use", seen->load, 1);
}

/* What one node's fills see of an origin. */
static void show_fills(const struct running_node *node, struct owner owner,
    const struct origin *origin, struct metrics *m)
{
    struct origin_load load = { .origin = &origin->address };
    struct origin_record record;

    origin_pool_record(node->pool, &origin->address, &record);
    origin_pool_loads(node->pool, &load, 1, (struct instant){ 0 });
    add(m, owner, "origin_requests_total", "Requests to the origin", (double)record.asked);
    add(m, owner, "origin_failures_total", "Of these, the ones without a good answer",
        (double)record.failed);
    add(m, owner, "origin_in_flight", "Requests to the origin under way", load.in_flight);
    add_known(m, owner, "origin_fill_response_seconds", "Time to an answer's head, smoothed",
        load.response_us > 0 ? (double)load.response_us : -1, 1e6);
}

/* As the first node sees them, and what the fills of each node do. */
static void show_origins(
    const struct process *p, const struct admin_network *told, size_t node, struct metrics *m)
{
    size_t at = 0, left_out = 0;
    const struct metrics_label own[] = { { SLICE("node"), p->nodes[node]->name } };

    for (size_t i = 0; i < told->network->customer_count; i++) {
        const struct customer *customer = &told->network->customers[i];

        for (size_t j = 0; j < customer->origin_count; j++, at++) {
            const struct metrics_label labels[] = { own[0], { SLICE("customer"), customer->name },
                { SLICE("origin"), customer->origins[j].name } };

            left_out += at >= GAUGES_SHOWN;
            if (at >= GAUGES_SHOWN)
                continue;
            if (node == 0)
                show_origin(OWNER(labels), &told->origins[at], m);
            show_fills(p->nodes[node], OWNER(labels), &customer->origins[j], m);
        }
    }
    add(m, OWNER(own), "origins_left_out", "Origins without rows here: there are too many",
        (double)left_out);
}

void gauges_show(const struct process *process, struct metrics *m)
{
    struct admin_network told = { 0 };
    struct arena arena;

    arena_init(&arena, SIZE_MAX); // bounded by the release
    overview_network(process, &arena, &told);
    show_release(process, m);
    show_pops(process->nodes[0]->name, &told, m);
    for (size_t i = 0; i < process->node_count; i++) {
        show_node(process, process->nodes[i], m);
        show_origins(process, &told, i, m);
    }
    arena_done(&arena);
}
