// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * DNS messages read (RFC 1035, 6891, 7871); wire/dns_writer.h writes them. Two readers: a strict
 * one for the query that a server is sent, which does all a server must refuse on sight and nothing
 * else; and a general one that walks any message record by record. Pure functions, no allocation;
 * what they return points into the message.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/slice.h"
#include "wire/dns_name.h"

enum dns_type {
    DNS_TYPE_A = 1,
    DNS_TYPE_NS = 2,
    DNS_TYPE_CNAME = 5,
    DNS_TYPE_SOA = 6,
    DNS_TYPE_PTR = 12,
    DNS_TYPE_MX = 15,
    DNS_TYPE_TXT = 16,
    DNS_TYPE_AAAA = 28,
    DNS_TYPE_OPT = 41,
    DNS_TYPE_NXNAME = 128,
    DNS_TYPE_TKEY = 249,
    DNS_TYPE_TSIG = 250,
    DNS_TYPE_IXFR = 251,
    DNS_TYPE_AXFR = 252,
    DNS_TYPE_MAILB = 253,
    DNS_TYPE_MAILA = 254,
    DNS_TYPE_ANY = 255,
};

enum { DNS_CLASS_IN = 1, DNS_CLASS_CH = 3, DNS_CLASS_ANY = 255 };

enum dns_rcode {
    DNS_RCODE_NOERROR = 0,
    DNS_RCODE_FORMERR = 1,
    DNS_RCODE_SERVFAIL = 2,
    DNS_RCODE_NXDOMAIN = 3,
    DNS_RCODE_NOTIMP = 4,
    DNS_RCODE_REFUSED = 5,
    DNS_RCODE_BADVERS = 16, // the upper bits travel in OPT
};

enum {
    DNS_FLAG_QR = 0x8000,
    DNS_FLAG_AA = 0x0400,
    DNS_FLAG_TC = 0x0200,
    DNS_FLAG_RD = 0x0100,
    DNS_OPCODE_BITS = 0x7800,
    DNS_RCODE_BITS = 0x000f,
    DNS_HEADER_SIZE = 12,
    DNS_RECORD_HEAD = 10, // type, class, TTL, length: between owner and data
    DNS_OPT_SIZE = 11,    // without options
    DNS_OPTION_ECS = 8,
    DNS_OPT_DO = 0x8000,     // of the flags in OPT's TTL
    DNS_MESSAGE_MAX = 65535, // over TCP
    DNS_UDP_MIN = 512,       // what every requester takes
    DNS_UDP_MAX = 1232,      // what passes everywhere without fragments
};

static inline uint16_t dns_u16(const char *at)
{
    const unsigned char *octets = (const unsigned char *)at;

    return (uint16_t)(octets[0] << 8 | octets[1]);
}

static inline uint32_t dns_u32(const char *at)
{
    return (uint32_t)dns_u16(at) << 16 | dns_u16(at + 2);
}

/* A client subnet option (RFC 7871 §6), checked. Family 0 comes with an empty address. */
struct dns_ecs {
    bool is_present;
    uint8_t source_bits;
    struct ip address; // bits beyond source_bits are zero
};

/* Octets of address that so many bits take. */
static inline size_t dns_ecs_octets(uint8_t bits)
{
    return ((size_t)bits + 7) / 8;
}

struct dns_edns {
    bool is_present;
    bool is_dnssec_ok;
    uint8_t version;
    uint16_t payload; // octets that the requester takes over UDP, as it said
};

/* What is to be done with a query. */
enum dns_verdict {
    DNS_ANSWERABLE, // class and type have not been looked at
    DNS_SILENCE,    // no answer: not a query, or too short to say what it is
    DNS_FORMERR,
    DNS_NOTIMP, // an opcode that is not ours; answered with a header alone
    DNS_BADVERS,
};

/* One question on its way to an answer. After any verdict but silence, id, flags, question and
 * edns are good to answer with; the rest when answerable. Reused from query to query. */
struct dns_query {
    uint16_t id;
    uint16_t flags;        // as they came
    struct slice question; // octets as they came; empty when there is not exactly one readable
    uint16_t type, class;
    struct dns_edns edns;
    struct dns_ecs ecs;
    uint64_t hash;        // of the name
    struct dns_name name; // lower case
};

/*
 * QR set or no whole header: silence. Opcode other than QUERY: NOTIMP. Not one question, a
 * compressed or malformed name in it, a record that is cut off, two OPTs, OPT elsewhere than in
 * the additional section or not at the root, malformed options: FORMERR. EDNS above 0: BADVERS.
 * TC, RA, AD, CD, Z and what follows the last record are ignored, unknown options too.
 */
enum dns_verdict dns_query_parse(struct slice message, uint64_t seed, struct dns_query *query);

enum dns_section { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL };

struct dns_record {
    enum dns_section section;
    struct dns_name owner;
    uint16_t type, class;
    uint32_t ttl;      // 0 where the top bit was set (RFC 2181 §8)
    struct slice data; // as it stands; names in it may be compressed
    size_t data_at;    // where data begins in the message
};

/* Walks a message: start, then next until it says otherwise. */
struct dns_reader {
    struct slice message;
    uint16_t id, flags;
    uint16_t counts[3]; // records by section, as the header says
    bool has_question;
    struct dns_name name; // of the question, as it came
    uint16_t type, class;
    size_t at;
    enum dns_section section;
    uint16_t read; // records of this section that were read
};

/* False when there is no whole header, more than one question, or a malformed one. */
[[nodiscard]] bool dns_reader_start(struct dns_reader *reader, struct slice message);

enum dns_read { DNS_READ_RECORD, DNS_READ_END, DNS_READ_MALFORMED };

enum dns_read dns_reader_next(struct dns_reader *reader, struct dns_record *record);

/* Octets after the last record that was read. */
static inline struct slice dns_reader_rest(const struct dns_reader *reader)
{
    return slice_from(reader->message, reader->at);
}
