// SPDX-License-Identifier: Apache-2.0
#include "steer/drains.h"

#include <assert.h>

#include "base/hash.h"
#include "base/mem.h"
#include "steer/rows.h"

struct drains {
    struct drain list[DRAINS_MAX];
    uint64_t hashes[DRAINS_MAX]; // of each one's kind and name: looked at first
    size_t count;
};

static uint64_t hash_of(enum drain_kind kind, struct slice name)
{
    return hash_bytes(name, (uint64_t)kind);
}

/* As hash_of "CUSTOMER/ORIGIN", in pieces, since this runs for each check. */
static bool is_origin(struct slice name, const struct origin *origin)
{
    struct slice customer = origin->customer->name;

    return name.length == customer.length + 1 + origin->name.length &&
           slice_starts(name, customer) && name.at[customer.length] == '/' &&
           slice_ends(name, origin->name);
}

/* Its position; the count where it is not drained. */
static size_t find(const struct drains *drains, enum drain_kind kind, struct slice name)
{
    uint64_t hash = hash_of(kind, name);

    for (size_t i = 0; i < drains->count; i++)
        if (drains->hashes[i] == hash && drains->list[i].kind == kind &&
            slice_equal(drains->list[i].name, name))
            return i;
    return drains->count;
}

struct drains *drains_new(void)
{
    return mem_new(struct drains);
}

static void drop(const struct drain *drain)
{
    mem_free((void *)(uintptr_t)drain->name.at);
    mem_free((void *)(uintptr_t)drain->by.at);
}

void drains_free(struct drains *drains)
{
    if (drains == NULL)
        return;
    for (size_t i = 0; i < drains->count; i++)
        drop(&drains->list[i]);
    mem_free(drains);
}

enum err drains_add(struct drains *drains, const struct drain *drain)
{
    assert(drain->kind < DRAIN_KIND_COUNT && drain->name.length > 0);
    if (find(drains, drain->kind, drain->name) < drains->count)
        return ERR_EXISTS;
    if (drains->count == DRAINS_MAX)
        return ERR_LIMIT;
    struct drain *kept = &drains->list[drains->count];

    *kept = *drain;
    kept->name.at = mem_text(drain->name.at, drain->name.length);
    kept->by.at = mem_text(drain->by.at, drain->by.length);
    drains->hashes[drains->count++] = hash_of(drain->kind, drain->name);
    return ERR_NONE;
}

bool drains_remove(struct drains *drains, enum drain_kind kind, struct slice name)
{
    size_t at = find(drains, kind, name);

    if (at == drains->count)
        return false;
    drop(&drains->list[at]);
    drains->count--;
    memmove(
        &drains->list[at], &drains->list[at + 1], (drains->count - at) * sizeof drains->list[0]);
    memmove(&drains->hashes[at], &drains->hashes[at + 1],
        (drains->count - at) * sizeof drains->hashes[0]);
    return true;
}

size_t drains_list(const struct drains *drains, const struct drain **list)
{
    *list = drains->list;
    return drains->count;
}

uint64_t drains_hash(const struct drains *drains)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < drains->count; i++)
        sum += hash_mix(drains->hashes[i]); // whichever came first
    return drains->count > 0 && sum == 0 ? 1 : sum;
}

static bool has(const struct drains *drains, enum drain_kind kind, struct slice name)
{
    return find(drains, kind, name) < drains->count;
}

bool drains_has_node(const struct drains *drains, const struct node *node)
{
    return has(drains, DRAIN_NODE, node->name) || has(drains, DRAIN_POP, node->pop->name);
}

bool drains_has_origin(const struct drains *drains, const struct origin *origin)
{
    for (size_t i = 0; i < drains->count; i++)
        if (drains->list[i].kind == DRAIN_ORIGIN && is_origin(drains->list[i].name, origin))
            return true;
    return false;
}

static bool is_drained(const struct drains *drains, const struct check *check)
{
    if (check->origin != NULL)
        return drains_has_origin(drains, check->origin);
    if (check->node != NULL)
        return drains_has_node(drains, check->node);
    return has(drains, DRAIN_POP, check->pop->name);
}

void drains_mark(const struct drains *drains, struct steer_rows *rows)
{
    for (uint32_t i = 0; i < rows->checks->count; i++)
        steer_health_set(rows, i, STEER_DRAINED,
            drains->count > 0 && is_drained(drains, &rows->checks->list[i]));
}

const char *drain_kind_text(enum drain_kind kind)
{
    switch (kind) {
    case DRAIN_POP: return "pop";
    case DRAIN_NODE: return "node";
    case DRAIN_ORIGIN: return "origin";
    case DRAIN_KIND_COUNT: break;
    }
    return "unknown";
}
