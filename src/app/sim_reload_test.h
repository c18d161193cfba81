// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For tests: another release for nodes of a simulated world that steer. */

#include "app/sim_world_test.h"

/* As a reload does, on the control thread. */
struct reload {
    struct loop_message message;
    struct world *w;
    const char *network;
    size_t from, to; // of the nodes
};

static inline void reload_now(struct loop_message *message)
{
    struct reload *reload = container_of(message, struct reload, message);
    struct world *w = reload->w;
    struct release *release = world_release(reload->network);

    for (size_t i = reload->from; i < reload->to; i++) {
        struct root *root = world_root_in(release, w->nodes[i]->name);

        steering_publish(w->steering[i], &root);
    }
    release_drop(release);
}

/* Only those nodes, as in the midst of a rollout. */
static inline void use_network_on(struct world *w, const char *network, size_t from, size_t to)
{
    struct reload reload = { { .run = reload_now }, w, network, from, to };

    loop_post(w->control, &reload.message);
    sim_run_for(w->sim, span_ms(20));
}

static inline void use_network(struct world *w, const char *network)
{
    use_network_on(w, network, 0, w->node_count);
}
