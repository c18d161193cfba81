// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dns/answer.h"
#include "dns/ask_test.h"
#include "dns/builder.h"

#define SOA     " / example.net 30 SOA ns1.example.net host.example.net 7 1 2 3 30"
#define SOA_TTL 3600

static struct dns_counts counts;
static struct dns_answerer answerer = { .counts = &counts };
static struct ask_text text;
static const struct dns_client udp = { { IP_V4, { 203, 0, 113, 5 } }, false };
static const struct dns_client tcp = { { IP_V4, { 203, 0, 113, 5 } }, true };

static struct dns_name name_of(const char *name)
{
    struct dns_name parsed;

    assert_true(dns_name_parse(slice_text(name), &parsed));
    return parsed;
}

static void add(struct dns_builder *b, const char *owner, uint16_t type, struct slice data)
{
    struct dns_name name = name_of(owner);

    dns_builder_add(b, &name, type, type == DNS_TYPE_SOA ? SOA_TTL : 60, data);
}

static void add_name(struct dns_builder *b, const char *owner, uint16_t type, const char *to)
{
    struct dns_name target = name_of(to);

    add(b, owner, type, dns_name_wire(&target));
}

static const struct origin origins[] = {
    { .name = { "one", 3 }, .address = { { IP_V4, { 192, 0, 2, 11 } }, 80 } },
    { .name = { "two", 3 }, .address = { { IP_V4, { 192, 0, 2, 12 } }, 80 } },
    { .name = { "six", 3 }, .address = { { IP_V6, { 0x20, 1, 0xd, 0xb8 } }, 80 } },
};

static const struct site first_site = { .policy = POLICY_ORDERED };
static const struct site drawn_site = { .policy = POLICY_WEIGHTED };
static const struct site empty_site = { .policy = POLICY_ORDERED, .all_down = ALL_DOWN_NODATA };

static const struct steer_target targets[] = {
    { .origin = &origins[0], .hash = 1, .weight = 1, .first_member = 0, .member_count = 1 },
    { .origin = &origins[1], .hash = 2, .weight = 1, .first_member = 1, .member_count = 1 },
    { .origin = &origins[2], .hash = 3, .weight = 1, .first_member = 2, .member_count = 1 },
};
static const struct steer_member members[] = {
    { .hash = 1, .check = 0, .families = STEER_HAS_V4 },
    { .hash = 2, .check = 1, .families = STEER_HAS_V4 },
    { .hash = 3, .check = CHECK_NONE, .families = STEER_HAS_V6 },
};
static _Atomic uint8_t health[2];
static const struct checks checks = { .count = 2 };
static struct steer_rows rows = { .checks = &checks, .health = health };

#define ROW(of_site)                                                                       \
    {                                                                                      \
        .site = &(of_site), .hash = 4, .targets = targets, .count = 3, .members = members, \
        .member_count = 3                                                                  \
    }

static const struct steer_row first_row = ROW(first_site);
static const struct steer_row drawn_row = ROW(drawn_site);
static const struct steer_row empty_row = ROW(empty_site);

static void steer(struct dns_builder *b, const char *owner, const struct steer_row *row)
{
    struct dns_name name = name_of(owner);

    dns_builder_steer(b, &name, DNS_TYPE_A, 20, row);
    dns_builder_steer(b, &name, DNS_TYPE_AAAA, 20, row);
}

static int setup(void **)
{
    struct dns_builder *b = dns_builder_new(99);
    char chain[2][40];

    add(b, "example.net", DNS_TYPE_SOA,
        SLICE("\3ns1\7example\3net\0\4host\7example\3net\0\0\0\0\7\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0"
              "\x1e"));
    add_name(b, "example.net", DNS_TYPE_NS, "ns1.example.net");
    add_name(b, "example.net", DNS_TYPE_NS, "ns2.example.net");
    add(b, "www.Example.net", DNS_TYPE_A, SLICE("\xc0\0\2\1"));
    add(b, "www.example.net", DNS_TYPE_A, SLICE("\xc0\0\2\2"));
    add(b, "www.example.net", DNS_TYPE_AAAA, SLICE("\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"));
    add(b, "a.deep.example.net", DNS_TYPE_TXT, SLICE("\5hello"));
    add_name(b, "alias.example.net", DNS_TYPE_CNAME, "WWW.example.net");
    add_name(b, "alias2.example.net", DNS_TYPE_CNAME, "alias.example.net");
    add_name(b, "away.example.net", DNS_TYPE_CNAME, "www.elsewhere.test");
    add_name(b, "lost.example.net", DNS_TYPE_CNAME, "nothing.example.net");
    add_name(b, "loop.example.net", DNS_TYPE_CNAME, "loop.example.net");
    add_name(b, "toward.example.net", DNS_TYPE_CNAME, "drawn.example.net");
    add_name(b, "tovoid.example.net", DNS_TYPE_CNAME, "empty.example.net");
    for (int i = 0; i < 17; i++) {
        snprintf(chain[0], sizeof chain[0], "c%d.example.net", i);
        snprintf(chain[1], sizeof chain[1], "c%d.example.net", i + 1);
        add_name(b, chain[0], DNS_TYPE_CNAME, chain[1]);
    }
    add(b, "c17.example.net", DNS_TYPE_A, SLICE("\1\2\3\4"));
    for (unsigned char i = 0; i < 60; i++)
        add(b, "big.example.net", DNS_TYPE_A, slice_of((char[]){ 10, 0, 0, (char)i }, 4));
    steer(b, "first.example.net", &first_row);
    steer(b, "drawn.example.net", &drawn_row);
    steer(b, "empty.example.net", &empty_row);

    struct dns_zones *zones = NULL;
    struct diag why = { 0 };

    assert_int_equal(dns_builder_finish(&b, &zones, &why), ERR_NONE);
    zones->rows = &rows;
    answerer.zones = zones;
    return 0;
}

static int teardown(void **)
{
    struct dns_zones *zones = NULL;

    memcpy(&zones, &answerer.zones, sizeof zones);
    dns_zones_free(zones);
    return 0;
}

static void check_query(
    const struct dns_client *client, struct ask_query query, const char *expected)
{
    assert_string_equal(ask(&answerer, client, &query, &text), expected);
}

static void check(const char *name, uint16_t type, const char *expected)
{
    check_query(&udp, (struct ask_query){ .name = name, .type = type }, expected);
    check_query(&tcp, (struct ask_query){ .name = name, .type = type }, expected);
}

static void data_is_answered_with_aa_and_nothing_more(void **)
{
    check("www.example.net", DNS_TYPE_A,
        "NOERROR aa | www.example.net 60 A 192.0.2.1 | www.example.net 60 A 192.0.2.2");
    check("www.example.net", DNS_TYPE_AAAA, "NOERROR aa | www.example.net 60 AAAA 2001:db8::1");
    check("example.net", DNS_TYPE_NS,
        "NOERROR aa | example.net 60 NS ns1.example.net | example.net 60 NS ns2.example.net");
    check("example.net", DNS_TYPE_SOA,
        "NOERROR aa | example.net 3600 SOA ns1.example.net host.example.net 7 1 2 3 30");
}

static void the_question_comes_back_in_its_own_case(void **)
{
    check("wWw.eXample.NET", DNS_TYPE_AAAA, "NOERROR aa | wWw.eXample.NET 60 AAAA 2001:db8::1");
    check("nO.eXample.NET", DNS_TYPE_A,
        "NXDOMAIN aa / eXample.NET 30 SOA ns1.example.net host.example.net 7 1 2 3 30");
}

static void a_type_that_is_not_there_is_nodata_with_soa(void **)
{
    check("www.example.net", DNS_TYPE_TXT, "NOERROR aa" SOA);
    check("example.net", DNS_TYPE_A, "NOERROR aa" SOA);
    check("www.example.net", 46, "NOERROR aa" SOA);
}

static void a_name_with_names_below_it_exists_without_data(void **)
{
    check("deep.example.net", DNS_TYPE_A, "NOERROR aa" SOA);
    check("deep.example.net", DNS_TYPE_NS, "NOERROR aa" SOA);
    check("deep.example.net", DNS_TYPE_ANY, "NOERROR aa" SOA);
}

static void a_name_that_is_not_there_is_nxdomain_with_soa(void **)
{
    check("nothing.example.net", DNS_TYPE_A, "NXDOMAIN aa" SOA);
    check("x.y.z.www.example.net", DNS_TYPE_A, "NXDOMAIN aa" SOA);
    check("1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.example.net", DNS_TYPE_ANY, "NXDOMAIN aa" SOA);
}

static void names_outside_our_zones_are_refused(void **)
{
    check("example.org", DNS_TYPE_A, "REFUSED");
    check("net", DNS_TYPE_A, "REFUSED");
    check(".", DNS_TYPE_NS, "REFUSED");
    check("notexample.net", DNS_TYPE_A, "REFUSED");
}

static void other_classes_are_refused(void **)
{
    check_query(
        &udp, (struct ask_query){ "version.bind", DNS_TYPE_TXT, .class = DNS_CLASS_CH }, "REFUSED");
    check_query(&udp, (struct ask_query){ "www.example.net", DNS_TYPE_A, .class = DNS_CLASS_ANY },
        "REFUSED");
}

static void meta_types_are_no_questions_for_data(void **)
{
    check("www.example.net", 0, "FORMERR");
    check("www.example.net", DNS_TYPE_OPT, "FORMERR");
    check("www.example.net", DNS_TYPE_TSIG, "FORMERR");
    check("www.example.net", DNS_TYPE_NXNAME, "FORMERR");
    check("www.example.net", DNS_TYPE_TKEY, "NOTIMP");
    check("www.example.net", DNS_TYPE_MAILA, "NOTIMP");
    check("www.example.net", DNS_TYPE_MAILB, "NOTIMP");
    check("example.net", DNS_TYPE_AXFR, "REFUSED");
    check("example.net", DNS_TYPE_IXFR, "REFUSED");
}

static void any_is_one_rrset_over_udp_and_all_over_tcp(void **)
{
    check_query(&udp, (struct ask_query){ .name = "www.example.net", .type = DNS_TYPE_ANY },
        "NOERROR aa | www.example.net 60 A 192.0.2.1 | www.example.net 60 A 192.0.2.2");
    check_query(&tcp, (struct ask_query){ .name = "www.example.net", .type = DNS_TYPE_ANY },
        "NOERROR aa | www.example.net 60 A 192.0.2.1 | www.example.net 60 A 192.0.2.2"
        " | www.example.net 60 AAAA 2001:db8::1");
    check("alias.example.net", DNS_TYPE_ANY,
        "NOERROR aa | alias.example.net 60 CNAME WWW.example.net");
    check_query(&udp, (struct ask_query){ .name = "first.example.net", .type = DNS_TYPE_ANY },
        "NOERROR aa | first.example.net 20 A 192.0.2.11");
}

static void cnames_are_followed_inside_our_zones(void **)
{
    check("alias2.example.net", DNS_TYPE_AAAA,
        "NOERROR aa | alias2.example.net 60 CNAME alias.example.net"
        " | alias.example.net 60 CNAME WWW.example.net"
        " | WWW.example.net 60 AAAA 2001:db8::1");
    check("alias.example.net", DNS_TYPE_A,
        "NOERROR aa | alias.example.net 60 CNAME WWW.example.net"
        " | WWW.example.net 60 A 192.0.2.1 | WWW.example.net 60 A 192.0.2.2");
    check("alias.example.net", DNS_TYPE_CNAME,
        "NOERROR aa | alias.example.net 60 CNAME WWW.example.net");
}

static void the_last_name_of_a_chain_decides_the_rcode(void **)
{
    check("lost.example.net", DNS_TYPE_A,
        "NXDOMAIN aa | lost.example.net 60 CNAME nothing.example.net" SOA);
    check("alias.example.net", DNS_TYPE_TXT,
        "NOERROR aa | alias.example.net 60 CNAME WWW.example.net" SOA);
    check("away.example.net", DNS_TYPE_A,
        "NOERROR aa | away.example.net 60 CNAME www.elsewhere.test");
}

static void chains_and_loops_end_at_the_limit(void **)
{
    uint64_t before = counter_read(&counts.chain_limited);
    struct ask_query query = { .name = "c1.example.net", .type = DNS_TYPE_TXT };
    const char *answer = ask(&answerer, &tcp, &query, &text);
    size_t found = 0;

    assert_non_null(strstr(answer, "c16.example.net 60 CNAME c17.example.net / example.net"));
    assert_int_equal(counter_read(&counts.chain_limited), before);

    query = (struct ask_query){ .name = "c0.example.net", .type = DNS_TYPE_A };
    answer = ask(&answerer, &tcp, &query, &text);
    assert_null(strstr(answer, "1.2.3.4"));
    assert_int_equal(counter_read(&counts.chain_limited), before + 1);

    query.name = "loop.example.net";
    answer = ask(&answerer, &tcp, &query, &text);
    assert_memory_equal(answer, "NOERROR aa |", 12);
    for (const char *at = answer; (at = strchr(at, '|')) != NULL; at++)
        found++;
    assert_int_equal(found, DNS_CHAIN_MAX);
    assert_int_equal(counter_read(&counts.chain_limited), before + 2);
}

static void opt_comes_back_only_to_who_sent_one(void **)
{
    check_query(&udp, (struct ask_query){ "www.example.net", DNS_TYPE_AAAA, .payload = 4096 },
        "NOERROR aa | www.example.net 60 AAAA 2001:db8::1 + opt 1232");
    check_query(&udp, (struct ask_query){ "www.example.net", DNS_TYPE_AAAA, .is_dnssec_ok = true },
        "NOERROR aa | www.example.net 60 AAAA 2001:db8::1 + opt 1232 do");
    check_query(&udp, (struct ask_query){ "example.org", DNS_TYPE_A, .payload = 512 },
        "REFUSED + opt 1232");
    check_query(
        &udp, (struct ask_query){ "www.example.net", 0, .payload = 512 }, "FORMERR + opt 1232");
}

static void a_higher_edns_version_is_badvers_with_ours(void **)
{
    check_query(&udp, (struct ask_query){ "www.example.net", DNS_TYPE_A, .version = 1 },
        "BADVERS + opt 1232");
}

static void what_does_not_fit_is_cut_as_a_whole_rrset(void **)
{
    uint64_t before = counter_read(&counts.truncated);

    // 60 addresses take 960 octets.
    check_query(
        &udp, (struct ask_query){ .name = "big.example.net", .type = DNS_TYPE_A }, "NOERROR aa tc");
    check_query(&udp, (struct ask_query){ "big.example.net", DNS_TYPE_A, .payload = 800 },
        "NOERROR aa tc + opt 1232");
    check_query(&udp, (struct ask_query){ "big.example.net", DNS_TYPE_A, .payload = 100 },
        "NOERROR aa tc + opt 1232");
    assert_int_equal(counter_read(&counts.truncated), before + 3);

    struct ask_query query = { "big.example.net", DNS_TYPE_A, .payload = 4096 };

    ask(&answerer, &udp, &query, &text);
    assert_non_null(strstr(text.text, "A 10.0.0.59 + opt 1232"));
    query.payload = 12 + 17 + 4 + 960 + 11;
    ask(&answerer, &udp, &query, &text);
    assert_non_null(strstr(text.text, "A 10.0.0.59 + opt 1232"));
    query.payload--;
    assert_string_equal(ask(&answerer, &udp, &query, &text), "NOERROR aa tc + opt 1232");
    query.payload = 0;
    ask(&answerer, &tcp, &query, &text);
    assert_non_null(strstr(text.text, "A 10.0.0.59"));
}

static void a_cname_that_does_not_fit_ends_the_chain(void **)
{
    struct ask_query query = { .name = "loop.example.net", .type = DNS_TYPE_A };
    const char *answer = ask(&answerer, &udp, &query, &text);
    size_t found = 0;

    // Each takes 30 octets, header and question 34: the sixteenth would end at 514.
    assert_memory_equal(answer, "NOERROR aa tc | loop.", 21);
    for (const char *at = answer; (at = strchr(at, '|')) != NULL; at++)
        found++;
    assert_int_equal(found, 15);
}

static void steered_names_answer_the_picked_target_of_the_family(void **)
{
    uint64_t before = counter_read(&counts.steered_best);

    check("first.example.net", DNS_TYPE_A, "NOERROR aa | first.example.net 20 A 192.0.2.11");
    check("first.example.net", DNS_TYPE_AAAA, "NOERROR aa | first.example.net 20 AAAA 2001:db8::");
    check("first.example.net", DNS_TYPE_TXT, "NOERROR aa" SOA);
    assert_int_equal(counter_read(&counts.steered_best), before + 4);
}

static void a_target_that_is_down_gives_way_to_the_next(void **)
{
    uint64_t before = counter_read(&counts.steered_next);

    steer_health_set(&rows, 0, STEER_DOWN, true);
    check("first.example.net", DNS_TYPE_A, "NOERROR aa | first.example.net 20 A 192.0.2.12");
    steer_health_set(&rows, 0, STEER_DOWN, false);
    assert_int_equal(counter_read(&counts.steered_next), before + 2);
    check("first.example.net", DNS_TYPE_A, "NOERROR aa | first.example.net 20 A 192.0.2.11");
}

static void with_all_down_the_answer_is_empty_where_the_site_says_so(void **)
{
    struct ask_query any = { "empty.example.net", DNS_TYPE_ANY, .subnet = "198.51.1.0/24" };
    uint64_t before = counter_read(&counts.steered_nothing);

    steer_health_set(&rows, 0, STEER_DOWN, true);
    steer_health_set(&rows, 1, STEER_DRAINED, true);
    check("first.example.net", DNS_TYPE_A, "NOERROR aa | first.example.net 20 A 192.0.2.11");
    check("empty.example.net", DNS_TYPE_A, "NOERROR aa" SOA);
    check("tovoid.example.net", DNS_TYPE_A,
        "NOERROR aa | tovoid.example.net 60 CNAME empty.example.net" SOA);
    check_query(&udp, any, "NOERROR aa" SOA " + opt 1232 ecs 24/0");
    check_query(&tcp, any, "NOERROR aa | empty.example.net 20 AAAA 2001:db8:: + opt 1232 ecs 24/0");
    steer_health_set(&rows, 0, STEER_DOWN, false);
    steer_health_set(&rows, 1, STEER_DRAINED, false);
    assert_int_equal(counter_read(&counts.steered_nothing), before + 6);
}

/* The answer for a client subnet, as the address after " A ". */
static const char *drawn_for(const char *subnet, const struct dns_client *client)
{
    struct ask_query query = { "drawn.example.net", DNS_TYPE_A, .subnet = subnet };

    return strstr(ask(&answerer, client, &query, &text), " A ");
}

static void the_client_subnet_decides_and_the_scope_says_so(void **)
{
    bool first = false, second = false;

    for (int i = 0; i < 32; i++) {
        char subnet[32];

        snprintf(subnet, sizeof subnet, "198.51.%d.0/24", i);
        const char *answer = drawn_for(subnet, &udp);

        assert_non_null(strstr(answer, "ecs 24/24"));
        first |= strstr(answer, "192.0.2.11") != NULL;
        second |= strstr(answer, "192.0.2.12") != NULL;
    }
    assert_true(first && second);
    assert_non_null(strstr(drawn_for("198.51.0.0/16", &udp), "ecs 16/24"));
    assert_non_null(strstr(drawn_for("2001:db8:1::/48", &udp), "ecs 48/48"));
}

static void without_a_subnet_the_resolver_decides(void **)
{
    bool first = false, second = false;

    for (int i = 0; i < 32; i++) {
        struct dns_client client = { { IP_V4, { 203, 0, (uint8_t)i, 5 } }, false };
        char plain[64];

        snprintf(plain, sizeof plain, "%.14s", drawn_for(NULL, &client));
        first |= strstr(plain, "192.0.2.11") != NULL;
        second |= strstr(plain, "192.0.2.12") != NULL;
        assert_null(strstr(text.text, "ecs"));
        // SOURCE 0: the same answer, and a scope of 0.
        assert_memory_equal(drawn_for("0.0.0.0/0", &client), plain, 13);
        assert_non_null(strstr(text.text, "ecs 0/0"));
        // A private address says nothing of where a client of a public resolver is.
        assert_memory_equal(drawn_for("10.1.2.0/24", &client), plain, 13);
        assert_non_null(strstr(text.text, "ecs 24/8"));
    }
    assert_true(first && second);
}

static void private_clients_count_where_the_resolver_is_private_too(void **)
{
    const struct dns_client client = { { IP_V4, { 10, 9, 9, 9 } }, false };
    bool first = false, second = false;

    for (int i = 0; i < 32; i++) {
        char subnet[32];

        snprintf(subnet, sizeof subnet, "10.0.%d.0/24", i);
        const char *answer = drawn_for(subnet, &client);

        assert_non_null(strstr(answer, "ecs 24/24"));
        first |= strstr(answer, "192.0.2.11") != NULL;
        second |= strstr(answer, "192.0.2.12") != NULL;
    }
    assert_true(first && second);
}

static void scopes_of_private_subnets_cover_their_block(void **)
{
    const char *subnets[][2] = { { "10.1.0.0/16", "ecs 16/8" }, { "172.16.0.0/16", "ecs 16/12" },
        { "192.168.1.0/24", "ecs 24/16" }, { "100.64.0.0/16", "ecs 16/10" },
        { "169.254.0.0/16", "ecs 16/16" }, { "127.0.0.0/8", "ecs 8/8" },
        { "fd00::/16", "ecs 16/7" }, { "fe80::/16", "ecs 16/9" }, { "::1/128", "ecs 128/32" } };

    for (size_t i = 0; i < COUNT_OF(subnets); i++)
        assert_non_null(strstr(drawn_for(subnets[i][0], &udp), subnets[i][1]));
}

static void a_subnet_that_did_not_matter_comes_back_with_scope_0(void **)
{
    uint64_t before = counter_read(&counts.subnets);
    struct ask_query query = { "www.example.net", DNS_TYPE_AAAA, .subnet = "192.0.2.0/24" };

    check_query(
        &udp, query, "NOERROR aa | www.example.net 60 AAAA 2001:db8::1 + opt 1232 ecs 24/0");
    query.name = "first.example.net";
    query.type = DNS_TYPE_A;
    check_query(&udp, query, "NOERROR aa | first.example.net 20 A 192.0.2.11 + opt 1232 ecs 24/0");
    query.name = "drawn.example.net";
    query.type = DNS_TYPE_TXT;
    check_query(&udp, query, "NOERROR aa" SOA " + opt 1232 ecs 24/0");
    query.name = "nothing.example.net";
    check_query(&udp, query, "NXDOMAIN aa" SOA " + opt 1232 ecs 24/0");
    query.name = "example.org";
    check_query(&udp, query, "REFUSED + opt 1232");
    assert_int_equal(counter_read(&counts.subnets), before + 5);
}

static void a_chain_to_a_steered_name_carries_its_scope(void **)
{
    struct ask_query query = { "toward.example.net", DNS_TYPE_A, .subnet = "198.51.1.0/24" };
    const char *answer = ask(&answerer, &udp, &query, &text);

    assert_non_null(strstr(answer, "CNAME drawn.example.net | drawn.example.net 20 A 192.0.2.1"));
    assert_non_null(strstr(answer, "ecs 24/24"));
}

static void check_given(const struct dns_client *client, const char *name, uint16_t type,
    const struct steer_row *row, unsigned addresses)
{
    ask(&answerer, client, &(struct ask_query){ .name = name, .type = type }, &text);
    assert_ptr_equal(answerer.given.of == NULL ? NULL : answerer.given.of->row, row);
    assert_int_equal(answerer.given.addresses, addresses);
}

static void it_is_told_whose_addresses_were_given_out(void **)
{
    check_given(&udp, "first.example.net", DNS_TYPE_A, &first_row, 1);
    check_given(&udp, "toward.example.net", DNS_TYPE_A, &drawn_row, 1);
    check_given(&tcp, "first.example.net", DNS_TYPE_ANY, &first_row, 2);
    check_given(&udp, "first.example.net", DNS_TYPE_MX, NULL, 0);
    check_given(&udp, "www.example.net", DNS_TYPE_A, NULL, 0);
    check_given(&udp, "nothing.example.net", DNS_TYPE_A, NULL, 0);
    steer_health_set(&rows, 0, STEER_DOWN, true);
    steer_health_set(&rows, 1, STEER_DOWN, true);
    check_given(&udp, "empty.example.net", DNS_TYPE_A, NULL, 0);
    steer_health_set(&rows, 0, STEER_DOWN, false);
    steer_health_set(&rows, 1, STEER_DOWN, false);
}

static void messages_that_are_no_query_get_silence_or_their_error(void **)
{
    char in[600], out[DNS_UDP_MAX];
    struct ask_query query = { .name = "www.example.net", .type = DNS_TYPE_A };
    uint64_t before = counter_read(&counts.silence);

    query.flags = DNS_FLAG_QR;
    check_query(&udp, query, "");
    assert_int_equal(counter_read(&counts.silence), before + 1);
    query.flags = 0x2800; // UPDATE
    check_query(&udp, query, "NOTIMP");
    assert_int_equal(dns_answer(&answerer, &udp, ask_query_write(&query, in), out, sizeof out), 12);
    query.flags = DNS_FLAG_TC | DNS_FLAG_AA | 0xf0;
    check_query(&udp, query,
        "NOERROR aa | www.example.net 60 A 192.0.2.1 | www.example.net 60 A 192.0.2.2");

    query.flags = 0;
    struct slice message = ask_query_write(&query, in);

    in[5] = 2;
    ask_answer_say(&text, slice_of(out, dns_answer(&answerer, &udp, message, out, sizeof out)));
    assert_string_equal(text.text, "FORMERR");
}

static void without_zones_all_is_servfail(void **)
{
    struct dns_answerer bare = { .counts = &counts };
    struct ask_query query = { .name = "www.example.net", .type = DNS_TYPE_A };

    assert_string_equal(ask(&bare, &udp, &query, &text), "SERVFAIL");
}

static void outcomes_and_transports_are_counted(void **)
{
    struct dns_counts before = counts;

    check("www.example.net", DNS_TYPE_A,
        "NOERROR aa | www.example.net 60 A 192.0.2.1 | www.example.net 60 A 192.0.2.2");
    check("www.example.net", DNS_TYPE_TXT, "NOERROR aa" SOA);
    check("nothing.example.net", DNS_TYPE_A, "NXDOMAIN aa" SOA);
    check("example.org", DNS_TYPE_A, "REFUSED");
    check("example.net", 0, "FORMERR");
    check("example.net", DNS_TYPE_MAILA, "NOTIMP");
    assert_int_equal(counts.queries_udp.total, before.queries_udp.total + 6);
    assert_int_equal(counts.queries_tcp.total, before.queries_tcp.total + 6);
    assert_int_equal(counts.data.total, before.data.total + 2);
    assert_int_equal(counts.nodata.total, before.nodata.total + 2);
    assert_int_equal(counts.nxdomain.total, before.nxdomain.total + 2);
    assert_int_equal(counts.refused.total, before.refused.total + 2);
    assert_int_equal(counts.formerr.total, before.formerr.total + 2);
    assert_int_equal(counts.notimp.total, before.notimp.total + 2);
    assert_int_equal(dns_counter_row_count, sizeof counts / sizeof(struct counter));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_is_answered_with_aa_and_nothing_more),
        cmocka_unit_test(the_question_comes_back_in_its_own_case),
        cmocka_unit_test(a_type_that_is_not_there_is_nodata_with_soa),
        cmocka_unit_test(a_name_with_names_below_it_exists_without_data),
        cmocka_unit_test(a_name_that_is_not_there_is_nxdomain_with_soa),
        cmocka_unit_test(names_outside_our_zones_are_refused),
        cmocka_unit_test(other_classes_are_refused),
        cmocka_unit_test(meta_types_are_no_questions_for_data),
        cmocka_unit_test(any_is_one_rrset_over_udp_and_all_over_tcp),
        cmocka_unit_test(cnames_are_followed_inside_our_zones),
        cmocka_unit_test(the_last_name_of_a_chain_decides_the_rcode),
        cmocka_unit_test(chains_and_loops_end_at_the_limit),
        cmocka_unit_test(opt_comes_back_only_to_who_sent_one),
        cmocka_unit_test(a_higher_edns_version_is_badvers_with_ours),
        cmocka_unit_test(what_does_not_fit_is_cut_as_a_whole_rrset),
        cmocka_unit_test(a_cname_that_does_not_fit_ends_the_chain),
        cmocka_unit_test(steered_names_answer_the_picked_target_of_the_family),
        cmocka_unit_test(a_target_that_is_down_gives_way_to_the_next),
        cmocka_unit_test(with_all_down_the_answer_is_empty_where_the_site_says_so),
        cmocka_unit_test(the_client_subnet_decides_and_the_scope_says_so),
        cmocka_unit_test(without_a_subnet_the_resolver_decides),
        cmocka_unit_test(private_clients_count_where_the_resolver_is_private_too),
        cmocka_unit_test(scopes_of_private_subnets_cover_their_block),
        cmocka_unit_test(a_subnet_that_did_not_matter_comes_back_with_scope_0),
        cmocka_unit_test(a_chain_to_a_steered_name_carries_its_scope),
        cmocka_unit_test(it_is_told_whose_addresses_were_given_out),
        cmocka_unit_test(messages_that_are_no_query_get_silence_or_their_error),
        cmocka_unit_test(without_zones_all_is_servfail),
        cmocka_unit_test(outcomes_and_transports_are_counted),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
