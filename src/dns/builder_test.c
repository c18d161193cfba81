// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/attr.h"
#include "dns/builder.h"
#include "wire/dns_message.h"

#define SOA_DATA SLICE("\0\0\0\0\0\7\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\x1e")

static struct dns_builder *builder;
static struct dns_zones *zones;
static struct diag why;

static struct dns_name name_of(const char *name)
{
    struct dns_name parsed;

    assert_true(dns_name_parse(slice_text(name), &parsed));
    return parsed;
}

static void add(const char *owner, uint16_t type, uint32_t ttl, struct slice data)
{
    struct dns_name name = name_of(owner);

    dns_builder_add(builder, &name, type, ttl, data);
}

static void add_zone(const char *apex)
{
    add(apex, DNS_TYPE_SOA, 3600, SOA_DATA);
    add(apex, DNS_TYPE_NS, 3600, SLICE("\2ns\0"));
}

static int setup(void **)
{
    builder = dns_builder_new(5);
    zones = NULL;
    why = (struct diag){ 0 };
    return 0;
}

static int teardown(void **)
{
    dns_builder_free(builder);
    dns_zones_free(zones);
    return 0;
}

static void freeze(void)
{
    assert_int_equal(dns_builder_finish(&builder, &zones, &why), ERR_NONE);
    assert_null(builder);
}

static void check_refused(const char *reason)
{
    assert_int_equal(dns_builder_finish(&builder, &zones, &why), ERR_CONFIG);
    assert_null(builder);
    assert_null(zones);
    assert_string_equal(why.text, reason);
}

static const struct dns_node *find(const char *text)
{
    struct dns_name name = name_of(text);

    return dns_zones_find(
        zones, dns_name_wire(&name), dns_name_hash(dns_name_wire(&name), zones->seed));
}

static const struct dns_set *set_of(const char *name, uint16_t type)
{
    const struct dns_node *node = find(name);

    assert_non_null(node);
    return dns_node_set(node, type);
}

/* Length of the apex that a missing name would lie under; 0: none. */
static size_t enclosing(const char *text)
{
    struct dns_name name = name_of(text);
    const struct dns_zone *zone = dns_zones_enclosing(zones, &name);

    return zone == NULL ? 0 : zone->name_length;
}

static void nothing_added_is_no_zone(void **)
{
    freeze();
    assert_null(find("."));
    assert_int_equal(enclosing("a.b"), 0);
}

static void names_are_found_whatever_their_case_was(void **)
{
    add_zone("Example");
    add("WWW.example", DNS_TYPE_A, 60, SLICE("\1\2\3\4"));
    freeze();
    assert_non_null(find("www.example"));
    assert_null(find("ww.example"));
    assert_null(find("wwww.example"));
}

static void an_rrset_is_ready_as_octets(void **)
{
    add_zone("example");
    add("www.example", DNS_TYPE_A, 60, SLICE("\1\2\3\4"));
    add("www.example", DNS_TYPE_TXT, 60, SLICE("\1t"));
    add("www.example", DNS_TYPE_A, 40, SLICE("\5\6\7\10"));
    add("www.example", DNS_TYPE_A, 50, SLICE("\1\2\3\4"));
    freeze();

    const struct dns_set *set = set_of("www.example", DNS_TYPE_A);

    assert_int_equal(set->record_count, 2); // the double was dropped
    assert_int_equal(set->length, 32);
    assert_memory_equal(set->body, "\300\14\0\1\0\1\0\0\0\50\0\4\1\2\3\4", 16);
    assert_memory_equal(set->body + 16, "\300\14\0\1\0\1\0\0\0\50\0\4\5\6\7\10", 16);
    assert_int_equal(set_of("www.example", DNS_TYPE_TXT)->record_count, 1);
    assert_null(set_of("www.example", DNS_TYPE_AAAA));
}

static void a_ttl_with_the_top_bit_is_none(void **)
{
    add_zone("example");
    add("www.example", DNS_TYPE_A, 0x80000000, SLICE("\1\2\3\4"));
    freeze();
    assert_int_equal(dns_u32(set_of("www.example", DNS_TYPE_A)->body + 6), 0);
}

static void names_between_exist_without_sets(void **)
{
    add_zone("example");
    add("a.b.c.example", DNS_TYPE_A, 60, SLICE("\1\2\3\4"));
    freeze();
    assert_int_equal(zones->name_count, 4);
    assert_int_equal(find("b.c.example")->set_count, 0);
    assert_int_equal(find("c.example")->set_count, 0);
    assert_null(find("b.example"));
    assert_int_equal(zones->label_most, 4);
}

static void names_lie_in_the_nearest_zone_above_them(void **)
{
    add_zone("example");
    add_zone("x.y.example");
    add("www.x.y.example", DNS_TYPE_A, 60, SLICE("\1\2\3\4"));
    add("z.y.example", DNS_TYPE_A, 60, SLICE("\1\2\3\4"));
    freeze();
    assert_int_equal(zones->zone_count, 2);
    assert_int_equal(find("www.x.y.example")->zone, find("x.y.example")->zone);
    assert_int_equal(find("z.y.example")->zone, find("example")->zone);
    assert_int_equal(enclosing("no.www.x.y.example"), 13);
    assert_int_equal(enclosing("no.y.example"), 9);
    assert_int_equal(enclosing("example.org"), 0);
}

static void the_gap_above_an_inner_zone_belongs_to_the_outer_one(void **)
{
    add_zone("example");
    add_zone("x.y.example");
    freeze();
    assert_int_equal(find("y.example")->zone, find("example")->zone);
    assert_int_equal(find("y.example")->set_count, 0);
}

static void the_root_can_be_a_zone(void **)
{
    add_zone(".");
    add("a.b", DNS_TYPE_A, 60, SLICE("\1\2\3\4"));
    freeze();
    assert_int_equal(enclosing("anything.at.all"), 1);
    assert_non_null(find("b"));
}

static void negative_answers_live_as_long_as_the_lesser_of_ttl_and_minimum(void **)
{
    add("short", DNS_TYPE_SOA, 5, SOA_DATA);
    add("short", DNS_TYPE_NS, 60, SLICE("\0"));
    add_zone("long");
    freeze();
    const char *soa =
        zones->block + (size_t)zones->zones[find("short")->zone].soa_at * DNS_BLOCK_UNIT;

    assert_int_equal(dns_u32(soa + 6), 5);
    soa = zones->block + (size_t)zones->zones[find("long")->zone].soa_at * DNS_BLOCK_UNIT;
    assert_int_equal(dns_u32(soa + 6), 30);
    assert_int_equal(dns_u32(set_of("long", DNS_TYPE_SOA)->body + 6), 3600);
}

static void many_names_are_all_found(void **)
{
    add_zone("example");
    for (int i = 0; i < 5000; i++) {
        char name[40];

        snprintf(name, sizeof name, "h%d.g%d.example", i, i % 1000);
        add(name, DNS_TYPE_A, 60, SLICE("\1\2\3\4"));
    }
    freeze();
    assert_int_equal(zones->name_count, 6001);
    for (int i = 0; i < 5000; i++) {
        char name[40];

        snprintf(name, sizeof name, "h%d.g%d.example", i, i % 1000);
        assert_non_null(set_of(name, DNS_TYPE_A));
        snprintf(name, sizeof name, "h%d.g%d.example", i, i % 1000 + 1);
        assert_null(find(name));
    }
    assert_true(dns_zones_bytes(zones) / 6001 < 100);
}

static void a_name_outside_all_zones_is_refused(void **)
{
    add_zone("example");
    add("www.other", DNS_TYPE_A, 60, SLICE("\1\2\3\4"));
    check_refused("www.other: lies outside all zones");
}

static void a_zone_without_name_servers_is_refused(void **)
{
    add("example", DNS_TYPE_SOA, 3600, SOA_DATA);
    check_refused("example: a zone without name servers");
}

static void a_cname_stands_alone(void **)
{
    add_zone("example");
    add("www.example", DNS_TYPE_CNAME, 60, SLICE("\1a\0"));
    add("www.example", DNS_TYPE_A, 60, SLICE("\1\2\3\4"));
    check_refused("www.example: a CNAME beside other records");
}

static void a_name_has_one_cname(void **)
{
    add_zone("example");
    add("www.example", DNS_TYPE_CNAME, 60, SLICE("\1a\0"));
    add("www.example", DNS_TYPE_CNAME, 60, SLICE("\1b\0"));
    check_refused("www.example: two SOA or two CNAME records");
}

static void an_rrset_of_too_many_octets_is_refused(void **)
{
    add_zone("example");
    for (uint32_t i = 0; i < 4100; i++)
        add("www.example", DNS_TYPE_A, 60, slice_of(&i, 4));
    assert_int_equal(dns_builder_finish(&builder, &zones, &why), ERR_LIMIT);
}

static const struct ip addresses[2][2] = {
    { { IP_V4, { 192, 0, 2, 1 } }, { IP_V6, { 0x20, 1 } } },
    { { IP_V4, { 192, 0, 2, 2 } } },
};
static const struct node nodes[] = {
    { .addresses = addresses[0], .address_count = 2 },
    { .addresses = addresses[1], .address_count = 1 },
};
static const struct pop pops[] = { { .nodes = nodes, .node_count = 2 },
    { .nodes = nodes + 1, .node_count = 1 } };
static const struct site site = { .kind = SITE_DELIVER };

static const struct steer_target targets[] = {
    { .pop = &pops[1], .weight = 1, .first_member = 0, .member_count = 1 },
    { .pop = &pops[0], .weight = 1, .first_member = 1, .member_count = 2 },
};
static const struct steer_member members[] = {
    { .node = &nodes[1], .families = STEER_HAS_V4 },
    { .node = &nodes[0], .families = STEER_HAS_V4 | STEER_HAS_V6 },
    { .node = &nodes[1], .families = STEER_HAS_V4 },
};
static const struct steer_row row = {
    .site = &site, .targets = targets, .count = 2, .members = members, .member_count = 3
};
static const struct steer_row row_of_v4 = {
    .site = &site, .targets = targets, .count = 1, .members = members, .member_count = 1
};

static void steer(const char *owner, uint16_t type, const struct steer_row *of)
{
    struct dns_name name = name_of(owner);

    dns_builder_steer(builder, &name, type, 20, of);
}

static void a_steered_set_has_octets_for_each_member_of_its_family(void **)
{
    add_zone("example");
    steer("www.example", DNS_TYPE_A, &row);
    steer("www.example", DNS_TYPE_AAAA, &row);
    freeze();
    const struct dns_set *set = set_of("www.example", DNS_TYPE_A);

    assert_true(set->is_steered);
    assert_int_equal(set->body[0], 0);
    const struct dns_steered *steered = &zones->steered[0];

    assert_ptr_equal(steered->row, &row);
    assert_int_equal(steered->families, STEER_HAS_V4);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(steered->bodies[i].record_count, 1);
    assert_int_equal(steered->bodies[2].length, 16);
    assert_memory_equal(steered->bodies[2].at, "\300\14\0\1\0\1\0\0\0\24\0\4\300\0\2\2", 16);

    // Members without such an address have no octets in the AAAA set.
    assert_int_equal(zones->steered[1].families, STEER_HAS_V6);
    assert_int_equal(zones->steered[1].bodies[0].length, 0);
    assert_int_equal(zones->steered[1].bodies[1].length, 28);
    assert_int_equal(zones->steered[1].bodies[2].length, 0);
}

static void a_steered_set_without_any_address_is_not_there(void **)
{
    add_zone("example");
    steer("www.example", DNS_TYPE_A, &row_of_v4);
    steer("www.example", DNS_TYPE_AAAA, &row_of_v4);
    freeze();
    assert_non_null(set_of("www.example", DNS_TYPE_A));
    assert_null(set_of("www.example", DNS_TYPE_AAAA));
}

static void sites_of_the_same_members_share_their_octets(void **)
{
    static const struct steer_member OTHERS[] = { { .node = &nodes[1], .families = STEER_HAS_V4 } };
    struct steer_row other = row_of_v4;

    other.members = OTHERS;
    add_zone("example");
    steer("a.example", DNS_TYPE_A, &row);
    steer("a.example", DNS_TYPE_AAAA, &row);
    steer("b.example", DNS_TYPE_A, &row);
    steer("c.example", DNS_TYPE_A, &other);
    freeze();
    assert_ptr_equal(zones->steered[0].bodies, zones->steered[2].bodies);
    assert_ptr_not_equal(zones->steered[0].bodies, zones->steered[3].bodies);
}

static void a_node_of_too_many_addresses_is_refused(void **)
{
    static struct ip many[4100];
    static const struct node NODE = { .addresses = many, .address_count = COUNT_OF(many) };
    static const struct pop POP = { .nodes = &NODE, .node_count = 1 };
    static const struct steer_target TARGET = { .pop = &POP, .weight = 1, .member_count = 1 };
    static const struct steer_member MEMBER = { .node = &NODE, .families = STEER_HAS_V4 };
    static const struct steer_row BIG = {
        .site = &site, .targets = &TARGET, .count = 1, .members = &MEMBER, .member_count = 1
    };

    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = ip_v4(10, 0, (uint8_t)(i / 256), (uint8_t)i);
    add_zone("example");
    steer("www.example", DNS_TYPE_A, &BIG);
    assert_int_equal(dns_builder_finish(&builder, &zones, &why), ERR_LIMIT);
    assert_string_equal(why.text, "a steered set passes 65000 octets");
}

static void an_address_beside_steered_ones_is_refused(void **)
{
    add_zone("example");
    steer("www.example", DNS_TYPE_A, &row);
    add("www.example", DNS_TYPE_A, 60, SLICE("\1\2\3\4"));
    check_refused("www.example: a steered address beside others of its type");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_added_is_no_zone, setup, teardown),
        cmocka_unit_test_setup_teardown(names_are_found_whatever_their_case_was, setup, teardown),
        cmocka_unit_test_setup_teardown(an_rrset_is_ready_as_octets, setup, teardown),
        cmocka_unit_test_setup_teardown(a_ttl_with_the_top_bit_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(names_between_exist_without_sets, setup, teardown),
        cmocka_unit_test_setup_teardown(names_lie_in_the_nearest_zone_above_them, setup, teardown),
        cmocka_unit_test_setup_teardown(
            the_gap_above_an_inner_zone_belongs_to_the_outer_one, setup, teardown),
        cmocka_unit_test_setup_teardown(the_root_can_be_a_zone, setup, teardown),
        cmocka_unit_test_setup_teardown(
            negative_answers_live_as_long_as_the_lesser_of_ttl_and_minimum, setup, teardown),
        cmocka_unit_test_setup_teardown(many_names_are_all_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_outside_all_zones_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_zone_without_name_servers_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cname_stands_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_has_one_cname, setup, teardown),
        cmocka_unit_test_setup_teardown(an_rrset_of_too_many_octets_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_steered_set_has_octets_for_each_member_of_its_family, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_steered_set_without_any_address_is_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(
            sites_of_the_same_members_share_their_octets, setup, teardown),
        cmocka_unit_test_setup_teardown(a_node_of_too_many_addresses_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(an_address_beside_steered_ones_is_refused, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
