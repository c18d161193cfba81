// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What the admin face asks of orders, answered by the process's first node. */

#include "admin/orders.h"

struct admin;
struct process;

/* As in admin_source_ops. */
void ordering_give(
    struct process *process, struct admin *admin, uint64_t ticket, const struct order *order);
void ordering_tell(struct process *process, struct arena *arena,
    const struct admin_orders_question *question, struct admin_orders *orders);
