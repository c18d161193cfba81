// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The root snapshot of a node: everything its workers read that was made from the configuration,
 * built to agree with each other and published by one pointer (io/snapshot.h).
 *
 * Roots of several nodes share one network, which is a `struct release`: the configuration as
 * loaded, counted by the control thread alone.
 */

#include "base/err.h"
#include "conf/network.h"
#include "io/snapshot.h"
#include "steer/map.h"

struct access_log;
struct access_place;
struct certificates;
struct checks;
struct dns_zones;
struct geo;
struct routes;
struct steer_rows;
struct usage;
struct watch_table;

struct release {
    struct network *network;
    struct checks *checks;
    struct watch_table *watch; // which nodes watch each of them
    struct geo *geo;
    struct certificates *certificates; // NULL: none were read
    struct access_log *access;         // which outlives it; NULL: none is written
    size_t uses;                       // roots and whoever loads; control thread alone
};

/*
 * Takes the network over (*network becomes NULL); used once, by the caller. On error, which is that
 * of the geography file, the network is freed too.
 */
[[nodiscard]] enum err release_new(
    struct network **network, struct release **release, struct diag *why);

/* The last use gives it back. Accepts NULL. */
void release_drop(struct release *release);

struct root {
    struct snapshot_value value;
    struct snapshot map; // struct steer_map of the rows, replaced each epoch; never NULL
    struct release *release;
    const struct network *network;
    const struct node *self;
    struct steer_rows *rows;
    struct dns_zones *zones;
    struct routes *routes;
    struct access_place **access; // of each customer; NULL: has none
};

/*
 * Builds what `node` serves by the network. Its sites find their slots in the usage, which outlives
 * the root; NULL: nothing is counted. Changes nothing else; touches no thread's state, so
 * any thread may do it while it alone knows the release. ERR_MISSING: no such node in it.
 */
[[nodiscard]] enum err root_build(struct release *release, struct slice node, struct usage *usage,
    struct root **root, struct diag *why);

/* One that was never published. Accepts NULL. */
void root_free(struct root *root);

static inline struct root *root_of(struct snapshot_value *value)
{
    return value == NULL ? NULL : container_of(value, struct root, value);
}

/* The map in use; good until the end of the reader's turn. */
static inline const struct steer_map *root_map(const struct root *root)
{
    return steer_map_of(snapshot_read(&root->map));
}
