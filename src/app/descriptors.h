// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * How many files and sockets this process may have open, and how many visitors that admits.
 *
 * Shells and services are started with a low soft limit for the sake of programs that use
 * select(2); the hard one is what the operator grants. We take all of it. Where even that is too
 * low for the connections that the configuration grants, fewer are admitted: then the limit of
 * connections is met first, which closes the one that was idle for longest, and not that of
 * descriptors, at which nobody could come in and no origin be asked.
 */

#include <stdint.h>

/* Descriptors that so many connections need, with what is kept for all that are not visitors'. */
uint64_t descriptors_needed(uint64_t connections);

/* The opposite: how many connections so many descriptors admit; at least one. */
uint64_t descriptors_admit(uint64_t limit);

/* Raises this process's limit as far as it may: to the hard one, and where the kernel lets us move
 * that, to `wanted`. Gives what holds then. */
uint64_t descriptors_raise(uint64_t wanted);
