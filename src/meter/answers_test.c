// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "meter/answers.h"

enum { WORKERS = 3, MANY = 1000 };

static struct answers_line *pair(struct answers *a, const char *site, const char *target)
{
    return answers_pair(a, SLICE("acme"), slice_text(site), slice_text(target));
}

static void what_all_workers_gave_out_is_summed(void **)
{
    struct answers *a = answers_new(WORKERS);
    struct answers_line *lines = pair(a, "www.test", "ams");
    struct answers_given given;

    for (unsigned i = 0; i < WORKERS; i++)
        counter_add(&answers_line(lines, i)->of[2], 10 + i);
    counter_up(&answers_line(lines, 1)->of[7]);
    assert_int_equal(answers_count(a), 2);
    answers_read(a, 1, &given);
    assert_true(slice_equal(given.customer, SLICE("acme")));
    assert_true(slice_equal(given.site, SLICE("www.test")));
    assert_true(slice_equal(given.target, SLICE("ams")));
    for (size_t i = 0; i < ANSWERS_REASONS_MAX; i++)
        assert_int_equal(given.addresses[i], i == 2 ? 33 : i == 7 ? 1 : 0);
    answers_free(a);
}

static void a_pair_is_found_again_where_it_was(void **)
{
    struct answers *a = answers_new(WORKERS);
    struct answers_line *lines[MANY];
    char site[16];

    for (int i = 0; i < MANY; i++) {
        snprintf(site, sizeof site, "s%d.test", i);
        lines[i] = pair(a, site, "ams");
        counter_add(&answers_line(lines[i], 1)->of[0], (uint64_t)i);
    }
    assert_int_equal(answers_count(a), MANY + 1);
    for (int i = 0; i < MANY; i++) {
        struct answers_given given;

        snprintf(site, sizeof site, "s%d.test", i);
        assert_ptr_equal(pair(a, site, "ams"), lines[i]);
        answers_read(a, (size_t)i + 1, &given);
        assert_true(slice_equal(given.site, slice_text(site)));
        assert_int_equal(given.addresses[0], i);
    }
    assert_int_equal(answers_count(a), MANY + 1);
    answers_free(a);
}

static void sites_of_two_customers_and_two_targets_of_a_site_are_apart(void **)
{
    struct answers *a = answers_new(1);
    struct answers_line *own = pair(a, "www.test", "ams");

    assert_ptr_not_equal(own, pair(a, "www.test", "nyc"));
    assert_ptr_not_equal(own, answers_pair(a, SLICE("other"), SLICE("www.test"), SLICE("ams")));
    // Where one name ends and the next begins does not get lost.
    assert_ptr_not_equal(pair(a, "ab", "c"), pair(a, "a", "bc"));
    answers_free(a);
}

static void workers_write_no_common_cache_line(void **)
{
    struct answers *a = answers_new(WORKERS);
    struct answers_line *lines = pair(a, "www.test", "ams");

    assert_int_equal((uintptr_t)lines % CACHE_LINE_BYTES, 0);
    assert_int_equal(sizeof *lines % CACHE_LINE_BYTES, 0);
    assert_true((char *)answers_line(lines, 1) - (char *)lines >= CACHE_LINE_BYTES);
    answers_free(a);
}

static void what_finds_no_room_counts_for_nobody_and_is_counted(void **)
{
    struct answers *a = answers_new(1);
    struct answers_given given;
    char target[16];

    for (int i = 0; i < ANSWERS_PAIRS_MAX; i++) {
        snprintf(target, sizeof target, "%d", i);
        pair(a, "www.test", target);
    }
    assert_int_equal(answers_homeless(a), 0);
    struct answers_line *lines = pair(a, "www.test", "more");

    counter_add(&lines->of[1], 5);
    assert_int_equal(answers_homeless(a), 1);
    assert_ptr_equal(pair(a, "www.test", "yet more"), lines);
    answers_read(a, 0, &given);
    assert_int_equal(given.site.length, 0);
    assert_int_equal(given.addresses[1], 5);
    assert_int_equal(answers_count(a), ANSWERS_PAIRS_MAX + 1);
    answers_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_all_workers_gave_out_is_summed),
        cmocka_unit_test(a_pair_is_found_again_where_it_was),
        cmocka_unit_test(sites_of_two_customers_and_two_targets_of_a_site_are_apart),
        cmocka_unit_test(workers_write_no_common_cache_line),
        cmocka_unit_test(what_finds_no_room_counts_for_nobody_and_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
