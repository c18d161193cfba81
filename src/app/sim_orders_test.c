// SPDX-License-Identifier: Apache-2.0
/* Orders in a simulated world of twenty nodes: what visitors meet after a purge, wherever it was
 * given, and what becomes of a node that was away. */
#include "app/sim_orders_test.h"

#include <sys/mman.h>
#include <unistd.h>

#include "app/hearing.h"

/* One visitor of each node. */
static void ask_all(struct world *w, struct ask asks[TWENTY_NODES], const char *path)
{
    for (size_t i = 0; i < TWENTY_NODES; i++) {
        ask_start(w, &asks[i], path, "");
        asks[i].node = ip_v4(10, 0, 0, (uint8_t)(i + 1));
    }
    world_wait(w, asks, TWENTY_NODES);
}

/* What Cache-Status says of each. */
static void all_have(const struct ask asks[TWENTY_NODES], const char *how)
{
    for (size_t i = 0; i < TWENTY_NODES; i++)
        if (!ask_has(&asks[i], how))
            fail_msg("node %zu: not \"%s\"\n%s", i, how, asks[i].fields);
}

static void a_purge_given_at_one_node_reaches_all(void **)
{
    struct figures f = { .list = mem_array(FIGURES_MAX, sizeof(int64_t)) };

    for (uint64_t seed = 1; seed <= few_seeds(); seed++) {
        struct world *w = twenty(seed);
        struct ask asks[TWENTY_NODES];

        ask_all(w, asks, "/kept/1000");
        ask_all(w, asks, "/kept/1000");
        all_have(asks, "hit");
        ask_all(w, asks, "/kept/2000");
        size_t giver = (size_t)sim_draw(w->sim, TWENTY_NODES);
        uint64_t number = give(w, giver, ORDER_PURGE_URL, "/kept/1000");

        figures_add(&f, time_until_all_have(w, number).ns / 1000);
        ask_all(w, asks, "/kept/2000");
        all_have(asks, "hit");
        ask_all(w, asks, "/kept/1000");
        all_have(asks, "fwd=uri-miss");
        ask_all(w, asks, "/kept/1000");
        all_have(asks, "hit");
        world_close(w);
    }
    assert_true(figures_tell(&f, "us until all nodes have a purge") <= 100000);
    mem_free(f.list);
}

static void each_node_knows_which_others_have_it(void **)
{
    struct world *w = twenty(1);

    cut_from_log(w, AWAY, true);
    uint64_t number = give(w, 0, ORDER_PURGE_SITE, "");

    sim_run_for(w->sim, span_ms(500));
    const struct orders_kept *newest = orders_newest(w->orders[1], 0);

    assert_true(newest->number == number);
    for (size_t i = 0; i < TWENTY_NODES; i++) {
        struct wall at = orders_receipt(
            w->orders[1], hash_bytes(w->nodes[i]->name, 0), newest->era, newest->number);

        assert_int_equal(at.ms != 0, i != AWAY);
    }
    cut_from_log(w, AWAY, false);
    sim_run_for(w->sim, span_s(3));
    assert_true(orders_receipt(
                    w->orders[1], hash_bytes(w->nodes[AWAY]->name, 0), newest->era, newest->number)
                    .ms != 0);
    world_close(w);
}

static uint64_t applied(const struct world *w, size_t node)
{
    return counter_read(&orders_counts(w->orders[node])->applied);
}

static void a_node_that_was_away_applies_what_it_missed_once_and_in_order(void **)
{
    for (uint64_t seed = 1; seed <= few_seeds(); seed++) {
        struct world *w = twenty(seed);
        struct ask asks[TWENTY_NODES], ask;

        ask_all(w, asks, "/kept/1000");
        cut_from_log(w, AWAY, true);
        give(w, 0, ORDER_DRAIN_POP, "gru");
        give(w, 1, ORDER_PURGE_URL, "/kept/1000");
        give(w, 2, ORDER_UNDRAIN_POP, "gru");
        uint64_t number = give(w, 3, ORDER_DRAIN_POP, "sin");

        sim_run_for(w->sim, span_s(2));
        assert_int_equal(position_of(w, AWAY), 0);
        assert_true(orders_is_behind(w->orders[AWAY]));
        unsigned asked = w->origins[0].not_modified;

        ask_one(w, &ask, AWAY, "/kept/1000"); // it may have been purged, so the origin is asked
        assert_whole(&ask, 1000);
        assert_int_equal(w->origins[0].not_modified, asked + 1);
        cut_from_log(w, AWAY, false);
        time_until_all_have(w, number);
        sim_run_for(w->sim, span_ms(100));
        assert_int_equal(applied(w, AWAY), 4);
        assert_int_equal(applied(w, 0), 4);
        assert_false(orders_is_behind(w->orders[AWAY]));
        assert_false(has_drained(w, AWAY, DRAIN_POP, "gru"));
        assert_true(has_drained(w, AWAY, DRAIN_POP, "sin"));
        ask_one(w, &ask, AWAY, "/kept/1000");
        assert_true(ask_has(&ask, "fwd=uri-miss"));
        assert_int_equal(counter_read(&orders_counts(w->orders[AWAY])->gaps), 0);
        world_close(w);
    }
}

static void an_order_of_a_node_that_is_cut_off_is_refused_and_never_comes(void **)
{
    struct world *w = twenty(1);

    cut_from_log(w, AWAY, true);
    struct giving g = give_marked(w, AWAY, ORDER_DRAIN_POP, "fra", 1);

    assert_true(g.err != ERR_NONE);
    cut_from_log(w, AWAY, false);
    sim_run_for(w->sim, span_s(5));
    for (size_t i = 0; i < TWENTY_NODES; i++)
        assert_int_equal(applied(w, i), 0);
    world_close(w);
}

static void the_same_order_given_twice_is_applied_once(void **)
{
    struct world *w = twenty(1);

    give_marked(w, 0, ORDER_DRAIN_POP, "fra", 77);
    give(w, 0, ORDER_UNDRAIN_POP, "fra");
    give_marked(w, 5, ORDER_DRAIN_POP, "fra", 77);
    sim_run_for(w->sim, span_s(1));
    for (size_t i = 0; i < TWENTY_NODES; i++) {
        assert_int_equal(applied(w, i), 2);
        assert_false(has_drained(w, i, DRAIN_POP, "fra"));
    }
    world_close(w);
}

static void what_is_lost_for_good_makes_all_stale_at_that_node_alone(void **)
{
    struct world *w = twenty(1);
    struct ask asks[TWENTY_NODES];
    struct bus_user *user = steering_bus_user(w->steering[AWAY]);

    ask_all(w, asks, "/kept/1000");
    unsigned asked = w->origins[0].not_modified;

    user->ops->order_gap(user, 99, 1000);
    assert_int_equal(position_of(w, AWAY), 999);
    ask_all(w, asks, "/kept/1000");
    assert_int_equal(w->origins[0].not_modified, asked + 1);
    assert_true(ask_has(&asks[AWAY], "fwd=stale"));
    assert_true(ask_has(&asks[0], "hit"));
    ask_all(w, asks, "/kept/1000");
    all_have(asks, "hit");
    world_close(w);
}

/* How often the text stands in what was logged. */
static unsigned logged(const struct world *w, const char *text)
{
    static char log[1 << 16];
    ssize_t length = pread(w->log.fd, log, sizeof log - 1, 0);
    unsigned count = 0;

    assert_true(length >= 0);
    log[length] = '\0';
    for (const char *at = log; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static void a_node_that_lost_a_drain_for_good_says_that_it_differs(void **)
{
    struct world *w = twenty(1);
    struct bus_user *user = steering_bus_user(w->steering[AWAY]);

    log_init(&w->log, memfd_create("log", 0), LOG_WARNING);
    give(w, 0, ORDER_DRAIN_POP, "fra");
    sim_run_for(w->sim, span_s(1));
    cut_from_log(w, AWAY, true);
    give(w, 0, ORDER_DRAIN_POP, "gru");
    sim_run_for(w->sim, span_s(1));
    assert_int_equal(logged(w, "drains_differ"), 0);
    user->ops->order_gap(user, orders_position(w->orders[0]).era, 3);
    assert_int_equal(position_of(w, AWAY), 2);
    give(w, 0, ORDER_DRAIN_POP, "fra"); // nothing, but a number by which all are heard again
    cut_from_log(w, AWAY, false);
    sim_run_for(w->sim, span_s(5));
    unsigned said = logged(w, "drains_differ node=nyc3 ");

    assert_in_range(said, 1, 2); // after each order, whichever of the others it hears first
    assert_int_equal(logged(w, "drains_differ"), said);
    close(w->log.fd);
    log_init(&w->log, -1, LOG_ERROR);
    world_close(w);
}

/* Its answer is what was purged, so it is shown to those who wait for it, and kept for nobody. */
static void a_fill_that_began_before_a_purge_is_not_kept(void **)
{
    struct world *w = twenty(1);
    struct ask before[2], after;

    w->origins[0].thinks = span_s(1);
    ask_start(w, &before[0], "/kept/1000", "");
    ask_start(w, &before[1], "/kept/1000", "");
    sim_run_for(w->sim, span_ms(300));
    unsigned asked = w->origins[0].requests;

    give(w, 9, ORDER_PURGE_PREFIX, "/kept/");
    sim_run_for(w->sim, span_ms(100));
    ask_one(w, &after, 0, "/kept/1000");
    world_wait(w, before, 2);
    assert_whole(&before[0], 1000);
    assert_whole(&after, 1000);
    assert_int_equal(w->origins[0].requests, asked + 1);
    ask_one(w, &after, 0, "/kept/1000");
    assert_true(ask_has(&after, "hit"));
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_purge_given_at_one_node_reaches_all),
        cmocka_unit_test(each_node_knows_which_others_have_it),
        cmocka_unit_test(a_node_that_was_away_applies_what_it_missed_once_and_in_order),
        cmocka_unit_test(an_order_of_a_node_that_is_cut_off_is_refused_and_never_comes),
        cmocka_unit_test(the_same_order_given_twice_is_applied_once),
        cmocka_unit_test(what_is_lost_for_good_makes_all_stale_at_that_node_alone),
        cmocka_unit_test(a_node_that_lost_a_drain_for_good_says_that_it_differs),
        cmocka_unit_test(a_fill_that_began_before_a_purge_is_not_kept),
    };

    return cmocka_run_group_tests_name("app/sim_orders", cases, NULL, NULL);
}
