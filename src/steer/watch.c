// SPDX-License-Identifier: Apache-2.0
#include "steer/watch.h"

#include <assert.h>
#include <limits.h>

#include "base/hash.h"
#include "base/mem.h"

struct watch_table {
    const struct checks *checks;
    size_t watcher_count; // of each check
    uint64_t *watchers;   // so many for each check, by position
};

#define SELF UINT_MAX // rank of a node that would watch itself

/* A node that may watch a check: the lower rank first, then the lower hash. */
struct candidate {
    uint64_t observer, hash;
    unsigned rank;
};

/* The best so far, best first. */
struct shortlist {
    struct candidate list[WATCHERS];
    size_t count, most;
};

static bool is_before(const struct candidate *a, const struct candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->hash < b->hash;
}

static void offer(struct shortlist *s, struct candidate candidate)
{
    size_t at = s->count;

    if (at == s->most && !is_before(&candidate, &s->list[at - 1]))
        return;
    if (at == s->most)
        at--;
    else
        s->count++;
    for (; at > 0 && is_before(&candidate, &s->list[at - 1]); at--)
        s->list[at] = s->list[at - 1];
    s->list[at] = candidate;
}

/* The first of one pop; of a check of one of them, that one last. */
static struct shortlist nodes_of(
    const struct check *check, const struct pop *pop, const uint64_t *node_hashes, size_t most)
{
    struct shortlist nodes = { .most = most };

    for (size_t i = 0; i < pop->node_count; i++)
        offer(&nodes, (struct candidate){ .observer = node_hashes[i],
                          .hash = hash_mix(check->id ^ node_hashes[i]),
                          .rank = &pop->nodes[i] == check->node ? SELF : 0 });
    return nodes;
}

/* The first of each pop before all seconds; among these, those of other pops than the target's. */
static struct shortlist choose(
    const struct check *check, const struct network *network, const uint64_t *node_hashes)
{
    const struct pop *home = check->node != NULL ? check->node->pop : check->pop;
    struct shortlist chosen = { .most = WATCHERS };
    size_t of_each = network->pop_count > WATCHERS ? 1 : WATCHERS; // then all come from others

    for (size_t i = 0; i < network->pop_count; i++) {
        const struct pop *pop = &network->pops[i];
        struct shortlist nodes = nodes_of(check, pop, node_hashes, of_each);

        for (unsigned turn = 0; turn < nodes.count; turn++) {
            struct candidate *candidate = &nodes.list[turn];

            candidate->rank = candidate->rank == SELF ? SELF : 2 * turn + (pop == home);
            offer(&chosen, *candidate);
        }
        node_hashes += pop->node_count;
    }
    return chosen;
}

/* Of all nodes of the network, as listed. */
static uint64_t *hash_names(const struct network *network, size_t count)
{
    uint64_t *hashes = mem_array(count + 1, sizeof *hashes), *next = hashes;

    for (size_t i = 0; i < network->pop_count; i++)
        for (size_t j = 0; j < network->pops[i].node_count; j++)
            *next++ = hash_bytes(network->pops[i].nodes[j].name, 0);
    return hashes;
}

struct watch_table *watch_table_new(const struct network *network, const struct checks *checks)
{
    struct watch_table *table = mem_new(struct watch_table);
    size_t nodes = 0;

    for (size_t i = 0; i < network->pop_count; i++)
        nodes += network->pops[i].node_count;
    table->checks = checks;
    table->watcher_count = nodes < WATCHERS ? nodes : WATCHERS;
    table->watchers = mem_array(checks->count * table->watcher_count + 1, sizeof(uint64_t));
    uint64_t *hashes = hash_names(network, nodes), *next = table->watchers;

    for (size_t i = 0; i < checks->count; i++) {
        const struct shortlist chosen = choose(&checks->list[i], network, hashes);

        assert(chosen.count == table->watcher_count);
        for (size_t at = 0; at < chosen.count; at++)
            *next++ = chosen.list[at].observer;
    }
    mem_free(hashes);
    return table;
}

void watch_table_free(struct watch_table *table)
{
    if (table == NULL)
        return;
    mem_free(table->watchers);
    mem_free(table);
}

bool watch_has(const struct watch_table *table, uint32_t check, uint64_t observer)
{
    assert(check < table->checks->count);
    const uint64_t *watchers = &table->watchers[check * table->watcher_count];

    for (size_t i = 0; i < table->watcher_count; i++)
        if (watchers[i] == observer)
            return true;
    return false;
}

struct span watch_rest(struct span every)
{
    const struct span least = span_ms(WATCH_REST_LEAST_MS), most = span_ms(WATCH_REST_MOST_MS);
    struct span rest = { every.ns * WATCH_REST_TIMES };

    if (rest.ns < least.ns)
        rest = least;
    if (rest.ns > most.ns)
        rest = most;
    return rest.ns > every.ns ? rest : every;
}

struct span watch_interval(const struct watch_table *table, uint32_t check, uint64_t observer)
{
    struct span every = table->checks->list[check].every;

    return watch_has(table, check, observer) ? every : watch_rest(every);
}
