// SPDX-License-Identifier: Apache-2.0
#include "app/explain.h"

#include <stdint.h>

#include "admin/names.h"
#include "admin/peers.h"
#include "admin/view.h"
#include "admin/why.h"
#include "app/hearing.h"
#include "app/history.h"
#include "app/process.h"
#include "app/sharing.h"
#include "app/verdicts.h"
#include "base/hash.h"
#include "io/loop.h"
#include "io/ping.h"
#include "steer/observer.h"
#include "steer/peers.h"
#include "steer/rows.h"

/* By position of the node in the process; process->node_count when there is none of that name. */
static size_t find_node(const struct process *p, struct slice name)
{
    size_t at = 0;

    while (at < p->node_count && name.length > 0 && !slice_equal(p->nodes[at]->name, name))
        at++;
    return at;
}

/* Of the checks, as they were when the map in use was made; NULL: of none. */
static const struct facts *facts_of(const struct root *root)
{
    const struct steer_map *map = root_map(root);

    return steer_map_fits(map, root->rows) ? map->facts : NULL;
}

/* What one node knows of its checks, by their positions. */
static void fill_checks(const struct process *p, size_t node, struct admin_check_status *list)
{
    const struct root *root = node_root(p->nodes[node]);
    const struct probes *probes = steering_probes(p->steering[node]);
    const struct checks *checks = root->rows->checks;
    const struct facts *facts = facts_of(root);

    for (uint32_t i = 0; i < checks->count; i++) {
        struct admin_check_status *status = &list[i];

        *status =
            (struct admin_check_status){ .check = &checks->list[i], .node = p->nodes[node]->name };
        if (facts != NULL) {
            status->facts = facts->checks[i].own;
            status->facts_at = facts->epoch;
        }
        status->counted = verdicts_tally(steering_verdicts(p->steering[node]), i);
        if (probes == NULL)
            continue;
        struct probe_state state = probes_state(probes, i);

        status->verdict = state.verdict;
        status->since = state.since;
        status->rise = state.rise;
        if (!state.has_outcome)
            continue;
        status->outcome = slice_text(probe_outcome_text(state.outcome));
        status->reply = state.status;
        status->outcome_at = state.at;
    }
}

static size_t check_count(const struct process *p, size_t node)
{
    return node_root(p->nodes[node])->rows->checks->count;
}

size_t explain_checks(
    const struct process *process, struct arena *arena, const struct admin_check_status **checks)
{
    size_t count = 0, filled = 0;

    for (size_t i = 0; i < process->node_count; i++)
        count += check_count(process, i);
    struct admin_check_status *list = arena_array(arena, count, sizeof *list);

    for (size_t i = 0; i < process->node_count; i++) {
        fill_checks(process, i, list + filled);
        filled += check_count(process, i);
    }
    *checks = list;
    return count;
}

void explain_why(const struct process *process, struct arena *arena,
    const struct admin_question *question, struct admin_why *why)
{
    size_t node = find_node(process, question->node);

    why->network = process->release->network;
    if (node == process->node_count)
        return;
    const struct root *root = node_root(process->nodes[node]);
    const struct site *site = admin_site_find(root->network, question->name);

    why->network = root->network;
    why->rows = root->rows;
    if (site == NULL)
        return;
    struct admin_check_status *checks =
        arena_array(arena, check_count(process, node), sizeof *checks);

    fill_checks(process, node, checks);
    why->map = root_map(root);
    why->checks = checks;
    why->now = loop_wall(process_control(process));
    why->why =
        steer_why(arena, root->rows, steer_row_of(root->rows, site), why->map, &question->client);
}

static void on_replayed(void *, struct admin_replay *replay)
{
    admin_replay_done(replay);
}

bool explain_replay(const struct process *process, struct admin_replay *replay)
{
    size_t node = find_node(process, replay->question.node);
    struct admin_refusal *refusal = &replay->refusal;
    enum err err = node == process->node_count ? ERR_MISSING
                                               : history_ask(process->histories[node], replay,
                                                     process->release, on_replayed, NULL);

    if (err == ERR_NONE)
        return true;
    refusal->status = err == ERR_MISSING ? 404 : 503;
    refusal->code = err == ERR_MISSING ? "node" : "busy";
    if (err == ERR_MISSING)
        diag_say(&refusal->message, "there runs no node \"%.*s\" in this process",
            SLICE_ARG(slice_head(replay->question.node, 255)));
    else
        diag_say(&refusal->message, "too many questions of the past are under way");
    diag_say(&refusal->mend, "%s",
        err == ERR_MISSING ? "`waypost status` lists the nodes of a process"
                           : "ask again in a second");
    return false;
}

void explain_view(const struct process *process, const struct slice *name, struct admin_view *view)
{
    size_t node = find_node(process, *name);

    view->network = process->release->network;
    view->now = loop_wall(process_control(process));
    if (node == process->node_count)
        return;
    const struct root *root = node_root(process->nodes[node]);
    const struct steer_map *map = root_map(root);

    view->network = root->network;
    view->rows = root->rows;
    view->view = steering_view(process->steering[node]);
    view->map = steer_map_fits(map, root->rows) ? map : NULL;
}

static void fill_peer(
    const struct process *p, const struct node *node, struct admin_peer_status *status)
{
    size_t self = find_node(p, node->name);
    struct instant now = loop_now(process_control(p));
    struct peer peer;

    *status = (struct admin_peer_status){ .node = node, .is_self = self < p->node_count };
    if (status->is_self) {
        status->heartbeat = hearing_says(steering_hearing(p->steering[self]));
        return;
    }
    if (!peers_find(
            hearing_peers(steering_hearing(p->steering[0])), hash_bytes(node->name, 0), now, &peer))
        return;
    status->is_heard = peer.is_heard;
    status->is_present = peer.is_present;
    status->age = instant_since(peer.heard, now);
    status->heartbeat = peer.heartbeat;
}

size_t explain_peers(
    const struct process *process, struct arena *arena, const struct admin_peer_status **peers)
{
    const struct network *network = process->release->network;
    size_t count = 0, at = 0;

    for (size_t i = 0; i < network->pop_count; i++)
        count += network->pops[i].node_count;
    struct admin_peer_status *list = arena_array(arena, count, sizeof *list);

    for (size_t i = 0; i < network->pop_count; i++)
        for (size_t j = 0; j < network->pops[i].node_count; j++)
            fill_peer(process, &network->pops[i].nodes[j], &list[at++]);
    *peers = list;
    return count;
}

/* The parts of measuring, which count on the control thread alone. */
static const void *counts_of_steering(const struct steering *s)
{
    return steering_counts(s);
}

static const void *counts_of_view(const struct steering *s)
{
    return view_counts(steering_view(s));
}

static const void *counts_of_observer(const struct steering *s)
{
    return observer_counts(steering_observer(s));
}

static const void *counts_of_verdicts(const struct steering *s)
{
    return verdicts_counts(steering_verdicts(s));
}

static const void *counts_of_hearing(const struct steering *s)
{
    return hearing_counts(steering_hearing(s));
}

static const void *counts_of_sharing(const struct steering *s)
{
    return sharing_counts(steering_sharing(s));
}

static const void *counts_of_bus(const struct steering *s)
{
    const struct bus *bus = hearing_bus(steering_hearing(s));

    return bus == NULL ? NULL : bus_counts(bus);
}

static const void *counts_of_probes(const struct steering *s)
{
    const struct probes *probes = steering_probes(s);

    return probes == NULL ? NULL : probes_counts(probes);
}

static const void *counts_of_pings(const struct steering *s)
{
    const struct probes *probes = steering_probes(s);

    return probes == NULL ? NULL : probes_ping_counts(probes);
}

static const struct measuring_part {
    const struct counter_row *rows;
    const size_t *row_count;
    const void *(*counts)(const struct steering *steering); // NULL: nothing counted yet
} PARTS[] = {
    { probe_counter_rows, &probe_counter_row_count, counts_of_probes },
    { ping_counter_rows, &ping_counter_row_count, counts_of_pings },
    { observer_counter_rows, &observer_counter_row_count, counts_of_observer },
    { view_counter_rows, &view_counter_row_count, counts_of_view },
    { steering_counter_rows, &steering_counter_row_count, counts_of_steering },
    { verdicts_counter_rows, &verdicts_counter_row_count, counts_of_verdicts },
    { hearing_counter_rows, &hearing_counter_row_count, counts_of_hearing },
    { sharing_counter_rows, &sharing_counter_row_count, counts_of_sharing },
    { bus_counter_rows, &bus_counter_row_count, counts_of_bus },
};

static void add_narrowed(const struct process *p, size_t node, struct metrics *m)
{
    const struct metrics_label label = { SLICE("node"), p->nodes[node]->name };

    metrics_add_value(
        m, &(struct metrics_value){ .name = "steer_classes_narrowed",
               .help = "Kinds of sites planned alike for all clients: the map is full",
               .kind = COUNTER_GAUGE,
               .labels = &label,
               .label_count = 1,
               .value = (double)root_map(node_root(p->nodes[node]))->classes_narrowed });
}

static void add_peers(const struct process *p, size_t node, struct metrics *m)
{
    const struct metrics_label label = { SLICE("node"), p->nodes[node]->name };
    const struct hearing *hearing = steering_hearing(p->steering[node]);
    const struct peers *peers = hearing_peers(hearing);
    const struct instant now = loop_now(process_control(p));
    const struct {
        const char *name, *help;
        double value;
    } gauges[] = {
        { "steer_peers", "Other nodes of the release", (double)peers_count(peers) },
        { "steer_peers_present", "Those of them that are heard",
            (double)peers_present(peers, now) },
        { "steer_suspect", "Whether so few of them are heard that this node doubts itself",
            hearing_is_suspect(hearing) },
    };

    for (size_t i = 0; i < COUNT_OF(gauges); i++)
        metrics_add_value(m, &(struct metrics_value){ .name = gauges[i].name,
                                 .help = gauges[i].help,
                                 .kind = COUNTER_GAUGE,
                                 .labels = &label,
                                 .label_count = 1,
                                 .value = gauges[i].value });
}

static void add_counts(const struct process *p, size_t node, struct metrics *m)
{
    const struct metrics_label label = { SLICE("node"), p->nodes[node]->name };

    for (size_t i = 0; i < COUNT_OF(PARTS); i++) {
        const void *counts = PARTS[i].counts(p->steering[node]);

        if (counts != NULL)
            metrics_add_counts(m, &label, PARTS[i].rows, *PARTS[i].row_count, counts);
    }
}

void explain_metrics(const struct process *process, struct metrics *m)
{
    const struct admin_check_status *checks;
    struct arena arena;

    for (size_t i = 0; i < process->node_count; i++) {
        add_counts(process, i, m);
        add_narrowed(process, i, m);
        add_peers(process, i, m);
    }
    arena_init(&arena, SIZE_MAX); // bounded by the release
    size_t count = explain_checks(process, &arena, &checks);

    admin_checks_metrics(m, checks, count);
    arena_done(&arena);
}
