// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A plan as canonical text, for the ledger's terms: equal plans have equal texts, others have
 * others, so the hash of its text names a plan. Lines in a fixed order, each said exactly one way:
 *
 *     plan 1 standard
 *     currency EUR
 *     monthly 50.00
 *     minimum 100.00
 *     per_million_requests 0.60 included 1000000
 *     per_million_answers 0.00 included 0
 *     per_gb 0.02 up_to 10000000000000
 *     per_gb 0.01
 *     included_traffic 100000000000
 *     group asia sin tyo
 *     per_mbit 2.00
 *
 * The 1 is the version of the form; texts of the ledger are kept for ever, so a later version
 * reads this one too. Names of a group's pops ascend by bytes, and so do names of groups.
 *
 * Pure. Limits: PLAN_TEXT_MAX bytes, and those of conf/plan.h.
 */

#include "base/arena.h"
#include "base/err.h"
#include "conf/plan.h"

enum { PLAN_TEXT_MAX = 64 * 1024 };

/* The plan is one that conf_build made, or plan_text_parse. `room` has PLAN_TEXT_MAX bytes. */
struct slice plan_text_write(const struct plan *plan, char *room);

/*
 * The plan and all it points to are in the arena. ERR_PARSE: not the canonical text of any plan;
 * the line that is wrong is told, and *plan is untouched. A currency that this version does not
 * know, and pops that are gone, are no errors.
 */
[[nodiscard]] enum err plan_text_parse(
    struct slice text, struct arena *arena, struct plan *plan, struct diag *why);
