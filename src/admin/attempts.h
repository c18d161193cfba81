// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * How often somebody may show a wrong token. Each client may ADMIN_ATTEMPTS_MAX times, and once
 * more for each ADMIN_ATTEMPTS_REST without; who is beyond that is not listened to, whatever is
 * shown, or a guess that is right would still be told from one that is wrong.
 *
 * A client is an IPv4 address, or the /64 of an IPv6 address. There are ADMIN_ATTEMPTS_ROWS rows;
 * when all are taken, the one that is soonest as good as new is forgotten. So an attacker with as
 * many addresses has more guesses, and nobody else fewer; a token of 16 characters stands that.
 *
 * A plain value. Not locked; no clock.
 */

#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"

enum { ADMIN_ATTEMPTS_MAX = 10, ADMIN_ATTEMPTS_ROWS = 256 };

#define ADMIN_ATTEMPTS_REST span_s(6)

struct admin_attempts {
    struct admin_attempts_row {
        uint64_t client;
        struct instant forgiven_at; // not after now: the row is free
    } rows[ADMIN_ATTEMPTS_ROWS];
};

/* How long the client is not listened to, in whole seconds; 0: it may try. */
int64_t admin_attempts_wait_s(
    const struct admin_attempts *attempts, const struct ip *client, struct instant now);

/* The client has shown a wrong one. */
void admin_attempts_failed(
    struct admin_attempts *attempts, const struct ip *client, struct instant now);
