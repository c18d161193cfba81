// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/attr.h"
#include "dns/ask_test.h"
#include "dns/compile.h"
#include "meter/answers.h"
#include "meter/usage.h"
#include "steer/pick.h"

#define TEXT(literal)                \
    {                                \
        literal, sizeof(literal) - 1 \
    }
#define SOA(zone) \
    " / " zone " 60 SOA ns1.cdn.test host\\046master.example.net 77 3600 600 604800 60"

static const struct ip fra1_ips[] = { { IP_V4, { 192, 0, 2, 1 } },
    { IP_V6, { 0x20, 1, 0xd, 0xb8 } } };
static const struct ip fra2_ips[] = { { IP_V4, { 192, 0, 2, 2 } } };
static const struct ip nyc1_ips[] = { { IP_V4, { 192, 0, 2, 3 } } };
static const struct pop pops[2];
static const struct node fra_nodes[] = {
    { TEXT("Fra1"), &pops[0], fra1_ips, 2, 0, { 0 } },
    { TEXT("fra2"), &pops[0], fra2_ips, 1, 0, { 0 } },
};
static const struct node nyc_nodes[] = { { TEXT("nyc1"), &pops[1], nyc1_ips, 1, 0, { 0 } } };
static const struct pop pops[2] = {
    { .name = TEXT("fra"), .nodes = fra_nodes, .node_count = 2 },
    { .name = TEXT("nyc"), .nodes = nyc_nodes, .node_count = 1 },
};
static const struct slice servers[] = { TEXT("ns1.cdn.test"), TEXT("ns2.cdn.test"),
    TEXT("ns.elsewhere.test"), TEXT("ns4.cdn.test"), TEXT("ns5.cdn.test") };
static const struct customer acme = { .name = TEXT("acme") };
static const struct origin ams = {
    .name = TEXT("ams"),
    .customer = &acme,
    .address = { { IP_V4, { 198, 51, 100, 7 } }, 8080 },
};
static const struct origin *const origins[] = { &ams };
static const uint32_t weights[] = { 1 };

#define SITE(name, of_kind)                                                           \
    {                                                                                 \
        .host = TEXT(name), .customer = &acme, .kind = (of_kind), .origins = origins, \
        .weights = weights, .origin_count = 1, .first_reserve = 1, .ttl = {           \
            INT64_C(20000000000)                                                      \
        }                                                                             \
    }

static const struct site all[] = {
    SITE("cdn.example.org", SITE_STEER),          // below the next one but one
    SITE("deep.below.www.acme.test", SITE_STEER), // below www.acme.test
    SITE("example.org", SITE_DELIVER),
    SITE("img.cdn.test", SITE_DELIVER), // in ZONE
    SITE("www.acme.test", SITE_STEER),
};
static const struct site *const sites[] = { &all[0], &all[1], &all[2], &all[3], &all[4] };

static struct network network;
static struct checks *checks;
static struct geo *geo;
static struct steer_rows *rows;
static struct dns_counts counts;
static struct dns_answerer answerer = { .counts = &counts };
static struct dns_zones *zones;
static struct ask_text text;
static struct diag why;

static enum err compile(const struct node *self)
{
    steer_rows_free(rows);
    checks_free(checks);
    checks = checks_new(&network);
    rows = steer_rows_new(&network, self, checks, geo);
    return dns_zones_compile(rows, NULL, 3, &zones, &why);
}

static int setup(void **)
{
    network = (struct network){
        .name = TEXT("example"),
        .zone = TEXT("cdn.test"),
        .nameservers = servers,
        .nameserver_count = 3,
        .contact = TEXT("host.master@example.net"),
        .pops = pops,
        .pop_count = 2,
        .sites = sites,
        .site_count = COUNT_OF(sites),
        .serial = 77,
    };
    zones = NULL;
    rows = NULL;
    checks = NULL;
    geo = geo_none();
    return 0;
}

static int teardown(void **)
{
    dns_zones_free(zones);
    steer_rows_free(rows);
    checks_free(checks);
    geo_free(geo);
    return 0;
}

static void check(const char *name, uint16_t type, const char *expected)
{
    const struct dns_client client = { { IP_V4, { 203, 0, 113, 5 } }, true };
    struct ask_query query = { .name = name, .type = type };

    if (zones == NULL)
        assert_int_equal(compile(&nyc_nodes[0]), ERR_NONE);
    answerer.zones = zones;
    assert_string_equal(ask(&answerer, &client, &query, &text), expected);
}

static void the_apex_says_who_and_what_we_are(void **)
{
    check("cdn.test", DNS_TYPE_SOA,
        "NOERROR aa | cdn.test 3600 SOA ns1.cdn.test "
        "host\\046master.example.net 77 3600 600 604800 60");
    check("cdn.test", DNS_TYPE_NS,
        "NOERROR aa | cdn.test 3600 NS ns1.cdn.test"
        " | cdn.test 3600 NS ns2.cdn.test | cdn.test 3600 NS ns.elsewhere.test");
    check("cdn.test", DNS_TYPE_TXT, "NOERROR aa | cdn.test 3600 TXT \"waypost example\"");
    check("cdn.test", DNS_TYPE_A, "NOERROR aa" SOA("cdn.test"));
}

static void nodes_are_spread_over_the_name_servers(void **)
{
    check("ns1.cdn.test", DNS_TYPE_A, "NOERROR aa | ns1.cdn.test 3600 A 192.0.2.1");
    check("ns1.cdn.test", DNS_TYPE_AAAA, "NOERROR aa | ns1.cdn.test 3600 AAAA 2001:db8::");
    check("ns2.cdn.test", DNS_TYPE_A, "NOERROR aa | ns2.cdn.test 3600 A 192.0.2.2");
    check("ns2.cdn.test", DNS_TYPE_AAAA, "NOERROR aa" SOA("cdn.test"));
    check("ns.elsewhere.test", DNS_TYPE_A, "REFUSED");
}

static void one_name_server_stands_for_all_nodes(void **)
{
    network.nameserver_count = 1;
    check("ns1.cdn.test", DNS_TYPE_A,
        "NOERROR aa | ns1.cdn.test 3600 A 192.0.2.1"
        " | ns1.cdn.test 3600 A 192.0.2.2 | ns1.cdn.test 3600 A 192.0.2.3");
}

static void each_name_server_has_a_node_even_when_there_are_fewer(void **)
{
    network.nameserver_count = 5;
    check("ns4.cdn.test", DNS_TYPE_A, "NOERROR aa | ns4.cdn.test 3600 A 192.0.2.1");
    check("ns5.cdn.test", DNS_TYPE_A, "NOERROR aa | ns5.cdn.test 3600 A 192.0.2.2");
}

static void every_site_is_a_name_of_the_zone(void **)
{
    check("www.acme.test.cdn.test", DNS_TYPE_A,
        "NOERROR aa | www.acme.test.cdn.test 20 A 198.51.100.7");
    check("www.acme.test.cdn.test", DNS_TYPE_AAAA, "NOERROR aa" SOA("cdn.test"));
    check("www.acme.test.cdn.test", DNS_TYPE_CNAME, "NOERROR aa" SOA("cdn.test"));
    check("acme.test.cdn.test", DNS_TYPE_A, "NOERROR aa" SOA("cdn.test"));
    check("other.acme.test.cdn.test", DNS_TYPE_A, "NXDOMAIN aa" SOA("cdn.test"));
    check("img.cdn.test.cdn.test", DNS_TYPE_A, "NOERROR aa | img.cdn.test.cdn.test 20 A 192.0.2.3");
}

static void deliver_sites_lead_to_the_answering_nodes_pop_first(void **)
{
    check("example.org.cdn.test", DNS_TYPE_A, "NOERROR aa | example.org.cdn.test 20 A 192.0.2.3");
    check("example.org.cdn.test", DNS_TYPE_AAAA,
        "NOERROR aa | example.org.cdn.test 20 AAAA 2001:db8::");
    dns_zones_free(zones);
    zones = NULL;
    assert_int_equal(compile(&fra_nodes[0]), ERR_NONE);
    check("example.org.cdn.test", DNS_TYPE_AAAA,
        "NOERROR aa | example.org.cdn.test 20 AAAA 2001:db8::");
    check("example.org.cdn.test", DNS_TYPE_A, "NOERROR aa | example.org.cdn.test 20 A 192.0.2.2");
}

/* The addresses of a site and target that were counted for best, those first in order. */
static uint64_t given_best(struct usage *usage, const char *site, const char *target)
{
    const struct answers *answers = usage_answers(usage);
    struct answers_given given;
    uint64_t sum = 0;

    for (size_t i = 0; i < answers_count(answers); i++) {
        answers_read(answers, i, &given);
        if (slice_equal(given.site, slice_text(site)) &&
            slice_equal(given.target, slice_text(target)) &&
            slice_equal(given.customer, SLICE("acme")))
            sum += given.addresses[STEER_BEST];
    }
    return sum;
}

static void what_is_given_out_is_counted_by_site_target_and_reason(void **)
{
    struct usage *usage = usage_new(2, wall_from_s(1700000000));
    const struct dns_client client = { { IP_V4, { 203, 0, 113, 5 } }, true };

    assert_int_equal(compile(&nyc_nodes[0]), ERR_NONE);
    dns_zones_free(zones);
    assert_int_equal(dns_zones_compile(rows, usage, 3, &zones, &why), ERR_NONE);
    answerer.zones = zones;
    answerer.line = 1;
    ask(&answerer, &client, &(struct ask_query){ .name = "www.acme.test", .type = DNS_TYPE_A },
        &text);
    // Under the other name of the site, and of both kinds at once.
    ask(&answerer, &client,
        &(struct ask_query){ .name = "www.acme.test.cdn.test", .type = DNS_TYPE_ANY }, &text);
    ask(&answerer, &client, &(struct ask_query){ .name = "example.org", .type = DNS_TYPE_A },
        &text);
    ask(&answerer, &client, &(struct ask_query){ .name = "example.org", .type = DNS_TYPE_AAAA },
        &text);
    ask(&answerer, &client, &(struct ask_query){ .name = "nyc.pop.cdn.test", .type = DNS_TYPE_A },
        &text);
    assert_int_equal(given_best(usage, "www.acme.test", "ams"), 2);
    assert_int_equal(given_best(usage, "example.org", "nyc"), 1);
    assert_int_equal(
        given_best(usage, "example.org", "fra"), 1); // the only one with such an address
    assert_int_equal(given_best(usage, "img.cdn.test", "nyc"), 0);
    answerer.line = 0;
    dns_zones_free(zones);
    zones = NULL;
    usage_close(usage, true);
}

static void each_reason_is_counted_apart_and_each_thread_in_its_own_line(void **)
{
    static const struct origin *const two[] = { &ams, &ams }; // whichever is drawn
    static const uint32_t even[] = { 1, 1 };
    const struct dns_client client = { { IP_V4, { 203, 0, 113, 5 } }, true };
    struct usage *usage = usage_new(2, wall_from_s(1700000000));
    struct site drawn = all[4];
    const struct site *const only = &drawn;

    drawn.policy = POLICY_WEIGHTED;
    drawn.origins = two;
    drawn.weights = even;
    drawn.origin_count = drawn.first_reserve = 2;
    network.sites = &only;
    network.site_count = 1;
    assert_int_equal(compile(&nyc_nodes[0]), ERR_NONE);
    dns_zones_free(zones);
    assert_int_equal(dns_zones_compile(rows, usage, 3, &zones, &why), ERR_NONE);
    answerer.zones = zones;
    answerer.line = 1;
    ask(&answerer, &client, &(struct ask_query){ .name = "www.acme.test", .type = DNS_TYPE_A },
        &text);
    answerer.line = 0;
    struct answers_line *lines =
        answers_pair(usage_answers(usage), acme.name, drawn.host, ams.name);

    for (unsigned reason = 0; reason < ANSWERS_REASONS_MAX; reason++) {
        assert_int_equal(counter_read(&answers_line(lines, 0)->of[reason]), 0);
        assert_int_equal(
            counter_read(&answers_line(lines, 1)->of[reason]), reason == STEER_DRAWN ? 1 : 0);
    }
    dns_zones_free(zones);
    zones = NULL;
    usage_close(usage, true);
}

static void a_host_in_the_zone_is_a_name_of_it(void **)
{
    check("img.cdn.test", DNS_TYPE_A, "NOERROR aa | img.cdn.test 20 A 192.0.2.3");
    check("img.cdn.test", DNS_TYPE_SOA, "NOERROR aa" SOA("cdn.test"));
    check("x.img.cdn.test", DNS_TYPE_A, "NXDOMAIN aa" SOA("cdn.test"));
}

static void any_other_host_is_its_own_apex(void **)
{
    check("www.acme.test", DNS_TYPE_A, "NOERROR aa | www.acme.test 20 A 198.51.100.7");
    check("www.acme.test", DNS_TYPE_SOA,
        "NOERROR aa | www.acme.test 3600 SOA ns1.cdn.test "
        "host\\046master.example.net 77 3600 600 604800 60");
    check("www.acme.test", DNS_TYPE_NS,
        "NOERROR aa | www.acme.test 3600 NS ns1.cdn.test"
        " | www.acme.test 3600 NS ns2.cdn.test | www.acme.test 3600 NS ns.elsewhere.test");
    check("www.acme.test", DNS_TYPE_AAAA, "NOERROR aa" SOA("www.acme.test"));
    check("no.www.acme.test", DNS_TYPE_A, "NXDOMAIN aa" SOA("www.acme.test"));
    check("acme.test", DNS_TYPE_A, "REFUSED");
}

static void a_host_below_another_is_a_name_of_its_zone(void **)
{
    check("cdn.example.org", DNS_TYPE_A, "NOERROR aa | cdn.example.org 20 A 198.51.100.7");
    check("cdn.example.org", DNS_TYPE_SOA, "NOERROR aa" SOA("example.org"));
    check("deep.below.www.acme.test", DNS_TYPE_NS, "NOERROR aa" SOA("www.acme.test"));
    check("below.www.acme.test", DNS_TYPE_A, "NOERROR aa" SOA("www.acme.test"));
}

static void pops_and_nodes_have_names_for_operators(void **)
{
    check("fra.pop.cdn.test", DNS_TYPE_A,
        "NOERROR aa | fra.pop.cdn.test 60 A 192.0.2.1 | fra.pop.cdn.test 60 A 192.0.2.2");
    check(
        "fra1.node.cdn.test", DNS_TYPE_AAAA, "NOERROR aa | fra1.node.cdn.test 60 AAAA 2001:db8::");
    check("node.cdn.test", DNS_TYPE_A, "NOERROR aa" SOA("cdn.test"));
    check("fra.node.cdn.test", DNS_TYPE_A, "NXDOMAIN aa" SOA("cdn.test"));
}

static void a_zone_inside_a_sites_host_stays_a_zone_of_its_own(void **)
{
    network.zone = (struct slice)TEXT("a.b.example.org");
    check("a.b.example.org", DNS_TYPE_TXT,
        "NOERROR aa | a.b.example.org 3600 TXT \"waypost example\"");
    check("no.a.b.example.org", DNS_TYPE_A, "NXDOMAIN aa" SOA("a.b.example.org"));
    check("b.example.org", DNS_TYPE_A, "NOERROR aa" SOA("example.org"));
}

static void the_zones_own_name_may_be_a_site(void **)
{
    network.zone = (struct slice)TEXT("www.acme.test");
    check("www.acme.test", DNS_TYPE_A, "NOERROR aa | www.acme.test 20 A 198.51.100.7");
    check("www.acme.test", DNS_TYPE_TXT, "NOERROR aa | www.acme.test 3600 TXT \"waypost example\"");
}

static void without_a_contact_it_is_the_zones_hostmaster(void **)
{
    network.contact = SLICE("");
    check("cdn.test", DNS_TYPE_SOA,
        "NOERROR aa | cdn.test 3600 SOA ns1.cdn.test "
        "hostmaster.cdn.test 77 3600 600 604800 60");
}

static void check_refused(const char *reason)
{
    assert_int_equal(compile(&nyc_nodes[0]), ERR_CONFIG);
    assert_null(zones);
    assert_string_equal(why.text, reason);
}

static void names_that_are_none_are_refused(void **)
{
    network.zone = SLICE("cdn..test");
    check_refused("\"cdn..test\" is no domain name");
    network.zone = SLICE("cdn.test");
    network.contact = SLICE("@example.net");
    check_refused("contact \"@example.net\" is no mail address");
    network.contact = SLICE("me@a..b");
    check_refused("\"a..b\" is no domain name");
}

static void names_that_get_too_long_are_refused(void **)
{
    static char zone[250];

    memset(zone, 'a', sizeof zone);
    for (size_t i = 50; i < sizeof zone; i += 50)
        zone[i] = '.';
    network.zone = slice_of(zone, 247);
    check_refused("\"fra\" is too long for a name in the zone");
    network.zone = slice_of(zone, 235);
    check_refused("site deep.below.www.acme.test: too long for a name in the zone");
}

static void a_site_at_a_name_servers_name_is_refused(void **)
{
    static const struct site CLASH = SITE("ns1.cdn.test", SITE_STEER);
    static const struct site *const CLASHING[] = { &CLASH };

    network.sites = CLASHING;
    network.site_count = 1;
    check_refused("ns1.cdn.test: a steered address beside others of its type");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_apex_says_who_and_what_we_are, setup, teardown),
        cmocka_unit_test_setup_teardown(nodes_are_spread_over_the_name_servers, setup, teardown),
        cmocka_unit_test_setup_teardown(one_name_server_stands_for_all_nodes, setup, teardown),
        cmocka_unit_test_setup_teardown(
            each_name_server_has_a_node_even_when_there_are_fewer, setup, teardown),
        cmocka_unit_test_setup_teardown(every_site_is_a_name_of_the_zone, setup, teardown),
        cmocka_unit_test_setup_teardown(
            deliver_sites_lead_to_the_answering_nodes_pop_first, setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_is_given_out_is_counted_by_site_target_and_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(
            each_reason_is_counted_apart_and_each_thread_in_its_own_line, setup, teardown),
        cmocka_unit_test_setup_teardown(a_host_in_the_zone_is_a_name_of_it, setup, teardown),
        cmocka_unit_test_setup_teardown(any_other_host_is_its_own_apex, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_host_below_another_is_a_name_of_its_zone, setup, teardown),
        cmocka_unit_test_setup_teardown(pops_and_nodes_have_names_for_operators, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_zone_inside_a_sites_host_stays_a_zone_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(the_zones_own_name_may_be_a_site, setup, teardown),
        cmocka_unit_test_setup_teardown(
            without_a_contact_it_is_the_zones_hostmaster, setup, teardown),
        cmocka_unit_test_setup_teardown(names_that_are_none_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(names_that_get_too_long_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_site_at_a_name_servers_name_is_refused, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
