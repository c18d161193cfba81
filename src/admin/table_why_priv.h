// SPDX-License-Identifier: Apache-2.0
#pragma once

/* One page of `waypost why` while it is made, between its tables and its sentences. */

#include "admin/table_priv.h"

struct why_page {
    const json_t *why, *targets, *answers; // the latter two: members of the first
    const char *now;
    bool is_by_cost; // what is measured decides, and not the list or weights
};

enum { WHY_NAMES_SHOWN = 4 }; // in one sentence

/* The answer, in one line where A and AAAA lead to the same node, and why it is this one. */
void why_answers(const struct why_page *page, struct text *out);

/* What each target that was not chosen would need to be; and why what is down is down. */
void why_changes(const struct why_page *page, struct text *out);
