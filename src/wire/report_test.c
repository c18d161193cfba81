// SPDX-License-Identifier: Apache-2.0
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "wire/report.h"

static const struct report SANE = {
    .observer = 1, .check = 2, .kind = REPORT_LATENCY, .value = 5000, .evidence = 1000
};

static void every_kind_has_a_limit_and_a_name_of_its_own(void **)
{
    for (int kind = 0; kind < REPORT_KIND_COUNT; kind++) {
        assert_true(report_most((enum report_kind)kind) > 0);
        assert_true(strlen(report_kind_text((enum report_kind)kind)) > 0);
        for (int other = 0; other < kind; other++)
            assert_string_not_equal(report_kind_text((enum report_kind)kind),
                report_kind_text((enum report_kind)other));
    }
    assert_string_equal(report_kind_text(REPORT_IN_FLIGHT), "in_flight");
}

static void nothing_takes_longer_than_a_minute(void **)
{
    assert_int_equal(report_most(REPORT_LATENCY), 60000000);
    assert_int_equal(report_most(REPORT_RESPONSE), 60000000);
    assert_int_equal(report_most(REPORT_EXCESS), 60000000);
}

static void cpu_and_load_may_pass_one_and_memory_and_errors_may_not(void **)
{
    assert_true(report_most(REPORT_CPU) > 1000000);
    assert_true(report_most(REPORT_LOAD) > 1000000);
    assert_int_equal(report_most(REPORT_MEMORY), 1000000);
    assert_int_equal(report_most(REPORT_ERRORS), 1000000);
    assert_int_equal(report_most(REPORT_HEALTH), 1);
}

static void a_report_at_its_limits_is_sane(void **)
{
    for (int kind = 0; kind < REPORT_KIND_COUNT; kind++) {
        struct report report = SANE;

        report.kind = (enum report_kind)kind;
        report.value = report.spread = report_most(report.kind);
        report.evidence = REPORT_EVIDENCE_MOST;
        report.at.ms = INT64_MAX;
        assert_true(report_is_sane(&report));
        report.value = report.spread = 0;
        report.evidence = 1;
        report.at.ms = 0;
        assert_true(report_is_sane(&report));
    }
}

static void a_report_past_any_limit_is_not_sane(void **)
{
    int64_t most = report_most(REPORT_LATENCY);
    struct report wrong[] = { SANE, SANE, SANE, SANE, SANE, SANE, SANE, SANE, SANE };

    wrong[0].kind = REPORT_KIND_COUNT;
    wrong[1].kind = (enum report_kind)INT_MAX;
    wrong[2].value = -1;
    wrong[3].value = most + 1;
    wrong[4].spread = -1;
    wrong[5].spread = most + 1;
    wrong[6].evidence = 0;
    wrong[7].evidence = REPORT_EVIDENCE_MOST + 1;
    wrong[8].at.ms = -1;
    assert_true(report_is_sane(&SANE));
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_false(report_is_sane(&wrong[i]));
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(every_kind_has_a_limit_and_a_name_of_its_own),
        cmocka_unit_test(nothing_takes_longer_than_a_minute),
        cmocka_unit_test(cpu_and_load_may_pass_one_and_memory_and_errors_may_not),
        cmocka_unit_test(a_report_at_its_limits_is_sane),
        cmocka_unit_test(a_report_past_any_limit_is_not_sane),
    };

    return cmocka_run_group_tests_name("wire/report", cases, NULL, NULL);
}
