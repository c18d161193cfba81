// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/hash.h"
#include "base/mem.h"
#include "steer/prefix_table.h"

static struct ip ip(const char *text)
{
    struct ip parsed;

    assert_true(ip_parse(slice_text(text), &parsed));
    return parsed;
}

static struct prefix_entry entry(const char *text, uint32_t number)
{
    struct prefix_entry e = { .number = number };

    assert_true(prefix_parse(slice_text(text), &e.prefix));
    return e;
}

static struct prefix_table *table_of(const struct prefix_entry *entries, size_t count)
{
    struct prefix_table *table = NULL;

    assert_int_equal(prefix_table_new(entries, count, &table), ERR_NONE);
    assert_non_null(table);
    return table;
}

static void assert_found(
    const struct prefix_table *table, const char *address, uint32_t number, uint8_t bits)
{
    struct ip asked = ip(address);
    struct prefix_found found = prefix_table_find(table, &asked);

    assert_int_equal(found.number, number);
    assert_int_equal(found.bits, bits);
}

static void an_empty_table_has_number_0_for_all_by_no_bits(void **)
{
    struct prefix_table *table = table_of(NULL, 0);
    struct ip none = { 0 };

    assert_found(table, "192.0.2.1", 0, 0);
    assert_found(table, "2001:db8::1", 0, 0);
    assert_int_equal(prefix_table_find(table, &none).number, 0);
    assert_int_equal(prefix_table_find(table, &none).bits, 0);
    assert_true(prefix_table_bytes(table) < 4096);
    prefix_table_free(table);
    prefix_table_free(NULL);
}

static void the_longest_prefix_counts_whatever_the_order(void **)
{
    struct prefix_entry entries[] = { entry("10.1.2.0/24", 3), entry("10.0.0.0/8", 1),
        entry("2001:db8::/32", 4), entry("10.1.0.0/16", 2), entry("2001:db8:1:0::/48", 5),
        entry("0.0.0.0/0", 9) };
    struct prefix_table *table = table_of(entries, COUNT_OF(entries));

    assert_found(table, "10.1.2.255", 3, 24);
    assert_found(table, "10.1.3.0", 2, 24);   // its neighbour is another's
    assert_found(table, "10.1.128.0", 2, 17); // the other half of the /16 is not of one number
    assert_found(table, "10.2.0.1", 1, 15);
    assert_found(table, "10.255.0.1", 1, 9);
    assert_found(table, "128.0.0.1", 9, 1);
    assert_found(table, "2001:db8:1::1", 5, 48);
    assert_found(table, "2001:db8:8000::1", 4, 33);
    assert_found(table, "2001:db9::1", 0, 32);
    prefix_table_free(table);
}

static void neighbours_with_one_number_are_one_prefix(void **)
{
    struct prefix_entry entries[] = { entry("192.0.2.0/25", 7), entry("192.0.2.128/25", 7),
        entry("192.0.3.0/24", 7), entry("192.0.0.0/23", 7), entry("192.0.4.0/24", 7),
        entry("192.0.2.64/26", 7) };
    struct prefix_table *table = table_of(entries, COUNT_OF(entries));

    assert_found(table, "192.0.0.1", 7, 22);
    assert_found(table, "192.0.2.1", 7, 22);
    assert_found(table, "192.0.4.1", 7, 24);
    assert_found(table, "192.0.5.1", 0, 24);
    prefix_table_free(table);
}

static void of_equal_prefixes_the_later_counts(void **)
{
    struct prefix_entry entries[] = { entry("192.0.2.0/24", 1), entry("192.0.2.0/24", 2),
        entry("192.0.3.0/24", 1), entry("192.0.3.128/25", 2) };
    struct prefix_table *table = table_of(entries, COUNT_OF(entries));

    assert_found(table, "192.0.2.1", 2, 23);
    assert_found(table, "192.0.3.1", 2, 23); // cut to its /24, and so equal to it
    prefix_table_free(table);
}

static void one_number_for_all_needs_no_bits(void **)
{
    struct prefix_entry entries[] = { entry("0.0.0.0/0", PREFIX_NUMBER_MAX),
        entry("::/0", PREFIX_NUMBER_MAX), entry("10.0.0.0/8", PREFIX_NUMBER_MAX) };
    struct prefix_table *table = table_of(entries, COUNT_OF(entries));

    assert_found(table, "255.255.255.255", PREFIX_NUMBER_MAX, 0);
    assert_found(table, "10.0.0.1", PREFIX_NUMBER_MAX, 0);
    assert_found(table, "ffff::", PREFIX_NUMBER_MAX, 0);
    prefix_table_free(table);
}

static void too_many_entries_are_refused(void **)
{
    struct prefix_table *table = NULL;
    struct prefix_entry one = entry("10.0.0.0/8", 1);

    assert_int_equal(prefix_table_new(&one, (size_t)1 << 40, &table), ERR_LIMIT);
    assert_null(table);
}

/* A small world, so that prefixes nest, touch and repeat: few different values of each byte. */
static struct ip random_ip(enum ip_family family, uint64_t *seed)
{
    struct ip made = { .family = (uint8_t)family };

    for (size_t i = 0; i < ip_size(&made); i++) {
        *seed = hash_mix(*seed + 1);
        made.bytes[i] = (uint8_t)(*seed % 4 == 0 ? *seed >> 8 : (*seed >> 8 & 1) * 0xff);
    }
    return made;
}

static uint32_t naive_number(
    const struct prefix_entry *entries, size_t count, const struct ip *address)
{
    uint8_t most = address->family == IP_V4 ? PREFIX_BITS_V4 : PREFIX_BITS_V6;
    uint32_t number = 0;
    int longest = -1;

    for (size_t i = 0; i < count; i++) {
        uint8_t length = entries[i].prefix.length;
        struct prefix cut = prefix_of(&entries[i].prefix.ip, length < most ? length : most);

        if (prefix_holds(&cut, address) && cut.length >= longest) {
            longest = cut.length;
            number = entries[i].number;
        }
    }
    return number;
}

/*
 * Do all addresses that agree with this one in `bits` bits have its number? Asked of the prefixes'
 * own ends, where numbers change, and of what follows them.
 */
static bool naive_agrees(
    const struct prefix_entry *entries, size_t count, const struct ip *address, uint8_t bits)
{
    uint32_t number = naive_number(entries, count, address);
    struct prefix whole = prefix_of(address, bits);

    if (naive_number(entries, count, &whole.ip) != number)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint8_t most = address->family == IP_V4 ? PREFIX_BITS_V4 : PREFIX_BITS_V6;
        uint8_t length = entries[i].prefix.length < most ? entries[i].prefix.length : most;
        struct ip edge = prefix_of(&entries[i].prefix.ip, length).ip;

        if (prefix_holds(&whole, &edge) && naive_number(entries, count, &edge) != number)
            return false;
        // The first address behind the prefix: a carry from its last bit upwards.
        for (int bit = length - 1; bit >= 0; bit--) {
            uint8_t mask = (uint8_t)(0x80 >> bit % 8);

            edge.bytes[bit / 8] ^= mask;
            if (edge.bytes[bit / 8] & mask)
                break;
        }
        if (prefix_holds(&whole, &edge) && naive_number(entries, count, &edge) != number)
            return false;
    }
    return true;
}

static void finds_what_a_naive_search_finds(void **)
{
    enum { WORLDS = 60, ENTRIES = 120, ASKED = 200 };
    struct prefix_entry *entries = mem_array(ENTRIES, sizeof *entries);
    uint64_t seed = 20140513;

    for (int world = 0; world < WORLDS; world++) {
        enum ip_family family = world % 2 ? IP_V4 : IP_V6;
        uint8_t whole = family == IP_V4 ? 32 : 128;
        size_t count = 1 + hash_mix(seed) % ENTRIES;

        for (size_t i = 0; i < count; i++) {
            struct ip start = random_ip(family, &seed);
            uint8_t most = i % 8 ? (family == IP_V4 ? 24 : 48) : whole;

            entries[i].prefix = prefix_of(&start, (uint8_t)(hash_mix(seed) % (most + 1U)));
            entries[i].number = (uint32_t)(hash_mix(seed + 7) % 4);
        }
        struct prefix_table *table = table_of(entries, count);

        for (int i = 0; i < ASKED; i++) {
            struct ip asked = random_ip(family, &seed);
            struct prefix_found found = prefix_table_find(table, &asked);

            assert_int_equal(found.number, naive_number(entries, count, &asked));
            assert_true(naive_agrees(entries, count, &asked, found.bits));
            if (found.bits > 0)
                assert_false(naive_agrees(entries, count, &asked, (uint8_t)(found.bits - 1)));
        }
        prefix_table_free(table);
    }
    mem_free(entries);
}

/* Every /24 of some blocks by turns: large enough for each size of the table of first bits. */
static void many_prefixes_are_told_apart(void **)
{
    size_t sizes[] = { 40, 3000, 300000 };
    struct prefix_entry *entries = mem_array(sizes[2], sizeof *entries);

    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        for (size_t i = 0; i < sizes[s]; i++) {
            uint32_t at = (uint32_t)i * 7 + 1;
            struct ip start = { IP_V4, { (uint8_t)(at >> 16), (uint8_t)(at >> 8), (uint8_t)at } };

            entries[i] = (struct prefix_entry){ { start, 24 }, (uint32_t)i + 1 };
        }
        struct prefix_table *table = table_of(entries, sizes[s]);

        for (size_t i = 0; i < sizes[s]; i++) {
            struct ip asked = entries[i].prefix.ip;

            asked.bytes[3] = 200;
            assert_int_equal(prefix_table_find(table, &asked).number, i + 1);
            asked.bytes[2] ^= 1; // 7 apart: the next one is nobody's
            assert_int_equal(prefix_table_find(table, &asked).number, 0);
        }
        prefix_table_free(table);
    }
    mem_free(entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_table_has_number_0_for_all_by_no_bits),
        cmocka_unit_test(the_longest_prefix_counts_whatever_the_order),
        cmocka_unit_test(neighbours_with_one_number_are_one_prefix),
        cmocka_unit_test(of_equal_prefixes_the_later_counts),
        cmocka_unit_test(one_number_for_all_needs_no_bits),
        cmocka_unit_test(too_many_entries_are_refused),
        cmocka_unit_test(finds_what_a_naive_search_finds),
        cmocka_unit_test(many_prefixes_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
