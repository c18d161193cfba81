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
 *   steered names     the picked target's addresses; NODATA where none is fit and the site wants
 *                     that. The client is the subnet option's address
 *                     (RFC 7871); without one, or with SOURCE 0, the resolver. A private address
 *                     told by a resolver with a public one says nothing, so the resolver counts
 *                     and the scope covers the private block (§10)
 *   elsewhere         REFUSED; also classes other than IN, and zone transfers
 *   meta types        FORMERR (0, OPT, TSIG, NXNAME) or NOTIMP (TKEY, MAILA, MAILB)
 *
 * The subnet option comes back with every answer from our zones, its scope saying how many bits
 * decided: 0 for what is not steered, and for negative answers. An answer that does not fit is
 * cut at whole RRsets, with TC.
 *
 * Addresses that are given out are counted by site, target and reason (meter/answers.h).
 */

#include <stdbool.h>

#include "base/addr.h"
#include "base/counter.h"
#include "base/slice.h"
#include "dns/zone.h"
#include "steer/map.h"
#include "wire/dns_message.h"

enum { DNS_CHAIN_MAX = 16 };

#define STEERED_HELP "Answers for steered names, by why their target was picked"

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
    X(steered_best, "dns_steered_total", "reason=\"best\"", STEERED_HELP)                      \
    X(steered_drawn, "dns_steered_total", "reason=\"drawn\"", STEERED_HELP)                    \
    X(steered_next, "dns_steered_total", "reason=\"next\"", STEERED_HELP)                      \
    X(steered_over_capacity, "dns_steered_total", "reason=\"over_capacity\"", STEERED_HELP)    \
    X(steered_reserve, "dns_steered_total", "reason=\"reserve\"", STEERED_HELP)                \
    X(steered_all_down, "dns_steered_total", "reason=\"all_down\"", STEERED_HELP)              \
    X(steered_nothing, "dns_steered_total", "reason=\"nothing\"", STEERED_HELP)                \
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

/* What an answer gave out of a steered set, for whoever counts it: NULL and 0 where it gave none,
 * as when it was cut or nothing was fit. No answer holds addresses of two sites. */
struct dns_given {
    const struct dns_steered *of;
    unsigned addresses;
};

/* What one thread answers with. Zones and map may change between two calls. */
struct dns_answerer {
    const struct dns_zones *zones; // NULL: none yet, all is SERVFAIL
    const struct steer_map *map;   // NULL: none yet, targets are in the order of their row
    struct dns_counts *counts;
    unsigned line;          // of this thread, in what the zones count by target
    struct dns_given given; // by the last answer
    struct dns_query query; // scratch, too big to be cleared for each query
};

/*
 * Writes the answer to `message` and returns its length; 0 when there is none to give. `room` is
 * at least DNS_UDP_MIN.
 */
size_t dns_answer(struct dns_answerer *answerer, const struct dns_client *client,
    struct slice message, char *out, size_t room);
