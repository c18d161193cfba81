// SPDX-License-Identifier: Apache-2.0
#include "wire/map_part.h"

#include <assert.h>
#include <string.h>

#include "base/number.h"

enum { VERSION = 1, MARK_SIZE = 4, COUNT_AT = MAP_PART_CELLS_AT - 4 };

static const char MARK[MARK_SIZE] = { 'w', 'p', 'm', VERSION };

static char *put_head(char *out, enum map_part_kind kind, const struct map_part *head)
{
    memcpy(out, MARK, MARK_SIZE);
    out = number_put(out + MARK_SIZE, kind, 1);
    out = number_put(out, head->release, 8);
    return number_put(out, head->hash, 8);
}

struct slice map_ask_write(char *out, const struct map_part *ask)
{
    number_put(put_head(out, MAP_ASK, ask), ask->holder, 8);
    return slice_of(out, MAP_ASK_SIZE);
}

void map_part_begin(
    struct map_part_writer *writer, char *out, size_t room, const struct map_part *head)
{
    assert(room >= MAP_PART_CELLS_AT);
    *writer = (struct map_part_writer){ .out = out, .room = room, .used = MAP_PART_CELLS_AT };
    number_put(number_put(put_head(out, MAP_PART, head), head->total, 4), head->first, 4);
}

static bool cell_sheds(const struct map_part_cell *cell)
{
    for (size_t i = 0; i < cell->count; i++)
        if (cell->shed[i] != 0 || cell->felt[i] != 0)
            return true;
    return false;
}

static size_t size_of(size_t count, bool sheds)
{
    return 2 + count * (sheds ? 6 : 2);
}

size_t map_part_cell_size(const struct map_part_cell *cell)
{
    return size_of(cell->count, cell_sheds(cell));
}

bool map_part_add(struct map_part_writer *writer, const struct map_part_cell *cell)
{
    bool sheds = cell_sheds(cell);
    size_t size = size_of(cell->count, sheds);
    char *out = writer->out + writer->used;

    assert(cell->count >= 1 && cell->count <= MAP_PART_CHOICES_MAX);
    assert(cell->band >= 1 && cell->band <= cell->count);
    if (writer->room - writer->used < size)
        return false;
    out = number_put(out, (uint64_t)cell->count | (sheds ? MAP_PART_SHEDS : 0), 1);
    out = number_put(out, cell->band, 1);
    for (size_t i = 0; i < cell->count; i++) {
        out = number_put(out, cell->targets[i], 2);
        if (sheds)
            out = number_put(number_put(out, cell->shed[i], 2), cell->felt[i], 2);
    }
    writer->used += size;
    writer->count++;
    return true;
}

struct slice map_part_end(struct map_part_writer *writer)
{
    number_put(writer->out + COUNT_AT, writer->count, 4);
    return slice_of(writer->out, writer->used);
}

static bool parse_cells(const char *in, struct slice bytes, struct map_part *part)
{
    if (bytes.length < MAP_PART_CELLS_AT)
        return false;
    part->total = (uint32_t)number_get(&in, 4);
    part->first = (uint32_t)number_get(&in, 4);
    part->count = (uint32_t)number_get(&in, 4);
    part->cells = slice_from(bytes, MAP_PART_CELLS_AT);
    return part->count > 0 && part->first < part->total &&
           part->count <= part->total - part->first &&
           part->cells.length / MAP_PART_CELL_LEAST >= part->count &&
           part->cells.length <= (size_t)part->count * MAP_PART_CELL_MOST;
}

bool map_part_parse(struct slice bytes, struct map_part *part)
{
    if (bytes.length < MAP_ASK_SIZE || memcmp(bytes.at, MARK, MARK_SIZE) != 0)
        return false;
    const char *in = bytes.at + MARK_SIZE;
    uint64_t kind = number_get(&in, 1);
    struct map_part read = { .kind = kind == MAP_ASK ? MAP_ASK : MAP_PART };

    read.release = number_get(&in, 8);
    read.hash = number_get(&in, 8);
    if (kind == MAP_ASK && bytes.length == MAP_ASK_SIZE)
        read.holder = number_get(&in, 8);
    else if (kind != MAP_PART || !parse_cells(in, bytes, &read))
        return false;
    *part = read;
    return true;
}

bool map_part_next(const struct map_part *part, size_t *at, struct map_part_cell *cell)
{
    struct slice left = slice_from(part->cells, *at);
    struct map_part_cell read = { 0 };

    if (left.length < MAP_PART_CELL_LEAST)
        return false;
    const char *in = left.at;
    uint64_t shape = number_get(&in, 1);
    bool sheds = (shape & MAP_PART_SHEDS) != 0;

    read.count = (uint8_t)(shape & ~(uint64_t)MAP_PART_SHEDS);
    read.band = (uint8_t)number_get(&in, 1);
    if (read.count < 1 || read.count > MAP_PART_CHOICES_MAX || read.band < 1 ||
        read.band > read.count || left.length < size_of(read.count, sheds))
        return false;
    for (size_t i = 0; i < read.count; i++) {
        read.targets[i] = (uint16_t)number_get(&in, 2);
        if (!sheds)
            continue;
        read.shed[i] = (uint16_t)number_get(&in, 2);
        read.felt[i] = (uint16_t)number_get(&in, 2);
    }
    *cell = read;
    *at += (size_t)(in - left.at);
    return true;
}
