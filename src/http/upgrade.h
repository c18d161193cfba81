// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Leaving HTTP on an HTTP/1.1 connection (RFC 9110 §7.8), for WebSocket and its like: who serves
 * such a request holds it, asks whoever may speak the other protocol, and answers either as usual
 * or with 101. From then on the connection is a pair of pipes with back pressure.
 *
 * Not for HTTP/2, which has no such thing: its requests never offer to upgrade (RFC 9113 §8.6), and
 * extended CONNECT (RFC 8441) is not announced, so clients come by HTTP/1.1 for it.
 */

#include "http/exchange.h"

enum { HTTP_UPGRADE_OFFER_MAX = 256 };

/*
 * The protocols that a request offers to go over to and that may be handed on, as the value of an
 * Upgrade field, in `room`. Empty: there are none, or too many, or the request has a body; then it
 * is one like all others.
 *
 * Other versions of HTTP and TLS are never handed on: behind an h2c that an origin agrees to,
 * strangers could ask it for what this node would refuse.
 */
struct slice http_upgrade_offer(
    const struct http_exchange *x, char room[static HTTP_UPGRADE_OFFER_MAX]);

/* Whether there are any. Asked of every request; where nothing is said of it, it costs little. */
bool http_upgrade_is_offered(const struct http_exchange *x);

/* Whether the Upgrade field of a 101 names what was in the offer, and no more. */
bool http_upgrade_fits(struct slice offer, struct slice chosen);

/* Within serve: what comes behind this request is not read before it is answered. */
void http_upgrade_hold(struct http_exchange *x);

/*
 * Answers a request that is held with 101; `reply` has fields, Upgrade among them, and a source.
 * What comes goes to the sink, and its end too; the source is pulled till its last bytes, and the
 * connection closes behind them. `over` follows, as always.
 */
void http_upgrade(struct http_exchange *x, const struct http_reply *reply, struct http_sink *sink);
