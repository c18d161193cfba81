// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The demo's pops as they would run on machines of their own: each node a process, `waypost run`,
 * and a nats-server that joins them. They are children of this process, which starts again what
 * ends, some seconds later and as a service manager would, and ends them all, nodes first.
 */

#include "app/child.h"
#include "app/demo_world.h"
#include "base/err.h"

enum {
    DEMO_FLEET_AGAIN_S = 10, // from an end to the next start
    DEMO_PROGRAM_MAX = 4096, // with the terminating zero
};

struct demo_fleet_plan {
    const char *config; // path of the network's configuration
    const char *nats;   // path of the server's, and of what it logs
    const char *nats_log;
    struct demo_ports ports;
    unsigned workers; // of each node
};

/* One of them. */
struct demo_part {
    struct child child;
    const char *name;   // of the node; "nats-server"
    struct endpoint at; // listens there when it serves
    int64_t again_ms;   // when it is started again, on the monotonic clock; 0: it runs
};

enum { DEMO_FLEET_NATS = DEMO_POP_COUNT, DEMO_PART_COUNT };

struct demo_fleet {
    struct demo_fleet_plan plan;
    char program[DEMO_PROGRAM_MAX];          // the path of ours
    struct demo_part parts[DEMO_PART_COUNT]; // the nodes in the order of demo_pops, then the server
};

/* Returns when all of them serve. On an error, with the reason, none of them runs. */
[[nodiscard]] enum err demo_fleet_start(
    struct demo_fleet *fleet, const struct demo_fleet_plan *plan, struct diag *why);

/* Until SIGINT or SIGTERM; SIGHUP has the nodes reload. These must be blocked in all threads. */
void demo_fleet_run(struct demo_fleet *fleet);

/* Ends what runs. A zeroed one has nothing. */
void demo_fleet_stop(struct demo_fleet *fleet);
