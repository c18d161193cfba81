// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/loop.h"
#include "io/pair_test.h"

struct alarm {
    struct timer timer;
    struct bench *bench;
    char name;
    char *log;           // terminated
    struct span again;   // sets itself anew
    struct alarm *other; // cleared when this one fires
};

static void fire(struct timer *timer)
{
    struct alarm *a = container_of(timer, struct alarm, timer);
    size_t length = strlen(a->log);

    assert_false(timer_is_set(timer));
    a->log[length] = a->name;
    a->log[length + 1] = 0;
    if (a->again.ns >= 0)
        timer_set(a->bench->loop, timer, instant_after(loop_now(a->bench->loop), a->again));
    if (a->other != NULL)
        timer_clear(a->bench->loop, &a->other->timer);
}

static void alarm_set(struct alarm *a, struct bench *b, char *log, char name, int ms)
{
    *a = (struct alarm){ .timer = { .fire = fire }, .bench = b, .name = name, .again = { -1 } };
    a->log = log;
    timer_set(b->loop, &a->timer, instant_after(loop_now(b->loop), span_ms(ms)));
}

static bool has_fired_c(void *what)
{
    return strchr(what, 'c') != NULL;
}

static void timers_fire_in_order_of_time(void **state)
{
    struct bench *b = bench_open(state);
    char log[64] = "";
    struct alarm a1, a2, a3;

    alarm_set(&a1, b, log, 'c', 15);
    alarm_set(&a2, b, log, 'a', 5);
    alarm_set(&a3, b, log, 'b', 10);
    assert_true(timer_is_set(&a1.timer));
    struct instant start = loop_now(b->loop);

    assert_true(bench_until(b, has_fired_c, log, WITHIN));
    assert_string_equal(log, "abc");
    assert_true(instant_since(start, loop_now(b->loop)).ns >= span_ms(15).ns);
    bench_close(b);
}

static void a_timer_can_be_moved_and_cleared(void **state)
{
    struct bench *b = bench_open(state);
    char log[64] = "";
    struct alarm first, moved, cleared, last;

    alarm_set(&first, b, log, 'a', 4);
    alarm_set(&moved, b, log, 'b', 2);
    alarm_set(&cleared, b, log, 'x', 6);
    alarm_set(&last, b, log, 'c', 12);
    timer_set(b->loop, &moved.timer, instant_after(loop_now(b->loop), span_ms(8)));
    first.other = &cleared;
    assert_true(bench_until(b, has_fired_c, log, WITHIN));
    assert_string_equal(log, "abc");
    timer_clear(b->loop, &cleared.timer); // not set: nothing happens
    bench_close(b);
}

static void a_timer_set_for_now_while_it_fires_waits_a_turn(void **state)
{
    struct bench *b = bench_open(state);
    char log[64] = "";
    struct alarm a;

    alarm_set(&a, b, log, 'a', 0);
    a.again = (struct span){ 0 };
    for (int i = 0; i < 5; i++)
        loop_turn(b->loop, (struct span){ -1 });
    if (b->sim == NULL) // there the clock does not move between our own turns
        assert_string_equal(log, "aaaaa");
    else
        assert_string_equal(log, "a");
    timer_clear(b->loop, &a.timer);
    bench_close(b);
}

struct note {
    struct loop_message message;
    struct loop *loop;
    unsigned *log;
    unsigned number;
    bool is_posted_again;
};

static void note_run(struct loop_message *message)
{
    struct note *n = container_of(message, struct note, message);

    assert_int_equal(*n->log, n->number);
    ++*n->log;
    if (n->is_posted_again) {
        n->is_posted_again = false;
        n->number = *n->log;
        loop_post(n->loop, message);
    }
}

static void messages_run_in_order_and_one_posted_meanwhile_in_the_next_turn(void **state)
{
    struct bench *b = bench_open(state);
    struct note notes[3];
    unsigned log = 0;

    for (unsigned i = 0; i < 3; i++) {
        notes[i] = (struct note){ { .run = note_run }, b->loop, &log, i, i == 2 };
        loop_post(b->loop, &notes[i].message);
    }
    assert_true(loop_turn(b->loop, span_s(10))); // does not wait
    assert_int_equal(log, 3);
    assert_true(loop_turn(b->loop, span_s(10)));
    assert_int_equal(log, 4);
    bench_close(b);
}

struct taker {
    struct note note;
    struct note *takes;
};

static void take_run(struct loop_message *message)
{
    struct taker *t = container_of(message, struct taker, note.message);

    note_run(message);
    loop_unpost(t->note.loop, &t->takes->message);
}

static void a_message_taken_back_never_runs_and_leaves_the_order_of_the_others(void **state)
{
    struct bench *b = bench_open(state);
    struct note notes[5];
    unsigned log = 0;

    // The last two are taken back: one before its turn begins, one within it, by the first to run.
    for (unsigned i = 0; i < 5; i++)
        notes[i] = (struct note){ { .run = note_run }, b->loop, &log, i + 1, i == 2 };
    struct taker taker = { { { .run = take_run }, b->loop, &log, 0, false }, &notes[4] };

    loop_post(b->loop, &taker.note.message);
    loop_post(b->loop, &notes[0].message);
    loop_post(b->loop, &notes[3].message);
    loop_post(b->loop, &notes[4].message);
    loop_post(b->loop, &notes[1].message);
    loop_unpost(b->loop, &notes[3].message);
    loop_unpost(b->loop, &notes[3].message); // no longer there: nothing happens
    loop_post(b->loop, &notes[2].message);
    assert_true(loop_turn(b->loop, span_s(10)));
    assert_int_equal(log, 4);
    assert_true(loop_turn(b->loop, span_s(10)));
    assert_int_equal(log, 5);
    bench_close(b);
}

struct counting_hook {
    struct loop_hook hook;
    struct loop *loop;
    int begun, ended;
    struct counting_hook *removes; // at the next begin
};

static void hook_begin(struct loop_hook *hook)
{
    struct counting_hook *c = container_of(hook, struct counting_hook, hook);

    c->begun++;
    if (c->removes != NULL)
        loop_hook_remove(c->loop, &c->removes->hook);
}

static void hook_end(struct loop_hook *hook)
{
    container_of(hook, struct counting_hook, hook)->ended++;
}

static void hooks_are_called_at_both_ends_of_each_turn(void **state)
{
    struct bench *b = bench_open(state);
    struct counting_hook first = { { .begin = hook_begin, .end = hook_end }, b->loop, 0, 0, NULL };
    struct counting_hook second = first, third = first;
    char log[8] = "";
    struct alarm a;

    third.hook.begin = NULL;
    loop_hook_add(b->loop, &first.hook);
    loop_hook_add(b->loop, &second.hook);
    loop_hook_add(b->loop, &third.hook);
    loop_turn(b->loop, (struct span){ 0 });
    assert_int_equal(first.begun + second.begun + third.begun, 2);
    assert_int_equal(first.ended + second.ended + third.ended, 3);
    first.removes = &second; // one that would be called next
    alarm_set(&a, b, log, 'a', 0);
    loop_turn(b->loop, (struct span){ 0 });
    assert_int_equal(first.begun, 2);
    assert_int_equal(second.begun, 1);
    assert_int_equal(third.ended, 2);
    assert_int_equal(loop_counts(b->loop)->turns.total, 2);
    timer_clear(b->loop, &a.timer);
    bench_close(b);
}

static void scratch_is_limited_trimmed_and_new_each_turn(void **state)
{
    struct bench *b = bench_open(state);
    char *first = loop_scratch(b->loop, 1000), *second;

    memset(first, 1, 1000);
    assert_true(loop_is_scratch(b->loop, first) && loop_is_scratch(b->loop, first + 999));
    assert_false(loop_is_scratch(b->loop, b));
    loop_scratch_trim(b->loop, first, 10);
    assert_false(loop_is_scratch(b->loop, first + 999));
    second = loop_scratch(b->loop, 1);
    assert_true(second >= first + 10 && second < first + 100);
    assert_null(loop_scratch(b->loop, LOOP_SCRATCH_BYTES));
    assert_null(loop_scratch(b->loop, SIZE_MAX));
    assert_non_null(loop_scratch(b->loop, LOOP_SCRATCH_BYTES - 100));
    loop_turn(b->loop, (struct span){ 0 });
    assert_false(loop_is_scratch(b->loop, first));
    assert_non_null(loop_scratch(b->loop, LOOP_SCRATCH_BYTES));
    bench_close(b);
}

static void clocks_stand_still_within_a_turn_and_go_on_between(void **state)
{
    struct bench *b = bench_open(state);
    struct instant before = loop_now(b->loop);
    struct wall wall = loop_wall(b->loop);

    assert_true(loop_now(b->loop).ns == before.ns);
    bench_settle(b);
    loop_turn(b->loop, (struct span){ 0 });
    assert_true(instant_since(before, loop_now(b->loop)).ns >= span_ms(30).ns);
    assert_true(loop_wall(b->loop).ms >= wall.ms + 25);
    assert_true(wall_s(loop_wall(b->loop)) > 1767225600 - 1);
    assert_int_equal(loop_index(b->loops[2]), 2);
    bench_close(b);
}

static bool both_are_in(void *what)
{
    const struct host *h = what;

    return h->count == 2;
}

static bool is_limited(void *what)
{
    return loop_counts(what)->accept_limited.total > 0;
}

/* No descriptor is left, or again all that the system gives. */
static void limit_descriptors(struct bench *b, bool is_limited_now)
{
    struct rlimit limit;
    int next = dup(0);

    close(next);
    if (b->sim != NULL) {
        sim_limit_descriptors(
            b->sim, is_limited_now ? sim_descriptors(b->sim) : SIM_DESCRIPTORS_MAX);
        return;
    }
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = is_limited_now ? (rlim_t)next : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void without_descriptors_accepting_pauses_and_goes_on(void **state)
{
    struct bench *b = bench_open(state);
    struct talker near[2], far[2];
    struct host host;

    host_open(&host, b->loops[1], 1, far, 2);
    struct endpoint at = listener_at(host.listener);

    for (int i = 0; i < 2; i++) {
        talker_init(&near[i]);
        talker_init(&far[i]);
        near[i].stream = stream_connect(b->loop, &at, &near[i].user);
    }
    limit_descriptors(b, true);
    assert_true(bench_until(b, is_limited, b->loops[1], WITHIN));
    bench_settle(b);
    assert_true(loop_counts(b->loops[1])->accept_limited.total <= 2); // no spinning
    if (b->sim != NULL)
        assert_true(loop_counts(b->loops[1])->turns.total < 20);
    assert_int_equal(host.count, 0);
    limit_descriptors(b, false);
    assert_true(bench_until(b, both_are_in, &host, WITHIN));
    assert_int_equal(loop_counts(b->loops[1])->accepted.total, 2);
    bench_close(b);
}

enum { POSTERS = 2, POSTS = 2000 };

struct poster {
    pthread_t thread;
    struct loop *loop;
    struct note notes[POSTS];
    unsigned log;
};

static void *post_all(void *argument)
{
    struct poster *p = argument;

    for (unsigned i = 0; i < POSTS; i++) {
        loop_post(p->loop, &p->notes[i].message);
        if (i % 64 == 0)
            usleep(50); // so that the loop falls asleep between
    }
    return NULL;
}

static bool all_are_run(void *what)
{
    const struct poster *p = what;

    return p[0].log == POSTS && p[1].log == POSTS;
}

static void posts_from_threads_wake_the_loop_and_keep_their_order(void **state)
{
    struct bench *b = bench_open(state);
    struct poster *posters = mem_array(POSTERS, sizeof *posters);

    for (int i = 0; i < POSTERS; i++) {
        posters[i].loop = b->loop;
        for (unsigned j = 0; j < POSTS; j++)
            posters[i].notes[j] =
                (struct note){ { .run = note_run }, b->loop, &posters[i].log, j, false };
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_all, &posters[i]), 0);
    }
    while (!all_are_run(posters)) // endless waits: a lost wake-up would hang here
        loop_turn(b->loop, (struct span){ -1 });
    for (int i = 0; i < POSTERS; i++)
        pthread_join(posters[i].thread, NULL);
    mem_free(posters);
    bench_close(b);
}

struct stopper {
    struct loop_message message;
    struct loop *loop;
};

static void stop_run(struct loop_message *message)
{
    loop_stop(container_of(message, struct stopper, message)->loop);
}

static void a_running_loop_ends_after_the_turn_that_stops_it(void **state)
{
    struct bench *b = bench_open(state);
    struct stopper s = { { .run = stop_run }, b->loop };

    loop_post(b->loop, &s.message);
    loop_run(b->loop);
    assert_int_equal(loop_counts(b->loop)->turns.total, 1);
    loop_post(b->loop, &s.message);
    loop_run(b->loop); // and it can run again
    assert_int_equal(loop_counts(b->loop)->turns.total, 2);
    bench_close(b);
}

static void each_counter_has_a_row(void **state)
{
    (void)state;
    assert_int_equal(loop_counter_row_count * sizeof(struct counter), sizeof(struct loop_counts));
    assert_string_equal(loop_counter_rows[1].name, "loop_accepted_total");
    assert_int_equal(loop_counter_rows[1].offset, offsetof(struct loop_counts, accepted));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(timers_fire_in_order_of_time),
        ON_BOTH(a_timer_can_be_moved_and_cleared),
        ON_BOTH(a_timer_set_for_now_while_it_fires_waits_a_turn),
        ON_BOTH(messages_run_in_order_and_one_posted_meanwhile_in_the_next_turn),
        ON_BOTH(a_message_taken_back_never_runs_and_leaves_the_order_of_the_others),
        ON_BOTH(hooks_are_called_at_both_ends_of_each_turn),
        ON_BOTH(scratch_is_limited_trimmed_and_new_each_turn),
        ON_BOTH(clocks_stand_still_within_a_turn_and_go_on_between),
        ON_BOTH(without_descriptors_accepting_pauses_and_goes_on),
        { "posts_from_threads_wake_the_loop_and_keep_their_order",
            posts_from_threads_wake_the_loop_and_keep_their_order, NULL, NULL, REAL },
        ON_BOTH(a_running_loop_ends_after_the_turn_that_stops_it),
        cmocka_unit_test(each_counter_has_a_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
