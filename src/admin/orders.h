// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Orders as operators give them and are told of them (/api/v1/purge, drain, undrain, orders): what
 * a body asks for, read against the network in use, and the JSON of orders with their receipts.
 *
 * A receipt is a node's word that it has applied the order and has it on disk. A node that is away
 * gives it when it is back and has caught up, so an order without all receipts is not lost.
 *
 * Names in the JSON are never changed or taken away within /api/v1.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admin/text.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "conf/network.h"
#include "wire/order.h"

struct admin_scope;
struct drain;
struct json_t;

enum {
    ORDER_BODY_MAX = 16 * 1024, // of a request that gives one
    ORDERS_TOLD_DEFAULT = 20,   // in one answer, where no limit is asked for
    ORDERS_TOLD_MAX = 1000,
    ORDERS_MISSING_TOLD_MAX = 20, // nodes without receipt, by name, in a list of orders
};

/* How far one node is with one order, as far as the node that tells it heard. */
struct admin_receipt {
    struct slice node, pop;
    bool is_present;        // heard within the last moments, or itself
    struct wall heard_at;   // last; 0 ms: never
    struct wall applied_at; // when it was known to have it; 0 ms: not yet
};

struct admin_order {
    uint64_t era, number; // of the log
    const struct order *order;
    const struct admin_receipt *receipts; // of all nodes of the release, by pop and name
    size_t receipt_count;
};

/* What is asked of the source: the newest `limit` orders, or the one of that number. */
struct admin_orders_question {
    size_t limit;                    // 0: none, but drains and the network
    uint64_t number;                 // 0: the newest
    uint64_t after;                  // only orders of lower numbers; 0: all
    const struct admin_scope *scope; // only orders that are theirs; NULL: all
};

/* What app knows of them; filled from above. */
struct admin_orders {
    const struct network *network; // in use
    struct slice node;             // whose word it is
    struct wall now;
    uint64_t era, applied; // of the log, and the newest number with a receipt; 0: none yet
    bool is_behind;        // more is in the log, or the log cannot be reached
    bool is_unwritten;     // what was applied cannot be written down
    const struct admin_order *orders; // the newest first
    size_t order_count;
    bool has_more;              // than were asked for, of lower numbers
    const struct drain *drains; // in force
    size_t drain_count;
};

enum admin_verb { ADMIN_PURGE, ADMIN_DRAIN, ADMIN_UNDRAIN };

/* Why a body is no order, in the form of the API's errors. */
struct admin_refusal {
    int status;
    const char *code;
    struct diag message, mend;
};

/* What a request asks for. */
struct admin_order_asked {
    enum admin_verb verb;
    struct slice body;
    const struct admin_orders *known; // the network and the drains in force
    bool is_customers;                // who asks may order nothing of pops and nodes
};

/*
 * Reads an order, which names one thing that is known: a site of kind deliver, a pop, a node, an
 * origin; for undrain also what is drained and gone from the release. Its texts are in the arena
 * or the network's; at and by are not touched, id is all zero where none is given. False: only
 * `refusal` is filled. Pure.
 */
[[nodiscard]] bool admin_order_read(const struct admin_order_asked *asked, struct arena *arena,
    struct order *order, struct admin_refusal *refusal);

/* {"number": .., "kind": "purge url", "site": .., "path": .., ...} */
struct json_t *admin_order_json(const struct admin_order *order);

/* With how many receipts each has. Nothing is added when memory runs out. */
void admin_orders_write(const struct admin_orders *orders, struct text *out);

/* The first order, with every node's receipt. Likewise. */
void admin_order_write(const struct admin_orders *orders, struct text *out);

/* A list of drains, for a status. */
struct json_t *admin_drains_json(
    const struct drain *drains, size_t count, const struct network *network);
