// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The zones that a network asks for, as one of its nodes answers for them.
 *
 * The network's own zone (ZONE) has
 *   SOA, NS, TXT at its apex
 *   A, AAAA of each name server in it: name server i of n stands for the nodes i, i+n, i+2n, ...
 *   HOST.ZONE       every site, steered: what a customer's CNAME leads to
 *   POP.pop.ZONE    the addresses of a pop's nodes; NODE.node.ZONE of one node: for operators
 *
 * A site whose HOST lies in ZONE is a name of ZONE under HOST too. Any other HOST is the apex of
 * a zone of its own (SOA, NS, steered A and AAAA), good once it is delegated to us, and harmless
 * before. A HOST below another site's HOST is no zone of its own but a name in that zone: only the
 * outer one can have been delegated, and who asks below it must find all its names in one zone.
 */

#include <stdint.h>

#include "base/err.h"
#include "dns/zone.h"
#include "steer/rows.h"

enum {
    DNS_ZONE_TTL = 3600,   // seconds; of SOA, NS and name servers
    DNS_NODE_TTL = 60,     // of POP.pop.ZONE and NODE.node.ZONE
    DNS_NEGATIVE_TTL = 60, // how long a resolver may believe that something is not there
};

/*
 * The rows, and the network they are of, must outlive the zones, and so must the usage, in which
 * each site finds its slot; NULL: nothing is counted.
 * ERR_CONFIG: a name that is none or too long, or two uses of one name that cannot stand together.
 */
[[nodiscard]] enum err dns_zones_compile(const struct steer_rows *rows, struct usage *usage,
    uint64_t seed, struct dns_zones **zones, struct diag *why);
