// SPDX-License-Identifier: Apache-2.0
/*
 * Any octets as a message: both readers stay within them, and what the strict one accepts the
 * general one reads too, with the same question.
 */
#include <assert.h>

#include "wire/dns_message.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void walk(struct slice message)
{
    struct dns_reader reader;
    struct dns_record record;
    char text[DNS_NAME_TEXT_MAX];

    if (!dns_reader_start(&reader, message))
        return;
    while (dns_reader_next(&reader, &record) == DNS_READ_RECORD) {
        struct dns_name again;

        assert(record.data_at + record.data.length == reader.at && reader.at <= message.length);
        assert(dns_name_parse(slice_text(dns_name_text(&record.owner, text)), &again));
        assert(slice_equal(dns_name_wire(&again), dns_name_wire(&record.owner)));
        assert(again.label_count == record.owner.label_count);
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct slice message = slice_of(data, size);
    struct dns_query query = { 0 };
    struct dns_reader reader;

    walk(message);
    if (dns_query_parse(message, 1, &query) != DNS_ANSWERABLE)
        return 0;

    bool is_read = dns_reader_start(&reader, message);

    assert(is_read && reader.has_question);
    assert(slice_same(dns_name_wire(&reader.name), dns_name_wire(&query.name)));
    assert(reader.name.label_count == query.name.label_count);
    assert(reader.type == query.type && reader.class == query.class);
    assert(dns_name_hash(dns_name_wire(&query.name), 1) == query.hash);
    return 0;
}
