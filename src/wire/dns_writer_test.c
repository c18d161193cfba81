// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/dns_writer.h"

static void what_is_written_is_read_back(void **)
{
    char out[200];
    struct dns_writer w = { .out = out, .room = sizeof out, .used = DNS_HEADER_SIZE };
    struct dns_name name;
    struct dns_reader reader;
    struct dns_record record;

    assert_true(dns_name_parse(SLICE("a.example"), &name));
    dns_header_put(out, &(struct dns_header){ .id = 9,
                            .flags = DNS_FLAG_QR | DNS_FLAG_AA,
                            .question_count = 1,
                            .answer_count = 1,
                            .authority_count = 1 });
    dns_write_question(&w, &name, DNS_TYPE_A, DNS_CLASS_IN);
    dns_write_record(&w, &name, DNS_TYPE_A, 30, SLICE("\1\2\3\4"));
    dns_write_record(&w, &name, DNS_TYPE_TXT, 0, SLICE(""));
    assert_false(w.is_full);

    assert_true(dns_reader_start(&reader, slice_of(out, w.used)));
    assert_int_equal(reader.flags, 0x8400);
    assert_int_equal(dns_reader_next(&reader, &record), DNS_READ_RECORD);
    assert_int_equal(record.ttl, 30);
    assert_int_equal(record.class, DNS_CLASS_IN);
    assert_true(slice_equal(record.data, SLICE("\1\2\3\4")));
    assert_int_equal(dns_reader_next(&reader, &record), DNS_READ_RECORD);
    assert_int_equal(record.data.length, 0);
    assert_int_equal(dns_reader_next(&reader, &record), DNS_READ_END);
    assert_int_equal(dns_reader_rest(&reader).length, 0);
}

/* Writes an OPT record for this subnet and compares its octets. */
static void check_opt(const struct dns_ecs *ecs, struct slice expected)
{
    char out[100];
    struct dns_writer w = { .out = out, .room = sizeof out };

    dns_write_opt(&w, &(struct dns_opt){ .edns = { .payload = 1232, .is_dnssec_ok = ecs == NULL },
                          .rcode = DNS_RCODE_BADVERS,
                          .ecs = ecs,
                          .scope_bits = 20 });
    assert_int_equal(w.used, dns_opt_size(ecs));
    assert_true(slice_equal(slice_of(out, w.used), expected));
}

static void opt_is_written_with_rcode_and_subnet(void **)
{
    check_opt(NULL, SLICE("\0\0\x29\4\xd0\1\0\x80\0\0\0"));
    check_opt(&(struct dns_ecs){ 0 }, SLICE("\0\0\x29\4\xd0\1\0\0\0\0\0"));
    check_opt(&(struct dns_ecs){ true, 21, { IP_V4, { 10, 1, 8 } } },
        SLICE("\0\0\x29\4\xd0\1\0\0\0\0\13\0\10\0\7\0\1\25\24\12\1\10"));
    check_opt(&(struct dns_ecs){ true, 8, { IP_V6, { 0x20 } } },
        SLICE("\0\0\x29\4\xd0\1\0\0\0\0\11\0\10\0\5\0\2\10\24\x20"));
    check_opt(&(struct dns_ecs){ .is_present = true },
        SLICE("\0\0\x29\4\xd0\1\0\0\0\0\10\0\10\0\4\0\0\0\24"));
}

static void a_writer_leaves_out_what_does_not_fit_and_remembers(void **)
{
    char out[8];
    struct dns_name name = { .length = 1 };
    struct dns_writer w = { .out = out, .room = sizeof out };

    dns_write_u32(&w, 0x01020304);
    dns_write_u16(&w, 0x0506);
    dns_write_name(&w, &name);
    assert_false(w.is_full);
    assert_memory_equal(out, "\1\2\3\4\5\6\0", 7);
    dns_write_u16(&w, 1);
    assert_true(w.is_full);
    assert_int_equal(w.used, 7);
    dns_write_bytes(&w, SLICE("")); // once full, always full
    dns_write_bytes(&w, SLICE("a"));
    dns_write_u32(&w, 1);
    dns_write_question(&w, &name, 1, 1);
    dns_write_record(&w, &name, 1, 1, SLICE(""));
    dns_write_opt(&w, &(struct dns_opt){ 0 });
    assert_int_equal(w.used, 7);

    w.is_full = false;
    dns_write_bytes(&w, SLICE(""));
    assert_false(w.is_full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(opt_is_written_with_rcode_and_subnet),
        cmocka_unit_test(a_writer_leaves_out_what_does_not_fit_and_remembers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
