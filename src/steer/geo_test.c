// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include "steer/geo.h"

static const struct location FRANKFURT = { 50.11, 8.68, true };
static const struct location SYDNEY = { -33.87, 151.21, true };
static const struct location NEW_YORK = { 40.71, -74.01, true };

static void distances_are_along_the_great_circle(void **)
{
    struct location east = { 10, 179.5, true }, west = { 10, -179.5, true };
    struct location north = { 90, 17, true }, south = { -90, -120, true };

    assert_float_equal(geo_distance_km(&FRANKFURT, &NEW_YORK), 6205, 30);
    assert_float_equal(geo_distance_km(&FRANKFURT, &SYDNEY), 16480, 80);
    assert_float_equal(
        geo_distance_km(&SYDNEY, &FRANKFURT), geo_distance_km(&FRANKFURT, &SYDNEY), 1e-6);
    assert_float_equal(geo_distance_km(&FRANKFURT, &FRANKFURT), 0, 1e-6);
    assert_float_equal(geo_distance_km(&east, &west), 109.5, 0.5); // not once around
    assert_float_equal(geo_distance_km(&north, &south), 20015, 1);
}

static void a_round_trip_has_a_floor_and_grows_with_distance(void **)
{
    assert_float_equal(geo_round_trip_ms(0), 14, 1e-9);
    assert_float_equal(geo_round_trip_ms(100), 15.7, 1e-9);
    assert_float_equal(geo_round_trip_ms(6205), 119.5, 0.1);
}

static void without_a_file_every_address_is_of_cell_0(void **)
{
    struct geo *geo = geo_none();
    struct ip asked = ip_v4(192, 0, 2, 1);

    assert_int_equal(geo->cell_count, 1);
    assert_false(geo->cells[0].location.is_set);
    assert_int_equal(geo_find(geo, &asked).cell, 0);
    assert_int_equal(geo_find(geo, &asked).scope_bits, 0);
    geo_free(geo);
    geo_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_along_the_great_circle),
        cmocka_unit_test(a_round_trip_has_a_floor_and_grows_with_distance),
        cmocka_unit_test(without_a_file_every_address_is_of_cell_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
