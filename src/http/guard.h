// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * How many connections each client has, so that one of them cannot hold all there are.
 *
 * A client is an IPv4 address, or the /64 of an IPv6 address: the smallest part of the net that
 * somebody has for himself. The table is exact and keyed, so nobody can aim at another's row, and
 * it has no more rows than there are connections: whoever limits these has limited it too. 64
 * bytes for each client at most, given back with the guard.
 *
 * One loop's thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct http_guard_row {
    uint64_t client;
    uint32_t count; // 0: the row is free
};

struct http_guard {
    struct http_guard_row *rows; // none before the first client
    size_t room;                 // of rows: a power of two, or 0
    size_t used;
    uint64_t seed;
};

void http_guard_init(struct http_guard *guard, uint64_t seed);
void http_guard_done(struct http_guard *guard);

/* One connection more, unless the client has `most` already. Who has no address (a Unix socket) is
 * let in uncounted. */
[[nodiscard]] bool http_guard_enter(
    struct http_guard *guard, const struct ip *client, uint32_t most);

/* One less of those that entered. */
void http_guard_leave(struct http_guard *guard, const struct ip *client);

uint32_t http_guard_count(const struct http_guard *guard, const struct ip *client);

/*
 * The part of a limit for all workers that one of them keeps to. The kernel deals connections out
 * by a hash, and not evenly for one client, so of several workers each may exceed its even part by
 * a quarter and four: a client always gets what the limit says, and at most a little more.
 */
uint32_t http_guard_share(uint64_t limit, unsigned workers);
