// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Keys of session tickets: with one, a visitor who comes again is spared half of the handshake,
 * and we keep nothing about anybody (RFC 5077, RFC 8446 §4.6.1). All loops share them and they
 * outlive releases, or each reload would cost everybody a full handshake.
 *
 * Drawn by ourselves, a key seals for TLS_TICKET_KEY_LIFE and opens for two such spans more:
 * whoever steals the keys can read what was said under older ones no longer. Machines that are to
 * open each other's tickets are given keys in a file instead, and whoever writes that file
 * exchanges them.
 */

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

enum {
    TLS_TICKET_KEYS_MAX = 8,   // of a file
    TLS_TICKET_KEY_BYTES = 80, // name 16, then for the check 32, then for the cipher 32
};

#define TLS_TICKET_KEY_LIFE span_s(12 * 3600)

struct tls_tickets;

/* With a key of our own, drawn now. */
struct tls_tickets *tls_tickets_new(struct wall now);

/*
 * From now on the keys in `file`, one after another with nothing between: the first seals, all
 * open. ERR_CONFIG: it cannot be read or is not whole keys; `why` names it, and the keys are as
 * before. Blocks. Any thread.
 */
[[nodiscard]] enum err tls_tickets_load(
    struct tls_tickets *tickets, struct slice file, struct diag *why);

/* Any thread; each server is a use of its own. Both accept NULL. */
struct tls_tickets *tls_tickets_ref(struct tls_tickets *tickets);
void tls_tickets_unref(struct tls_tickets *tickets);
