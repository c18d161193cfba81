// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What a loop needs from the system below: descriptors, readiness, two clocks. Two back ends fill
 * this table: the real one (io/loop_epoll.c) and a simulated world (io/loop_sim.c). Loop, streams
 * and datagrams are written once, above it, so that what the simulation tests is what runs.
 *
 * Descriptors are small numbers without meaning above. Readiness is edge-triggered: an event is
 * told once, and again only after the call in question would have blocked.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

struct kernel;

struct kernel_event {
    void *owner;                    // as given to watch
    bool readable, writable, ended; // ended: the other side sends no more, or an error waits
};

struct kernel_datagram {
    struct endpoint peer;
    struct slice bytes; // receive: the buffer and its room going in, what came coming out
};

struct kernel_ops {
    struct instant (*now)(struct kernel *kernel);
    struct wall (*wall)(struct kernel *kernel);

    /* At most `wait`, which may be negative for endless; returns how many events there are. */
    size_t (*wait)(
        struct kernel *kernel, struct kernel_event *events, size_t most, struct span wait);
    void (*wake)(struct kernel *kernel); // any thread: ends a wait, or the next one

    enum err (*listen)(struct kernel *kernel, const struct endpoint *at, int *fd);
    enum err (*listen_unix)(struct kernel *kernel, const char *path, int *fd);
    enum err (*accept)(struct kernel *kernel, int fd, struct endpoint *peer, int *accepted);
    enum err (*connect)(struct kernel *kernel, const struct endpoint *to, int *fd);
    enum err (*connect_result)(struct kernel *kernel, int fd);
    /* ERR_NONE with 0 bytes: the other side sends no more. ERR_AGAIN: nothing now. */
    enum err (*receive)(struct kernel *kernel, int fd, void *room, size_t most, size_t *got);
    enum err (*send)(
        struct kernel *kernel, int fd, const struct iovec *iov, size_t count, size_t *sent);
    enum err (*round_trip)(struct kernel *kernel, int fd, struct span *rtt);
    void (*shut)(struct kernel *kernel, int fd); // no more output

    enum err (*datagram_open)(struct kernel *kernel, const struct endpoint *at, int *fd);
    size_t (*datagram_receive)(
        struct kernel *kernel, int fd, struct kernel_datagram *batch, size_t most);
    size_t (*datagram_send)(
        struct kernel *kernel, int fd, const struct kernel_datagram *batch, size_t count);

    enum err (*watch)(struct kernel *kernel, int fd, void *owner);
    void (*unwatch)(struct kernel *kernel, int fd);
    void (*close)(struct kernel *kernel, int fd, bool reset);
    void (*free)(struct kernel *kernel);
};

struct kernel {
    const struct kernel_ops *ops;
};

/* The real one: epoll, sockets, CLOCK_MONOTONIC. One for each loop. */
[[nodiscard]] enum err kernel_epoll_new(struct kernel **kernel);
