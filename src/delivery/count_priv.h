// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What is counted of a visit for the site's customer (meter/usage.h). */

#include "delivery/delivery_priv.h"

/* What the site's customer has delivered. */
static inline void visit_use(const struct visit *visit, enum usage_kind kind, uint64_t more)
{
    if (visit->usage != NULL)
        counter_add(&visit->usage->of[kind], more);
}

/* The request has had this outcome. */
static inline void visit_count(struct visit *visit, enum usage_kind outcome)
{
    if (!visit->is_counted)
        visit_use(visit, outcome, 1);
    visit->is_counted = true;
}
