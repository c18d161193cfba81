// SPDX-License-Identifier: Apache-2.0
#include "app/explain.h"

#include "admin/why.h"
#include "app/process.h"
#include "io/loop.h"
#include "steer/rows.h"

/* The node of that name, or the first; NULL when there is none. */
static const struct running_node *node_named(const struct process *p, struct slice name)
{
    for (size_t i = 0; i < p->node_count; i++)
        if (name.length == 0 || slice_equal(p->nodes[i]->name, name))
            return p->nodes[i];
    return NULL;
}

void explain_why(const struct process *process, struct arena *arena,
    const struct admin_question *question, struct admin_why *why)
{
    const struct running_node *node = node_named(process, question->node);

    if (node == NULL)
        return;
    const struct root *root = node_root(node);
    const struct site *site = admin_site_find(root->network, question->name);

    *why = (struct admin_why){
        .network = root->network, .rows = root->rows, .now = loop_wall(process_control(process))
    };
    if (site == NULL)
        return;
    why->why =
        steer_why(arena, root->rows, steer_row_of(root->rows, site), NULL, &question->client);
}
