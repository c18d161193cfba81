// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What is between the kinds of connections: each does in its own way what is asked of its
 * exchanges; a connection begins as HTTP/1 and may turn into HTTP/2.
 */

#include "http/server.h"

struct http2;
struct http2_shared;
struct http_connection;

/* What the functions of http/exchange.h come down to on one kind of connection. */
struct http_carrier {
    void (*reply)(struct http_exchange *x, const struct http_reply *reply);
    void (*wake)(struct http_exchange *x);
    void (*abort)(struct http_exchange *x);
    void (*read)(struct http_exchange *x, struct http_sink *sink);
    void (*read_on)(struct http_exchange *x);
    const struct stream *(*stream)(struct http_exchange *x);
};

/* exchange.c, of HTTP/1's exchanges. */
extern const struct http_carrier http1_carrier;

/* answer.c: counts an answer by its class. */
void http_server_count_status(struct http_server *server, int status);

/* connection.c: what a head is refused with before any service sees it, by the parser or for what
 * it says; 0: nothing. Fills the exchange's framing and authority. */
int http_parse_status(enum http_parse parsed);
int http_request_objection(const struct http_head *head, struct http_exchange *x);

/* http2.c: a connection whose first bytes are HTTP/2's goes on in that; returns how many it took.
 */
size_t http2_begin(struct http_connection *c, struct slice bytes);
void http2_drain(struct http_connection *c);
bool http2_is_idle(const struct http_connection *c);
void http2_cancel(struct http2 *h2);
void http2_free(struct http2 *h2);
void http2_shared_free(struct http2_shared *shared);
