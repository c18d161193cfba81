// SPDX-License-Identifier: Apache-2.0
#include "app/reload.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "app/bookkeeping.h"
#include "app/certificates.h"
#include "app/join.h"
#include "app/noting.h"
#include "app/process.h"
#include "app/wall.h"
#include "base/mem.h"
#include "conf/load.h"

/* One worker's part of a step that all workers do: there, and back to the control loop. */
struct step {
    struct reload *reload;
    unsigned worker;
    struct loop_message there, back;
    enum err err;
    struct diag why;
};

struct reload {
    struct process *process;
    struct loop_message request;
    atomic_bool is_requested;        // `request` is posted and did not run yet
    bool is_busy, tells_admin;       // the one under way
    bool is_wanted, wanted_by_admin; // once more, when that has ended
    struct pool_job load;
    struct conf_errors errors;
    struct release *release; // the new one
    struct root *roots[PROCESS_NODES_MAX];
    struct faces faces[PROCESS_NODES_MAX]; // of the step under way
    struct step steps[WORKERS_MAX];
    unsigned steps_left;
    void (*run)(struct reload *reload, struct step *step);
    void (*then)(struct reload *reload);
};

/* Runs `run` on every worker's thread, then `then` on the control thread. */
static void on_all_workers(
    struct reload *r, void (*run)(struct reload *, struct step *), void (*then)(struct reload *))
{
    r->run = run;
    r->then = then;
    r->steps_left = workers_count(r->process->workers);
    for (unsigned i = 0; i < workers_count(r->process->workers); i++)
        loop_post(workers_loop(r->process->workers, i), &r->steps[i].there);
}

static void on_there(struct loop_message *message)
{
    struct step *step = container_of(message, struct step, there);

    step->err = ERR_NONE;
    step->reload->run(step->reload, step);
    loop_post(process_control(step->reload->process), &step->back);
}

static void on_back(struct loop_message *message)
{
    struct reload *r = container_of(message, struct step, back)->reload;

    if (--r->steps_left == 0)
        r->then(r);
}

/* On a pool thread: touches the reload alone. */
static void load(struct pool_job *job)
{
    struct reload *r = container_of(job, struct reload, load);
    struct process *p = r->process;
    struct network *network = conf_load_file(p->config, &r->errors);
    struct diag why = { 0 };
    enum err err = ERR_NONE;

    if (network == NULL)
        return;
    err = release_new(&network, &r->release, &why);
    if (err == ERR_NONE) {
        r->release->access = p->access;
        r->release->certificates =
            certificates_new(r->release->network, p->tickets, wall_now(), &r->errors);
    }
    if (r->errors.count > 0)
        return;
    for (size_t i = 0; i < p->node_count && err == ERR_NONE; i++) {
        err = root_build(r->release, p->nodes[i]->name, p->usage[i], &r->roots[i], &why);
        if (err == ERR_NONE)
            err = node_faces(r->roots[i], &r->faces[i], &why);
    }
    if (err != ERR_NONE)
        conf_errors_add(&r->errors, (struct conf_place){ p->config, 0, 0 }, "%s", why.text);
}

static void say_failed(struct reload *r)
{
    struct process *p = r->process;

    log_line(&p->log, LOG_ERROR, "app", "reload_failed errors=%zu in_use=%016llx",
        r->errors.count + r->errors.more, (unsigned long long)p->release->network->hash);
    for (size_t i = 0; i < r->errors.count; i++) {
        struct diag error = r->errors.list[i];

        // Within a quoted value, quotes would end it.
        for (char *c = error.text; *c != '\0'; c++)
            if (*c == '"')
                *c = '\'';
        log_line(&p->log, LOG_ERROR, "app", "reload_error file=%s line=%d column=%d text=\"%s\"",
            error.file, error.line, error.column, error.text);
    }
}

static void say_change(struct reload *r)
{
    struct process *p = r->process;

    if (r->errors.count > 0)
        note_refusal(
            p->changes, wall_now(), r->errors.count + r->errors.more, r->errors.list[0].text);
    else
        note_release(p->changes, wall_now(), p->release->network);
}

/* The end of every reload, however it went. */
static void finish(struct reload *r)
{
    struct process *p = r->process;
    const struct admin_reload_result result = {
        .errors = r->errors.count > 0 ? &r->errors : NULL,
        .release_hash = p->release->network->hash,
        .release_serial = p->release->network->serial,
    };

    if (r->errors.count > 0)
        say_failed(r);
    else
        log_line(&p->log, LOG_INFO, "app", "reload_done release=%016llx sites=%zu",
            (unsigned long long)result.release_hash, p->release->network->site_count);
    say_change(r);
    if (r->tells_admin)
        admin_reload_done(p->admin, &result);
    for (size_t i = 0; i < p->node_count; i++) {
        root_free(r->roots[i]);
        r->roots[i] = NULL;
    }
    release_drop(r->release);
    r->release = NULL;
    conf_errors_done(&r->errors);
    conf_errors_init(&r->errors);
    r->is_busy = false;
    if (r->is_wanted)
        reload_begin(r, r->wanted_by_admin);
}

static void close_others(struct reload *r, struct step *step)
{
    for (size_t i = 0; i < r->process->node_count; i++)
        node_worker_close_others(&r->process->nodes[i]->workers[step->worker], &r->faces[i]);
}

static void open_new(struct reload *r, struct step *step)
{
    for (size_t i = 0; i < r->process->node_count && step->err == ERR_NONE; i++)
        step->err = node_worker_open(
            &r->process->nodes[i]->workers[step->worker], &r->faces[i], &step->why);
}

/* Settings that are taken into use at a start alone: said, and not obeyed. */
static void warn_of_memory(
    struct process *p, const struct running_node *node, const struct root *root)
{
    if (root->self->pop->memory_bytes != node->memory_bytes)
        log_line(&p->log, LOG_WARNING, "app",
            "needs_restart node=%.*s setting=cache.memory in_use=%llu", SLICE_ARG(node->name),
            (unsigned long long)node->memory_bytes);
}

static void warn_of_bus(struct process *p, const struct network *network)
{
    if (join_hash(&network->bus) != p->bus_hash)
        log_line(&p->log, LOG_WARNING, "app", "needs_restart setting=bus");
}

static void publish(struct reload *r)
{
    struct process *p = r->process;
    struct release *before = p->release;

    warn_of_bus(p, r->release->network);
    process_warn_of_descriptors(p, r->release->network, p->node_count);
    certificates_watch_set(&p->certificates_watch, r->release->certificates);
    note_certificates(p->changes, wall_now(), before->certificates, r->release->certificates);
    process_admit(p, r->release);
    for (size_t i = 0; i < p->node_count; i++) {
        warn_of_memory(p, p->nodes[i], r->roots[i]);
        steering_publish(p->steering[i], &r->roots[i]);
    }
    p->release = r->release;
    r->release = before; // dropped by finish
    bookkeeping_use(p);
    on_all_workers(r, close_others, finish);
}

/* Any worker that could not open its sockets: all close again what they opened. */
static void after_open(struct reload *r)
{
    struct process *p = r->process;
    const struct step *failed = NULL;

    for (unsigned i = 0; i < workers_count(p->workers); i++)
        if (r->steps[i].err != ERR_NONE)
            failed = &r->steps[i];
    if (failed == NULL) {
        publish(r);
        return;
    }
    conf_errors_add(&r->errors, (struct conf_place){ p->config, 0, 0 }, "%s", failed->why.text);
    for (size_t i = 0; i < p->node_count; i++) {
        enum err err = node_faces(node_root(p->nodes[i]), &r->faces[i], NULL);

        assert(err == ERR_NONE); // they are in use
    }
    on_all_workers(r, close_others, finish);
}

static void after_load(struct pool_job *job)
{
    struct reload *r = container_of(job, struct reload, load);

    if (r->errors.count > 0)
        finish(r);
    else
        on_all_workers(r, open_new, after_open);
}

void reload_begin(struct reload *reload, bool tell_admin)
{
    if (reload->is_busy) {
        reload->is_wanted = true;
        reload->wanted_by_admin |= tell_admin;
        return;
    }
    reload->is_busy = true;
    reload->is_wanted = reload->wanted_by_admin = false;
    reload->tells_admin = tell_admin;
    enum err err = pool_submit(reload->process->pool, &reload->load);

    if (err != ERR_NONE) {
        conf_errors_add(&reload->errors, (struct conf_place){ reload->process->config, 0, 0 },
            "the reload could not begin: %s; try again", err_text(err));
        finish(reload);
    }
}

static void on_request(struct loop_message *message)
{
    struct reload *r = container_of(message, struct reload, request);

    atomic_store(&r->is_requested, false);
    reload_begin(r, false);
}

void reload_request(struct reload *reload)
{
    if (!atomic_exchange(&reload->is_requested, true))
        loop_post(process_control(reload->process), &reload->request);
}

struct reload *reload_new(struct process *process)
{
    struct reload *r = mem_new(struct reload);

    r->process = process;
    r->request.run = on_request;
    r->load =
        (struct pool_job){ .work = load, .done = after_load, .loop = process_control(process) };
    conf_errors_init(&r->errors);
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        r->steps[i].reload = r;
        r->steps[i].worker = i;
        r->steps[i].there.run = on_there;
        r->steps[i].back.run = on_back;
    }
    return r;
}

void reload_free(struct reload *reload)
{
    if (reload == NULL)
        return;
    for (size_t i = 0; i < reload->process->node_count; i++)
        root_free(reload->roots[i]);
    release_drop(reload->release);
    conf_errors_done(&reload->errors);
    mem_free(reload);
}
