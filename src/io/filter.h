// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What may stand between a stream and its kernel: TLS, for one. The stream's user sees the same
 * stream as before; what it is handed was opened, and what it gives is sealed before it is sent.
 *
 *     user ── opened bytes ── filter ── sealed bytes ── kernel
 *
 * After connecting or being accepted the stream lets the filter greet the other side's, and calls
 * `open` when that is done: for accepted streams too. What the user says is sent only then; that
 * it paused does not hold the greeting up.
 *
 * A filter does no I/O but stream_receive_sealed: what it has to say it keeps until the stream
 * fetches it. Of what is to be sealed it is given no more at a time than the kernel would take now
 * and STREAM_SEALED_MAX beyond, so that a large body leaves in large sends and a slow reader costs
 * little. It calls nobody back. With the stream it goes from loop to loop and from thread to
 * thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "base/err.h"
#include "base/slice.h"

struct stream;
struct stream_filter;

enum {
    STREAM_SEALED_MAX = 64 * 1024,   // opened bytes that are sealed and wait for a slow reader
    STREAM_SEALED_ONCE = 272 * 1024, // and that a quick one is sent at once: 256 KiB and a head
};

struct stream_filter_ops {
    /* Moves the greeting on. ERR_AGAIN: the other side is to speak; ERR_NONE: it is done. What the
     * stream fails with otherwise. */
    enum err (*greet)(struct stream_filter *filter);
    /*
     * As a kernel's receive, of opened bytes: what is at hand, as far as the room goes; ERR_NONE
     * with 0 bytes: the other side said that it sends no more; ERR_AGAIN: nothing now. An end of
     * the sealed bytes without that is ERR_CLOSED: somebody may have cut the connection.
     */
    enum err (*receive)(struct stream_filter *filter, void *room, size_t most, size_t *got);
    /* receive would tell something at once, or something has come in part. */
    bool (*holds_input)(const struct stream_filter *filter);
    /* Takes opened bytes, from the first on, until all are taken or `most` sealed ones wait. */
    enum err (*seal)(struct stream_filter *filter, const struct iovec *iov, size_t count,
        size_t most, size_t *taken);
    /* Seals that no more comes; where it cannot, or did already, nothing. */
    void (*finish)(struct stream_filter *filter);
    /* What waits to be sent, and that so much of it went. */
    struct slice (*sealed)(const struct stream_filter *filter);
    void (*went)(struct stream_filter *filter, size_t bytes);
    /* For people: why greet, receive or seal failed; terminated, empty where there is no more to
     * say than the error does. Good as long as the filter is. */
    const char *(*why)(const struct stream_filter *filter);
    void (*free)(struct stream_filter *filter);
};

struct stream_filter {
    const struct stream_filter_ops *ops;
    struct stream *stream; // set by stream_filter_set
};

/* Hands the filter over (*filter becomes NULL), right after stream_connect or within accept. */
void stream_filter_set(struct stream *stream, struct stream_filter **filter);

/* NULL for a plain stream. */
const struct stream_filter *stream_filter(const struct stream *stream);

/* For the filter, within greet and receive: the kernel's receive. */
[[nodiscard]] enum err stream_receive_sealed(
    struct stream *stream, void *room, size_t most, size_t *got);
