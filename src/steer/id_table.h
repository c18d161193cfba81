// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Finds what is held of an id, such as that of a check. What is held embeds an id_link and is its
 * owner's; the table has pointers to links alone, open addressed and at most half full. Ids are
 * hashes already, of names that the operator gives. One thread.
 */

#include <stddef.h>
#include <stdint.h>

struct id_link {
    uint64_t id;
};

struct id_table {
    struct id_link **slots;
    size_t room; // a power of two, or 0
    size_t count;
};

void id_table_done(struct id_table *table);

/* NULL when the id is not there. */
struct id_link *id_table_find(const struct id_table *table, uint64_t id);

/* The id is not there yet. The link must stay where it is until it is taken out. */
void id_table_put(struct id_table *table, struct id_link *link);

/* Nothing happens when the id is not there. */
void id_table_remove(struct id_table *table, uint64_t id);
