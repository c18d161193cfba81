// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * One HTTP/1.1 request as client, over a new or an idle stream: sends the head and body it is
 * given, hands over the answer's head, its body with the framing taken off, and the end. For
 * fills, probes and whatever else asks an origin.
 */

#include <stdbool.h>
#include <sys/uio.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "http/exchange.h"
#include "tls/client.h"
#include "wire/http_head.h"

struct http_client;
struct http_client_user;
struct loop;
struct stream;

struct http_client_ops {
    /* The final head (1xx are counted and dropped); good for the call. Behind a 101 that was asked
     * for, `body` is what the other side says in the new protocol, to its end. */
    void (*head)(struct http_client_user *user, const struct http_head *head);
    /* Returns how many bytes were taken; fewer pauses until http_client_resume. */
    size_t (*body)(struct http_client_user *user, struct slice bytes);
    /* Last call. ERR_NONE: all of it came. Before `head`: nothing of an answer came, except with
     * ERR_PARSE. `got_bytes` tells whether any byte of an answer came at all. The client is freed
     * when this returns; an idle stream may be taken within the call. */
    void (*done)(struct http_client_user *user, enum err why, bool got_bytes);
    /* The connection to the other side is open, and TLS, if any, comes next; for those who time
     * it. Before any other call, and not with an idle stream. May be NULL. */
    void (*open)(struct http_client_user *user);
};

struct http_client_user {
    const struct http_client_ops *ops;
};

struct http_client_times {
    struct span connect; // to the connection's opening, TLS included
    struct span first;   // from the request to the answer's head
    struct span stall;   // without progress in a body
};

struct http_client_request {
    struct slice head; // serialised whole, with the blank line; copied
    enum http_method method;
    struct http_source
        *upgrade; // or NULL: 101 is an error; else pulled from a 101 on (http/upgrade.h)
    struct http_source *body; // or NULL; pulled as the stream takes it; framing is the caller's
    struct http_client_times times;
    struct tls_name tls; // zeroed: plain
};

/* `idle` is an attached-nowhere stream to use again (it is taken; tls_client_fits has to hold for
 * its filter), or NULL to connect to `to`. */
struct http_client *http_client_start(struct loop *loop, const struct endpoint *to,
    struct stream *idle, const struct http_client_request *request, struct http_client_user *user);

/* The request's body has more to pull. */
void http_client_wake(struct http_client *client);

/* The answer's body goes on. */
void http_client_resume(struct http_client *client);

/* Gives up: the connection is closed, `done` is not called, the client is freed. */
void http_client_cancel(struct http_client *client);

/* Within `done`: more of why than the error says, for people; empty where there is no more. */
const char *http_client_why(const struct http_client *client);

/* Within `done(ERR_NONE)`: the stream, detached and fit for another request; NULL if it is not. */
struct stream *http_client_take_stream(struct http_client *client);
