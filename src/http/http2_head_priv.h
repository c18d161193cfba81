// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Heads of answers (http2_head.c), as the rest of HTTP/2 sees them. */

#include "http/http2_priv.h"

/* RFC 9110 §6.4.1 */
static inline bool http2_has_no_body(int status)
{
    return status == 204 || status == 304;
}

/* The client may have said another size of its table than before: what it kept is forgotten. */
void http2_packer_reset(struct http2 *h2);

/* Hands an answer's head to nghttp2; false when it has too many fields. `body` may be NULL. */
[[nodiscard]] bool http2_head_submit(
    struct http2_task *task, const struct http_reply *r, const nghttp2_data_provider *body);

/* 100 Continue. */
void http2_head_continue(struct http2_task *task);

/* The frame that was copied last begins a head: puts h2->head behind it. */
void http2_head_complete(struct http2 *h2, struct http2_burst *b, size_t frame_length);

/* A head was packed, or never will be: with the last of them their text can go. */
void http2_head_left(struct http2 *h2);
