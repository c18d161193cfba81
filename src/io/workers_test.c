// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "io/epoch.h"
#include "io/loop.h"
#include "io/pool.h"
#include "io/stream.h"
#include "io/workers.h"

enum { WORKERS = 3, ROUNDS = 500 };

struct look {
    struct loop_message message;
    struct loop *next; // where to go on
    unsigned left;
    _Atomic bool *is_done;
    char name[16];
    pthread_t thread;
};

static void look_run(struct loop_message *message)
{
    struct look *l = container_of(message, struct look, message);

    pthread_getname_np(pthread_self(), l->name, sizeof l->name);
    l->thread = pthread_self();
    atomic_store(l->is_done, true);
}

static void each_worker_runs_its_loop_in_a_named_thread(void **)
{
    struct workers_plan plan = {
        .name = "turner", .count = WORKERS, .first_index = 5, .is_pinned = true
    };
    struct epoch epoch;
    struct workers *w;
    struct look looks[WORKERS];
    _Atomic bool is_done[WORKERS] = { false };

    epoch_init(&epoch);
    assert_int_equal(workers_new(&plan, &epoch, &w), ERR_NONE);
    assert_int_equal(workers_count(w), WORKERS);
    for (int round = 0; round < 2; round++) { // they can be started again
        assert_int_equal(workers_start(w), ERR_NONE);
        for (unsigned i = 0; i < WORKERS; i++) {
            looks[i] = (struct look){ .message = { .run = look_run }, .is_done = &is_done[i] };
            atomic_store(&is_done[i], false);
            assert_int_equal(loop_index(workers_loop(w, i)), 5 + i);
            loop_post(workers_loop(w, i), &looks[i].message);
        }
        for (unsigned i = 0; i < WORKERS; i++)
            while (!atomic_load(&is_done[i]))
                usleep(100);
        workers_stop(w);
        assert_string_equal(looks[0].name, "turner0");
        assert_string_equal(looks[2].name, "turner2");
        assert_false(pthread_equal(looks[0].thread, looks[1].thread));
    }
    workers_free(w);
    workers_free(NULL);
    epoch_done(&epoch);
}

/* A client that asks and waits for the echo, on one loop after the other. */
struct roamer {
    struct stream_user user;
    struct loop_message message;
    struct stream *stream;
    struct workers *workers;
    unsigned at, asked, answered; // loop; questions
    bool has_asked;
    _Atomic bool is_done;
};

static void roamer_move(struct roamer *r)
{
    r->at = (r->at + 1) % workers_count(r->workers);
    loop_post(workers_loop(r->workers, r->at), &r->message);
}

static void roamer_arrives(struct loop_message *message)
{
    struct roamer *r = container_of(message, struct roamer, message);
    struct loop *loop = workers_loop(r->workers, r->at);

    stream_attach(r->stream, loop, &r->user);
    r->has_asked = false;
    stream_ready(r->stream);
}

static size_t roamer_data(struct stream_user *user, struct slice bytes)
{
    struct roamer *r = container_of(user, struct roamer, user);

    assert_int_equal(bytes.length, 1);
    r->answered++;
    if (r->answered == ROUNDS) {
        stream_close(r->stream, false);
        atomic_store(&r->is_done, true);
        return 1;
    }
    stream_detach(r->stream);
    roamer_move(r); // and from here on another thread may have it
    return 1;
}

static size_t roamer_pull(struct stream_user *user, struct iovec *iov, size_t)
{
    struct roamer *r = container_of(user, struct roamer, user);

    if (r->has_asked)
        return 0;
    iov[0] = stream_iovec(SLICE("?"));
    return 1;
}

static void roamer_sent(struct stream_user *user, size_t bytes)
{
    struct roamer *r = container_of(user, struct roamer, user);

    r->has_asked |= bytes > 0;
    r->asked += (unsigned)bytes;
}

static void roamer_end(struct stream_user *)
{
    fail();
}

static void roamer_closed(struct stream_user *, enum err)
{
    fail();
}

static const struct stream_user_ops ROAMER_OPS = { .data = roamer_data,
    .end = roamer_end,
    .pull = roamer_pull,
    .sent = roamer_sent,
    .closed = roamer_closed };

struct echo {
    struct stream_user user;
    struct stream *stream;
    size_t due;
};

static size_t echo_data(struct stream_user *user, struct slice bytes)
{
    struct echo *e = container_of(user, struct echo, user);

    e->due += bytes.length;
    stream_ready(e->stream);
    return bytes.length;
}

static size_t echo_pull(struct stream_user *user, struct iovec *iov, size_t)
{
    struct echo *e = container_of(user, struct echo, user);

    iov[0] = stream_iovec(slice_of("!", e->due > 0));
    return e->due > 0;
}

static void echo_sent(struct stream_user *user, size_t bytes)
{
    container_of(user, struct echo, user)->due -= bytes;
}

static void echo_end(struct stream_user *user)
{
    stream_close(container_of(user, struct echo, user)->stream, false);
}

static void echo_closed(struct stream_user *, enum err)
{
}

static const struct stream_user_ops ECHO_OPS = {
    .data = echo_data, .end = echo_end, .pull = echo_pull, .sent = echo_sent, .closed = echo_closed
};

struct echo_host {
    struct listener_user user;
    struct echo echo;
};

static struct stream_user *echo_accept(struct listener_user *user, struct stream *stream)
{
    struct echo_host *h = container_of(user, struct echo_host, user);

    h->echo = (struct echo){ { &ECHO_OPS }, stream, 0 };
    return &h->echo.user;
}

static void a_connection_wanders_between_threads(void **)
{
    struct workers_plan plan = { .name = "wander", .count = WORKERS };
    struct endpoint at = { ip_v4(127, 0, 0, 1), 0 };
    struct echo_host host = { .user = { echo_accept } };
    struct roamer r = { .user = { &ROAMER_OPS }, .message = { .run = roamer_arrives } };
    struct listener *listener;
    struct epoch epoch;

    epoch_init(&epoch);
    assert_int_equal(workers_new(&plan, &epoch, &r.workers), ERR_NONE);
    struct loop *first = workers_loop(r.workers, 0);

    assert_int_equal(listener_open(first, &at, &host.user, &listener), ERR_NONE);
    at = listener_at(listener);
    r.stream = stream_connect(first, &at, &r.user);
    stream_ready(r.stream);
    assert_int_equal(workers_start(r.workers), ERR_NONE);
    for (int i = 0; i < 100000 && !atomic_load(&r.is_done); i++)
        usleep(100);
    workers_stop(r.workers);
    assert_true(r.is_done);
    assert_int_equal(r.asked, ROUNDS);
    listener_close(listener);
    workers_free(r.workers);
    epoch_done(&epoch);
}

struct sum {
    struct pool_job job;
    int a, b, result;
    pthread_t worked_in, done_in;
    pthread_mutex_t *gate; // worked while it is open
    unsigned *done_count;
};

static void sum_work(struct pool_job *job)
{
    struct sum *s = container_of(job, struct sum, job);

    if (s->gate != NULL)
        pthread_mutex_lock(s->gate);
    s->result = s->a + s->b;
    s->worked_in = pthread_self();
    if (s->gate != NULL)
        pthread_mutex_unlock(s->gate);
}

static void sum_done(struct pool_job *job)
{
    struct sum *s = container_of(job, struct sum, job);

    s->done_in = pthread_self();
    ++*s->done_count;
}

static void sum_init(struct sum *s, struct loop *loop, unsigned *done_count)
{
    *s =
        (struct sum){ .job = { .work = sum_work, .done = sum_done, .loop = loop }, .a = 2, .b = 3 };
    s->done_count = done_count;
}

static void a_job_is_worked_elsewhere_and_done_on_its_loop(void **)
{
    struct workers_plan plan = { .name = "asks", .count = 1 };
    struct epoch epoch;
    struct workers *w;
    struct pool *pool;
    struct sum sums[20];
    unsigned done = 0;

    epoch_init(&epoch);
    assert_int_equal(workers_new(&plan, &epoch, &w), ERR_NONE);
    assert_int_equal(pool_new(3, 100, &pool), ERR_NONE);
    for (int i = 0; i < 20; i++) {
        sum_init(&sums[i], workers_loop(w, 0), &done);
        sums[i].a = i;
        assert_int_equal(pool_submit(pool, &sums[i].job), ERR_NONE);
    }
    while (done < 20) // this thread is the loop's
        loop_turn(workers_loop(w, 0), (struct span){ -1 });
    for (int i = 0; i < 20; i++) {
        assert_int_equal(sums[i].result, i + 3);
        assert_true(pthread_equal(sums[i].done_in, pthread_self()));
        assert_false(pthread_equal(sums[i].worked_in, pthread_self()));
    }
    pool_free(pool);
    pool_free(NULL);
    workers_free(w);
    epoch_done(&epoch);
}

static void a_full_queue_refuses_and_what_it_took_is_worked_before_the_end(void **)
{
    struct workers_plan plan = { .name = "asks", .count = 1 };
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct epoch epoch;
    struct workers *w;
    struct pool *pool;
    struct sum sums[4];
    unsigned done = 0, taken = 0;

    epoch_init(&epoch);
    assert_int_equal(workers_new(&plan, &epoch, &w), ERR_NONE);
    assert_int_equal(pool_new(1, 2, &pool), ERR_NONE);
    pthread_mutex_lock(&gate);
    for (int i = 0; i < 4; i++) { // one at work, or about to be; two wait
        sum_init(&sums[i], workers_loop(w, 0), &done);
        sums[i].gate = &gate;
        taken += pool_submit(pool, &sums[i].job) == ERR_NONE;
    }
    assert_true(taken == 2 || taken == 3);
    assert_int_equal(pool_refusals(pool), 4 - taken);
    pthread_mutex_unlock(&gate);
    pool_free(pool);
    loop_turn(workers_loop(w, 0), (struct span){ 0 });
    assert_int_equal(done, taken);
    workers_free(w);
    epoch_done(&epoch);
}

static void without_threads_a_job_runs_in_a_later_turn(void **)
{
    struct workers_plan plan = { .name = "alone", .count = 1 };
    struct epoch epoch;
    struct workers *w;
    struct pool *pool;
    struct sum sum;
    unsigned done = 0;

    epoch_init(&epoch);
    assert_int_equal(workers_new(&plan, &epoch, &w), ERR_NONE);
    assert_int_equal(pool_new(0, 1, &pool), ERR_NONE);
    sum_init(&sum, workers_loop(w, 0), &done);
    assert_int_equal(pool_submit(pool, &sum.job), ERR_NONE);
    assert_int_equal(sum.result, 0);
    loop_turn(workers_loop(w, 0), (struct span){ 0 });
    assert_int_equal(sum.result, 5);
    assert_int_equal(done, 1);
    pool_free(pool);
    workers_free(w);
    epoch_done(&epoch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_worker_runs_its_loop_in_a_named_thread),
        cmocka_unit_test(a_connection_wanders_between_threads),
        cmocka_unit_test(a_job_is_worked_elsewhere_and_done_on_its_loop),
        cmocka_unit_test(a_full_queue_refuses_and_what_it_took_is_worked_before_the_end),
        cmocka_unit_test(without_threads_a_job_runs_in_a_later_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
