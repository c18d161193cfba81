// SPDX-License-Identifier: Apache-2.0
#include "io/epoch.h"

#include <assert.h>
#include <time.h>

#define RESTS UINT64_MAX

#if defined(__SANITIZE_THREAD__)
#define FENCES_ARE_UNKNOWN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FENCES_ARE_UNKNOWN 1
#endif
#endif

/* ThreadSanitizer does not know fences; what it would miss on other machines, x86 never does. */
static void full_fence(struct epoch *epoch)
{
#ifdef FENCES_ARE_UNKNOWN
    atomic_fetch_add(&epoch->now, 0);
#else
    (void)epoch;
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

void epoch_init(struct epoch *epoch)
{
    atomic_init(&epoch->now, 1);
    pthread_mutex_init(&epoch->lock, NULL);
    list_init(&epoch->readers);
}

void epoch_done(struct epoch *epoch)
{
    assert(list_empty(&epoch->readers));
    pthread_mutex_destroy(&epoch->lock);
}

void epoch_join(struct epoch *epoch, struct epoch_reader *reader)
{
    atomic_init(&reader->seen, RESTS);
    reader->epoch = epoch;
    reader->oldest = NULL;
    reader->newest = &reader->oldest;
    list_init(&reader->link);
    pthread_mutex_lock(&epoch->lock);
    list_append(&epoch->readers, &reader->link);
    pthread_mutex_unlock(&epoch->lock);
}

void epoch_leave(struct epoch_reader *reader)
{
    struct timespec moment = { .tv_nsec = 100000 };

    assert(atomic_load(&reader->seen) == RESTS);
    while (epoch_collect(reader))
        nanosleep(&moment, NULL);
    pthread_mutex_lock(&reader->epoch->lock);
    list_remove(&reader->link);
    pthread_mutex_unlock(&reader->epoch->lock);
}

void epoch_enter(struct epoch_reader *reader)
{
    uint64_t now = atomic_load_explicit(&reader->epoch->now, memory_order_acquire);

    // Release: whoever sees a later epoch here also sees that the turn before is over.
    atomic_store_explicit(&reader->seen, now, memory_order_release);
    full_fence(reader->epoch);
}

void epoch_rest(struct epoch_reader *reader)
{
    atomic_store_explicit(&reader->seen, RESTS, memory_order_release);
}

void epoch_retire(
    struct epoch_reader *reader, struct retired *retired, void (*free)(struct retired *retired))
{
    retired->next = NULL;
    retired->free = free;
    retired->at = atomic_fetch_add(&reader->epoch->now, 1);
    *reader->newest = retired;
    reader->newest = &retired->next;
}

/* The earliest epoch that any reader may still be in. */
static uint64_t earliest_seen(struct epoch *epoch)
{
    // What is retired while we free belongs to the next collect, even when all readers rest.
    uint64_t earliest = atomic_load(&epoch->now);

    full_fence(epoch);
    pthread_mutex_lock(&epoch->lock);
    list_each (link, &epoch->readers) {
        struct epoch_reader *reader = container_of(link, struct epoch_reader, link);
        uint64_t seen = atomic_load_explicit(&reader->seen, memory_order_acquire);

        if (seen < earliest)
            earliest = seen;
    }
    pthread_mutex_unlock(&epoch->lock);
    return earliest;
}

bool epoch_collect(struct epoch_reader *reader)
{
    if (reader->oldest == NULL)
        return false;

    uint64_t earliest = earliest_seen(reader->epoch);

    while (reader->oldest != NULL && reader->oldest->at < earliest) {
        struct retired *retired = reader->oldest;

        reader->oldest = retired->next;
        if (reader->oldest == NULL)
            reader->newest = &reader->oldest;
        retired->free(retired);
    }
    return reader->oldest != NULL;
}
