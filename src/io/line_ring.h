// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Lines on their way from one thread to another: one puts them in, one takes them out, neither
 * waits. Each line is for somebody, whom the ring does not know. Where the taker is late, a line
 * that finds no room is dropped and counted.
 *
 *      taken ─────────►  put ──────►
 *     │      line │ line │          │ ...    a line never wraps: at the end it is passed over
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct line_ring;

/* `bytes`: a power of two, from 64 on; memory is taken as it is first written to. */
struct line_ring *line_ring_new(size_t bytes);

/* Neither side uses it any more. Accepts NULL. */
void line_ring_free(struct line_ring *ring);

/* Copies the line. False: there was no room, and that was counted. */
bool line_ring_put(struct line_ring *ring, void *whom, struct slice line);

/* The oldest line, good until line_ring_taken, which must follow; false: there is none. */
bool line_ring_next(struct line_ring *ring, void **whom, struct slice *line);
void line_ring_taken(struct line_ring *ring);

/* Lines that were put in, and that found no room. Any thread. */
uint64_t line_ring_count(const struct line_ring *ring);
uint64_t line_ring_dropped(const struct line_ring *ring);
