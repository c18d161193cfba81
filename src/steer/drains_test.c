// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/attr.h"
#include "steer/drains.h"
#include "steer/rows.h"

enum { FRA1, FRA2, NYC1, FRA_FTP, ACME_AMS, ACME_AMS_LOAD, BETA_AMS, CHECKS };

/* Two pops, and two customers whose origins have the same name. */
struct scene {
    struct pop pops[2];
    struct node nodes[3];
    struct customer customers[2];
    struct origin origins[2];
    struct check list[CHECKS];
    struct checks checks;
    _Atomic uint8_t health[CHECKS];
    struct steer_rows rows;
    struct drains *drains;
};

static void scene_init(struct scene *s)
{
    *s = (struct scene){
        .pops = { { .name = SLICE("fra") }, { .name = SLICE("nyc") } },
        .nodes = { { .name = SLICE("fra1"), .pop = &s->pops[0] },
            { .name = SLICE("fra2"), .pop = &s->pops[0] },
            { .name = SLICE("nyc1"), .pop = &s->pops[1] } },
        .customers = { { .name = SLICE("acme") }, { .name = SLICE("beta") } },
        .origins = { { .name = SLICE("ams"), .customer = &s->customers[0] },
            { .name = SLICE("ams"), .customer = &s->customers[1] } },
        .list = { [FRA1].node = &s->nodes[0],
            [FRA2].node = &s->nodes[1],
            [NYC1].node = &s->nodes[2],
            [FRA_FTP].pop = &s->pops[0],
            [ACME_AMS].origin = &s->origins[0],
            [ACME_AMS_LOAD].origin = &s->origins[0],
            [BETA_AMS].origin = &s->origins[1] },
        .checks = { .list = s->list, .count = CHECKS },
        .rows = { .checks = &s->checks, .health = s->health },
        .drains = drains_new(),
    };
}

static enum err drain(struct scene *s, enum drain_kind kind, const char *name)
{
    enum err err = drains_add(s->drains, &(struct drain){ .kind = kind, .name = slice_text(name) });

    drains_mark(s->drains, &s->rows);
    return err;
}

static bool undrain(struct scene *s, enum drain_kind kind, const char *name)
{
    bool was_drained = drains_remove(s->drains, kind, slice_text(name));

    drains_mark(s->drains, &s->rows);
    return was_drained;
}

/* These checks, as bits, and no others. */
static void drained_are(const struct scene *s, unsigned expected)
{
    for (uint32_t i = 0; i < CHECKS; i++)
        assert_int_equal(
            (steer_health(&s->rows, i) & STEER_DRAINED) != 0, (expected >> i & 1) != 0);
}

#define BIT(check) (1U << (check))

static void a_drained_node_alone_is_marked(void **)
{
    struct scene s;

    scene_init(&s);
    drained_are(&s, 0);
    assert_int_equal(drain(&s, DRAIN_NODE, "fra1"), ERR_NONE);
    drained_are(&s, BIT(FRA1));
    assert_true(drains_has_node(s.drains, &s.nodes[0]));
    assert_false(drains_has_node(s.drains, &s.nodes[1]));
    assert_true(undrain(&s, DRAIN_NODE, "fra1"));
    drained_are(&s, 0);
    drains_free(s.drains);
}

static void a_drained_pop_takes_all_its_nodes_and_services(void **)
{
    struct scene s;

    scene_init(&s);
    assert_int_equal(drain(&s, DRAIN_POP, "fra"), ERR_NONE);
    drained_are(&s, BIT(FRA1) | BIT(FRA2) | BIT(FRA_FTP));
    assert_true(drains_has_node(s.drains, &s.nodes[1]));
    assert_false(drains_has_node(s.drains, &s.nodes[2]));
    drains_free(s.drains);
}

static void a_node_stays_drained_when_its_pop_is_taken_back_in(void **)
{
    struct scene s;

    scene_init(&s);
    assert_int_equal(drain(&s, DRAIN_POP, "fra"), ERR_NONE);
    assert_int_equal(drain(&s, DRAIN_NODE, "fra2"), ERR_NONE);
    assert_true(undrain(&s, DRAIN_POP, "fra"));
    drained_are(&s, BIT(FRA2));
    drains_free(s.drains);
}

static void an_origin_of_another_customer_with_the_same_name_is_not_drained(void **)
{
    struct scene s;

    scene_init(&s);
    assert_int_equal(drain(&s, DRAIN_ORIGIN, "acme/ams"), ERR_NONE);
    drained_are(&s, BIT(ACME_AMS) | BIT(ACME_AMS_LOAD));
    assert_true(drains_has_origin(s.drains, &s.origins[0]));
    assert_false(drains_has_origin(s.drains, &s.origins[1]));
    drains_free(s.drains);
}

static void names_of_one_kind_are_not_those_of_another(void **)
{
    struct scene s;

    scene_init(&s);
    assert_int_equal(drain(&s, DRAIN_NODE, "fra"), ERR_NONE);
    assert_int_equal(drain(&s, DRAIN_POP, "acme/ams"), ERR_NONE);
    assert_int_equal(drain(&s, DRAIN_ORIGIN, "acme.ams"), ERR_NONE);
    assert_int_equal(drain(&s, DRAIN_ORIGIN, "acme/ham"), ERR_NONE);
    drained_are(&s, 0);
    drains_free(s.drains);
}

static void what_was_measured_stays_beside_it(void **)
{
    struct scene s;

    scene_init(&s);
    steer_health_set(&s.rows, FRA1, STEER_DOWN, true);
    assert_int_equal(drain(&s, DRAIN_NODE, "fra1"), ERR_NONE);
    assert_int_equal(steer_health(&s.rows, FRA1), STEER_DOWN | STEER_DRAINED);
    assert_true(undrain(&s, DRAIN_NODE, "fra1"));
    assert_int_equal(steer_health(&s.rows, FRA1), STEER_DOWN);
    drains_free(s.drains);
}

static void what_is_drained_twice_keeps_its_first_word(void **)
{
    struct drain word = { DRAIN_POP, SLICE("fra"), SLICE("ann"), { 1000 }, 7, 3 };
    const struct drain *list;
    struct scene s;

    scene_init(&s);
    assert_int_equal(drains_add(s.drains, &word), ERR_NONE);
    word.by = SLICE("bob");
    word.number = 9;
    assert_int_equal(drains_add(s.drains, &word), ERR_EXISTS);
    assert_int_equal(drains_list(s.drains, &list), 1);
    assert_true(slice_equal(list[0].by, SLICE("ann")));
    assert_true(slice_equal(list[0].name, SLICE("fra")));
    assert_int_equal(list[0].number, 3);
    assert_int_equal(list[0].since.ms, 1000);
    assert_true(undrain(&s, DRAIN_POP, "fra"));
    assert_false(undrain(&s, DRAIN_POP, "fra"));
    drains_free(s.drains);
}

static void they_are_listed_as_they_were_given(void **)
{
    const struct drain *list;
    struct scene s;

    scene_init(&s);
    assert_int_equal(drain(&s, DRAIN_POP, "a"), ERR_NONE);
    assert_int_equal(drain(&s, DRAIN_POP, "b"), ERR_NONE);
    assert_int_equal(drain(&s, DRAIN_POP, "c"), ERR_NONE);
    assert_true(undrain(&s, DRAIN_POP, "b"));
    assert_int_equal(drains_list(s.drains, &list), 2);
    assert_true(slice_equal(list[0].name, SLICE("a")));
    assert_true(slice_equal(list[1].name, SLICE("c")));
    assert_false(undrain(&s, DRAIN_POP, "b"));
    assert_true(undrain(&s, DRAIN_POP, "c"));
    drains_free(s.drains);
}

static void equal_sets_have_one_hash_whatever_their_order(void **)
{
    struct scene a, b;

    scene_init(&a);
    scene_init(&b);
    assert_true(drains_hash(a.drains) == 0);
    assert_int_equal(drain(&a, DRAIN_POP, "fra"), ERR_NONE);
    assert_int_equal(drain(&a, DRAIN_NODE, "nyc1"), ERR_NONE);
    assert_int_equal(drain(&b, DRAIN_NODE, "nyc1"), ERR_NONE);
    assert_true(drains_hash(a.drains) != drains_hash(b.drains));
    assert_int_equal(drain(&b, DRAIN_POP, "fra"), ERR_NONE);
    assert_true(drains_hash(a.drains) != 0);
    assert_true(drains_hash(a.drains) == drains_hash(b.drains));
    assert_true(undrain(&b, DRAIN_POP, "fra"));
    assert_int_equal(drain(&b, DRAIN_NODE, "fra"), ERR_NONE);
    assert_true(drains_hash(a.drains) != drains_hash(b.drains));
    drains_free(a.drains);
    drains_free(b.drains);
}

static void there_is_a_limit_and_room_again_below_it(void **)
{
    char name[16];
    struct scene s;

    scene_init(&s);
    for (int i = 0; i < DRAINS_MAX; i++) {
        snprintf(name, sizeof name, "pop%d", i);
        assert_int_equal(drain(&s, DRAIN_POP, name), ERR_NONE);
    }
    assert_int_equal(drain(&s, DRAIN_POP, "fra"), ERR_LIMIT);
    drained_are(&s, 0);
    assert_int_equal(drain(&s, DRAIN_POP, "pop0"), ERR_EXISTS);
    assert_true(undrain(&s, DRAIN_POP, "pop512"));
    assert_int_equal(drain(&s, DRAIN_POP, "fra"), ERR_NONE);
    drained_are(&s, BIT(FRA1) | BIT(FRA2) | BIT(FRA_FTP));
    drains_free(s.drains);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drained_node_alone_is_marked),
        cmocka_unit_test(a_drained_pop_takes_all_its_nodes_and_services),
        cmocka_unit_test(a_node_stays_drained_when_its_pop_is_taken_back_in),
        cmocka_unit_test(an_origin_of_another_customer_with_the_same_name_is_not_drained),
        cmocka_unit_test(names_of_one_kind_are_not_those_of_another),
        cmocka_unit_test(what_was_measured_stays_beside_it),
        cmocka_unit_test(what_is_drained_twice_keeps_its_first_word),
        cmocka_unit_test(they_are_listed_as_they_were_given),
        cmocka_unit_test(equal_sets_have_one_hash_whatever_their_order),
        cmocka_unit_test(there_is_a_limit_and_room_again_below_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
