// SPDX-License-Identifier: Apache-2.0
#include "base/heap.h"

#include <assert.h>

#include "base/mem.h"

enum { ROOM_FIRST = 16 };

void heap_init(struct heap *h)
{
    *h = (struct heap){ 0 };
}

void heap_done(struct heap *h)
{
    mem_free(h->links);
    *h = (struct heap){ 0 };
}

static void place(struct heap *h, size_t at, struct heap_link *link)
{
    h->links[at] = link;
    link->at = at + 1;
}

static void sift_up(struct heap *h, size_t at, struct heap_link *link)
{
    while (at > 0 && h->links[(at - 1) / 2]->due > link->due) {
        place(h, at, h->links[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(h, at, link);
}

static void sift_down(struct heap *h, size_t at, struct heap_link *link)
{
    for (size_t child; (child = 2 * at + 1) < h->count; at = child) {
        if (child + 1 < h->count && h->links[child + 1]->due < h->links[child]->due)
            child++;
        if (h->links[child]->due >= link->due)
            break;
        place(h, at, h->links[child]);
    }
    place(h, at, link);
}

void heap_put(struct heap *h, struct heap_link *link, int64_t due)
{
    if (link->at != 0) {
        int64_t was = link->due;

        assert(link->at <= h->count && h->links[link->at - 1] == link);
        link->due = due;
        if (due < was)
            sift_up(h, link->at - 1, link);
        else
            sift_down(h, link->at - 1, link);
        return;
    }
    if (h->count == h->room) {
        h->room = h->room == 0 ? ROOM_FIRST : h->room * 2;
        h->links = mem_resize(h->links, h->room * sizeof *h->links);
    }
    link->due = due;
    sift_up(h, h->count++, link);
}

void heap_remove(struct heap *h, struct heap_link *link)
{
    if (link->at == 0)
        return;
    size_t at = link->at - 1;
    struct heap_link *last = h->links[--h->count];

    assert(h->links[at] == link || last == link);
    link->at = 0;
    if (last == link)
        return;
    if (at > 0 && h->links[(at - 1) / 2]->due > last->due)
        sift_up(h, at, last);
    else
        sift_down(h, at, last);
}
