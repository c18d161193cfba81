// SPDX-License-Identifier: Apache-2.0
#include "wire/dns_message.h"

enum { OPTION_HEAD = 4, ECS_HEAD = 4, QUESTION_TAIL = 4 };

static uint8_t u8(const char *at)
{
    return (uint8_t)*at;
}

/* RFC 7871 §6: FAMILY, SOURCE, SCOPE, then as many octets of address as SOURCE needs. */
static bool ecs_parse(struct slice option, struct dns_ecs *ecs)
{
    if (option.length < ECS_HEAD || ecs->is_present)
        return false;
    uint16_t family = dns_u16(option.at);
    uint8_t source = u8(option.at + 2);
    size_t octets = dns_ecs_octets(source);
    // Family 0 is what "dig +subnet=0" sends: no address, and none wanted.
    unsigned most = family == 1 ? 32 : family == 2 ? 128 : 0;

    if (family > 2 || source > most || u8(option.at + 3) != 0 || option.length != ECS_HEAD + octets)
        return false;
    if (source % 8 != 0 && (u8(option.at + option.length - 1) & (0xff >> (source % 8))) != 0)
        return false;
    *ecs = (struct dns_ecs){ .is_present = true, .source_bits = source };
    ecs->address.family = (uint8_t)(family == 1 ? IP_V4 : family == 2 ? IP_V6 : IP_NONE);
    memcpy(ecs->address.bytes, option.at + ECS_HEAD, octets);
    return true;
}

static bool options_parse(struct slice rest, struct dns_ecs *ecs)
{
    while (rest.length > 0) {
        if (rest.length < OPTION_HEAD)
            return false;
        uint16_t code = dns_u16(rest.at);
        size_t length = dns_u16(rest.at + 2);

        rest = slice_from(rest, OPTION_HEAD);
        if (length > rest.length)
            return false;
        if (code == DNS_OPTION_ECS && !ecs_parse(slice_head(rest, length), ecs))
            return false;
        rest = slice_from(rest, length);
    }
    return true;
}

/* The OPT record whose head stands at `head`. Of a version that is not ours, nothing but the
 * version is understood. */
static enum dns_verdict opt_parse(const char *head, struct slice data, struct dns_query *query)
{
    if (query->edns.is_present)
        return DNS_FORMERR;
    query->edns = (struct dns_edns){
        .is_present = true,
        .payload = dns_u16(head + 2),
        .version = u8(head + 5),
        .is_dnssec_ok = (dns_u16(head + 6) & DNS_OPT_DO) != 0,
    };
    if (query->edns.version != 0)
        return DNS_BADVERS;
    return options_parse(data, &query->ecs) ? DNS_ANSWERABLE : DNS_FORMERR;
}

/* All records; each takes at least 11 octets, so the message bounds the work, not the counts. */
static enum dns_verdict records_parse(struct slice message, size_t at, struct dns_query *query)
{
    size_t before = (size_t)dns_u16(message.at + 6) + dns_u16(message.at + 8);
    size_t count = before + dns_u16(message.at + 10);
    enum dns_verdict worst = DNS_ANSWERABLE;

    for (size_t i = 0; i < count; i++) {
        size_t owner = at;

        if (!dns_name_skip(message, &at) || message.length - at < DNS_RECORD_HEAD)
            return DNS_FORMERR;
        const char *head = message.at + at;
        size_t length = dns_u16(head + 8);

        at += DNS_RECORD_HEAD;
        if (length > message.length - at)
            return DNS_FORMERR;
        if (dns_u16(head) == DNS_TYPE_OPT) {
            bool is_misplaced = i < before || message.at[owner] != 0;
            enum dns_verdict verdict =
                is_misplaced ? DNS_FORMERR
                             : opt_parse(head, slice_of(message.at + at, length), query);

            if (verdict == DNS_FORMERR)
                return verdict;
            worst = verdict == DNS_BADVERS ? verdict : worst;
        }
        at += length;
    }
    return worst;
}

enum dns_verdict dns_query_parse(struct slice message, uint64_t seed, struct dns_query *query)
{
    if (message.length < DNS_HEADER_SIZE)
        return DNS_SILENCE;
    query->id = dns_u16(message.at);
    query->flags = dns_u16(message.at + 2);
    query->question = SLICE_NONE;
    query->edns.is_present = false;
    query->ecs.is_present = false;
    if ((query->flags & DNS_FLAG_QR) != 0)
        return DNS_SILENCE;
    if ((query->flags & DNS_OPCODE_BITS) != 0)
        return DNS_NOTIMP;

    uint8_t label_count;
    size_t length = dns_name_measure(message, DNS_HEADER_SIZE, &label_count);

    if (dns_u16(message.at + 4) != 1 || length == 0 ||
        message.length - DNS_HEADER_SIZE - length < QUESTION_TAIL)
        return DNS_FORMERR;
    query->question = slice_of(message.at + DNS_HEADER_SIZE, length + QUESTION_TAIL);
    query->type = dns_u16(query->question.at + length);
    query->class = dns_u16(query->question.at + length + 2);
    query->hash =
        dns_name_lower(slice_head(query->question, length), label_count, seed, &query->name);
    return records_parse(message, DNS_HEADER_SIZE + length + QUESTION_TAIL, query);
}

bool dns_reader_start(struct dns_reader *reader, struct slice message)
{
    if (message.length < DNS_HEADER_SIZE || dns_u16(message.at + 4) > 1)
        return false;
    *reader = (struct dns_reader){
        .message = message,
        .id = dns_u16(message.at),
        .flags = dns_u16(message.at + 2),
        .has_question = dns_u16(message.at + 4) == 1,
        .counts = { dns_u16(message.at + 6), dns_u16(message.at + 8), dns_u16(message.at + 10) },
        .at = DNS_HEADER_SIZE,
    };
    if (!reader->has_question)
        return true;
    if (!dns_name_read(message, &reader->at, &reader->name) ||
        message.length - reader->at < QUESTION_TAIL)
        return false;
    reader->type = dns_u16(message.at + reader->at);
    reader->class = dns_u16(message.at + reader->at + 2);
    reader->at += QUESTION_TAIL;
    return true;
}

enum dns_read dns_reader_next(struct dns_reader *reader, struct dns_record *record)
{
    struct slice message = reader->message;
    size_t at = reader->at;

    while (reader->read == reader->counts[reader->section]) {
        if (reader->section == DNS_ADDITIONAL)
            return DNS_READ_END;
        reader->section++;
        reader->read = 0;
    }
    if (!dns_name_read(message, &at, &record->owner) || message.length - at < DNS_RECORD_HEAD)
        return DNS_READ_MALFORMED;
    const char *head = message.at + at;
    size_t length = dns_u16(head + 8);
    uint32_t ttl = dns_u32(head + 4);

    at += DNS_RECORD_HEAD;
    if (length > message.length - at)
        return DNS_READ_MALFORMED;
    record->section = reader->section;
    record->type = dns_u16(head);
    record->class = dns_u16(head + 2);
    // OPT keeps flags where others have a TTL.
    record->ttl = ttl > INT32_MAX && record->type != DNS_TYPE_OPT ? 0 : ttl;
    record->data = slice_of(message.at + at, length);
    record->data_at = at;
    reader->at = at + length;
    reader->read++;
    return DNS_READ_RECORD;
}
