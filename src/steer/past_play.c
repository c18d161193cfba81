// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"
#include "steer/past_priv.h"
#include "steer/share.h"

#define AGE_MOST INT64_C(100000000000000) // milliseconds: three thousand years

struct past_player {
    struct steer_rows *rows;
    struct check_facts *facts; // of the newest map
    struct wall epoch;
    struct steer_map *map; // NULL: none yet
};

static bool take_byte(struct slice *bytes, unsigned *byte)
{
    if (bytes->length == 0)
        return false;
    *byte = (unsigned char)bytes->at[0];
    *bytes = slice_from(*bytes, 1);
    return true;
}

bool past_take_number(struct slice *bytes, uint64_t *number)
{
    unsigned byte = 0;

    *number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (!take_byte(bytes, &byte))
            return false;
        *number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return shift < 63 || byte < 2;
    }
    return false;
}

static bool take_u64(struct slice *bytes, uint64_t *number)
{
    *number = 0;
    if (bytes->length < sizeof *number)
        return false;
    for (size_t i = 0; i < sizeof *number; i++)
        *number |= (uint64_t)(unsigned char)bytes->at[i] << 8 * i;
    *bytes = slice_from(*bytes, sizeof *number);
    return true;
}

static bool take_below(struct slice *bytes, uint64_t limit, uint64_t *number)
{
    return past_take_number(bytes, number) && *number < limit;
}

static bool checksum_is_right(struct slice record, struct slice sum, uint64_t at)
{
    uint32_t right = past_checksum(record, at);

    for (size_t i = 0; i < PAST_CHECKSUM_SIZE; i++)
        if ((unsigned char)sum.at[i] != (unsigned char)(right >> 8 * i))
            return false;
    return true;
}

bool past_read(struct past_reader *reader, struct past_record *record)
{
    struct slice start = slice_from(reader->bytes, reader->at), rest = start;
    uint64_t after_us = 0, length = 0;
    unsigned kind = 0;

    if (!take_byte(&rest, &kind) || kind >= PAST_KIND_COUNT ||
        !take_below(&rest, INT64_MAX / 4, &after_us) || !past_take_number(&rest, &length) ||
        !past_body_fits(length) || rest.length < length + PAST_CHECKSUM_SIZE)
        return false;
    size_t head = start.length - rest.length;

    if (!checksum_is_right(
            slice_head(start, head + length), slice_from(rest, length), reader->at) ||
        (kind == PAST_KEY) != (reader->at == 0) || reader->moment.us > INT64_MAX / 2)
        return false;
    *record =
        (struct past_record){ .kind = (enum past_kind)kind, .body = slice_head(rest, length) };
    reader->moment.us += (int64_t)after_us;
    record->at = reader->moment;
    reader->at += head + length + PAST_CHECKSUM_SIZE;
    return kind != PAST_KEY || (take_u64(&record->body, &record->release.release) &&
                                   take_u64(&record->body, &record->release.geo));
}

bool past_head_release(struct slice head, uint64_t *release)
{
    uint64_t number = 0;
    unsigned kind = 0;

    return take_byte(&head, &kind) && kind == PAST_KEY && past_take_number(&head, &number) &&
           past_take_number(&head, &number) && take_u64(&head, release);
}

/* Moves a number by as much as is written, within its limits. */
static bool take_move(struct slice *bytes, int64_t least, int64_t most, int64_t *number)
{
    uint64_t folded = 0;

    return past_take_number(bytes, &folded) &&
           !__builtin_add_overflow(*number, past_unfold(folded), number) && *number >= least &&
           *number <= most;
}

static bool take_fact(struct slice *bytes, enum report_kind kind, struct fact *fact)
{
    int64_t most = report_most(kind), sources = fact->sources, was = fact->value;
    unsigned bits = 0;

    if (!take_byte(bytes, &bits) || bits >= PAST_FACT_BITS)
        return false;
    if ((bits & PAST_VALUE) != 0 && !take_move(bytes, 0, most, &fact->value))
        return false;
    if ((bits & PAST_MOVES_ALIKE) != 0)
        fact->measured += fact->value - was;
    if ((bits & PAST_MEASURED) != 0 && !take_move(bytes, 0, most, &fact->measured))
        return false;
    if ((bits & PAST_SPREAD) != 0 && !take_move(bytes, 0, most, &fact->spread))
        return false;
    if ((bits & PAST_AGE) != 0 && !take_move(bytes, -AGE_MOST, AGE_MOST, &fact->age_ms))
        return false;
    if ((bits & PAST_SOURCES) != 0 && !take_move(bytes, 0, UINT32_MAX, &sources))
        return false;
    fact->sources = (unsigned)sources;
    return fact->measured >= 0 && fact->measured <= most;
}

static bool take_check(struct slice *bytes, struct check_facts *facts)
{
    const uint64_t limit = UINT64_C(1) << REPORT_KIND_COUNT;
    uint64_t all = 0, own = 0, alike = 0;

    if (!take_below(bytes, limit, &all) || !take_below(bytes, limit, &own) ||
        !take_below(bytes, limit, &alike))
        return false;
    for (unsigned i = 0; i < REPORT_KIND_COUNT; i++)
        if ((all & 1U << i) != 0 && !take_fact(bytes, (enum report_kind)i, &facts->all[i]))
            return false;
    for (unsigned i = 0; i < REPORT_KIND_COUNT; i++)
        if ((own & 1U << i) != 0 && !take_fact(bytes, (enum report_kind)i, &facts->own[i]))
            return false;
    for (unsigned i = 0; i < REPORT_KIND_COUNT; i++)
        if ((alike & 1U << i) != 0)
            facts->own[i] = facts->all[i];
    return true;
}

static bool take_facts(struct past_player *p, struct slice *bytes)
{
    size_t count = p->rows->checks->count;
    uint64_t same = 0;

    for (size_t i = 0;; i++) {
        if (!past_take_number(bytes, &same) || same > count - i)
            return false;
        i += same;
        if (i == count)
            return true;
        if (!take_check(bytes, &p->facts[i]))
            return false;
    }
}

static bool take_cell(struct slice *bytes, struct steer_cell *cell)
{
    unsigned count = 0, band = 0;

    if (!take_byte(bytes, &count) || !take_byte(bytes, &band))
        return false;
    bool sheds = (count & PAST_SHEDS) != 0;

    count &= ~(unsigned)PAST_SHEDS;
    if (count < 1 || count > STEER_CHOICES_MAX || band < 1 || band > count)
        return false;
    *cell = (struct steer_cell){ .count = (uint8_t)count, .band = (uint8_t)band };
    for (size_t i = 0; i < count; i++) {
        uint64_t target = 0, shed = 0, felt = 0;

        if (!take_below(bytes, UINT16_MAX + 1, &target) ||
            (sheds && (!take_below(bytes, STEER_SHED_ALL + 1, &shed) ||
                          !take_below(bytes, STEER_SHED_ALL + 1, &felt))))
            return false;
        cell->targets[i] = (uint16_t)target;
        cell->shed[i] = (uint16_t)shed;
        cell->felt[i] = (uint16_t)felt;
    }
    return true;
}

/* Leads to targets that there are, each once. */
static bool cell_is_of(const struct steer_row *row, const struct steer_cell *cell)
{
    for (size_t i = 0; i < cell->count; i++) {
        if (cell->targets[i] >= row->count)
            return false;
        for (size_t j = 0; j < i; j++)
            if (cell->targets[j] == cell->targets[i])
                return false;
    }
    return true;
}

static bool cells_are_of(const struct steer_rows *rows, const struct steer_map *map)
{
    for (size_t i = 0; i < map->class_count; i++) {
        const struct steer_cell *cells = &map->cells[map->class_at[i]];
        size_t count = map->class_is_narrow[i] ? 1 : map->cell_count;

        for (size_t k = 0; k < count; k++)
            if (!cell_is_of(rows->classes[i], &cells[k]))
                return false;
    }
    return true;
}

static bool take_cells(const struct past_player *p, struct slice *bytes, struct steer_map *map)
{
    size_t count = steer_map_cell_count(map);
    uint64_t told = 0, run = 0;

    if (!past_take_number(bytes, &told) || told != count)
        return false;
    for (size_t i = 0; i < count; i += run) {
        if (!past_take_number(bytes, &run) || run == 0 || run > count - i ||
            !take_cell(bytes, &map->cells[i]))
            return false;
        for (size_t k = 1; k < run; k++)
            map->cells[i + k] = map->cells[i];
    }
    if (!cells_are_of(p->rows, map))
        return false;
    share_seal(p->rows, map);
    return true;
}

static const struct facts *facts_of(const struct past_player *p, struct arena *arena)
{
    struct facts *facts = facts_none(arena, p->rows->checks->count);

    facts->epoch = p->epoch;
    if (facts->count > 0)
        memcpy(facts->checks, p->facts, facts->count * sizeof p->facts[0]);
    return facts;
}

static enum err play_map(struct past_player *p, struct slice *bytes)
{
    unsigned has_cells = 0;
    uint64_t hash = 0;
    struct arena arena;

    if (!take_move(bytes, 0, INT64_MAX / 2, &p->epoch.ms) || !take_byte(bytes, &has_cells) ||
        has_cells > 1 || (!has_cells && p->map == NULL) || !take_u64(bytes, &hash) ||
        !take_facts(p, bytes))
        return ERR_PARSE;
    arena_init(&arena, SIZE_MAX);
    const struct facts *facts = facts_of(p, &arena);
    struct steer_map *map = has_cells ? steer_map_blank(p->rows, &arena, facts)
                                      : steer_plan(p->rows, &arena, facts, p->map);
    bool is_well = !has_cells || take_cells(p, bytes, map);

    steer_map_free(p->map);
    p->map = map;
    if (!is_well || bytes->length > 0)
        return ERR_PARSE;
    return map->hash == hash ? ERR_NONE : ERR_STALE;
}

static void set_health(struct past_player *p, uint64_t check, unsigned health)
{
    atomic_store_explicit(&p->rows->health[check], (uint8_t)health, memory_order_relaxed);
}

/* All at once: the ill ones, each behind the number of those that are well. */
static bool take_all_health(struct past_player *p, struct slice *bytes)
{
    size_t count = p->rows->checks->count;
    uint64_t told = 0, well = 0;
    unsigned health = 0;

    if (!past_take_number(bytes, &told) || told != count)
        return false;
    for (size_t i = 0; i < count; i++)
        set_health(p, i, 0);
    for (size_t i = 0;; i++) {
        if (!past_take_number(bytes, &well) || well > count - i)
            return false;
        i += well;
        if (i == count)
            return true;
        if (!take_byte(bytes, &health))
            return false;
        set_health(p, i, health);
    }
}

static enum err play_key(struct past_player *p, struct slice *bytes)
{
    size_t count = p->rows->checks->count;

    steer_map_free(p->map);
    p->map = NULL;
    p->epoch = (struct wall){ 0 };
    if (count > 0)
        memset(p->facts, 0, count * sizeof p->facts[0]);
    return take_all_health(p, bytes) ? play_map(p, bytes) : ERR_PARSE;
}

static enum err play_health(struct past_player *p, struct slice *bytes)
{
    uint64_t check = 0;
    unsigned health = 0;

    if (!take_below(bytes, p->rows->checks->count, &check) || !take_byte(bytes, &health) ||
        bytes->length > 0)
        return ERR_PARSE;
    set_health(p, check, health);
    return ERR_NONE;
}

static enum err play(struct past_player *p, const struct past_record *record)
{
    struct slice bytes = record->body;

    if (record->kind == PAST_KEY)
        return play_key(p, &bytes);
    if (p->map == NULL)
        return ERR_PARSE;
    switch (record->kind) {
    case PAST_MAP: return play_map(p, &bytes);
    case PAST_HEALTH: return play_health(p, &bytes);
    case PAST_KEY:
    case PAST_TICK:
    case PAST_KIND_COUNT: break;
    }
    return bytes.length == 0 ? ERR_NONE : ERR_PARSE;
}

enum err past_play(struct past_player *player, const struct past_record *record)
{
    enum err err = play(player, record);

    if (err != ERR_NONE) {
        steer_map_free(player->map);
        player->map = NULL;
    }
    return err;
}

struct past_player *past_player_new(struct steer_rows *rows)
{
    struct past_player *p = mem_new(struct past_player);

    p->rows = rows;
    p->facts = mem_array(rows->checks->count + 1, sizeof *p->facts);
    return p;
}

void past_player_free(struct past_player *player)
{
    if (player == NULL)
        return;
    steer_map_free(player->map);
    mem_free(player->facts);
    mem_free(player);
}

const struct steer_map *past_player_map(const struct past_player *player)
{
    return player->map;
}
