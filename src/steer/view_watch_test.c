// SPDX-License-Identifier: Apache-2.0
/* What counts of a check that five nodes watch and others probe twice a minute. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/mem.h"
#include "steer/view.h"
#include "steer/watch.h"

enum { NODES = 12, NAME_SIZE = 8, MS = 1000 };

static const int64_t START_MS = INT64_C(1800000000000); // an epoch's begin

/* Twelve nodes in as many pops, and one check of an origin. */
struct fixture {
    struct pop pops[NODES];
    struct node nodes[NODES];
    char names[NODES][NAME_SIZE];
    struct network network;
    struct check check;
    struct checks checks;
    struct watch_table *table;
    uint64_t watchers[WATCHERS], others[NODES - WATCHERS];
    struct view *view;
    struct arena arena;
};

static int set_up(void **state)
{
    struct fixture *f = mem_new(struct fixture);
    size_t watchers = 0, others = 0;

    for (size_t i = 0; i < NODES; i++) {
        int length = snprintf(f->names[i], NAME_SIZE, "n%zu", i);

        f->nodes[i] = (struct node){ .name = { f->names[i], (size_t)length }, .pop = &f->pops[i] };
        f->pops[i] = (struct pop){ .nodes = &f->nodes[i], .node_count = 1 };
    }
    f->network = (struct network){ .pops = f->pops, .pop_count = NODES };
    f->check = (struct check){ .id = 10, .every = span_s(1) };
    f->checks = (struct checks){ .list = &f->check, .count = 1 };
    f->table = watch_table_new(&f->network, &f->checks);
    for (size_t i = 0; i < NODES; i++) {
        uint64_t observer = hash_bytes(f->nodes[i].name, 0);

        if (watch_has(f->table, 0, observer))
            f->watchers[watchers++] = observer;
        else
            f->others[others++] = observer;
    }
    assert_int_equal(watchers, WATCHERS);
    f->view = view_new();
    arena_init(&f->arena, SIZE_MAX);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    watch_table_free(f->table);
    view_free(f->view);
    arena_done(&f->arena);
    mem_free(f);
    return 0;
}

static void hear(
    struct fixture *f, uint64_t observer, enum report_kind kind, int64_t at_ms, int64_t value)
{
    struct report report = { .observer = observer,
        .check = 10,
        .kind = kind,
        .value = value,
        .evidence = 3000,
        .at = { START_MS + at_ms } };

    assert_int_equal(view_take(f->view, &report, report.at), VIEW_TAKEN);
}

static void hear_watchers(struct fixture *f, enum report_kind kind, int64_t at_ms, int64_t value)
{
    for (size_t i = 0; i < WATCHERS; i++)
        hear(f, f->watchers[i], kind, at_ms, value);
}

static void hear_others(struct fixture *f, enum report_kind kind, int64_t at_ms, int64_t value)
{
    for (size_t i = 0; i < NODES - WATCHERS; i++)
        hear(f, f->others[i], kind, at_ms, value);
}

/* `self`: who holds the view. */
static const struct check_facts *facts(struct fixture *f, uint64_t self, int64_t epoch_ms)
{
    const struct wall epoch = { START_MS + epoch_ms };

    return view_facts(f->view, &f->arena, &f->checks, f->table, self, epoch)->checks;
}

static void a_crowd_that_watchers_see_is_believed_before_the_others_look(void **state)
{
    struct fixture *f = *state;

    hear_others(f, REPORT_EXCESS, -20000, 1 * MS);
    hear_watchers(f, REPORT_EXCESS, -1000, 80 * MS);
    const struct fact *excess = &facts(f, f->others[0], 0)->all[REPORT_EXCESS];

    assert_int_equal(excess->value, 80 * MS);
    assert_int_equal(excess->sources, WATCHERS);
    assert_int_equal(facts(f, f->others[0], 0)->own[REPORT_EXCESS].value, 1 * MS);
}

static void latency_is_the_median_of_all_places(void **state)
{
    struct fixture *f = *state;

    hear_others(f, REPORT_LATENCY, -29000, 40 * MS);
    hear_watchers(f, REPORT_LATENCY, -1000, 10 * MS);
    const struct fact *latency = &facts(f, f->watchers[0], 0)->all[REPORT_LATENCY];

    assert_int_equal(latency->value, 40 * MS);
    assert_int_equal(latency->sources, NODES);
}

static void what_is_in_flight_is_known_to_whoever_fills(void **state)
{
    struct fixture *f = *state;

    hear_others(f, REPORT_IN_FLIGHT, -1000, 7000);
    hear(f, f->watchers[0], REPORT_IN_FLIGHT, -1000, 1000);
    assert_int_equal(facts(f, f->watchers[0], 0)->all[REPORT_IN_FLIGHT].value, 7000);
}

static void who_does_not_watch_is_fresh_for_three_of_its_intervals(void **state)
{
    struct fixture *f = *state;

    hear(f, f->others[0], REPORT_LATENCY, -90000, 40 * MS);
    assert_int_equal(facts(f, f->others[0], 0)->own[REPORT_LATENCY].value, 40 * MS);
    assert_int_equal(facts(f, f->others[0], 0)->all[REPORT_LATENCY].value, 40 * MS);
    // From then on silence widens, and never faster than for a watcher.
    assert_true(facts(f, f->others[0], 5000)->own[REPORT_LATENCY].value > 40 * MS);
    assert_true(facts(f, f->others[0], 5000)->own[REPORT_LATENCY].value < 42 * MS);
}

static void a_watcher_is_fresh_no_longer_than_ever(void **state)
{
    struct fixture *f = *state;

    hear(f, f->watchers[0], REPORT_LATENCY, -31000, 40 * MS);
    assert_true(facts(f, f->watchers[0], 0)->own[REPORT_LATENCY].value > 40 * MS);
    hear(f, f->watchers[1], REPORT_LATENCY, -30000, 60 * MS);
    assert_int_equal(facts(f, f->watchers[0], 0)->all[REPORT_LATENCY].value, 60 * MS);
}

static void where_all_watchers_are_silent_the_others_count(void **state)
{
    struct fixture *f = *state;

    hear_watchers(f, REPORT_EXCESS, -31000, 80 * MS);
    hear_others(f, REPORT_EXCESS, -60000, 2 * MS);
    assert_int_equal(facts(f, f->others[0], 0)->all[REPORT_EXCESS].value, 2 * MS);
    assert_int_equal(facts(f, f->others[0], 0)->all[REPORT_EXCESS].sources, NODES - WATCHERS);
    // One watcher that is back is enough.
    hear(f, f->watchers[3], REPORT_EXCESS, -1000, 9 * MS);
    assert_int_equal(facts(f, f->others[0], 0)->all[REPORT_EXCESS].value, 9 * MS);
}

static void where_everyone_is_silent_everyone_counts(void **state)
{
    struct fixture *f = *state;

    hear_watchers(f, REPORT_CPU, -600000, 100000);
    hear_others(f, REPORT_CPU, -600000, 100000);
    assert_int_equal(facts(f, f->others[0], 0)->all[REPORT_CPU].sources, NODES);
    assert_int_equal(facts(f, f->others[0], 0)->all[REPORT_CPU].measured, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_crowd_that_watchers_see_is_believed_before_the_others_look, set_up, tear_down),
        cmocka_unit_test_setup_teardown(latency_is_the_median_of_all_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            what_is_in_flight_is_known_to_whoever_fills, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            who_does_not_watch_is_fresh_for_three_of_its_intervals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_watcher_is_fresh_no_longer_than_ever, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            where_all_watchers_are_silent_the_others_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            where_everyone_is_silent_everyone_counts, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("view_watch", tests, NULL, NULL);
}
