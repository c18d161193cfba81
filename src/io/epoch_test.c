// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"
#include "io/epoch.h"
#include "io/snapshot.h"

struct thing {
    struct retired retired;
    unsigned *freed;
};

static void thing_free(struct retired *retired)
{
    struct thing *t = container_of(retired, struct thing, retired);

    ++*t->freed;
    mem_free(t);
}

static void retire(struct epoch_reader *reader, unsigned *freed)
{
    struct thing *t = mem_new(struct thing);

    t->freed = freed;
    epoch_retire(reader, &t->retired, thing_free);
}

static void with_all_at_rest_the_retired_is_freed_at_once(void **)
{
    struct epoch epoch;
    struct epoch_reader a;
    unsigned freed = 0;

    epoch_init(&epoch);
    epoch_join(&epoch, &a);
    assert_false(epoch_collect(&a));
    retire(&a, &freed);
    assert_false(epoch_collect(&a));
    assert_int_equal(freed, 1);
    epoch_leave(&a);
    epoch_done(&epoch);
}

static void a_reader_in_its_turn_keeps_what_is_retired_meanwhile(void **)
{
    struct epoch epoch;
    struct epoch_reader a, b;
    unsigned freed = 0;

    epoch_init(&epoch);
    epoch_join(&epoch, &a);
    epoch_join(&epoch, &b);
    epoch_enter(&b);
    retire(&a, &freed);
    assert_true(epoch_collect(&a));
    assert_int_equal(freed, 0);
    epoch_enter(&b); // the next turn without a rest between
    retire(&a, &freed);
    assert_true(epoch_collect(&a)); // the first is free, the second is not
    assert_int_equal(freed, 1);
    epoch_rest(&b);
    assert_false(epoch_collect(&a));
    assert_int_equal(freed, 2);
    epoch_leave(&b);
    epoch_leave(&a);
    epoch_done(&epoch);
}

static void ones_own_turn_counts_too(void **)
{
    struct epoch epoch;
    struct epoch_reader a;
    unsigned freed = 0;

    epoch_init(&epoch);
    epoch_join(&epoch, &a);
    epoch_enter(&a);
    retire(&a, &freed);
    assert_true(epoch_collect(&a));
    epoch_rest(&a);
    assert_false(epoch_collect(&a));
    epoch_leave(&a);
    assert_int_equal(freed, 1);
    epoch_done(&epoch);
}

struct value {
    struct snapshot_value base;
    unsigned *freed;
    int number, twin; // always equal while it lives
};

static void value_free(struct snapshot_value *base)
{
    struct value *v = container_of(base, struct value, base);

    v->number = -1;
    v->twin = -2;
    ++*v->freed;
    mem_free(v);
}

static struct snapshot_value *value_new(int number, unsigned *freed)
{
    struct value *v = mem_new(struct value);

    snapshot_value_init(&v->base, value_free);
    v->freed = freed;
    v->number = v->twin = number;
    return &v->base;
}

static int number_in(const struct snapshot *s)
{
    return container_of(snapshot_read(s), struct value, base)->number;
}

static void a_held_value_outlives_its_successor_until_released(void **)
{
    struct epoch epoch;
    struct epoch_reader reader;
    struct snapshot s = { NULL };
    unsigned freed = 0;

    epoch_init(&epoch);
    epoch_join(&epoch, &reader);
    assert_null(snapshot_read(&s));
    struct snapshot_value *value = value_new(1, &freed), *held;

    snapshot_publish(&s, &reader, &value);
    assert_null(value);
    held = snapshot_read(&s);
    snapshot_hold(held, 0);
    snapshot_hold(held, 63);
    value = value_new(2, &freed);
    snapshot_publish(&s, &reader, &value);
    assert_int_equal(number_in(&s), 2);
    assert_true(epoch_collect(&reader));
    snapshot_release(held, 0);
    assert_true(epoch_collect(&reader));
    assert_int_equal(container_of(held, struct value, base)->number, 1);
    snapshot_release(held, 63);
    assert_false(epoch_collect(&reader));
    assert_int_equal(freed, 1);
    snapshot_publish(&s, &reader, &value); // nothing in its place
    assert_null(snapshot_read(&s));
    assert_false(epoch_collect(&reader));
    assert_int_equal(freed, 2);
    epoch_leave(&reader);
    epoch_done(&epoch);
}

enum { READERS = 2, PUBLISHED = 3000 };

struct shared {
    struct epoch epoch;
    struct snapshot snapshot;
    _Atomic bool is_over;
};

struct reading {
    pthread_t thread;
    unsigned worker;
    struct shared *shared;
    unsigned turns, torn;
};

static void *read_on(void *argument)
{
    struct reading *r = argument;
    struct epoch_reader reader;
    struct snapshot_value *held = NULL;

    epoch_join(&r->shared->epoch, &reader);
    while (!atomic_load(&r->shared->is_over)) {
        epoch_enter(&reader);
        const struct value *v =
            container_of(snapshot_read(&r->shared->snapshot), struct value, base);

        for (int i = 0; i < 20; i++)
            r->torn += v->number != v->twin || v->number < 0;
        if (held != NULL) { // over some turns, as a long request does
            v = container_of(held, struct value, base);
            r->torn += v->number != v->twin || v->number < 0;
        }
        if (r->turns % 8 == 0) {
            if (held != NULL)
                snapshot_release(held, r->worker);
            held = snapshot_read(&r->shared->snapshot);
            snapshot_hold(held, r->worker);
        }
        epoch_rest(&reader);
        r->turns++;
    }
    if (held != NULL)
        snapshot_release(held, r->worker);
    epoch_leave(&reader);
    return NULL;
}

static void readers_in_threads_never_see_a_freed_value(void **)
{
    struct shared shared = { .is_over = false };
    struct reading readers[READERS];
    struct epoch_reader writer;
    unsigned freed = 0;

    epoch_init(&shared.epoch);
    epoch_join(&shared.epoch, &writer);
    struct snapshot_value *value = value_new(0, &freed);

    snapshot_publish(&shared.snapshot, &writer, &value);
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct reading){ .worker = i, .shared = &shared };
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
    }
    for (int i = 1; i <= PUBLISHED; i++) {
        value = value_new(i, &freed);
        snapshot_publish(&shared.snapshot, &writer, &value);
        epoch_collect(&writer);
    }
    atomic_store(&shared.is_over, true);
    for (unsigned i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        assert_int_equal(readers[i].torn, 0);
    }
    snapshot_publish(&shared.snapshot, &writer, &value);
    epoch_leave(&writer); // frees all that is left
    assert_int_equal(freed, PUBLISHED + 1);
    epoch_done(&shared.epoch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_all_at_rest_the_retired_is_freed_at_once),
        cmocka_unit_test(a_reader_in_its_turn_keeps_what_is_retired_meanwhile),
        cmocka_unit_test(ones_own_turn_counts_too),
        cmocka_unit_test(a_held_value_outlives_its_successor_until_released),
        cmocka_unit_test(readers_in_threads_never_see_a_freed_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
