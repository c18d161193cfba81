// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/hash.h"
#include "base/mem.h"
#include "steer/view.h"

enum { SELF = 1, OTHER = 2, THIRD = 3, MS = 1000 };

static const int64_t START_MS = INT64_C(1800000000000); // an epoch's begin

static const struct check CHECKS[] = {
    { .id = 10, .every = { INT64_C(1000000000) } },
    { .id = 11, .every = { INT64_C(1000000000) } },
    { .id = 12, .every = { INT64_C(300000000000) } },
};

static const struct checks LIST = { .list = CHECKS, .count = COUNT_OF(CHECKS) };

struct fixture {
    struct view *view;
    struct arena arena;
};

static int set_up(void **state)
{
    struct fixture *f = mem_new(struct fixture);

    f->view = view_new();
    arena_init(&f->arena, SIZE_MAX);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    view_free(f->view);
    arena_done(&f->arena);
    mem_free(f);
    return 0;
}

static struct wall after(int64_t ms)
{
    return (struct wall){ START_MS + ms };
}

static struct report latency(uint64_t observer, int64_t at_ms, int64_t value)
{
    return (struct report){ .observer = observer,
        .check = 10,
        .kind = REPORT_LATENCY,
        .value = value,
        .spread = value / 10,
        .evidence = 3000,
        .at = after(at_ms) };
}

/* Heard the moment it was stamped. */
static enum view_taken hear(struct fixture *f, struct report report)
{
    return view_take(f->view, &report, report.at);
}

static const struct facts *facts(struct fixture *f, int64_t epoch_ms)
{
    return view_facts(f->view, &f->arena, &LIST, NULL, SELF, after(epoch_ms));
}

static const struct fact *latency_fact(struct fixture *f, int64_t epoch_ms)
{
    return &facts(f, epoch_ms)->checks[0].all[REPORT_LATENCY];
}

static void of_nothing_heard_nothing_is_known(void **state)
{
    const struct facts *none = facts(*state, 0);
    const struct check_facts unknown[COUNT_OF(CHECKS)] = { 0 };

    assert_int_equal(none->epoch.ms, START_MS);
    assert_int_equal(none->count, COUNT_OF(CHECKS));
    assert_memory_equal(none->checks, unknown, sizeof unknown);
}

static void what_is_refused_is_counted_by_its_reason(void **state)
{
    struct fixture *f = *state;
    struct report report = latency(OTHER, 0, 5 * MS), wrong = report;

    wrong.value = -1;
    assert_int_equal(view_take(f->view, &wrong, after(0)), VIEW_OUT_OF_RANGE);
    assert_int_equal(view_take(f->view, &report, after(-VIEW_FUTURE_MS - 1)), VIEW_FUTURE);
    assert_int_equal(view_take(f->view, &report, after(VIEW_KEPT_MS + 1)), VIEW_STALE);
    assert_int_equal(latency_fact(f, 5000)->sources, 0);
    assert_int_equal(view_take(f->view, &report, after(-VIEW_FUTURE_MS)), VIEW_TAKEN);
    assert_int_equal(view_take(f->view, &report, after(0)), VIEW_REPLAYED);
    report.observer = THIRD;
    assert_int_equal(view_take(f->view, &report, after(VIEW_KEPT_MS)), VIEW_TAKEN);

    const struct view_counts *counts = view_counts(f->view);

    assert_int_equal(counter_read(&counts->out_of_range), 1);
    assert_int_equal(counter_read(&counts->future), 1);
    assert_int_equal(counter_read(&counts->stale), 1);
    assert_int_equal(counter_read(&counts->replayed), 1);
    assert_int_equal(counter_read(&counts->taken), 2);
}

static void the_newest_before_the_epoch_is_the_fact(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(hear(f, latency(OTHER, 1000, 10 * MS)), VIEW_TAKEN);
    assert_int_equal(hear(f, latency(OTHER, 4000, 20 * MS)), VIEW_TAKEN);
    const struct fact *fact = latency_fact(f, 5000);

    assert_int_equal(fact->value, 20 * MS);
    assert_int_equal(fact->measured, 20 * MS);
    assert_int_equal(fact->spread, 2 * MS);
    assert_int_equal(fact->age_ms, 1000);
    assert_int_equal(fact->sources, 1);
}

static void kinds_and_checks_are_kept_apart(void **state)
{
    struct fixture *f = *state;
    struct report cpu = latency(OTHER, 0, 300000), check = latency(OTHER, 0, 7 * MS);

    cpu.kind = REPORT_CPU;
    check.check = 12;
    hear(f, latency(OTHER, 0, 5 * MS));
    hear(f, cpu);
    hear(f, check);
    const struct facts *known = facts(f, 5000);

    assert_int_equal(known->checks[0].all[REPORT_LATENCY].value, 5 * MS);
    assert_int_equal(known->checks[0].all[REPORT_CPU].value, 300000);
    assert_int_equal(known->checks[0].all[REPORT_MEMORY].sources, 0);
    assert_int_equal(known->checks[1].all[REPORT_LATENCY].sources, 0);
    assert_int_equal(known->checks[2].all[REPORT_LATENCY].value, 7 * MS);
}

static void own_is_what_this_node_measured_itself(void **state)
{
    struct fixture *f = *state;

    hear(f, latency(SELF, 1000, 10 * MS));
    hear(f, latency(OTHER, 2000, 20 * MS));
    hear(f, latency(THIRD, 3000, 90 * MS));
    const struct check_facts *known = &facts(f, 5000)->checks[0];

    assert_int_equal(known->all[REPORT_LATENCY].value, 20 * MS);
    assert_int_equal(known->all[REPORT_LATENCY].sources, 3);
    assert_int_equal(known->all[REPORT_LATENCY].age_ms, 2000);
    assert_int_equal(known->own[REPORT_LATENCY].value, 10 * MS);
    assert_int_equal(known->own[REPORT_LATENCY].spread, 1 * MS);
    assert_int_equal(known->own[REPORT_LATENCY].age_ms, 4000);
    assert_int_equal(known->own[REPORT_LATENCY].sources, 1);
}

static void of_two_observers_the_mean_counts_and_of_their_verdicts_the_worse(void **state)
{
    struct fixture *f = *state;

    hear(f, latency(SELF, 0, 10 * MS));
    hear(f, latency(OTHER, 0, 21 * MS));
    for (uint64_t observer = SELF; observer <= OTHER; observer++) {
        struct report verdict = latency(observer, 0, observer == SELF);

        verdict.kind = REPORT_HEALTH;
        hear(f, verdict);
    }
    const struct facts *known = facts(f, 5000);

    assert_int_equal(known->checks[0].all[REPORT_LATENCY].value, 15500);
    assert_int_equal(known->checks[0].all[REPORT_HEALTH].value, 0);
    assert_int_equal(known->checks[0].own[REPORT_HEALTH].value, 1);
}

static void what_is_stamped_after_the_begin_does_not_change_the_epoch(void **state)
{
    struct fixture *f = *state;

    hear(f, latency(OTHER, 4900, 10 * MS));
    hear(f, latency(OTHER, 5000, 20 * MS));
    hear(f, latency(OTHER, 5900, 30 * MS));
    hear(f, latency(THIRD, 5000, 99 * MS));
    assert_int_equal(latency_fact(f, 5000)->value, 10 * MS);
    assert_int_equal(latency_fact(f, 5000)->sources, 1);
    assert_int_equal(latency_fact(f, 10000)->sources, 2);
    assert_int_equal(latency_fact(f, 10000)->measured, 64500);
}

static void not_even_when_it_came_first(void **state)
{
    struct fixture *f = *state;
    struct report late = latency(OTHER, 4900, 10 * MS), early = latency(OTHER, 4000, 11 * MS);

    assert_int_equal(hear(f, latency(OTHER, 5900, 30 * MS)), VIEW_TAKEN);
    assert_int_equal(view_take(f->view, &late, after(5950)), VIEW_TAKEN);
    assert_int_equal(view_take(f->view, &early, after(5950)), VIEW_REPLAYED);
    assert_int_equal(latency_fact(f, 5000)->value, 10 * MS);
    assert_int_equal(latency_fact(f, 10000)->value, 30 * MS);
}

static void a_report_that_three_epochs_have_overtaken_is_no_use(void **state)
{
    struct fixture *f = *state;
    struct report late = latency(OTHER, 1000, 10 * MS);

    for (int64_t ms = 6000; ms < 20000; ms += 5000)
        hear(f, latency(OTHER, ms, 20 * MS));
    assert_int_equal(view_take(f->view, &late, after(16000)), VIEW_REPLAYED);
    assert_int_equal(latency_fact(f, 5000)->sources, 0);
    assert_int_equal(latency_fact(f, 10000)->age_ms, 4000);
}

static void a_clock_that_is_five_seconds_ahead_loses_no_epoch(void **state)
{
    struct fixture *f = *state;

    for (int64_t ms = 0; ms < 60000; ms += 500) {
        struct report report = latency(OTHER, ms + VIEW_FUTURE_MS, ms);

        assert_int_equal(view_take(f->view, &report, after(ms)), VIEW_TAKEN);
        if (ms > 10000 && ms % 5000 == 1000) // a second into the epoch
            assert_int_equal(latency_fact(f, ms - 1000)->age_ms, 500);
    }
}

static void a_clock_that_was_set_back_is_heard_again_at_once(void **state)
{
    struct fixture *f = *state;

    for (int64_t day = 3; day > 0; day--)
        assert_int_equal(hear(f, latency(OTHER, day * 86400000, 10 * MS)), VIEW_TAKEN);
    assert_int_equal(hear(f, latency(OTHER, 0, 20 * MS)), VIEW_TAKEN);
    assert_int_equal(latency_fact(f, 5000)->value, 20 * MS);
}

static void and_what_was_stamped_right_before_is_still_held(void **state)
{
    struct fixture *f = *state;

    hear(f, latency(OTHER, 1000, 10 * MS));
    hear(f, latency(OTHER, 7000, 20 * MS));
    hear(f, latency(OTHER, 86400000, 99 * MS));
    hear(f, latency(OTHER, 8000, 30 * MS));
    assert_int_equal(latency_fact(f, 5000)->value, 10 * MS);
    assert_int_equal(latency_fact(f, 10000)->value, 30 * MS);
}

static void a_report_that_grows_old_widens_and_says_what_was_measured(void **state)
{
    struct fixture *f = *state;
    const struct fact *fact;

    hear(f, latency(OTHER, 0, 40 * MS));
    assert_int_equal(latency_fact(f, 30000)->value, 40 * MS);
    fact = latency_fact(f, 60000);
    assert_int_equal(fact->value, 55 * MS);
    assert_int_equal(fact->measured, 40 * MS);
    assert_int_equal(fact->age_ms, 60000);
}

static void what_is_measured_seldom_is_fresh_for_longer(void **state)
{
    struct fixture *f = *state;
    struct report report = latency(OTHER, 0, 40 * MS);

    report.check = 12;
    hear(f, report);
    assert_int_equal(facts(f, 900000)->checks[2].all[REPORT_LATENCY].value, 40 * MS);
}

static void a_silent_observer_does_not_count_while_others_speak(void **state)
{
    struct fixture *f = *state;

    hear(f, latency(SELF, 0, 50 * MS));
    hear(f, latency(THIRD, 0, 60 * MS));
    hear(f, latency(OTHER, 60000, 20 * MS));
    const struct check_facts *known = &facts(f, 65000)->checks[0];

    assert_int_equal(known->all[REPORT_LATENCY].value, 20 * MS);
    assert_int_equal(known->all[REPORT_LATENCY].sources, 1);
    assert_int_equal(known->all[REPORT_LATENCY].age_ms, 5000);
    assert_true(known->own[REPORT_LATENCY].value > 50 * MS);
    assert_int_equal(known->own[REPORT_LATENCY].sources, 1);
}

static void where_all_are_silent_all_count(void **state)
{
    struct fixture *f = *state;

    hear(f, latency(SELF, 0, 50 * MS));
    hear(f, latency(THIRD, 0, 60 * MS));
    hear(f, latency(OTHER, 60000, 20 * MS));
    assert_int_equal(latency_fact(f, 100000)->sources, 3);
    assert_int_equal(latency_fact(f, 100000)->measured, 50 * MS);
}

static void what_is_older_than_is_used_is_not_known(void **state)
{
    struct fixture *f = *state;

    hear(f, latency(SELF, 0, 50 * MS));
    assert_int_equal(latency_fact(f, VIEW_USED_MS)->sources, 1);
    assert_int_equal(latency_fact(f, VIEW_USED_MS + 1)->sources, 0);
    assert_int_equal(facts(f, VIEW_USED_MS + 1)->checks[0].own[REPORT_LATENCY].sources, 0);
}

static void count_reports(void *to, const struct report *report)
{
    size_t *count = to;

    assert_true(report_is_sane(report));
    ++*count;
}

static size_t held(const struct fixture *f)
{
    size_t count = 0;

    view_each(f->view, count_reports, &count);
    return count;
}

static void sweeping_forgets_what_was_silent_for_too_long_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    struct report other = latency(OTHER, 0, 5 * MS);

    other.check = 11;
    other.kind = REPORT_CPU;
    hear(f, latency(SELF, 0, 5 * MS));
    hear(f, latency(OTHER, 1000, 6 * MS));
    hear(f, latency(THIRD, 0, 7 * MS));
    hear(f, other);
    view_sweep(f->view, after(VIEW_KEPT_MS));
    assert_int_equal(held(f), 4);
    view_sweep(f->view, after(VIEW_KEPT_MS + 1));
    assert_int_equal(held(f), 1);
    assert_int_equal(latency_fact(f, 5000)->value, 6 * MS);
    view_sweep(f->view, after(VIEW_KEPT_MS + 1001));
    assert_int_equal(held(f), 0);
    assert_int_equal(hear(f, latency(SELF, VIEW_KEPT_MS, 5 * MS)), VIEW_TAKEN);
}

static void keep_report(void *to, const struct report *report)
{
    *(struct report *)to = *report;
}

static void each_report_held_is_told_as_it_came(void **state)
{
    struct fixture *f = *state;
    struct report told, newest = latency(OTHER, 7000, 6 * MS);

    newest.kind = REPORT_RESPONSE;
    newest.at = after(1000);
    hear(f, newest);
    newest.at = after(7000);
    hear(f, newest);
    view_each(f->view, keep_report, &told);
    assert_int_equal(held(f), 1);
    assert_int_equal(told.observer, OTHER);
    assert_int_equal(told.check, 10);
    assert_int_equal(told.kind, REPORT_RESPONSE);
    assert_int_equal(told.value, 6 * MS);
    assert_int_equal(told.spread, newest.spread);
    assert_int_equal(told.evidence, newest.evidence);
    assert_int_equal(told.at.ms, newest.at.ms);
    view_free(NULL);
}

static void more_observers_than_the_limit_are_refused_and_the_rest_stays(void **state)
{
    struct fixture *f = *state;

    for (uint64_t i = 0; i < VIEW_OBSERVERS_MAX; i++)
        assert_int_equal(hear(f, latency(hash_mix(i + 1), 0, (int64_t)i)), VIEW_TAKEN);
    assert_int_equal(hear(f, latency(0, 0, 5 * MS)), VIEW_FULL);
    assert_int_equal(hear(f, latency(hash_mix(1), 1, 0)), VIEW_TAKEN);
    assert_int_equal(counter_read(&view_counts(f->view)->full), 1);
    assert_int_equal(latency_fact(f, 5000)->sources, VIEW_OBSERVERS_MAX);
    assert_int_equal(latency_fact(f, 5000)->value, (VIEW_OBSERVERS_MAX - 1) / 2);
}

/* Of places by number; returns how many were taken. */
static size_t fill_places(struct fixture *f, uint64_t from, uint64_t count, int64_t at_ms)
{
    size_t taken = 0;

    for (uint64_t i = from; i < from + count; i++) {
        struct report report = latency(i % 512, at_ms, 5 * MS);

        report.check = i / 512;
        taken += hear(f, report) == VIEW_TAKEN;
    }
    return taken;
}

static void more_places_than_the_limit_are_refused_until_some_are_swept(void **state)
{
    enum { OLD = VIEW_REPORTS_MAX / 4 + 256, YOUNG = VIEW_REPORTS_MAX - OLD };
    struct fixture *f = *state;

    // One check's places are old and young, so that some of what it holds is swept.
    assert_int_equal(fill_places(f, 0, OLD, 0), OLD);
    assert_int_equal(fill_places(f, OLD, YOUNG, 1000), YOUNG);
    assert_int_equal(fill_places(f, VIEW_REPORTS_MAX, 1, 1000), 0);
    assert_int_equal(counter_read(&view_counts(f->view)->full), 1);
    view_sweep(f->view, after(VIEW_KEPT_MS + 1));
    assert_int_equal(held(f), YOUNG);
    assert_int_equal(fill_places(f, VIEW_REPORTS_MAX, OLD + 1, 2000), OLD);
}

/* Reports of distinct stamps, in the order of time. */
static void make_reports(struct report *reports, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t lot = hash_mix(seed + i);

        reports[i] = (struct report){ .observer = lot % 4 + 1,
            .check = 10 + (lot >> 8) % 3,
            .kind = (enum report_kind)((lot >> 16) % REPORT_KIND_COUNT),
            .evidence = 1 + (uint32_t)(lot >> 40),
            .at = after((int64_t)i * 7) };
        int64_t most = report_most(reports[i].kind);

        reports[i].value = (int64_t)(lot >> 20) % (most + 1);
        reports[i].spread = (int64_t)(lot >> 30) % (most + 1);
    }
}

static void shuffle(struct report *reports, size_t count, uint64_t seed)
{
    for (size_t i = count - 1; i > 0; i--) {
        size_t other = (size_t)(hash_mix(seed + i) % (i + 1));
        struct report kept = reports[i];

        reports[i] = reports[other];
        reports[other] = kept;
    }
}

static struct view *view_of(const struct report *reports, size_t count, struct wall now)
{
    struct view *view = view_new();

    for (size_t i = 0; i < count; i++) {
        enum view_taken taken = view_take(view, &reports[i], now);

        assert_true(taken == VIEW_TAKEN || taken == VIEW_REPLAYED);
    }
    return view;
}

static void assert_equal_fact(const struct fact *left, const struct fact *right)
{
    assert_int_equal(left->value, right->value);
    assert_int_equal(left->measured, right->measured);
    assert_int_equal(left->spread, right->spread);
    assert_int_equal(left->age_ms, right->age_ms);
    assert_int_equal(left->sources, right->sources);
}

static void assert_equal_facts(const struct facts *left, const struct facts *right)
{
    assert_int_equal(left->epoch.ms, right->epoch.ms);
    assert_int_equal(left->count, right->count);
    for (size_t i = 0; i < left->count; i++)
        for (int kind = 0; kind < REPORT_KIND_COUNT; kind++) {
            assert_equal_fact(&left->checks[i].all[kind], &right->checks[i].all[kind]);
            assert_equal_fact(&left->checks[i].own[kind], &right->checks[i].own[kind]);
        }
}

static void views_that_heard_the_same_in_another_order_hold_equal_facts(void **)
{
    enum { COUNT = 3000, LAST_MS = COUNT * 7, ROUNDS = 40 };
    static struct report reports[COUNT];
    const struct wall epoch = { START_MS + LAST_MS - LAST_MS % STEER_EPOCH_MS };

    for (uint64_t round = 0; round < ROUNDS; round++) {
        size_t count = COUNT >> round % 8; // sparse ones leave places with one report or none
        struct arena arena;

        arena_init(&arena, SIZE_MAX);
        make_reports(reports, COUNT, round << 32);
        shuffle(reports, COUNT, round << 16); // which of them are left out
        struct view *one = view_of(reports, count, after(LAST_MS));

        shuffle(reports, count, round << 48);
        struct view *other = view_of(reports, count, after(LAST_MS));

        for (int64_t ahead = -1; ahead <= 1; ahead++) {
            struct wall at = { epoch.ms + ahead * STEER_EPOCH_MS };
            const struct facts *left = view_facts(one, &arena, &LIST, NULL, SELF, at);
            const struct facts *right = view_facts(other, &arena, &LIST, NULL, SELF, at);

            assert_equal_facts(left, right);
        }
        view_free(one);
        view_free(other);
        arena_done(&arena);
    }
}

/* As the definition has it: the last stamped before the epoch, whatever came when. */
static const struct report *last_before(
    const struct report *reports, size_t count, enum report_kind kind, struct wall epoch)
{
    const struct report *last = NULL;

    for (size_t i = 0; i < count; i++)
        if (reports[i].observer == SELF && reports[i].check == 10 && reports[i].kind == kind &&
            reports[i].at.ms < epoch.ms && (last == NULL || last->at.ms < reports[i].at.ms))
            last = &reports[i];
    return last;
}

static void facts_are_of_the_last_report_before_the_epoch_in_whatever_order_they_came(void **)
{
    enum { COUNT = 3000, LAST_MS = COUNT * 7 };
    static struct report reports[COUNT];
    const struct wall epoch = { START_MS + LAST_MS - LAST_MS % STEER_EPOCH_MS };

    for (uint64_t round = 0; round < 20; round++) {
        struct arena arena;

        arena_init(&arena, SIZE_MAX);
        make_reports(reports, COUNT, round << 32);
        shuffle(reports, COUNT, round);
        struct view *view = view_of(reports, COUNT, after(LAST_MS));
        const struct check_facts *known =
            &view_facts(view, &arena, &LIST, NULL, SELF, epoch)->checks[0];

        for (int kind = 0; kind < REPORT_KIND_COUNT; kind++) {
            const struct report *last = last_before(reports, COUNT, (enum report_kind)kind, epoch);

            assert_non_null(last);
            assert_int_equal(known->own[kind].measured, last->value);
            assert_int_equal(known->own[kind].spread, last->spread);
            assert_int_equal(known->own[kind].age_ms, epoch.ms - last->at.ms);
        }
        view_free(view);
        arena_done(&arena);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest cases[] = {
        CASE(of_nothing_heard_nothing_is_known),
        CASE(what_is_refused_is_counted_by_its_reason),
        CASE(the_newest_before_the_epoch_is_the_fact),
        CASE(kinds_and_checks_are_kept_apart),
        CASE(own_is_what_this_node_measured_itself),
        CASE(of_two_observers_the_mean_counts_and_of_their_verdicts_the_worse),
        CASE(what_is_stamped_after_the_begin_does_not_change_the_epoch),
        CASE(not_even_when_it_came_first),
        CASE(a_report_that_three_epochs_have_overtaken_is_no_use),
        CASE(a_clock_that_is_five_seconds_ahead_loses_no_epoch),
        CASE(a_clock_that_was_set_back_is_heard_again_at_once),
        CASE(and_what_was_stamped_right_before_is_still_held),
        CASE(a_report_that_grows_old_widens_and_says_what_was_measured),
        CASE(what_is_measured_seldom_is_fresh_for_longer),
        CASE(a_silent_observer_does_not_count_while_others_speak),
        CASE(where_all_are_silent_all_count),
        CASE(what_is_older_than_is_used_is_not_known),
        CASE(sweeping_forgets_what_was_silent_for_too_long_and_nothing_else),
        CASE(each_report_held_is_told_as_it_came),
        CASE(more_observers_than_the_limit_are_refused_and_the_rest_stays),
        CASE(more_places_than_the_limit_are_refused_until_some_are_swept),
        cmocka_unit_test(views_that_heard_the_same_in_another_order_hold_equal_facts),
        cmocka_unit_test(facts_are_of_the_last_report_before_the_epoch_in_whatever_order_they_came),
    };

    return cmocka_run_group_tests_name("steer/view", cases, NULL, NULL);
}
