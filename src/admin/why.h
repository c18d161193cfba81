// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Why a client is answered as it is, as JSON (/api/v1/why): what steer/why.h found out, the
 * answers of both kinds of address, and what is known of the checks behind. Names in the JSON are
 * never changed or taken away within /api/v1; amounts have their unit in the key, shares are parts
 * of one.
 *
 * Limit: WHY_TARGETS_MAX targets are told, and whichever was chosen; how many more is said.
 */

#include "admin/checks.h"
#include "admin/orders.h"
#include "admin/text.h"
#include "steer/why.h"

enum { WHY_TARGETS_MAX = 1000 };

/* What is asked. */
struct admin_question {
    struct slice name; // HOST or HOST.ZONE in any case, with or without the dot at the end
    struct slice node; // of this process, whose answer it is; empty: its first
    struct ip client;  // of no family: nothing is known of who asks
};

/* What app knows of it; filled from above as far as it is there. */
struct admin_why {
    const struct network *network;           // in use in this process
    const struct steer_rows *rows;           // of the node; NULL: it does not run in this process
    const struct why *why;                   // NULL: no site of that name in the network
    const struct steer_map *map;             // that was asked
    const struct admin_check_status *checks; // by position in rows->checks; NULL: not known
    struct wall now;
    bool is_past;     // it is of that moment, by what was written down then
    struct moment at; // with is_past
};

/* What was answered in the past is asked for; filled in its own time (admin_source_ops). */
struct admin_replay {
    struct admin_question question; // in memory of the one who asks
    bool is_of_customer;            // whose sites alone are told
    struct slice customer;
    struct moment at;
    struct text body;             // of the answer: JSON
    struct admin_refusal refusal; // status 0: there is none
};

/* Ends a question of the past, which is the asker's again; who asked may have left meanwhile. */
void admin_replay_done(struct admin_replay *replay);

/* Of what is complete. Nothing is added when memory for it runs out. */
void admin_why_write(const struct admin_why *why, struct text *out);
