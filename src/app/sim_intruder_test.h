// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For tests: an end of the bus in a simulated world, under whatever name it gives, that hears and
 * says things on one lane. */

#include "app/sim_world_test.h"
#include "bus/bus.h"

struct intruder {
    struct bus_user user;
    struct bus *bus;
    struct loop_message message;
    enum bus_lane lane;
    struct slice says;
    void (*hear)(struct intruder *intruder, struct slice from, struct slice payload); // or NULL
};

static inline void intruder_hears(
    struct bus_user *user, enum bus_lane lane, struct slice from, struct slice payload)
{
    struct intruder *i = container_of(user, struct intruder, user);

    if (lane == i->lane && i->hear != NULL)
        i->hear(i, from, payload);
}

static inline void intruder_linked(struct bus_user *user, bool is_linked, const char *why)
{
    (void)user;
    (void)is_linked;
    (void)why;
}

static inline void intruder_speaks(struct loop_message *message)
{
    struct intruder *i = container_of(message, struct intruder, message);

    bus_publish(i->bus, i->lane, i->says);
}

/* With its lane, and what is done with what it hears. Ends with bus_free. */
static inline void intruder_open(struct intruder *i, struct world *w, const char *name)
{
    static const struct bus_user_ops OPS = { .message = intruder_hears, .linked = intruder_linked };

    i->user.ops = &OPS;
    i->message.run = intruder_speaks;
    i->bus = bus_local_open(w->hub, w->outside, slice_text(name), &i->user);
}

static inline void intruder_say(struct intruder *i, struct world *w, struct slice says)
{
    i->says = says;
    loop_post(w->outside, &i->message);
}
