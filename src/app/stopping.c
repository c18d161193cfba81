// SPDX-License-Identifier: Apache-2.0
#include "app/stopping.h"

#include <stdatomic.h>
#include <time.h>

#include "app/bookkeeping.h"
#include "app/process.h"

enum {
    LEAVE_MS = 100, // for the others to hear that we leave, before we refuse anybody
    LOOK_MS = 20,   // between two looks at what is still open
};

static uint64_t open_connections(const struct process *p)
{
    uint64_t open = 0;

    for (size_t i = 0; i < p->node_count; i++)
        for (unsigned j = 0; j < p->nodes[i]->worker_count; j++) {
            const struct http_server_counts *counts =
                http_server_counts(p->nodes[i]->workers[j].http);
            uint64_t closed = counter_read(&counts->closed); // first: it never runs ahead

            open += counter_read(&counts->connections) - closed;
        }
    return open;
}

/* A message to one worker; lives on the stack of who waits for all workers to end. */
struct ending {
    struct loop_message message;
    struct process *process;
    unsigned worker;
    atomic_bool is_done;
};

static void on_end(struct loop_message *message)
{
    struct ending *ending = container_of(message, struct ending, message);

    for (size_t i = 0; i < ending->process->node_count; i++)
        node_worker_drain(&ending->process->nodes[i]->workers[ending->worker]);
    atomic_store(&ending->is_done, true);
}

/* Every worker has closed its listeners, so that no connection is added, and all have ended. */
static bool has_ended(const struct process *p, const struct ending *endings)
{
    for (unsigned i = 0; i < workers_count(p->workers); i++)
        if (!atomic_load(&endings[i].is_done))
            return false;
    return open_connections(p) == 0;
}

void stopping_threads(struct process *process)
{
    struct process *p = process;

    if (p->workers == NULL || p->control == NULL)
        return;
    workers_stop(p->workers);
    workers_stop(p->control);
    for (unsigned i = 0; i < workers_count(p->workers); i++)
        loop_turn(workers_loop(p->workers, i), (struct span){ 0 });
}

/* A message to the control thread, likewise. */
struct leave {
    struct loop_message message;
    struct process *process;
};

static void on_leave(struct loop_message *message)
{
    struct process *p = container_of(message, struct leave, message)->process;

    for (size_t i = 0; i < p->node_count; i++)
        steering_leave(p->steering[i]);
    admin_leave(p->admin);
}

void stopping_gently(struct process *process)
{
    struct process *p = process;
    struct ending endings[WORKERS_MAX];
    struct leave leave = { .message.run = on_leave, .process = p };
    const struct timespec moment = { .tv_nsec = LEAVE_MS * 1000000L };
    const struct timespec look = { .tv_nsec = LOOK_MS * 1000000L };

    log_line(&p->log, LOG_INFO, "app", "stopping open_connections=%llu",
        (unsigned long long)open_connections(p));
    loop_post(process_control(p), &leave.message);
    nanosleep(&moment, NULL);
    for (unsigned i = 0; i < workers_count(p->workers); i++) {
        endings[i] = (struct ending){ .message.run = on_end, .process = p, .worker = i };
        loop_post(workers_loop(p->workers, i), &endings[i].message);
    }
    for (int waited_ms = 0; waited_ms < STOPPING_GRACE_S * 1000 && !has_ended(p, endings);
         waited_ms += LOOK_MS)
        nanosleep(&look, NULL);
    workers_stop(p->workers); // nothing is counted any more
    bookkeeping_end(p);
    stopping_threads(p);
    loop_unpost(process_control(p), &leave.message); // a control loop that never had the time
}
