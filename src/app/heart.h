// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A node's heartbeats: says what it holds and how it is, every HEARTBEAT_PERIOD_MS, and at once
 * when that changes; but not twice within HEART_LEAST, however much changes.
 *
 * Each node's beats keep to a phase of their own, drawn from its name, so that they do not come in
 * a crowd; what all nodes tell at once for one reason leaves the phases as they are.
 *
 * A plain value; embed it. Control thread.
 */

#include "base/counter.h"
#include "io/loop.h"
#include "wire/heartbeat.h"

struct bus;

#define HEART_LEAST span_ms(10)

struct heart {
    struct loop *loop;
    struct bus *bus; // NULL: there is nobody to tell
    struct timer timer;
    struct instant due, beaten;
    struct heartbeat says; // with the sequence of the next
    struct counter *beats; // counts them
};

/* The loop and the counter outlive it. `observer`: hash of the node's name. */
void heart_init(struct heart *heart, struct loop *loop, uint64_t observer, uint64_t boot);

/* Beats no more. */
void heart_done(struct heart *heart);

/* From now on, within the loop's turns; the bus outlives it. */
void heart_begin(struct heart *heart, struct bus *bus, struct counter *beats);

/* What the heartbeats say has changed. Before heart_begin it is only noted. */
void heart_says(struct heart *heart, const struct heartbeat *says);

/* Now, and not in a moment: this may be the last one. */
void heart_beat(struct heart *heart);
