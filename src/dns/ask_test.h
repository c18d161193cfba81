// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * For tests: a query from text, and an answer as one line of text, so that a case reads as
 * "this is asked, that is answered":
 *
 *     "NOERROR aa | www.example.net 60 A 192.0.2.1 / example.net 60 SOA ... + opt ecs 24/20"
 *
 * `|` stands before each answer, `/` before what is in authority, `+` before additional records.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/attr.h"
#include "dns/answer.h"
#include "wire/dns_writer.h"

enum { ASK_TEXT_MAX = 64 * 1024 };

struct ask_query {
    const char *name;
    uint16_t type;
    uint16_t class;   // 0: IN
    uint16_t flags;   // beside RD
    uint16_t payload; // 0: no EDNS, unless one of those below is set
    uint8_t version;  // of EDNS
    bool is_dnssec_ok;
    const char *subnet; // "192.0.2.0/24"
};

struct ask_text {
    char text[ASK_TEXT_MAX];
    size_t used;
};

static inline void ask_say(struct ask_text *t, const char *fmt, ...) PRINTS(2, 3);

static inline void ask_say(struct ask_text *t, const char *fmt, ...)
{
    va_list list;

    va_start(list, fmt);
    int more = vsnprintf(t->text + t->used, sizeof t->text - t->used, fmt, list);
    va_end(list);
    assert_true(more >= 0 && (size_t)more < sizeof t->text - t->used);
    t->used += (size_t)more;
}

/* The query's octets in `out`, which has room for 600. */
static inline struct slice ask_query_write(const struct ask_query *q, char *out)
{
    struct dns_writer w = { .out = out, .room = 600, .used = DNS_HEADER_SIZE };
    bool has_edns = q->payload > 0 || q->version > 0 || q->is_dnssec_ok || q->subnet != NULL;
    struct dns_name name;
    struct prefix subnet = { 0 };

    assert_true(dns_name_parse(slice_text(q->name), &name));
    dns_header_put(out, &(struct dns_header){ .id = 0x4242,
                            .flags = DNS_FLAG_RD | q->flags,
                            .question_count = 1,
                            .additional_count = has_edns });
    dns_write_question(&w, &name, q->type, q->class == 0 ? DNS_CLASS_IN : q->class);
    if (q->subnet != NULL)
        assert_true(prefix_parse(slice_text(q->subnet), &subnet));
    struct dns_ecs ecs = { q->subnet != NULL, subnet.length, subnet.ip };

    if (has_edns)
        dns_write_opt(&w, &(struct dns_opt){ .edns = { .payload = q->payload,
                                                 .version = q->version,
                                                 .is_dnssec_ok = q->is_dnssec_ok },
                              .ecs = &ecs });
    assert_false(w.is_full);
    return slice_of(out, w.used);
}

static inline void ask_name_say(struct ask_text *t, struct slice message, size_t *at)
{
    struct dns_name name;
    char text[DNS_NAME_TEXT_MAX];

    assert_true(dns_name_read(message, at, &name));
    ask_say(t, " %s", dns_name_text(&name, text));
}

static inline void ask_data_say(
    struct ask_text *t, struct slice message, const struct dns_record *record)
{
    char text[IP_TEXT_MAX];
    struct ip ip = { .family = record->type == DNS_TYPE_A ? IP_V4 : IP_V6 };
    size_t at = record->data_at;

    switch (record->type) {
    case DNS_TYPE_A:
    case DNS_TYPE_AAAA:
        assert_int_equal(record->data.length, ip_size(&ip));
        memcpy(ip.bytes, record->data.at, ip_size(&ip));
        ask_say(t, "%s %s", record->type == DNS_TYPE_A ? "A" : "AAAA", ip_text(&ip, text));
        return;
    case DNS_TYPE_NS:
    case DNS_TYPE_CNAME:
        ask_say(t, "%s", record->type == DNS_TYPE_NS ? "NS" : "CNAME");
        ask_name_say(t, message, &at);
        return;
    case DNS_TYPE_SOA:
        ask_say(t, "SOA");
        ask_name_say(t, message, &at);
        ask_name_say(t, message, &at);
        for (int i = 0; i < 5; i++, at += 4)
            ask_say(t, " %u", dns_u32(message.at + at));
        assert_int_equal(at, record->data_at + record->data.length);
        return;
    case DNS_TYPE_TXT: ask_say(t, "TXT \"%.*s\"", SLICE_ARG(slice_from(record->data, 1))); return;
    default: ask_say(t, "TYPE%u %zu", record->type, record->data.length);
    }
}

static inline void ask_opt_say(struct ask_text *t, const struct dns_record *record)
{
    ask_say(t, "opt %u", record->class);
    if ((record->ttl & DNS_OPT_DO) != 0)
        ask_say(t, " do");
    if ((record->ttl & 0xff0000) != 0)
        ask_say(t, " version=%u", record->ttl >> 16 & 0xff);
    if (record->data.length > 0)
        ask_say(t, " ecs %u/%u", (uint8_t)record->data.at[6], (uint8_t)record->data.at[7]);
}

static inline const char *ask_rcode(unsigned rcode)
{
    const char *names[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED" };

    assert_true(rcode < COUNT_OF(names) || rcode == DNS_RCODE_BADVERS);
    return rcode == DNS_RCODE_BADVERS ? "BADVERS" : names[rcode];
}

/* All of an answer but id and question, which are checked against the query where it has one. */
static inline void ask_answer_say(struct ask_text *t, struct slice message)
{
    const char *marks[] = { "|", "/", "+" };
    struct dns_reader reader, scout;
    struct dns_record record;
    unsigned upper = 0;

    t->used = 0;
    assert_true(dns_reader_start(&reader, message));
    for (scout = reader; dns_reader_next(&scout, &record) == DNS_READ_RECORD;)
        if (record.type == DNS_TYPE_OPT)
            upper = record.ttl >> 24 << 4;
    assert_int_equal(dns_reader_rest(&scout).length, 0);
    assert_int_equal(reader.flags & 0x80f0, DNS_FLAG_QR); // never RA, Z, AD, CD
    ask_say(t, "%s%s%s", ask_rcode(upper | (reader.flags & DNS_RCODE_BITS)),
        (reader.flags & DNS_FLAG_AA) != 0 ? " aa" : "",
        (reader.flags & DNS_FLAG_TC) != 0 ? " tc" : "");
    while (dns_reader_next(&reader, &record) == DNS_READ_RECORD) {
        char text[DNS_NAME_TEXT_MAX];

        ask_say(t, " %s ", marks[record.section]);
        if (record.type == DNS_TYPE_OPT) {
            ask_opt_say(t, &record);
            continue;
        }
        ask_say(t, "%s %u ", dns_name_text(&record.owner, text), record.ttl);
        ask_data_say(t, message, &record);
    }
}

/* Asks, and returns the answer as text, good until the next; "" for silence. */
static inline const char *ask(struct dns_answerer *answerer, const struct dns_client *client,
    const struct ask_query *q, struct ask_text *t)
{
    static char out[DNS_MESSAGE_MAX];
    char in[600];
    struct slice query = ask_query_write(q, in);
    size_t length = dns_answer(
        answerer, client, query, out, client->is_stream ? sizeof out : (size_t)DNS_UDP_MAX);

    t->text[0] = '\0';
    if (length == 0)
        return t->text;
    ask_answer_say(t, slice_of(out, length));
    assert_int_equal(dns_u16(out), 0x4242);
    assert_true((dns_u16(out + 2) & DNS_FLAG_RD) != 0);
    return t->text;
}
