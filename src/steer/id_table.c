// SPDX-License-Identifier: Apache-2.0
#include "steer/id_table.h"

#include <assert.h>

#include "base/hash.h"
#include "base/mem.h"

enum { ROOM_FIRST = 16 };

void id_table_done(struct id_table *table)
{
    mem_free(table->slots);
    *table = (struct id_table){ 0 };
}

static size_t home(const struct id_table *table, uint64_t id)
{
    return (size_t)hash_mix(id) & (table->room - 1);
}

/* Where the id is, or the empty slot where it would be. There is room. */
static size_t slot_of(const struct id_table *table, uint64_t id)
{
    size_t at = home(table, id);

    while (table->slots[at] != NULL && table->slots[at]->id != id)
        at = (at + 1) & (table->room - 1);
    return at;
}

struct id_link *id_table_find(const struct id_table *table, uint64_t id)
{
    return table->room == 0 ? NULL : table->slots[slot_of(table, id)];
}

static void grow(struct id_table *table)
{
    struct id_table wider = { .room = table->room == 0 ? ROOM_FIRST : table->room * 2,
        .count = table->count };

    wider.slots = mem_array(wider.room, sizeof(struct id_link *));
    for (size_t i = 0; i < table->room; i++)
        if (table->slots[i] != NULL)
            wider.slots[slot_of(&wider, table->slots[i]->id)] = table->slots[i];
    mem_free(table->slots);
    *table = wider;
}

void id_table_put(struct id_table *table, struct id_link *link)
{
    if (table->count >= table->room / 2)
        grow(table);
    size_t at = slot_of(table, link->id);

    assert(table->slots[at] == NULL);
    table->slots[at] = link;
    table->count++;
}

void id_table_remove(struct id_table *table, uint64_t id)
{
    size_t mask = table->room - 1;

    if (id_table_find(table, id) == NULL)
        return;
    size_t hole = slot_of(table, id);

    // What was pushed past the hole by what stood in it moves back, so that no search ends early.
    for (size_t at = (hole + 1) & mask; table->slots[at] != NULL; at = (at + 1) & mask) {
        size_t pushed = (at - home(table, table->slots[at]->id)) & mask;

        if (pushed >= ((at - hole) & mask)) {
            table->slots[hole] = table->slots[at];
            hole = at;
        }
    }
    table->slots[hole] = NULL;
    table->count--;
}
