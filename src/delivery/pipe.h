// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Bytes on their way through: put in at one end as they come, pulled out at the other as a stream
 * takes them. For bodies that are not kept. Holds at most PIPE_MAX bytes; whoever fills it pauses
 * then, and is resumed when half of it went out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "base/charge.h"
#include "base/slice.h"

struct pipe_block;

enum { PIPE_MAX = 1024 * 1024 };

struct pipe {
    struct charge *charge; // memory of all pipes of a worker
    struct pipe_block *oldest, *newest;
    size_t held; // bytes
};

void pipe_init(struct pipe *pipe, struct charge *charge);
void pipe_done(struct pipe *pipe);

/* Copies as much as there is room for and returns how much that was. */
size_t pipe_put(struct pipe *pipe, struct slice bytes);

/* At most `most` iovecs over what is held, oldest first. */
size_t pipe_pull(const struct pipe *pipe, struct iovec *iov, size_t most);

/* The first `bytes` of what is held went out. True when a paused filler may go on. */
bool pipe_sent(struct pipe *pipe, size_t bytes);
