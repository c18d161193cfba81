// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "wire/map_part.h"

static const struct map_part HEAD = { .kind = MAP_PART,
    .release = UINT64_C(0x0102030405060708),
    .hash = UINT64_C(0x1112131415161718),
    .holder = UINT64_C(0x2122232425262728),
    .total = 0x0a0b0c0d,
    .first = 0x01020304 };

static const struct map_part_cell QUIET = { .count = 2, .band = 1, .targets = { 0x0102, 3 } };
static const struct map_part_cell LOADED = {
    .count = 1, .band = 1, .targets = { 7 }, .shed = { 0x0809 }, .felt = { 0x0a0b }
};

/* What they are on the wire. */
static const unsigned char ASK[MAP_ASK_SIZE] = { 'w', 'p', 'm', 1, 0,               //
    1, 2, 3, 4, 5, 6, 7, 8,                                                         // release
    0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,                                 // hash
    0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28 };                               // holder
static const unsigned char PART[MAP_PART_CELLS_AT + 6 + 8] = { 'w', 'p', 'm', 1, 1, //
    1, 2, 3, 4, 5, 6, 7, 8,                                                         // release
    0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,                                 // hash
    0x0a, 0x0b, 0x0c, 0x0d,            // cells of the whole
    1, 2, 3, 4,                        // the first here
    0, 0, 0, 2,                        // how many
    2, 1, 1, 2, 0, 3,                  // two choices
    0x81, 1, 0, 7, 8, 9, 0x0a, 0x0b }; // one that sheds

enum { CELLS_AT = MAP_PART_CELLS_AT };

static struct slice part_of(const struct map_part *head, char *out, size_t room)
{
    struct map_part_writer writer;

    map_part_begin(&writer, out, room, head);
    assert_true(map_part_add(&writer, &QUIET));
    assert_true(map_part_add(&writer, &LOADED));
    return map_part_end(&writer);
}

/* PART with one byte set to something else. */
static bool is_read_with(size_t at, unsigned char byte)
{
    unsigned char bytes[sizeof PART];
    struct map_part part;

    memcpy(bytes, PART, sizeof PART);
    bytes[at] = byte;
    return map_part_parse(slice_of(bytes, sizeof bytes), &part);
}

/* How many cells of PART are well formed with one byte set to something else. */
static unsigned cells_with(size_t at, unsigned char byte)
{
    unsigned char bytes[sizeof PART];
    struct map_part_cell cell;
    struct map_part part;
    unsigned count = 0;

    memcpy(bytes, PART, sizeof PART);
    bytes[at] = byte;
    assert_true(map_part_parse(slice_of(bytes, sizeof bytes), &part));
    for (size_t from = 0; map_part_next(&part, &from, &cell);)
        count++;
    return count;
}

static void both_are_the_same_bytes_on_every_machine(void **)
{
    char out[sizeof PART];
    struct slice bytes = map_ask_write(out, &HEAD);

    assert_int_equal(bytes.length, sizeof ASK);
    assert_memory_equal(bytes.at, ASK, sizeof ASK);
    bytes = part_of(&HEAD, out, sizeof out);
    assert_int_equal(bytes.length, sizeof PART);
    assert_memory_equal(bytes.at, PART, sizeof PART);
}

static void what_was_written_is_read_again(void **)
{
    struct map_part part;
    struct map_part_cell cell;
    size_t at = 0;

    assert_true(map_part_parse(slice_of(ASK, sizeof ASK), &part));
    assert_int_equal(part.kind, MAP_ASK);
    assert_true(part.release == HEAD.release && part.hash == HEAD.hash);
    assert_true(part.holder == HEAD.holder);
    assert_true(map_part_parse(slice_of(PART, sizeof PART), &part));
    assert_int_equal(part.kind, MAP_PART);
    assert_true(part.release == HEAD.release && part.hash == HEAD.hash);
    assert_true(part.total == HEAD.total && part.first == HEAD.first && part.count == 2);
    assert_true(map_part_next(&part, &at, &cell));
    assert_memory_equal(&cell, &QUIET, sizeof cell);
    assert_true(map_part_next(&part, &at, &cell));
    assert_memory_equal(&cell, &LOADED, sizeof cell);
    assert_int_equal(at, part.cells.length);
    assert_false(map_part_next(&part, &at, &cell));
}

static void what_is_cut_short_or_longer_than_it_says_is_refused(void **)
{
    char longer[sizeof ASK + 1] = { 0 };
    struct map_part part;

    memcpy(longer, ASK, sizeof ASK);
    assert_false(map_part_parse(slice_of(longer, sizeof longer), &part));
    for (size_t length = 0; length < sizeof ASK; length++)
        assert_false(map_part_parse(slice_of(ASK, length), &part));
    for (size_t length = 0; length < CELLS_AT + 2 * MAP_PART_CELL_LEAST; length++)
        assert_false(map_part_parse(slice_of(PART, length), &part));
    assert_true(map_part_parse(slice_of(PART, sizeof PART - 1), &part)); // the cell will tell
    assert_int_equal(part.cells.length, sizeof PART - 1 - CELLS_AT);
}

static void what_is_cut_short_has_no_last_cell(void **)
{
    struct map_part_cell cell;
    struct map_part part;
    size_t at = 0;

    for (size_t cut = 1; cut < 7; cut++, at = 0) {
        assert_true(map_part_parse(slice_of(PART, sizeof PART - cut), &part) == (cut < 7));
        assert_true(map_part_next(&part, &at, &cell));
        assert_false(map_part_next(&part, &at, &cell));
        assert_int_equal(at, 6);
    }
}

static void other_kinds_and_versions_are_refused(void **)
{
    assert_true(is_read_with(4, MAP_PART));
    assert_false(is_read_with(0, 'W'));
    assert_false(is_read_with(3, 2));
    assert_false(is_read_with(4, MAP_ASK)); // which has one length alone
    assert_false(is_read_with(4, 2));
}

static void cells_lie_within_the_whole_and_there_are_some(void **)
{
    const size_t total = 21, first = 25, count = 29;
    struct map_part head = HEAD, part;
    char out[sizeof PART];

    assert_false(is_read_with(first, 0x0b)); // behind the last
    assert_false(is_read_with(total, 0));
    assert_false(is_read_with(count, 1));     // more than have room
    assert_false(is_read_with(count + 3, 0)); // none
    assert_false(is_read_with(count + 3, 4)); // more than have room
    assert_true(is_read_with(count + 3, 3));  // could be
    head.total = 10;
    head.first = 8;
    assert_true(map_part_parse(part_of(&head, out, sizeof out), &part));
    head.first = 9;
    assert_false(map_part_parse(part_of(&head, out, sizeof out), &part));
}

static void more_bytes_than_the_cells_could_take_are_refused(void **)
{
    char out[CELLS_AT + 2 * MAP_PART_CELL_MOST + 1] = { 0 };
    struct map_part part;

    part_of(&HEAD, out, sizeof out);
    assert_true(map_part_parse(slice_of(out, sizeof out - 1), &part));
    assert_false(map_part_parse(slice_of(out, sizeof out), &part));
}

static void a_cell_has_one_to_eight_choices_and_its_band_among_them(void **)
{
    const size_t shape = CELLS_AT, band = CELLS_AT + 1;

    assert_int_equal(cells_with(shape, 2), 2);
    assert_int_equal(cells_with(shape, 0), 0);
    assert_int_equal(cells_with(shape, MAP_PART_SHEDS), 0);
    assert_int_equal(cells_with(shape, 9), 0);
    assert_int_equal(cells_with(shape, 0x41), 0);
    assert_int_equal(cells_with(band, 2), 2);
    assert_int_equal(cells_with(band, 0), 0);
    assert_int_equal(cells_with(band, 3), 0);
}

static void a_full_part_stands_without_what_has_no_room(void **)
{
    char out[sizeof PART];
    struct map_part_writer writer;
    struct map_part part;

    map_part_begin(&writer, out, sizeof PART - 1, &HEAD);
    assert_true(map_part_add(&writer, &QUIET));
    assert_false(map_part_add(&writer, &LOADED));
    assert_true(map_part_parse(map_part_end(&writer), &part));
    assert_int_equal(part.count, 1);
    assert_int_equal(part.cells.length, 6);
}

static void what_was_shed_and_is_still_felt_is_told(void **)
{
    struct map_part_cell felt = QUIET, cell;
    char out[CELLS_AT + MAP_PART_CELL_MOST];
    struct map_part_writer writer;
    struct map_part part;
    size_t at = 0;

    felt.felt[1] = 9;
    map_part_begin(&writer, out, sizeof out, &HEAD);
    assert_true(map_part_add(&writer, &felt));
    assert_true(map_part_parse(map_part_end(&writer), &part));
    assert_true(map_part_next(&part, &at, &cell));
    assert_memory_equal(&cell, &felt, sizeof cell);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(both_are_the_same_bytes_on_every_machine),
        cmocka_unit_test(what_was_written_is_read_again),
        cmocka_unit_test(what_is_cut_short_or_longer_than_it_says_is_refused),
        cmocka_unit_test(what_is_cut_short_has_no_last_cell),
        cmocka_unit_test(other_kinds_and_versions_are_refused),
        cmocka_unit_test(cells_lie_within_the_whole_and_there_are_some),
        cmocka_unit_test(more_bytes_than_the_cells_could_take_are_refused),
        cmocka_unit_test(a_cell_has_one_to_eight_choices_and_its_band_among_them),
        cmocka_unit_test(a_full_part_stands_without_what_has_no_room),
        cmocka_unit_test(what_was_shed_and_is_still_felt_is_told),
    };

    return cmocka_run_group_tests_name("wire/map_part", cases, NULL, NULL);
}
