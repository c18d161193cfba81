// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/mem.h"
#include "meter/plan_test.h"
#include "meter/plan_text.h"

#define HEAD                                       \
    "plan 1 standard\n"                            \
    "currency EUR\n"                               \
    "monthly 50.00\n"                              \
    "minimum 100.00\n"                             \
    "per_million_requests 0.60 included 1000000\n" \
    "per_million_answers 0.00 included 0\n"
#define TIERS                            \
    "per_gb 0.02 up_to 10000000000000\n" \
    "per_gb 0.01\n"                      \
    "included_traffic 100000000000\n"
#define GROUP "group asia sin tyo\nper_mbit 2.00\n"

/* A limit that no plan of these tests comes near. */
enum { BYTES_MAX = 1 << 20 };

static enum err parse(const char *text, struct plan *plan, struct arena *arena, struct diag *why)
{
    arena_init(arena, BYTES_MAX);
    return plan_text_parse(slice_text(text), arena, plan, why);
}

static void a_text_is_the_plan_it_was_written_of(void **)
{
    struct plan plan;
    struct arena arena;
    char *room = mem_alloc(PLAN_TEXT_MAX);

    assert_int_equal(parse(HEAD TIERS GROUP, &plan, &arena, NULL), ERR_NONE);
    assert_true(slice_equal(plan.name, SLICE("standard")));
    assert_true(slice_equal(plan.currency, SLICE("EUR")));
    assert_int_equal(plan.monthly_microcents, INT64_C(5000000000));
    assert_int_equal(plan.minimum_microcents, INT64_C(10000000000));
    assert_int_equal(plan.requests.million_microcents, 60000000);
    assert_int_equal(plan.requests.included, 1000000);
    assert_int_equal(plan.answers.million_microcents, 0);
    assert_int_equal(plan.traffic.tier_count, 2);
    assert_int_equal(plan.traffic.tiers[0].up_to_bytes, INT64_C(10000000000000));
    assert_int_equal(plan.traffic.tiers[1].gigabyte_microcents, 1000000);
    assert_int_equal(plan.traffic.included_bytes, INT64_C(100000000000));
    assert_int_equal(plan.group_count, 1);
    assert_int_equal(plan.groups[0].pop_count, 2);
    assert_true(slice_equal(plan.groups[0].pops[1], SLICE("tyo")));
    assert_null(plan.groups[0].traffic.tiers);
    assert_int_equal(plan.groups[0].traffic.megabit_microcents, 200000000);
    assert_true(slice_equal(plan_text_write(&plan, room), SLICE(HEAD TIERS GROUP)));
    mem_free(room);
    arena_done(&arena);
}

static void what_is_no_canonical_text_is_refused_and_its_line_told(void **)
{
    static const struct {
        const char *text, *line;
    } CASES[] = {
        { "", "line 1" },
        { "plan 2 standard\n", "line 1" },
        { "plan 1 \n", "line 1" },
        { "plan 1 a b\n", "line 1" },
        { "plan 1 a\ncurrency EURO\n", "line 2" },
        { "plan 1 a\ncurrency eur\n", "line 2" },
        { "plan 1 a\ncurrency EUR\nmonthly -1.00\n", "line 3" },
        { "plan 1 a\ncurrency EUR\nmonthly 1.00\nminimum\n", "line 4" },
        { "plan 1 a\ncurrency EUR\nmonthly 1.00\nminimum 1.00\nper_million_requests 1.00\n",
            "line 5" },
        { HEAD, "line 7" },
        { HEAD "per_gb 1.00\n", "line 8" },
        { HEAD "per_gb 1.00 up_to 1\nincluded_traffic 0\n", "line 8" },
        { HEAD "per_gb 1.00 up_to 2\nper_gb 1.00 up_to 2\nper_gb 1.00\nincluded_traffic 0\n",
            "line 8" },
        { HEAD "per_gb 1.00 up_to 0\nper_gb 1.00\nincluded_traffic 0\n", "line 7" },
        { HEAD "per_gb 1.00 down_to 7\nper_gb 1.00\nincluded_traffic 0\n", "line 7" },
        { HEAD TIERS "group asia\nper_mbit 2.00\n", "line 10" },
        { HEAD TIERS "group asia tyo sin\nper_mbit 2.00\n", "line 10" },
        { HEAD TIERS "group asia sin sin\nper_mbit 2.00\n", "line 10" },
        { HEAD TIERS GROUP "group asia lon\nper_mbit 2.00\n", "line 12" },
        { HEAD TIERS GROUP "group b sin\nper_mbit 2.00\n", "line 12" },
        { HEAD TIERS "group asia sin\n", "line 11" },
        { HEAD TIERS "more\n", "line 10" },
        { HEAD TIERS "\n", "line 10" },
        { HEAD "per_mbit 2.0\n", "the one way" },
        { HEAD "per_mbit 02.00\n", "the one way" },
        { HEAD "per_mbit 2.00", "the one way" },
        { HEAD "per_gb 1.00 up_to 07\nper_gb 1.00\nincluded_traffic 0\n", "the one way" },
    };

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct plan plan = { .monthly_microcents = 7 };
        struct arena arena;
        struct diag why = { 0 };

        assert_int_equal(parse(CASES[i].text, &plan, &arena, &why), ERR_PARSE);
        assert_non_null(strstr(why.text, CASES[i].line));
        assert_int_equal(plan.monthly_microcents, 7);
        arena_done(&arena);
    }
}

/* `count` tiers and groups, pops of each. */
static char *large_text(int tiers, int groups, int pops)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    fputs(HEAD, out);
    for (int i = 1; i < tiers; i++)
        fprintf(out, "per_gb 1.00 up_to %d\n", i);
    fputs("per_gb 1.00\nincluded_traffic 0\n", out);
    for (int i = 0; i < groups; i++) {
        fprintf(out, "group g%02d", i);
        for (int j = 0; j < pops; j++)
            fprintf(out, " p%02d-%03d", i, j);
        fputs("\nper_mbit 2.00\n", out);
    }
    fclose(out);
    return text;
}

static void a_plan_of_the_largest_size_is_read_and_no_larger_one(void **)
{
    static const struct {
        int tiers, groups, pops;
        enum err expected;
    } CASES[] = {
        { PLAN_TIERS_MAX, PLAN_GROUPS_MAX, PLAN_POPS_MAX / PLAN_GROUPS_MAX, ERR_NONE },
        { 1, 1, PLAN_POPS_MAX, ERR_NONE },
        { PLAN_TIERS_MAX + 1, 0, 0, ERR_PARSE },
        { 1, PLAN_GROUPS_MAX + 1, 1, ERR_PARSE },
        { 1, 1, PLAN_POPS_MAX + 1, ERR_PARSE },
        { 1, 2, PLAN_POPS_MAX / 2 + 1, ERR_PARSE },
        { 1, 1, PLAN_TEXT_MAX / 8, ERR_PARSE },
    };

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        char *text = large_text(CASES[i].tiers, CASES[i].groups, CASES[i].pops);
        struct plan plan;
        struct arena arena;

        assert_int_equal(parse(text, &plan, &arena, NULL), CASES[i].expected);
        arena_done(&arena);
        free(text);
    }
}

static void any_plan_comes_back_from_its_text(void **)
{
    struct dice dice = { 1 };
    char *room = mem_alloc(PLAN_TEXT_MAX), *again = mem_alloc(PLAN_TEXT_MAX);

    for (int i = 0; i < 3000; i++) {
        struct arena arena;
        struct diag why = { 0 };

        arena_init(&arena, BYTES_MAX);
        struct plan plan = random_plan(&dice, &arena), found;
        struct slice text = plan_text_write(&plan, room);

        assert_int_equal(plan_text_parse(text, &arena, &found, &why), ERR_NONE);
        assert_true(slice_equal(plan_text_write(&found, again), text));
        assert_int_equal(found.group_count, plan.group_count);
        assert_int_equal(found.traffic.tier_count, plan.traffic.tier_count);
        arena_done(&arena);
    }
    mem_free(room);
    mem_free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_the_plan_it_was_written_of),
        cmocka_unit_test(what_is_no_canonical_text_is_refused_and_its_line_told),
        cmocka_unit_test(a_plan_of_the_largest_size_is_read_and_no_larger_one),
        cmocka_unit_test(any_plan_comes_back_from_its_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
