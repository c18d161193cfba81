// SPDX-License-Identifier: Apache-2.0
/* Open addressing, at most half full; what leaves is closed up, so there are no graves. */
#include "http/guard.h"

#include <assert.h>

#include "base/hash.h"
#include "base/mem.h"

enum { ROOM_FIRST = 64 };

static size_t home_of(const struct http_guard *guard, uint64_t client)
{
    uint64_t hash = hash_bytes(slice_of(&client, sizeof client), guard->seed);

    return (size_t)hash & (guard->room - 1);
}

/* The client's row, or the free one where it would be; there is one of either. */
static size_t find(const struct http_guard *guard, uint64_t client)
{
    size_t at = home_of(guard, client);

    while (guard->rows[at].count > 0 && guard->rows[at].client != client)
        at = (at + 1) & (guard->room - 1);
    return at;
}

static void grow(struct http_guard *guard)
{
    struct http_guard old = *guard;

    guard->room = old.room == 0 ? ROOM_FIRST : old.room * 2;
    guard->rows = mem_array(guard->room, sizeof *guard->rows);
    for (size_t i = 0; i < old.room; i++)
        if (old.rows[i].count > 0)
            guard->rows[find(guard, old.rows[i].client)] = old.rows[i];
    mem_free(old.rows);
}

/* Rows behind a free one move up, unless they stand between their home and it. */
static void close_up(struct http_guard *guard, size_t hole)
{
    size_t mask = guard->room - 1;

    for (size_t at = (hole + 1) & mask; guard->rows[at].count > 0; at = (at + 1) & mask) {
        size_t home = home_of(guard, guard->rows[at].client);

        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        guard->rows[hole] = guard->rows[at];
        guard->rows[at].count = 0;
        hole = at;
    }
}

void http_guard_init(struct http_guard *guard, uint64_t seed)
{
    *guard = (struct http_guard){ .seed = seed };
}

void http_guard_done(struct http_guard *guard)
{
    mem_free(guard->rows);
    http_guard_init(guard, guard->seed);
}

bool http_guard_enter(struct http_guard *guard, const struct ip *client, uint32_t most)
{
    if (client->family == IP_NONE)
        return true;
    if (2 * (guard->used + 1) > guard->room)
        grow(guard);
    struct http_guard_row *row = &guard->rows[find(guard, ip_client(client))];

    if (row->count >= most)
        return false;
    row->client = ip_client(client);
    guard->used += row->count == 0;
    row->count++;
    return true;
}

void http_guard_leave(struct http_guard *guard, const struct ip *client)
{
    if (client->family == IP_NONE)
        return;
    assert(guard->used > 0);
    size_t at = find(guard, ip_client(client));

    assert(guard->rows[at].count > 0);
    if (--guard->rows[at].count > 0)
        return;
    guard->used--;
    close_up(guard, at);
}

uint32_t http_guard_count(const struct http_guard *guard, const struct ip *client)
{
    if (client->family == IP_NONE || guard->room == 0)
        return 0;
    return guard->rows[find(guard, ip_client(client))].count;
}

uint32_t http_guard_share(uint64_t limit, unsigned workers)
{
    assert(workers > 0);
    uint64_t even = limit / workers + (limit % workers > 0);
    uint64_t share = workers == 1 ? even : even + even / 4 + 4;

    return share > UINT32_MAX ? UINT32_MAX : (uint32_t)share;
}
