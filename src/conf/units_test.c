// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/attr.h"
#include "conf/units.h"

static void check_duration(const char *text, int64_t ns)
{
    struct span span = { -7 };

    assert_int_equal(units_duration(slice_text(text), &span), ERR_NONE);
    assert_int_equal(span.ns, ns);
}

static void durations_have_units(void **)
{
    check_duration("20s", INT64_C(20000000000));
    check_duration("500ms", 500000000);
    check_duration("7 us", 7000);
    check_duration("3\tm", INT64_C(180000000000));
    check_duration("2h", INT64_C(7200000000000));
    check_duration("1d", INT64_C(86400000000000));
    check_duration("0s", 0);
}

static void fractions_are_exact(void **)
{
    uint64_t bytes;

    check_duration("1.5s", 1500000000);
    check_duration("0.000000001s", 1);
    check_duration("1.50000000000000000s", 1500000000);
    assert_int_equal(units_size(SLICE("0.5 KiB"), &bytes), ERR_NONE);
    assert_int_equal(bytes, 512);
}

static void what_has_no_unit_or_a_wrong_one_is_malformed(void **)
{
    static const char *const wrong[] = { "", "20", "s", "20 S", "20 sec", "-1s", "+1s", "1..5s",
        "1.s", ".5s", "1s s", " 1s", "1e3s", "0x10s", "1,5s" };
    struct span span = { -7 };

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(units_duration(slice_text(wrong[i]), &span), ERR_PARSE);
    assert_int_equal(span.ns, -7);
}

static void what_cannot_be_held_exactly_is_out_of_range(void **)
{
    struct span span = { -7 };
    uint64_t bytes = 7;

    assert_int_equal(units_duration(SLICE("0.0000000001s"), &span), ERR_RANGE);
    assert_int_equal(units_duration(SLICE("106752d"), &span), ERR_RANGE);
    assert_int_equal(units_duration(SLICE("1000000000000000000s"), &span), ERR_RANGE);
    assert_int_equal(units_duration(SLICE("0000000000000000001s"), &span), ERR_RANGE);
    assert_int_equal(units_size(SLICE("0.1 KiB"), &bytes), ERR_RANGE);
    assert_int_equal(units_size(SLICE("9000000 TiB"), &bytes), ERR_RANGE);
    assert_int_equal(span.ns, -7);
    assert_int_equal(bytes, 7);
    check_duration("106751d", INT64_C(106751) * 86400 * 1000000000);
}

static void check_size(const char *text, uint64_t expected)
{
    uint64_t bytes = 7;

    assert_int_equal(units_size(slice_text(text), &bytes), ERR_NONE);
    assert_int_equal(bytes, expected);
}

static void sizes_count_by_1000_or_1024_as_their_unit_says(void **)
{
    uint64_t bytes;

    check_size("12 B", 12);
    check_size("4 kB", 4000);
    check_size("4 MB", 4000000);
    check_size("4GB", UINT64_C(4000000000));
    check_size("4 TB", UINT64_C(4000000000000));
    check_size("4 KiB", 4096);
    check_size("4 MiB", 4194304);
    check_size("4 GiB", UINT64_C(4294967296));
    check_size("4 TiB", UINT64_C(4398046511104));
    assert_int_equal(units_size(SLICE("4 G"), &bytes), ERR_PARSE);
    assert_int_equal(units_size(SLICE("4 KB"), &bytes), ERR_PARSE);
}

static void check_bit_rate(const char *text, uint64_t expected)
{
    uint64_t rate = 7;

    assert_int_equal(units_bit_rate(slice_text(text), &rate), ERR_NONE);
    assert_int_equal(rate, expected);
}

static void rates_are_bits_or_requests_a_second(void **)
{
    uint64_t rate = 7;
    double requests = 7;

    check_bit_rate("9 bit/s", 9);
    check_bit_rate("9 kbit/s", 9000);
    check_bit_rate("9 Mbit/s", 9000000);
    check_bit_rate("2.5 Gbit/s", UINT64_C(2500000000));
    check_bit_rate("1Tbit/s", UINT64_C(1000000000000));
    assert_int_equal(units_bit_rate(SLICE("10 Gb/s"), &rate), ERR_PARSE);
    assert_int_equal(units_request_rate(SLICE("0.5 req/s"), &requests), ERR_NONE);
    assert_true(requests == 0.5);
    assert_int_equal(units_request_rate(SLICE("500"), &requests), ERR_PARSE);
    assert_int_equal(units_request_rate(SLICE("500 rps"), &requests), ERR_PARSE);
    assert_true(requests == 0.5);
}

static void decimals_may_be_negative(void **)
{
    double number = 7;

    assert_int_equal(units_decimal(SLICE("-74.01"), &number), ERR_NONE);
    assert_true(number == -74.01);
    assert_int_equal(units_decimal(SLICE("4"), &number), ERR_NONE);
    assert_true(number == 4);
    assert_int_equal(units_decimal(SLICE(""), &number), ERR_PARSE);
    assert_int_equal(units_decimal(SLICE("-"), &number), ERR_PARSE);
    assert_int_equal(units_decimal(SLICE("--1"), &number), ERR_PARSE);
    assert_int_equal(units_decimal(SLICE("1e5"), &number), ERR_PARSE);
    assert_int_equal(units_decimal(SLICE("nan"), &number), ERR_PARSE);
    assert_true(number == 4);
}

static void money_is_never_rounded(void **)
{
    int64_t microcents = 7;

    assert_int_equal(units_money(SLICE("0.020"), &microcents), ERR_NONE);
    assert_int_equal(microcents, 2000000);
    assert_int_equal(units_money(SLICE("50.00000001"), &microcents), ERR_NONE);
    assert_int_equal(microcents, INT64_C(5000000001));
    assert_int_equal(units_money(SLICE("50.000000001"), &microcents), ERR_RANGE);
    assert_int_equal(units_money(SLICE("92233720369"), &microcents), ERR_RANGE);
    assert_int_equal(units_money(SLICE("-1"), &microcents), ERR_PARSE);
    assert_int_equal(units_money(SLICE("1 EUR"), &microcents), ERR_PARSE);
    assert_int_equal(microcents, INT64_C(5000000001));
}

static void money_is_written_with_as_many_decimals_as_it_takes_and_two_at_least(void **)
{
    char text[UNITS_MONEY_MAX];

    assert_string_equal(units_money_text(0, text), "0.00");
    assert_string_equal(units_money_text(INT64_C(5000000000), text), "50.00");
    assert_string_equal(units_money_text(2000000, text), "0.02");
    assert_string_equal(units_money_text(1, text), "0.00000001");
    assert_string_equal(units_money_text(100500000, text), "1.005");
    assert_string_equal(units_money_text(INT64_MAX, text), "92233720368.54775807");
}

static void check_host(const char *text, const char *expected)
{
    char host[UNITS_HOST_MAX + 1] = "untouched";
    size_t length = 7;

    assert_int_equal(units_host(slice_text(text), host, &length), ERR_NONE);
    assert_string_equal(host, expected);
    assert_int_equal(length, strlen(expected));
}

static void hosts_become_lower_case_without_the_last_dot(void **)
{
    check_host("www.Acme.EXAMPLE", "www.acme.example");
    check_host("a.example.", "a.example");
    check_host("localhost", "localhost");
    check_host("xn--bcher-kva.example", "xn--bcher-kva.example");
    check_host("_acme-challenge.a.example", "_acme-challenge.a.example");
    check_host("1.2.3.example", "1.2.3.example");
}

static void what_no_name_server_would_hold_is_no_host(void **)
{
    static const char *const wrong[] = { "", ".", "..", "a..b", ".a", "a.example..", "-a.example",
        "a-.example", "a b", "a/b", "b\303\274cher.example", "192.0.2.1",
        "a.99999999999999999999999", "2001:db8::1", "*.example",
        "a1234567890123456789012345678901234567890123456789012345678901234.example" };
    char host[UNITS_HOST_MAX + 1] = "untouched", letters[300];
    size_t length = 7;

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(units_host(slice_text(wrong[i]), host, &length), ERR_PARSE);
    for (size_t i = 0; i < sizeof letters; i++)
        letters[i] = i % 50 == 49 ? '.' : 'a';
    assert_int_equal(units_host(slice_of(letters, 253), host, &length), ERR_NONE);
    assert_int_equal(length, 253);
    assert_int_equal(units_host(slice_of(letters, 254), host, &length), ERR_RANGE);
}

static void names_are_letters_digits_and_a_few_marks(void **)
{
    char letters[UNITS_NAME_MAX + 1];

    memset(letters, 'a', sizeof letters);
    assert_true(units_is_name(SLICE("fra1")));
    assert_true(units_is_name(SLICE("1-a_B.c")));
    assert_true(units_is_name(slice_of(letters, UNITS_NAME_MAX)));
    assert_false(units_is_name(slice_of(letters, UNITS_NAME_MAX + 1)));
    assert_false(units_is_name(SLICE("")));
    assert_false(units_is_name(SLICE("-a")));
    assert_false(units_is_name(SLICE("a b")));
    assert_false(units_is_name(SLICE("a\0b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_have_units),
        cmocka_unit_test(fractions_are_exact),
        cmocka_unit_test(what_has_no_unit_or_a_wrong_one_is_malformed),
        cmocka_unit_test(what_cannot_be_held_exactly_is_out_of_range),
        cmocka_unit_test(sizes_count_by_1000_or_1024_as_their_unit_says),
        cmocka_unit_test(rates_are_bits_or_requests_a_second),
        cmocka_unit_test(decimals_may_be_negative),
        cmocka_unit_test(money_is_never_rounded),
        cmocka_unit_test(money_is_written_with_as_many_decimals_as_it_takes_and_two_at_least),
        cmocka_unit_test(hosts_become_lower_case_without_the_last_dot),
        cmocka_unit_test(what_no_name_server_would_hold_is_no_host),
        cmocka_unit_test(names_are_letters_digits_and_a_few_marks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
