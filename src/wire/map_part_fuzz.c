// SPDX-License-Identifier: Apache-2.0
/* Messages about maps: reading stays within bounds whatever the bytes are, and what was read is
 * read again from what is written. */
#include <assert.h>
#include <stdlib.h>

#include "wire/map_part.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_ask(const struct map_part *ask, struct slice bytes)
{
    char out[MAP_ASK_SIZE];

    assert(slice_equal(map_ask_write(out, ask), bytes));
}

/* As many cells as are well formed; those come back as they were. */
static void check_part(const struct map_part *part)
{
    size_t room = MAP_PART_CELLS_AT + (size_t)part->count * MAP_PART_CELL_MOST;
    struct map_part_cell cell, other;
    struct map_part_writer writer;
    struct map_part again;
    size_t at = 0, again_at = 0;
    char *out = malloc(room);

    assert(out != NULL);
    map_part_begin(&writer, out, room, part);
    while (writer.count < part->count && map_part_next(part, &at, &cell))
        assert(map_part_add(&writer, &cell));
    uint32_t count = writer.count;
    bool is_part = map_part_parse(map_part_end(&writer), &again);

    assert(is_part == (count > 0));
    at = 0;
    for (uint32_t i = 0; i < count; i++) {
        assert(map_part_next(part, &at, &cell) && map_part_next(&again, &again_at, &other));
        assert(cell.count == other.count && cell.band == other.band);
        for (size_t k = 0; k < cell.count; k++)
            assert(cell.targets[k] == other.targets[k] && cell.shed[k] == other.shed[k] &&
                   cell.felt[k] == other.felt[k]);
    }
    free(out);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct slice bytes = slice_of(data, size);
    struct map_part part;

    if (!map_part_parse(bytes, &part))
        return 0;
    if (part.kind == MAP_ASK)
        check_ask(&part, bytes);
    else
        check_part(&part);
    return 0;
}
