// SPDX-License-Identifier: Apache-2.0
#include "io/line_ring.h"

#include <assert.h>
#include <stdatomic.h>

#include "base/attr.h"
#include "base/counter.h"
#include "base/mem.h"

enum { RING_LEAST = 64 };

/* Before each line; without anybody it says that the next one is at the ring's start. */
struct record {
    void *whom;
    size_t length;
};

/* Places only grow; a place in the ring is their rest by its size. What each thread writes is a
 * cache line away from what the other does: room between, as the heap aligns to less. */
struct line_ring {
    _Atomic uint64_t put;
    uint64_t taken_seen; // what the putting thread last knew of `taken`
    struct counter lines, dropped;
    char apart[CACHE_LINE_BYTES];
    _Atomic uint64_t taken;
    uint64_t put_seen;
    char apart_too[CACHE_LINE_BYTES];
    size_t size;
    char *bytes;
};

struct line_ring *line_ring_new(size_t bytes)
{
    struct line_ring *ring = mem_new(struct line_ring);

    assert(bytes >= RING_LEAST && (bytes & (bytes - 1)) == 0);
    ring->size = bytes;
    ring->bytes = mem_alloc(bytes);
    return ring;
}

void line_ring_free(struct line_ring *ring)
{
    if (ring == NULL)
        return;
    mem_free(ring->bytes);
    mem_free(ring);
}

static struct record *record_at(struct line_ring *ring, uint64_t place)
{
    return (struct record *)(void *)(ring->bytes + (place & (ring->size - 1)));
}

/* A record lies where its head is aligned. */
static uint64_t space_of(size_t length)
{
    return sizeof(struct record) +
           ((length + sizeof(struct record) - 1) & ~(sizeof(struct record) - 1));
}

/* Whether so many bytes from `put` on are free; looks at what the other thread did only if what
 * is known of that does not suffice. */
static bool has_room(struct line_ring *ring, uint64_t put, uint64_t space)
{
    if (put + space - ring->taken_seen <= ring->size)
        return true;
    ring->taken_seen = atomic_load_explicit(&ring->taken, memory_order_acquire);
    return put + space - ring->taken_seen <= ring->size;
}

bool line_ring_put(struct line_ring *ring, void *whom, struct slice line)
{
    uint64_t put = atomic_load_explicit(&ring->put, memory_order_relaxed);
    uint64_t space = space_of(line.length);
    uint64_t to_end = ring->size - (put & (ring->size - 1));
    uint64_t passed_over = to_end < space ? to_end : 0;

    assert(whom != NULL && line.length > 0);
    if (!has_room(ring, put, space + passed_over)) {
        counter_up(&ring->dropped);
        return false;
    }
    if (passed_over > 0)
        *record_at(ring, put) = (struct record){ 0 };
    put += passed_over;
    *record_at(ring, put) = (struct record){ whom, line.length };
    memcpy(record_at(ring, put) + 1, line.at, line.length);
    atomic_store_explicit(&ring->put, put + space, memory_order_release);
    counter_up(&ring->lines);
    return true;
}

bool line_ring_next(struct line_ring *ring, void **whom, struct slice *line)
{
    uint64_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);

    if (taken == ring->put_seen)
        ring->put_seen = atomic_load_explicit(&ring->put, memory_order_acquire);
    if (taken == ring->put_seen)
        return false;
    struct record *record = record_at(ring, taken);

    if (record->whom == NULL) {
        taken += ring->size - (taken & (ring->size - 1));
        atomic_store_explicit(&ring->taken, taken, memory_order_release);
        record = record_at(ring, taken);
    }
    *whom = record->whom;
    *line = slice_of(record + 1, record->length);
    return true;
}

void line_ring_taken(struct line_ring *ring)
{
    uint64_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);

    taken += space_of(record_at(ring, taken)->length);
    atomic_store_explicit(&ring->taken, taken, memory_order_release);
}

uint64_t line_ring_count(const struct line_ring *ring)
{
    return counter_read(&ring->lines);
}

uint64_t line_ring_dropped(const struct line_ring *ring)
{
    return counter_read(&ring->dropped);
}
