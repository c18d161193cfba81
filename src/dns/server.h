// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The DNS server of one loop: UDP in batches, TCP with any number of queries under way on a
 * connection (RFC 7766). Each worker has one, on the same addresses.
 *
 * A TCP connection lives as long as it is used: one that neither completes a query nor takes any
 * of its answers for DNS_IDLE is closed, so that half a message, slowly sent, holds nothing. When
 * all connections are taken, the one idle for longest makes room. An idle one holds no buffers,
 * and one whose peer does not read its answers is not read from beyond DNS_PENDING_MAX.
 */

#include <stddef.h>

#include "base/addr.h"
#include "base/err.h"
#include "dns/answer.h"

struct loop;
struct dns_server;
struct dns_source;

#define DNS_IDLE ((struct span){ INT64_C(10000000000) })

enum {
    DNS_CONNECTIONS_MAX = 1000,  // unless the options say otherwise
    DNS_PENDING_MAX = 64 * 1024, // octets of answers that wait, before one more is begun
};

/*
 * Where zones and map come from: asked once for each batch of datagrams and for each piece of
 * stream input; what is given is used within the turn alone. NULL: none yet.
 */
struct dns_source {
    const struct dns_zones *(*zones)(struct dns_source *source);
    const struct steer_map *(*map)(struct dns_source *source); // NULL: there never is one
};

struct dns_server_options {
    const struct endpoint *at; // UDP and TCP; port 0: any, the same for both
    size_t at_count;
    struct dns_source *source; // outlives the server
    struct dns_counts *counts; // likewise; several servers of one loop may share them
    size_t connections_max;    // 0: DNS_CONNECTIONS_MAX
    unsigned line;             // this loop's lines in the usage that the zones speak of
};

/* Fails as a whole; `why` names the address. */
[[nodiscard]] enum err dns_server_start(struct loop *loop, const struct dns_server_options *options,
    struct dns_server **server, struct diag *why);

/* Closes all sockets and connections. Accepts NULL. Not from within a callback of its own. */
void dns_server_stop(struct dns_server *server);

/* Where it listens: the address of `at[index]`, with the port that was given. */
struct endpoint dns_server_at(const struct dns_server *server, size_t index);
