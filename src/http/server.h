// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * HTTP connections as server: HTTP/1.1 (RFC 9112) with keep-alive and pipelining, HTTP/2 (RFC 9113)
 * where TLS has agreed on it, or where the limits allow to begin in it; bodies both ways, and the
 * limits and time-outs that strangers meet. One for each loop and service.
 *
 * In HTTP/2 each stream is an exchange. Whose data goes next is RFC 9218's choice: by urgency, then
 * in order or, where both are incremental, in turn; the request says it in Priority, or later by
 * PRIORITY_UPDATE.
 */

#include "base/clock.h"
#include "base/counter.h"
#include "http/exchange.h"
#include "io/stream.h"

struct http_server;

struct http_server_limits {
    uint32_t connections; // open at a time; beyond, the longest idle one is closed
    uint32_t per_client;  // of one address, or /64; beyond, they are refused
    uint32_t pipelined;   // requests of one connection in the making at a time; in HTTP/2:
    uint32_t streams;     // the same
    bool http2;           // spoken where TLS has agreed on it; who offers it there sets this
    bool http2_plain;     // and without TLS, with who begins in it
    struct span greeting; // of TLS, from the connection's opening to its end
    struct span idle;     // between requests
    struct span head;     // from a head's first byte to its last
    struct span stall;    // over which `rate` is measured while a body is moved either way
    struct span upgraded; // without a byte either way, of another protocol; and after a drain
    uint32_t rate;        // bytes a second, less is too slow; times stall at most UINT32_MAX
    size_t arena_bytes;   // of one request
};

#define HTTP_SERVER_LIMITS_DEFAULT                       \
    ((struct http_server_limits){ .connections = 100000, \
        .per_client = 1000,                              \
        .pipelined = 16,                                 \
        .greeting = { 10000000000 },                     \
        .streams = 100,                                  \
        .idle = { 60000000000 },                         \
        .head = { 10000000000 },                         \
        .stall = { 30000000000 },                        \
        .upgraded = { 120000000000 },                    \
        .rate = 500,                                     \
        .arena_bytes = 64 * 1024 })

#define HTTP_SERVER_COUNTERS(X)                                                                   \
    X(connections, "http_connections_total", "", "Connections accepted")                          \
    X(closed, "http_connections_closed_total", "", "Connections closed")                          \
    X(requests, "http_requests_total", "", "Requests with a complete head")                       \
    X(status_2xx, "http_responses_total", "class=\"2xx\"", "Answers by class")                    \
    X(status_3xx, "http_responses_total", "class=\"3xx\"", "Answers by class")                    \
    X(status_4xx, "http_responses_total", "class=\"4xx\"", "Answers by class")                    \
    X(status_5xx, "http_responses_total", "class=\"5xx\"", "Answers by class")                    \
    X(bad_heads, "http_bad_requests_total", "", "Requests refused: malformed or over a limit")    \
    X(timeouts_idle, "http_timeouts_total", "what=\"idle\"", "Connections closed: time ran out")  \
    X(timeouts_head, "http_timeouts_total", "what=\"head\"", "Connections closed: time ran out")  \
    X(timeouts_tls, "http_timeouts_total", "what=\"tls\"", "Connections closed: time ran out")    \
    X(timeouts_stall, "http_timeouts_total", "what=\"body\"", "Connections closed: time ran out") \
    X(timeouts_upgraded, "http_timeouts_total", "what=\"upgrade\"",                               \
        "Connections closed: time ran out")                                                       \
    X(evicted, "http_connections_evicted_total", "", "Idle connections closed for new ones")      \
    X(turned_away, "http_connections_turned_away_total", "limit=\"all\"", "Connections refused")  \
    X(turned_away_client, "http_connections_turned_away_total", "limit=\"client\"",               \
        "Connections refused")                                                                    \
    X(aborted, "http_aborted_total", "", "Answers cut short")                                     \
    X(copied, "http_answers_copied_total", "", "Answers kept in memory for slow readers")         \
    X(upgraded, "http_upgrades_total", "", "Connections that went over to another protocol")      \
    X(upgraded_in, "http_upgraded_bytes_total", "direction=\"in\"", "Bytes of other protocols")   \
    X(upgraded_out, "http_upgraded_bytes_total", "direction=\"out\"", "Bytes of other protocols") \
    X(bytes_out, "http_sent_bytes_total", "", "Bytes of answers sent, heads included")

#define HTTP2_ENDED "HTTP/2 connections ended: more of it a second than anybody needs"

#define HTTP2_SERVER_COUNTERS(X)                                                      \
    X(h2_connections, "http2_connections_total", "", "Connections that speak HTTP/2") \
    X(h2_refused, "http2_streams_refused_total", "", "Streams beyond the limit")      \
    X(h2_floods_reset, "http2_floods_total", "what=\"reset\"", HTTP2_ENDED)           \
    X(h2_floods_ping, "http2_floods_total", "what=\"ping\"", HTTP2_ENDED)             \
    X(h2_floods_settings, "http2_floods_total", "what=\"settings\"", HTTP2_ENDED)     \
    X(h2_floods_empty, "http2_floods_total", "what=\"empty\"", HTTP2_ENDED)           \
    X(h2_floods_priority, "http2_floods_total", "what=\"priority\"", HTTP2_ENDED)     \
    X(h2_floods_headers, "http2_floods_total", "what=\"headers\"", HTTP2_ENDED)       \
    X(h2_floods_window, "http2_floods_total", "what=\"window\"", HTTP2_ENDED)         \
    X(h2_floods_trailers, "http2_floods_total", "what=\"trailers\"", HTTP2_ENDED)     \
    X(h2_floods_goaway, "http2_floods_total", "what=\"goaway\"", HTTP2_ENDED)         \
    X(h2_floods_unknown, "http2_floods_total", "what=\"unknown\"", HTTP2_ENDED)       \
    X(h2_memory, "http2_memory_limit_total", "", "Times a connection met its memory limit")

struct http_server_counts {
    HTTP_SERVER_COUNTERS(COUNTER_FIELD)
    HTTP2_SERVER_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row http_server_counter_rows[];
extern const size_t http_server_counter_row_count;

/* The service must outlive the server. */
struct http_server *http_server_new(
    struct loop *loop, struct http_service *service, const struct http_server_limits *limits);

/* For what comes from now on; who is waited for already may be waited for as before. */
void http_server_limit(struct http_server *server, const struct http_server_limits *limits);

/* Closes all connections at once; `over` is called for each open exchange. */
void http_server_free(struct http_server *server);

/* A listener's user: what it accepts becomes a connection of this server. */
struct listener_user *http_server_listener(struct http_server *server);

/* Gently: idle connections close now, the others after their answer, which says so. */
void http_server_drain(struct http_server *server);

/* After a drain: answers keep their connections again. */
void http_server_resume(struct http_server *server);

size_t http_server_open_count(const struct http_server *server);
struct http_server_counts *http_server_counts(struct http_server *server);
