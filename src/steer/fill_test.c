// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/hash.h"
#include "steer/fill.h"

enum { DRAWS = 100000 };

static struct fill_origin fit(unsigned number, uint32_t in_flight, int64_t response_us)
{
    return (struct fill_origin){ .hash = hash_mix(number + 1),
        .weight = 1,
        .is_fit = true,
        .in_flight = in_flight,
        .response_us = response_us };
}

/* Which is asked first. */
static size_t first(
    enum site_fill fill, const struct fill_origin *origins, size_t count, uint64_t key)
{
    uint8_t order[FILL_ORIGINS_MAX];

    assert_int_equal(fill_order(fill, origins, count, hash_mix(key), hash_mix(key + 7), order),
        count < FILL_ORIGINS_MAX ? count : FILL_ORIGINS_MAX);
    return order[0];
}

/* How often each comes first, in percent of DRAWS keys and lots. */
static void shares(
    enum site_fill fill, const struct fill_origin *origins, size_t count, double *percent)
{
    memset(percent, 0, count * sizeof *percent);
    for (uint64_t draw = 0; draw < DRAWS; draw++)
        percent[first(fill, origins, count, draw)] += 100.0 / DRAWS;
}

static void assert_near(double percent, double expected)
{
    if (percent < expected - 1 || percent > expected + 1)
        fail_msg("%f %%, not %f %%", percent, expected);
}

static void assert_order(
    enum site_fill fill, const struct fill_origin *origins, size_t count, const uint8_t *expected)
{
    uint8_t order[FILL_ORIGINS_MAX];

    assert_int_equal(fill_order(fill, origins, count, 1, 2, order), count);
    assert_memory_equal(order, expected, count);
}

static void ordered_and_pinned_ones_are_asked_as_listed(void **)
{
    const struct fill_origin origins[] = { fit(1, 9, 90000), fit(2, 0, 10), fit(3, 0, 0) };
    static const uint8_t LISTED[] = { 0, 1, 2 };

    assert_order(FILL_ORDERED, origins, 3, LISTED);
    assert_order(FILL_PINNED, origins, 3, LISTED);
}

static void reserves_come_behind_the_fit_and_before_the_unfit(void **)
{
    static const enum site_fill FILLS[] = { FILL_ORDERED, FILL_HASH, FILL_LEAST_LOADED };
    static const uint8_t EXPECTED[] = { 3, 2, 1, 0 };
    struct fill_origin origins[] = { fit(1, 0, 10), fit(2, 0, 10), fit(3, 0, 10), fit(4, 9, 99) };

    origins[0].is_fit = false;
    origins[0].is_reserve = true;
    origins[1].is_fit = false;
    origins[2].is_reserve = true;
    for (size_t i = 0; i < COUNT_OF(FILLS); i++)
        assert_order(FILLS[i], origins, 4, EXPECTED);
}

static void drained_ones_come_last_even_if_all_others_are_down(void **)
{
    static const enum site_fill FILLS[] = { FILL_ORDERED, FILL_HASH, FILL_LEAST_LOADED };
    static const uint8_t EXPECTED[] = { 3, 2, 0, 1 };
    struct fill_origin origins[] = { fit(1, 0, 10), fit(2, 0, 10), fit(3, 9, 99), fit(4, 0, 10) };

    origins[0].is_drained = true;
    origins[1].is_drained = true;
    origins[1].is_reserve = true;
    origins[2].is_fit = false;
    for (size_t i = 0; i < COUNT_OF(FILLS); i++)
        assert_order(FILLS[i], origins, 4, EXPECTED);
}

static void every_origin_is_named_once_whatever_is_known_of_them(void **)
{
    for (uint64_t round = 0; round < 20000; round++) {
        struct fill_origin origins[FILL_ORIGINS_MAX + 4];
        uint8_t order[FILL_ORIGINS_MAX];
        size_t count = 1 + hash_mix(round) % COUNT_OF(origins), named = 0;
        uint32_t seen = 0;

        for (size_t i = 0; i < count; i++) {
            uint64_t draw = hash_mix(round * 100 + i);

            origins[i] = (struct fill_origin){ .hash = hash_mix(draw),
                .weight = draw % 4 == 0 ? 0 : (uint32_t)(draw >> 32),
                .is_fit = (draw & 16) != 0,
                .is_reserve = (draw & 32) != 0,
                .is_drained = (draw & 512) != 0,
                .in_flight = (draw & 64) != 0 ? UINT32_MAX : 0,
                .response_us = (draw & 128) != 0 ? INT64_MAX : (int64_t)(draw & 256) };
        }
        named = fill_order((enum site_fill)(round % 4), origins, count, round, ~round, order);
        for (size_t i = 0; i < named; i++)
            seen |= UINT32_C(1) << order[i];
        assert_int_equal(named, count < FILL_ORIGINS_MAX ? count : FILL_ORIGINS_MAX);
        assert_int_equal(seen, (UINT32_C(1) << named) - 1);
    }
}

static void equal_loads_are_shared_by_weight(void **)
{
    struct fill_origin origins[] = { fit(1, 0, 2000), fit(2, 1, 1000) };
    double percent[2];

    shares(FILL_LEAST_LOADED, origins, 2, percent);
    assert_near(percent[0], 50);
    origins[0].weight = 3;
    shares(FILL_LEAST_LOADED, origins, 2, percent);
    assert_near(percent[0], 75);
    origins[1].weight = 0;
    shares(FILL_LEAST_LOADED, origins, 2, percent);
    assert_near(percent[0], 100);
}

static void the_slower_gets_less_but_not_nothing(void **)
{
    struct fill_origin origins[] = { fit(1, 0, 3000), fit(2, 0, 1000) };
    double percent[2];

    shares(FILL_LEAST_LOADED, origins, 2, percent);
    assert_near(percent[0], 10);
    origins[0].response_us = 1000000;
    shares(FILL_LEAST_LOADED, origins, 2, percent);
    assert_true(percent[0] > 0.3 && percent[0] < 0.5); // once in FILL_EXPLORES
}

static void the_slower_gets_more_when_the_quick_one_is_busy(void **)
{
    const struct fill_origin origins[] = { fit(1, 0, 4000), fit(2, 7, 1000) };
    double percent[2];

    shares(FILL_LEAST_LOADED, origins, 2, percent);
    assert_near(percent[0], 80);
}

static void of_three_two_are_drawn_so_that_the_quickest_is_not_stormed(void **)
{
    const struct fill_origin origins[] = { fit(1, 0, 100), fit(2, 0, 10000), fit(3, 0, 1000000) };
    double percent[3];

    shares(FILL_LEAST_LOADED, origins, 3, percent);
    assert_near(percent[0], 66.4);
    assert_near(percent[1], 33.3);
    assert_near(percent[2], 0.3);
}

static void the_other_of_the_two_is_asked_next(void **)
{
    const struct fill_origin origins[] = { fit(1, 0, 100), fit(2, 0, 200), fit(3, 0, 400) };
    static const uint8_t LESS_FIRST[] = { 0, 2, 1 }, MORE_FIRST[] = { 2, 0, 1 };
    uint8_t order[FILL_ORIGINS_MAX];

    fill_order(FILL_LEAST_LOADED, origins, 3, 0, UINT64_C(0xffffffff00000002), order);
    assert_memory_equal(order, LESS_FIRST, 3);
    fill_order(FILL_LEAST_LOADED, origins, 3, 0, UINT64_C(0x0000000000000002), order);
    assert_memory_equal(order, MORE_FIRST, 3);
}

static void one_never_asked_is_tried_at_once_but_not_by_all(void **)
{
    struct fill_origin origins[] = { fit(1, 0, 0), fit(2, 0, 1000) };
    double percent[2];

    shares(FILL_LEAST_LOADED, origins, 2, percent);
    assert_near(percent[0], 1600.0 / 17);
    origins[0].in_flight = FILL_NEW_QUICKER - 1; // it is being found out
    shares(FILL_LEAST_LOADED, origins, 2, percent);
    assert_near(percent[0], 50);
}

static void of_new_ones_only_what_is_in_flight_is_known(void **)
{
    const struct fill_origin origins[] = { fit(1, 3, 0), fit(2, 0, 0) };
    double percent[2];

    shares(FILL_LEAST_LOADED, origins, 2, percent);
    assert_near(percent[0], 100.0 / 17);
}

static void each_object_has_its_origin_and_they_share_by_weight(void **)
{
    struct fill_origin origins[] = { fit(1, 5, 9000), fit(2, 0, 10), fit(3, 0, 0) };
    double percent[3];

    shares(FILL_HASH, origins, 3, percent);
    for (size_t i = 0; i < 3; i++)
        assert_near(percent[i], 100.0 / 3);
    for (uint64_t key = 0; key < 1000; key++) {
        uint8_t one[FILL_ORIGINS_MAX], other[FILL_ORIGINS_MAX];

        fill_order(FILL_HASH, origins, 3, key, 1, one);
        fill_order(FILL_HASH, origins, 3, key, UINT64_MAX, other); // no lot has a say
        assert_memory_equal(one, other, 3);
    }
    origins[0].weight = 2;
    origins[2].weight = 0;
    shares(FILL_HASH, origins, 3, percent);
    assert_near(percent[0], 200.0 / 3);
    assert_near(percent[2], 0);
}

static void when_an_origin_goes_only_its_objects_move(void **)
{
    enum { COUNT = 5, GONE = 2 };
    struct fill_origin all[COUNT], left[COUNT - 1];
    double taken[COUNT] = { 0 };

    for (unsigned i = 0; i < COUNT; i++)
        all[i] = fit(i, 0, 0);
    memcpy(left, all, GONE * sizeof *all);
    memcpy(left + GONE, all + GONE + 1, (COUNT - GONE - 1) * sizeof *all);
    for (uint64_t key = 0; key < DRAWS; key++) {
        size_t before = first(FILL_HASH, all, COUNT, key);
        size_t after = first(FILL_HASH, left, COUNT - 1, key);

        after += after >= GONE;
        if (before == GONE)
            taken[after] += 100.0 * COUNT / DRAWS;
        else
            assert_int_equal(after, before);
    }
    for (size_t i = 0; i < COUNT; i++)
        assert_near(taken[i], i == GONE ? 0 : 100.0 / (COUNT - 1));
}

static void one_that_is_unfit_moves_as_if_it_were_gone_and_comes_back_to_its_own(void **)
{
    struct fill_origin origins[] = { fit(1, 0, 0), fit(2, 0, 0), fit(3, 0, 0) };

    for (uint64_t key = 0; key < 1000; key++) {
        uint8_t well[FILL_ORIGINS_MAX], ill[FILL_ORIGINS_MAX];

        fill_order(FILL_HASH, origins, 3, key, 0, well);
        origins[well[0]].is_fit = false;
        fill_order(FILL_HASH, origins, 3, key, 0, ill);
        origins[well[0]].is_fit = true;
        assert_int_equal(ill[0], well[1]);
        assert_int_equal(ill[1], well[2]);
        assert_int_equal(ill[2], well[0]);
    }
}

/* Nodes must agree where an object is asked for: the very same picks on every machine. */
static void every_machine_agrees_on_an_objects_origin(void **)
{
    struct fill_origin origins[] = { fit(1, 0, 0), fit(2, 0, 0), fit(3, 0, 0), fit(4, 0, 0) };
    uint64_t digest = 0;

    origins[1].weight = 3;
    for (uint64_t key = 0; key < 10000; key++)
        digest = hash_mix(digest + first(FILL_HASH, origins, 4, key));
    assert_int_equal(digest, UINT64_C(0x15bfdf586ec65e41));
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(ordered_and_pinned_ones_are_asked_as_listed),
        cmocka_unit_test(reserves_come_behind_the_fit_and_before_the_unfit),
        cmocka_unit_test(drained_ones_come_last_even_if_all_others_are_down),
        cmocka_unit_test(every_origin_is_named_once_whatever_is_known_of_them),
        cmocka_unit_test(equal_loads_are_shared_by_weight),
        cmocka_unit_test(the_slower_gets_less_but_not_nothing),
        cmocka_unit_test(the_slower_gets_more_when_the_quick_one_is_busy),
        cmocka_unit_test(of_three_two_are_drawn_so_that_the_quickest_is_not_stormed),
        cmocka_unit_test(the_other_of_the_two_is_asked_next),
        cmocka_unit_test(one_never_asked_is_tried_at_once_but_not_by_all),
        cmocka_unit_test(of_new_ones_only_what_is_in_flight_is_known),
        cmocka_unit_test(each_object_has_its_origin_and_they_share_by_weight),
        cmocka_unit_test(when_an_origin_goes_only_its_objects_move),
        cmocka_unit_test(one_that_is_unfit_moves_as_if_it_were_gone_and_comes_back_to_its_own),
        cmocka_unit_test(every_machine_agrees_on_an_objects_origin),
    };

    return cmocka_run_group_tests_name("steer/fill", cases, NULL, NULL);
}
