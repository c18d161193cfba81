// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A node's folder, STATE/NODE, and the lock in it: one process runs a node. Listeners share their
 * ports by SO_REUSEPORT, so a second process would else take half of the node's questions without
 * an error.
 */

#include "base/err.h"
#include "base/slice.h"

/*
 * Makes the folder where it is missing and takes its lock, which is held until *lock is closed, or
 * the process ends. ERR_EXISTS: another process runs the node.
 */
[[nodiscard]] enum err state_lock(
    struct slice state, struct slice node, int *lock, struct diag *why);

enum { STATE_PATH_MAX = 4096 };

/* STATE/NODE/FILE, of a folder whose lock is held; returns `path`. */
const char *state_path(
    struct slice state, struct slice node, const char *file, char path[STATE_PATH_MAX]);
