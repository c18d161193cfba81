// SPDX-License-Identifier: Apache-2.0
#include "app/status.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/access_log.h"
#include "app/bookkeeping.h"
#include "app/certificates.h"
#include "app/consulting.h"
#include "app/explain.h"
#include "app/gauges.h"
#include "app/history.h"
#include "app/metering.h"
#include "app/ordering.h"
#include "app/orders.h"
#include "app/orders_journal.h"
#include "app/overview.h"
#include "app/process.h"
#include "app/reload.h"
#include "app/version.h"
#include "base/mem.h"
#include "cache/purges.h"

enum { ERROR_TEXT_MAX = 64 };

/* The totals of one counter over a node's workers. */
static uint64_t sum(
    const struct running_node *node, const void *(*counts)(struct node_worker *), size_t offset)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < node->worker_count; i++)
        total += counter_read(
            (const struct counter *)(const void *)((const char *)counts(&node->workers[i]) +
                                                   offset));
    return total;
}

static const void *http_counts(struct node_worker *worker)
{
    return http_server_counts(worker->http);
}

static const void *dns_counts(struct node_worker *worker)
{
    return &worker->dns_counts;
}

static const void *cache_counts(struct node_worker *worker)
{
    return delivery_counts(worker->delivery);
}

static const void *tls_counts(struct node_worker *worker)
{
    return &worker->tls_counts;
}

static const void *turn_counts(struct node_worker *worker)
{
    return loop_counts(worker->loop);
}

/* The parts of a node that count, as /metrics shows them. */
static const struct counting_part {
    const struct counter_row *rows;
    const size_t *row_count;
    const void *(*counts)(struct node_worker *worker);
} COUNTING_PARTS[] = {
    { dns_counter_rows, &dns_counter_row_count, dns_counts },
    { http_server_counter_rows, &http_server_counter_row_count, http_counts },
    { tls_counter_rows, &tls_counter_row_count, tls_counts },
    { delivery_counter_rows, &delivery_counter_row_count, cache_counts },
};

static bool healthy(struct admin_source *source, struct diag *why)
{
    (void)source;
    (void)why;
    return true; // what cannot serve does not start; later parts will have something to add
}

static void add_value(struct metrics *m, const struct metrics_label *node, const char *name,
    const char *help, double value)
{
    bool is_total = slice_ends(slice_text(name), SLICE("_total"));

    metrics_add_value(m, &(struct metrics_value){ .name = name,
                             .help = help,
                             .kind = is_total ? COUNTER_TOTAL : COUNTER_GAUGE,
                             .labels = node,
                             .label_count = node == NULL ? 0 : 1,
                             .value = value });
}

static void add_store(
    struct metrics *m, const struct metrics_label *label, const struct running_node *node)
{
    struct store_stats s;

    store_stats(node->store, &s);
    add_value(
        m, label, "store_memory_bytes", "Memory of the store, as set", (double)s.memory_bytes);
    add_value(m, label, "store_used_bytes", "Memory of the store in use", (double)s.used_bytes);
    add_value(m, label, "store_objects", "Objects and markers in the store", (double)s.objects);
    add_value(m, label, "store_fills", "Fills under way", (double)s.fills);
    add_value(m, label, "store_inserts_total", "Objects stored", (double)s.inserts);
    add_value(m, label, "store_evictions_total", "Objects that made room", (double)s.evictions);
    add_value(
        m, label, "store_refused_space_total", "Fills refused: no memory", (double)s.refused_space);
    add_value(m, label, "store_refused_large_total", "Fills refused: object too large",
        (double)s.refused_large);
    add_value(m, label, "store_found_gone_total", "Look-ups that met an object that was purged",
        (double)s.found_gone);
    add_value(m, label, "store_found_stale_total",
        "Look-ups that met an object purged softly, or in doubt", (double)s.found_stale);
}

static void add_purges(
    struct metrics *m, const struct metrics_label *label, const struct running_node *node)
{
    static const struct slice KINDS[] = { [PURGE_URL] = { "url", 3 },
        [PURGE_PREFIX] = { "prefix", 6 },
        [PURGE_TAG] = { "tag", 3 },
        [PURGE_SITE] = { "site", 4 } };
    struct purges_stats s;

    purges_stats(store_purges(node->store), &s);
    for (size_t i = 0; i < PURGE_KIND_COUNT; i++) {
        const struct metrics_label labels[] = { *label, { SLICE("kind"), KINDS[i] } };

        metrics_add_value(m, &(struct metrics_value){ .name = "purges_total",
                                 .help = "Purges that took effect",
                                 .kind = COUNTER_TOTAL,
                                 .labels = labels,
                                 .label_count = COUNT_OF(labels),
                                 .value = (double)s.added[i] });
    }
    add_value(m, label, "purges_entries", "Purges that are known one by one", (double)s.entries);
    add_value(m, label, "purges_folds_total",
        "Times that old purges were made ones of their whole sites, for want of room",
        (double)s.folds);
    add_value(m, label, "purges_widened_total",
        "Purges of prefixes cut to a shorter one, for want of lengths", (double)s.widened);
    add_value(m, label, "purges_doubtful",
        "1 while what was stored is validated, since purges may have been missed",
        s.is_doubtful ? 1 : 0);
}

static void add_origins(
    struct metrics *m, const struct metrics_label *label, const struct running_node *node)
{
    struct origin_pool_stats s;

    origin_pool_stats(node->pool, &s);
    add_value(m, label, "origin_idle_connections", "Connections to origins kept for the next fill",
        (double)s.idle);
    add_value(m, label, "origin_reused_total", "Requests to origins over a kept connection",
        (double)s.reused);
    add_value(m, label, "origin_full_total",
        "Connections to origins closed: enough were kept already", (double)s.full);
    add_value(m, label, "origin_forgotten_total",
        "Origins no longer known: too many others were asked since", (double)s.forgotten);
    add_value(m, label, "origin_failed_total", "Requests to origins without a good answer",
        (double)s.failed);
}

static void add_node(struct metrics *m, const struct running_node *node)
{
    const struct metrics_label label = { SLICE("node"), node->name };
    const void *instances[WORKERS_MAX];

    for (size_t i = 0; i < COUNT_OF(COUNTING_PARTS); i++) {
        const struct counting_part *part = &COUNTING_PARTS[i];

        for (unsigned j = 0; j < node->worker_count; j++)
            instances[j] = part->counts(&node->workers[j]);
        metrics_add_counters(m, &(struct metrics_set){ .rows = part->rows,
                                    .row_count = *part->row_count,
                                    .labels = &label,
                                    .label_count = 1,
                                    .instances = instances,
                                    .instance_count = node->worker_count });
    }
    add_store(m, &label, node);
    add_purges(m, &label, node);
    add_origins(m, &label, node);
    if (node->usage != NULL)
        metering_show(node->usage, &label, m);
}

static void add_orders(struct metrics *m, struct slice node, const struct orders *orders)
{
    const struct metrics_label label = { SLICE("node"), node };
    const struct orders_position position = orders_position(orders);
    const struct drain *drains;

    metrics_add_counts(
        m, &label, orders_counter_rows, orders_counter_row_count, orders_counts(orders));
    metrics_add_counts(m, &label, orders_journal_counter_rows, orders_journal_counter_row_count,
        orders_journal_counts(orders_journal(orders)));
    add_value(m, &label, "orders_position", "Number of the newest order applied and on disk",
        (double)position.number);
    add_value(m, &label, "orders_behind", "1: the log may have gone on without this node",
        orders_is_behind(orders));
    add_value(m, &label, "orders_unwritten", "1: what was applied cannot be written to disk",
        orders_is_unwritten(orders));
    add_value(m, &label, "orders_drains", "Pops, nodes and origins that are drained",
        (double)drains_list(orders_drained(orders), &drains));
}

static void add_history(struct metrics *m, struct slice node, const struct history *history)
{
    const struct metrics_label label = { SLICE("node"), node };

    metrics_add_counts(
        m, &label, history_counter_rows, history_counter_row_count, history_counts(history));
}

static void metrics(struct admin_source *source, struct metrics *m)
{
    struct process *p = container_of(source, struct process, source);
    struct running_node *first = p->nodes[0];
    const void *instances[WORKERS_MAX], *control = loop_counts(process_control(p));

    for (unsigned j = 0; j < first->worker_count; j++)
        instances[j] = turn_counts(&first->workers[j]); // loops are the process's
    metrics_add_counters(m, &(struct metrics_set){ .rows = loop_counter_rows,
                                .row_count = loop_counter_row_count,
                                .instances = instances,
                                .instance_count = first->worker_count });
    metrics_add_counters(m, &(struct metrics_set){ .prefix = "control_",
                                .rows = loop_counter_rows,
                                .row_count = loop_counter_row_count,
                                .instances = &control,
                                .instance_count = 1 });
    for (size_t i = 0; i < p->node_count; i++) {
        add_node(m, p->nodes[i]);
        add_orders(m, p->nodes[i]->name, p->orders[i]);
        add_history(m, p->nodes[i]->name, p->histories[i]);
        bookkeeping_show(p, i, m);
    }
    access_log_metrics(p->access, m);
    explain_metrics(p, m);
    gauges_show(p, m);
    certificates_count(p->release->certificates, m);
    add_value(m, NULL, "uptime_seconds", "Time since the start",
        (double)instant_since(p->started, loop_now(process_control(p))).ns / 1e9);
    add_value(m, NULL, "log_dropped_total", "Log lines dropped: slow reader or rate limit",
        (double)atomic_load(&p->log.dropped));
    add_value(m, NULL, "pool_refused_total", "Blocking jobs refused: the queue was full",
        (double)pool_refusals(p->pool));
}

void status_of_node(struct admin_node_status *status, const struct running_node *node)
{
    struct store_stats store;

    store_stats(node->store, &store);
    *status = (struct admin_node_status){
        .node = node_root(node)->self,
        .map = root_map(node_root(node)),
        .dns_queries = sum(node, dns_counts, offsetof(struct dns_counts, queries_udp)) +
                       sum(node, dns_counts, offsetof(struct dns_counts, queries_tcp)),
        .requests = sum(node, http_counts, offsetof(struct http_server_counts, requests)),
        .hits = sum(node, cache_counts, offsetof(struct delivery_counts, hits)) +
                sum(node, cache_counts, offsetof(struct delivery_counts, stale)),
        .probes = sum(node, cache_counts, offsetof(struct delivery_counts, probes)),
        .sent_bytes = sum(node, http_counts, offsetof(struct http_server_counts, bytes_out)),
        .store = { store.used_bytes, store.memory_bytes, store.objects },
    };
    uint64_t closed = sum(node, http_counts, offsetof(struct http_server_counts, closed));

    status->connections =
        sum(node, http_counts, offsetof(struct http_server_counts, connections)) - closed;
}

static struct slice failure_text(struct arena *arena, const struct origin_outcome *failure)
{
    char *text = arena_alloc(arena, ERROR_TEXT_MAX);
    int length = failure->err != ERR_NONE
                     ? snprintf(text, ERROR_TEXT_MAX, "%s", err_text(failure->err))
                     : snprintf(text, ERROR_TEXT_MAX, "answered %d", failure->status);

    return slice_of(text, (size_t)length);
}

static void fill_origin(struct arena *arena, struct admin_origin_status *status,
    const struct origin *origin, const struct running_node *node)
{
    struct origin_record record;
    struct origin_load load = { .origin = &origin->address };

    origin_pool_record(node->pool, &origin->address, &record);
    origin_pool_loads(node->pool, &load, 1, (struct instant){ 0 });
    *status = (struct admin_origin_status){
        .origin = origin,
        .node = node->name,
        .fetches = record.asked,
        .failures = record.failed,
        .in_flight = load.in_flight,
        .response_us = (uint64_t)load.response_us,
    };
    if (record.failed == 0)
        return;
    status->last_error = failure_text(arena, &record.last_failure);
    status->last_error_at = record.last_failure.at;
}

static size_t count_origins(const struct network *network)
{
    size_t count = 0;

    for (size_t i = 0; i < network->customer_count; i++)
        count += network->customers[i].origin_count;
    return count;
}

static void status(struct admin_source *source, struct arena *arena, struct admin_status *s)
{
    struct process *p = container_of(source, struct process, source);
    const struct network *network = p->release->network;
    struct admin_node_status *nodes = arena_array(arena, p->node_count, sizeof *nodes);
    struct admin_origin_status *origins =
        arena_array(arena, count_origins(network) * p->node_count, sizeof *origins);

    s->version = SLICE(WAYPOST_VERSION);
    s->uptime = instant_since(p->started, loop_now(process_control(p)));
    s->now = loop_wall(process_control(p));
    s->workers = workers_count(p->workers);
    s->network = network;
    for (size_t i = 0; i < p->node_count; i++) {
        status_of_node(&nodes[i], p->nodes[i]);
        for (size_t j = 0; j < network->customer_count; j++)
            for (size_t k = 0; k < network->customers[j].origin_count; k++)
                fill_origin(arena, &origins[s->origin_count++], &network->customers[j].origins[k],
                    p->nodes[i]);
    }
    s->peer_count = explain_peers(p, arena, &s->peers);
    s->check_count = explain_checks(p, arena, &s->checks);
    s->certificate_count =
        certificates_tell(p->release->certificates, s->now, arena, &s->certificates);
    s->bare_count = certificates_lacking(p->release->certificates, arena, &s->bare_sites);
    s->drain_count = drains_list(orders_drained(p->orders[0]), &s->drains);
    s->nodes = nodes;
    s->node_count = p->node_count;
    s->origins = origins;
}

static void explain(struct admin_source *source, struct arena *arena,
    const struct admin_question *question, struct admin_why *why)
{
    explain_why(container_of(source, struct process, source), arena, question, why);
}

static bool replay(struct admin_source *source, struct admin_replay *asked)
{
    return explain_replay(container_of(source, struct process, source), asked);
}

static void explain_held(
    struct admin_source *source, const struct slice *node, struct admin_view *view)
{
    explain_view(container_of(source, struct process, source), node, view);
}

static void tell_answers(
    struct admin_source *source, struct arena *arena, struct admin_answers *answers)
{
    const struct process *p = container_of(source, struct process, source);
    struct admin_answers_node *nodes = arena_array(arena, p->node_count, sizeof *nodes);

    for (size_t i = 0; i < p->node_count; i++) {
        nodes[i].node = p->nodes[i]->name;
        nodes[i].answers = p->usage[i] == NULL ? NULL : usage_answers(p->usage[i]);
    }
    answers->nodes = nodes;
    answers->node_count = p->node_count;
}

static void tell_network(
    struct admin_source *source, struct arena *arena, struct admin_network *network)
{
    overview_network(container_of(source, struct process, source), arena, network);
}

static const struct changes *tell_changes(struct admin_source *source)
{
    return container_of(source, struct process, source)->changes;
}

static void tell_live(struct admin_source *source, struct arena *arena, struct admin_live *live)
{
    overview_live(container_of(source, struct process, source), arena, live);
}

static void reload(struct admin_source *source, struct admin *admin)
{
    struct process *p = container_of(source, struct process, source);

    assert(admin == p->admin);
    reload_begin(p->reload, true);
}

static void give_order(
    struct admin_source *source, struct admin *admin, uint64_t ticket, const struct order *order)
{
    ordering_give(container_of(source, struct process, source)->ordering, admin, ticket, order);
}

static void tell_orders(struct admin_source *source, struct arena *arena,
    const struct admin_orders_question *question, struct admin_orders *orders)
{
    ordering_tell(container_of(source, struct process, source)->ordering, arena, question, orders);
}

static void tell_books(struct admin_source *source, struct books_known *known)
{
    consulting_known(container_of(source, struct process, source)->consulting, known);
}

static bool ask_books(struct admin_source *source, struct books_call *books)
{
    return consulting_ask(container_of(source, struct process, source)->consulting, books);
}

const struct admin_source_ops process_source_ops = { .healthy = healthy,
    .metrics = metrics,
    .status = status,
    .why = explain,
    .replay = replay,
    .view = explain_held,
    .answers = tell_answers,
    .network = tell_network,
    .changes = tell_changes,
    .live = tell_live,
    .reload = reload,
    .order = give_order,
    .orders = tell_orders,
    .books_known = tell_books,
    .books_ask = ask_books };
