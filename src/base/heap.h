// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A binary heap of things due: the earliest is on top. The heap holds pointers to links embedded
 * in what is queued, so any of them can be moved or taken out in O(log n). One thread.
 */

#include <stddef.h>
#include <stdint.h>

struct heap_link {
    int64_t due;
    size_t at; // position from 1; 0: in no heap
};

struct heap {
    struct heap_link **links;
    size_t count, room;
};

void heap_init(struct heap *h);
void heap_done(struct heap *h);

/* Queues the link, or moves it when it is queued already. */
void heap_put(struct heap *h, struct heap_link *link, int64_t due);

/* Takes the link out; nothing happens when it is in no heap. */
void heap_remove(struct heap *h, struct heap_link *link);

/* The earliest, still queued; NULL when empty. */
static inline struct heap_link *heap_top(const struct heap *h)
{
    return h->count == 0 ? NULL : h->links[0];
}
