// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What the admin face tells of the network at a glance, and of what this process carries now. All
 * by the control thread.
 */

struct admin_live;
struct admin_network;
struct arena;
struct process;

/* How nodes and origins are, as the process's first node sees it. Fills a zeroed network. */
void overview_network(
    const struct process *process, struct arena *arena, struct admin_network *network);

/* Totals of the process's nodes and of the sites in use. Fills zeroed figures. */
void overview_live(const struct process *process, struct arena *arena, struct admin_live *live);
