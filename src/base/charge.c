// SPDX-License-Identifier: Apache-2.0
#include "base/charge.h"

#include <assert.h>
#include <stddef.h>

void charge_init(struct charge *c, struct charge *within, int64_t limit)
{
    assert(limit >= 0);
    *c = (struct charge){ .within = within, .limit = limit };
}

/* By exchange, not by adding and taking back: a large take that fails must not make a small one
 * fail that comes at the same moment, and no sum may overflow. */
static bool take_one(struct charge *c, int64_t amount)
{
    int64_t used = __atomic_load_n(&c->used, __ATOMIC_RELAXED);

    do {
        if (amount > c->limit - used) {
            __atomic_add_fetch(&c->refusals, 1, __ATOMIC_RELAXED);
            return false;
        }
    } while (!__atomic_compare_exchange_n(
        &c->used, &used, used + amount, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return true;
}

bool charge_take(struct charge *c, int64_t amount)
{
    assert(amount >= 0);
    for (struct charge *at = c; at != NULL; at = at->within) {
        if (take_one(at, amount))
            continue;
        for (struct charge *undo = c; undo != at; undo = undo->within)
            __atomic_sub_fetch(&undo->used, amount, __ATOMIC_RELAXED);
        return false;
    }
    return true;
}

void charge_give(struct charge *c, int64_t amount)
{
    assert(amount >= 0);
    for (struct charge *at = c; at != NULL; at = at->within) {
        int64_t after = __atomic_sub_fetch(&at->used, amount, __ATOMIC_RELAXED);

        assert(after >= 0);
    }
}

int64_t charge_used(const struct charge *c)
{
    return __atomic_load_n(&c->used, __ATOMIC_RELAXED);
}

uint64_t charge_refusals(const struct charge *c)
{
    return __atomic_load_n(&c->refusals, __ATOMIC_RELAXED);
}
