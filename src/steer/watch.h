// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Who watches what. Where there are many nodes, not all of them ask every target every second: each
 * check has WATCHERS, which probe it at its interval; the others do so seldom (watch_interval), to
 * have a verdict and a latency of their own. With up to WATCHERS nodes all watch everything.
 *
 * Watchers are the first nodes by hash of check and node, one of each pop as long as there are pops
 * enough: nodes of a pop share an uplink and see alike, and so as many groups as possible have a
 * say. Only then second nodes of pops come, and third ones. A pop has its own nodes and its own FTP
 * watched by others as far as there are any, and no node watches itself unless all do.
 *
 * Every node finds the same watchers, since they follow from the release alone. A node that leaves
 * the release gives its checks to others, one each, and nothing else moves; each node watches as
 * many as any other, but for chance and for small numbers of pops.
 *
 * A verdict of who does not watch may be WATCH_REST old. So the word of others than watchers is to
 * count only where no watcher's does.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "conf/checks.h"
#include "conf/network.h"

struct watch_table;

enum {
    WATCHERS = 5,
    WATCH_REST_TIMES = 30,       // so many intervals of the check are one of who does not watch,
    WATCH_REST_LEAST_MS = 30000, // but never less than this,
    WATCH_REST_MOST_MS = 600000, // and no more, unless the check's own interval is longer
};

/*
 * Both outlive the table. Some 15 ns for each pair of a check and a node: 4 ms for 1,200 checks and
 * 200 nodes.
 */
struct watch_table *watch_table_new(const struct network *network, const struct checks *checks);

/* Accepts NULL. */
void watch_table_free(struct watch_table *table);

/* Does it watch? `check`: its position; `observer`: hash of the node's name. */
bool watch_has(const struct watch_table *table, uint32_t check, uint64_t observer);

/* How far apart its probes of the check are, watcher or not. */
struct span watch_interval(const struct watch_table *table, uint32_t check, uint64_t observer);

/* The same of one who does not watch, for a check with this interval. */
struct span watch_rest(struct span every);
