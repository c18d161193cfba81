// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What is noted of a visit for the access log, where there is one. */

#include "delivery/delivery_priv.h"

/* When the request came: its line is made of it later. */
void visit_note(struct visit *visit);

/* When all is over. */
void visit_write_down(struct visit *visit);

/* In between: what became of it, in a word that is static. */
void note_outcome(struct note *note, struct slice outcome);

static inline void visit_outcome(const struct visit *visit, struct slice outcome)
{
    if (visit->note != NULL)
        note_outcome(visit->note, outcome);
}
