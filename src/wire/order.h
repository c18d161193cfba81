// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Order: what an operator asked of the whole network, as it stands in the log that all nodes
 * follow. Its number is the log's and not part of it. Big-endian:
 *
 *     "wpo" version(1)  kind(1) flags(1) id(16) at_ms(8) by_length(1) site_length(1) text_length(2)
 *     by site text
 *
 * A node that does not know a kind, a flag or the version reads no order in it and passes it over:
 * a later version may have written it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"

enum {
    ORDER_ID_SIZE = 16,
    ORDER_BY_MAX = 128,
    ORDER_SITE_MAX = 255,
    ORDER_TEXT_MAX = 8 * 1024,
    ORDER_HEADER_SIZE = 34,
    ORDER_MAX = ORDER_HEADER_SIZE + ORDER_BY_MAX + ORDER_SITE_MAX + ORDER_TEXT_MAX,
};

/* On the wire by number: new kinds are added at the end. */
enum order_kind {
    ORDER_PURGE_URL,
    ORDER_PURGE_PREFIX,
    ORDER_PURGE_TAG,
    ORDER_PURGE_SITE,
    ORDER_DRAIN_POP,
    ORDER_DRAIN_NODE,
    ORDER_DRAIN_ORIGIN,
    ORDER_UNDRAIN_POP,
    ORDER_UNDRAIN_NODE,
    ORDER_UNDRAIN_ORIGIN,
    ORDER_KIND_COUNT,
};

struct order {
    unsigned char id[ORDER_ID_SIZE]; // drawn by who gave it, so that one that comes twice is known
    enum order_kind kind;
    bool is_soft;      // of a purge: stale instead of gone
    struct wall at;    // when it was given, by the clock of the node that took it
    struct slice by;   // who gave it, for people; empty: not known
    struct slice site; // of a purge: the site's host, lower case; else empty
    struct slice text; // normalised path with query, path prefix, tag; of a whole site empty;
                       // of a drain "POP", "NODE", "CUSTOMER/ORIGIN"
};

/*
 * May be written: lengths within limits, what its kind needs is there and nothing else, no control
 * bytes. Whether there is such a site or pop, and whether a path is normalised, is not known here.
 */
bool order_is_sane(const struct order *order);

/* The order is sane, and `room` has ORDER_MAX bytes; good as long as the room is. */
struct slice order_write(const struct order *order, char *room);

/* False: not an order that this version knows, or not a sane one. The texts are those of `bytes`.
 */
bool order_parse(struct slice bytes, struct order *order);

static inline bool order_is_purge(enum order_kind kind)
{
    return kind <= ORDER_PURGE_SITE;
}

/* "purge url", "undrain origin"; never NULL. */
const char *order_kind_text(enum order_kind kind);
