// SPDX-License-Identifier: Apache-2.0
#include "meter/usage_past.h"

#include "base/mem.h"
#include "io/file.h"
#include "meter/usage_file.h"

enum { SLOTS_FIRST = 32 };

struct reading {
    struct usage_past *past;
    const struct usage_file_header *header;
    char *chunk;
    size_t room; // for slots
};

static bool has_counted(const struct usage_totals *totals)
{
    for (int kind = 0; kind < USAGE_KIND_COUNT; kind++)
        if (totals->of[kind] > 0)
            return true;
    return false;
}

static void keep(struct reading *r, const struct usage_slot *slot)
{
    struct usage_past *past = r->past;

    if (past->boot.slots == r->room) {
        r->room = r->room == 0 ? SLOTS_FIRST : 2 * r->room;
        past->slots = mem_resize(past->slots, r->room * sizeof *past->slots);
    }
    past->slots[past->boot.slots++] = (struct usage_slot){
        .customer = arena_copy(&past->arena, slot->customer),
        .site = arena_copy(&past->arena, slot->site),
        .totals = slot->totals,
    };
}

static void read_slot(struct reading *r, size_t at)
{
    const struct usage_names *names = usage_chunk_names(r->chunk, at);
    struct usage_slot slot;

    if (!usage_names_are_whole(names) ||
        !usage_lines_sum(usage_chunk_lines(r->chunk, at), r->header->workers, &slot.totals)) {
        r->past->broken++;
        return;
    }
    slot.customer = usage_names_customer(names);
    slot.site = usage_names_site(names);
    if (has_counted(&slot.totals))
        keep(r, &slot);
}

static void read_slots(struct reading *r, int fd, size_t slots)
{
    size_t chunk_bytes = usage_chunk_bytes(r->header->workers);
    uint64_t from = USAGE_FILE_HEADER;

    for (size_t left = slots; left > 0; from += chunk_bytes) {
        size_t length = 0, here = left < USAGE_CHUNK_SLOTS ? left : USAGE_CHUNK_SLOTS;

        if (file_read(fd, r->chunk, chunk_bytes, from, &length) != ERR_NONE ||
            length < chunk_bytes) {
            r->past->broken += left;
            return;
        }
        for (size_t i = 0; i < here; i++)
            read_slot(r, i);
        left -= here;
    }
}

/* As a file is between being made and its header. */
static bool is_blank(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

enum err usage_past_read(int fd, struct usage_past **past)
{
    _Alignas(struct usage_file_header) char room[sizeof(struct usage_file_header)];
    const struct usage_file_header *header = (const void *)room;
    size_t length = 0;

    TRY(file_read(fd, room, sizeof room, 0, &length));
    if (is_blank(room, length))
        return ERR_MISSING;
    if (length < sizeof room || !usage_file_header_is_ours(header))
        return ERR_PARSE;
    struct usage_past *made = mem_new(struct usage_past);
    struct reading r = { .past = made, .header = header };
    size_t slots = atomic_load(&header->slots);
    int64_t seen_ms = atomic_load(&header->seen_ms);

    char *room_of_chunk = mem_alloc(usage_chunk_bytes(header->workers) + CACHE_LINE_BYTES);

    r.chunk = room_of_chunk + -(uintptr_t)room_of_chunk % CACHE_LINE_BYTES; // as lines are aligned
    arena_init(&made->arena, SIZE_MAX);
    made->boot = (struct usage_boot){ .boot = header->boot, .begin = { header->begin_ms } };
    made->boot.end.ms =
        seen_ms < header->begin_ms || seen_ms > USAGE_WALL_MAX.ms ? header->begin_ms : seen_ms;
    if (slots > USAGE_SLOTS_MAX) { // as many as there are
        slots = USAGE_SLOTS_MAX;
        made->broken++;
    }
    read_slots(&r, fd, slots);
    mem_free(room_of_chunk);
    *past = made;
    return ERR_NONE;
}

void usage_past_free(struct usage_past *past)
{
    if (past == NULL)
        return;
    arena_done(&past->arena);
    mem_free(past->slots);
    mem_free(past->path);
    mem_free(past);
}
