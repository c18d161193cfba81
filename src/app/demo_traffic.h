// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The demo's visitors: every so often somebody from one of many networks asks DNS for a page,
 * fetches it from the origin that the answer names, then what it embeds from the pop that the next
 * answers name. So all that the demo shows moves by itself, in the way real visitors move it.
 *
 * Limits: DEMO_VISITS_MAX at a time; whoever comes beyond is turned away and counted.
 */

#include "app/demo_world.h"
#include "base/counter.h"
#include "base/err.h"

struct demo_traffic;
struct loop;

enum { DEMO_VISITS_MAX = 32, DEMO_VISIT_EVERY_MS = 800, DEMO_ANSWER_WAIT_MS = 2000 };

struct demo_traffic_counts {
    struct counter visits, refused; // begun; turned away since too many were under way
    struct counter questions, unanswered;
    struct counter requests, failures; // failures: no whole answer, or a status of 500 and above
    struct counter received_bytes;     // of bodies
};

/* Sockets of the visitors' resolvers are opened at once; the first visit begins a little later. */
[[nodiscard]] enum err demo_traffic_start(struct loop *loop, const struct demo_ports *ports,
    struct demo_traffic **traffic, struct diag *why);

/* Accepts NULL. */
void demo_traffic_stop(struct demo_traffic *traffic);

const struct demo_traffic_counts *demo_traffic_counts(const struct demo_traffic *traffic);
