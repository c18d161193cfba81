// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Domain names: in wire form (labels behind their lengths, a zero octet at the end), in text, and
 * as what a table is asked for: lower-cased and hashed in one pass, eight octets at a time. That
 * works on the whole wire form because a label's length (at most 63) is no capital letter.
 *
 * Matching ignores ASCII case and nothing else (RFC 4343). Pure functions, no allocation.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum {
    DNS_NAME_MAX = 255, // octets in wire form, the root's zero included
    DNS_LABEL_MAX = 63,
    DNS_NAME_ROOM = 264,      // whole words, and one of zeros behind the longest name
    DNS_NAME_TEXT_MAX = 1024, // each octet as \DDD, dots, the terminating zero
};

/* A whole name, never compressed. A plain value. */
struct dns_name {
    uint8_t length;      // in wire form; at least 1
    uint8_t label_count; // without the root
    char bytes[DNS_NAME_ROOM];
};

static inline struct slice dns_name_wire(const struct dns_name *name)
{
    return (struct slice){ name->bytes, name->length };
}

/*
 * Measures the uncompressed name at `at` of the message; 0 when it is cut off, too long, or holds
 * a compression pointer or a reserved label type.
 */
size_t dns_name_measure(struct slice message, size_t at, uint8_t *label_count);

/*
 * Copies a measured name in lower case and returns its hash. The octets behind the name, to the
 * end of the word, are zero.
 */
uint64_t dns_name_lower(
    struct slice wire, uint8_t label_count, uint64_t seed, struct dns_name *name);

/* The hash that dns_name_lower gives, of a name (or the tail of one) that is in lower case. */
uint64_t dns_name_hash(struct slice lower, uint64_t seed);

/*
 * Reads a name that may be compressed, in the case it came in. Each pointer must lead to before
 * the labels that it follows, so that none is followed twice. False when malformed; else *at is
 * moved behind the name.
 */
[[nodiscard]] bool dns_name_read(struct slice message, size_t *at, struct dns_name *name);

/* Moves *at behind a name without following its pointer. False when it is cut off or reserved. */
[[nodiscard]] bool dns_name_skip(struct slice message, size_t *at);

/*
 * From text, absolute whether or not a dot ends it; "\." and "\DDD" as RFC 1035 §5.1 says. Case
 * is kept. False for an empty text or label, and where a limit is passed.
 */
[[nodiscard]] bool dns_name_parse(struct slice text, struct dns_name *name);

/* Terminated text in `text`, which has room for DNS_NAME_TEXT_MAX; without the last dot, but "."
 * for the root. What is no letter, digit, '-' or '_' is escaped. Returns it. */
const char *dns_name_text(const struct dns_name *name, char *text);

/* Puts a label in front; false (and nothing changed) when the limits are passed or it is empty. */
[[nodiscard]] bool dns_name_prepend(struct dns_name *name, struct slice label);

/* Appends `zone` to the name; false, and nothing changed, when that is too long. */
[[nodiscard]] bool dns_name_append(struct dns_name *name, const struct dns_name *zone);

/* The name is `zone` or lies below it. Both in wire form and lower case. */
bool dns_name_lies_in(struct slice name, struct slice zone);

/* The name without its first label. The name is not the root. */
static inline struct slice dns_name_parent(struct slice wire)
{
    return slice_from(wire, (size_t)(unsigned char)wire.at[0] + 1);
}
