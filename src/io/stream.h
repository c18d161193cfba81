// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Two-way flow of bytes with back pressure: a socket, or TLS over one (io/filter.h).
 *
 * Input is pushed: `data` is handed what came and says how much it took. What it did not take is
 * kept, and comes again in front of the next bytes; so a partial head needs no buffer above. A
 * user that cannot take more for now calls stream_pause; then nothing is read until stream_resume.
 *
 * Output is pulled: a user with something to send calls stream_ready; at the turn's end, and
 * whenever the socket takes more, `pull` is asked for what to send next and `sent` is told how
 * much went. So a slow reader pins what it is sent, never copies of it, and all answers of a turn
 * leave in one call.
 *
 * A stream belongs to one loop. An idle one can be taken out of its loop (stream_detach), be kept
 * in a list that threads share, and be put into another loop (stream_attach).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

struct loop;
struct stream;
struct stream_user;

enum {
    STREAM_KEEP_MAX = 64 * 1024,    // input that is kept for a user that did not take it
    STREAM_READ_MAX = 256 * 1024,   // what one stream may read in a turn
    STREAM_WRITE_MAX = 1024 * 1024, // what one stream may write in a turn
    STREAM_PULL_MAX = 64,           // iovecs asked for at a time
};

struct stream_user_ops {
    /* Connected; and with a filter: both sides' filters have greeted each other. May be NULL. */
    void (*open)(struct stream_user *user);
    /* With a filter: connected, the greeting comes next. For those who time it. May be NULL. */
    void (*connected)(struct stream_user *user);
    /* `bytes` came (at least one); returns how many of them, from the first, were taken. */
    size_t (*data)(struct stream_user *user, struct slice bytes);
    /* The other side sends no more; what was not taken will not be completed. */
    void (*end)(struct stream_user *user);
    /* Fills at most `most` iovecs with what comes next, and returns how many; 0: nothing now. */
    size_t (*pull)(struct stream_user *user, struct iovec *iov, size_t most);
    /* The first `bytes` of what was pulled last went out. Also called with 0 when none did. */
    void (*sent)(struct stream_user *user, size_t bytes);
    /* What stream_finish asked for is done: nothing of ours waits any more, in a filter neither.
     * May be NULL. */
    void (*finished)(struct stream_user *user);
    /* The stream failed or was never opened; last call. The stream is freed at the turn's end.
     * When sending failed, what had come before is handed over first, unless paused. */
    void (*closed)(struct stream_user *user, enum err why);
};

/* Embedded in what uses the stream; it goes back with container_of. */
struct stream_user {
    const struct stream_user_ops *ops;
};

/* Connects; the result comes as `open` or `closed`, never within the call. */
struct stream *stream_connect(
    struct loop *loop, const struct endpoint *to, struct stream_user *user);

/* There is something to pull; cheap, and may be called any number of times in a turn. */
void stream_ready(struct stream *stream);

/* No more `data` until resumed. */
void stream_pause(struct stream *stream);

/* Reading goes on in this turn or the next; what is kept comes first. Never calls back at once. */
void stream_resume(struct stream *stream);

/* After all that can be pulled went out, the other side is told that no more comes. */
void stream_finish(struct stream *stream);

/*
 * Closes at once, dropping unsent output, and calls back no more. With `reset`, the other side
 * sees a reset and not an orderly end (for a body cut short). Freed at the turn's end.
 */
void stream_close(struct stream *stream, bool reset);

/* Nothing kept, nothing to send, not ended: it could serve another exchange. */
bool stream_is_idle(const struct stream *stream);

/* Takes an idle stream out of its loop; its user hears no more. Then it belongs to nobody. Within
 * `data`, what was handed over counts as taken. */
void stream_detach(struct stream *stream);

/* Puts a detached stream into a loop. Any end that came meanwhile is told in that loop's turn. */
void stream_attach(struct stream *stream, struct loop *loop, struct stream_user *user);

/* Closes a detached stream. Any thread. */
void stream_discard(struct stream *stream);

/* For people: more of why it failed than `closed` is told, within that call; empty where there is
 * no more to say. */
const char *stream_why(const struct stream *stream);

struct endpoint stream_peer(const struct stream *stream);
struct loop *stream_loop(const struct stream *stream);

/* The user id of the process that connected over a Unix socket, as the kernel vouches for it;
 * ERR_UNSUPPORTED for any other stream. */
[[nodiscard]] enum err stream_peer_user(const struct stream *stream, uint32_t *user);

/* Bytes that were sent and that the other side has not taken yet: what `sent` tells of may lie with
 * the kernel for long. With a filter, sealed ones, and those that wait in it. ERR_UNSUPPORTED where
 * it is not known. */
[[nodiscard]] enum err stream_untaken(const struct stream *stream, size_t *bytes);

/* What is made ready before this turn's output is pulled at its end: false while the socket takes
 * nothing, also where a filter took all and holds it. */
bool stream_is_pulled(const struct stream *stream);

/* Some of what `sent` told of waits in the filter, as the kernel takes no more for now: closing
 * would lose it, finishing does not. */
bool stream_holds_output(const struct stream *stream);

/* The kernel's smoothed round-trip time; ERR_UNSUPPORTED where there is none. */
[[nodiscard]] enum err stream_rtt(const struct stream *stream, struct span *rtt);

struct listener;
struct listener_user;

/* A connection came: returns its user, or NULL to close it. `open` is called only after a filter's
 * greeting. */
typedef struct stream_user *listener_accept_fn(struct listener_user *user, struct stream *stream);

struct listener_user {
    listener_accept_fn *accept;
};

/* Listens with SO_REUSEPORT, so that each worker has a socket of its own. */
[[nodiscard]] enum err listener_open(struct loop *loop, const struct endpoint *at,
    struct listener_user *user, struct listener **listener);

/* The same on a Unix socket; a stale file of that name is replaced, mode 0600. */
[[nodiscard]] enum err listener_open_unix(
    struct loop *loop, const char *path, struct listener_user *user, struct listener **listener);

/* Where it is bound, with the port the system chose where 0 was asked for. */
struct endpoint listener_at(const struct listener *listener);

/* Accepts NULL. What was accepted stays open. */
void listener_close(struct listener *listener);

/* Bytes to be sent, in the form that `pull` fills in. */
static inline struct iovec stream_iovec(struct slice bytes)
{
    union {
        const void *sent;
        void *untouched;
    } at = { .sent = bytes.at };

    return (struct iovec){ at.untouched, bytes.length };
}
