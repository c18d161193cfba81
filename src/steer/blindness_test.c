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

enum { SHARED = 40, SHARERS = 12 };

/* Nodes, each alone in its pop, that share the watch of many checks; the first one's sight. */
struct shared {
    struct node nodes[SHARERS];
    struct pop pops[SHARERS];
    char names[SHARERS];
    struct network network;
    struct check list[SHARED];
    struct checks checks;
    struct watch_table *watch;
    uint64_t self;
    struct blindness *b;
};

static void shared_begin(struct shared *s)
{
    for (size_t i = 0; i < SHARERS; i++) {
        s->names[i] = (char)('a' + i);
        s->nodes[i] = (struct node){ .name = { &s->names[i], 1 } };
        s->pops[i] = (struct pop){ .nodes = &s->nodes[i], .node_count = 1 };
    }
    for (size_t i = 0; i < SHARED; i++)
        s->list[i] = (struct check){ .id = 1000 * (i + 1) };
    s->network = (struct network){ .pops = s->pops, .pop_count = SHARERS };
    s->checks = (struct checks){ .list = s->list, .count = SHARED };
    s->watch = watch_table_new(&s->network, &s->checks);
    s->self = hash_bytes(s->nodes[0].name, 0);
    s->b = blindness_new();
    blindness_use(s->b, &s->checks, s->watch, s->self);
}

/* Of those that it watches, or of the others, so many go up or down; returns how many did. */
static uint32_t turn(struct shared *s, bool is_watched, bool is_up, uint32_t most)
{
    uint32_t turned = 0;

    for (uint32_t i = 0; i < SHARED && turned < most; i++) {
        if (watch_has(s->watch, i, s->self) != is_watched)
            continue;
        blindness_learn(s->b, i, is_up, (struct instant){ 1000 });
        turned++;
    }
    return turned;
}

static void what_others_watch_is_passed_over(void **)
{
    struct shared s;

    shared_begin(&s);
    uint32_t watched = turn(&s, true, true, SHARED);

    assert_in_range(watched, 8, 25);
    turn(&s, false, true, SHARED);
    turn(&s, false, false, SHARED);
    assert_false(blindness_is_blind(s.b));
    turn(&s, false, true, SHARED);
    // More than half of what it watches is far from half of all.
    turn(&s, true, false, watched / 2);
    assert_false(blindness_is_blind(s.b));
    turn(&s, true, false, watched / 2 + 1);
    assert_true(blindness_is_blind(s.b));
    // In a release in which it watches nothing, there is nothing to be blind of.
    blindness_use(s.b, &s.checks, s.watch, s.self + 1);
    assert_false(blindness_is_blind(s.b));
    blindness_free(s.b);
    watch_table_free(s.watch);
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
