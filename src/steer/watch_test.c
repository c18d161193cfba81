// SPDX-License-Identifier: Apache-2.0
/* Who watches what: one of each pop, evenly, and with little moving when nodes come and go. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/mem.h"
#include "steer/watch.h"

enum { POPS_MAX = 100, NODES_MAX = 400, NAME_SIZE = 16 };

/* Pops with nodes, and checks: one of each node, one of each pop's FTP, the rest of origins. */
struct world {
    struct network network;
    struct pop pops[POPS_MAX];
    struct node nodes[NODES_MAX];
    char names[NODES_MAX][NAME_SIZE];
    size_t node_count;
    struct check *list;
    struct checks checks;
    struct watch_table *table;
};

static void add_checks(struct world *w, size_t origins)
{
    size_t count = 0;

    w->list = mem_array(w->node_count + w->network.pop_count + origins + 1, sizeof *w->list);
    for (size_t i = 0; i < w->node_count; i++)
        w->list[count++] =
            (struct check){ .id = hash_bytes(w->nodes[i].name, 1), .node = &w->nodes[i] };
    for (size_t i = 0; i < w->network.pop_count; i++)
        w->list[count++] = (struct check){ .id = hash_mix(i + 1), .pop = &w->pops[i] };
    for (size_t i = 0; i < origins; i++)
        w->list[count++] = (struct check){ .id = hash_mix(i + 1000001) };
    for (size_t i = 0; i < count; i++)
        w->list[i].every = span_s(1);
    w->checks = (struct checks){ .list = w->list, .count = count };
    w->table = watch_table_new(&w->network, &w->checks);
}

/* `sizes`: nodes of each pop, ended by 0. */
static struct world *world_new(const size_t *sizes, size_t origins)
{
    struct world *w = mem_new(struct world);

    for (size_t p = 0; sizes[p] > 0; p++) {
        w->pops[p] = (struct pop){ .nodes = &w->nodes[w->node_count], .node_count = sizes[p] };
        for (size_t i = 0; i < sizes[p]; i++) {
            char *name = w->names[w->node_count];
            int length = snprintf(name, NAME_SIZE, "p%zu-n%zu", p, i);

            w->nodes[w->node_count++] =
                (struct node){ .name = { name, (size_t)length }, .pop = &w->pops[p] };
        }
        w->network.pop_count++;
    }
    w->network.pops = w->pops;
    add_checks(w, origins);
    return w;
}

static void world_free(struct world *w)
{
    watch_table_free(w->table);
    mem_free(w->list);
    mem_free(w);
}

static bool watches(const struct world *w, size_t check, size_t node)
{
    return watch_has(w->table, (uint32_t)check, hash_bytes(w->nodes[node].name, 0));
}

/* How many nodes of the pop watch it. */
static size_t watchers_in(const struct world *w, size_t check, const struct pop *pop)
{
    size_t count = 0;

    for (size_t i = 0; i < w->node_count; i++)
        count += w->nodes[i].pop == pop && watches(w, check, i);
    return count;
}

static size_t watchers_of(const struct world *w, size_t check)
{
    size_t count = 0;

    for (size_t p = 0; p < w->network.pop_count; p++)
        count += watchers_in(w, check, &w->pops[p]);
    return count;
}

static void up_to_five_nodes_all_watch_everything(void **)
{
    static const size_t SIZES[][POPS_MAX] = { { 1 }, { 1, 1, 1 }, { 5 }, { 4, 1 }, { 2, 2, 1 },
        { 1, 1, 1, 1, 1 } };

    for (size_t s = 0; s < COUNT_OF(SIZES); s++) {
        struct world *w = world_new(SIZES[s], 20);

        for (size_t check = 0; check < w->checks.count; check++)
            for (size_t i = 0; i < w->node_count; i++) {
                assert_true(watches(w, check, i));
                assert_int_equal(
                    watch_interval(w->table, (uint32_t)check, hash_bytes(w->nodes[i].name, 0)).ns,
                    span_s(1).ns);
            }
        world_free(w);
    }
}

static void five_groups_watch_where_there_are_as_many(void **)
{
    static const size_t SIZES[][POPS_MAX] = { { 3, 1, 4, 1, 5, 9 }, { 1, 1, 1, 1, 1, 1, 1, 1 },
        { 40, 1, 1, 1, 1, 1 } };

    for (size_t s = 0; s < COUNT_OF(SIZES); s++) {
        struct world *w = world_new(SIZES[s], 200);

        for (size_t check = 0; check < w->checks.count; check++) {
            assert_int_equal(watchers_of(w, check), WATCHERS);
            for (size_t p = 0; p < w->network.pop_count; p++)
                assert_in_range(watchers_in(w, check, &w->pops[p]), 0, 1);
        }
        world_free(w);
    }
}

static void with_fewer_pops_each_has_its_turn_before_any_has_another(void **)
{
    static const size_t SIZES[POPS_MAX] = { 10, 2, 10 };
    struct world *w = world_new(SIZES, 200);

    for (size_t check = w->node_count + w->network.pop_count; check < w->checks.count; check++) {
        assert_int_equal(watchers_of(w, check), WATCHERS);
        for (size_t p = 0; p < w->network.pop_count; p++)
            assert_in_range(watchers_in(w, check, &w->pops[p]), 1, 2);
    }
    world_free(w);
}

static void a_group_of_its_own_is_better_than_two_of_another(void **)
{
    static const size_t SIZES[POPS_MAX] = { 3, 3, 3, 3 };
    struct world *w = world_new(SIZES, 50);

    for (size_t check = 0; check < w->checks.count; check++)
        for (size_t p = 0; p < w->network.pop_count; p++)
            assert_in_range(watchers_in(w, check, &w->pops[p]), 1, 2);
    world_free(w);
}

static void a_pop_is_watched_by_others(void **)
{
    static const size_t MANY[POPS_MAX] = { 3, 3, 3, 3, 3, 3 }, TWO[POPS_MAX] = { 10, 10 };
    struct world *w = world_new(MANY, 0);

    for (size_t check = 0; check < w->checks.count; check++) {
        const struct check *c = &w->list[check];

        assert_int_equal(watchers_in(w, check, c->node != NULL ? c->node->pop : c->pop), 0);
    }
    world_free(w);
    w = world_new(TWO, 0);
    for (size_t check = 0; check < w->checks.count; check++) {
        const struct check *c = &w->list[check];

        assert_int_equal(watchers_in(w, check, c->node != NULL ? c->node->pop : c->pop), 2);
    }
    world_free(w);
}

static void no_node_watches_itself_where_five_others_can(void **)
{
    static const size_t SIZES[][POPS_MAX] = { { 6 }, { 1, 6 }, { 1, 1, 1, 1, 1, 1 }, { 3, 3 },
        { 1, 2, 2, 2, 2 } };

    for (size_t s = 0; s < COUNT_OF(SIZES); s++) {
        struct world *w = world_new(SIZES[s], 0);

        for (size_t i = 0; i < w->node_count; i++) {
            assert_false(watches(w, i, i));
            assert_int_equal(watchers_of(w, i), WATCHERS);
        }
        world_free(w);
    }
}

/* 200 nodes in 40 pops, 4,000 origins: 105 checks each, with a deviation of about ten. */
static void every_node_watches_about_as_many_as_any_other(void **)
{
    size_t sizes[POPS_MAX] = { 0 }, least = SIZE_MAX, most = 0;

    for (size_t p = 0; p < 40; p++)
        sizes[p] = p % 2 == 0 ? 1 : 9;
    struct world *w = world_new(sizes, 4000);

    assert_int_equal(w->node_count, 200);
    for (size_t i = 0; i < w->node_count; i++) {
        size_t watched = 0;

        for (size_t check = 0; check < w->checks.count; check++)
            watched += watches(w, check, i);
        least = watched < least ? watched : least;
        most = watched > most ? watched : most;
    }
    assert_in_range(least, 65, 106);
    assert_in_range(most, 106, 150);
    world_free(w);
}

/* Takes the pop's last node away, with its name, and the check of it. */
static void lose_node(struct world *w, const size_t *sizes, size_t pop, size_t origins)
{
    size_t gone = 0;

    for (size_t p = 0; p <= pop; p++)
        gone += sizes[p];
    gone--;
    memmove(&w->nodes[gone], &w->nodes[gone + 1], (w->node_count - gone - 1) * sizeof w->nodes[0]);
    w->node_count--;
    w->pops[pop].node_count--;
    for (size_t p = pop + 1; p < w->network.pop_count; p++)
        w->pops[p].nodes--;
    watch_table_free(w->table);
    mem_free(w->list);
    add_checks(w, origins);
}

/* The position in one world of what has the other's id there. */
static size_t find(const struct world *w, uint64_t id)
{
    for (size_t i = 0; i < w->checks.count; i++)
        if (w->list[i].id == id)
            return i;
    return SIZE_MAX;
}

/* Of the check, how many of the nodes in `after` watch it there and not in `before`. */
static size_t newcomers(
    const struct world *before, size_t was, const struct world *after, size_t is)
{
    size_t count = 0;

    for (size_t i = 0; i < after->node_count; i++)
        count += watches(after, is, i) &&
                 !watch_has(before->table, (uint32_t)was, hash_bytes(after->nodes[i].name, 0));
    return count;
}

static void a_node_that_leaves_gives_away_its_own_checks_alone(void **)
{
    static const size_t SIZES[][POPS_MAX] = { { 3, 1, 4, 1, 5, 9, 2, 6 }, { 4, 4 }, { 9 },
        { 1, 1, 1, 1, 1, 1, 1 }, { 2, 2, 7 } };

    for (size_t s = 0; s < COUNT_OF(SIZES); s++)
        for (size_t pop = 0; SIZES[s][pop] > 0; pop++) {
            struct world *before = world_new(SIZES[s], 100), *after = world_new(SIZES[s], 100);
            size_t moved = 0;

            lose_node(after, SIZES[s], pop, 100);
            for (size_t is = 0; is < after->checks.count; is++) {
                size_t was = find(before, after->list[is].id), kept = 0;

                for (size_t i = 0; i < after->node_count; i++)
                    kept += watches(after, is, i) && watch_has(before->table, (uint32_t)was,
                                                         hash_bytes(after->nodes[i].name, 0));
                assert_int_equal(kept + newcomers(before, was, after, is), WATCHERS);
                assert_int_equal(
                    newcomers(before, was, after, is), watchers_of(before, was) - kept);
                assert_in_range(WATCHERS - kept, 0, 1);
                moved += WATCHERS - kept;
            }
            assert_true(moved > 0 && moved < after->checks.count);
            world_free(before);
            world_free(after);
        }
}

static void who_does_not_watch_asks_seldom_but_within_ten_minutes(void **)
{
    static const int64_t CASES_MS[][2] = { { 100, 30000 }, { 1000, 30000 }, { 2000, 60000 },
        { 20000, 600000 }, { 60000, 600000 }, { 600000, 600000 }, { 3600000, 3600000 } };
    static const size_t SIZES[POPS_MAX] = { 1, 1, 1, 1, 1, 1 };

    for (size_t i = 0; i < COUNT_OF(CASES_MS); i++)
        assert_int_equal(watch_rest(span_ms(CASES_MS[i][0])).ns, span_ms(CASES_MS[i][1]).ns);
    struct world *w = world_new(SIZES, 0);

    for (size_t i = 0; i < w->node_count; i++)
        assert_int_equal(watch_interval(w->table, 0, hash_bytes(w->nodes[i].name, 0)).ns,
            span_s(watches(w, 0, i) ? 1 : 30).ns);
    world_free(w);
}

static void strangers_watch_nothing(void **)
{
    static const size_t SIZES[POPS_MAX] = { 2 };
    struct world *w = world_new(SIZES, 3);

    assert_false(watch_has(w->table, 0, hash_bytes(SLICE("stranger"), 0)));
    assert_false(watch_has(w->table, 0, 0));
    world_free(w);
}

/* How many probes a second a node of a large network sends. */
static void the_load_of_a_large_network_is_bounded(void **)
{
    size_t sizes[POPS_MAX] = { 0 };
    const size_t origins = 1000;
    double most = 0, sum = 0;
    struct timespec start, end;

    for (size_t p = 0; p < 40; p++)
        sizes[p] = 5;
    struct world *w = world_new(sizes, origins);

    watch_table_free(w->table);
    clock_gettime(CLOCK_MONOTONIC, &start);
    w->table = watch_table_new(&w->network, &w->checks);
    clock_gettime(CLOCK_MONOTONIC, &end);
    for (size_t i = 0; i < w->node_count; i++) {
        double rate = 0;

        for (uint32_t check = 0; check < w->checks.count; check++)
            rate +=
                1e9 / (double)watch_interval(w->table, check, hash_bytes(w->nodes[i].name, 0)).ns;
        sum += rate;
        most = fmax(most, rate);
    }
    print_message("# 200 nodes, %zu checks: %.0f probes/s a node if all watched; %.1f on average, "
                  "%.1f at most; table made in %.2f ms\n",
        w->checks.count, (double)w->checks.count, sum / 200, most,
        (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6);
    assert_true(sum / 200 < 75);
    assert_true(most < 100);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(up_to_five_nodes_all_watch_everything),
        cmocka_unit_test(five_groups_watch_where_there_are_as_many),
        cmocka_unit_test(with_fewer_pops_each_has_its_turn_before_any_has_another),
        cmocka_unit_test(a_group_of_its_own_is_better_than_two_of_another),
        cmocka_unit_test(a_pop_is_watched_by_others),
        cmocka_unit_test(no_node_watches_itself_where_five_others_can),
        cmocka_unit_test(every_node_watches_about_as_many_as_any_other),
        cmocka_unit_test(a_node_that_leaves_gives_away_its_own_checks_alone),
        cmocka_unit_test(who_does_not_watch_asks_seldom_but_within_ten_minutes),
        cmocka_unit_test(strangers_watch_nothing),
        cmocka_unit_test(the_load_of_a_large_network_is_bounded),
    };

    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
