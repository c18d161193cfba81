// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Whose bytes a write is made of. A frame is made before it leaves, and its exchange may be over by
 * then; so what is to be counted goes along with the bytes: a short list of runs, as neighbours
 * that count for the same are one. Most connections talk to one site, whose answers are one run
 * between two frames of the connection's own.
 */

#include <stddef.h>

#include "base/counter.h"

struct http2;
struct http2_burst;

enum { HTTP2_SHARES_MAX = 64 }; // of one write, after which it ends

/* Bytes that follow each other in a write and count for the same. */
struct http2_share {
    struct counter *sent; // NULL: frames of the connection's own, which nobody is charged for
    size_t bytes;
};

/* The next bytes of the burst count for this. */
void http2_share_put(struct http2_burst *b, struct counter *sent, size_t bytes);

/* So many bytes went: of the burst, whose rest is kept, or of what was kept before. */
void http2_shares_went(struct http2 *h2, struct http2_burst *b, size_t bytes);
