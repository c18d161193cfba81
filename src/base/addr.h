// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Internet addresses, endpoints and prefixes as plain values, and their text. No names, no I/O. */

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/slice.h"

enum ip_family { IP_NONE = 0, IP_V4 = 4, IP_V6 = 6 };

struct ip {
    uint8_t family;    // enum ip_family
    uint8_t bytes[16]; // network order; the first 4 for IP_V4, the rest zero
};

struct endpoint {
    struct ip ip;
    uint16_t port; // host order
};

struct prefix {
    struct ip ip; // bits beyond the length are zero
    uint8_t length;
};

enum { IP_TEXT_MAX = 46, ENDPOINT_TEXT_MAX = 56 }; // with the terminating zero

/* 4 or 16. The family is not IP_NONE. */
static inline size_t ip_size(const struct ip *ip)
{
    return ip->family == IP_V4 ? 4 : 16;
}

struct ip ip_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
bool ip_equal(const struct ip *a, const struct ip *b);

/* A number for who is counted as one client: the address, of IPv6 its /64. Not the same for any
 * two: no IPv6 address that is in use begins like an IPv4 one here. */
uint64_t ip_client(const struct ip *ip);

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

/* Literal addresses alone: "192.0.2.1", "2001:db8::1"; no zone, no brackets. */
bool ip_parse(struct slice text, struct ip *ip);

/* "192.0.2.1:80", "[2001:db8::1]:80"; without a port (and brackets), `port` is taken unless 0. */
bool endpoint_parse(struct slice text, uint16_t port, struct endpoint *endpoint);

/* "192.0.2.0/24"; bits beyond the length must be zero. */
bool prefix_parse(struct slice text, struct prefix *prefix);

/* Terminated text in `text`, which has room for IP_TEXT_MAX or ENDPOINT_TEXT_MAX; returns it. */
const char *ip_text(const struct ip *ip, char *text);
const char *endpoint_text(const struct endpoint *endpoint, char *text);

/* The address with all bits beyond `length` cleared; length is at most 32 or 128. */
struct prefix prefix_of(const struct ip *ip, uint8_t length);

/* Same family, and the first bits agree. */
bool prefix_holds(const struct prefix *prefix, const struct ip *ip);

/*
 * Loopback, private, link-local, shared (RFC 6598), unique-local, multicast, unspecified: what no
 * stranger's name may lead us to, also not written as IPv6 (mapped, or for a translator).
 */
bool ip_is_private(const struct ip *ip);
