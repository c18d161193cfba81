// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A node's past answers (app/history.h), each given again as it was: the segment is found that the
 * moment lies in, and played to it, on rows made of the release that was kept. What was played last
 * is kept for the next question, which often is of about the same time. Blocks: on the pool, one
 * question at a time.
 */

#include "conf/network.h"

struct admin_replay;
struct history_replay;
struct release;

/* For the node of that name. */
struct history_replay *history_replay_new(const char *folder, struct slice node);

/* Accepts NULL. */
void history_replay_free(struct history_replay *replay);

/* Answers, or says why not. Takes over the release, the one in use, for its geography. */
void history_replay_answer(
    struct history_replay *replay, struct admin_replay *question, struct release *release);

/* Nothing is kept of what was played. */
void history_replay_forget(struct history_replay *replay);

/* The next release that is not needed any more, for the control thread to drop; NULL: none. */
struct release *history_replay_spare(struct history_replay *replay);
