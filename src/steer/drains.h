// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Drains: the operator's word that no answer is to lead to a pop, a node or an origin, and no fill
 * be made from an origin, while others will do. It stands beside what was measured and is mixed
 * with it nowhere.
 *
 * Kept by name, so that a drain outlives releases: one whose target is not in the release has no
 * effect and comes into force with it. What each drain does to the rows is derived anew from the
 * whole set, since drains overlap: a node stays drained when its pop is taken back in.
 *
 * The same orders in the same order give the same set on every node. Belongs to one thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

struct node;
struct origin;
struct steer_rows;

enum { DRAINS_MAX = 1024 }; // a further one is refused

enum drain_kind { DRAIN_POP, DRAIN_NODE, DRAIN_ORIGIN, DRAIN_KIND_COUNT };

struct drain {
    enum drain_kind kind;
    struct slice name;    // "POP", "NODE", "CUSTOMER/ORIGIN"
    struct slice by;      // who gave it; empty: not known
    struct wall since;    // when it was given
    uint64_t era, number; // of the order, in the log
};

struct drains;

struct drains *drains_new(void);

/* Accepts NULL. */
void drains_free(struct drains *drains);

/* Copied. ERR_EXISTS: it is drained already, and stays as it was; ERR_LIMIT: DRAINS_MAX. */
[[nodiscard]] enum err drains_add(struct drains *drains, const struct drain *drain);

/* False: it was not drained. */
bool drains_remove(struct drains *drains, enum drain_kind kind, struct slice name);

/* In the order they were given; good until the set changes. */
size_t drains_list(const struct drains *drains, const struct drain **list);

/* Of what is drained, whoever did it and when; 0: nothing is. */
uint64_t drains_hash(const struct drains *drains);

/* Itself, or its pop. */
bool drains_has_node(const struct drains *drains, const struct node *node);

bool drains_has_origin(const struct drains *drains, const struct origin *origin);

/*
 * Sets STEER_DRAINED of each check in the rows to what the set says, and clears it of all others.
 * Effective at once. By the control thread.
 */
void drains_mark(const struct drains *drains, struct steer_rows *rows);

/* "pop", "node", "origin"; never NULL. */
const char *drain_kind_text(enum drain_kind kind);
