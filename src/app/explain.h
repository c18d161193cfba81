// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What the admin side tells of measuring and steering, from what the nodes of a process know. All
 * by the control thread.
 */

#include <stdbool.h>
#include <stddef.h>

struct admin_check_status;
struct admin_peer_status;
struct admin_question;
struct admin_replay;
struct admin_view;
struct admin_why;
struct arena;
struct metrics;
struct process;
struct slice;

/* What each node knows of each check, in the arena; by node. Returns how many. */
size_t explain_checks(
    const struct process *process, struct arena *arena, const struct admin_check_status **checks);

/* How each node of the network is heard, in the arena: by the first node of the process, but for
 * those that run in it too. Good for the turn. Returns how many. */
size_t explain_peers(
    const struct process *process, struct arena *arena, const struct admin_peer_status **peers);

/* As `why` of admin_source_ops. */
void explain_why(const struct process *process, struct arena *arena,
    const struct admin_question *question, struct admin_why *why);

/* As `replay` of admin_source_ops. */
bool explain_replay(const struct process *process, struct admin_replay *replay);

/* As `view` of admin_source_ops; of the node of that name, or the first. */
void explain_view(const struct process *process, const struct slice *name, struct admin_view *view);

/* Adds what measuring and steering count, and how the checks stand. */
void explain_metrics(const struct process *process, struct metrics *m);
