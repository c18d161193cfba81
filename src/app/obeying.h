// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What orders change at one node, and what of them it tells the others:
 *
 *     orders ── what is drained ──► health of the rows: out of the answers and fills, at once
 *        │                     ├──► this node's own server, when it is itself drained: gently
 *        │                     └──► idle connections to drained origins: closed
 *        └── how far it is ──► heartbeats;  what peers' heartbeats say ──► receipts
 *
 * A drained node goes on serving whoever comes; its answers close their connections, so that
 * visitors ask for its address anew. Fills that are under way end as they would. An undrain is the
 * operator's word too: it holds at once and is damped by nothing.
 *
 * A node that lost a part of the log may have lost drains with it. It knows by the peers that are
 * as far as itself and have others in force, and says so, for an operator to mend.
 *
 * Belongs to the control thread.
 */

struct hearing;
struct loop;
struct obeying;
struct orders;
struct running_node;
struct steer_rows;

/*
 * Of a node with a root; all outlive the obeying. The hearing is followed, and passes the bus's
 * orders on. What is drained already takes effect with this call.
 */
struct obeying *obeying_new(
    struct loop *loop, struct running_node *node, struct orders *orders, struct hearing *hearing);

/* After the hearing. Accepts NULL. */
void obeying_free(struct obeying *obeying);

/* The rows of a new root, which is published next. Nothing happens with NULL, here and below. */
void obeying_use(struct obeying *obeying, struct steer_rows *rows);

/* The root was published: what is drained may name other things in it. */
void obeying_used(struct obeying *obeying);
