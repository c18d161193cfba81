// SPDX-License-Identifier: Apache-2.0
/* What holds for every log of orders, whatever is below: each case runs on all back ends. */
#include "bus/follower_test.h"

static const enum world_kind KINDS[] = { LOCAL_REAL, LOCAL_SIMULATED, LOCAL_FILE, NATS_REAL };

#define ON(case, name, at)                                              \
    {                                                                   \
#case " " name, case, NULL, NULL, (void *)(uintptr_t)&KINDS[at] \
    }
#define ON_ALL(case) \
    ON(case, "local", 0), ON(case, "simulated", 1), ON(case, "in a file", 2), ON(case, "nats", 3)

static struct follower A, B;

static struct world *world_of(void **state)
{
    return world_new(*(const enum world_kind *)*state);
}

static void world_end(struct world *w)
{
    follower_close(&A);
    follower_close(&B);
    world_free(w);
}

static void an_order_comes_to_all_and_to_who_gave_it(void **state)
{
    struct world *w = world_of(state);

    follower_start(&A, w, "a", 0, 0);
    follower_start(&B, w, "b", 0, 0);
    assert_int_equal(follower_give(&A, w, 1, "first"), 1);
    assert_int_equal(follower_give(&B, w, 2, "second"), 2);
    follower_hear(&A, w, 2);
    follower_hear(&B, w, 2);
    assert_order(&A, 0, 1, "first");
    assert_order(&A, 1, 2, "second");
    assert_order(&B, 0, 1, "first");
    assert_order(&B, 1, 2, "second");
    assert_int_equal(A.told[0].era, B.told[1].era);
    assert_int_equal(A.answers[0].era, A.told[0].era);
    assert_int_equal(counter_read(&bus_counts(A.bus)->orders_told), 2);
    assert_int_equal(counter_read(&bus_counts(A.bus)->orders_given), 1);
    assert_int_equal(counter_read(&bus_counts(A.bus)->orders_refused), 0);
    world_end(w);
}

static void orders_of_all_have_one_numbering_without_gap(void **state)
{
    struct world *w = world_of(state);

    follower_start(&A, w, "a", 0, 0);
    follower_start(&B, w, "b", 0, 0);
    for (unsigned i = 0; i < 60; i++) {
        follower_ask(&A, 2 * i, "of a");
        follower_ask(&B, 2 * i + 1, "of b");
    }
    follower_hear(&A, w, 120);
    follower_hear(&B, w, 120);
    for (size_t i = 0; i < 120; i++) {
        assert_order(&A, i, i + 1, A.told[i].text);
        assert_order(&B, i, i + 1, A.told[i].text); // the same for both
    }
    follower_answer(&A, w);
    for (size_t i = 1; i < 60; i++)
        assert_true(A.answers[i].number > A.answers[i - 1].number); // as they were given
    world_end(w);
}

static void the_same_id_is_in_the_log_once(void **state)
{
    struct world *w = world_of(state);

    follower_start(&A, w, "a", 0, 0);
    follower_start(&B, w, "b", 0, 0);
    assert_int_equal(follower_give(&A, w, 7, "once"), 1);
    assert_int_equal(follower_give(&A, w, 7, "once"), 1); // the number that it has
    assert_int_equal(follower_give(&B, w, 7, "once"), 1);
    assert_int_equal(follower_give(&B, w, 8, "another"), 2);
    follower_hear(&A, w, 2);
    world_settle(w);
    follower_hear(&A, w, 2);
    assert_order(&A, 0, 1, "once");
    assert_order(&A, 1, 2, "another");
    world_end(w);
}

static void the_same_id_is_in_the_log_once_though_both_waited(void **state)
{
    struct world *w = world_of(state);

    follower_start(&A, w, "a", 0, 0);
    follower_start(&B, w, "b", 0, 0);
    follower_ask(&A, 6, "written first"); // and while it is:
    follower_ask(&A, 7, "once");
    follower_ask(&B, 7, "once");
    follower_answer(&A, w);
    uint64_t number = follower_answer(&B, w)->number;

    assert_int_equal(A.answers[1].number, number);
    follower_hear(&A, w, 2);
    assert_int_equal(follower_give(&A, w, 8, "another"), 3);
    follower_hear(&A, w, 3);
    world_end(w);
}

static void who_comes_later_is_told_all_from_where_it_stopped(void **state)
{
    struct world *w = world_of(state);
    char text[24];

    follower_start(&A, w, "a", 0, 0);
    for (unsigned i = 1; i <= 200; i++) {
        snprintf(text, sizeof text, "%u", i);
        follower_give(&A, w, i, text);
    }
    follower_hear(&A, w, 200);
    uint64_t era = A.told[0].era;

    follower_start(&B, w, "b", 0, 0);
    follower_hear(&B, w, 200); // up to date means that all was told
    assert_order(&B, 0, 1, "1");
    assert_order(&B, 199, 200, "200");
    follower_close(&B);
    follower_start(&B, w, "b", era, 150);
    follower_hear(&B, w, 50);
    assert_order(&B, 0, 151, "151");
    assert_order(&B, 49, 200, "200");
    follower_close(&B);
    follower_start(&B, w, "b", era, 200);
    world_settle(w);
    assert_int_equal(B.told_count, 0);
    follower_give(&A, w, 201, "next");
    follower_hear(&B, w, 1);
    assert_order(&B, 0, 201, "next");
    world_end(w);
}

static void a_place_in_another_log_is_told_as_a_gap(void **state)
{
    struct world *w = world_of(state);

    follower_start(&A, w, "a", 0, 0);
    follower_give(&A, w, 1, "one");
    follower_give(&A, w, 2, "two");
    uint64_t era = A.answers[0].era;

    follower_start(&B, w, "b", era - 1, 50);
    follower_hear(&B, w, 3);
    assert_int_equal(B.told[0].kind, TOLD_GAP);
    assert_int_equal(B.told[0].era, era);
    assert_int_equal(B.told[0].number, 1);
    assert_order(&B, 1, 1, "one");
    assert_order(&B, 2, 2, "two");
    assert_int_equal(counter_read(&bus_counts(B.bus)->order_gaps), 1);
    world_end(w);
}

static void a_log_that_lost_its_end_is_told_as_a_gap_back(void **state)
{
    struct world *w = world_of(state);

    follower_start(&A, w, "a", 0, 0);
    follower_give(&A, w, 1, "one");
    uint64_t era = A.answers[0].era;

    follower_start(&B, w, "b", era, 7); // told to it by a log that was longer
    follower_give(&A, w, 2, "two");
    follower_hear(&B, w, 2);
    assert_int_equal(B.told[0].kind, TOLD_GAP);
    assert_int_equal(B.told[0].number, 2);
    assert_order(&B, 1, 2, "two");
    world_end(w);
}

static void an_order_of_the_greatest_size_comes_whole(void **state)
{
    struct world *w = world_of(state);
    char *text = mem_alloc(BUS_ORDER_MAX + 1);

    memset(text, 'x', BUS_ORDER_MAX);
    follower_start(&A, w, "a", 0, 0);
    follower_give(&A, w, 1, text);
    follower_hear(&A, w, 1);
    assert_int_equal(A.told[0].length, BUS_ORDER_MAX);
    mem_free(text);
    world_end(w);
}

static void orders_beyond_those_that_may_wait_are_refused_at_once(void **state)
{
    struct world *w = world_of(state);

    follower_start(&A, w, "a", 0, 0);
    for (unsigned i = 0; i < BUS_ORDERS_WAITING_MAX + 5; i++)
        follower_ask(&A, i, "many"); // no loop turns meanwhile
    assert_int_equal(A.answer_count, 5);
    assert_int_equal(A.answers[0].err, ERR_LIMIT);
    assert_int_equal(A.answers[0].ticket, BUS_ORDERS_WAITING_MAX + 1);
    follower_hear(&A, w, BUS_ORDERS_WAITING_MAX);
    world_until(w, is_counted, &(struct counted){ &A.answer_count, BUS_ORDERS_WAITING_MAX + 5 });
    assert_int_equal(counter_read(&bus_counts(A.bus)->orders_refused), 5);
    assert_int_equal(counter_read(&bus_counts(A.bus)->orders_given), BUS_ORDERS_WAITING_MAX);
    world_end(w);
}

static void a_bus_may_go_with_orders_under_way(void **state)
{
    struct world *w = world_of(state);

    follower_start(&A, w, "a", 0, 0);
    follower_start(&B, w, "b", 0, 0);
    for (unsigned i = 0; i < 50; i++)
        follower_ask(&A, i, "on its way");
    follower_close(&A);
    world_settle(w);
    assert_int_equal(A.answer_count, 0); // calls back no more
    follower_give(&B, w, 100, "goes on");
    world_end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(an_order_comes_to_all_and_to_who_gave_it),
        ON_ALL(orders_of_all_have_one_numbering_without_gap),
        ON_ALL(the_same_id_is_in_the_log_once),
        ON_ALL(the_same_id_is_in_the_log_once_though_both_waited),
        ON_ALL(who_comes_later_is_told_all_from_where_it_stopped),
        ON_ALL(a_place_in_another_log_is_told_as_a_gap),
        ON_ALL(a_log_that_lost_its_end_is_told_as_a_gap_back),
        ON_ALL(an_order_of_the_greatest_size_comes_whole),
        ON_ALL(orders_beyond_those_that_may_wait_are_refused_at_once),
        ON_ALL(a_bus_may_go_with_orders_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
