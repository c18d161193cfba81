// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "admin/names.h"

static const struct customer customers[2];
static const struct origin acme_origins[] = {
    { .name = { "ams", 3 }, .customer = &customers[0] },
    { .name = { "nyc", 3 }, .customer = &customers[0] },
};
static const struct origin other_origins[] = { { .name = { "ams", 3 },
    .customer = &customers[1] } };
static const struct customer customers[2] = {
    { .name = { "acme", 4 }, .origins = acme_origins, .origin_count = 2 },
    { .name = { "other", 5 }, .origins = other_origins, .origin_count = 1 },
};
static const struct pop pops[2];
static const struct node fra1 = { .name = { "fra1", 4 }, .pop = &pops[0] };
static const struct node nyc1 = { .name = { "nyc1", 4 }, .pop = &pops[1] };
static const struct pop pops[2] = {
    { .name = { "fra", 3 }, .nodes = &fra1, .node_count = 1 },
    { .name = { "nyc", 3 }, .nodes = &nyc1, .node_count = 1 },
};
static const struct network network = {
    .pops = pops, .pop_count = 2, .customers = customers, .customer_count = 2
};

static void an_origin_is_found_by_its_customer_and_name(void **)
{
    assert_ptr_equal(admin_origin_find(&network, SLICE("acme/nyc")), &acme_origins[1]);
    assert_ptr_equal(admin_origin_find(&network, SLICE("other/ams")), &other_origins[0]);
    assert_null(admin_origin_find(&network, SLICE("other/nyc")));
    assert_null(admin_origin_find(&network, SLICE("acme/")));
    assert_null(admin_origin_find(&network, SLICE("/ams")));
    assert_null(admin_origin_find(&network, SLICE("ams")));
    assert_null(admin_origin_find(&network, SLICE("")));
}

static void an_origin_without_its_customer_or_misspelt_has_a_nearest_one(void **)
{
    assert_ptr_equal(admin_origin_nearest(&network, SLICE("nyc")), &acme_origins[1]);
    assert_ptr_equal(admin_origin_nearest(&network, SLICE("acme/nyx")), &acme_origins[1]);
    assert_ptr_equal(admin_origin_nearest(&network, SLICE("othr/ams")), &other_origins[0]);
    assert_ptr_equal(admin_origin_nearest(&network, SLICE("nobody/ams")), &acme_origins[0]);
    assert_null(admin_origin_nearest(&network, SLICE("acme/frankfurt")));
}

static void pops_and_nodes_have_a_nearest_one_or_none(void **)
{
    assert_true(slice_equal(admin_pop_nearest(&network, SLICE("nyx")), SLICE("nyc")));
    assert_int_equal(admin_pop_nearest(&network, SLICE("frankfurt")).length, 0);
    assert_true(slice_equal(admin_node_nearest(&network, SLICE("nyc")), SLICE("nyc1")));
    assert_true(slice_equal(admin_node_nearest(&network, SLICE("rfa1")), SLICE("fra1")));
    assert_int_equal(admin_node_nearest(&network, SLICE("elsewhere")).length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_origin_is_found_by_its_customer_and_name),
        cmocka_unit_test(an_origin_without_its_customer_or_misspelt_has_a_nearest_one),
        cmocka_unit_test(pops_and_nodes_have_a_nearest_one_or_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
