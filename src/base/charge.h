// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * An account for what is used on somebody's behalf (a site, a listener, a tier): takes up to a
 * limit, gives back, and counts how often the limit was met. Accounts may stand in a row (site
 * within tier): a take succeeds in all of them or in none. Shared by threads; each call is one
 * atomic operation an account.
 */

#include <stdbool.h>
#include <stdint.h>

struct charge {
    struct charge *within; // the wider account, or NULL
    int64_t limit;         // in the unit of the account, often bytes
    int64_t used;          // atomic
    uint64_t refusals;     // atomic; takes that met the limit
};

void charge_init(struct charge *c, struct charge *within, int64_t limit);

/* False, and nothing taken, when this account or a wider one has not `amount` left. */
[[nodiscard]] bool charge_take(struct charge *c, int64_t amount);

/* Gives back what was taken. Giving more than was taken is a bug in the caller. */
void charge_give(struct charge *c, int64_t amount);

int64_t charge_used(const struct charge *c);
uint64_t charge_refusals(const struct charge *c);
