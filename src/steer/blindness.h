// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Whether it is our own sight that went, and not what we look at: of the checks that were up, four
 * at least, more than half went down within BLINDNESS_WINDOW. Then our word of them is worth
 * nothing to others (steer/votes.h). We see again when more than half of those that had been up are
 * so again; what was down all along says nothing either way, nor does what is new. Checks that we
 * do not watch (steer/watch.h) are passed over: what went at once is seen there one by one.
 *
 * By then up to half of them have gone down one by one: a majority of the others keeps those in the
 * answers. A node whose network has no others has only its own word, blind or not.
 *
 * Checks are known by id, so that this outlives a release. No clock, no I/O; one thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "conf/checks.h"

struct blindness;
struct watch_table;

#define BLINDNESS_WINDOW span_s(5)

enum { BLINDNESS_CHECKS_LEAST = 4 };

/* Of a node that sees, and has seen nothing yet. */
struct blindness *blindness_new(void);

/* Accepts NULL. */
void blindness_free(struct blindness *blindness);

/* From now on positions are those of these checks; `watch` is of the same, and not needed after the
 * call; NULL: all watch everything. `self`: this node as an observer. */
void blindness_use(struct blindness *blindness, const struct checks *checks,
    const struct watch_table *watch, uint64_t self);

/* Our own verdict on one of them, as of `now`, which does not run backwards. */
void blindness_learn(struct blindness *blindness, uint32_t check, bool is_up, struct instant now);

bool blindness_is_blind(const struct blindness *blindness);
