// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What who asks may see and change. An operator's scope is all; a customer's is its own sites and
 * origins, what is known of them, and the orders of them.
 *
 * A customer's request is answered out of a network that has that customer alone. So the name of
 * another's site gets the very answer that a name gets which is not there, mend included, and no
 * handler can forget to look whose it is.
 *
 * Limit: orders of a site are those of whoever has the site now. Pure.
 */

#include <stdbool.h>

#include "admin/orders.h"
#include "admin/status.h"
#include "base/arena.h"
#include "conf/network.h"

struct admin_scope {
    bool is_operator;      // all is theirs; zeroed, a scope is of nobody and nothing
    struct slice customer; // else: whose token was shown
    bool may_change;
    bool has_token;
    struct slice token; // its name; empty: none was shown, or it is that of a file
};

/* Where nobody had to show a token: all. */
#define ADMIN_SCOPE_ALL ((struct admin_scope){ .is_operator = true, .may_change = true })

/* The network as far as it is theirs: itself, or a copy in the arena with one customer. */
const struct network *admin_scope_network(
    const struct admin_scope *scope, const struct network *network, struct arena *arena);

/* Whether an order is of a site or an origin of theirs. */
bool admin_scope_has_order(
    const struct admin_scope *scope, const struct network *network, const struct order *order);

/* Leaves what is theirs; lists are copied to the arena. */
void admin_scope_status(
    const struct admin_scope *scope, struct arena *arena, struct admin_status *status);

/* Who did something, as they are told: whoever of the operators it was is their affair. */
struct slice admin_scope_who(const struct admin_scope *scope, struct slice by);

/* Likewise, of the network and the drains; the orders are theirs already (admin_scope_has_order),
 * but for the names of operators who gave them. */
void admin_scope_orders(
    const struct admin_scope *scope, struct arena *arena, struct admin_orders *orders);
