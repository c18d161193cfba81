// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The books of a process's nodes: what each counted (app/metering.h) is settled (app/settling.h)
 * where the network keeps accounts. The journal is STATE/NODE/usage; the ledger is what the release
 * says, a file in STATE/NODE unless it has a path of its own.
 */

#include <stddef.h>

#include "admin/metrics.h"
#include "base/err.h"

struct process;

/* Of the node at that place, whose steering and usage are there, before its bus is joined. Reads
 * its journal. Nothing where no accounts are kept. */
[[nodiscard]] enum err bookkeeping_open(struct process *process, size_t at, struct diag *why);

/* The release in use is another one; on the control thread. */
void bookkeeping_use(struct process *process);

/* Nobody counts any more: waits until all is on disk, for a few seconds at the most. The control
 * thread runs. */
void bookkeeping_end(struct process *process);

/* When nothing runs any more, and the nodes' steering is freed: says of each whether all that it
 * counted is on disk, and ends its settling. */
void bookkeeping_close(struct process *process);

/* Rows of the node at that place. */
void bookkeeping_show(const struct process *process, size_t at, struct metrics *metrics);
