// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "steer/share_world_test.h"

/* All parts, of so many bytes of cells at least; returns what became of the last. */
static enum share_taken tell(const struct share_world *w, struct share_taker *taker, size_t bytes)
{
    struct share_walk walk = share_walk_begin(w->rows, w->map);
    uint32_t total = share_size(w->rows, w->map).cells;
    enum share_taken taken = SHARE_MORE;
    char out[SHARE_ROOM];
    struct map_part part;

    for (;;) {
        struct slice told = share_write(&walk, total, out, MAP_PART_CELLS_AT + bytes);

        if (told.length == 0)
            return taken;
        assert_int_equal(taken, SHARE_MORE);
        assert_true(map_part_parse(told, &part));
        taken = share_take(taker, &part);
    }
}

static void take_over(struct share_world *w, const struct share_world *from)
{
    struct share_taker *taker = share_taker_new(w->rows, w->map, from->map->shared_hash);

    assert_int_equal(tell(from, taker, SHARE_ROOM - MAP_PART_CELLS_AT), SHARE_WHOLE);
    steer_map_free(w->map);
    w->map = share_taker_end(taker);
}

static void what_is_planned_of_facts_that_all_have_is_shared(void **)
{
    struct share_world w;

    share_world_init(&w, 0);
    for (uint32_t cell = 0; cell < SHARE_CELLS; cell++) {
        // By geography, where the clients are somewhere; else it is what this node measured.
        assert_true(share_covers(w.rows, share_row(&w, SITE_PAGES), cell) == (cell > 0));
        assert_true(share_covers(w.rows, share_row(&w, SITE_PAGE), cell));
        assert_false(share_covers(w.rows, share_row(&w, SITE_LISTED), cell));
        assert_false(share_covers(w.rows, share_row(&w, SITE_LONELY), cell));
    }
    w.list[SITE_PAGES].is_placed = false; // one of its targets is nowhere
    assert_false(share_covers(w.rows, share_row(&w, SITE_PAGES), 1));
    w.list[SITE_PAGES].is_placed = true;
    share_world_done(&w);
}

/* Whatever a node knows of latency for itself alone, and in whatever order it lists the pops. */
static void nodes_that_know_the_same_have_the_same_shared_hash(void **)
{
    struct share_world fra, sin;

    share_world_init(&fra, 0);
    share_world_init(&sin, 2);
    for (unsigned round = 0; round < 20; round++) {
        share_world_draw(&fra, round);
        share_world_draw(&sin, round);
        fra.facts[round % SHARE_CHECKS].own[REPORT_LATENCY] =
            (struct fact){ .value = 1000 * (1 + round), .sources = 1 };
        share_world_plan(&fra);
        share_world_plan(&sin);
        assert_true(fra.map->shared_hash == sin.map->shared_hash);
        assert_true(fra.map->shared_hash != 0);
    }
    share_world_done(&fra);
    share_world_done(&sin);
}

static void the_shared_hash_is_of_all_that_the_next_map_goes_on_from(void **)
{
    struct share_world w;

    share_world_init(&w, 0);
    share_world_plan(&w);
    struct steer_cell *own = share_cell(&w, SITE_PAGES, 0), *page = share_cell(&w, SITE_PAGE, 1);
    const struct steer_cell was_own = *own, was = *page;
    uint64_t hash = w.map->hash, shared = w.map->shared_hash;

    own->shed[0] = 9;
    share_seal(w.rows, w.map);
    assert_true(w.map->hash != hash && w.map->shared_hash == shared);
    *own = was_own;
    page->felt[1] = 9;
    share_seal(w.rows, w.map);
    assert_true(w.map->hash == hash && w.map->shared_hash != shared);
    *page = was;
    page->shed[1] = 9;
    share_seal(w.rows, w.map);
    assert_true(w.map->hash != hash && w.map->shared_hash != shared);
    *page = was;
    page->band++;
    share_seal(w.rows, w.map);
    assert_true(w.map->hash != hash && w.map->shared_hash != shared);
    *page = was;
    share_seal(w.rows, w.map);
    assert_true(w.map->hash == hash && w.map->shared_hash == shared);
    share_world_done(&w);
}

/* In parts of few cells each; what a node has for itself stays. */
static void what_one_tells_the_other_takes_over(void **)
{
    struct share_world fra, sin;

    share_world_init(&fra, 0);
    share_world_init(&sin, 2);
    for (unsigned round = 0; round < 20; round++) {
        share_world_draw(&fra, round);
        share_world_draw(&sin, round + 1000);
        share_world_plan(&fra);
        share_world_plan(&sin);
        struct steer_cell own = *share_cell(&sin, SITE_PAGES, 0);
        struct share_taker *taker = share_taker_new(sin.rows, sin.map, fra.map->shared_hash);

        assert_int_equal(tell(&fra, taker, 60 + 7 * round), SHARE_WHOLE);
        steer_map_free(sin.map);
        sin.map = share_taker_end(taker);
        assert_true(sin.map->shared_hash == fra.map->shared_hash);
        assert_memory_equal(share_cell(&sin, SITE_PAGES, 0), &own, sizeof own);
        assert_memory_equal(share_cell(&sin, SITE_PAGE, 1), share_cell(&fra, SITE_PAGE, 1),
            sizeof(struct steer_cell));
    }
    share_world_done(&fra);
    share_world_done(&sin);
}

/* From different maps before they plan differently, of the same facts; once. */
static void who_took_it_over_plans_the_same_from_then_on(void **)
{
    struct share_world fra, sin;
    unsigned apart = 0;

    share_world_init(&fra, 0);
    share_world_init(&sin, 2);
    for (unsigned round = 0; round < 50; round++) {
        share_world_draw(&fra, 2 * round);
        share_world_draw(&sin, 2 * round + 1);
        share_world_plan(&fra);
        share_world_plan(&sin);
        share_world_near(&fra, round);
        share_world_near(&sin, round);
        share_world_plan(&fra);
        share_world_plan(&sin);
        apart += fra.map->shared_hash != sin.map->shared_hash;
        take_over(&sin, &fra);
        for (unsigned epoch = 0; epoch < 3; epoch++) {
            share_world_near(&fra, round + epoch);
            share_world_near(&sin, round + epoch);
            share_world_plan(&fra);
            share_world_plan(&sin);
            assert_true(fra.map->shared_hash == sin.map->shared_hash);
        }
    }
    assert_true(apart > 10); // that there is something to be taken over
    share_world_done(&fra);
    share_world_done(&sin);
}

static void parts_come_in_their_order_and_the_first_begins_anew(void **)
{
    char first[SHARE_ROOM], second[SHARE_ROOM];
    struct map_part one, two;
    struct share_world w;

    share_world_init(&w, 0);
    share_world_plan(&w);
    struct share_size size = share_size(w.rows, w.map);
    struct share_walk walk = share_walk_begin(w.rows, w.map);
    struct share_taker *taker = share_taker_new(w.rows, w.map, w.map->shared_hash);
    const size_t room = MAP_PART_CELLS_AT + size.bytes / 2 + 4;

    assert_true(map_part_parse(share_write(&walk, size.cells, first, room), &one));
    assert_true(map_part_parse(share_write(&walk, size.cells, second, room), &two));
    assert_int_equal(one.count + two.count, size.cells);
    assert_int_equal(one.cells.length + two.cells.length, size.bytes);
    assert_int_equal(share_write(&walk, size.cells, (char[SHARE_ROOM]){ 0 }, room).length, 0);
    assert_int_equal(share_take(taker, &two), SHARE_PASSED);
    assert_int_equal(share_take(taker, &one), SHARE_MORE);
    assert_int_equal(share_take(taker, &one), SHARE_MORE);
    assert_int_equal(share_take(taker, &two), SHARE_WHOLE);
    steer_map_free(share_taker_end(taker));
    share_world_done(&w);
}

/* The whole in one part, changed by `spoil` before it is taken. */
static enum share_taken taken_spoilt(
    struct share_world *w, void (*spoil)(struct map_part *part, char *cells))
{
    char bytes[SHARE_ROOM];
    struct share_size size = share_size(w->rows, w->map);
    struct share_walk walk = share_walk_begin(w->rows, w->map);
    struct share_taker *taker = share_taker_new(w->rows, w->map, w->map->shared_hash);
    struct map_part part;

    assert_true(map_part_parse(share_write(&walk, size.cells, bytes, sizeof bytes), &part));
    spoil(&part, bytes + MAP_PART_CELLS_AT);
    enum share_taken taken = share_take(taker, &part);

    share_taker_free(taker);
    return taken;
}

static void nothing(struct map_part *part, char *cells)
{
    (void)part;
    (void)cells;
}

static void of_another_release(struct map_part *part, char *cells)
{
    (void)cells;
    part->release++;
}

static void of_another_map(struct map_part *part, char *cells)
{
    (void)cells;
    part->hash++;
}

static void of_more_cells(struct map_part *part, char *cells)
{
    (void)cells;
    part->total++;
}

static void cut_within_a_cell(struct map_part *part, char *cells)
{
    (void)cells;
    part->cells.length--;
}

static void with_more_behind(struct map_part *part, char *cells)
{
    (void)cells;
    part->cells.length++;
}

/* The first cell is of two origins; behind its six bytes are those of three pops. */
enum { ORIGINS_AT = 2, SHAPE_AT = 6, POPS_AT = 8 };

static void with_an_origin_that_is_none(struct map_part *part, char *cells)
{
    (void)part;
    cells[ORIGINS_AT + 1] = SHARE_ORIGINS;
}

static void with_a_choice_less(struct map_part *part, char *cells)
{
    assert_int_equal(cells[SHAPE_AT], SHARE_POPS);
    cells[SHAPE_AT] = SHARE_POPS - 1;
    part->cells.length -= 2;
}

static void with_a_pop_that_is_none(struct map_part *part, char *cells)
{
    (void)part;
    cells[POPS_AT + 1] = SHARE_POPS;
}

static void with_a_pop_far_from_any(struct map_part *part, char *cells)
{
    (void)part;
    cells[POPS_AT] = cells[POPS_AT + 1] = (char)0xff;
}

static void with_a_pop_twice(struct map_part *part, char *cells)
{
    (void)part;
    cells[POPS_AT + 1] = cells[POPS_AT + 3];
}

static void with_pops_exchanged(struct map_part *part, char *cells)
{
    char was = cells[POPS_AT + 1];

    (void)part;
    cells[POPS_AT + 1] = cells[POPS_AT + 3];
    cells[POPS_AT + 3] = was;
}

static void what_cannot_be_right_is_refused(void **)
{
    struct share_world w;

    share_world_init(&w, 0);
    share_world_plan(&w);
    assert_int_equal(taken_spoilt(&w, nothing), SHARE_WHOLE);
    assert_int_equal(taken_spoilt(&w, of_another_release), SHARE_PASSED);
    assert_int_equal(taken_spoilt(&w, of_another_map), SHARE_PASSED);
    assert_int_equal(taken_spoilt(&w, of_more_cells), SHARE_REFUSED);
    assert_int_equal(taken_spoilt(&w, cut_within_a_cell), SHARE_REFUSED);
    assert_int_equal(taken_spoilt(&w, with_more_behind), SHARE_REFUSED);
    assert_int_equal(taken_spoilt(&w, with_an_origin_that_is_none), SHARE_REFUSED);
    assert_int_equal(taken_spoilt(&w, with_a_choice_less), SHARE_REFUSED);
    assert_int_equal(taken_spoilt(&w, with_a_pop_that_is_none), SHARE_REFUSED);
    assert_int_equal(taken_spoilt(&w, with_a_pop_far_from_any), SHARE_REFUSED);
    assert_int_equal(taken_spoilt(&w, with_a_pop_twice), SHARE_REFUSED);
    assert_int_equal(taken_spoilt(&w, with_pops_exchanged), SHARE_REFUSED); // by the hash
    share_world_done(&w);
}

static void after_a_refusal_it_begins_anew(void **)
{
    struct share_world fra, sin;
    char bytes[SHARE_ROOM];
    struct map_part part;

    share_world_init(&fra, 0);
    share_world_init(&sin, 2);
    share_world_draw(&sin, 5);
    share_world_plan(&fra);
    share_world_plan(&sin);
    struct share_size size = share_size(fra.rows, fra.map);
    struct share_walk walk = share_walk_begin(fra.rows, fra.map);
    struct share_taker *taker = share_taker_new(sin.rows, sin.map, fra.map->shared_hash);

    assert_true(map_part_parse(share_write(&walk, size.cells, bytes, sizeof bytes), &part));
    with_pops_exchanged(&part, bytes + MAP_PART_CELLS_AT);
    assert_int_equal(share_take(taker, &part), SHARE_REFUSED);
    with_pops_exchanged(&part, bytes + MAP_PART_CELLS_AT);
    assert_int_equal(share_take(taker, &part), SHARE_WHOLE);
    share_taker_free(taker);
    share_world_done(&fra);
    share_world_done(&sin);
}

static void laid_over_a_map_its_own_cells_stay(void **)
{
    struct share_world w;

    share_world_init(&w, 0);
    share_world_draw(&w, 1);
    share_world_plan(&w);
    struct steer_map *from = steer_map_copy(w.map);
    struct steer_map *same = steer_map_copy(w.map);

    share_world_draw(&w, 2);
    w.facts[0].own[REPORT_LATENCY] = (struct fact){ .value = 99000, .sources = 1 };
    share_world_plan(&w);
    struct steer_cell own = *share_cell(&w, SITE_PAGES, 0);

    share_lay_over(w.rows, w.map, from);
    assert_true(w.map->shared_hash == from->shared_hash);
    assert_memory_equal(share_cell(&w, SITE_PAGES, 0), &own, sizeof own);
    share_seal(w.rows, same);
    assert_true(same->hash == from->hash); // a copy is the same map
    assert_int_equal(same->facts->count, from->facts->count);
    steer_map_free(from);
    steer_map_free(same);
    share_world_done(&w);
}

static void another_release_or_geography_is_another(void **)
{
    struct share_world w;

    share_world_init(&w, 0);
    uint64_t release = share_release(w.rows);

    w.geo.hash++;
    assert_true(share_release(w.rows) != release);
    w.geo.hash--;
    w.network.hash++;
    assert_true(share_release(w.rows) != release);
    share_world_done(&w);
}

static void most_choose_and_of_several_it_is_the_lowest_hash(void **)
{
    struct share_word most[] = { { 9, 5 }, { 4, 2 }, { 7, 5 }, { 8, 1 }, { 2, 5 }, { 1, 2 } };
    struct share_word tie[] = { { 9, 5 }, { 4, 8 }, { 7, 6 } };
    struct share_word pairs[] = { { 4, 8 }, { 3, 7 }, { 2, 8 }, { 1, 7 } };

    assert_int_equal(share_choose(most, 6), 3);
    assert_int_equal(most[0].hash, 5);
    assert_int_equal(most[0].node, 2); // asked first
    assert_int_equal(most[1].node, 7);
    assert_int_equal(most[2].node, 9);
    assert_int_equal(share_choose(tie, 3), 1);
    assert_int_equal(tie[0].hash, 5);
    assert_int_equal(share_choose(pairs, 4), 2);
    assert_int_equal(pairs[0].hash, 7);
    assert_int_equal(pairs[0].node, 1);
    assert_int_equal(share_choose(NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(what_is_planned_of_facts_that_all_have_is_shared),
        cmocka_unit_test(nodes_that_know_the_same_have_the_same_shared_hash),
        cmocka_unit_test(the_shared_hash_is_of_all_that_the_next_map_goes_on_from),
        cmocka_unit_test(what_one_tells_the_other_takes_over),
        cmocka_unit_test(who_took_it_over_plans_the_same_from_then_on),
        cmocka_unit_test(parts_come_in_their_order_and_the_first_begins_anew),
        cmocka_unit_test(what_cannot_be_right_is_refused),
        cmocka_unit_test(after_a_refusal_it_begins_anew),
        cmocka_unit_test(laid_over_a_map_its_own_cells_stay),
        cmocka_unit_test(another_release_or_geography_is_another),
        cmocka_unit_test(most_choose_and_of_several_it_is_the_lowest_hash),
    };

    return cmocka_run_group_tests_name("steer/share", cases, NULL, NULL);
}
