// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What the parts of a process put down as changes (admin/changes.h), in words for people. Where
 * `changes` is NULL nobody wants to know: of several nodes in a process the first one's are told,
 * since all see the same. By the control thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"

struct certificates;
struct changes;
struct check;
struct network;
struct order;
struct peer;
struct votes_tally;

void note_target(struct changes *changes, struct wall now, const struct check *check,
    const struct votes_tally *tally);
void note_peer(struct changes *changes, struct wall now, const struct peer *peer);

/* It was applied here; or not, for want of room. */
void note_order(struct changes *changes, struct wall now, const struct order *order,
    uint64_t number, bool is_applied);

/* Orders before that number were lost for good. */
void note_gap(struct changes *changes, struct wall now, uint64_t number);

/* In use from now on. */
void note_release(struct changes *changes, struct wall now, const struct network *network);

/* A configuration with so many errors was not taken; `first` is one of them. */
void note_refusal(struct changes *changes, struct wall now, size_t errors, const char *first);

/* Certificates in use now and not before, and whatever is wrong with one. `before` is NULL at the
 * start, and the same as `now_used` when they were looked at once more. */
void note_certificates(struct changes *changes, struct wall now, const struct certificates *before,
    const struct certificates *now_used);
