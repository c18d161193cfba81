// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The end of a process, by the thread that started it: the other nodes hear that its nodes leave,
 * new connections are refused, open requests end, and what was counted is written to disk. Only
 * then do threads stop.
 */

struct process;

enum { STOPPING_GRACE_S = 5 }; // for open requests

/* In that order. Threads run; afterwards they do not. */
void stopping_gently(struct process *process);

/* At once: nothing runs any more, and what was posted last has been done while all it speaks of is
 * there. Once more does no harm. */
void stopping_threads(struct process *process);
