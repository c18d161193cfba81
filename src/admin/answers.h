// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Which addresses were given out, by site, target and reason (/api/v1/answers): what the nodes of
 * a process counted since its start (meter/answers.h), a page at a time. Reasons are those of
 * /api/v1/why. Pairs of sites and targets keep their order, and new ones come last, so that who
 * follows `after` sees each once.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admin/text.h"
#include "base/slice.h"
#include "meter/answers.h"

enum { ANSWERS_TOLD_MAX = 10000, ANSWERS_TOLD_DEFAULT = 1000 };

/* A node of the process. */
struct admin_answers_node {
    struct slice node;
    const struct answers *answers; // NULL: it counts nothing
};

struct admin_answers {
    const struct admin_answers_node *nodes;
    size_t node_count;
};

struct admin_answers_question {
    bool is_of_customer; // its rows alone are told
    struct slice customer;
    struct slice site; // its rows alone are told; empty: all
    size_t limit;      // rows, above 0
    uint64_t after;    // place of the row before the first, as told; 0: from the beginning
};

/* Nothing is added when memory for it runs out. */
void admin_answers_write(const struct admin_answers *answers,
    const struct admin_answers_question *question, struct text *out);
