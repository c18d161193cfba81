// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * One request and its answer, with protocol version and transport left out: what HTTP/1 and
 * HTTP/2 connections hand to a service, and what the service answers through.
 *
 * A service is called once for each request and answers with http_reply, at once or in a later
 * turn. Until then it may read the request's body. The body of an answer is either at hand
 * (bytes that are good until the turn's end) or pulled from a source piece by piece, so that a
 * slow reader pins what is stored and copies nothing.
 *
 * One loop's thread throughout.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/counter.h"
#include "base/err.h"
#include "base/slice.h"
#include "wire/http_head.h"

struct http_carrier;
struct http_exchange;
struct http_service;
struct loop;

/* Called with a complete request head. The exchange lives until `over` of the service. */
struct http_service {
    void (*serve)(struct http_service *service, struct http_exchange *x);
    /* The last word on an exchange: answered in full, or not (the client left, or abort). The
     * service drops what it holds for it. Called for every exchange that serve was called for. */
    void (*over)(struct http_service *service, struct http_exchange *x, bool complete);
};

/* Where the body of an answer comes from when it is not at hand. Embedded in what produces it. */
struct http_source;

struct http_source_ops {
    /* What comes next behind all that `sent` told of; at most `most` iovecs; *is_last when the
     * body ends with them. 0 without is_last: nothing now, http_exchange_wake will be called. The
     * memory is good until the next call to the source or the turn's end. */
    size_t (*pull)(struct http_source *source, struct iovec *iov, size_t most, bool *is_last);
    void (*sent)(struct http_source *source, size_t bytes);
};

struct http_source {
    const struct http_source_ops *ops;
};

/* Who takes the body of a request. */
struct http_sink;

struct http_sink_ops {
    /* Returns how many bytes were taken; fewer pauses until http_exchange_read_on. */
    size_t (*data)(struct http_sink *sink, struct slice bytes);
    void (*end)(struct http_sink *sink); // all of it came
};

struct http_sink {
    const struct http_sink_ops *ops;
};

enum { HTTP_SERVICE_BYTES = 256 };

/*
 * What became of one answer. `sent_bytes`: of its head and its body, framing included, that the
 * socket took; by TLS, that were sealed. In HTTP/2, of its frames that were made: where the
 * connection breaks, the last write of all its streams (HTTP2_BURST_MOST at most) may not have
 * left whole.
 */
struct http_told {
    uint64_t sent_bytes;
    uint16_t status; // 0: there was no answer
};

struct http_exchange {
    const struct http_carrier *carrier; // how its connection does what is asked below
    const struct http_head *request;    // good for the call of serve, or for good once kept
    struct http_authority authority;    // likewise
    enum http_framing framing;          // of the request's body; NONE also for one of no length
    uint64_t request_length;            // with HTTP_BODY_LENGTH
    struct slice head_bytes;            // what these two point into; empty once kept
    struct endpoint peer;
    struct loop *loop;
    bool is_secure;
    struct http_told *told; // the service's, good until `over`; NULL: it does not ask
    struct arena arena;     // memory of this request; takes none before its first use
    /*
     * Set by the service in serve, or NULL: what has left of this answer is added here, heads and
     * body, with their frames in HTTP/2, and in another protocol after 101. Left: the kernel took
     * it, or TLS sealed it (which may be STREAM_SEALED_MAX more for a reader who is slow). Outlives
     * the connection, since bytes may leave when the exchange is over.
     */
    struct counter *sent;
    /* The service's own state of this exchange; zeroed before serve. */
    _Alignas(max_align_t) unsigned char service[HTTP_SERVICE_BYTES];
};

struct http_reply {
    int status;
    struct slice fields;        // serialised: "Name: value\r\n"..., no framing or connection fields
    struct slice more;          // further ones, likewise
    int64_t length;             // of the body; -1: not known
    struct slice body;          // the whole body, when at hand (good until the turn's end) ...
    bool is_body_stored;        // it is not in memory of the caller, who may end before that
    struct http_source *source; // ... or NULL/where it comes from
};

/*
 * Answers, once. Content-Length or chunked framing and Connection are added here; for HEAD and
 * for statuses without a body (1xx, 204, 304) no body is sent and the source is never pulled. The
 * slices of the reply are copied or sent by the end of the turn.
 */
void http_reply(struct http_exchange *x, const struct http_reply *reply);

/* A short plain answer of our own: status, its reason as text/plain body. */
void http_reply_status(struct http_exchange *x, int status, struct slice more_fields);

/* Copies request and authority to the arena, for an exchange that is not answered in serve.
 * False: the request is larger than the arena's limit; the caller answers 503. */
[[nodiscard]] bool http_exchange_keep(struct http_exchange *x);

/* Whose process asks, where it came over a Unix socket; ERR_UNSUPPORTED otherwise. */
[[nodiscard]] enum err http_exchange_user(struct http_exchange *x, uint32_t *user);

/* How the request came: "HTTP/1.1" and the like; and the version of TLS, empty for a plain one.
 * While the request is at hand, or kept. */
struct slice http_exchange_protocol(const struct http_exchange *x);
struct slice http_exchange_tls(struct http_exchange *x);

/* The source has more to pull. */
void http_exchange_wake(struct http_exchange *x);

/* The answer cannot be completed: the connection is cut so that the client can tell. `over`
 * follows, never within the call. */
void http_exchange_abort(struct http_exchange *x);

/* Reads the request's body, which there is, into the sink: never within the call, at the earliest
 * when serve has returned. Answers 100-continue where the client waits for it. At most once. When
 * the body does not come in full, `over` is all that follows. */
void http_exchange_read(struct http_exchange *x, struct http_sink *sink);
void http_exchange_read_on(struct http_exchange *x);

/* The reason phrase; "Unknown" for what RFC 9110 does not name. */
const char *http_reason(int status);
