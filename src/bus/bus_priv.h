// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What both back ends are made of: a bus has an inbox that any thread may put into, and a back end
 * that takes what is published.
 */

#include "bus/desk.h"
#include "bus/inbox.h"

struct bus_ops {
    /* Takes the caller's count over. */
    void (*publish)(struct bus *bus, struct message *message);
    /* The user follows the log, has room for more orders, or has one to give: look at the desk. */
    void (*attend)(struct bus *bus);
    /* From here on nobody puts anything into the inbox or on the desk; bus_done, then frees itself.
     */
    void (*free)(struct bus *bus);
};

struct bus {
    const struct bus_ops *ops;
    struct bus_user *user;
    struct slice node; // terminated
    struct inbox inbox;
    struct desk desk;
    struct timer overdue;     // of orders without an answer
    struct bus_counts counts; // of the loop's thread, but for what the back end says
    bool is_linked, was_told;
    bool is_behind, was_told_behind;
};

/* First in the back end's own struct. The name is copied. */
void bus_init(struct bus *bus, const struct bus_ops *ops, struct loop *loop, struct slice node,
    struct bus_user *user);
void bus_done(struct bus *bus);
