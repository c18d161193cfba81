// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/hash.h"
#include "steer/pick.h"

enum { CLIENTS = 30000, TARGETS = 4, MEMBERS = 5, ROUNDS = 3000 };

/* Of 1,000 picks, computed once: a change of it moves clients on a rolling upgrade. */
#define DIGEST        0x37338d53u
#define DIGEST_OF_ALL 0x37eaf97au

/* Targets 0 to 2 have a member each; the last is a reserve of two members. */
struct world {
    struct site site;
    struct steer_target targets[TARGETS];
    struct steer_member members[MEMBERS];
    struct steer_row row;
    _Atomic uint8_t health[MEMBERS];
    struct checks checks;
    struct geo geo;
    struct geo_cell geo_cell;
    struct steer_rows rows;
    struct steer_cell cell;
    uint32_t class_at;
    bool is_narrow;
    struct steer_map map;
};

static struct world *world(struct world *w, enum site_policy policy)
{
    const char *const names[TARGETS] = { "ams", "nyc", "sin", "far" };

    *w = (struct world){ .site = { .policy = policy }, .is_narrow = true };
    for (uint32_t i = 0; i < TARGETS; i++)
        w->targets[i] = (struct steer_target){ .hash = hash_bytes(slice_text(names[i]), 0),
            .weight = i + 1,
            .first_member = i,
            .member_count = i == 3 ? 2 : 1,
            .is_reserve = i == 3 };
    for (uint32_t i = 0; i < MEMBERS; i++)
        w->members[i] = (struct steer_member){
            .hash = i + 100, .check = i, .load_check = CHECK_NONE, .families = STEER_HAS_V4
        };
    w->row = (struct steer_row){ .site = &w->site,
        .hash = 7,
        .targets = w->targets,
        .count = 3,
        .members = w->members,
        .member_count = MEMBERS };
    w->checks.count = MEMBERS;
    w->geo = (struct geo){ .cells = &w->geo_cell, .cell_count = 1 };
    w->rows =
        (struct steer_rows){ .id = 5, .checks = &w->checks, .geo = &w->geo, .health = w->health };
    w->cell = (struct steer_cell){ .count = 3, .band = 1, .targets = { 2, 0, 1 } };
    w->map = (struct steer_map){ .rows_id = 5,
        .cell_count = 1,
        .class_count = 1,
        .class_at = &w->class_at,
        .class_is_narrow = &w->is_narrow,
        .cells = &w->cell };
    return w;
}

static struct ip client(unsigned number)
{
    return ip_v4(10, (uint8_t)(number >> 8), (uint8_t)number, 1);
}

static struct steer_pick pick(const struct world *w, unsigned number)
{
    struct ip ip = client(number);

    return steer_pick(&w->rows, &w->row, &w->map, STEER_HAS_V4, &ip);
}

static void set_down(struct world *w, uint32_t member, bool is_down)
{
    steer_health_set(&w->rows, member, STEER_DOWN, is_down);
}

static void expect(struct world *w, unsigned target, enum steer_reason reason)
{
    struct steer_pick got = pick(w, 5);

    assert_int_equal(got.reason, reason);
    assert_int_equal(got.target, target);
}

static void ordered_is_the_first_fit_and_nobodys_address_decided(void **)
{
    struct world w;

    expect(world(&w, POLICY_ORDERED), 0, STEER_BEST);
    assert_int_equal(pick(&w, 5).scope_bits, 0);
    set_down(&w, 0, true);
    expect(&w, 1, STEER_NEXT);
    assert_int_equal(pick(&w, 5).scope_bits, 0);
}

static void strict_is_the_first_fit_choice_of_the_map(void **)
{
    struct world w;

    expect(world(&w, POLICY_STRICT), 2, STEER_BEST);
    assert_int_equal(pick(&w, 5).scope_bits, 0);
    set_down(&w, 2, true);
    expect(&w, 0, STEER_NEXT);
}

static void a_map_of_other_rows_is_not_looked_at(void **)
{
    struct world w;

    world(&w, POLICY_BALANCED)->map.rows_id = 6;
    w.map.cells = NULL;
    expect(&w, 0, STEER_BEST);
}

static void what_the_map_does_not_list_follows_in_the_rows_order(void **)
{
    struct world w;

    world(&w, POLICY_BALANCED)->cell.count = 1;
    set_down(&w, 2, true);
    expect(&w, 0, STEER_NEXT);
    set_down(&w, 0, true);
    expect(&w, 1, STEER_NEXT);
}

static void weights_share_the_clients(void **)
{
    struct world w;
    size_t count[3] = { 0 };

    world(&w, POLICY_WEIGHTED);
    for (unsigned i = 0; i < CLIENTS; i++)
        count[pick(&w, i).target]++;
    for (size_t i = 0; i < 3; i++)
        assert_in_range(
            count[i], CLIENTS * (i + 1) / 6 * 95 / 100, CLIENTS * (i + 1) / 6 * 105 / 100);
    assert_int_equal(pick(&w, 5).reason, STEER_DRAWN);
    assert_int_equal(pick(&w, 5).scope_bits, 24);
}

static void a_band_shares_its_clients_and_nobody_else_gets_any(void **)
{
    struct world w;
    size_t count[3] = { 0 };

    world(&w, POLICY_BALANCED)->cell.band = 2; // sin of weight 3, ams of 1
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct steer_pick got = pick(&w, i);

        assert_int_equal(got.reason, STEER_DRAWN);
        count[got.target]++;
    }
    assert_in_range(count[2], CLIENTS * 3 / 4 * 95 / 100, CLIENTS * 3 / 4 * 105 / 100);
    assert_int_equal(count[1], 0);
    set_down(&w, 2, true); // one is left, and nobody's address decides
    expect(&w, 0, STEER_NEXT);
    assert_int_equal(pick(&w, 5).scope_bits, 0);
}

static void taking_a_target_out_moves_only_its_clients(void **)
{
    struct world w;

    for (enum site_policy policy = POLICY_BALANCED; policy <= POLICY_STICKY; policy++) {
        world(&w, policy)->cell.band = 3;
        for (unsigned i = 0; i < CLIENTS / 5; i++) {
            size_t before = pick(&w, i).target;

            set_down(&w, 1, true);
            size_t after = pick(&w, i).target;

            set_down(&w, 1, false);
            assert_int_not_equal(after, 1);
            if (before != 1)
                assert_int_equal(before, after);
        }
    }
}

static void a_target_without_weight_is_drawn_by_nobody_but_better_than_none(void **)
{
    struct world w;

    world(&w, POLICY_WEIGHTED)->targets[1].weight = 0;
    for (unsigned i = 0; i < CLIENTS; i++)
        assert_int_not_equal(pick(&w, i).target, 1);
    set_down(&w, 0, true);
    set_down(&w, 2, true);
    expect(&w, 1, STEER_NEXT);
}

static void one_leaf_gets_one_answer_whoever_asks_within_it(void **)
{
    struct world w;
    struct ip first = ip_v4(192, 0, 2, 0), six = { IP_V6, { 0x20, 1, 0xd, 0xb8, 0, 1 } };

    world(&w, POLICY_WEIGHTED);
    for (uint8_t last = 0; last < 255; last++) {
        struct ip ip = ip_v4(192, 0, 2, last);
        struct steer_pick got = steer_pick(&w.rows, &w.row, NULL, STEER_HAS_V4, &ip);

        assert_int_equal(
            got.target, steer_pick(&w.rows, &w.row, NULL, STEER_HAS_V4, &first).target);
        assert_int_equal(got.scope_bits, 24);
    }
    assert_int_equal(steer_pick(&w.rows, &w.row, NULL, STEER_HAS_V4, &six).scope_bits, 48);
}

static void another_site_draws_lots_of_its_own(void **)
{
    struct world w;
    size_t same = 0;

    world(&w, POLICY_WEIGHTED);
    for (unsigned i = 0; i < CLIENTS; i++) {
        size_t target = pick(&w, i).target;

        w.row.hash = 8;
        same += target == pick(&w, i).target;
        w.row.hash = 7;
    }
    assert_in_range(same, CLIENTS * 34 / 100, CLIENTS * 44 / 100); // 1/36 + 4/36 + 9/36
}

/* Of all clients, how many the first choice keeps. */
static size_t kept_by_the_first(const struct world *w)
{
    size_t kept = 0;

    for (unsigned i = 0; i < CLIENTS; i++)
        kept += pick(w, i).target == w->cell.targets[0];
    return kept;
}

static void a_share_of_clients_is_shed_to_the_next_choice(void **)
{
    struct world w;

    world(&w, POLICY_BALANCED)->cell.shed[0] = STEER_SHED_ALL / 4;
    assert_in_range(kept_by_the_first(&w), CLIENTS * 74 / 100, CLIENTS * 76 / 100);
    for (unsigned i = 0; i < CLIENTS / 10; i++) {
        struct ip ip = client(i);
        struct steer_pick got = pick(&w, i);
        bool is_shed = steer_sheds(&w.row, &w.cell, 0, &ip);

        assert_int_equal(got.target, is_shed ? 0 : 2);
        assert_int_equal(got.reason, is_shed ? STEER_NEXT : STEER_BEST);
        assert_int_equal(got.scope_bits, 24);
    }
}

static void a_larger_share_sheds_the_same_clients_and_more(void **)
{
    struct world w;

    world(&w, POLICY_BALANCED);
    for (unsigned i = 0; i < CLIENTS / 10; i++) {
        bool was_shed = false;

        for (unsigned tenths = 0; tenths <= 10; tenths++) {
            w.cell.shed[0] = (uint16_t)(STEER_SHED_ALL * tenths / 10);
            bool is_shed = pick(&w, i).target != 2;

            assert_true(is_shed || !was_shed);
            was_shed = is_shed;
        }
        assert_true(was_shed);
    }
}

static void a_share_below_one_percent_and_a_whole_one_ask_nobodys_address(void **)
{
    struct world w;

    world(&w, POLICY_BALANCED)->cell.shed[0] = STEER_SHED_LEAST - 1;
    assert_int_equal(kept_by_the_first(&w), CLIENTS);
    assert_int_equal(pick(&w, 5).scope_bits, 0);
    w.cell.shed[0] = STEER_SHED_ALL;
    assert_int_equal(kept_by_the_first(&w), 0);
    assert_int_equal(pick(&w, 5).scope_bits, 0);
}

static void it_fails_open_in_a_fixed_order(void **)
{
    struct world w;

    world(&w, POLICY_BALANCED)->row.count = TARGETS;
    w.cell.count = TARGETS;
    w.cell.targets[3] = 3;
    for (size_t i = 0; i < 3; i++)
        w.cell.shed[i] = STEER_SHED_ALL;
    expect(&w, 2, STEER_OVER_CAPACITY);
    set_down(&w, 2, true);
    expect(&w, 0, STEER_OVER_CAPACITY);
    set_down(&w, 0, true);
    set_down(&w, 1, true);
    expect(&w, 3, STEER_RESERVE);
    set_down(&w, 3, true);
    set_down(&w, 4, true);
    w.cell.shed[2] = 0; // of sin, ams, nyc: the last
    expect(&w, 1, STEER_ALL_DOWN);
}

static void with_all_down_the_site_may_want_an_empty_answer(void **)
{
    struct world w;

    world(&w, POLICY_ORDERED)->site.all_down = ALL_DOWN_NODATA;
    set_down(&w, 0, true);
    set_down(&w, 1, true);
    expect(&w, 2, STEER_NEXT);
    set_down(&w, 2, true);
    expect(&w, 0, STEER_NOTHING);
    assert_int_equal(pick(&w, 5).scope_bits, 0);
}

static void the_drained_come_after_those_that_are_down(void **)
{
    struct world w;

    world(&w, POLICY_ORDERED);
    steer_health_set(&w.rows, 0, STEER_DRAINED, true);
    expect(&w, 1, STEER_NEXT);
    set_down(&w, 1, true);
    set_down(&w, 2, true);
    expect(&w, 1, STEER_ALL_DOWN);
    steer_health_set(&w.rows, 1, STEER_DRAINED, true);
    steer_health_set(&w.rows, 2, STEER_DRAINED, true);
    expect(&w, 0, STEER_ALL_DOWN);
    set_down(&w, 1, false);
    steer_health_set(&w.rows, 1, STEER_DRAINED, false);
    expect(&w, 1, STEER_NEXT);
}

static void nodes_of_a_pop_share_its_clients_and_the_fit_take_over(void **)
{
    struct world w;
    size_t first = 0;

    world(&w, POLICY_ORDERED)->row.targets = &w.targets[3];
    w.row.count = 1;
    w.targets[3].is_reserve = false;
    for (unsigned i = 0; i < CLIENTS; i++)
        first += pick(&w, i).member == 3;
    assert_in_range(first, CLIENTS * 48 / 100, CLIENTS * 52 / 100);
    assert_int_equal(pick(&w, 5).scope_bits, 24);
    assert_int_equal(pick(&w, 5).reason, STEER_BEST);
    set_down(&w, 3, true);
    for (unsigned i = 0; i < CLIENTS / 10; i++) {
        assert_int_equal(pick(&w, i).member, 4);
        assert_int_equal(pick(&w, i).reason, STEER_BEST);
    }
}

static void members_without_such_an_address_are_not_there(void **)
{
    struct world w;
    struct ip ip = client(5);

    world(&w, POLICY_ORDERED)->members[1].families = STEER_HAS_V6;
    struct steer_pick got = steer_pick(&w.rows, &w.row, NULL, STEER_HAS_V6, &ip);

    assert_int_equal(got.target, 1);
    assert_int_equal(got.member, 1);
    assert_int_equal(got.reason, STEER_BEST);
    set_down(&w, 1, true);
    assert_int_equal(steer_pick(&w.rows, &w.row, NULL, STEER_HAS_V6, &ip).member, 1);
}

static void answers_are_the_same_on_every_machine(void **)
{
    struct world w;
    unsigned digest = 0, of_all = 0;

    world(&w, POLICY_WEIGHTED);
    for (unsigned i = 0; i < 1000; i++)
        digest = digest * 31 + pick(&w, i).target;
    assert_int_equal(digest, DIGEST);
    world(&w, POLICY_BALANCED)->cell.band = 2;
    w.cell.shed[0] = STEER_SHED_ALL / 3;
    w.targets[0].first_member = 3;
    w.targets[0].member_count = 2;
    for (unsigned i = 0; i < 1000; i++)
        of_all = of_all * 31 + pick(&w, i).member;
    assert_int_equal(of_all, DIGEST_OF_ALL);
}

/* What no pick may get wrong, whatever the row, the map and the health. */
static void check_pick(const struct world *w, const struct steer_pick *got)
{
    unsigned fit = 0, fit_reserves = 0;

    for (size_t i = 0; i < w->row.count; i++) {
        const struct steer_target *t = &w->targets[i];
        bool is_fit = false;

        for (uint32_t m = t->first_member; m < t->first_member + t->member_count; m++)
            is_fit |= w->health[m] == 0;
        fit += is_fit && !t->is_reserve;
        fit_reserves += is_fit && t->is_reserve;
    }
    if (got->reason == STEER_NOTHING) {
        assert_int_equal(fit + fit_reserves, 0);
        return;
    }
    assert_in_range(got->target, 0, w->row.count - 1);
    const struct steer_target *t = &w->targets[got->target];

    assert_in_range(got->member, t->first_member, t->first_member + t->member_count - 1);
    assert_int_equal(got->reason == STEER_ALL_DOWN, fit + fit_reserves == 0);
    assert_int_equal(got->reason == STEER_RESERVE, fit == 0 && fit_reserves > 0);
    if (fit + fit_reserves > 0)
        assert_int_equal(w->health[got->member], 0);
    if (fit > 0)
        assert_false(t->is_reserve);
}

static void world_of_chance(struct world *w, uint64_t lot)
{
    world(w, (enum site_policy)(lot % 5));
    w->row.count = 1 + lot / 5 % TARGETS;
    w->site.all_down = (enum site_all_down)(lot >> 8 & 1);
    w->cell.count = (uint8_t)w->row.count;
    w->cell.band = (uint8_t)(1 + (lot >> 9) % w->row.count);
    for (size_t i = 0; i < w->row.count; i++) {
        w->cell.targets[i] = (uint16_t)((i + (lot >> 12)) % w->row.count);
        w->cell.shed[i] = (lot >> (16 + i) & 1) != 0 ? (uint16_t)(lot >> 20) : 0;
        w->targets[i].is_reserve = (lot >> (40 + i) & 1) != 0;
        w->targets[i].weight = lot >> (44 + i) & 3;
    }
    for (size_t i = 0; i < MEMBERS; i++)
        w->health[i] = (uint8_t)(lot >> (48 + 2 * i) & 3);
}

static void whatever_is_up_the_pick_is_among_it(void **)
{
    struct world w;

    for (unsigned round = 0; round < ROUNDS; round++) {
        world_of_chance(&w, hash_mix(round + 1));
        for (unsigned i = 0; i < 20; i++) {
            struct steer_pick got = pick(&w, i * 977);

            check_pick(&w, &got);
        }
    }
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(ordered_is_the_first_fit_and_nobodys_address_decided),
        cmocka_unit_test(strict_is_the_first_fit_choice_of_the_map),
        cmocka_unit_test(a_map_of_other_rows_is_not_looked_at),
        cmocka_unit_test(what_the_map_does_not_list_follows_in_the_rows_order),
        cmocka_unit_test(weights_share_the_clients),
        cmocka_unit_test(a_band_shares_its_clients_and_nobody_else_gets_any),
        cmocka_unit_test(taking_a_target_out_moves_only_its_clients),
        cmocka_unit_test(a_target_without_weight_is_drawn_by_nobody_but_better_than_none),
        cmocka_unit_test(one_leaf_gets_one_answer_whoever_asks_within_it),
        cmocka_unit_test(another_site_draws_lots_of_its_own),
        cmocka_unit_test(a_share_of_clients_is_shed_to_the_next_choice),
        cmocka_unit_test(a_larger_share_sheds_the_same_clients_and_more),
        cmocka_unit_test(a_share_below_one_percent_and_a_whole_one_ask_nobodys_address),
        cmocka_unit_test(it_fails_open_in_a_fixed_order),
        cmocka_unit_test(with_all_down_the_site_may_want_an_empty_answer),
        cmocka_unit_test(the_drained_come_after_those_that_are_down),
        cmocka_unit_test(nodes_of_a_pop_share_its_clients_and_the_fit_take_over),
        cmocka_unit_test(members_without_such_an_address_are_not_there),
        cmocka_unit_test(answers_are_the_same_on_every_machine),
        cmocka_unit_test(whatever_is_up_the_pick_is_among_it),
    };

    return cmocka_run_group_tests_name("steer/pick", cases, NULL, NULL);
}
