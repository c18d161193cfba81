// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What a node of this process counted, for the admin face. By the control thread. */

struct admin_node_status;
struct running_node;

void status_of_node(struct admin_node_status *status, const struct running_node *node);
