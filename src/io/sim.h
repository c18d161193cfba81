// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A simulated world: a clock that moves only when nobody has work, a network between any
 * addresses, and loops that take turns in an order drawn from a seed. Whole nodes run in it in one
 * thread; the same seed gives the same run, byte for byte, and sim_trace shows that it did.
 *
 * What sockets do is modelled on Linux: streams keep order and have windows, a close with unread
 * input resets, what came before a reset can still be read, sockets bound with SO_REUSEPORT share
 * by a hash of the peer. An address answers ICMP echo when a loop, a socket or a link is at it; the
 * way there and back is that of datagrams. Beyond that, receives and sends are cut short at random,
 * since code that relies on anything else is wrong.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"

struct kernel;
struct loop;
struct sim;

/* One direction between two addresses. Zeroed: at once, complete, in order. */
struct sim_link {
    struct span delay;     // one way
    struct span jitter;    // up to so much more; datagrams overtake each other, streams do not
    double loss;           // chance of each datagram; streams lose time instead
    double duplicate;      // chance of each datagram to come twice
    uint64_t bytes_per_s;  // 0: no limit
    uint32_t chunk_max;    // stream bytes that arrive together, at most; 0: as sent
    uint32_t buffer_bytes; // on their way or not yet read, at most; 0: SIM_BUFFER_BYTES
    uint64_t reset_after;  // bytes of each connection, then it is reset; 0: never
    bool refuses;          // connections
    bool is_dark;          // nothing arrives; streams go on when there is light again
};

enum {
    SIM_BUFFER_BYTES = 256 * 1024,
    SIM_BACKLOG_MAX = 1024,        // connections that wait to be accepted
    SIM_DATAGRAMS_MAX = 4096,      // that wait at one socket
    SIM_DESCRIPTORS_MAX = 1 << 20, // unless sim_limit_descriptors says less
};

/* All loops and kernels are freed before. */
struct sim *sim_new(uint64_t seed);
void sim_free(struct sim *sim);

/* For one loop; its connections come from `address`. Freed with kernel_free. */
struct kernel *sim_kernel(struct sim *sim, const struct ip *address);

/* The loop on this kernel, which sim_run_for turns from now on; NULL before it is freed. A loop
 * that was stopped is turned no more. */
void sim_kernel_turns(struct kernel *kernel, struct loop *loop);

/* Takes effect for what is sent from now on, dark and refuses also for what is on its way. NULL
 * stands for any address; what was set last counts first. */
void sim_link_set(
    struct sim *sim, const struct ip *from, const struct ip *to, const struct sim_link *link);

/* Beyond so many descriptors, accept and connect fail with ERR_LIMIT. */
void sim_limit_descriptors(struct sim *sim, unsigned most);

/* Moves UTC against the monotonic clock, as an operator or NTP would. */
void sim_wall_step(struct sim *sim, struct span step);

/* The same for the loop on this kernel alone: machines whose clocks differ. */
void sim_kernel_wall_step(struct kernel *kernel, struct span step);

/* Lets the world go on for so long. */
void sim_run_for(struct sim *sim, struct span time);

struct sim_wish {
    bool (*is_met)(struct sim_wish *wish);
};

/* Lets it go on until the wish is met after a turn, at most for `limit`; true when it was met. */
bool sim_run_until(struct sim *sim, struct sim_wish *wish, struct span limit);

struct instant sim_now(const struct sim *sim);

/* A number below `below`, which is above 0, from the world's own luck. */
uint64_t sim_draw(struct sim *sim, uint64_t below);

/* All that happened so far, as one number: equal for equal runs. */
uint64_t sim_trace(const struct sim *sim);

/* Descriptors that are open, for tests that look for leaks. */
unsigned sim_descriptors(const struct sim *sim);
