// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

#include "base/attr.h"
#include "base/hash.h"
#include "base/mem.h"
#include "steer/past_priv.h"

enum { ROOM_FIRST = 4096 };

uint32_t past_checksum(struct slice record, uint64_t at)
{
    return (uint32_t)hash_bytes(record, hash_mix(at));
}

static void room_for(struct past_writer *w, size_t more)
{
    if (w->room - w->length >= more)
        return;
    w->room = 2 * w->room + more + ROOM_FIRST;
    w->bytes = mem_resize(w->bytes, w->room);
}

static void put_byte(struct past_writer *w, unsigned byte)
{
    room_for(w, 1);
    w->bytes[w->length++] = (char)byte;
}

static void put_number(struct past_writer *w, uint64_t number)
{
    room_for(w, PAST_NUMBER_MOST);
    for (; number > 0x7f; number >>= 7)
        w->bytes[w->length++] = (char)(number | 0x80);
    w->bytes[w->length++] = (char)number;
}

static void put_signed(struct past_writer *w, int64_t number)
{
    put_number(w, past_fold(number));
}

static void put_u64(struct past_writer *w, uint64_t number)
{
    room_for(w, sizeof number);
    for (size_t i = 0; i < sizeof number; i++)
        w->bytes[w->length++] = (char)(number >> 8 * i);
}

void past_writer_init(struct past_writer *writer)
{
    *writer = (struct past_writer){ 0 };
}

void past_writer_done(struct past_writer *writer)
{
    mem_free(writer->bytes);
    mem_free(writer->facts);
    *writer = (struct past_writer){ 0 };
}

/* A record in the making: its body is written behind room for the longest head. */
struct making {
    enum past_kind kind;
    size_t begin, body; // in the writer's bytes
    int64_t after_us;
};

static struct making record_begin(struct past_writer *w, enum past_kind kind, struct moment at)
{
    struct making m = { .kind = kind, .begin = w->length };

    if (kind == PAST_KEY)
        w->at.us = 0;
    m.after_us = at.us > w->at.us ? at.us - w->at.us : 0;
    w->at.us += m.after_us;
    room_for(w, 1 + 2 * PAST_NUMBER_MOST);
    w->length += 1 + 2 * PAST_NUMBER_MOST;
    m.body = w->length;
    return m;
}

/* Puts the head before the body, and moves that up to it. */
static void record_end(struct past_writer *w, const struct making *m)
{
    size_t body_bytes = w->length - m->body;

    assert(past_body_fits(body_bytes));
    w->length = m->begin;
    put_byte(w, m->kind);
    put_number(w, (uint64_t)m->after_us);
    put_number(w, body_bytes);
    memmove(w->bytes + w->length, w->bytes + m->body, body_bytes);
    w->length += body_bytes;
    uint32_t sum =
        past_checksum(slice_of(w->bytes + m->begin, w->length - m->begin), w->total_bytes);

    room_for(w, sizeof sum);
    for (size_t i = 0; i < sizeof sum; i++)
        w->bytes[w->length++] = (char)(sum >> 8 * i);
    w->total_bytes += w->length - m->begin;
}

static bool fact_is(const struct fact *a, const struct fact *b)
{
    return a->value == b->value && a->measured == b->measured && a->spread == b->spread &&
           a->age_ms == b->age_ms && a->sources == b->sources;
}

static void put_fact(struct past_writer *w, const struct fact *was, const struct fact *is)
{
    const int64_t moves[] = { is->value - was->value, is->measured - was->measured,
        is->spread - was->spread, is->age_ms - was->age_ms,
        (int64_t)is->sources - (int64_t)was->sources };
    unsigned bits = 0;

    for (unsigned i = 0; i < COUNT_OF(moves); i++)
        bits |= moves[i] != 0 ? 1U << i : 0;
    if (moves[0] != 0 && moves[0] == moves[1])
        bits = (bits & ~(unsigned)PAST_MEASURED) | PAST_MOVES_ALIKE;
    put_byte(w, bits);
    for (unsigned i = 0; i < COUNT_OF(moves); i++)
        if ((bits & 1U << i) != 0)
            put_signed(w, moves[i]);
}

/* What is new in one check; of its own facts, those that are the same as the common ones are not
 * written twice. */
static void put_check(
    struct past_writer *w, const struct check_facts *was, const struct check_facts *is)
{
    unsigned all = 0, own = 0, alike = 0;

    for (unsigned i = 0; i < REPORT_KIND_COUNT; i++) {
        if (!fact_is(&was->all[i], &is->all[i]))
            all |= 1U << i;
        if (fact_is(&was->own[i], &is->own[i]))
            continue;
        if (fact_is(&is->own[i], &is->all[i]))
            alike |= 1U << i;
        else
            own |= 1U << i;
    }
    put_number(w, all);
    put_number(w, own);
    put_number(w, alike);
    for (unsigned i = 0; i < REPORT_KIND_COUNT; i++)
        if ((all & 1U << i) != 0)
            put_fact(w, &was->all[i], &is->all[i]);
    for (unsigned i = 0; i < REPORT_KIND_COUNT; i++)
        if ((own & 1U << i) != 0)
            put_fact(w, &was->own[i], &is->own[i]);
}

static bool check_is(const struct check_facts *a, const struct check_facts *b)
{
    for (size_t i = 0; i < REPORT_KIND_COUNT; i++)
        if (!fact_is(&a->all[i], &b->all[i]) || !fact_is(&a->own[i], &b->own[i]))
            return false;
    return true;
}

/* Each check that is another than before, behind the number of those that are not; at the end, the
 * number of those that are left. */
static void put_facts(struct past_writer *w, const struct facts *facts)
{
    uint64_t same = 0;

    assert(facts->count == w->check_count);
    for (size_t i = 0; i < facts->count; i++) {
        if (check_is(&w->facts[i], &facts->checks[i])) {
            same++;
            continue;
        }
        put_number(w, same);
        put_check(w, &w->facts[i], &facts->checks[i]);
        w->facts[i] = facts->checks[i];
        same = 0;
    }
    put_number(w, same);
}

static bool cell_is(const struct steer_cell *a, const struct steer_cell *b)
{
    if (a->count != b->count || a->band != b->band)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->targets[i] != b->targets[i] || a->shed[i] != b->shed[i] || a->felt[i] != b->felt[i])
            return false;
    return true;
}

static void put_cell(struct past_writer *w, const struct steer_cell *cell)
{
    bool sheds = false;

    for (size_t i = 0; i < cell->count; i++)
        sheds |= cell->shed[i] != 0 || cell->felt[i] != 0;
    put_byte(w, cell->count | (sheds ? (unsigned)PAST_SHEDS : 0));
    put_byte(w, cell->band);
    for (size_t i = 0; i < cell->count; i++) {
        put_number(w, cell->targets[i]);
        if (!sheds)
            continue;
        put_number(w, cell->shed[i]);
        put_number(w, cell->felt[i]);
    }
}

/* Neighbours mostly have the same answers: how often a cell stands there, and the cell. */
static void put_cells(struct past_writer *w, const struct steer_map *map)
{
    size_t count = steer_map_cell_count(map), run;

    put_number(w, count);
    for (size_t i = 0; i < count; i += run) {
        for (run = 1; i + run < count && cell_is(&map->cells[i], &map->cells[i + run]);)
            run++;
        put_number(w, run);
        put_cell(w, &map->cells[i]);
    }
}

/* What a map is by: its epoch and hash, and what its facts have that those before had not. */
static void put_map(struct past_writer *w, const struct steer_map *map, bool has_cells)
{
    put_signed(w, map->epoch.ms - w->epoch.ms);
    w->epoch = map->epoch;
    put_byte(w, has_cells);
    put_u64(w, map->hash);
    put_facts(w, map->facts);
    if (has_cells)
        put_cells(w, map);
}

static void facts_forget(struct past_writer *w, size_t check_count)
{
    mem_free(w->facts);
    w->facts = mem_array(check_count + 1, sizeof *w->facts);
    w->check_count = check_count;
    w->epoch = (struct wall){ 0 };
}

void past_write_key(struct past_writer *writer, struct moment at,
    const struct past_release *release, const struct steer_map *map, const uint8_t *health)
{
    size_t count = map->facts->count, same = 0;

    facts_forget(writer, count);
    writer->total_bytes = 0;
    writer->map_count = 0;
    struct making making = record_begin(writer, PAST_KEY, at);

    put_u64(writer, release->release);
    put_u64(writer, release->geo);
    put_number(writer, count);
    for (size_t i = 0; i < count; i++, same++) {
        if (health[i] == 0)
            continue;
        put_number(writer, same);
        put_byte(writer, health[i]);
        same = (size_t)-1;
    }
    put_number(writer, same);
    put_map(writer, map, true);
    record_end(writer, &making);
    writer->key_bytes = writer->total_bytes;
}

void past_write_map(
    struct past_writer *writer, struct moment at, const struct steer_map *map, bool is_planned)
{
    struct making making = record_begin(writer, PAST_MAP, at);

    put_map(writer, map, !is_planned);
    record_end(writer, &making);
    writer->map_count++;
}

void past_write_health(struct past_writer *writer, struct moment at, uint32_t check, uint8_t health)
{
    struct making making = record_begin(writer, PAST_HEALTH, at);

    put_number(writer, check);
    put_byte(writer, health);
    record_end(writer, &making);
}

void past_write_tick(struct past_writer *writer, struct moment at)
{
    struct making making = record_begin(writer, PAST_TICK, at);

    record_end(writer, &making);
}

bool past_writer_is_long(const struct past_writer *writer)
{
    return writer->map_count >= PAST_MAPS_MAX ||
           (writer->map_count >= PAST_MAPS_LEAST && writer->total_bytes >= 2 * writer->key_bytes);
}
