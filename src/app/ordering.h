// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What the admin face asks of orders, answered by the process's first node: orders that are given
 * go to the log through it, and receipts are what it heard. Belongs to the control thread.
 */

#include "admin/orders.h"

struct admin;
struct ordering;
struct process;

struct ordering *ordering_new(struct process *process);

/* What is under way is not answered any more. Before the orders and the admin are freed. Accepts
 * NULL. */
void ordering_free(struct ordering *ordering);

/* As in admin_source_ops. */
void ordering_give(
    struct ordering *ordering, struct admin *admin, uint64_t ticket, const struct order *order);
void ordering_tell(struct ordering *ordering, struct arena *arena,
    const struct admin_orders_question *question, struct admin_orders *told);
