// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For tests: another release for all nodes of a simulated world whose nodes steer. */

#include "app/sim_world_test.h"

/* As a reload does, on the control thread. */
struct reload {
    struct loop_message message;
    struct world *w;
    const char *network;
};

static inline void reload_now(struct loop_message *message)
{
    struct reload *reload = container_of(message, struct reload, message);
    struct world *w = reload->w;
    struct release *release = world_release(reload->network);

    for (size_t i = 0; i < w->node_count; i++) {
        struct root *root = world_root_in(release, w->nodes[i]->name);

        steering_publish(w->steering[i], &root);
    }
    release_drop(release);
}

static inline void use_network(struct world *w, const char *network)
{
    struct reload reload = { { .run = reload_now }, w, network };

    loop_post(w->control, &reload.message);
    sim_run_for(w->sim, span_ms(20));
}
