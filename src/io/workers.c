// SPDX-License-Identifier: Apache-2.0
#include "io/workers.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>

#include "base/mem.h"
#include "io/kernel.h"
#include "io/loop.h"

struct worker {
    struct kernel *kernel;
    struct loop *loop;
    pthread_t thread;
    unsigned at;
    const struct workers *all;
};

struct workers {
    struct workers_plan plan;
    char name[WORKERS_NAME_MAX + 1];
    unsigned running;
    struct worker each[WORKERS_MAX];
};

static void free_first(struct workers *w, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        loop_free(w->each[i].loop);
        kernel_free(w->each[i].kernel);
    }
    mem_free(w);
}

enum err workers_new(const struct workers_plan *plan, struct epoch *epoch, struct workers **workers)
{
    struct workers *w = mem_new(struct workers);

    assert(plan->count > 0 && plan->count <= WORKERS_MAX);
    w->plan = *plan;
    snprintf(w->name, sizeof w->name, "%s", plan->name);
    for (unsigned i = 0; i < plan->count; i++) {
        enum err err = kernel_epoll_new(&w->each[i].kernel);

        if (err != ERR_NONE) {
            free_first(w, i);
            return err;
        }
        w->each[i].loop = loop_new(w->each[i].kernel, epoch, plan->first_index + i);
        w->each[i].at = i;
        w->each[i].all = w;
    }
    *workers = w;
    return ERR_NONE;
}

void workers_free(struct workers *w)
{
    if (w == NULL)
        return;
    assert(w->running == 0);
    free_first(w, w->plan.count);
}

unsigned workers_count(const struct workers *w)
{
    return w->plan.count;
}

struct loop *workers_loop(struct workers *w, unsigned at)
{
    assert(at < w->plan.count);
    return w->each[at].loop;
}

/* To the processor of that number among those we may use; best effort. */
static void pin(unsigned at)
{
    cpu_set_t usable, one;
    int count;

    if (sched_getaffinity(0, sizeof usable, &usable) != 0 || (count = CPU_COUNT(&usable)) == 0)
        return;
    int left = (int)(at % (unsigned)count);

    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &usable) || left-- > 0)
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        sched_setaffinity(0, sizeof one, &one);
        return;
    }
}

static void *run(void *argument)
{
    const struct worker *worker = argument;
    char name[WORKERS_NAME_MAX + 4];

    snprintf(name, sizeof name, "%s%u", worker->all->name, worker->at);
    pthread_setname_np(pthread_self(), name);
    if (worker->all->plan.is_pinned)
        pin(worker->at);
    loop_run(worker->loop);
    return NULL;
}

enum err workers_start(struct workers *w)
{
    sigset_t all, before;
    enum err err = ERR_NONE;

    assert(w->running == 0);
    sigfillset(&all); // signals are for the thread that started us
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (w->running < w->plan.count && err == ERR_NONE) {
        struct worker *worker = &w->each[w->running];

        err = err_from_errno(pthread_create(&worker->thread, NULL, run, worker));
        w->running += err == ERR_NONE;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err != ERR_NONE)
        workers_stop(w);
    return err;
}

void workers_stop(struct workers *w)
{
    for (unsigned i = 0; i < w->running; i++)
        loop_stop(w->each[i].loop);
    for (unsigned i = 0; i < w->running; i++)
        pthread_join(w->each[i].thread, NULL);
    w->running = 0;
}
