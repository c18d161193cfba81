// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What a loop needs from the system below: descriptors, readiness, two clocks. Two back ends fill
 * this table: the real one (io/loop_epoll.c) and a simulated world (io/loop_sim.c). Loop, streams
 * and datagrams are written once, above it, so that what the simulation tests is what runs.
 *
 * Descriptors are small numbers without meaning above. Readiness is edge-triggered: an event is
 * told once, and again only after the call in question would have blocked; a receive or send that
 * moved less than it was given room for counts as such. Telling too often does no harm.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"

struct kernel;

struct kernel_event {
    void *owner;                    // as given to watch
    bool readable, writable, ended; // ended: the other side sends no more, or an error waits
};

struct kernel_datagram {
    struct endpoint peer;
    struct iovec bytes; // receive: the buffer and its room going in, what came coming out
};

struct kernel_ops {
    struct instant (*now)(struct kernel *kernel);
    struct wall (*wall)(struct kernel *kernel);
    struct moment (*moment)(struct kernel *kernel);

    /* At most `wait`, which may be negative for endless; returns how many events there are. */
    size_t (*wait)(
        struct kernel *kernel, struct kernel_event *events, size_t most, struct span wait);
    void (*wake)(struct kernel *kernel); // any thread: ends a wait, or the next one

    enum err (*listen)(struct kernel *kernel, const struct endpoint *at, int *fd);
    enum err (*listen_unix)(struct kernel *kernel, const char *path, int *fd);
    /* ERR_RESET: that one is gone, ask for the next. ERR_LIMIT: no descriptors left. */
    enum err (*accept)(struct kernel *kernel, int fd, struct endpoint *peer, int *accepted);
    /* ERR_NONE: on its way; writable or ended is told when connect_result is known. */
    enum err (*connect)(struct kernel *kernel, const struct endpoint *to, int *fd);
    enum err (*connect_result)(struct kernel *kernel, int fd);
    /* Where a listener or datagram socket is bound. */
    struct endpoint (*local)(struct kernel *kernel, int fd);
    /* ERR_NONE with 0 bytes: the other side sends no more. ERR_AGAIN: nothing now. */
    enum err (*receive)(struct kernel *kernel, int fd, void *room, size_t most, size_t *got);
    enum err (*send)(
        struct kernel *kernel, int fd, const struct iovec *iov, size_t count, size_t *sent);
    /* How much a send would take now, about; 0 where that is not known. */
    size_t (*room)(struct kernel *kernel, int fd);
    enum err (*round_trip)(struct kernel *kernel, int fd, struct span *rtt);
    /* Bytes sent that the other side's system has not taken yet. */
    enum err (*untaken)(struct kernel *kernel, int fd, size_t *bytes);
    /* Whose process connected over a Unix socket; ERR_UNSUPPORTED where that is not known. */
    enum err (*peer_user)(struct kernel *kernel, int fd, uint32_t *user);
    void (*shut)(struct kernel *kernel, int fd); // no more output

    enum err (*datagram_open)(struct kernel *kernel, const struct endpoint *at, int *fd);
    /*
     * For ICMP echo: what is sent are requests, from their type on; what comes are the answers, on
     * a raw socket of version 4 behind their IP header, and there those of others too. Ports are 0.
     * Of requests the system may set id and checksum. ERR_DENIED: this process may not.
     */
    enum err (*echo_open)(struct kernel *kernel, enum ip_family family, int *fd);
    /* At most `most`, itself at most KERNEL_BATCH_MAX; fewer: no more are there. */
    size_t (*datagram_receive)(
        struct kernel *kernel, int fd, struct kernel_datagram *batch, size_t most);
    /* How many the system took; the rest is lost. */
    size_t (*datagram_send)(
        struct kernel *kernel, int fd, const struct kernel_datagram *batch, size_t count);

    /* Tells at once what is ready now. A descriptor is watched by one kernel at a time. */
    enum err (*watch)(struct kernel *kernel, int fd, void *owner);
    void (*unwatch)(struct kernel *kernel, int fd);
    /* Ends the watch too. Of a descriptor that nobody watches: any thread. */
    void (*close)(struct kernel *kernel, int fd, bool reset);
    void (*free)(struct kernel *kernel);
};

struct kernel {
    const struct kernel_ops *ops;
};

enum {
    KERNEL_BATCH_MAX = 64,   // datagrams in a call
    KERNEL_EVENTS_MAX = 256, // of one wait
};

/* The real one: epoll, sockets, CLOCK_MONOTONIC. One for each loop. */
[[nodiscard]] enum err kernel_epoll_new(struct kernel **kernel);

/* Accepts NULL. What it opened is closed before. */
void kernel_free(struct kernel *kernel);
