// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Collects records in any order and freezes them into `struct dns_zones`. A zone is what lies at
 * and below a name with an SOA record, down to the next such name; that makes all that a caller
 * has to say about zones.
 *
 * Takes a few hundred octets for each record while it works. One thread.
 */

#include <stdint.h>

#include "base/err.h"
#include "dns/zone.h"

struct dns_builder;

/* `seed` keys the table's hash; drawn at random, unless a test wants the same table twice. */
struct dns_builder *dns_builder_new(uint64_t seed);

/* Accepts NULL. */
void dns_builder_free(struct dns_builder *builder);

/*
 * One record. `data` is as in a message, names in it not compressed (of a CNAME, exactly one
 * name). The records of an RRset are answered in the order they came in; a second equal one is
 * dropped, and the lowest TTL is that of all (RFC 2181 §5).
 */
void dns_builder_add(struct dns_builder *builder, const struct dns_name *owner, uint16_t type,
    uint32_t ttl, struct slice data);

/*
 * A steered RRset of `type` A or AAAA: the addresses of the member that is picked for the client.
 * Where no member has an address of that family there is no such RRset, and the answer is NODATA.
 * The row must outlive the zones, whose `rows` are for the caller to set.
 */
void dns_builder_steer(struct dns_builder *builder, const struct dns_name *owner, uint16_t type,
    uint32_t ttl, const struct steer_row *row);

/*
 * Freezes; the builder is freed in any case (*builder becomes NULL).
 * ERR_CONFIG: a record outside all zones, a zone without NS or with two SOA records, a CNAME
 * beside other data, two steered sets or a steered and a plain one of one name and type.
 * ERR_LIMIT: an RRset over DNS_SET_MAX, or more than the block can hold.
 */
[[nodiscard]] enum err dns_builder_finish(
    struct dns_builder **builder, struct dns_zones **zones, struct diag *why);
