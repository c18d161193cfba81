// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "steer/row.h"

/* Frankfurt, New York, Singapore, and one that gives no place. */
static struct pop pops[4] = {
    { .name = { "fra", 3 }, .location = { 50.11, 8.68, true } },
    { .name = { "nyc", 3 }, .location = { 40.71, -74.01, true } },
    { .name = { "sin", 3 }, .location = { 1.35, 103.82, true } },
    { .name = { "lab", 3 } },
};

static void order_of_pops_seen_from(size_t self_at, const char *expected)
{
    struct arena arena;
    struct network network = { .pops = pops, .pop_count = 4 };
    struct node self = { .pop = &pops[self_at] };
    struct site site = { .host = SLICE("static.acme.example"), .kind = SITE_DELIVER };
    char text[32] = "";

    arena_init(&arena, 1 << 16);
    struct steer_row row = steer_row_build(&arena, &network, &self, &site);

    for (size_t i = 0; i < row.count; i++)
        strncat(text, row.targets[i].pop->name.at, sizeof text - strlen(text) - 1);
    assert_string_equal(text, expected);
    arena_done(&arena);
}

static void own_pop_comes_first_then_the_nearest(void **)
{
    order_of_pops_seen_from(0, "franycsinlab");
    order_of_pops_seen_from(1, "nycfrasinlab");
    order_of_pops_seen_from(2, "sinfranyclab");
}

static void without_places_the_order_is_as_listed(void **)
{
    order_of_pops_seen_from(3, "labfranycsin");
}

static void origins_are_as_listed_with_their_weights(void **)
{
    struct arena arena;
    struct network network = { .pops = pops, .pop_count = 4 };
    struct node self = { .pop = &pops[2] };
    struct origin ams = { .name = SLICE("ams") }, nyc = { .name = SLICE("nyc") };
    const struct origin *origins[] = { &nyc, &ams };
    uint32_t weights[] = { 1, 3 };
    struct site site = { .host = SLICE("www.acme.example"),
        .kind = SITE_STEER,
        .origins = origins,
        .weights = weights,
        .origin_count = 2 };

    arena_init(&arena, 1 << 16);
    struct steer_row row = steer_row_build(&arena, &network, &self, &site);

    assert_int_equal(row.count, 2);
    assert_ptr_equal(row.targets[0].origin, &nyc);
    assert_int_equal(row.targets[1].weight, 3);
    assert_ptr_equal(row.site, &site);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(own_pop_comes_first_then_the_nearest),
        cmocka_unit_test(without_places_the_order_is_as_listed),
        cmocka_unit_test(origins_are_as_listed_with_their_weights),
    };

    return cmocka_run_group_tests_name("steer/row", cases, NULL, NULL);
}
