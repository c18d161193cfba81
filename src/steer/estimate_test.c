// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/hash.h"
#include "steer/estimate.h"

enum { MS = 1000, SECOND_MS = 1000, HOUR_S = 3600, MILLION = 1000000 };

static const enum report_kind TIMES[] = { REPORT_LATENCY, REPORT_RESPONSE };

static struct wall second(int64_t s)
{
    return wall_from_s(1800000000 + s);
}

static void learn(struct estimate *e, enum report_kind kind, struct wall at, int64_t value)
{
    assert_int_equal(estimate_learn(e, kind, at, value), ERR_NONE);
    assert_true(isfinite(e->mean) && isfinite(e->spread) && isfinite(e->evidence));
}

/* The same value each second, from `from` on; returns the second after the last. */
static int64_t learn_steadily(
    struct estimate *e, enum report_kind kind, int64_t from, int64_t count, int64_t value)
{
    for (int64_t s = from; s < from + count; s++)
        learn(e, kind, second(s), value);
    return from + count;
}

static double uniform(uint64_t *seed)
{
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    return (double)(hash_mix(*seed) >> 11) / (double)(UINT64_C(1) << 53);
}

/* Around `centre`, two thirds of it within `scatter`. */
static int64_t noisy(uint64_t *seed, double centre, double scatter)
{
    double sum = 0;

    for (int i = 0; i < 12; i++)
        sum += uniform(seed);
    return (int64_t)fmax(0, centre + (sum - 6) * scatter);
}

static void the_first_measurement_is_believed_whole(void **)
{
    for (int kind = 0; kind < REPORT_KIND_COUNT; kind++) {
        struct estimate e = { 0 };

        learn(&e, (enum report_kind)kind, second(0), 1);
        assert_int_equal(estimate_report(&e, (enum report_kind)kind).value, 1);
        assert_int_equal(estimate_report(&e, (enum report_kind)kind).spread, 0);
        assert_int_equal(estimate_report(&e, (enum report_kind)kind).evidence, 1000);
        assert_int_equal(estimate_report(&e, (enum report_kind)kind).at.ms, second(0).ms);
    }
}

static void what_is_out_of_range_changes_nothing(void **)
{
    struct estimate e = { 0 };

    assert_int_equal(estimate_learn(&e, REPORT_LATENCY, second(0), -1), ERR_RANGE);
    assert_int_equal(estimate_learn(&e, REPORT_KIND_COUNT, second(0), 1), ERR_RANGE);
    assert_true(e.evidence == 0);
    learn(&e, REPORT_LATENCY, second(1), 7 * MS);
    assert_int_equal(
        estimate_learn(&e, REPORT_LATENCY, second(2), report_most(REPORT_LATENCY) + 1), ERR_RANGE);
    assert_int_equal(estimate_report(&e, REPORT_LATENCY).value, 7 * MS);
    assert_int_equal(e.newest.ms, second(1).ms);
}

static void a_measurement_that_is_a_half_life_old_weighs_half(void **)
{
    struct estimate e = { 0 };

    learn(&e, REPORT_CPU, second(0), 0);
    learn(&e, REPORT_CPU, second(10), 300000);
    assert_int_equal(estimate_report(&e, REPORT_CPU).value, 200000);
    assert_int_equal(estimate_report(&e, REPORT_CPU).evidence, 1500);
}

static void one_lost_packet_is_no_news(void **)
{
    for (size_t i = 0; i < COUNT_OF(TIMES); i++) {
        struct estimate e = { 0 };
        int64_t s = learn_steadily(&e, TIMES[i], 0, 60, 5 * MS);

        learn(&e, TIMES[i], second(s), 1000 * MS);
        assert_true(estimate_report(&e, TIMES[i]).value <= 5 * MS + 500);
        assert_true(estimate_report(&e, TIMES[i]).spread <= 1 * MS);
    }
}

static void an_outlier_counts_as_half_the_mean_and_four_spreads_and_a_grain_away(void **)
{
    struct estimate e = { 0 };
    int64_t s = learn_steadily(&e, REPORT_LATENCY, 0, 600, 5 * MS);

    learn(&e, REPORT_LATENCY, second(s), 1000 * MS);
    assert_in_range(estimate_report(&e, REPORT_LATENCY).value, 5 * MS + 79, 5 * MS + 81);
    assert_in_range(estimate_report(&e, REPORT_LATENCY).spread, 79, 81); // 3.5 ms of 44
}

static void the_second_measurement_may_be_an_outlier_too(void **)
{
    struct estimate e = { 0 };

    learn(&e, REPORT_LATENCY, second(0), 5 * MS);
    learn(&e, REPORT_LATENCY, second(1), 1000 * MS);
    assert_in_range(estimate_report(&e, REPORT_LATENCY).value, 5 * MS, 7 * MS);
}

static void five_in_a_row_over_a_second_are_news_and_all_that_is_then_known(void **)
{
    const int64_t news[] = { 300 * MS, 310 * MS, 290 * MS, 300 * MS, 350 * MS };
    struct estimate e = { 0 };
    struct wall at = second(learn_steadily(&e, REPORT_LATENCY, 0, 60, 5 * MS));

    for (size_t i = 0; i < COUNT_OF(news); i++) {
        assert_true(estimate_report(&e, REPORT_LATENCY).value < 7 * MS);
        learn(&e, REPORT_LATENCY, at, news[i]);
        at.ms += ESTIMATE_NEWS_MS / 4;
    }
    assert_int_equal(estimate_report(&e, REPORT_LATENCY).value, 310 * MS);
    assert_int_equal(estimate_report(&e, REPORT_LATENCY).spread, 40 * MS);
    assert_int_equal(estimate_report(&e, REPORT_LATENCY).evidence, 5000);
}

static void a_twentieth_of_lost_packets_is_noise(void **)
{
    for (size_t i = 0; i < COUNT_OF(TIMES); i++) {
        struct estimate e = { 0 };
        uint64_t seed = 11;

        for (int64_t s = 0; s < HOUR_S; s++) {
            bool is_lost = uniform(&seed) < 0.05;

            learn(&e, TIMES[i], second(s), noisy(&seed, 5 * MS, 300) + (is_lost ? 1000 * MS : 0));
            assert_true(s < 5 || estimate_report(&e, TIMES[i]).value < 12 * MS);
        }
    }
}

static void what_is_slow_half_of_the_time_is_not_called_fast(void **)
{
    struct estimate e = { 0 };
    uint64_t seed = 12;
    double sum = 0;

    for (int64_t s = 0; s < HOUR_S; s++) {
        learn(&e, REPORT_LATENCY, second(s), uniform(&seed) < 0.5 ? 5 * MS : 305 * MS);
        if (s >= 60)
            sum += e.mean / (HOUR_S - 60);
    }
    assert_true(sum > 120 * MS && sum < 190 * MS);
}

/* How many measurements of `to` it takes until the estimate is within a share of the way. */
static int samples_until(
    struct estimate *e, enum report_kind kind, int64_t from_s, double from, double to, double share)
{
    uint64_t seed = 13;

    for (int i = 1; i < 1000; i++) {
        learn(e, kind, second(from_s + i), noisy(&seed, to, fmin(from, to) / 20));
        if (fabs(e->mean - from) >= share * fabs(to - from))
            return i;
    }
    return 1000;
}

static void a_lasting_slow_down_shows_within_ten_and_is_whole_within_twenty(void **)
{
    for (size_t i = 0; i < COUNT_OF(TIMES); i++) {
        struct estimate half = { 0 }, whole;
        uint64_t seed = 14;

        for (int64_t s = 0; s < 300; s++)
            learn(&half, TIMES[i], second(s), noisy(&seed, 5 * MS, 250));
        whole = half;
        assert_in_range(samples_until(&half, TIMES[i], 300, 5 * MS, 300 * MS, 0.5), 2, 10);
        assert_in_range(samples_until(&whole, TIMES[i], 300, 5 * MS, 300 * MS, 0.97), 2, 20);
    }
}

static void a_lasting_recovery_shows_within_ten_and_is_whole_within_thirty(void **)
{
    for (size_t i = 0; i < COUNT_OF(TIMES); i++) {
        struct estimate half = { 0 }, whole;
        int64_t s = learn_steadily(&half, TIMES[i], 0, 300, 300 * MS);

        whole = half;
        assert_in_range(samples_until(&half, TIMES[i], s, 300 * MS, 5 * MS, 0.5), 2, 10);
        assert_in_range(samples_until(&whole, TIMES[i], s, 300 * MS, 5 * MS, 0.97), 2, 30);
    }
}

static void a_burst_of_slow_answers_within_a_second_is_not_lasting(void **)
{
    struct estimate e = { 0 };
    int64_t s = learn_steadily(&e, REPORT_LATENCY, 0, 60, 5 * MS);

    for (int i = 0; i < 8; i++)
        learn(&e, REPORT_LATENCY, (struct wall){ second(s).ms + i * 20 }, 300 * MS);
    assert_true(estimate_report(&e, REPORT_LATENCY).value < 20 * MS);
}

static void slow_answers_that_others_interrupt_are_not_lasting(void **)
{
    struct estimate e = { 0 };
    int64_t s = learn_steadily(&e, REPORT_LATENCY, 0, 60, 5 * MS);

    for (int i = 0; i < 4; i++)
        learn(&e, REPORT_LATENCY, second(s++), 300 * MS);
    learn(&e, REPORT_LATENCY, second(s++), 5 * MS);
    for (int i = 0; i < 4; i++)
        learn(&e, REPORT_LATENCY, second(s++), 300 * MS);
    assert_true(estimate_report(&e, REPORT_LATENCY).value < 60 * MS);
}

static void a_slow_start_gives_way_to_the_first_that_is_faster(void **)
{
    struct estimate e = { 0 };

    learn(&e, REPORT_LATENCY, second(0), 1005 * MS);
    learn(&e, REPORT_LATENCY, second(1), 5 * MS);
    assert_int_equal(estimate_report(&e, REPORT_LATENCY).value, 5 * MS);
    learn(&e, REPORT_LATENCY, second(2), 6 * MS);
    assert_in_range(estimate_report(&e, REPORT_LATENCY).value, 5 * MS, 6 * MS);
}

static void what_is_measured_seldom_is_smoothed_too(void **)
{
    for (size_t i = 0; i < COUNT_OF(TIMES); i++) {
        struct estimate e = { 0 };

        for (int64_t s = 0; s < 60; s++)
            learn(&e, TIMES[i], second(s * 300), 5 * MS);
        learn(&e, TIMES[i], second(60 * 300), 1000 * MS);
        assert_true(estimate_report(&e, TIMES[i]).value <= 6 * MS);
    }
}

static void after_an_hour_of_silence_the_next_measurement_is_believed_whole(void **)
{
    for (size_t i = 0; i < COUNT_OF(TIMES); i++) {
        struct estimate e = { 0 };
        int64_t s = learn_steadily(&e, TIMES[i], 0, 60, 5 * MS);

        learn(&e, TIMES[i], second(s + HOUR_S), 300 * MS);
        assert_int_equal(estimate_report(&e, TIMES[i]).value, 300 * MS);
        assert_int_equal(estimate_report(&e, TIMES[i]).evidence, 1000);
    }
}

static void a_node_measured_at_nothing_and_then_silent_for_years_stays_a_number(void **)
{
    for (int kind = 0; kind < REPORT_KIND_COUNT; kind++) {
        struct estimate e = { 0 };

        learn(&e, (enum report_kind)kind, (struct wall){ 0 }, 0);
        learn(&e, (enum report_kind)kind, (struct wall){ 1 }, 0);
        learn(&e, (enum report_kind)kind, (struct wall){ INT64_MAX }, 0);
        learn(&e, (enum report_kind)kind, (struct wall){ INT64_MAX }, 1);
        assert_in_range(estimate_report(&e, (enum report_kind)kind).value, 0, 1);
    }
}

static void a_clock_that_was_set_back_does_not_stop_it_from_learning(void **)
{
    struct estimate e = { 0 };
    int64_t s = learn_steadily(&e, REPORT_LATENCY, 0, 60, 5 * MS);

    learn(&e, REPORT_LATENCY, second(s), 300 * MS);
    learn(&e, REPORT_LATENCY, second(-86400), 300 * MS);
    assert_int_equal(e.newest.ms, second(-86400).ms);
    learn_steadily(&e, REPORT_LATENCY, -86400 + 1, 8, 300 * MS);
    assert_true(estimate_report(&e, REPORT_LATENCY).value > 290 * MS);
}

static void errors_are_a_share_and_no_outliers(void **)
{
    struct estimate e = { 0 };
    int64_t s = learn_steadily(&e, REPORT_ERRORS, 0, 600, 0);

    learn(&e, REPORT_ERRORS, second(s), MILLION);
    assert_in_range(estimate_report(&e, REPORT_ERRORS).value, 20000, 26000); // one of some 44

    uint64_t seed = 15;

    for (s++; s < 1800; s++)
        learn(&e, REPORT_ERRORS, second(s), uniform(&seed) < 0.2 ? MILLION : 0);
    assert_in_range(estimate_report(&e, REPORT_ERRORS).value, 60000, 350000);
}

static void load_follows_a_crowd_within_ten_seconds_and_cpu_within_twenty(void **)
{
    struct estimate load = { 0 }, cpu = { 0 };

    learn_steadily(&load, REPORT_LOAD, 0, 60, 200000);
    learn_steadily(&cpu, REPORT_CPU, 0, 60, 200000);
    learn_steadily(&load, REPORT_LOAD, 60, 10, 1000000);
    learn_steadily(&cpu, REPORT_CPU, 60, 20, 1000000);
    assert_in_range(estimate_report(&load, REPORT_LOAD).value, 790000, 1000000);
    assert_in_range(estimate_report(&cpu, REPORT_CPU).value, 790000, 1000000);
}

static void of_a_verdict_the_newest_stands(void **)
{
    struct estimate e = { 0 };

    learn_steadily(&e, REPORT_HEALTH, 0, 100, 1);
    learn(&e, REPORT_HEALTH, second(100), 0);
    assert_int_equal(estimate_report(&e, REPORT_HEALTH).value, 0);
    assert_int_equal(estimate_report(&e, REPORT_HEALTH).spread, 0);
}

static void the_estimate_stays_within_what_was_measured(void **)
{
    uint64_t seed = 16;

    for (int run = 0; run < 300; run++) {
        enum report_kind kind = (enum report_kind)(run % REPORT_HEALTH);
        double high = (double)report_most(kind) * uniform(&seed), low = high * uniform(&seed);
        struct estimate e = { 0 };
        struct wall at = second(0);

        for (int i = 0; i < 200; i++) {
            learn(&e, kind, at, (int64_t)(low + (high - low) * uniform(&seed)));
            assert_true(e.mean >= floor(low) && e.mean <= high);
            assert_true(e.spread >= 0 && e.spread <= high - floor(low) + 1);
            double step = uniform(&seed);
            struct report report = estimate_report(&e, kind);

            assert_true(report_is_sane(&report));
            at.ms += (int64_t)(step * step * step * 100000);
        }
    }
}

static void evidence_has_a_limit_however_much_is_measured(void **)
{
    struct estimate e = { 0 };

    for (int i = 0; i < 1100000; i++)
        assert_int_equal(estimate_learn(&e, REPORT_RESPONSE, second(0), 5 * MS), ERR_NONE);
    assert_int_equal(estimate_report(&e, REPORT_RESPONSE).evidence, REPORT_EVIDENCE_MOST);
}

static const struct report SLOW = {
    .kind = REPORT_LATENCY, .value = 40 * MS, .spread = 4 * MS, .evidence = 1000
};

static int64_t expect_after(struct report report, int64_t every_s, int64_t silence_s)
{
    report.at = second(0);
    return estimate_expect(&report, span_s(every_s), second(silence_s));
}

static void a_fresh_report_is_taken_at_its_word(void **)
{
    assert_int_equal(expect_after(SLOW, 1, 0), 40 * MS);
    assert_int_equal(expect_after(SLOW, 1, 30), 40 * MS);
    assert_int_equal(expect_after(SLOW, 1, -5), 40 * MS); // of a clock that is ahead
    assert_int_equal(expect_after(SLOW, 300, 900), 40 * MS);
}

static void silence_widens_by_a_quarter_and_a_spread_and_a_grain_each_time(void **)
{
    assert_int_equal(expect_after(SLOW, 1, 60), 55 * MS);
    assert_int_equal(expect_after(SLOW, 1, 90), 70 * MS);
    assert_int_equal(expect_after(SLOW, 300, 1800), 55 * MS);
}

static void silence_never_flatters_even_what_was_nothing(void **)
{
    for (int kind = 0; kind < REPORT_HEALTH; kind++) {
        struct report report = { .kind = (enum report_kind)kind, .evidence = 1000 };
        int64_t before = 0;

        for (int64_t s = 60; s < HOUR_S; s += 60) {
            int64_t now = expect_after(report, 1, s);

            assert_true(now > before || now == report_most(report.kind));
            before = now;
        }
    }
}

static void endless_silence_ends_at_the_most_of_its_kind(void **)
{
    for (int kind = 0; kind < REPORT_HEALTH; kind++) {
        struct report report = { .kind = (enum report_kind)kind, .value = 10, .evidence = 1000 };

        report.at = (struct wall){ 0 };
        assert_int_equal(estimate_expect(&report, span_s(1), (struct wall){ INT64_MAX }),
            report_most(report.kind));
        report.value = report.spread = report_most(report.kind);
        assert_int_equal(expect_after(report, 1, HOUR_S), report_most(report.kind));
    }
}

static void silence_changes_no_verdict(void **)
{
    struct report report = { .kind = REPORT_HEALTH, .value = 0, .evidence = 1000 };

    assert_int_equal(expect_after(report, 1, HOUR_S), 0);
}

static void idle_is_the_median_of_the_hours_lowest(void **)
{
    struct idle idle = { 0 };

    assert_int_equal(idle_median(&idle), 0);
    for (int64_t hour = 0; hour < 5; hour++) {
        idle_learn(&idle, second(hour * HOUR_S), 90 * MS);
        idle_learn(&idle, second(hour * HOUR_S + 60), (10 + hour) * MS);
        idle_learn(&idle, second(hour * HOUR_S + 120), 80 * MS);
    }
    assert_int_equal(idle_median(&idle), 12 * MS);
}

static void a_slow_afternoon_is_above_idle_until_it_has_lasted_half_a_day(void **)
{
    struct idle idle = { 0 };

    for (int64_t hour = 0; hour < 48; hour++)
        idle_learn(&idle, second(hour * HOUR_S), 10 * MS);
    for (int64_t hour = 48; hour < 59; hour++)
        idle_learn(&idle, second(hour * HOUR_S), 300 * MS);
    assert_int_equal(idle_median(&idle), 10 * MS);
    for (int64_t hour = 59; hour < 61; hour++)
        idle_learn(&idle, second(hour * HOUR_S), 300 * MS);
    assert_int_equal(idle_median(&idle), 300 * MS);
}

static void a_whole_day_of_hours_counts(void **)
{
    struct idle idle = { 0 };

    for (int64_t hour = 0; hour < IDLE_HOURS; hour++)
        idle_learn(&idle, second(hour * HOUR_S), (hour + 1) * MS);
    assert_int_equal(idle_median(&idle), 12 * MS);
    idle_learn(&idle, second(IDLE_HOURS * HOUR_S), 25 * MS);
    assert_int_equal(idle_median(&idle), 13 * MS);
}

static void hours_without_measurements_do_not_count(void **)
{
    struct idle idle = { 0 };

    idle_learn(&idle, second(0), 10 * MS);
    idle_learn(&idle, second(20 * HOUR_S), 20 * MS);
    assert_int_equal(idle_median(&idle), 10 * MS);
    idle_learn(&idle, second(25 * HOUR_S), 30 * MS);
    assert_int_equal(idle_median(&idle), 20 * MS);
    idle_learn(&idle, second(100 * HOUR_S), 40 * MS);
    assert_int_equal(idle_median(&idle), 40 * MS);
}

static void an_answer_in_no_time_is_seen_all_the_same(void **)
{
    struct idle idle = { 0 };

    idle_learn(&idle, second(0), 0);
    assert_int_equal(idle_median(&idle), 1);
}

static void a_clock_set_back_by_a_day_makes_idle_begin_anew(void **)
{
    struct idle idle = { 0 };

    idle_learn(&idle, second(365 * 24 * HOUR_S), 10 * MS);
    idle_learn(&idle, second(0), 20 * MS);
    assert_int_equal(idle_median(&idle), 20 * MS);
    idle_learn(&idle, second(-2 * HOUR_S), 30 * MS);
    idle_learn(&idle, second(-2 * HOUR_S), 25 * MS);
    assert_int_equal(idle_median(&idle), 20 * MS);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(the_first_measurement_is_believed_whole),
        cmocka_unit_test(what_is_out_of_range_changes_nothing),
        cmocka_unit_test(a_measurement_that_is_a_half_life_old_weighs_half),
        cmocka_unit_test(one_lost_packet_is_no_news),
        cmocka_unit_test(an_outlier_counts_as_half_the_mean_and_four_spreads_and_a_grain_away),
        cmocka_unit_test(the_second_measurement_may_be_an_outlier_too),
        cmocka_unit_test(five_in_a_row_over_a_second_are_news_and_all_that_is_then_known),
        cmocka_unit_test(a_twentieth_of_lost_packets_is_noise),
        cmocka_unit_test(what_is_slow_half_of_the_time_is_not_called_fast),
        cmocka_unit_test(a_lasting_slow_down_shows_within_ten_and_is_whole_within_twenty),
        cmocka_unit_test(a_lasting_recovery_shows_within_ten_and_is_whole_within_thirty),
        cmocka_unit_test(a_burst_of_slow_answers_within_a_second_is_not_lasting),
        cmocka_unit_test(slow_answers_that_others_interrupt_are_not_lasting),
        cmocka_unit_test(a_slow_start_gives_way_to_the_first_that_is_faster),
        cmocka_unit_test(what_is_measured_seldom_is_smoothed_too),
        cmocka_unit_test(after_an_hour_of_silence_the_next_measurement_is_believed_whole),
        cmocka_unit_test(a_node_measured_at_nothing_and_then_silent_for_years_stays_a_number),
        cmocka_unit_test(a_clock_that_was_set_back_does_not_stop_it_from_learning),
        cmocka_unit_test(errors_are_a_share_and_no_outliers),
        cmocka_unit_test(load_follows_a_crowd_within_ten_seconds_and_cpu_within_twenty),
        cmocka_unit_test(of_a_verdict_the_newest_stands),
        cmocka_unit_test(the_estimate_stays_within_what_was_measured),
        cmocka_unit_test(evidence_has_a_limit_however_much_is_measured),
        cmocka_unit_test(a_fresh_report_is_taken_at_its_word),
        cmocka_unit_test(silence_widens_by_a_quarter_and_a_spread_and_a_grain_each_time),
        cmocka_unit_test(silence_never_flatters_even_what_was_nothing),
        cmocka_unit_test(endless_silence_ends_at_the_most_of_its_kind),
        cmocka_unit_test(silence_changes_no_verdict),
        cmocka_unit_test(idle_is_the_median_of_the_hours_lowest),
        cmocka_unit_test(a_slow_afternoon_is_above_idle_until_it_has_lasted_half_a_day),
        cmocka_unit_test(a_whole_day_of_hours_counts),
        cmocka_unit_test(hours_without_measurements_do_not_count),
        cmocka_unit_test(an_answer_in_no_time_is_seen_all_the_same),
        cmocka_unit_test(a_clock_set_back_by_a_day_makes_idle_begin_anew),
    };

    return cmocka_run_group_tests_name("steer/estimate", cases, NULL, NULL);
}
