// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What `waypost demo` prints when all of it runs: what is where, and what to try. Pure. */

#include <sys/types.h>

#include "admin/text.h"
#include "app/demo_world.h"

struct demo_tour {
    struct demo_ports ports;
    const char *program;                      // as it was called
    const char *config;                       // path of the configuration file
    const char *authority;                    // path of who vouches for the certificate
    pid_t node_pids[DEMO_POP_COUNT], bus_pid; // 0: one process, whose bus is local
};

void demo_tour_write(struct text *out, const struct demo_tour *tour);
