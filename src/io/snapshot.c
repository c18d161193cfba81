// SPDX-License-Identifier: Apache-2.0
#include "io/snapshot.h"

#include <assert.h>

static _Atomic int64_t *hold_of(struct snapshot_value *value, unsigned worker)
{
    assert(worker < SNAPSHOT_WORKERS_MAX);
    return &value->holds[(size_t)worker * SNAPSHOT_HOLD_STEP];
}

static bool is_held(struct snapshot_value *value)
{
    for (unsigned worker = 0; worker < SNAPSHOT_WORKERS_MAX; worker++)
        if (atomic_load_explicit(hold_of(value, worker), memory_order_acquire) != 0)
            return true;
    return false;
}

/* No loop can find the value any more, so that holds only go down. */
static void free_unless_held(struct retired *retired)
{
    struct snapshot_value *value = container_of(retired, struct snapshot_value, retired);

    if (is_held(value))
        epoch_retire(value->reader, retired, free_unless_held);
    else
        value->free(value);
}

void snapshot_value_init(struct snapshot_value *value, void (*free)(struct snapshot_value *value))
{
    *value = (struct snapshot_value){ .free = free };
}

void snapshot_publish(
    struct snapshot *s, struct epoch_reader *reader, struct snapshot_value **value)
{
    struct snapshot_value *old = atomic_exchange(&s->value, *value);

    *value = NULL;
    if (old == NULL)
        return;
    old->reader = reader;
    epoch_retire(reader, &old->retired, free_unless_held);
}

struct snapshot_value *snapshot_read(const struct snapshot *s)
{
    return atomic_load_explicit(&s->value, memory_order_acquire);
}

void snapshot_hold(struct snapshot_value *value, unsigned worker)
{
    _Atomic int64_t *hold = hold_of(value, worker);

    atomic_store_explicit(
        hold, atomic_load_explicit(hold, memory_order_relaxed) + 1, memory_order_relaxed);
}

void snapshot_release(struct snapshot_value *value, unsigned worker)
{
    _Atomic int64_t *hold = hold_of(value, worker);
    int64_t held = atomic_load_explicit(hold, memory_order_relaxed);

    assert(held > 0);
    atomic_store_explicit(hold, held - 1, memory_order_release);
}
