// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"

static struct ip ip_must(const char *text)
{
    struct ip ip;

    assert_true(ip_parse(slice_text(text), &ip));
    return ip;
}

static void assert_ip_round_trip(const char *text, const char *written)
{
    char room[IP_TEXT_MAX];
    struct ip ip = ip_must(text);

    assert_string_equal(ip_text(&ip, room), written);
}

static void literal_addresses_are_read_and_written(void **)
{
    assert_ip_round_trip("192.0.2.1", "192.0.2.1");
    assert_ip_round_trip("2001:DB8:0:0::1", "2001:db8::1");
    assert_ip_round_trip("::", "::");
    assert_ip_round_trip("::ffff:192.0.2.1", "::ffff:192.0.2.1");
    assert_ip_round_trip(
        "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void no_address_is_written_as_none(void **)
{
    char room[IP_TEXT_MAX];
    struct ip none = { 0 };

    assert_string_equal(ip_text(&none, room), "none");
}

static void other_texts_are_not_addresses(void **)
{
    const struct slice wrong[] = { SLICE(""), SLICE("192.0.2"), SLICE("192.0.2.256"),
        SLICE("192.0.2.1 "), SLICE("0x7f.1"), SLICE("[::1]"), SLICE("fe80::1%eth0"),
        SLICE("localhost"), SLICE("1:2:3:4:5:6:7:8:9"), SLICE("127.0.0.1\0.example"), SLICE_NONE,
        SLICE("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000") };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct ip ip = { .family = 99 };

        assert_false(ip_parse(wrong[i], &ip));
        assert_int_equal(ip.family, 99);
    }
}

static void addresses_of_two_families_are_never_equal(void **)
{
    struct ip a = ip_must("0.0.0.0"), b = ip_must("::"), c = ip_v4(0, 0, 0, 0);

    assert_false(ip_equal(&a, &b));
    assert_true(ip_equal(&a, &c));
}

static void assert_endpoint(const char *text, uint16_t fallback, const char *written)
{
    char room[ENDPOINT_TEXT_MAX];
    struct endpoint endpoint;

    assert_true(endpoint_parse(slice_text(text), fallback, &endpoint));
    assert_string_equal(endpoint_text(&endpoint, room), written);
}

static void endpoints_take_a_port_or_the_usual_one(void **)
{
    assert_endpoint("192.0.2.1:8080", 80, "192.0.2.1:8080");
    assert_endpoint("192.0.2.1", 80, "192.0.2.1:80");
    assert_endpoint("[2001:db8::1]:8080", 80, "[2001:db8::1]:8080");
    assert_endpoint("[2001:db8::1]", 80, "[2001:db8::1]:80");
    assert_endpoint("2001:db8::1", 80, "[2001:db8::1]:80");
    assert_endpoint("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535", 0,
        "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

static void other_texts_are_not_endpoints(void **)
{
    const struct slice wrong[] = { SLICE(""), SLICE(":80"), SLICE("192.0.2.1:"),
        SLICE("192.0.2.1:0"), SLICE("192.0.2.1:65536"), SLICE("192.0.2.1:80x"),
        SLICE("[192.0.2.1]:80"), SLICE("[::1"), SLICE("[::1]80"), SLICE("[::1]:"), SLICE("[]:80"),
        SLICE("www.acme.example:80"), SLICE("192.0.2.1:80:80") };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct endpoint endpoint = { .port = 7 };

        assert_false(endpoint_parse(wrong[i], 80, &endpoint));
        assert_int_equal(endpoint.port, 7);
    }
    struct endpoint endpoint;

    assert_false(endpoint_parse(SLICE("192.0.2.1"), 0, &endpoint));
}

static void endpoints_differ_by_address_or_port(void **)
{
    struct endpoint a, b, c;

    assert_true(endpoint_parse(SLICE("192.0.2.1:80"), 0, &a));
    assert_true(endpoint_parse(SLICE("192.0.2.1:81"), 0, &b));
    assert_true(endpoint_parse(SLICE("192.0.2.2:80"), 0, &c));
    assert_true(endpoint_equal(&a, &a));
    assert_false(endpoint_equal(&a, &b));
    assert_false(endpoint_equal(&a, &c));
}

static void a_prefix_holds_what_begins_alike(void **)
{
    struct prefix v4, v6;
    struct ip in = ip_must("192.0.3.255"), out = ip_must("192.0.4.0");
    struct ip in6 = ip_must("2001:db8:8000::1"), out6 = ip_must("2001:db9::");

    assert_true(prefix_parse(SLICE("192.0.2.0/23"), &v4));
    assert_true(prefix_parse(SLICE("2001:db8::/32"), &v6));
    assert_true(prefix_holds(&v4, &in));
    assert_false(prefix_holds(&v4, &out));
    assert_true(prefix_holds(&v6, &in6));
    assert_false(prefix_holds(&v6, &out6));
    assert_false(prefix_holds(&v6, &in));
}

static void the_longest_and_the_shortest_prefixes_work(void **)
{
    struct prefix all, one;
    struct ip ip = ip_must("203.0.113.9"), other = ip_must("203.0.113.8"), v6 = ip_must("::");

    assert_true(prefix_parse(SLICE("0.0.0.0/0"), &all));
    assert_true(prefix_holds(&all, &ip));
    assert_false(prefix_holds(&all, &v6));
    assert_true(prefix_parse(SLICE("203.0.113.9"), &one));
    assert_int_equal(one.length, 32);
    assert_true(prefix_holds(&one, &ip));
    assert_false(prefix_holds(&one, &other));
}

static void bits_beyond_the_length_are_an_error_or_cleared(void **)
{
    const struct slice wrong[] = { SLICE("192.0.2.1/24"), SLICE("192.0.2.0/33"),
        SLICE("2001:db8::/129"), SLICE("192.0.2.0/"), SLICE("192.0.2.0/-1"), SLICE("/24"),
        SLICE("2001:db8::1/127") };
    struct prefix prefix = { .length = 77 };

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_false(prefix_parse(wrong[i], &prefix));
    assert_int_equal(prefix.length, 77);

    struct ip ip = ip_must("203.0.113.255"), cleared = ip_must("203.0.113.128");

    prefix = prefix_of(&ip, 25);
    assert_true(ip_equal(&prefix.ip, &cleared));
    assert_int_equal(prefix.length, 25);
}

static void addresses_no_stranger_may_lead_us_to_are_private(void **)
{
    const char *const ours[] = { "0.0.0.0", "10.255.255.255", "100.64.0.1", "100.127.255.255",
        "127.0.0.53", "169.254.169.254", "172.31.255.255", "192.168.1.1", "224.0.0.1",
        "255.255.255.255", "::", "::1", "fc00::1", "fdff::1", "fe80::1", "fec0::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::10.0.0.1",
        "64:ff9b:1::1" };

    for (size_t i = 0; i < COUNT_OF(ours); i++) {
        struct ip ip = ip_must(ours[i]);

        if (!ip_is_private(&ip))
            fail_msg("%s is private", ours[i]);
    }
}

static void their_neighbours_are_public(void **)
{
    const char *const theirs[] = { "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255",
        "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "172.15.255.255",
        "172.32.0.0", "192.167.255.255", "192.169.0.0", "223.255.255.255", "2001:db8::1", "fbff::1",
        "::ffff:192.0.2.1", "64:ff9b::192.0.2.1" };

    for (size_t i = 0; i < COUNT_OF(theirs); i++) {
        struct ip ip = ip_must(theirs[i]);

        if (ip_is_private(&ip))
            fail_msg("%s is public", theirs[i]);
    }
}

static void clients_are_told_apart_by_address_or_by_their_64(void **)
{
    static const char *const TEXTS[] = { "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1",
        "2001:db8::2" };
    uint64_t clients[COUNT_OF(TEXTS)];

    for (size_t i = 0; i < COUNT_OF(TEXTS); i++) {
        struct ip ip;

        assert_true(ip_parse(slice_text(TEXTS[i]), &ip));
        clients[i] = ip_client(&ip);
        for (size_t other = 0; other < i; other++)
            assert_int_equal(clients[i] == clients[other], i == 4 && other == 2);
    }
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(literal_addresses_are_read_and_written),
        cmocka_unit_test(no_address_is_written_as_none),
        cmocka_unit_test(other_texts_are_not_addresses),
        cmocka_unit_test(addresses_of_two_families_are_never_equal),
        cmocka_unit_test(endpoints_take_a_port_or_the_usual_one),
        cmocka_unit_test(other_texts_are_not_endpoints),
        cmocka_unit_test(endpoints_differ_by_address_or_port),
        cmocka_unit_test(a_prefix_holds_what_begins_alike),
        cmocka_unit_test(the_longest_and_the_shortest_prefixes_work),
        cmocka_unit_test(bits_beyond_the_length_are_an_error_or_cleared),
        cmocka_unit_test(addresses_no_stranger_may_lead_us_to_are_private),
        cmocka_unit_test(their_neighbours_are_public),
        cmocka_unit_test(clients_are_told_apart_by_address_or_by_their_64),
    };

    return cmocka_run_group_tests_name("base/addr", cases, NULL, NULL);
}
