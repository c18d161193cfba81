// SPDX-License-Identifier: Apache-2.0
#include "app/ordering.h"

#include "admin/admin.h"
#include "app/process.h"

void ordering_give(struct process *, struct admin *admin, uint64_t ticket, const struct order *)
{
    admin_order_done(admin, ticket,
        &(struct admin_order_result){
            .err = ERR_UNSUPPORTED, .why = "this node follows no log of orders" });
}

void ordering_tell(struct process *process, struct arena *, const struct admin_orders_question *,
    struct admin_orders *orders)
{
    orders->network = process->release->network;
    orders->node = process->nodes[0]->name;
    orders->now = loop_wall(process_control(process));
}
