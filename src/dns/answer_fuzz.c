// SPDX-License-Identifier: Apache-2.0
/*
 * Any octets as a query, over UDP and over TCP: silence comes out, or a well-formed answer to it
 * that is no longer than the requester takes.
 */
#include <assert.h>

#include "base/attr.h"
#include "dns/answer.h"
#include "dns/builder.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void add(struct dns_builder *b, const char *owner, uint16_t type, struct slice data)
{
    struct dns_name name;
    bool is_name = dns_name_parse(slice_text(owner), &name);

    assert(is_name);
    dns_builder_add(b, &name, type, 60, data);
}

static void steer(struct dns_builder *b, const char *owner, uint16_t type)
{
    static const struct site SITE = { .policy = POLICY_WEIGHTED };
    static const struct origin ORIGINS[] = {
        { .address = { { IP_V4, { 192, 0, 2, 11 } }, 80 } },
        { .address = { { IP_V6, { 0x20, 1, 0xd, 0xb8 } }, 80 } },
        { .address = { { IP_V4, { 192, 0, 2, 12 } }, 80 } },
    };
    static const struct steer_target TARGETS[] = {
        { .origin = &ORIGINS[0], .hash = 1, .weight = 1, .first_member = 0, .member_count = 1 },
        { .origin = &ORIGINS[1], .hash = 2, .weight = 1, .first_member = 1, .member_count = 1 },
        { .origin = &ORIGINS[2], .hash = 3, .weight = 1, .first_member = 2, .member_count = 1 },
    };
    static const struct steer_member MEMBERS[] = {
        { .check = CHECK_NONE, .families = STEER_HAS_V4 },
        { .check = CHECK_NONE, .families = STEER_HAS_V6 },
        { .check = CHECK_NONE, .families = STEER_HAS_V4 },
    };
    static const struct steer_row ROW = { .site = &SITE,
        .hash = 4,
        .targets = TARGETS,
        .count = 3,
        .members = MEMBERS,
        .member_count = 3 };
    struct dns_name name;
    bool is_name = dns_name_parse(slice_text(owner), &name);

    assert(is_name);
    dns_builder_steer(b, &name, type, 20, &ROW);
}

static const struct steer_rows ROWS;

/* A few names of one letter, so that chance finds them. */
static struct dns_zones *zones_new(void)
{
    struct dns_builder *b = dns_builder_new(1);
    struct dns_zones *zones = NULL;

    add(b, "z", DNS_TYPE_SOA, SLICE("\1n\1z\0\1h\0\0\0\0\7\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\x1e"));
    add(b, "z", DNS_TYPE_NS, SLICE("\1n\1z\0"));
    add(b, "a.z", DNS_TYPE_A, SLICE("\xc0\0\2\1"));
    add(b, "a.z", DNS_TYPE_TXT, SLICE("\1t"));
    add(b, "c.z", DNS_TYPE_CNAME, SLICE("\1s\1Z\0"));
    add(b, "l.z", DNS_TYPE_CNAME, SLICE("\1l\1z\0"));
    add(b, "o.z", DNS_TYPE_CNAME, SLICE("\1o\0"));
    add(b, "d.e.z", DNS_TYPE_A, SLICE("\xc0\0\2\1"));
    for (unsigned char i = 0; i < 90; i++)
        add(b, "b.z", DNS_TYPE_A, slice_of((char[]){ 10, 0, 0, (char)i }, 4));
    steer(b, "s.z", DNS_TYPE_A);
    steer(b, "s.z", DNS_TYPE_AAAA);
    enum err err = dns_builder_finish(&b, &zones, NULL);

    assert(err == ERR_NONE);
    zones->rows = &ROWS;
    return zones;
}

static void check(struct slice query, struct slice answer, bool is_stream)
{
    struct dns_reader asked, reader;
    struct dns_record record;
    bool is_started = dns_reader_start(&reader, answer);
    enum dns_read read;

    assert(is_started && reader.id == dns_u16(query.at));
    assert((reader.flags & 0x80f0) == DNS_FLAG_QR);
    if (!is_stream)
        assert(answer.length <= DNS_UDP_MAX);
    if (reader.has_question) {
        is_started = dns_reader_start(&asked, query);
        assert(is_started && slice_equal(dns_name_wire(&asked.name), dns_name_wire(&reader.name)));
    }
    while ((read = dns_reader_next(&reader, &record)) == DNS_READ_RECORD)
        if (record.section == DNS_ANSWER)
            assert(reader.has_question);
    assert(read == DNS_READ_END && dns_reader_rest(&reader).length == 0);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static struct dns_zones *zones;
    static struct dns_counts counts;
    static char out[2][DNS_MESSAGE_MAX];
    static struct dns_answerer answerer = { .counts = &counts };
    struct slice query = slice_of(data, size);

    if (zones == NULL)
        zones = zones_new();
    answerer.zones = zones;
    for (int is_stream = 0; is_stream < 2; is_stream++) {
        struct dns_client client = { { IP_V4, { 203, 0, 113, 5 } }, is_stream };
        size_t room = is_stream ? DNS_MESSAGE_MAX : DNS_UDP_MAX;
        size_t length = dns_answer(&answerer, &client, query, out[is_stream], room);

        assert(length <= room);
        if (length > 0)
            check(query, slice_of(out[is_stream], length), is_stream);
    }
    return 0;
}
