// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What each node grants to those who connect to it by HTTP, on all its workers together. */

#include <stdint.h>

#include "base/clock.h"

struct network_limits {
    uint32_t connections, per_client; // open ones: in all, of one IPv4 address or IPv6 /64
    struct span handshake;            // for TLS
    struct span head;                 // from a request's first byte to the last of its head
    struct span idle;                 // between requests
    struct span stall;                // over which the rate of a body is measured
    uint32_t rate_bytes_per_s;        // less is too slow
    struct span upgraded;             // without a byte either way, of another protocol than HTTP
};
