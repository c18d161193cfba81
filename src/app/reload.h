// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Taking the configuration file as it is now into use, in two phases.
 *
 *     load      on a pool thread: files read, network checked, each node's root built
 *     open      on every worker: the sockets of new addresses
 *               ── so far anything may fail, and changes nothing ──
 *     publish   on the control thread: one pointer for each node
 *     close     on every worker: the sockets of addresses that are gone
 *
 * Sockets that stay are never touched, so no query and no connection is lost.
 */

#include <stdbool.h>

struct process;
struct reload;

struct reload *reload_new(struct process *process);

/* Nothing of it is under way any more: workers, control and pool ended. Accepts NULL. */
void reload_free(struct reload *reload);

/* By the control thread. While one is under way, another is begun after it. `tell_admin`: its end
 * is reported to the admin face as well as to the log. */
void reload_begin(struct reload *reload, bool tell_admin);

/* The same from any other thread, for a signal. */
void reload_request(struct reload *reload);
