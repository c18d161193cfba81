// SPDX-License-Identifier: Apache-2.0
#include "app/process.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "admin/changes.h"
#include "admin/tokens.h"
#include "app/access_log.h"
#include "app/bookkeeping.h"
#include "app/certificates.h"
#include "app/consulting.h"
#include "app/descriptors.h"
#include "app/here.h"
#include "app/history.h"
#include "app/join.h"
#include "app/metering.h"
#include "app/noting.h"
#include "app/ordering.h"
#include "app/orders.h"
#include "app/reload.h"
#include "app/state.h"
#include "app/stopping.h"
#include "app/wall.h"
#include "base/hash.h"
#include "base/mem.h"
#include "bus/bus.h"
#include "conf/load.h"
#include "meter/usage.h"
#include "tls/tickets.h"

enum {
    POOL_THREADS = 2,
    POOL_WAITING_MAX = 64,
    SETTLE_MS = 1000, // the first answers wait at most so long for measurements
    SETTLE_LOOK_MS = 10,
};

struct loop *process_control(const struct process *process)
{
    return workers_loop(process->control, 0);
}

/* Those of one kind, on all workers, which do not run. */
static enum err open_faces(
    struct running_node *node, const struct faces *all, enum face_kind kind, struct diag *why)
{
    struct faces some = { .count = 0 };

    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].kind == kind)
            some.list[some.count++] = all->list[i];
    for (unsigned i = 0; i < node->worker_count; i++)
        TRY(node_worker_open(&node->workers[i], &some, why));
    return ERR_NONE;
}

/*
 * The log of a local bus lies in the folder of the process's first node, whose lock it holds. That
 * it cannot be kept is no reason not to serve.
 */
static void keep_log(struct process *p, struct slice node)
{
    const struct network *network = p->release->network;
    char path[STATE_PATH_MAX];
    struct diag why = { 0 };

    if (network->bus.server_count > 0 || p->node_count > 0)
        return;
    enum err err = bus_hub_log(p->hub, p->pool, process_control(p),
        state_path(network->state, node, "orders.log", path), &why);

    if (err != ERR_NONE)
        log_line(&p->log, LOG_ERROR, "orders",
            "log_not_kept file=%s reason=\"%s\" mend=\"mend the disk and start again; until then "
            "orders are forgotten when this process ends\"",
            path, why.text);
    else if (why.text[0] != '\0')
        log_line(
            &p->log, LOG_WARNING, "orders", "log_broken file=%s reason=\"%s\"", path, why.text);
}

static struct orders *read_orders(struct process *p, const struct running_node *node)
{
    char path[STATE_PATH_MAX];
    const struct orders_plan plan = {
        .loop = process_control(p),
        .pool = p->pool,
        .log = &p->log,
        .node = node->name,
        .purges = store_purges(node->store),
        .changes = p->orders[0] == NULL ? p->changes : NULL, // of the first node
        .path = state_path(p->release->network->state, node->name, "orders", path),
    };

    return orders_new(&plan);
}

static struct history *open_history(struct process *p, struct running_node *node)
{
    char path[STATE_PATH_MAX];

    return history_new(&(struct history_plan){ .loop = process_control(p),
        .pool = p->pool,
        .log = &p->log,
        .node = node,
        .folder = state_path(p->release->network->state, node->name, "past", path) });
}

static uint64_t connections_granted(const struct network *network, size_t node_count)
{
    return (uint64_t)network->limits.connections * node_count;
}

/* Connections of a node, where so many share the descriptors. */
static uint32_t admitted_to_each(uint64_t descriptors, size_t node_count)
{
    uint64_t each = descriptors_admit(descriptors) / node_count;

    return each == 0 ? 1 : each < UINT32_MAX ? (uint32_t)each : UINT32_MAX;
}

void process_warn_of_descriptors(
    struct process *p, const struct network *network, size_t node_count)
{
    uint64_t needed = descriptors_needed(connections_granted(network, node_count));

    if (p->descriptors < needed)
        log_line(&p->log, LOG_WARNING, "app",
            "few_descriptors limit=%llu needed=%llu connections=%u mend=\"raise the limit of open "
            "files (LimitNOFILE= of the service, ulimit -n) and start again, or set "
            "limits.connections to no more than these\"",
            (unsigned long long)p->descriptors, (unsigned long long)needed,
            admitted_to_each(p->descriptors, node_count));
}

static void raise_descriptors(struct process *p, size_t node_count)
{
    const struct network *network = p->release->network;

    p->descriptors =
        descriptors_raise(descriptors_needed(connections_granted(network, node_count)));
    p->admitted = admitted_to_each(p->descriptors, node_count);
    process_warn_of_descriptors(p, network, node_count);
}

static enum err add_node(struct process *p, struct slice name, struct diag *why)
{
    struct loop *loops[WORKERS_MAX];
    struct root *root = NULL;
    struct faces faces;

    for (unsigned i = 0; i < workers_count(p->workers); i++)
        loops[i] = workers_loop(p->workers, i);
    struct node_plan plan = {
        .name = name,
        .loops = loops,
        .loop_count = workers_count(p->workers),
        .control = loop_epoch_reader(process_control(p)),
        .log = &p->log,
        .access = p->access,
        .seed = hash_seed_random(),
        .connections_most = p->admitted,
    };

    TRY(state_lock(p->release->network->state, name, &p->locks[p->lock_count], why));
    p->lock_count++;
    p->is_journaled = p->release->network->accounts_node.length > 0;
    keep_log(p, name);
    plan.usage = p->usage[p->node_count] =
        metering_open(p->release->network, name, workers_count(p->workers), &p->log);
    TRY(root_build(p->release, name, plan.usage, &root, why));
    enum err err = node_faces(root, &faces, why);

    if (err == ERR_NONE)
        err = node_new(&plan, &root, &p->nodes[p->node_count], why);
    root_free(root);
    TRY(err);
    struct running_node *node = p->nodes[p->node_count++];

    struct steering *steering = steering_new(process_control(p), p->pool, node, &p->log);

    p->steering[p->node_count - 1] = steering;
    steering_note(steering, p->node_count == 1 ? p->changes : NULL);
    TRY(bookkeeping_open(p, p->node_count - 1, why));
    p->orders[p->node_count - 1] = read_orders(p, node);
    steering_obey(steering, p->orders[p->node_count - 1]);
    p->histories[p->node_count - 1] = open_history(p, node);
    steering_remember(steering, p->histories[p->node_count - 1]);
    TRY(join_bus(node, steering, process_control(p), p->hub, why));
    TRY(open_faces(node, &faces, FACE_HTTP, why));
    return open_faces(node, &faces, FACE_HTTPS, why);
}

static enum err add_nodes(struct process *p, const struct process_plan *plan, struct diag *why)
{
    struct slice found[PROCESS_NODES_MAX];
    const struct slice *names = plan->nodes;
    size_t count = plan->node_count;

    if (count == 0) {
        TRY(here_nodes(p->release->network, plan->all_nodes, found, &count, why));
        names = found;
    }
    raise_descriptors(p, count);
    for (size_t i = 0; i < count; i++) {
        if (network_node(p->release->network, names[i]) == NULL) {
            diag_say(why, "there is no node %.*s in %s; `waypost check -c %s` lists them",
                SLICE_ARG(names[i]), p->config, p->config);
            return ERR_MISSING;
        }
        TRY(add_node(p, names[i], why));
    }
    return ERR_NONE;
}

void process_admit(struct process *process, const struct release *release)
{
    const struct certificates *c = release->certificates;

    admin_admit(process->admin, c->admin, admin_tokens_new(release->network, c->token));
    if (process->is_admin_afar != (c->admin != NULL))
        log_line(&process->log, LOG_WARNING, "app", "needs_restart setting=admin");
}

/* Loopback: a node that lives on a loopback address itself has its admin face there. */
static struct endpoint admin_at(const struct node *node)
{
    const struct endpoint own = { node->addresses[0], node->ports.admin };

    if (admin_may_listen(&own, NULL) == ERR_NONE)
        return own;
    return (struct endpoint){ ip_v4(127, 0, 0, 1), node->ports.admin };
}

static bool has_admin_at(const struct process *p, const struct endpoint *at)
{
    for (size_t i = 0; i < p->admin_listener_count; i++) {
        const struct endpoint open = listener_at(p->admin_listeners[i]);

        if (endpoint_equal(&open, at))
            return true;
    }
    return false;
}

static enum err open_admin_at(
    struct process *p, const struct endpoint *at, struct listener_user *user, struct diag *why)
{
    char text[ENDPOINT_TEXT_MAX];

    if (at->port == 0 || has_admin_at(p, at))
        return ERR_NONE;
    enum err err =
        listener_open(process_control(p), at, user, &p->admin_listeners[p->admin_listener_count]);

    if (err == ERR_NONE)
        p->admin_listener_count++;
    else
        diag_say(why, "the admin port %s cannot be opened: %s; set `ports: {admin: ...}`",
            endpoint_text(at, text), err_text(err));
    return err;
}

/* Each node's Unix socket, and each admin address once: nodes of one process may share it. */
static enum err open_admin(struct process *p, struct diag *why)
{
    p->source.ops = &process_source_ops;
    p->admin = admin_new(process_control(p), &p->source);
    p->is_admin_afar = p->release->certificates->admin != NULL;
    process_admit(p, p->release);
    for (size_t i = 0; i < p->node_count; i++) {
        const struct root *root = node_root(p->nodes[i]);
        const struct node *self = root->self;
        const struct endpoint at = admin_at(self);

        for (size_t j = 0; p->is_admin_afar && j < self->address_count; j++)
            TRY(open_admin_at(p, &(struct endpoint){ self->addresses[j], self->ports.admin },
                admin_secure_listener(p->admin), why));
        TRY(open_admin_at(p, &at, admin_listener(p->admin), why));
        TRY(admin_open_unix(p->admin, root->network->state, p->nodes[i]->name,
            &p->admin_listeners[p->admin_listener_count], why));
        p->admin_listener_count++;
    }
    return ERR_NONE;
}

static enum err start_threads(struct process *p, const struct process_plan *plan, struct diag *why)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned count =
        plan->workers > 0 ? plan->workers : (unsigned)(processors > 0 ? processors : 1);
    const struct workers_plan workers = { .name = "worker",
        .count = count < WORKERS_MAX ? count : WORKERS_MAX };
    const struct workers_plan control = {
        .name = "control", .count = 1, .first_index = workers.count
    };
    enum err err = workers_new(&workers, &p->epoch, &p->workers);

    if (err == ERR_NONE)
        err = workers_new(&control, &p->epoch, &p->control);
    if (err == ERR_NONE)
        err = pool_new(POOL_THREADS, POOL_WAITING_MAX, &p->pool);
    if (err != ERR_NONE)
        diag_say(why, "threads or their event loops cannot be made: %s", err_text(err));
    return err;
}

static enum err start_loops(struct process *p, struct diag *why)
{
    enum err err = workers_start(p->workers);

    if (err == ERR_NONE)
        err = workers_start(p->control);
    if (err != ERR_NONE)
        diag_say(why, "threads cannot be started: %s", err_text(err));
    return err;
}

/*
 * The first answers are to follow measurements too, so questions are taken a moment later than
 * requests: when every target is known to be up or down, or when that takes too long.
 */
static void await_first_measurements(const struct process *p)
{
    const struct timespec look = { .tv_nsec = SETTLE_LOOK_MS * 1000000L };

    for (size_t i = 0, waited_ms = 0; i < p->node_count && waited_ms < SETTLE_MS;) {
        if (steering_is_settled(p->steering[i])) {
            i++;
            continue;
        }
        nanosleep(&look, NULL);
        waited_ms += SETTLE_LOOK_MS;
    }
}

static enum err open_dns(struct process *p, struct diag *why)
{
    for (size_t i = 0; i < p->node_count; i++) {
        struct faces faces;

        TRY(node_faces(node_root(p->nodes[i]), &faces, why));
        TRY(open_faces(p->nodes[i], &faces, FACE_DNS, why));
    }
    return ERR_NONE;
}

static void say_serving(struct process *p)
{
    for (size_t i = 0; i < p->node_count; i++)
        log_line(&p->log, LOG_INFO, "app", "serving node=%.*s release=%016llx sites=%zu workers=%u",
            SLICE_ARG(p->nodes[i]->name), (unsigned long long)p->release->network->hash,
            p->release->network->site_count, workers_count(p->workers));
    for (size_t i = 0; i < p->node_count; i++)
        if (node_root(p->nodes[i])->self->pop->disk.length > 0)
            log_line(&p->log, LOG_WARNING, "app",
                "not_used node=%.*s setting=cache.disk mend=\"give cache.memory more\"",
                SLICE_ARG(p->nodes[i]->name));
}

static enum err start(struct process *p, const struct process_plan *plan, struct diag *why)
{
    TRY(start_threads(p, plan, why));
    p->access = access_log_new(workers_count(p->workers), true, &p->log);
    p->release->access = p->access;
    p->reload = reload_new(p);
    certificates_watch_init(&p->certificates_watch, process_control(p), &p->log);
    p->ordering = ordering_new(p);
    p->consulting = consulting_new(p);
    p->hub = bus_hub_new();
    p->bus_hash = join_hash(&p->release->network->bus);
    p->started = loop_now(process_control(p));
    TRY(add_nodes(p, plan, why));
    TRY(open_admin(p, why));
    TRY(start_loops(p, why));
    await_first_measurements(p);
    // Control too: a reload that was asked for already would change the roots below our feet.
    workers_stop(p->workers);
    workers_stop(p->control);
    TRY(open_dns(p, why));
    certificates_watch_set(&p->certificates_watch, p->release->certificates);
    say_serving(p); // while the release is ours to read
    note_release(p->changes, wall_now(), p->release->network);
    note_certificates(p->changes, wall_now(), NULL, p->release->certificates);
    return start_loops(p, why);
}

enum err process_start(const struct process_plan *plan, struct process **process,
    struct conf_errors *errors, struct diag *why)
{
    struct network *network = conf_load_file(plan->config, errors);

    if (network == NULL)
        return ERR_CONFIG;
    struct process *p = mem_new(struct process);

    p->config = plan->config;
    log_init(&p->log, STDERR_FILENO, plan->log_level);
    epoch_init(&p->epoch);
    p->tickets = tls_tickets_new(wall_now());
    p->changes = changes_new();
    enum err err = release_new(&network, &p->release, why);

    if (err == ERR_NONE) {
        p->release->certificates =
            certificates_new(p->release->network, p->tickets, wall_now(), errors);
        if (p->release->certificates == NULL)
            err = ERR_CONFIG;
    }
    if (err == ERR_NONE)
        err = start(p, plan, why);
    if (err != ERR_NONE) {
        process_free(p);
        return err;
    }
    *process = p;
    return ERR_NONE;
}

void process_run(struct process *process)
{
    sigset_t wanted;
    int number = 0;

    sigemptyset(&wanted);
    sigaddset(&wanted, SIGHUP);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGUSR1);
    while (sigwait(&wanted, &number) == 0 && (number == SIGHUP || number == SIGUSR1)) {
        if (number == SIGHUP)
            reload_request(process->reload);
        else
            access_log_reopen(process->access);
    }
    stopping_gently(process);
}

void process_free(struct process *process)
{
    if (process == NULL)
        return;
    stopping_threads(process);
    pool_free(process->pool);
    for (size_t i = 0; i < process->admin_listener_count; i++)
        listener_close(process->admin_listeners[i]);
    for (size_t i = 0; i < process->node_count; i++)
        steering_free(process->steering[i]);
    for (size_t i = 0; i < process->node_count; i++)
        history_free(process->histories[i]);
    bookkeeping_close(process);
    ordering_free(process->ordering);
    consulting_free(process->consulting);
    if (process->admin != NULL)
        admin_free(process->admin);
    for (size_t i = 0; i < process->node_count; i++) {
        orders_free(process->orders[i]);
        node_free(process->nodes[i]);
    }
    bus_hub_free(process->hub);
    certificates_watch_done(&process->certificates_watch);
    reload_free(process->reload);
    release_drop(process->release);
    tls_tickets_unref(process->tickets);
    workers_free(process->workers);
    workers_free(process->control);
    for (size_t i = 0; i < PROCESS_NODES_MAX; i++)
        usage_close(process->usage[i], process->is_booked[i]);
    changes_free(process->changes);
    access_log_free(process->access); // roots that say where lines go went with their loop
    while (process->lock_count > 0)
        close(process->locks[--process->lock_count]);
    epoch_done(&process->epoch);
    mem_free(process);
}
