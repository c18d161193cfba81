// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/attr.h"
#include "wire/dns_message.h"
#include "wire/dns_writer.h"

#define QUESTION "\3wWw\7example\0\0\1\0\1"
#define HEAD     "\x12\x34\1\0\0\1\0\0\0\0\0"
#define OPT_HEAD "\0\0\x29\4\xd0\0\0\x80\0"

static struct dns_query query;

static enum dns_verdict parse(struct slice message)
{
    query = (struct dns_query){ 0 };
    return dns_query_parse(message, 7, &query);
}

/* A query with an OPT record that holds `options`, whose two octets of length come with them. */
static enum dns_verdict parse_options(struct slice options)
{
    char message[512];
    struct dns_writer w = { .out = message, .room = sizeof message };

    dns_write_bytes(&w, SLICE(HEAD "\1" QUESTION OPT_HEAD));
    dns_write_bytes(&w, options);
    assert_false(w.is_full);
    return parse(slice_of(message, w.used));
}

static void a_plain_query_is_answerable(void **)
{
    assert_int_equal(parse(SLICE(HEAD "\0" QUESTION)), DNS_ANSWERABLE);
    assert_int_equal(query.id, 0x1234);
    assert_int_equal(query.flags, DNS_FLAG_RD);
    assert_true(slice_equal(query.question, SLICE(QUESTION)));
    assert_true(slice_equal(dns_name_wire(&query.name), SLICE("\3www\7example\0")));
    assert_true(query.hash == dns_name_hash(SLICE("\3www\7example\0"), 7));
    assert_int_equal(query.name.label_count, 2);
    assert_int_equal(query.type, DNS_TYPE_A);
    assert_int_equal(query.class, DNS_CLASS_IN);
    assert_false(query.edns.is_present);
    assert_false(query.ecs.is_present);
}

static void what_is_no_query_gets_silence(void **)
{
    assert_int_equal(parse(SLICE("")), DNS_SILENCE);
    assert_int_equal(parse(SLICE(HEAD)), DNS_SILENCE);
    assert_int_equal(parse(SLICE("\x12\x34\x81\0\0\1\0\0\0\0\0\0" QUESTION)), DNS_SILENCE);
}

static void other_opcodes_are_not_implemented(void **)
{
    assert_int_equal(parse(SLICE("\x12\x34\x08\0\0\1\0\0\0\0\0\0" QUESTION)), DNS_NOTIMP);
    assert_int_equal(parse(SLICE("\x12\x34\x78\0\0\0\0\0\0\0\0\0")), DNS_NOTIMP);
    assert_int_equal(query.question.length, 0);
    assert_int_equal(query.id, 0x1234);
}

static void flags_that_mean_nothing_in_a_query_are_ignored(void **)
{
    // AA, TC, RA, Z, AD, CD and an rcode.
    assert_int_equal(parse(SLICE("\x12\x34\x06\xff\0\1\0\0\0\0\0\0" QUESTION)), DNS_ANSWERABLE);
}

static void anything_but_one_question_is_malformed(void **)
{
    assert_int_equal(parse(SLICE("\x12\x34\1\0\0\0\0\0\0\0\0\0")), DNS_FORMERR);
    assert_int_equal(parse(SLICE("\x12\x34\1\0\0\0\0\0\0\0\0\0" QUESTION)), DNS_FORMERR);
    assert_int_equal(parse(SLICE("\x12\x34\1\0\0\2\0\0\0\0\0\0" QUESTION QUESTION)), DNS_FORMERR);
    assert_int_equal(query.question.length, 0);
}

static void a_malformed_question_is_told_without_echo(void **)
{
    const struct slice wrong[] = { SLICE(HEAD "\0"), SLICE(HEAD "\0\3www"),
        SLICE(HEAD "\0\300\4\0\1\0\1"), SLICE(HEAD "\0\3www\0\0\1\0"),
        SLICE(HEAD "\0\100www\0\0\1\0\1") };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_int_equal(parse(wrong[i]), DNS_FORMERR);
        assert_int_equal(query.question.length, 0);
    }
}

static void trailing_octets_are_tolerated(void **)
{
    assert_int_equal(parse(SLICE(HEAD "\0" QUESTION "junk")), DNS_ANSWERABLE);
}

static void records_that_are_cut_off_are_malformed(void **)
{
    const struct slice wrong[] = {
        SLICE(HEAD "\1" QUESTION),                            // promised, missing
        SLICE(HEAD "\1" QUESTION "\0\0\1\0\1\0\0\0\0\0"),     // head cut off
        SLICE(HEAD "\1" QUESTION "\0\0\1\0\1\0\0\0\0\0\1"),   // data cut off
        SLICE(HEAD "\1" QUESTION "\100\0\1\0\1\0\0\0\0\0\0"), // owner malformed
        SLICE(HEAD "\2" QUESTION OPT_HEAD "\0\0"
                   "\0\0\1\0\1\0\0\0\0\0\1"),
    };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_int_equal(parse(wrong[i]), DNS_FORMERR);
        assert_int_equal(query.question.length, 17);
    }
}

static void records_of_no_meaning_are_skipped_in_all_sections(void **)
{
    assert_int_equal(
        parse(SLICE("\x12\x34\1\0\0\1\0\1\0\1\0\2" QUESTION "\300\14\0\1\0\1\0\0\0\0\0\4abcd"
                    "\1x\0\0\2\0\1\0\0\0\0\0\1\0"
                    "\0\0\1\0\1\0\0\0\0\0\0" OPT_HEAD "\0\0")),
        DNS_ANSWERABLE);
    assert_true(query.edns.is_present);
}

static void opt_says_size_version_and_do(void **)
{
    assert_int_equal(parse_options(SLICE("\0\0")), DNS_ANSWERABLE);
    assert_true(query.edns.is_present);
    assert_int_equal(query.edns.payload, 1232);
    assert_int_equal(query.edns.version, 0);
    assert_true(query.edns.is_dnssec_ok);
    assert_int_equal(
        parse(SLICE(HEAD "\1" QUESTION "\0\0\x29\2\0\xff\0\x7f\xff\0\0")), DNS_ANSWERABLE);
    assert_int_equal(query.edns.payload, 512);
    assert_false(query.edns.is_dnssec_ok);
}

static void a_higher_edns_version_is_told_before_its_options_are_read(void **)
{
    assert_int_equal(parse(SLICE(HEAD "\1" QUESTION "\0\0\x29\2\0\0\1\0\0\0\3abc")), DNS_BADVERS);
    assert_int_equal(query.edns.version, 1);
    // And a malformed record behind it is still malformed.
    assert_int_equal(parse(SLICE(HEAD "\2" QUESTION "\0\0\x29\2\0\0\1\0\0\0\0"
                                      "\0")),
        DNS_FORMERR);
    assert_int_equal(parse(SLICE(HEAD "\2" QUESTION "\0\0\x29\2\0\0\1\0\0\0\0"
                                      "\0\0\1\0\1\0\0\0\0\0\0")),
        DNS_BADVERS);
}

static void opt_stands_once_at_the_root_in_additional(void **)
{
    assert_int_equal(parse(SLICE(HEAD "\2" QUESTION OPT_HEAD "\0\0" OPT_HEAD "\0\0")), DNS_FORMERR);
    assert_true(query.edns.is_present);
    assert_int_equal(
        parse(SLICE("\x12\x34\1\0\0\1\0\1\0\0\0\0" QUESTION OPT_HEAD "\0\0")), DNS_FORMERR);
    assert_int_equal(
        parse(SLICE("\x12\x34\1\0\0\1\0\0\0\1\0\0" QUESTION OPT_HEAD "\0\0")), DNS_FORMERR);
    assert_false(query.edns.is_present);
    assert_int_equal(parse(SLICE(HEAD "\1" QUESTION "\1a" OPT_HEAD "\0\0")), DNS_FORMERR);
}

static void unknown_options_are_ignored_and_malformed_ones_are_not(void **)
{
    assert_int_equal(parse_options(SLICE("\0\6\xff\xfe\0\2ab")), DNS_ANSWERABLE);
    assert_int_equal(parse_options(SLICE("\0\3\xff\xfe\0")), DNS_FORMERR);
    assert_int_equal(parse_options(SLICE("\0\5\xff\xfe\0\2a")), DNS_FORMERR);
}

static void client_subnets_are_read(void **)
{
    assert_int_equal(parse_options(SLICE("\0\13\0\10\0\7\0\1\30\0\xc0\0\2")), DNS_ANSWERABLE);
    assert_true(query.ecs.is_present);
    assert_int_equal(query.ecs.source_bits, 24);
    assert_true(ip_equal(&query.ecs.address, &(struct ip){ IP_V4, { 192, 0, 2 } }));

    assert_int_equal(parse_options(SLICE("\0\12\0\10\0\6\0\1\17\0\xc0\2")), DNS_ANSWERABLE);
    assert_int_equal(query.ecs.source_bits, 15);

    assert_int_equal(
        parse_options(SLICE("\0\14\0\10\0\10\0\2\x20\0\x20\1\xd\xb8")), DNS_ANSWERABLE);
    assert_true(ip_equal(&query.ecs.address, &(struct ip){ IP_V6, { 0x20, 1, 0xd, 0xb8 } }));

    assert_int_equal(
        parse_options(SLICE("\0\30\0\10\0\24\0\2\x80\0abcdabcdabcdabcd")), DNS_ANSWERABLE);
    assert_int_equal(query.ecs.source_bits, 128);
}

static void a_subnet_of_no_bits_is_a_wish_not_to_be_told_apart(void **)
{
    assert_int_equal(parse_options(SLICE("\0\10\0\10\0\4\0\1\0\0")), DNS_ANSWERABLE);
    assert_int_equal(query.ecs.address.family, IP_V4);
    assert_int_equal(query.ecs.source_bits, 0);
    assert_int_equal(parse_options(SLICE("\0\10\0\10\0\4\0\0\0\0")), DNS_ANSWERABLE);
    assert_int_equal(query.ecs.address.family, IP_NONE);
    assert_true(query.ecs.is_present);
}

static void malformed_client_subnets_are_told(void **)
{
    const struct slice wrong[] = {
        SLICE("\0\7\0\10\0\3\0\1\0"),                         // head cut off
        SLICE("\0\12\0\10\0\6\0\1\30\0\xc0\0"),               // too few octets
        SLICE("\0\14\0\10\0\10\0\1\30\0\xc0\0\2\0"),          // too many octets
        SLICE("\0\12\0\10\0\6\0\1\17\0\xc0\1"),               // a bit beyond SOURCE
        SLICE("\0\13\0\10\0\7\0\3\30\0\xc0\0\2"),             // family 3
        SLICE("\0\13\0\10\0\7\0\0\30\0\xc0\0\2"),             // family 0 with an address
        SLICE("\0\15\0\10\0\11\0\1\41\0\xc0\0\2\0\0"),        // SOURCE 33
        SLICE("\0\31\0\10\0\25\0\2\x81\0abcdabcdabcdabcd\0"), // SOURCE 129
        SLICE("\0\13\0\10\0\7\0\1\30\30\xc0\0\2"),            // SCOPE in a query
        SLICE("\0\20\0\10\0\4\0\1\0\0\0\10\0\4\0\1\0\0"),     // twice
    };

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(parse_options(wrong[i]), DNS_FORMERR);
    assert_true(query.edns.is_present);
}

static void a_message_is_walked_record_by_record(void **)
{
    struct slice message =
        SLICE("\0\7\x84\0\0\1\0\1\0\1\0\1" QUESTION "\300\14\0\5\0\1\0\0\0\x3c\0\6\3cdn\300\20"
              "\300\20\0\2\0\1\x80\0\0\0\0\0" OPT_HEAD "\0\0tail");
    struct dns_reader reader;
    struct dns_record record;
    char text[DNS_NAME_TEXT_MAX];

    assert_true(dns_reader_start(&reader, message));
    assert_int_equal(reader.id, 7);
    assert_int_equal(reader.type, DNS_TYPE_A);
    assert_int_equal(reader.class, DNS_CLASS_IN);
    assert_string_equal(dns_name_text(&reader.name, text), "wWw.example");

    assert_int_equal(dns_reader_next(&reader, &record), DNS_READ_RECORD);
    assert_int_equal(record.section, DNS_ANSWER);
    assert_string_equal(dns_name_text(&record.owner, text), "wWw.example");
    assert_int_equal(record.type, DNS_TYPE_CNAME);
    assert_int_equal(record.ttl, 60);
    assert_true(dns_name_read(message, &record.data_at, &record.owner));
    assert_string_equal(dns_name_text(&record.owner, text), "cdn.example");

    assert_int_equal(dns_reader_next(&reader, &record), DNS_READ_RECORD);
    assert_int_equal(record.section, DNS_AUTHORITY);
    assert_int_equal(record.ttl, 0);

    assert_int_equal(dns_reader_next(&reader, &record), DNS_READ_RECORD);
    assert_int_equal(record.section, DNS_ADDITIONAL);
    assert_int_equal(record.ttl, DNS_OPT_DO);
    assert_int_equal(dns_reader_next(&reader, &record), DNS_READ_END);
    assert_true(slice_equal(dns_reader_rest(&reader), SLICE("tail")));
}

static void an_opt_keeps_the_upper_bits_of_its_flags(void **)
{
    struct dns_reader reader;
    struct dns_record record;

    assert_true(dns_reader_start(&reader, SLICE("\0\7\x84\0\0\0\0\0\0\0\0\1"
                                                "\0\0\x29\2\0\xff\0\0\0\0\0")));
    assert_false(reader.has_question);
    assert_int_equal(dns_reader_next(&reader, &record), DNS_READ_RECORD);
    assert_true(record.ttl == UINT32_C(0xff000000));
}

static void a_walk_refuses_malformed_messages(void **)
{
    struct dns_reader reader;
    struct dns_record record;

    assert_false(dns_reader_start(&reader, SLICE(HEAD)));
    assert_false(dns_reader_start(&reader, SLICE(HEAD "\0\3www")));
    assert_false(dns_reader_start(&reader, SLICE(HEAD "\0\3www\0\0\1\0")));
    assert_false(dns_reader_start(&reader, SLICE("\0\7\x84\0\0\2\0\0\0\0\0\0" QUESTION QUESTION)));

    const struct slice wrong[] = { SLICE(HEAD "\1" QUESTION), SLICE(HEAD "\1" QUESTION "\0\0\1\0"),
        SLICE(HEAD "\1" QUESTION "\0\0\1\0\1\0\0\0\0\0\5abcd") };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_true(dns_reader_start(&reader, wrong[i]));
        assert_int_equal(dns_reader_next(&reader, &record), DNS_READ_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_query_is_answerable),
        cmocka_unit_test(what_is_no_query_gets_silence),
        cmocka_unit_test(other_opcodes_are_not_implemented),
        cmocka_unit_test(flags_that_mean_nothing_in_a_query_are_ignored),
        cmocka_unit_test(anything_but_one_question_is_malformed),
        cmocka_unit_test(a_malformed_question_is_told_without_echo),
        cmocka_unit_test(trailing_octets_are_tolerated),
        cmocka_unit_test(records_that_are_cut_off_are_malformed),
        cmocka_unit_test(records_of_no_meaning_are_skipped_in_all_sections),
        cmocka_unit_test(opt_says_size_version_and_do),
        cmocka_unit_test(a_higher_edns_version_is_told_before_its_options_are_read),
        cmocka_unit_test(opt_stands_once_at_the_root_in_additional),
        cmocka_unit_test(unknown_options_are_ignored_and_malformed_ones_are_not),
        cmocka_unit_test(client_subnets_are_read),
        cmocka_unit_test(a_subnet_of_no_bits_is_a_wish_not_to_be_told_apart),
        cmocka_unit_test(malformed_client_subnets_are_told),
        cmocka_unit_test(a_message_is_walked_record_by_record),
        cmocka_unit_test(an_opt_keeps_the_upper_bits_of_its_flags),
        cmocka_unit_test(a_walk_refuses_malformed_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
