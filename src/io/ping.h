// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * ICMP echo (RFC 792, RFC 4443 §4): is a machine there, and how far away. One of these for a loop;
 * it opens a socket for each family when first asked to, of the unprivileged kind where the system
 * grants it (net.ipv4.ping_group_range), else a raw one (CAP_NET_RAW).
 *
 * An answer counts when it comes from the address that was asked and carries back the sequence
 * number and the eight bytes of luck of an echo under way: neither others who ping from this
 * machine nor strangers who guess are heard. The id is not looked at: for unprivileged sockets the
 * system chooses it, and sorts by it.
 *
 * A round trip ends when this loop reads the answer, so that it includes what the loop was busy
 * with. Words of routers on the way ("unreachable") are not read; such echoes time out.
 */

#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/err.h"
#include "io/loop.h"

struct ping;
struct ping_user;

enum { PINGS_MAX = 4096 }; // under way at once

/* ERR_NONE: the echo came, after `rtt`; which passes the timeout where this loop was late to read
 * it. ERR_TIMEOUT: it did not come. The user may start anew, or be freed, within the call. */
typedef void ping_done_fn(struct ping_user *user, enum err err, struct span rtt);

/* One echo under way; embedded in who asks, zeroed but for `done`. */
struct ping_user {
    ping_done_fn *done;
    struct ping *ping; // the rest is ping's own; NULL: nothing is under way
    struct timer timer;
    struct ip to;
    struct instant sent_at;
    uint64_t luck;
    uint16_t sequence;
};

#define PING_COUNTERS(X)                                                      \
    X(sent, "ping_sent_total", "", "Echo requests sent")                      \
    X(echoed, "ping_echoed_total", "", "Echo requests answered in time")      \
    X(timeouts, "ping_timeouts_total", "", "Echo requests without an answer") \
    X(unsent, "ping_unsent_total", "", "Echo requests the system refused")    \
    X(strays, "ping_strays_total", "", "Messages that answer nothing asked")  \
    X(limited, "ping_limited_total", "", "Echo requests not sent: too many under way")

struct ping_counts {
    PING_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row ping_counter_rows[];
extern const size_t ping_counter_row_count;

/* `seed` sets the luck: drawn anew at each start, but in the simulation. */
struct ping *ping_new(struct loop *loop, uint64_t seed);

/* Before its loop, and not within `done`. Ends what is under way without a word. Accepts NULL. */
void ping_free(struct ping *ping);

/*
 * Sends an echo request; `done` follows, never within this call, unless an error is returned:
 * ERR_DENIED: this process may not. ERR_UNREACHABLE: the system knows no way there, or took it not.
 * ERR_LIMIT: PINGS_MAX are under way, or no descriptors are left.
 * Nothing is under way for the user; timeout is above 0.
 */
[[nodiscard]] enum err ping_start(
    struct ping *ping, const struct ip *to, struct span timeout, struct ping_user *user);

/* Not interested any more; `done` is not called. Does nothing where nothing is under way. */
void ping_stop(struct ping_user *user);

const struct ping_counts *ping_counts(const struct ping *ping);
