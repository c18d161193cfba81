// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * One request to a site's origins, in turn until one answers. The next is asked when one fails
 * before its answer's head, answers 500, 502, 503 or 504 to a request that may be repeated, or
 * answers 404 and the site says that another may have it. The answer that is handed over is the
 * first good one, or the last.
 *
 * A request is repeated only where that is safe: its method is idempotent and it has no body, or
 * nothing of it was sent. A kept connection that turns out dead costs one more try at the same
 * origin.
 */

#include <stdbool.h>

#include "base/addr.h"
#include "base/err.h"
#include "http/client.h"
#include "origin/pool.h"

struct fetch;
struct fetch_user;
struct loop;

enum { FETCH_ORIGINS_MAX = 16 };

/* What came, and from whom. Good for the call of `head`. */
struct fetch_answer {
    const struct http_head *head;
    size_t origin; // index in the request's list
    enum http_framing framing;
    uint64_t length; // with HTTP_BODY_LENGTH
};

struct fetch_ops {
    void (*head)(struct fetch_user *user, const struct fetch_answer *answer);
    /* Returns how many bytes were taken; fewer pauses until fetch_resume. */
    size_t (*body)(struct fetch_user *user, struct slice bytes);
    /* Last call; the fetch is freed when it returns. ERR_NONE: all came. Without `head` before:
     * no origin answered, and `why` is the last one's error. */
    void (*done)(struct fetch_user *user, enum err why);
};

struct fetch_user {
    const struct fetch_ops *ops;
};

struct fetch_origin {
    struct endpoint address;
    struct slice host;      // for the Host field, and what the origin has to prove with TLS
    struct tls_client *tls; // NULL: plain
};

/* All slices are copied by fetch_start, and the clients of TLS are used on. */
struct fetch_request {
    enum http_method method;
    struct slice method_text;
    struct slice path;                  // with the query
    struct slice fields;                // serialised, without Host
    struct http_source *body;           // or NULL
    struct http_source *upgrade;        // or NULL: what is said behind a 101, if that is the answer
    const struct fetch_origin *origins; // in order; at least one, FETCH_ORIGINS_MAX looked at
    size_t origin_count;
    size_t missing_count; // a 404 asks the next of the first so many; 0: it is the answer
};

/* The user hears nothing within the call. */
struct fetch *fetch_start(struct loop *loop, struct origin_pool *pool,
    const struct fetch_request *request, struct fetch_user *user);

/* Another user hears the rest. */
void fetch_hand_over(struct fetch *fetch, struct fetch_user *user);

/* Within `done`: why, for people. */
const char *fetch_why(const struct fetch *fetch);

void fetch_resume(struct fetch *fetch);
void fetch_wake(struct fetch *fetch); // the request's body has more

/* Gives up; the user hears no more and the fetch is freed. Not within the user's callbacks. */
void fetch_cancel(struct fetch *fetch);
