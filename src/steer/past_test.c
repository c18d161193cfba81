// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"
#include "steer/past_priv.h"
#include "steer/pick.h"
#include "steer/share_world_test.h"

enum { EPOCHS = 100, STEPS = 3 * EPOCHS, BEGIN_US = 1700000000 };

/* A node's life, written down, with what it was at each step. */
struct life {
    struct share_world world;
    struct past_writer writer;
    struct moment at[STEPS];
    uint64_t hash[STEPS];
    uint8_t health[STEPS][SHARE_CHECKS];
    struct facts *facts[STEPS];
    size_t steps;
};

static const struct past_release RELEASE = { 0x1122334455667788, 3 };

static void note(struct life *l, struct moment at)
{
    size_t bytes = sizeof *l->facts[0] + l->world.checks->count * sizeof(struct check_facts);

    l->at[l->steps] = at;
    l->hash[l->steps] = l->world.map->hash;
    for (uint32_t i = 0; i < l->world.checks->count; i++)
        l->health[l->steps][i] = steer_health(l->world.rows, i);
    l->facts[l->steps] = mem_alloc(bytes);
    memcpy(l->facts[l->steps++], l->world.map->facts, bytes);
}

static const uint8_t *health_of(struct life *l)
{
    static uint8_t health[SHARE_CHECKS];

    for (uint32_t i = 0; i < l->world.checks->count; i++)
        health[i] = steer_health(l->world.rows, i);
    return health;
}

/* Maps of each epoch, some taken over from elsewhere, and in between somebody falls ill. */
static void live(struct life *l, size_t epochs)
{
    struct moment at = { BEGIN_US };

    *l = (struct life){ .steps = 0 };
    share_world_init(&l->world, 0);
    past_writer_init(&l->writer);
    share_world_draw(&l->world, 1);
    share_world_plan(&l->world);
    steer_health_set(l->world.rows, 0, STEER_DRAINED, true);
    past_write_key(&l->writer, at, &RELEASE, l->world.map, health_of(l));
    note(l, at);
    for (size_t i = 1; i < epochs; i++) {
        uint32_t check = (uint32_t)(i % l->world.checks->count);

        at.us += 4000001;
        if (i % 7 == 0)
            share_world_draw(&l->world, i);
        else
            share_world_near(&l->world, i / 2); // every other epoch has no news
        share_world_plan(&l->world);
        bool is_foreign = i % 5 == 0;

        if (is_foreign)
            l->world.map->cells[l->world.map->class_at[0]].shed[0] = (uint16_t)(100 * i);
        share_seal(l->world.rows, l->world.map);
        past_write_map(&l->writer, at, l->world.map, !is_foreign);
        note(l, at);
        at.us += 70;
        steer_health_set(l->world.rows, check, STEER_DOWN, i % 2 == 0);
        past_write_health(&l->writer, at, check, steer_health(l->world.rows, check));
        note(l, at);
    }
}

static void end(struct life *l)
{
    for (size_t i = 0; i < l->steps; i++)
        mem_free(l->facts[i]);
    past_writer_done(&l->writer);
    share_world_done(&l->world);
}

static struct past_reader reader_of(const struct life *l)
{
    return (struct past_reader){ .bytes = slice_of(l->writer.bytes, l->writer.length) };
}

static void check_state(const struct life *l, size_t step, const struct share_world *copy,
    const struct past_player *player)
{
    const struct steer_map *map = past_player_map(player);

    assert_int_equal(map->hash, l->hash[step]);
    assert_int_equal(map->epoch.ms, l->facts[step]->epoch.ms);
    assert_memory_equal(map->facts->checks, l->facts[step]->checks,
        copy->checks->count * sizeof(struct check_facts));
    for (uint32_t i = 0; i < copy->checks->count; i++)
        assert_int_equal(steer_health(copy->rows, i), l->health[step][i]);
}

static void each_moment_is_played_as_it_was(void **)
{
    static struct life l;
    struct share_world copy;
    struct past_record record;
    size_t step = 0;

    live(&l, EPOCHS);
    share_world_init(&copy, 0);
    struct past_player *player = past_player_new(copy.rows);
    struct past_reader reader = reader_of(&l);

    for (; past_read(&reader, &record); step++) {
        assert_int_equal(record.kind == PAST_KEY, step == 0);
        assert_int_equal(record.at.us, l.at[step].us);
        assert_int_equal(past_play(player, &record), ERR_NONE);
        check_state(&l, step, &copy, player);
    }
    assert_int_equal(step, l.steps);
    assert_int_equal(reader.at, l.writer.length);
    past_player_free(player);
    share_world_done(&copy);
    end(&l);
}

static void the_key_says_of_which_release_and_geography_it_is(void **)
{
    static struct life l;
    struct past_record record;

    live(&l, 1);
    struct past_reader reader = reader_of(&l);

    assert_true(past_read(&reader, &record));
    assert_int_equal(record.release.release, RELEASE.release);
    assert_int_equal(record.release.geo, RELEASE.geo);
    assert_false(past_read(&reader, &record));
    end(&l);
}

/* Wherever a crash or a disk cuts or changes it, what is before is good and what is behind is not
 * looked at. */
static void what_was_torn_or_damaged_ends_it(void **)
{
    static struct life l;
    struct past_record record;

    live(&l, 6);
    size_t ends[STEPS] = { 0 }, count = 0;
    struct past_reader reader = reader_of(&l);

    while (past_read(&reader, &record))
        ends[count++] = reader.at;
    assert_int_equal(count, l.steps);
    for (size_t cut = 0; cut < l.writer.length; cut++) {
        size_t whole = 0, read = 0;
        struct past_reader torn = { .bytes = slice_of(l.writer.bytes, cut) };

        while (ends[whole] <= cut)
            whole++;
        while (past_read(&torn, &record))
            read++;
        assert_int_equal(read, whole);
        l.writer.bytes[cut] ^= 0x10;
        torn = reader_of(&l);
        for (read = 0; past_read(&torn, &record);)
            read++;
        assert_true(read <= whole);
        l.writer.bytes[cut] ^= 0x10;
    }
    end(&l);
}

/* A record that is put where it does not belong has another checksum: here the second of two that
 * say the same, in the place of the first. */
static void a_record_in_another_place_is_none(void **)
{
    static struct life l;
    struct past_record record;

    live(&l, 1);
    past_write_tick(&l.writer, (struct moment){ BEGIN_US + 7 });
    past_write_tick(&l.writer, (struct moment){ BEGIN_US + 14 });
    struct past_reader reader = reader_of(&l);

    assert_true(past_read(&reader, &record));
    size_t first = reader.at;

    assert_true(past_read(&reader, &record));
    size_t second = reader.at;

    assert_true(past_read(&reader, &record));
    assert_int_equal(reader.at - second, second - first);
    memmove(l.writer.bytes + first, l.writer.bytes + second, second - first);
    reader = reader_of(&l);
    assert_true(past_read(&reader, &record));
    assert_false(past_read(&reader, &record));
    end(&l);
}

static void the_largest_record_that_is_written_is_read(void **)
{
    assert_true(past_body_fits(PAST_RECORD_MAX));
    assert_false(past_body_fits((uint64_t)PAST_RECORD_MAX + 1));
}

/* With its checksum, as only a stranger would write it. */
static void a_length_beyond_what_there_is_is_no_record(void **)
{
    static const uint64_t LENGTHS[] = { 20, PAST_RECORD_MAX, UINT64_MAX - 2 };

    for (size_t i = 0; i < COUNT_OF(LENGTHS); i++) {
        char bytes[64] = { PAST_KEY, 0 };
        struct past_record record;
        size_t head = 2;

        for (uint64_t rest = LENGTHS[i]; rest > 0; rest >>= 7)
            bytes[head++] = (char)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
        uint32_t sum = past_checksum(slice_of(bytes, head + 16), 0);

        for (size_t k = 0; k < PAST_CHECKSUM_SIZE; k++)
            bytes[head + 16 + k] = (char)(sum >> 8 * k);
        struct past_reader reader = { .bytes = slice_of(bytes, head + 16 + PAST_CHECKSUM_SIZE) };

        assert_false(past_read(&reader, &record));
    }
}

static void a_map_that_is_planned_otherwise_now_is_refused(void **)
{
    static struct life l;
    struct share_world copy;
    struct past_record record;
    char other[256];

    live(&l, 3);
    share_world_init(&copy, 0);
    struct past_player *player = past_player_new(copy.rows);
    struct past_reader reader = reader_of(&l);

    assert_true(past_read(&reader, &record));
    assert_int_equal(past_play(player, &record), ERR_NONE);
    assert_true(past_read(&reader, &record) && record.kind == PAST_MAP);
    assert_true(record.body.length < sizeof other);
    memcpy(other, record.body.at, record.body.length);
    other[3] ^= 1; // of the hash, as if this program planned otherwise than the one that wrote it
    record.body.at = other;
    assert_int_equal(past_play(player, &record), ERR_STALE);
    assert_null(past_player_map(player));
    past_player_free(player);
    share_world_done(&copy);
    end(&l);
}

static void the_release_of_a_segment_is_in_its_first_bytes(void **)
{
    static struct life l;
    uint64_t release = 0;

    live(&l, 1);
    assert_true(past_head_release(slice_of(l.writer.bytes, 40), &release));
    assert_int_equal(release, RELEASE.release);
    assert_false(past_head_release(slice_of(l.writer.bytes, 8), &release));
    assert_false(past_head_release(SLICE("something else that is no segment"), &release));
    end(&l);
}

static void nothing_is_played_before_a_key(void **)
{
    static struct life l;
    struct past_record record;

    live(&l, 2);
    struct past_player *player = past_player_new(l.world.rows);
    struct past_reader reader = reader_of(&l);

    assert_null(past_player_map(player));
    assert_true(past_read(&reader, &record) && past_read(&reader, &record));
    assert_int_equal(past_play(player, &record), ERR_PARSE);
    assert_null(past_player_map(player));
    past_player_free(player);
    end(&l);
}

static void time_does_not_go_back(void **)
{
    static struct life l;
    struct past_record record;
    int64_t newest = BEGIN_US;

    live(&l, 1);
    past_write_tick(&l.writer, (struct moment){ BEGIN_US - 5 });
    past_write_tick(&l.writer, (struct moment){ BEGIN_US + 9 });
    struct past_reader reader = reader_of(&l);

    while (past_read(&reader, &record)) {
        assert_true(record.at.us >= newest);
        newest = record.at.us;
    }
    assert_int_equal(newest, BEGIN_US + 9);
    end(&l);
}

static void a_segment_ends_when_it_is_long(void **)
{
    static struct life l;
    size_t maps = 0;

    live(&l, 1);
    while (!past_writer_is_long(&l.writer)) {
        share_world_plan(&l.world);
        past_write_map(&l.writer, (struct moment){ BEGIN_US + (int64_t)maps++ }, l.world.map, true);
    }
    assert_true(maps >= PAST_MAPS_LEAST && maps <= PAST_MAPS_MAX);
    past_write_key(&l.writer, (struct moment){ BEGIN_US }, &RELEASE, l.world.map, health_of(&l));
    assert_false(past_writer_is_long(&l.writer));
    end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_moment_is_played_as_it_was),
        cmocka_unit_test(the_key_says_of_which_release_and_geography_it_is),
        cmocka_unit_test(what_was_torn_or_damaged_ends_it),
        cmocka_unit_test(a_record_in_another_place_is_none),
        cmocka_unit_test(the_largest_record_that_is_written_is_read),
        cmocka_unit_test(a_length_beyond_what_there_is_is_no_record),
        cmocka_unit_test(a_map_that_is_planned_otherwise_now_is_refused),
        cmocka_unit_test(the_release_of_a_segment_is_in_its_first_bytes),
        cmocka_unit_test(nothing_is_played_before_a_key),
        cmocka_unit_test(time_does_not_go_back),
        cmocka_unit_test(a_segment_ends_when_it_is_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
