// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What the admin side tells of measuring and steering, from what the nodes of a process know. */

struct admin_question;
struct admin_why;
struct arena;
struct process;

/* As `why` of admin_source_ops. Control thread. */
void explain_why(const struct process *process, struct arena *arena,
    const struct admin_question *question, struct admin_why *why);
