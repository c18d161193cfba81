// SPDX-License-Identifier: Apache-2.0
#include "app/obeying.h"

#include "app/hearing.h"
#include "app/node.h"
#include "app/orders.h"
#include "base/mem.h"
#include "steer/peers.h"
#include "steer/rows.h"

struct obeying {
    struct orders_user user;
    struct hearing_follower follower;
    struct running_node *node;
    struct orders *orders;
    struct hearing *hearing;
    struct loop *loop;
    uint64_t differed_at; // number of the order after which it was said that drains differ
};

static void close_idle(const struct obeying *o)
{
    const struct drains *drains = orders_drained(o->orders);
    const struct network *network = node_root(o->node)->network;

    for (size_t i = 0; i < network->customer_count; i++)
        for (size_t k = 0; k < network->customers[i].origin_count; k++) {
            const struct origin *origin = &network->customers[i].origins[k];

            if (drains_has_origin(drains, origin))
                origin_pool_close_idle(o->node->pool, &origin->address);
        }
}

/* All but the rows, for the root in use. */
static void act(const struct obeying *o)
{
    node_set_drained(o->node, drains_has_node(orders_drained(o->orders), node_root(o->node)->self));
    close_idle(o);
}

static void say(const struct obeying *o)
{
    const struct orders_position position = orders_position(o->orders);

    hearing_say_orders(o->hearing, position.era, position.number, position.drains);
}

static void on_drained(struct orders_user *user, const struct drains *drains)
{
    struct obeying *o = container_of(user, struct obeying, user);

    drains_mark(drains, node_root(o->node)->rows);
    act(o);
}

static void on_moved(struct orders_user *user)
{
    say(container_of(user, struct obeying, user));
}

static const struct orders_user_ops USER_OPS = { .drained = on_drained, .moved = on_moved };

/* By a node that lost a part of the log; once for each order. */
static void compare_drains(struct obeying *o, const struct peer *peer)
{
    const struct orders_position own = orders_position(o->orders);
    const struct heartbeat *its = peer->heartbeat;

    if (counter_read(&orders_counts(o->orders)->gaps) == 0 || its->era != own.era ||
        its->order != own.number || its->drains == own.drains || o->differed_at == own.number)
        return;
    o->differed_at = own.number;
    log_line(o->node->log, LOG_WARNING, "orders",
        "drains_differ node=%.*s peer=%.*s mend=\"compare their `waypost status`, and drain or "
        "undrain once more\"",
        SLICE_ARG(o->node->name), SLICE_ARG(peer->name));
}

static void on_said(
    struct hearing_follower *follower, const struct peer *peer, const struct heartbeat *before)
{
    struct obeying *o = container_of(follower, struct obeying, follower);
    const struct heartbeat *now = peer->heartbeat;

    (void)before;
    if (now == NULL || now->era == 0)
        return;
    orders_heard(o->orders, peer->observer, now->era, now->order, loop_wall(o->loop));
    compare_drains(o, peer);
}

static const struct hearing_follower_ops FOLLOWER_OPS = { .said = on_said };

struct obeying *obeying_new(
    struct loop *loop, struct running_node *node, struct orders *orders, struct hearing *hearing)
{
    struct obeying *o = mem_new(struct obeying);

    o->user.ops = &USER_OPS;
    o->follower.ops = &FOLLOWER_OPS;
    o->node = node;
    o->orders = orders;
    o->hearing = hearing;
    o->loop = loop;
    hearing_obey(hearing, orders);
    orders_use(o->orders, &o->user);
    hearing_follow(o->hearing, &o->follower);
    on_drained(&o->user, orders_drained(o->orders));
    say(o);
    return o;
}

void obeying_free(struct obeying *obeying)
{
    if (obeying == NULL)
        return;
    orders_use(obeying->orders, NULL);
    mem_free(obeying);
}

void obeying_use(struct obeying *obeying, struct steer_rows *rows)
{
    if (obeying != NULL)
        drains_mark(orders_drained(obeying->orders), rows);
}

void obeying_used(struct obeying *obeying)
{
    if (obeying != NULL)
        act(obeying);
}
