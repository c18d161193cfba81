// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/hash.h"
#include "steer/blindness.h"
#include "steer/watch.h"

enum { CHECKS_MAX = 12 };

struct fixture {
    struct blindness *b;
    struct check checks[CHECKS_MAX];
    struct instant now;
};

/* A node that sees `up` of the checks, as the only ones or the first ones. */
static void begin(struct fixture *f, uint32_t count, uint32_t up)
{
    const struct checks list = { .list = f->checks, .count = count };

    *f = (struct fixture){ .b = blindness_new(), .now = { 1000 } };
    for (uint32_t i = 0; i < count; i++)
        f->checks[i].id = 10 * (i + 1);
    blindness_use(f->b, &list, NULL, 1);
    for (uint32_t i = 0; i < count; i++)
        blindness_learn(f->b, i, i < up, f->now);
}

static void pass(struct fixture *f, int64_t ms)
{
    f->now = instant_after(f->now, span_ms(ms));
}

/* It falls, and it is looked whether that made the node blind. */
static bool fall(struct fixture *f, uint32_t check)
{
    blindness_learn(f->b, check, false, f->now);
    return blindness_is_blind(f->b);
}

static bool rise(struct fixture *f, uint32_t check)
{
    blindness_learn(f->b, check, true, f->now);
    return blindness_is_blind(f->b);
}

static void more_than_half_within_five_seconds_is_blindness(void **)
{
    struct fixture f;

    begin(&f, 6, 6);
    assert_false(fall(&f, 0));
    pass(&f, 2000);
    assert_false(fall(&f, 1));
    pass(&f, 2000);
    assert_false(fall(&f, 2)); // half
    pass(&f, 1000);
    assert_true(fall(&f, 3));
    blindness_free(f.b);
}

static void what_goes_slowly_is_the_targets_own_doing(void **)
{
    struct fixture f;

    begin(&f, 6, 6);
    for (uint32_t i = 0; i < 6; i++) {
        assert_false(fall(&f, i));
        pass(&f, 2600);
    }
    blindness_free(f.b);
}

static void three_that_were_up_are_too_few_to_tell(void **)
{
    struct fixture f;

    begin(&f, 12, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_false(fall(&f, i));
    blindness_free(f.b);
}

static void what_was_down_before_is_not_counted(void **)
{
    struct fixture f;

    begin(&f, 12, 4);
    for (uint32_t i = 4; i < 12; i++)
        assert_false(fall(&f, i)); // as they were
    pass(&f, 10000);
    assert_false(fall(&f, 0));
    assert_false(fall(&f, 1));
    assert_true(fall(&f, 2));
    blindness_free(f.b);
}

static void one_that_comes_and_goes_counts_once(void **)
{
    struct fixture f;

    begin(&f, 6, 6);
    for (unsigned i = 0; i < 10; i++) {
        assert_false(fall(&f, 0));
        assert_false(rise(&f, 0));
    }
    blindness_free(f.b);
}

static void a_node_that_never_saw_anything_is_not_blind(void **)
{
    struct fixture f;

    begin(&f, 8, 0);
    for (uint32_t i = 0; i < 8; i++)
        assert_false(fall(&f, i));
    blindness_free(f.b);
}

static void it_sees_again_when_more_than_half_are_back(void **)
{
    struct fixture f;

    begin(&f, 6, 4);
    fall(&f, 0);
    fall(&f, 1);
    assert_true(fall(&f, 2));
    assert_true(fall(&f, 3));
    pass(&f, 60000);
    assert_true(rise(&f, 4)); // was down all along
    assert_true(rise(&f, 5));
    assert_true(rise(&f, 0));
    assert_true(rise(&f, 1)); // half
    assert_false(rise(&f, 2));
    assert_false(fall(&f, 2)); // what fell before is long past
    blindness_free(f.b);
}

static void another_release_of_the_same_checks_changes_nothing(void **)
{
    static const struct check LATER[] = { { .id = 5 }, { .id = 10 }, { .id = 20 }, { .id = 30 } };
    const struct checks later = { .list = LATER, .count = 4 };
    struct fixture f;

    begin(&f, 4, 4);
    fall(&f, 0);
    fall(&f, 1);
    blindness_use(f.b, &later, NULL, 1); // 40 is gone, 5 is new
    assert_false(blindness_is_blind(f.b));
    assert_false(rise(&f, 0));
    assert_true(fall(&f, 3)); // three of four
    assert_true(rise(&f, 1));
    assert_false(rise(&f, 2));
    blindness_free(f.b);
}

static void nobody_stays_blind_for_checks_that_are_no_more(void **)
{
    static const struct check LATER[] = { { .id = 1 } };
    const struct checks later = { .list = LATER, .count = 1 };
    struct fixture f;

    begin(&f, 4, 4);
    fall(&f, 0);
    fall(&f, 1);
    assert_true(fall(&f, 2));
    blindness_use(f.b, &later, NULL, 1);
    assert_false(blindness_is_blind(f.b));
    blindness_free(f.b);
}

/* Twelve nodes, each alone in its pop; the first one's sight. */
static void what_others_watch_is_passed_over(void **)
{
    struct node nodes[12];
    struct pop pops[12];
    char names[12];
    struct check list[40];
    const struct checks checks = { .list = list, .count = COUNT_OF(list) };
    uint32_t watched = 0, fallen = 0;
    bool is_watched[COUNT_OF(list)];

    for (size_t i = 0; i < COUNT_OF(nodes); i++) {
        names[i] = (char)('a' + i);
        nodes[i] = (struct node){ .name = { &names[i], 1 } };
        pops[i] = (struct pop){ .nodes = &nodes[i], .node_count = 1 };
    }
    for (size_t i = 0; i < COUNT_OF(list); i++)
        list[i] = (struct check){ .id = 1000 * (i + 1) };
    const struct network network = { .pops = pops, .pop_count = COUNT_OF(pops) };
    struct watch_table *watch = watch_table_new(&network, &checks);
    struct blindness *b = blindness_new();
    const uint64_t self = hash_bytes(nodes[0].name, 0);
    const struct instant now = { 1000 };

    blindness_use(b, &checks, watch, self);
    for (uint32_t i = 0; i < checks.count; i++) {
        is_watched[i] = watch_has(watch, i, self);
        watched += is_watched[i];
        blindness_learn(b, i, true, now);
    }
    assert_in_range(watched, 8, 25);
    for (uint32_t i = 0; i < checks.count; i++)
        if (!is_watched[i])
            blindness_learn(b, i, false, now);
    assert_false(blindness_is_blind(b));
    for (uint32_t i = 0; i < checks.count; i++)
        if (!is_watched[i])
            blindness_learn(b, i, true, now);
    // More than half of what it watches is far from half of all.
    for (uint32_t i = 0; i < checks.count && fallen <= watched / 2; i++)
        if (is_watched[i]) {
            assert_false(blindness_is_blind(b));
            blindness_learn(b, i, false, now);
            fallen++;
        }
    assert_true(blindness_is_blind(b));
    // In a release in which it watches nothing, there is nothing to be blind of.
    blindness_use(b, &checks, watch, self + 1);
    assert_false(blindness_is_blind(b));
    blindness_free(b);
    watch_table_free(watch);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(more_than_half_within_five_seconds_is_blindness),
        cmocka_unit_test(what_goes_slowly_is_the_targets_own_doing),
        cmocka_unit_test(three_that_were_up_are_too_few_to_tell),
        cmocka_unit_test(what_was_down_before_is_not_counted),
        cmocka_unit_test(one_that_comes_and_goes_counts_once),
        cmocka_unit_test(a_node_that_never_saw_anything_is_not_blind),
        cmocka_unit_test(it_sees_again_when_more_than_half_are_back),
        cmocka_unit_test(another_release_of_the_same_checks_changes_nothing),
        cmocka_unit_test(what_others_watch_is_passed_over),
        cmocka_unit_test(nobody_stays_blind_for_checks_that_are_no_more),
    };

    return cmocka_run_group_tests_name("steer/blindness", cases, NULL, NULL);
}
