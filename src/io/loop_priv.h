// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What loop, streams, listeners and datagram sockets know of each other.
 *
 * The kernel's events are noted for all streams before anything is called back: then a stream that
 * is detached in this turn, and perhaps runs in another thread already, is in no list of ours.
 */

#include <stdatomic.h>

#include "io/epoch.h"
#include "io/kernel.h"
#include "io/loop.h"
#include "io/stream.h"

enum watched_kind { WATCHED_STREAM, WATCHED_LISTENER, WATCHED_DATAGRAMS };

/* First in each thing whose descriptor is watched. */
struct watched {
    struct list link; // of the loop: what is open, or what is freed at the turn's end
    enum watched_kind kind;
};

struct datagram_memory;

struct loop {
    struct kernel *kernel;
    struct instant now;
    struct wall wall;
    unsigned index;
    bool is_firing;
    bool is_retiring; // something retired is still waiting
    struct epoch_reader reader;
    struct loop_counts counts;

    _Atomic(struct loop_message *) inbox; // newest first
    struct loop_message *early;           // older than all in the inbox; oldest first
    struct loop_message *due;             // of this turn, not run yet
    _Atomic bool is_asleep, is_stopping;

    struct list hooks;
    struct list *next_hook; // while hooks are called
    struct heap timers;

    struct list open;       // what is watched
    struct list fresh;      // accepted in this turn; watched if still open at its end
    struct list closed;     // freed at the turn's end
    struct list arriving;   // datagram sockets that may hold something
    struct list accepting;  // listeners that may hold something
    struct list readable;   // streams with something to be read
    struct list writable;   // streams with output that would be taken
    struct stream *current; // whose user is being called; NULL once it closed or detached

    struct datagram_memory *datagrams;
    char *input, *scratch;
    size_t input_used, scratch_used;
    struct iovec pulled[STREAM_PULL_MAX];
    struct kernel_event events[KERNEL_EVENTS_MAX];
};

/* Turned by loop_turn, in this order. */
void datagrams_exchange(struct loop *loop);
void listeners_accept(struct loop *loop);
void streams_read(struct loop *loop);
void streams_write(struct loop *loop);
void streams_watch_fresh(struct loop *loop);

void stream_note(struct watched *watched, const struct kernel_event *event);
void listener_note(struct watched *watched);
void datagram_note(struct watched *watched);

/* Closes without a word to its user; it is in loop->closed then. */
void stream_drop(struct watched *watched);
void listener_drop(struct watched *watched);
void datagram_drop(struct watched *watched);

/* What stream_drop left, at the turn's end. */
void stream_free(struct watched *watched);

/* A connection that came, in loop->fresh, readable, without a user. */
struct stream *stream_accepted(struct loop *loop, int fd, const struct endpoint *peer);

/* Its user is known; false when it closed meanwhile. */
bool stream_adopt(struct stream *stream, struct stream_user *user);
