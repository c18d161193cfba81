// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * From a query's octets to an answer's: parse, hash, one probe, pick, copy. No socket, no clock,
 * no allocation, no lock; the same for every transport.
 *
 * What is answered:
 *   in our zones      data with AA, NODATA or NXDOMAIN with SOA; nothing in authority or
 *                     additional that was not asked for
 *   CNAME             followed inside our zones, at most DNS_CHAIN_MAX times; the RCODE is that of
 *                     the last name (RFC 6604)
 *   ANY               one RRset over UDP (RFC 8482), all of them over a stream
 *   steered names     the picked target's addresses. The client is the subnet option's address
 *                     (RFC 7871); without one, or with SOURCE 0, the resolver. A private address
 *                     told by a resolver with a public one says nothing, so the resolver counts
 *                     and the scope covers the private block (§10)
 *   elsewhere         REFUSED; also classes other than IN, and zone transfers
 *   meta types        FORMERR (0, OPT, TSIG, NXNAME) or NOTIMP (TKEY, MAILA, MAILB)
 *
 * The subnet option comes back with every answer from our zones, its scope saying how many bits
 * decided: 0 for what is not steered, and for negative answers. An answer that does not fit is
 * cut at whole RRsets, with TC.
 */

#include <stdbool.h>

#include "base/addr.h"
#include "base/counter.h"
#include "base/slice.h"
#include "dns/zone.h"
#include "wire/dns_message.h"

enum { DNS_CHAIN_MAX = 16 };

#define DNS_COUNTERS(X)                                                                        \
    X(queries_udp, "dns_queries_total", "transport=\"udp\"", "Messages that arrived")          \
    X(queries_tcp, "dns_queries_total", "transport=\"tcp\"", "Messages that arrived")          \
    X(data, "dns_answers_total", "outcome=\"data\"", "Answers by outcome")                     \
    X(nodata, "dns_answers_total", "outcome=\"nodata\"", "Answers by outcome")                 \
    X(nxdomain, "dns_answers_total", "outcome=\"nxdomain\"", "Answers by outcome")             \
    X(refused, "dns_answers_total", "outcome=\"refused\"", "Answers by outcome")               \
    X(formerr, "dns_answers_total", "outcome=\"formerr\"", "Answers by outcome")               \
    X(notimp, "dns_answers_total", "outcome=\"notimp\"", "Answers by outcome")                 \
    X(badvers, "dns_answers_total", "outcome=\"badvers\"", "Answers by outcome")               \
    X(servfail, "dns_answers_total", "outcome=\"servfail\"", "Answers by outcome")             \
    X(silence, "dns_answers_total", "outcome=\"silence\"", "Answers by outcome")               \
    X(steered, "dns_steered_total", "", "Answers with the addresses of a picked target")       \
    X(subnets, "dns_subnet_queries_total", "", "Queries that named the client's subnet")       \
    X(truncated, "dns_truncated_total", "", "Answers cut because they did not fit")            \
    X(chain_limited, "dns_chain_limited_total", "", "Answers that end at the limit of CNAMEs") \
    X(connections, "dns_connections_total", "", "TCP connections accepted")                    \
    X(connections_limited, "dns_connections_closed_total", "reason=\"limit\"",                 \
        "TCP connections closed by us")                                                        \
    X(connections_idle, "dns_connections_closed_total", "reason=\"idle\"",                     \
        "TCP connections closed by us")                                                        \
    X(connections_malformed, "dns_connections_closed_total", "reason=\"malformed\"",           \
        "TCP connections closed by us")

struct dns_counts {
    DNS_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row dns_counter_rows[];
extern const size_t dns_counter_row_count;

struct dns_client {
    struct ip address; // of the resolver that asks
    bool is_stream;    // TCP or above it: no limit but the message's own
};

/* What one thread answers with. The zones may change between two calls. */
struct dns_answerer {
    const struct dns_zones *zones; // NULL: none yet, all is SERVFAIL
    struct dns_counts *counts;
    struct dns_query query; // scratch, too big to be cleared for each query
};

/*
 * Writes the answer to `message` and returns its length; 0 when there is none to give. `room` is
 * at least DNS_UDP_MIN.
 */
size_t dns_answer(struct dns_answerer *answerer, const struct dns_client *client,
    struct slice message, char *out, size_t room);
