// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "steer/countries.h"

static void the_list_is_sorted_and_has_no_code_twice(void **)
{
    for (size_t i = 1; i < COUNTRIES_COUNT; i++)
        assert_true(strcmp(countries[i - 1].code, countries[i].code) < 0);
}

static void every_place_is_on_the_globe_and_none_at_its_origin(void **)
{
    for (size_t i = 0; i < COUNTRIES_COUNT; i++) {
        const struct country *c = &countries[i];

        assert_true(c->code[0] >= 'A' && c->code[0] <= 'Z');
        assert_true(c->code[1] >= 'A' && c->code[1] <= 'Z');
        assert_int_equal(c->code[2], '\0');
        assert_true(c->latitude >= -90 && c->latitude <= 90);
        assert_true(c->longitude >= -180 && c->longitude <= 180);
        assert_true(c->latitude != 0 && c->longitude != 0);
    }
}

static void assert_near(const char *code, double latitude, double longitude)
{
    size_t at = country_find(slice_text(code));

    assert_true(at < COUNTRIES_COUNT);
    assert_float_equal(countries[at].latitude, latitude, 3);
    assert_float_equal(countries[at].longitude, longitude, 3);
}

/* One in each corner of the globe, so that no sign is wrong, and pairs that are easily mixed up. */
static void people_live_there(void **)
{
    assert_near("DE", 50.9, 9.5);
    assert_near("de", 50.9, 9.5);
    assert_near("BR", -22, -46.5);
    assert_near("NZ", -37.5, 175);
    assert_near("JP", 35.6, 138.5);
    assert_near("AT", 48.2, 16.4);
    assert_near("AU", -34, 150);
    assert_near("SE", 59.3, 17);
    assert_near("CH", 47.3, 8.2);
    assert_near("NE", 13.5, 2.1);
    assert_near("NG", 7, 5);
    assert_near("CG", -4.3, 15.3);
    assert_near("CD", -4.4, 15.3);
    assert_near("GM", 13.4, -16.6);
    assert_near("GN", 9.6, -13.6);
    assert_near("FJ", -18.1, 178.4);
    assert_near("AD", 42.5, 1.5);
    assert_near("ZW", -17.8, 31);
}

static void what_is_no_code_is_not_found(void **)
{
    const char *wrong[] = { "", "D", "DEU", "ZZ", "AA", "EU", "UK", "1A" };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(country_find(slice_text(wrong[i])), COUNTRIES_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_sorted_and_has_no_code_twice),
        cmocka_unit_test(every_place_is_on_the_globe_and_none_at_its_origin),
        cmocka_unit_test(people_live_there),
        cmocka_unit_test(what_is_no_code_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
