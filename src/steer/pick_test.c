// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/hash.h"
#include "steer/pick.h"

enum { CLIENTS = 30000 };

/* Of 1,000 picks, computed once: a change of it moves clients on a rolling upgrade. */
#define DIGEST 0x37338d53u

struct world {
    struct site site;
    struct steer_target targets[3];
    struct steer_row row;
};

static struct world *world(struct world *w, enum site_policy policy)
{
    const char *const names[] = { "ams", "nyc", "sin" };

    *w = (struct world){ .site = { .policy = policy } };
    for (size_t i = 0; i < 3; i++)
        w->targets[i] = (struct steer_target){ .hash = hash_bytes(slice_text(names[i]), 0),
            .weight = (uint32_t)i + 1 };
    w->row = (struct steer_row){ .site = &w->site, .hash = 7, .targets = w->targets, .count = 3 };
    return w;
}

static struct ip client(unsigned number)
{
    return ip_v4(10, (uint8_t)(number >> 8), (uint8_t)number, 1);
}

static void ordered_is_the_first_and_nobodys_address_decided(void **)
{
    struct world w;
    struct ip ip = client(5);
    struct steer_pick pick = steer_pick(&world(&w, POLICY_ORDERED)->row, &ip);

    assert_int_equal(pick.target, 0);
    assert_int_equal(pick.scope_bits, 0);
}

static void weights_share_the_clients(void **)
{
    struct world w;
    size_t count[3] = { 0 };

    world(&w, POLICY_WEIGHTED);
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct ip ip = client(i);

        count[steer_pick(&w.row, &ip).target]++;
    }
    for (size_t i = 0; i < 3; i++)
        assert_in_range(
            count[i], CLIENTS * (i + 1) / 6 * 95 / 100, CLIENTS * (i + 1) / 6 * 105 / 100);
}

static void taking_a_target_out_moves_only_its_clients(void **)
{
    struct world w;

    world(&w, POLICY_STICKY);
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct ip ip = client(i);
        size_t before = steer_pick(&w.row, &ip).target;

        w.row.count = 2;
        size_t after = steer_pick(&w.row, &ip).target;

        w.row.count = 3;
        if (before != 2)
            assert_int_equal(before, after);
    }
}

static void a_target_without_weight_is_drawn_by_nobody(void **)
{
    struct world w;

    world(&w, POLICY_WEIGHTED)->targets[1].weight = 0;
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct ip ip = client(i);

        assert_int_not_equal(steer_pick(&w.row, &ip).target, 1);
    }
}

static void one_cell_gets_one_answer_whoever_asks_within_it(void **)
{
    struct world w;

    world(&w, POLICY_WEIGHTED);
    for (uint8_t last = 0; last < 255; last++) {
        struct ip ip = ip_v4(192, 0, 2, last);
        struct steer_pick pick = steer_pick(&w.row, &ip);
        struct ip first = ip_v4(192, 0, 2, 0);

        assert_int_equal(pick.target, steer_pick(&w.row, &first).target);
        assert_int_equal(pick.scope_bits, 24);
    }
}

static void another_site_draws_lots_of_its_own(void **)
{
    struct world w;
    size_t same = 0;

    world(&w, POLICY_WEIGHTED);
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct ip ip = client(i);
        struct steer_row other = w.row;

        other.hash = 8;
        same += steer_pick(&w.row, &ip).target == steer_pick(&other, &ip).target;
    }
    assert_in_range(same, CLIENTS * 34 / 100, CLIENTS * 44 / 100); // 1/36 + 4/36 + 9/36
}

static void answers_are_the_same_on_every_machine(void **)
{
    struct world w;
    unsigned digest = 0;

    world(&w, POLICY_WEIGHTED);
    for (unsigned i = 0; i < 1000; i++) {
        struct ip ip = client(i);

        digest = digest * 31 + (unsigned)steer_pick(&w.row, &ip).target;
    }
    assert_int_equal(digest, DIGEST);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(ordered_is_the_first_and_nobodys_address_decided),
        cmocka_unit_test(weights_share_the_clients),
        cmocka_unit_test(taking_a_target_out_moves_only_its_clients),
        cmocka_unit_test(a_target_without_weight_is_drawn_by_nobody),
        cmocka_unit_test(one_cell_gets_one_answer_whoever_asks_within_it),
        cmocka_unit_test(another_site_draws_lots_of_its_own),
        cmocka_unit_test(answers_are_the_same_on_every_machine),
    };

    return cmocka_run_group_tests_name("steer/pick", cases, NULL, NULL);
}
