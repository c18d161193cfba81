// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/attr.h"
#include "wire/dns_name.h"

static struct dns_name name_of(const char *text)
{
    struct dns_name name;

    assert_true(dns_name_parse(slice_text(text), &name));
    return name;
}

/* The text that a name written as `text` is shown as. */
static void check_text(const char *text, const char *shown)
{
    struct dns_name name = name_of(text);
    char out[DNS_NAME_TEXT_MAX];

    assert_string_equal(dns_name_text(&name, out), shown);
}

static void text_becomes_wire_form(void **)
{
    struct dns_name name = name_of("www.Example");

    assert_true(slice_equal(dns_name_wire(&name), SLICE("\3www\7Example\0")));
    assert_int_equal(name.label_count, 2);
    name = name_of(".");
    assert_true(slice_equal(dns_name_wire(&name), SLICE("\0")));
    assert_int_equal(name.label_count, 0);
}

static void text_survives_the_way_to_wire_and_back(void **)
{
    check_text("www.example.net", "www.example.net");
    check_text("www.example.net.", "www.example.net");
    check_text(".", ".");
    check_text("a\\.b.c", "a\\046b.c");
    check_text("\\000\\255.\\@_-9Z", "\\000\\255.\\064_-9Z");
}

static void text_that_is_no_name_is_refused(void **)
{
    const char *wrong[] = { "", "..", ".a", "a..b", "a\\", "a\\1", "a\\12", "a\\12x", "a\\256",
        "a..",
        "1234567890123456789012345678901234567890123456789012345678901234", // 64
        "1234567890123456789012345678901234567890123456789012345678901234.b" };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct dns_name name = { .length = 77 };

        assert_false(dns_name_parse(slice_text(wrong[i]), &name));
        assert_int_equal(name.length, 77);
    }
}

static void a_label_of_63_and_a_name_of_255_are_the_longest(void **)
{
    char text[300];
    struct dns_name name;

    memset(text, 'a', sizeof text);
    assert_true(dns_name_parse(slice_of(text, 63), &name));
    for (size_t i = 63; i < 255; i += 64)
        text[i] = '.';
    assert_true(dns_name_parse(slice_of(text, 253), &name));
    assert_int_equal(name.length, 255);
    assert_false(dns_name_parse(slice_of(text, 254), &name));
    text[255] = '.';
    assert_false(dns_name_parse(slice_of(text, 256), &name));
    text[251] = '.';
    assert_true(dns_name_parse(slice_of(text, 253), &name));
    assert_false(dns_name_parse(slice_of(text, 255), &name));
    text[252] = '.';
    assert_false(dns_name_parse(slice_of(text, 253), &name));
}

static void measuring_finds_end_and_labels(void **)
{
    uint8_t labels;

    assert_int_equal(dns_name_measure(SLICE("xx\1a\2bc\0rest"), 2, &labels), 6);
    assert_int_equal(labels, 2);
    assert_int_equal(dns_name_measure(SLICE("\0"), 0, &labels), 1);
    assert_int_equal(labels, 0);
}

static void measuring_refuses_what_a_question_must_not_hold(void **)
{
    uint8_t labels;
    char big[300] = { 0 };

    assert_int_equal(dns_name_measure(SLICE(""), 0, &labels), 0);
    assert_int_equal(dns_name_measure(SLICE("\1a"), 0, &labels), 0);
    assert_int_equal(dns_name_measure(SLICE("\3ab"), 0, &labels), 0);
    assert_int_equal(dns_name_measure(SLICE("\300\0"), 0, &labels), 0);
    assert_int_equal(dns_name_measure(SLICE("\100a\0"), 0, &labels), 0);
    for (size_t i = 0; i < 254; i += 2)
        big[i] = 1;
    assert_int_equal(dns_name_measure(slice_of(big, 300), 0, &labels), 255);
    assert_int_equal(labels, 127);
    big[0] = 2; // one octet more, and the lengths fall on the octets between
    for (size_t i = 3; i < 256; i += 2)
        big[i] = 1;
    for (size_t i = 4; i < 256; i += 2)
        big[i] = 0;
    big[255] = 0;
    assert_int_equal(dns_name_measure(slice_of(big, 300), 0, &labels), 0);
}

static void lower_casing_changes_capital_letters_alone(void **)
{
    struct dns_name name;
    char wire[65], expected[65];

    // All octets, in four names of one label each, so that each stands at some place of a word.
    for (unsigned start = 0; start < 256; start += 32) {
        wire[0] = expected[0] = 32;
        for (unsigned i = 0; i < 32; i++) {
            wire[i + 1] = (char)(start + i);
            expected[i + 1] = ascii_lower((char)(start + i));
        }
        wire[33] = expected[33] = 0;
        dns_name_lower(slice_of(wire, 34), 1, 5, &name);
        assert_int_equal(name.length, 34);
        assert_memory_equal(name.bytes, expected, 34);
    }
}

static void hashes_ignore_case_and_heed_seed_and_name(void **)
{
    struct dns_name name;
    uint64_t hash = dns_name_lower(SLICE("\3wWw\7eXample\0"), 2, 9, &name);

    assert_true(hash == dns_name_hash(SLICE("\3www\7example\0"), 9));
    assert_true(hash == dns_name_hash(dns_name_wire(&name), 9));
    assert_true(hash != dns_name_hash(dns_name_wire(&name), 10));
    assert_true(hash != dns_name_hash(SLICE("\3www\7exampld\0"), 9));
    assert_true(dns_name_hash(SLICE("\7example\0"), 9) ==
                dns_name_lower(SLICE("\7EXAMPLE\0"), 1, 9, &name));
    // Lengths of whole words have a tail of nothing.
    assert_true(
        dns_name_hash(SLICE("\6abcdef\0"), 9) == dns_name_lower(SLICE("\6ABCdef\0"), 1, 9, &name));
}

static void octets_behind_a_lowered_name_are_zero(void **)
{
    struct dns_name name;
    const char zeros[8] = { 0 };

    memset(&name, 'x', sizeof name);
    dns_name_lower(SLICE("\7example\0"), 1, 0, &name);
    assert_memory_equal(name.bytes + 9, zeros, 7);
}

static void reading_follows_pointers_backwards(void **)
{
    struct slice message = SLICE("zz\3net\0\7example\300\2\3www\300\7!");
    struct dns_name name;
    char text[DNS_NAME_TEXT_MAX];
    size_t at = 17;

    assert_true(dns_name_read(message, &at, &name));
    assert_int_equal(at, 23);
    assert_string_equal(dns_name_text(&name, text), "www.example.net");
    assert_int_equal(name.label_count, 3);
}

static void reading_refuses_loops_and_malformed_names(void **)
{
    const struct {
        struct slice message;
        size_t at;
    } wrong[] = {
        { SLICE(""), 0 }, { SLICE("\300\0"), 0 }, // to itself
        { SLICE("\1a\300\0"), 0 },                // to the start of its own labels
        { SLICE("\1a\300\4\300\2"), 4 },          // to itself again
        { SLICE("\0\300\5xx\300\1"), 5 },         // forwards in the second step
        { SLICE("\0\300"), 1 },                   // half a pointer
        { SLICE("\5ab"), 0 },                     // label cut off
        { SLICE("\1a"), 0 },                      // no end
        { SLICE("\100a\0"), 0 },                  // reserved label type
        { SLICE("\200a\0"), 0 },                  // reserved label type
    };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct dns_name name = { .length = 77 };
        size_t at = wrong[i].at;

        assert_false(dns_name_read(wrong[i].message, &at, &name));
        assert_int_equal(at, wrong[i].at);
        assert_int_equal(name.length, 77);
    }
}

static void reading_refuses_names_that_pointers_make_too_long(void **)
{
    char message[600];
    struct dns_name name;
    size_t at = 0;

    // Four labels of 62, the root, and 1 to 3 octets more in front of a pointer to them.
    for (size_t i = 0; i < 4; i++) {
        memset(message + i * 63, 'a', 63);
        message[i * 63] = 62;
    }
    message[252] = 0;
    memcpy(message + 253, "\1b\300\0", 4);
    at = 253;
    assert_true(dns_name_read(slice_of(message, 257), &at, &name));
    assert_int_equal(name.length, 255);
    memcpy(message + 253, "\2bb\300\0", 5);
    at = 253;
    assert_false(dns_name_read(slice_of(message, 258), &at, &name));
}

static void skipping_stops_behind_a_pointer(void **)
{
    size_t at = 1;

    assert_true(dns_name_skip(SLICE("x\1a\300\0y"), &at));
    assert_int_equal(at, 5);
    at = 1;
    assert_true(dns_name_skip(SLICE("x\1a\0y"), &at));
    assert_int_equal(at, 4);
}

static void skipping_refuses_what_is_cut_off_or_reserved(void **)
{
    const struct slice wrong[] = { SLICE(""), SLICE("\2a"), SLICE("\300"), SLICE("\100a\0"),
        SLICE("\1a") };
    char big[400] = { 0 };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        size_t at = 0;

        assert_false(dns_name_skip(wrong[i], &at));
        assert_int_equal(at, 0);
    }
    for (size_t i = 0; i < 398; i += 2)
        big[i] = 1;
    size_t at = 0;

    assert_false(dns_name_skip(slice_of(big, sizeof big), &at));
}

static void labels_are_prepended_and_zones_appended(void **)
{
    struct dns_name name = name_of("net");
    struct dns_name zone = name_of("cdn.example");
    char text[DNS_NAME_TEXT_MAX];

    assert_true(dns_name_prepend(&name, SLICE("a.b")));
    assert_string_equal(dns_name_text(&name, text), "a\\046b.net");
    assert_true(dns_name_append(&name, &zone));
    assert_string_equal(dns_name_text(&name, text), "a\\046b.net.cdn.example");
    assert_int_equal(name.label_count, 4);
}

static void joining_refuses_what_passes_the_limits(void **)
{
    char label[64] = { 0 };
    struct dns_name name = name_of("net");

    memset(label, 'a', sizeof label);
    assert_false(dns_name_prepend(&name, SLICE("")));
    assert_false(dns_name_prepend(&name, slice_of(label, 64)));
    for (size_t i = 0; i < 3; i++)
        assert_true(dns_name_prepend(&name, slice_of(label, 63)));
    assert_int_equal(name.length, 197);
    assert_false(dns_name_prepend(&name, slice_of(label, 58)));
    assert_int_equal(name.length, 197);
    assert_true(dns_name_prepend(&name, slice_of(label, 57)));
    assert_int_equal(name.length, 255);
    assert_false(dns_name_append(&name, &(struct dns_name){ .length = 2, .bytes = "\1" }));
}

static void a_name_lies_in_itself_and_its_parents(void **)
{
    struct slice name = SLICE("\3www\7example\3net\0");

    assert_true(dns_name_lies_in(name, name));
    assert_true(dns_name_lies_in(name, SLICE("\7example\3net\0")));
    assert_true(dns_name_lies_in(name, SLICE("\0")));
    assert_false(dns_name_lies_in(name, SLICE("\6xample\3net\0")));
    assert_false(dns_name_lies_in(SLICE("\3net\0"), name));
    assert_false(dns_name_lies_in(SLICE("\13www\7example\3net\0"), SLICE("\7example\3net\0")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_becomes_wire_form),
        cmocka_unit_test(text_survives_the_way_to_wire_and_back),
        cmocka_unit_test(text_that_is_no_name_is_refused),
        cmocka_unit_test(a_label_of_63_and_a_name_of_255_are_the_longest),
        cmocka_unit_test(measuring_finds_end_and_labels),
        cmocka_unit_test(measuring_refuses_what_a_question_must_not_hold),
        cmocka_unit_test(lower_casing_changes_capital_letters_alone),
        cmocka_unit_test(hashes_ignore_case_and_heed_seed_and_name),
        cmocka_unit_test(octets_behind_a_lowered_name_are_zero),
        cmocka_unit_test(reading_follows_pointers_backwards),
        cmocka_unit_test(reading_refuses_loops_and_malformed_names),
        cmocka_unit_test(reading_refuses_names_that_pointers_make_too_long),
        cmocka_unit_test(skipping_stops_behind_a_pointer),
        cmocka_unit_test(skipping_refuses_what_is_cut_off_or_reserved),
        cmocka_unit_test(labels_are_prepended_and_zones_appended),
        cmocka_unit_test(joining_refuses_what_passes_the_limits),
        cmocka_unit_test(a_name_lies_in_itself_and_its_parents),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
