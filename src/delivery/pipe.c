// SPDX-License-Identifier: Apache-2.0
#include "delivery/pipe.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

enum { BLOCK_BYTES = 32 * 1024 };

struct pipe_block {
    struct pipe_block *newer;
    size_t start, end; // of what is held within bytes
    char bytes[BLOCK_BYTES];
};

void pipe_init(struct pipe *pipe, struct charge *charge)
{
    *pipe = (struct pipe){ .charge = charge };
}

static void drop_oldest(struct pipe *pipe)
{
    struct pipe_block *block = pipe->oldest;

    pipe->oldest = block->newer;
    if (pipe->oldest == NULL)
        pipe->newest = NULL;
    charge_give(pipe->charge, (int64_t)sizeof *block);
    mem_free(block);
}

void pipe_done(struct pipe *pipe)
{
    while (pipe->oldest != NULL)
        drop_oldest(pipe);
    pipe->held = 0;
}

static struct pipe_block *block_with_room(struct pipe *pipe)
{
    struct pipe_block *block = pipe->newest;

    if (block != NULL && block->end < BLOCK_BYTES)
        return block;
    if (!charge_take(pipe->charge, (int64_t)sizeof *block))
        return NULL;
    block = mem_new(struct pipe_block);
    if (pipe->newest == NULL)
        pipe->oldest = block;
    else
        pipe->newest->newer = block;
    pipe->newest = block;
    return block;
}

size_t pipe_put(struct pipe *pipe, struct slice bytes)
{
    size_t taken = 0;

    while (taken < bytes.length && pipe->held < PIPE_MAX) {
        struct pipe_block *block = block_with_room(pipe);

        if (block == NULL)
            break;
        struct slice part = slice_head(slice_from(bytes, taken), BLOCK_BYTES - block->end);

        memcpy(block->bytes + block->end, part.at, part.length);
        block->end += part.length;
        pipe->held += part.length;
        taken += part.length;
    }
    return taken;
}

size_t pipe_pull(const struct pipe *pipe, struct iovec *iov, size_t most)
{
    size_t count = 0;

    for (struct pipe_block *block = pipe->oldest; block != NULL && count < most;
         block = block->newer)
        if (block->end > block->start)
            iov[count++] = (struct iovec){ .iov_base = block->bytes + block->start,
                .iov_len = block->end - block->start };
    return count;
}

bool pipe_sent(struct pipe *pipe, size_t bytes)
{
    assert(bytes <= pipe->held);
    pipe->held -= bytes;
    while (bytes > 0) {
        struct pipe_block *block = pipe->oldest;
        size_t part = block->end - block->start < bytes ? block->end - block->start : bytes;

        block->start += part;
        bytes -= part;
        if (block->start == block->end)
            drop_oldest(pipe);
    }
    return pipe->held <= PIPE_MAX / 2;
}
