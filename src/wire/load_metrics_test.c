// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "wire/load_metrics.h"

#define WRONG UINT64_MAX

static struct load_metrics metrics_of(const char *text)
{
    struct load_metrics metrics;

    assert_true(load_metrics_parse(slice_text(text), &metrics));
    return metrics;
}

static uint64_t value_of(const char *name, const char *number, enum load_metric metric)
{
    char text[LOAD_METRICS_TEXT_MAX] = "TEXT ";
    struct load_metrics metrics;

    strcat(text, name);
    strcat(text, "=");
    strcat(text, number);
    if (!load_metrics_parse(slice_text(text), &metrics)) {
        assert_false(metrics.is_known[metric]);
        return WRONG;
    }
    assert_true(metrics.is_known[metric]);
    return metrics.millionths[metric];
}

static uint64_t rate_of(const char *number)
{
    return value_of("rps_fractional", number, LOAD_METRIC_RATE);
}

static void each_metric_is_read_by_its_name(void **)
{
    struct load_metrics m = metrics_of("TEXT cpu_utilization=0.3,mem_utilization=0.8,"
                                       "application_utilization=1.25,rps_fractional=120");

    for (size_t i = 0; i < LOAD_METRIC_COUNT; i++)
        assert_true(m.is_known[i]);
    assert_int_equal(m.millionths[LOAD_METRIC_CPU], 300000);
    assert_int_equal(m.millionths[LOAD_METRIC_MEMORY], 800000);
    assert_int_equal(m.millionths[LOAD_METRIC_APPLICATION], 1250000);
    assert_int_equal(m.millionths[LOAD_METRIC_RATE], 120000000);
}

static void blanks_and_empty_members_say_nothing(void **)
{
    struct load_metrics m =
        metrics_of(" TEXT  cpu_utilization = 0.5 ,\tmem_utilization=0.25,, \r\n");

    assert_int_equal(m.millionths[LOAD_METRIC_CPU], 500000);
    assert_int_equal(m.millionths[LOAD_METRIC_MEMORY], 250000);
    assert_false(m.is_known[LOAD_METRIC_APPLICATION]);
    assert_false(m.is_known[LOAD_METRIC_RATE]);
}

static void the_word_text_may_be_left_out(void **)
{
    struct load_metrics m = metrics_of("mem_utilization=0.77\n");

    assert_int_equal(m.millionths[LOAD_METRIC_MEMORY], 770000);
}

static void names_of_others_are_passed_over(void **)
{
    struct load_metrics m =
        metrics_of("TEXT named_metrics.kv-cache=-1, eps=x, CPU_UTILIZATION=2, cpu_utilization=1");

    assert_int_equal(m.millionths[LOAD_METRIC_CPU], 1000000);
    m = metrics_of("TEXT eps=3");
    for (size_t i = 0; i < LOAD_METRIC_COUNT; i++)
        assert_false(m.is_known[i]);
}

static void numbers_are_read_as_printers_of_doubles_write_them(void **)
{
    assert_int_equal(rate_of("0"), 0);
    assert_int_equal(rate_of("-0"), 0);
    assert_int_equal(rate_of("-0.0e3"), 0);
    assert_int_equal(rate_of(".5"), 500000);
    assert_int_equal(rate_of("5."), 5000000);
    assert_int_equal(rate_of("1e-3"), 1000);
    assert_int_equal(rate_of("1E-06"), 1);
    assert_int_equal(rate_of("1.5e+03"), 1500000000);
    assert_int_equal(rate_of("0.00012e4"), 1200000);
    assert_int_equal(rate_of("12345.6789e-2"), 123456789);
    assert_int_equal(rate_of("0.30000000000000004"), 300000);
    assert_int_equal(rate_of("00000000000000000000000000000000001.5"), 1500000);
    assert_int_equal(rate_of("0e999999999999999999999"), 0);
    assert_int_equal(rate_of("7e-999999999999999999999"), 0);
}

static void what_lies_between_millionths_is_rounded_to_the_nearest(void **)
{
    assert_int_equal(rate_of("0.0000004"), 0);
    assert_int_equal(rate_of("0.0000005"), 1);
    assert_int_equal(rate_of("5e-7"), 1);
    assert_int_equal(rate_of("9e-8"), 0);
    assert_int_equal(rate_of("0.9999995"), 1000000);
    assert_int_equal(rate_of("0.99999949999"), 999999);
}

static void what_is_no_number_makes_the_whole_wrong(void **)
{
    static const char *const numbers[] = { "", ".", "-", "e5", "1e", "1e+", "1e5x", "1..2", "1.2.3",
        "0x10", "nan", "NaN", "inf", "+1", "1 2", "1=2", "--1", "0.3%" };

    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        assert_true(rate_of(numbers[i]) == WRONG);
}

static void one_wrong_number_leaves_nothing_known(void **)
{
    struct load_metrics m = { .is_known = { true } };

    assert_false(load_metrics_parse(SLICE("TEXT cpu_utilization=0.1,mem_utilization=x"), &m));
    for (size_t i = 0; i < LOAD_METRIC_COUNT; i++)
        assert_false(m.is_known[i]);
}

static void what_is_below_zero_or_out_of_range_is_wrong(void **)
{
    assert_true(rate_of("-1") == WRONG);
    assert_true(rate_of("-1e-17") == WRONG);
    assert_int_equal(rate_of("1000000000"), UINT64_C(1000000000000000));
    assert_int_equal(rate_of("1e9"), UINT64_C(1000000000000000));
    assert_true(rate_of("1000000000.000001") == WRONG);
    assert_true(rate_of("1000000000.0000005") == WRONG);
    assert_true(rate_of("1e10") == WRONG);
    assert_true(rate_of("1e999999999999999999999") == WRONG);
    assert_true(rate_of("99999999999999999999999999999999999999999") == WRONG);
    assert_int_equal(value_of("mem_utilization", "1", LOAD_METRIC_MEMORY), 1000000);
    assert_true(value_of("mem_utilization", "1.000001", LOAD_METRIC_MEMORY) == WRONG);
    assert_int_equal(value_of("cpu_utilization", "1.7", LOAD_METRIC_CPU), 1700000);
    assert_int_equal(value_of("application_utilization", "2", LOAD_METRIC_APPLICATION), 2000000);
}

static void a_metric_that_is_said_twice_is_wrong(void **)
{
    struct load_metrics m;

    assert_false(load_metrics_parse(SLICE("cpu_utilization=0.1,cpu_utilization=0.1"), &m));
}

static void other_texts_are_refused(void **)
{
    static const char *const texts[] = { "", "TEXT", "TEXT ", " , ", "ok", "cpu_utilization",
        "=0.5", "TEXT =0.5", "BIN CgAAAA==", "JSON {\"cpu_utilization\": 0.3}", "text eps=1",
        "TEXT TEXT eps=1", "cpu_utilization=0.3 mem_utilization=0.8", "<html a=\"1\">" };
    struct load_metrics m;

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_false(load_metrics_parse(slice_text(texts[i]), &m));
    assert_false(load_metrics_parse(SLICE_NONE, &m));
}

static void what_is_known_is_written_in_few_digits(void **)
{
    char text[LOAD_METRICS_TEXT_MAX];
    struct load_metrics m = { .is_known = { [LOAD_METRIC_CPU] = true, [LOAD_METRIC_RATE] = true },
        .millionths = { [LOAD_METRIC_CPU] = 310000, [LOAD_METRIC_RATE] = 120000000 } };
    size_t length = load_metrics_write(&m, text);

    assert_string_equal(text, "TEXT cpu_utilization=0.31,rps_fractional=120");
    assert_int_equal(length, strlen(text));
    m.millionths[LOAD_METRIC_CPU] = 1;
    m.millionths[LOAD_METRIC_RATE] = 0;
    load_metrics_write(&m, text);
    assert_string_equal(text, "TEXT cpu_utilization=0.000001,rps_fractional=0");
}

static void the_largest_values_fit_and_are_read_again(void **)
{
    char text[LOAD_METRICS_TEXT_MAX];
    struct load_metrics m, again;

    for (size_t i = 0; i < LOAD_METRIC_COUNT; i++) {
        m.is_known[i] = true;
        m.millionths[i] = UINT64_C(999999999999999);
    }
    m.millionths[LOAD_METRIC_MEMORY] = 999999;
    size_t length = load_metrics_write(&m, text);

    assert_true(load_metrics_parse(slice_of(text, length), &again));
    assert_memory_equal(again.millionths, m.millionths, sizeof m.millionths);
}

static void with_nothing_known_there_is_nothing_to_read(void **)
{
    char text[LOAD_METRICS_TEXT_MAX];
    struct load_metrics m = { 0 };

    assert_int_equal(load_metrics_write(&m, text), 5);
    assert_string_equal(text, "TEXT ");
    assert_false(load_metrics_parse(slice_text(text), &m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_metric_is_read_by_its_name),
        cmocka_unit_test(blanks_and_empty_members_say_nothing),
        cmocka_unit_test(the_word_text_may_be_left_out),
        cmocka_unit_test(names_of_others_are_passed_over),
        cmocka_unit_test(numbers_are_read_as_printers_of_doubles_write_them),
        cmocka_unit_test(what_lies_between_millionths_is_rounded_to_the_nearest),
        cmocka_unit_test(what_is_no_number_makes_the_whole_wrong),
        cmocka_unit_test(one_wrong_number_leaves_nothing_known),
        cmocka_unit_test(what_is_below_zero_or_out_of_range_is_wrong),
        cmocka_unit_test(a_metric_that_is_said_twice_is_wrong),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(what_is_known_is_written_in_few_digits),
        cmocka_unit_test(the_largest_values_fit_and_are_read_again),
        cmocka_unit_test(with_nothing_known_there_is_nothing_to_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
