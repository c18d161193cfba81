// SPDX-License-Identifier: Apache-2.0
#include "io/pool.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/mem.h"

struct pool {
    pthread_mutex_t lock; // of all but the counter
    pthread_cond_t work_came;
    struct list waiting;
    size_t waiting_count, waiting_max;
    bool is_ending;
    _Atomic uint64_t refusals;
    unsigned thread_count;
    pthread_t threads[POOL_THREADS_MAX];
};

static struct pool_job *job_of(struct loop_message *message)
{
    return container_of(message, struct pool_job, message);
}

static void tell_done(struct loop_message *message)
{
    struct pool_job *job = job_of(message);

    job->done(job);
}

static void work_on_loop(struct loop_message *message)
{
    struct pool_job *job = job_of(message);

    job->work(job);
    job->done(job);
}

/* Waits for a job; NULL when the pool ends and none is left. */
static struct pool_job *next_job(struct pool *pool)
{
    struct list *link;

    pthread_mutex_lock(&pool->lock);
    while ((link = list_pop(&pool->waiting)) == NULL && !pool->is_ending)
        pthread_cond_wait(&pool->work_came, &pool->lock);
    if (link != NULL)
        pool->waiting_count--;
    pthread_mutex_unlock(&pool->lock);
    return link == NULL ? NULL : container_of(link, struct pool_job, link);
}

static void *run(void *argument)
{
    struct pool *pool = argument;

    pthread_setname_np(pthread_self(), "pool");
    for (struct pool_job *job; (job = next_job(pool)) != NULL;) {
        job->work(job);
        loop_post(job->loop, &job->message);
    }
    return NULL;
}

enum err pool_new(unsigned threads, size_t waiting_max, struct pool **pool)
{
    struct pool *p = mem_new(struct pool);
    sigset_t all, before;
    enum err err = ERR_NONE;

    assert(threads <= POOL_THREADS_MAX);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work_came, NULL);
    list_init(&p->waiting);
    p->waiting_max = waiting_max;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (p->thread_count < threads && err == ERR_NONE) {
        err = err_from_errno(pthread_create(&p->threads[p->thread_count], NULL, run, p));
        p->thread_count += err == ERR_NONE;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err != ERR_NONE) {
        pool_free(p);
        return err;
    }
    *pool = p;
    return ERR_NONE;
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->is_ending = true;
    pthread_cond_broadcast(&pool->work_came);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->work_came);
    pthread_mutex_destroy(&pool->lock);
    mem_free(pool);
}

enum err pool_submit(struct pool *pool, struct pool_job *job)
{
    bool is_taken;

    if (pool->thread_count == 0) {
        job->message.run = work_on_loop;
        loop_post(job->loop, &job->message);
        return ERR_NONE;
    }
    job->message.run = tell_done;
    pthread_mutex_lock(&pool->lock);
    is_taken = pool->waiting_count < pool->waiting_max;
    if (is_taken) {
        pool->waiting_count++;
        list_append(&pool->waiting, &job->link);
        pthread_cond_signal(&pool->work_came);
    }
    pthread_mutex_unlock(&pool->lock);
    if (is_taken)
        return ERR_NONE;
    atomic_fetch_add_explicit(&pool->refusals, 1, memory_order_relaxed);
    return ERR_LIMIT;
}

uint64_t pool_refusals(const struct pool *pool)
{
    return atomic_load_explicit(&pool->refusals, memory_order_relaxed);
}
