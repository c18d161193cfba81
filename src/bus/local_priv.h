// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What the two halves of the local back end share: the hub's lanes (local.c) and its log. */

#include "base/list.h"
#include "bus/book.h"
#include "bus/bus_priv.h"
#include "bus/keeper.h"

enum { HUB_WAITING_MAX = 4 * BUS_ORDERS_WAITING_MAX }; // the rest waits at the desks

struct bus_hub {
    pthread_mutex_t lock; // of all
    struct list buses;    // in the order in which they came, so that the simulation repeats itself
    struct list cuts;

    struct book book; // zeroed before it is born
    bool is_kept;     // in a file; else in memory alone
    struct keeper keeper;
    struct list waiting; // orders that the keeper has not begun to write, HUB_WAITING_MAX of them
    size_t waiting_count;
    struct list batch; // those that it writes
};

struct local_bus {
    struct bus bus;
    struct bus_hub *hub;
    struct list link;
};

static inline struct local_bus *local_of(struct bus *bus)
{
    return container_of(bus, struct local_bus, bus);
}

bool hub_is_cut(const struct bus_hub *hub, struct slice from, struct slice to);

/* Its book is born with the first bus. */
void hub_log_begin(struct bus_hub *hub, struct loop *loop);
void hub_log_end(struct bus_hub *hub);

/* With the lock held: these two. */
void hub_log_tell(struct bus_hub *hub);                    // all buses, as much as they take
void hub_log_forget(struct bus_hub *hub, struct bus *bus); // which leaves

/* The bus_ops's. */
void hub_log_attend(struct bus *bus);
