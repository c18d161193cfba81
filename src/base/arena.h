// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Memory with the life of one task: allocate, never free, reset at the end. Blocks are added as
 * needed. Passing the limit is remembered and asked once: the allocation that passes it is still
 * usable (so callers need no branch), and `is_full` turns true; the task checks that before it
 * grows further and before it answers. One thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct arena_block;

struct arena {
    struct arena_block *block; // newest; the chain ends at the first
    size_t used;               // within the newest block
    size_t total_bytes;        // in all blocks
    size_t limit_bytes;
    bool is_full;
};

/* Takes no memory before the first allocation. */
void arena_init(struct arena *a, size_t limit_bytes);

/* Gives all memory back. */
void arena_done(struct arena *a);

/* Forgets all that was allocated; keeps a first block of the usual size for the next task. */
void arena_reset(struct arena *a);

/* Zeroed, aligned for any type. Never NULL; see is_full. */
void *arena_alloc(struct arena *a, size_t size_bytes) __attribute__((returns_nonnull));

/* Likewise, but not zeroed: for what is written at once. */
void *arena_room(struct arena *a, size_t size_bytes) __attribute__((returns_nonnull));

/* Zeroed; a product that overflows is a bug in the caller. */
void *arena_array(struct arena *a, size_t count, size_t item_bytes)
    __attribute__((returns_nonnull));

/* A copy, followed by a terminating zero that its length does not count. */
struct slice arena_copy(struct arena *a, struct slice bytes);

#define arena_new(a, type) ((type *)arena_alloc(a, sizeof(type)))
