// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Which nodes of a network a process is to run, where nobody has named any. */

#include <stdbool.h>
#include <stddef.h>

#include "app/process.h"
#include "base/err.h"
#include "base/slice.h"
#include "conf/network.h"

/* Their names, which are the network's: with `all` the first PROCESS_NODES_MAX, else the one whose
 * address this machine has. ERR_MISSING: none has, or more than one. */
[[nodiscard]] enum err here_nodes(const struct network *network, bool all,
    struct slice names[PROCESS_NODES_MAX], size_t *count, struct diag *why);
